#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the command blocks of the pages that are marked as runnable, and compare
# what they print with what the page shows. Documentation/testing.rst describes
# the mark. Kernel addresses, times, ids and ports of connections are masked on
# both sides. BPF instructions, which differ between compilers, are left out.
# "..." in the page stands for anything.
# The commands run as they stand in the page, in a mount namespace of our own:
# the names in /run/netns, the labs and the pins are private, so that neither a
# lab of the user nor another test is in the way.
#
# cram checks commands in a text, too, but its marks, " (re)" and " (glob)", stand in the
# output, where readers of a page would see them. It also waits for each command to end; most
# samples of a page run until Ctrl-C, beside commands in a second terminal.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
export LC_ALL=C
SELF=$(readlink -f "${BASH_SOURCE[0]}")

# Seconds for a sample to be ready, to print what the page shows, and to end.
readonly PATIENCE=20

LIST=
UPDATE=
EXERCISE=
PAGES=()
WORK=
CHILD=			# process group of the command that runs
HELPER=			# process group of the sample in the background
OKAY=0
FAILED=0
SKIPPED=0

usage()
{
	cat <<'USAGE'
Usage: docs-check.sh [--update] [--list] [--exercise NAME] [-h] [PAGE]...

Runs the blocks of commands that README.rst and the pages in Documentation/ mark
as runnable, and compares their output with that of the page.

  -u, --update         write what was printed into the page where it differs
  -l, --list           list the blocks and run none
  -e, --exercise NAME  run only the blocks of that exercise, which show what is printed
                       when the tree is changed as its diff says, and built
  -h, --help           this text

Examples:
  scripts/docs-check.sh
  scripts/docs-check.sh Documentation/ping.rst
  scripts/docs-check.sh --update README.rst

Exit status: 0 all is as shown (or was updated), 1 something is not, 2 usage,
3 something is missing.
USAGE
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-u | --update) UPDATE=1 ;;
		-l | --list) LIST=1 ;;
		-e | --exercise)
			[ -n "${2:-}" ] || usage_error "$1 needs a name"
			EXERCISE=$2
			shift
			;;
		-h | --help) usage; exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*)
			[ -f "$1" ] || usage_error "no such page: $1"
			PAGES+=("$(readlink -f "$1")")
			;;
		esac
		shift
	done
	[ ${#PAGES[@]} -gt 0 ] ||
		PAGES=("$NETBPF_TOP/README.rst" "$NETBPF_TOP"/Documentation/*.rst)
}

# --- comparing ---------------------------------------------------------------

# Matches a port that the kernel chooses for a client, 32768 to 60999. A pid may be in this
# range, too: MASKS therefore look at the text before the number.
readonly PORT='(3276[89]|327[7-9][0-9]|32[89][0-9]{2}|3[3-9][0-9]{3}|[45][0-9]{4}|60[0-9]{3})\b'

# sed commands for what differs between runs or compilers and means nothing. The masks of
# the block are added.
readonly MASKS='
/^[0-9]+: \([0-9a-f]{2}\) /d
s/\bR[0-9]+\b/RN/g
s/\balloc_insn=[0-9]+/alloc_insn=N/g
s/[[:space:]]+$//
s/^ +\.\.\.$/.../
s/0x[0-9a-f]{9,16}/ADDRESS/g
s#[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}#DATE#g
s/(^|[^0-9a-f:])[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?($|[^0-9a-f:.])/\1TIME\3/g
s/\b[0-9]+(\.[0-9]+)? ?ms\b/TIME/g
s/^rtt min.*/rtt/
s/"([a-z]*_ns|ts|pid|tgid|id|prog_id|ident)":[0-9]+/"\1":N/g
s/\b(pid|id|process|ident) [0-9]+/\1 N/g
s/\bnetbpf-([a-z_]+)-[0-9]+/netbpf-\1-N/g
s/\b[0-9a-f]{32}\b/HASH/g
s/\btag [0-9a-f]{16}\b/tag N/g
s/\b([0-9]+(\.[0-9]+){3}[.:])'$PORT'/\1PORT/g
s/(\]:|:[0-9a-f]*\.)'$PORT'/\1PORT/g
s/\b((ports?|sport|dport)("?:| ))'$PORT'/\1PORT/g
'

# mask FILE: print FILE with what changes from run to run masked.
mask()
{
	sed -E -f "$WORK/masks" "$1"
}

# line_matches LINE PATTERN: true if they match; "..." in PATTERN stands for anything.
line_matches()
{
	local pattern=$2

	[ "$1" != "$2" ] || return 0
	case $2 in
	*...*) ;;
	*) return 1 ;;
	esac
	pattern=${pattern//\\/\\\\}
	pattern=${pattern//\*/\\*}
	pattern=${pattern//\?/\\?}
	pattern=${pattern//\[/\\[}
	# shellcheck disable=SC2053 # it is a pattern
	[[ $1 == ${pattern//.../*} ]]
}

# lines_match GOT SHOWN: true if the files match, after masking. A line "..." in
# SHOWN stands for any number of lines.
lines_match()
{
	local -a got shown
	local g=0 s=0 star=-1 mark=0

	mapfile -t got < <(mask "$1")
	mapfile -t shown < <(mask "$2")
	while [ ${#got[@]} -gt 0 ] && [ -z "${got[-1]}" ]; do
		unset 'got[-1]'
	done
	while [ "$g" -lt ${#got[@]} ]; do
		if [ "${shown[s]-}" = ... ]; then
			star=$s mark=$g
			s=$((s + 1))
		elif [ "$s" -lt ${#shown[@]} ] && line_matches "${got[g]}" "${shown[s]}"; then
			g=$((g + 1)) s=$((s + 1))
		elif [ "$star" -ge 0 ]; then
			mark=$((mark + 1))
			g=$mark s=$((star + 1))
		else
			return 1
		fi
	done
	while [ "${shown[s]-}" = ... ]; do
		s=$((s + 1))
	done
	[ "$s" -eq ${#shown[@]} ]
}

# --- running -----------------------------------------------------------------

# lab_up TOPOLOGY, lab_down: start and remove the lab of a block.
lab_up()
{
	"$NETBPF_TOP/scripts/lab.sh" up "$1" >"$WORK/lab" 2>&1 || {
		cat "$WORK/lab" >&2
		die 1 "the lab $1 did not come up" "scripts/doctor.sh"
	}
}

lab_down()
{
	"$NETBPF_TOP/scripts/lab.sh" down --all >/dev/null 2>&1 || :
}

# ready PID FILE: true if PID's output in FILE says that PID is ready, or if PID has ended.
ready()
{
	child_ended "$1" || grep -Eq '^ready:|"event":"ready"' "$2"
}

# end PID SIGNAL: send SIGNAL to the process group PID; kill it if it does not end.
end()
{
	[ -n "$1" ] || return 0
	kill -s "$2" -- "-$1" 2>/dev/null || :
	wait_until "$PATIENCE" child_ended "$1" || kill -KILL -- "-$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# start VAR COMMAND FILE: run COMMAND in the background, in a process group of its
# own that goes into VAR, with its output in FILE.
start()
{
	# Empty FILE: COMMAND opens FILE only a moment later. Until then, the output of an earlier
	# command would be taken for the output of COMMAND.
	: >"$3"
	set -m
	(cd "$WORK/tree" && exec env --default-signal=INT,QUIT bash -c "$2") \
		</dev/null >"$3" 2>&1 &
	printf -v "$1" %s $!
	set +m
}

# run COMMAND SHOWN: run COMMAND, with its output in $WORK/got. The file SHOWN has
# the output that the page shows. If SHOWN has a line "^C", interrupt COMMAND when
# it has printed the lines before. The commands of the block's "meanwhile:" run
# once COMMAND is ready.
run()
{
	local command

	start CHILD "$1" "$WORK/got"
	if [ ${#MEANWHILE[@]} -gt 0 ] || grep -qx '\^C' "$2"; then
		wait_until "$PATIENCE" ready "$CHILD" "$WORK/got" || :
	fi
	for command in "${MEANWHILE[@]}"; do
		(cd "$WORK/tree" && exec bash -c "$command") </dev/null >"$WORK/meanwhile" 2>&1 || :
	done
	if grep -qx '\^C' "$2"; then
		sed '/^^C$/,$d' "$2" >"$WORK/before"
		wait_until 5 lines_match "$WORK/got" "$WORK/before" || :
		cp "$WORK/got" "$WORK/before"
		end "$CHILD" INT
		# A terminal shows "^C" when the key is pressed: add it.
		sed -i "$(wc -l <"$WORK/before")a ^C" "$WORK/got"
	else
		wait_until 300 child_ended "$CHILD" || :
		end "$CHILD" TERM
	fi
	CHILD=
}

# --- the blocks of a page ----------------------------------------------------

# block_options LINE: read the options from LINE on, below the mark; set AT to the line after.
block_options()
{
	local key value

	MEANWHILE=()
	ONLY=
	BACKGROUND=
	EXERCISE_OF=
	printf '%s' "$MASKS" >"$WORK/masks"
	AT=$1
	while [[ ${LINES_IN[AT]-} =~ ^\ +([a-z]+):\ (.*)$ ]]; do
		key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		case $key in
		meanwhile) MEANWHILE+=("$value") ;;
		only) ONLY=$value ;;
		background) BACKGROUND=$value ;;
		exercise) EXERCISE_OF=$value ;;
		mask) printf 's\001%s\001*\001g\n' "$value" >>"$WORK/masks" ;;
		ignore) printf '\\\001%s\001d\n' "$value" >>"$WORK/masks" ;;
		*) die 1 "$PAGE:$((AT + 1)): runnable: there is no '$key'" \
			"it is one of background, exercise, ignore, mask, meanwhile, only" ;;
		esac
		AT=$((AT + 1))
	done
}

# block_find: find the literal block from AT on: START, END (the line after it), INDENT.
block_find()
{
	local line

	while [[ ${LINES_IN[AT]-} != *:: ]]; do
		[ "$AT" -lt ${#LINES_IN[@]} ] ||
			die 1 "$PAGE:$MARK: no literal block (::) follows the mark"
		AT=$((AT + 1))
	done
	START=$((AT + 1))
	while [ -z "${LINES_IN[START]-x}" ]; do
		START=$((START + 1))
	done
	line=${LINES_IN[START]-}
	INDENT=${line%%[! 	]*}
	[ -n "$INDENT" ] || die 1 "$PAGE:$MARK: the block is empty"
	END=$START
	while [ "$END" -lt ${#LINES_IN[@]} ] &&
	      [[ -z ${LINES_IN[END]} || ${LINES_IN[END]} == "$INDENT"* ]]; do
		END=$((END + 1))
	done
	while [ -z "${LINES_IN[END - 1]}" ]; do
		END=$((END - 1))
	done
}

# is_command LINE: true if LINE begins with a prompt.
is_command()
{
	[[ $1 == '# '* || $1 == '$ '* ]]
}

# block_run: run the commands of the block. NEW becomes the block with correct output.
block_run()
{
	local i=$START line command last

	NEW=()
	GOOD=1
	while [ "$i" -lt "$END" ]; do
		line=${LINES_IN[i]#"$INDENT"}
		is_command "$line" || die 1 "$PAGE:$((i + 1)): no prompt (# or \$)"
		command=${line:2}
		NEW+=("$INDENT$line")
		i=$((i + 1))
		: >"$WORK/shown"
		while [ "$i" -lt "$END" ] && ! is_command "${LINES_IN[i]#"$INDENT"}"; do
			printf '%s\n' "${LINES_IN[i]#"$INDENT"}" >>"$WORK/shown"
			i=$((i + 1))
		done
		last=
		if [ "$i" -lt "$END" ] && [ -z "${LINES_IN[i - 1]}" ]; then
			# A blank line between two commands is for the reader, and no output.
			sed -i '$d' "$WORK/shown"
			last=1
		fi
		run "$command" "$WORK/shown"
		compare
		[ -z "$last" ] || NEW+=("")
	done
}

# compare: compare $WORK/got with $WORK/shown. Add to NEW what is shown if they match,
# or else what was printed.
compare()
{
	local line keep=shown

	if ! lines_match "$WORK/got" "$WORK/shown"; then
		GOOD=
		keep=got
		mask "$WORK/shown" >"$WORK/shown.masked"
		mask "$WORK/got" >"$WORK/got.masked"
		diff -u --label "shown" --label "printed: $command" \
			"$WORK/shown.masked" "$WORK/got.masked" >>"$WORK/diff" || :
	fi
	while IFS= read -r line; do
		NEW+=("${line:+$INDENT$line}")
	done < <(sed 's/[[:space:]]*$//' "$WORK/$keep")
}

# block LAB: check the block whose mark is on line MARK (from 1), in the lab LAB if it is set.
block()
{
	local where=${PAGE#"$NETBPF_TOP"/}:$MARK

	block_options "$MARK"
	block_find
	[ "$EXERCISE_OF" = "$EXERCISE" ] || return 0
	if [ -n "$LIST" ]; then
		echo "$where ${LINES_IN[START]#"$INDENT"}"
		return
	fi
	if [ -n "$ONLY" ] && ! (cd "$WORK/tree" && exec bash -c "$ONLY") >/dev/null 2>&1; then
		printf 'skip %s: not true here: %s\n' "$where" "$ONLY"
		SKIPPED=$((SKIPPED + 1))
		return
	fi
	[ -z "$1" ] || lab_up "$1"
	: >"$WORK/diff"
	if [ -n "$BACKGROUND" ]; then
		start HELPER "$BACKGROUND" "$WORK/helper"
		wait_until "$PATIENCE" ready "$HELPER" "$WORK/helper" || :
	fi
	block_run
	end "$HELPER" TERM
	HELPER=
	lab_down
	if [ -n "$GOOD" ]; then
		echo "ok   $where"
		OKAY=$((OKAY + 1))
	else
		printf '%s %s\n' "$([ -n "$UPDATE" ] && echo new || echo fail)" "$where"
		cat "$WORK/diff"
		FAILED=$((FAILED + 1))
	fi
}

# page FILE: check all blocks of FILE. With --update, write the new output into FILE.
page()
{
	local i=0 copied=0 changed=
	local -a out=()

	PAGE=$1
	mapfile -t LINES_IN <"$PAGE"
	while [ "$i" -lt ${#LINES_IN[@]} ]; do
		if [[ ${LINES_IN[i]} =~ ^\ *\.\.\ runnable:\ *([a-z]*)$ ]]; then
			MARK=$((i + 1))
			GOOD=1
			block "${BASH_REMATCH[1]}"
			if [ -z "$GOOD" ]; then
				out+=("${LINES_IN[@]:copied:START - copied}" "${NEW[@]}")
				copied=$END
				changed=1
			fi
			i=$((END - 1))
		fi
		i=$((i + 1))
	done
	if [ -n "$UPDATE" ] && [ -n "$changed" ]; then
		printf '%s\n' "${out[@]}" "${LINES_IN[@]:copied}" >"$PAGE"
	fi
}

# --- main --------------------------------------------------------------------

# isolate: start this script again in a mount namespace of its own.
isolate()
{
	[ -z "${NETBPF_DOCS_ISOLATED:-}" ] || return 0
	require_root "running the commands of the pages" \
		NET_ADMIN NET_RAW SYS_ADMIN
	have unshare || die 3 "unshare is missing" "scripts/setup.sh"
	export NETBPF_DOCS_ISOLATED=1
	exec unshare --mount --propagation private "$SELF" "$@"
}

# private_mounts: mount private directories for the names of network namespaces and for
# pins, which nobody else sees. Mount tracefs, too: the pages show the output of samples
# that find tracefs mounted.
private_mounts()
{
	mkdir -p /run/netns
	mount -t tmpfs -o mode=755 none /run/netns
	mount -t bpf none /sys/fs/bpf
	[ -e /sys/kernel/tracing/instances ] || mount -t tracefs none /sys/kernel/tracing || :
}

# link_tree: make $WORK/tree look like the tree of a reader, even if it was built with O=.
link_tree()
{
	local name

	mkdir "$WORK/tree"
	for name in Documentation Makefile README.rst include scripts; do
		ln -s "$NETBPF_TOP/$name" "$WORK/tree/"
	done
	ln -s "$NETBPF_OUT/samples" "$NETBPF_OUT/selftests" "$WORK/tree/"
}

clean_up()
{
	local pid

	trap '' INT TERM HUP
	# Do not use CHILD and HELPER: a signal may come before they are set.
	for pid in $(jobs -p); do
		end "$pid" TERM
	done
	lab_down
	rm -rf "$WORK"
}

main()
{
	local page verb=not

	options "$@"
	[ -n "$LIST" ] || isolate "$@"
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-docs.XXXXXX")
	if [ -n "$LIST" ]; then
		trap 'rm -rf "$WORK"' EXIT
	else
		export NETBPF_RUN=$WORK/labs
		trap clean_up EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM HUP
		export NO_INSTALL=1
		private_mounts
		link_tree
	fi
	for page in "${PAGES[@]}"; do
		page "$page"
	done
	[ -z "$LIST" ] || exit 0
	[ -z "$UPDATE" ] || verb=updated
	echo "$OKAY blocks as shown, $FAILED $verb, $SKIPPED skipped"
	[ "$FAILED" -eq 0 ] || [ -n "$UPDATE" ]
}

main "$@"
