#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does what a maintainer does with a series before reading it: apply the patches
# to a clean tree, one after the other, and after each of them build, check and
# test. Documentation/submitting-patches.rst describes it.
#
# The scripts that build, check and test are those of the patched tree, so that a
# patch that changes these scripts is tested with its own version of them.
#
# "git rebase -x" runs one command for each commit as well, but it stops at the first commit
# that fails, and never applies a patch from its mail. b4 sends a series and fetches one from
# a list; it builds and tests nothing, and this tree has no list whose archive it could read.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

# The columns of the table, in this order.
readonly STEPS='apply style build check tests'

BASE=
TIP=
TESTS=quick
OUTPUT=
SUBJECT=
VERSION=
SKIP=' '
WORK=
LOGS=
CHILD=			# process group of the step that runs
FAILED=0
declare -A CELL=()

usage()
{
	cat <<'USAGE'
Usage: review.sh [--tests WHAT] [--skip STEP]... [-o DIR [-s TEXT] [-v N]] [BASE]

Applies the patches of BASE..HEAD to a clean tree, one after the other, and after
each: style (check.sh -t commits), build, check (scripts/check.sh), tests.
Prints a table. Without BASE: where this branch left its upstream, or else main.

  -t, --tests WHAT   quick (default): the tests in C, which need no lab
                     all: the whole suite; or names, separated by commas
      --skip STEP    leave out style, build, check or tests; may repeat
  -o, --output DIR   also write the series there, with a cover letter and the
                     recipients that MAINTAINERS names, for git send-email
  -s, --subject TEXT subject of the cover letter; default: the first line of the
                     branch's description, or else its name
  -v, --version N    it is the Nth version of the series
  -h, --help         this text

Environment: KSRC=DIR, the kernel tree that checkpatch.pl and get_maintainer.pl
come from, and the build.

Examples:
  scripts/review.sh
  scripts/review.sh --tests ping,ping_test HEAD~3
  scripts/review.sh -o /tmp/outgoing -s 'samples: ping: count bytes' main

Exit status: 0 every patch is good, 1 one is not, 2 usage, 3 a tool is missing.
USAGE
}

# need_arg OPTION COUNT: exit if no argument follows OPTION. COUNT words are left, with OPTION.
need_arg()
{
	[ "$2" -gt 1 ] || usage_error "option $1 needs an argument"
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-t | --tests) need_arg "$1" $#; TESTS=$2; shift ;;
		--skip)
			need_arg "$1" $#
			case $2 in
			style | build | check | tests) SKIP+="$2 " ;;
			*) usage_error "there is no step $2" ;;
			esac
			shift
			;;
		-o | --output) need_arg "$1" $#; OUTPUT=$(realpath -m "$2"); shift ;;
		-s | --subject) need_arg "$1" $#; SUBJECT=$2; shift ;;
		-v | --version) need_arg "$1" $#; VERSION=$2; shift ;;
		-h | --help) usage; exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*)
			[ -z "$BASE" ] || usage_error "more than one BASE: $1"
			BASE=$1
			;;
		esac
		shift
	done
	[[ ${VERSION:-1} =~ ^[1-9][0-9]*$ ]] || usage_error "no version: $VERSION"
}

# find_base: set TIP to HEAD, and BASE to the commit on which the series starts.
find_base()
{
	local from=$BASE

	[ -n "$from" ] || from=$(git rev-parse -q --verify --abbrev-ref '@{upstream}') || from=main
	git rev-parse -q --verify "$from^{commit}" >/dev/null ||
		usage_error "no such commit: $from"
	# The branch may move on while we work.
	TIP=$(git rev-parse HEAD)
	BASE=$(git merge-base "$from" "$TIP") || die 1 "$from and HEAD have nothing in common"
	[ "$BASE" != "$TIP" ] ||
		die 1 "no patch between $from and HEAD" "give a BASE: $0 HEAD~3"
	[ -z "$(git log --merges --oneline "$BASE..$TIP")" ] ||
		die 1 "there is a merge between $from and HEAD" "git rebase $from"
	[ -z "$(git status --porcelain --untracked-files=no)" ] ||
		note "what is not committed is not part of the series"
}

skipped()
{
	[[ $SKIP == *" $1 "* ]]
}

# --- the steps: they run in $WORK/tree, and get the file of the patch -----------

step_apply()
{
	git -c user.name=review -c user.email=review@localhost -c core.hooksPath=/dev/null \
		am --quiet "$1" || { git am --abort; return 1; }
}

step_style()
{
	./scripts/check.sh -t commits HEAD~1
}

step_build()
{
	make -j "$(nproc)" WERROR=1 O="$WORK/out"
}

# BASE=HEAD: check the tree only, because step_style has checked the commit.
step_check()
{
	O=$WORK/out BASE=HEAD ./scripts/check.sh
}

# test_names: print the tests that --tests means in this tree.
test_names()
{
	case $TESTS in
	all) ;;
	quick) ./selftests/run.sh --list | grep '_test$' ;;
	*) tr ',' '\n' <<<"$TESTS" ;;
	esac
}

step_tests()
{
	local -a names args=()
	local name

	mapfile -t names < <(test_names)
	for name in "${names[@]}"; do
		args+=(-t "$name")
	done
	O=$WORK/out ./selftests/run.sh --no-build "${args[@]}"
}

# --- the table ---------------------------------------------------------------

progress()
{
	[ ! -t 2 ] || printf '\r\033[K%s' "$1" >&2
}

# row NUMBER COUNT: print the line of a patch in the table.
row()
{
	local step

	progress ""
	for step in $STEPS; do
		printf '%-6s ' "${CELL[$step]}"
	done
	printf '%s/%s %s\n' "$1" "$2" "${SUBJECTS[$1 - 1]}"
}

# try NUMBER STEP PATCH: run a step, and note the result; its output is in $LOGS. The step
# runs in the background, so that we handle a signal at once, and in a process group of its
# own, so that clean_up can end all of it.
try()
{
	local log=$LOGS/$1-$2.log status=0

	progress "patch $1/${#PATCHES[@]}: $2"
	set -m
	(cd "$WORK/tree" && "step_$2" "$3") >"$log" 2>&1 </dev/null &
	CHILD=$!
	set +m
	wait "$CHILD" || status=$?
	CHILD=
	if [ "$status" -eq 0 ]; then
		CELL[$2]=ok
		rm "$log"
	else
		CELL[$2]=FAIL
		FAILED=$((FAILED + 1))
	fi
}

# review NUMBER PATCH: run all steps of a patch; stop if the patch does not apply.
review()
{
	local step

	for step in $STEPS; do
		CELL[$step]=-
	done
	try "$1" apply "$2"
	[ "${CELL[apply]}" = ok ] || return 0
	for step in style build check tests; do
		if skipped "$step" || { [ "$step" = tests ] && [ "${CELL[build]}" = FAIL ]; }; then
			continue
		fi
		try "$1" "$step" "$2"
	done
}

table()
{
	local i

	# shellcheck disable=SC2086 # a list of words
	printf '%-6s %-6s %-6s %-6s %-6s patch\n' $STEPS | tee "$WORK/table"
	for ((i = 0; i < ${#PATCHES[@]}; i++)); do
		review $((i + 1)) "${PATCHES[i]}"
		row $((i + 1)) ${#PATCHES[@]} | tee -a "$WORK/table"
		[ "${CELL[apply]}" = ok ] || break
	done
}

# --- the series --------------------------------------------------------------

# recipients OPTION...: print whom get_maintainer.pl names for all patches.
recipients()
{
	perl "$KSRC/scripts/get_maintainer.pl" --no-tree --no-git --no-git-fallback \
		--no-rolestats "$@" "${PATCHES[@]}" 2>/dev/null | sort -u
}

# description LINES: print these lines of the branch's description.
description()
{
	git config "branch.$(git branch --show-current).description" | sed -n "$1p" || :
}

# cover FILE: fill in the cover letter that git format-patch has made.
cover()
{
	local subject=$SUBJECT line

	[ -n "$subject" ] || subject=$(description 1)
	[ -n "$subject" ] || subject=$(git branch --show-current)
	{
		# shellcheck disable=SC2016 # $ is of sed
		description '2,$'
		printf '\nEach patch, by scripts/review.sh (tests: %s):\n\n' "$TESTS"
		sed 's/^/  /' "$WORK/table"
	} | sed '/./,$!d' >"$WORK/blurb"
	while IFS= read -r line; do
		case $line in
		'*** BLURB HERE ***') cat "$WORK/blurb" ;;
		*) printf '%s\n' "${line/'*** SUBJECT HERE ***'/"${subject:-series}"}" ;;
		esac
	done <"$1" >"$WORK/cover"
	mv "$WORK/cover" "$1"
}

# write_series: write the patches, with recipients and cover letter, into $OUTPUT.
write_series()
{
	local -a args=(--quiet --output-directory "$OUTPUT" --base="$BASE")
	local address

	[ ${#PATCHES[@]} -eq 1 ] || args+=(--cover-letter)
	[ -z "$VERSION" ] || args+=(--reroll-count="$VERSION")
	while read -r address; do
		args+=(--to="$address")
	done < <(recipients --no-l)
	while read -r address; do
		args+=(--cc="$address")
	done < <(recipients --no-m --no-r)
	git format-patch "${args[@]}" "$BASE..$TIP"
	[ ${#PATCHES[@]} -eq 1 ] || cover "$OUTPUT"/*0000-cover-letter.patch
	echo "series: $OUTPUT (read it, then: git send-email $OUTPUT/*.patch)"
}

# --- main --------------------------------------------------------------------

clean_up()
{
	trap '' INT TERM HUP
	if [ -n "$CHILD" ]; then
		kill -TERM -- "-$CHILD" 2>/dev/null || :
		wait "$CHILD" 2>/dev/null || :
	fi
	[ ! -d "$WORK/tree" ] || git worktree remove --force "$WORK/tree" >/dev/null 2>&1 || :
	rm -rf "$WORK"
	[ "$FAILED" -gt 0 ] || rm -rf "$LOGS"
}

main()
{
	local tool

	options "$@"
	for tool in git perl make; do
		have "$tool" || die 3 "$tool is missing" "scripts/setup.sh --all"
	done
	cd "$NETBPF_TOP"
	git rev-parse -q --git-dir >/dev/null || die 1 "this tree is not in git"
	KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || exit 3
	export KSRC
	unset O MAKEFLAGS
	find_base

	WORK=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-review.XXXXXX")
	# Some tests run as another user, who must be able to enter.
	chmod 755 "$WORK"
	LOGS=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-review-log.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	git format-patch --quiet --output-directory "$WORK/patches" "$BASE..$TIP"
	PATCHES=("$WORK"/patches/*.patch)
	mapfile -t SUBJECTS < <(git log --reverse --format=%s "$BASE..$TIP")
	git worktree add --quiet --detach "$WORK/tree" "$BASE"

	table
	[ -z "$OUTPUT" ] || write_series
	if [ "$FAILED" -gt 0 ]; then
		note "what failed is in $LOGS:"
		printf '  %s\n' "$LOGS"/* >&2
		exit 1
	fi
}

main "$@"
