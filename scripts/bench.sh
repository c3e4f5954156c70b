#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures what the programs cost and how fast they are, and prints one report.
# Documentation/bench.rst explains each figure.
#
# A part is a file bench/PART.sh that defines part_PART. The part declares tables, and
# writes a line for each value of each round. bench/report.sh makes the report from
# these lines, in the same way for all parts. To add a part, write such a file and add
# its name to PARTS; to add a measurement, add a table to a part.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/bench/report.sh
. "$here/bench/report.sh"

PARTS=(packet wire lb growth)
for part in "${PARTS[@]}"; do
	# shellcheck source=/dev/null
	. "$here/bench/$part.sh"
done

WANTED=()
JSON=
RECORD=
# The parts read these.
export QUICK='' ROUNDS=15
COMMAND="bench.sh${*:+ $*}"
CHARTS=$NETBPF_OUT/build/bench
RESULTS=$NETBPF_TOP/bench/RESULTS.md

usage()
{
	cat <<USAGE
Usage: bench.sh [-p PART]... [-j] [--quick] [--record] [-h]

Measures the programs of this tree and prints one report. What is compared runs in
turns, in the same run; each figure is the median of the rounds, with the least and
the greatest. Charts of it, as SVG, go to build/bench.

  -p, --part PART  one part only (may repeat, or be a list with commas):
$(for part in "${PARTS[@]}"; do
	printf '                     %-8s %s\n' "$part" "$("about_$part")"
done)
  -j, --json       JSON Lines on stdout
      --quick      few rounds: to see that it works, not to compare
      --record     also write bench/RESULTS.md
  -h, --help       this text

Examples:
  sudo scripts/bench.sh
  sudo scripts/bench.sh -p packet --quick
  sudo scripts/bench.sh -j | jq 'select(.case == "nat")'

Exit status: 0 done, 1 failed, 2 usage, 3 something is missing.
USAGE
}

# want PART[,PART]...: add the parts to WANTED.
want()
{
	local name names

	IFS=, read -ra names <<<"$1"
	[ ${#names[@]} -gt 0 ] || usage_error "-p needs a part: ${PARTS[*]}"
	for name in "${names[@]}"; do
		[[ " ${PARTS[*]} " == *" $name "* ]] ||
			usage_error "no part '$name': there are ${PARTS[*]}"
		WANTED+=("$name")
	done
}

parse_options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-p | --part)
			[ $# -ge 2 ] || usage_error "$1 needs a part: ${PARTS[*]}"
			want "$2"; shift ;;
		--part=*) want "${1#*=}" ;;
		-j | --json) JSON=1 ;;
		--quick) QUICK=1 ROUNDS=3 ;;
		--record) RECORD=1 ;;
		-h | --help) usage; exit 0 ;;
		*) usage_error "bad argument '$1'" ;;
		esac
		shift
	done
	[ ${#WANTED[@]} -gt 0 ] || WANTED=("${PARTS[@]}")
}

# ---------------------------------------------------------------------------
# Functions for the parts

# need TOOL...: exit if one of them is missing.
need()
{
	local tool

	for tool; do
		have "$tool" || die 3 "$tool is missing" "scripts/setup.sh --all"
	done
}

# built FILE: print the path of FILE in the build output; exit if FILE is not built.
built()
{
	[ -x "$NETBPF_OUT/$1" ] || die 3 "$1 is not built" make
	echo "$NETBPF_OUT/$1"
}

# undo COMMAND ARG...: run COMMAND when bench.sh exits, for whatever reason. The command
# that was added last runs first.
undo()
{
	UNDO+=("$(printf '%q ' "$@")")
}

# progress TEXT: show TEXT; on a terminal the next TEXT overwrites it.
progress()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s: %s' "$PROG" "$*" >&2
	else
		note "$*"
	fi
}

# start COMMAND...: run COMMAND in the background, set PID, and end the process when
# bench.sh exits. A script starts background processes with SIGINT ignored: env resets that.
start()
{
	env --default-signal=INT,QUIT "$@" &
	PID=$!
	undo end_process "$PID"
}

# end_process PID [SIGNAL]: end the process and wait for it, unless it has ended already.
end_process()
{
	! child_ended "$1" || return 0
	kill -s "${2:-TERM}" "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# run COMMAND...: run COMMAND and wait for it. The shell runs traps during "wait", so that a
# signal takes effect at once. PID of the caller does not change.
run()
{
	local status=0 PID

	start "$@"
	wait "$PID" || status=$?
	return "$status"
}

# harness NAME PROGRAM ARG...: run a program that measures by itself. It prints lines of the
# report on stdout, and progress and errors on stderr.
harness()
{
	local name=$1 status=0

	shift
	run "$@" >>"$RECORDS" 2> >(harness_progress "$name") || status=$?
	[ "$status" -eq 0 ] || die 1 "$1: status $status"
}

harness_progress()
{
	local word text

	while read -r word text; do
		case $word in
		progress) progress "$1: $text" ;;
		*) note "$word $text" ;;
		esac
	done
}

# ---------------------------------------------------------------------------

UNDO=()

cleanup()
{
	local i pid

	trap '' HUP INT TERM
	set +e
	[ ! -t 2 ] || printf '\r\033[K' >&2
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
		eval "${UNDO[i]}"
	done
	# A signal may come after start() has started a process, but before start() calls undo.
	while read -r pid; do
		end_process "$pid"
	done < <(jobs -p)
	rm -rf "$DIR"
}

main()
{
	local part

	parse_options "$@"
	need jq
	require_root "measuring" NET_ADMIN NET_RAW SYS_ADMIN
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-bench.XXXXXX")
	RECORDS=$DIR/records
	trap cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	describe_machine
	for part in "${WANTED[@]}"; do
		"part_$part"
	done
	report_results >"$DIR/results"
	report_charts "$CHARTS"
	[ -z "$RECORD" ] || report_markdown >"$RESULTS"
	if [ -n "$JSON" ]; then
		cat "$DIR/results"
	else
		report_text
		note "charts: $CHARTS"
	fi
}

main "$@"
