#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the checks that a reviewer would do before reading: style of files and of
# commits, scripts, byte order, memory, pages, kernel-doc, spelling, licences.
# Prints one line for each check. scripts/check/exceptions lists the exceptions
# and their reasons.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

# shellcheck source=scripts/check/commits.sh
. "$NETBPF_TOP/scripts/check/commits.sh"

# One line for each check, in the order in which they run: its name, the command that it
# needs, the package of the command.
readonly CHECKS='build make make
checkpatch perl perl
commits perl perl
shellcheck shellcheck shellcheck
size awk mawk
sparse sparse sparse
analyzer gcc gcc
kernel-doc perl perl
docutils rst2man python3-docutils
sphinx sphinx-build python3-sphinx
codespell codespell codespell
SPDX git git
samples sed sed'

BASE=${BASE:-}
SELECTED=' '
LOG=
SAID=			# what a check looked at
FAILED=0

usage()
{
	cat <<'USAGE'
Usage: check.sh [-t NAME]... [BASE]

Checks the tree, and the commits since BASE: checkpatch (--strict), shellcheck,
the messages of the commits, that functions have less than 60 lines, sparse,
gcc's analyzer, kernel-doc, docutils, Sphinx, codespell, that each file has its
SPDX line, and that each sample has its page and its tests. Builds the tree first, for the headers that are made.
Zero findings is the standard; exceptions are in scripts/check/exceptions.

Without BASE: where this branch left its upstream, or else origin/main. If it has
none, the last commit.

  -t NAME     only this check, may repeat: build checkpatch commits shellcheck
              size sparse analyzer kernel-doc docutils sphinx codespell SPDX samples
  -h, --help  this text

Environment: O=DIR, what is built there; KSRC=DIR, the kernel tree that
checkpatch and kernel-doc come from; BASE, as above.

Examples:
  scripts/check.sh
  scripts/check.sh -t checkpatch -t commits HEAD~3
  make check

Exit status: 0 nothing found, 1 something found, 2 usage, 3 a tool is missing.
USAGE
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-t)
			[ $# -gt 1 ] || usage_error "option -t needs an argument"
			grep -q "^$2 " <<<"$CHECKS" || usage_error "there is no check $2"
			SELECTED+="$2 "
			shift
			;;
		-h | --help) usage; exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*) BASE=$1 ;;
		esac
		shift
	done
}

selected()
{
	[ "$SELECTED" = ' ' ] || [[ $SELECTED == *" $1 "* ]]
}

# need_tools: exit with a list of all missing tools, before the first check runs.
need_tools()
{
	local name tool package missing=''

	while read -r name tool package; do
		if selected "$name" && ! have "$tool"; then
			missing+=", $tool (package $package)"
		fi
	done <<<"$CHECKS"
	[ -z "$missing" ] || die 3 "missing: ${missing#, }" "scripts/setup.sh --all"
	git rev-parse -q --git-dir >/dev/null || die 1 "this tree is not in git"
}

# files PATTERN...: print the files of the tree, also those that are not in git yet.
files()
{
	local file

	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# each COMMAND... : PATTERN...: run COMMAND on the files, eight at a time, on all CPUs.
each()
{
	local -a command=()

	while [ "$1" != : ]; do
		command+=("$1")
		shift
	done
	shift
	files "$@" >"$LOG.files"
	xargs -r -d '\n' -n 8 -P "$(nproc)" "${command[@]}" <"$LOG.files" >>"$LOG" 2>&1 || :
	SAID="$(wc -l <"$LOG.files") files"
}

# excepted CHECK: copy stdin without the lines that check/exceptions lists for CHECK.
excepted()
{
	local -a rules=(-e '^$')
	local check rule

	while read -r check rule; do
		[ "$check" != "$1" ] || rules+=(-e "$rule")
	done <"$NETBPF_TOP/scripts/check/exceptions"
	grep -Ev "${rules[@]}" || :
}

# report CHECK: print the findings in $LOG, and a line for the check.
report()
{
	local status=ok

	sed "s,$NETBPF_TOP/,," "$LOG" | excepted "$1" | awk '!seen[$0]++' >"$LOG.left"
	if [ -s "$LOG.left" ]; then
		cat "$LOG.left"
		status=fail
		FAILED=1
	fi
	printf '%-4s %-11s %s\n' "$status" "$1" "$SAID"
}

# --- the checks, in the top directory ------------------------------------------

# With WERROR=1 a warning fails the build. Output of a build that succeeds is no finding.
check_build()
{
	if make -s -k -j "$(nproc)" WERROR=1 all >"$LOG" 2>&1; then
		: >"$LOG"
	fi
	SAID="the tree"
}

check_checkpatch()
{
	each perl "$KSRC/scripts/checkpatch.pl" --terse --showfile --no-summary -f \
		: '*.[ch]' '*.sh' '*.rst' '*.bash-completion' .ci/run
}

# Checks the commits that are not upstream yet: their author can still change them.
check_commits()
{
	local from=$BASE
	local -a commits

	[ -n "$from" ] || from=$(git rev-parse -q --verify --abbrev-ref '@{upstream}' 2>/dev/null) ||
		from=origin/main
	if git rev-parse -q --verify "$from^{commit}" >/dev/null; then
		mapfile -t commits < <(git rev-list --no-merges "$from..HEAD")
		SAID="${#commits[@]} since $from"
	else
		[ -z "$BASE" ] || die 2 "no such commit: $BASE"
		mapfile -t commits < <(git rev-list -n 1 HEAD)
		SAID="the last one (no upstream)"
	fi
	[ ${#commits[@]} -eq 0 ] || {
		perl "$KSRC/scripts/checkpatch.pl" --terse --showfile --no-summary \
			-g "${commits[@]}" || :
		check_messages "${commits[@]}"
	} >"$LOG" 2>&1
}

check_shellcheck()
{
	each shellcheck -x -f gcc : '*.sh' '*.bash-completion' .ci/run
}

check_size()
{
	each awk -f "$NETBPF_TOP/scripts/check/size.awk" \
		: '*.[ch]' '*.sh' '*.pl' '*.awk' '*.bash-completion' .ci/run
}

# by_make RULE: for each file on stdin, make RULE/FILE of Makefile.check.
by_make()
{
	cat >"$LOG.files"
	sed "s,^,$1/," "$LOG.files" | xargs -r make -s -k -j "$(nproc)" --output-sync=target \
		-f scripts/Makefile.check >"$LOG" 2>&1 || :
	SAID="$(wc -l <"$LOG.files") files"
}

# Leaves out the tests in C: the kernel's test harness converts all that it compares to
# integers, and sparse would complain about each comparison of byte-order types. Leaves out the
# exercises: learners have not heard of the casts that sparse wants.
check_sparse()
{
	by_make sparse < <(files 'samples/*.c' 'scripts/*.c' '*_kern.c' ':!exercises')
}

check_analyzer()
{
	by_make analyzer < <(files 'samples/*.c' 'scripts/*.c' | grep -v '_kern\.c$')
}

check_kernel-doc()
{
	each "$KSRC/scripts/kernel-doc" -none -Wall -Werror : '*.h'
}

# Leaves out the pages in Documentation/, which check_sphinx reads.
check_docutils()
{
	local file

	files '*.rst' ':(exclude,glob)Documentation/*.rst' >"$LOG.files"
	while read -r file; do
		rst2man --report=2 "$file" /dev/null 2>&1 || :
	done <"$LOG.files" >"$LOG"
	SAID="$(wc -l <"$LOG.files") files"
}

# Checks the references between the pages. The output directory is new each time: with an
# old one, Sphinx does not repeat warnings about pages that it has read already.
check_sphinx()
{
	if make -s -C Documentation O="$LOG.html" htmldocs >"$LOG" 2>&1; then
		: >"$LOG"
	fi
	rm -rf "$LOG.html"
	SAID="$(files 'Documentation/*.rst' | wc -l) files"
}

# Leaves out the licence texts, which others wrote.
check_codespell()
{
	each codespell : ':!LICENSES'
}

# Leaves out the licence texts, and files that cannot have a comment. The inputs that a fuzzer
# starts with, for example, are read byte by byte.
check_SPDX()
{
	local file

	files ':!LICENSES' ':!COPYING' ':!MAINTAINERS' ':!.checkpatch.conf' ':!.shellcheckrc' \
		':!debian/changelog' ':!debian/source/format' \
		':!selftests/fuzz/user/*/*' ':!exercises/*/hints' >"$LOG.files"
	while read -r file; do
		head -n 3 "$file" | grep -q SPDX-License-Identifier ||
			echo "$file: no SPDX-License-Identifier in the first 3 lines"
	done <"$LOG.files" >"$LOG"
	SAID="$(wc -l <"$LOG.files") files"
}

# sample_lacks NAME WHAT COMMAND...: print that the sample has no WHAT, if COMMAND fails.
sample_lacks()
{
	"${@:3}" >/dev/null || echo "samples/$1: no $2"
}

# Checks that each sample has what the build does not need, but readers and tests look for.
check_samples()
{
	local name pair

	while read -r pair; do
		name=$(basename "$pair" _kern.c)
		sample_lacks "$name" "${name}_user.c" test -f "samples/${name}_user.c"
		sample_lacks "$name" "word in SAMPLES of samples/Makefile" \
			grep -qx "$name" <(sample_names)
		sample_lacks "$name" "test selftests/$name/$name.sh" test -x "selftests/$name/$name.sh"
		sample_lacks "$name" "page Documentation/$name.rst" test -f "Documentation/$name.rst"
		sample_lacks "$name" "line in Documentation/index.rst" \
			grep -qx "   $name" Documentation/index.rst
		sample_lacks "$name" "manual page Documentation/man/netbpf-$name.rst" \
			test -f "Documentation/man/netbpf-$name.rst"
		sample_lacks "$name" "row in the table Samples of README.rst" \
			grep -q "^\`\`$name\`\` " README.rst
		sample_lacks "$name" "row in the table Kernels of README.rst" \
			grep -Eq "^([a-z_]+, )*$name(,|  )" README.rst
		sample_lacks "$name" "row in scripts/vmtest/support" \
			grep -q "^$name	" scripts/vmtest/support
		sample_lacks "$name" "test in scripts/vmtest/quick" \
			grep -Eq "^$name(_test)?(:|$)" scripts/vmtest/quick
	done < <(files 'samples/*_kern.c') >"$LOG"
	SAID="$(sample_names | wc -l) samples"
}

main()
{
	local name

	options "$@"
	cd "$NETBPF_TOP"
	need_tools
	KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || exit 3
	export KSRC
	unset MAKEFLAGS
	LOG=$(mktemp)
	trap 'rm -rf "$LOG" "$LOG".*' EXIT
	while read -r name _; do
		selected "$name" || continue
		: >"$LOG"
		"check_$name"
		report "$name"
	done <<<"$CHECKS"
	exit "$FAILED"
}

main "$@"
