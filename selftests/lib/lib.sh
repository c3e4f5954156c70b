#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Functions for all shell tests. A test sources this file, defines its test functions, and passes
# their names to run_tests:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0
#	. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
#	need_root
#	require_tools ip ping
#	test_drop_v4() { ...; }
#	run_tests test_drop_v4
#
# Each function is one KTAP result ("drop v4"), run in a subshell of its own
# with errexit, nounset and pipefail: a command that fails in the middle fails
# the test, and the line is shown. As everywhere in bash, errexit is off inside
# a condition (if, &&, ||, !): call fail there.
#
# A function named setup, if there is one, runs before the first test, in the
# main shell. What it makes is there for all tests. What it gives to "defer"
# runs after the last test.
#
# The script takes -l (list), -t NAME (one test, may repeat), -h.
# It exits 0 (nothing failed), 1 (failed), 2 (usage), 4 (all skipped).

set -euo pipefail

# A script that was started in the background ignores SIGINT, and so do the programs
# that it runs; bash cannot undo this. A test that sends SIGINT to a script would wait
# for ever. So start the script again with the default action.
if [ -n "$(trap -p INT)" ] && [ -z "${NBT_SIGNALS:-}" ]; then
	export NBT_SIGNALS=1
	exec env --default-signal=INT,QUIT "$0" "$@"
fi
unset NBT_SIGNALS
export LC_ALL=C

# The directory selftests.
NBT_DIR=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
NBT_SELF=$(readlink -f "$0")
NBT_NAME=$(basename "$NBT_SELF" .sh)
PROG=$NBT_NAME

# Installed kselftests have scripts/ below tree/; see "tree" in the Makefile.
NBT_COMMON=$NBT_DIR/../scripts/common.sh
[ -r "$NBT_COMMON" ] || NBT_COMMON=$NBT_DIR/tree/scripts/common.sh
# shellcheck source=scripts/common.sh
. "$NBT_COMMON"
# shellcheck source=selftests/lib/net.sh
. "$NBT_DIR/lib/net.sh"
# shellcheck source=selftests/lib/process.sh
. "$NBT_DIR/lib/process.sh"
# shellcheck source=selftests/lib/samples.sh
. "$NBT_DIR/lib/samples.sh"
# shellcheck source=selftests/lib/user.sh
. "$NBT_DIR/lib/user.sh"

# nbt_ktap_helpers: path of the kernel's KTAP helpers. They are beside this directory in a
# kernel tree and where kselftests are installed, otherwise in the tree KSRC.
nbt_ktap_helpers()
{
	local tail=tools/testing/selftests/kselftest/ktap_helpers.sh ksrc file

	ksrc=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null) || ksrc=
	for file in "$NBT_DIR/../kselftest/ktap_helpers.sh" \
		    "${ksrc:-/nonexistent}/$tail" "$NETBPF_TOP/.ksrc/$tail"; do
		[ ! -r "$file" ] || { echo "$file"; return; }
	done
	die 1 "no kselftest/ktap_helpers.sh in the kernel tree" \
		"$NETBPF_TOP/scripts/setup.sh"
}

NBT_HELPERS=$(nbt_ktap_helpers)
# shellcheck source=/dev/null
. "$NBT_HELPERS"

NBT_LIST=		# -l was given
NBT_ONLY=()		# names given with -t
NBT_DEFER=()		# commands given to defer, oldest first
NBT_CHILD=		# pid and process group of the running test
NBT_TEST=		# function name of the running test
NBT_IN_TEST=		# set in the subshell of a test
NBT_IN_SETUP=		# set while setup runs
NBT_DONE=		# set when the results are complete
NBT_GRACE=10		# seconds a process gets to end after a signal

# ---------------------------------------------------------------------------
# Results

# nbt_indent FILE: print FILE as KTAP diagnostics, even if its last line has no newline.
nbt_indent()
{
	# shellcheck disable=SC1003 # $a\ ends an unfinished last line
	[ ! -s "$1" ] || sed -e 's/^/# /' -e '$a\' "$1"
}

# diag TEXT...: a diagnostic line of the test that runs.
diag()
{
	printf '%s\n' "$*" >&2
}

# fail REASON: end the test as failed. The test fails even if a subshell, whose status
# nobody checks, calls this function.
fail()
{
	printf 'failed: %s\n' "$*" >&2
	: >"$NBT_STATE/fail"
	exit 1
}

# skip REASON: end the test as skipped, because the machine cannot run it. In setup, or
# outside of a test, this skips all tests of the script.
skip()
{
	printf '%s\n' "$*" >"$NBT_STATE/skip"
	if [ -n "$NBT_IN_TEST" ]; then
		exit "$KSFT_SKIP"
	fi
	nbt_skip_all "$*"
}

# nbt_skip_all REASON: exit as skipped, without running a test. The kernel's ktap_skip_all
# expands wildcards in the reason, hence noglob.
nbt_skip_all()
{
	set -f
	{
		ktap_print_header
		ktap_skip_all "$1"
	} >&"$NBT_FD"
	set +f
	NBT_DONE=1
	exit "$KSFT_SKIP"
}

# need_root: skip everything if the user is not root, or if root lacks the capabilities
# to make namespaces and links and to send packets.
need_root()
{
	local missing

	[ -z "$NBT_LIST" ] || return 0
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	missing=$(missing_caps NET_ADMIN NET_RAW SYS_ADMIN)
	[ -z "$missing" ] || skip "needs root with $(caps_text "$missing")"
}

# require_tools TOOL...: skip everything if one of the tools is not installed.
require_tools()
{
	local tool missing=()

	[ -z "$NBT_LIST" ] || return 0
	for tool; do
		have "$tool" || missing+=("$tool")
	done
	[ ${#missing[@]} -eq 0 ] || skip "not installed: ${missing[*]}"
}

# require_sources: skip everything where the tests are installed without the sources.
require_sources()
{
	[ -n "$NBT_LIST" ] || [ -e "$NETBPF_TOP/Makefile" ] ||
		skip "needs the source tree, which is not installed with the tests"
}

# not_in_guest: skip everything in a guest of scripts/vmtest.sh. For tests that build the
# tree or boot guests: another kernel does not change their result, and an emulated CPU
# takes hours.
not_in_guest()
{
	[ -n "$NBT_LIST" ] || [ -z "${NETBPF_VM:-}" ] ||
		skip "about no kernel: run on the machine that boots the guests"
}

# ---------------------------------------------------------------------------
# Cleaning up

# defer COMMAND [ARG...]: run COMMAND when the test ends, whatever the reason; the last
# deferred command runs first. In setup, or outside of a test: when the script ends.
# A single argument is shell code. COMMAND must not call exit, fail or skip.
defer()
{
	if [ $# -eq 1 ]; then
		NBT_DEFER+=("$1")
	else
		NBT_DEFER+=("$(printf '%q ' "$@")")
	fi
}

# nbt_run_deferred: run the deferred commands. Signals are ignored meanwhile.
nbt_run_deferred()
{
	local i

	trap '' HUP INT TERM
	: >"$NBT_STATE/undoing"
	trap - ERR
	set +e
	for ((i = ${#NBT_DEFER[@]} - 1; i >= 0; i--)); do
		eval "${NBT_DEFER[i]}"
	done
	NBT_DEFER=()
}

# nbt_child_ended: true if the running test has ended; for nbt_end_child. A signal that
# arrives just before bash starts a command does not reach the command, and bash handles
# the signal only after the command has ended. So also send SIGTERM to what bash waits
# for, unless the test already cleans up.
nbt_child_ended()
{
	local pid

	! child_ended "$NBT_CHILD" || return 0
	[ ! -e "$NBT_STATE/undoing" ] || return 1
	for pid in $(<"/proc/$NBT_CHILD/task/$NBT_CHILD/children"); do
		kill -TERM "$pid"
	done
	return 1
}

# nbt_end_child: end the running test with SIGTERM, and with SIGKILL if that is not enough.
nbt_end_child()
{
	[ -n "$NBT_CHILD" ] || return 0
	kill -TERM -- "-$NBT_CHILD" 2>/dev/null || :
	wait_until "$NBT_GRACE" nbt_child_ended || :
	kill -KILL -- "-$NBT_CHILD" 2>/dev/null || :
	wait "$NBT_CHILD" 2>/dev/null || :
}

# nbt_trap_signals: let HUP, INT and TERM end this shell through its EXIT trap. The first
# signal makes the shell ignore further ones: a second signal would end the EXIT trap
# before the trap has cleaned up.
nbt_trap_signals()
{
	local signals="trap '' HUP INT TERM"

	# shellcheck disable=SC2064 # expand $signals now
	trap "$signals; exit 129" HUP
	# shellcheck disable=SC2064
	trap "$signals; exit 130" INT
	# shellcheck disable=SC2064
	trap "$signals; exit 143" TERM
}

# nbt_exit: the EXIT trap of the main shell.
nbt_exit()
{
	local status=$?

	trap '' HUP INT TERM
	trap - ERR
	set +e
	if [ -n "$NBT_TEST" ]; then		# a signal came in the middle of a test
		nbt_end_child
		echo "failed: interrupted" >>"$NBT_STATE/log"
		nbt_report 1 >&"$NBT_FD"
	fi
	nbt_run_deferred >>"$NBT_STATE/log.exit" 2>&1
	if [ -n "$NBT_DONE" ]; then
		:
	elif [ -n "$NBT_IN_SETUP" ]; then
		{
			ktap_print_header
			nbt_indent "$NBT_STATE/log"
			echo "Bail out! setup failed (status $status)"
		} >&"$NBT_FD"
	elif [ "$status" -ne 0 ]; then
		echo "# $NBT_NAME: ended early (status $status)" >&"$NBT_FD"
	fi
	rm -rf "$TMP"
	exit "$status"
}

# ---------------------------------------------------------------------------
# Running the tests

nbt_usage()
{
	cat <<-END
		usage: $NBT_NAME.sh [-l] [-t NAME]... [-h]
		  -l       list the tests
		  -t NAME  run this test only (may repeat)
	END
}

nbt_options()
{
	local opt OPTARG OPTIND=1

	while getopts :lt:h opt; do
		case $opt in
		l) NBT_LIST=1 ;;
		t) NBT_ONLY+=("$OPTARG") ;;
		h) nbt_usage; exit 0 ;;
		*) usage_error "bad option -$OPTARG" ;;
		esac
	done
	[ "$OPTIND" -gt $# ] || usage_error "unexpected argument ${!OPTIND}"
}

# nbt_title FUNCTION: the name of the test in the results: test_drop_v4 is "drop v4".
nbt_title()
{
	local title=${1#test_}

	echo "${title//_/ }"
}

# nbt_select FUNCTION...: put the functions that -t asked for into NBT_RUN; without -t all.
nbt_select()
{
	local fn only found

	NBT_RUN=("$@")
	[ ${#NBT_ONLY[@]} -gt 0 ] || return 0
	NBT_RUN=()
	for only in "${NBT_ONLY[@]}"; do
		found=
		for fn; do
			case ${only// /_} in
			"$fn" | "${fn#test_}") NBT_RUN+=("$fn"); found=1 ;;
			esac
		done
		if [ -z "$found" ]; then
			note "no test named '$only'; there are:"
			for fn; do
				echo "  $(nbt_title "$fn")" >&2
			done
			NBT_DONE=1
			exit 2
		fi
	done
}

# nbt_err STATUS WHERE COMMAND: the ERR trap of a test: say which command failed.
nbt_err()
{
	printf 'failed: %s: status %s: %s\n' "$2" "$1" "$3" >&2
}

# nbt_test FUNCTION: run one test, in a subshell of its own.
nbt_test()
{
	exec {NBT_FD}>&-
	NBT_IN_TEST=1
	NBT_DEFER=()
	NBT_CHILD=
	NBT_TEST=
	trap nbt_run_deferred EXIT
	nbt_trap_signals
	set -eEuo pipefail
	shopt -s inherit_errexit	# x=$(false; echo y) fails too
	trap 'nbt_err $? "${BASH_SOURCE[0]##*/}:$LINENO" "$BASH_COMMAND"' ERR
	"$1"
}

# nbt_report STATUS: print the result of NBT_TEST, which ended with STATUS.
nbt_report()
{
	local status=$1 title

	title=$(nbt_title "$NBT_TEST")
	NBT_TEST=
	NBT_CHILD=
	nbt_indent "$NBT_STATE/log"
	if [ -e "$NBT_STATE/fail" ]; then
		ktap_test_fail "$title"
	elif [ "$status" -eq "$KSFT_SKIP" ] && [ -e "$NBT_STATE/skip" ]; then
		# ktap_test_skip takes no reason.
		set -f
		__ktap_test ok "$title" "SKIP $(<"$NBT_STATE/skip")"
		set +f
		KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
	elif [ "$status" -eq 0 ]; then
		ktap_test_pass "$title"
	else
		echo "# exit status $status"
		ktap_test_fail "$title"
	fi
}

# nbt_run_one FUNCTION: run one test and report its result. The test gets a process group
# of its own, so that none of its processes survives. Job control (set -m) also keeps
# bash from ignoring SIGINT in the test, as it does in other background processes.
nbt_run_one()
{
	local status=0 pgid

	rm -f "$NBT_STATE"/{fail,skip,undoing}
	NBT_TEST=$1
	set -m
	nbt_test "$1" </dev/null >"$NBT_STATE/log" 2>&1 &
	NBT_CHILD=$!
	set +m
	pgid=$NBT_CHILD
	wait "$pgid" 2>/dev/null || status=$?
	kill -KILL -- "-$pgid" 2>/dev/null || :
	nbt_report "$status" >&"$NBT_FD"
}

# run_tests FUNCTION...: run the tests, print their results, and exit.
run_tests()
{
	local fn status

	if [ -n "$NBT_LIST" ]; then
		for fn; do
			nbt_title "$fn"
		done
		NBT_DONE=1
		exit 0
	fi
	nbt_select "$@"

	# If the script calls run_tests inside a condition, bash ignores errexit, even in
	# subshells, and no test would notice a failure.
	set +e
	(set -e; false; :)
	status=$?
	set -e
	[ "$status" -ne 0 ] || die 1 "run_tests is called inside a condition"

	if declare -F setup >/dev/null; then
		NBT_IN_SETUP=1
		set -E
		trap 'nbt_err $? "${BASH_SOURCE[0]##*/}:$LINENO" "$BASH_COMMAND"' ERR
		setup >"$NBT_STATE/log" 2>&1
		trap - ERR
		set +E
		NBT_IN_SETUP=
	fi
	{
		ktap_print_header
		ktap_set_plan ${#NBT_RUN[@]}
	} >&"$NBT_FD"
	for fn in "${NBT_RUN[@]}"; do
		nbt_run_one "$fn"
	done
	ktap_print_totals >&"$NBT_FD"
	NBT_DONE=1
	[ "$KTAP_CNT_FAIL" -eq 0 ] || exit "$KSFT_FAIL"
	# The kernel's ktap_finished calls a run with nothing but skips a success.
	[ "$KTAP_CNT_PASS" -gt 0 ] || exit "$KSFT_SKIP"
	exit "$KSFT_PASS"
}

# ---------------------------------------------------------------------------
# Commands and what they print

# rand_name PREFIX: print an unused name: PREFIX and eight hex digits. With a PREFIX of up
# to seven characters the name also fits an interface.
rand_name()
{
	local name

	while :; do
		name=$1$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
		[ -e "/run/netns/$name" ] || [ -e "/sys/class/net/$name" ] ||
			[ -e "/sys/fs/bpf/$name" ] || break
	done
	echo "$name"
}

# test_program NAME: path of a helper program of the tests. A build puts the program into
# the room of its source; installed kselftests have all programs in one directory.
test_program()
{
	local file

	for file in "$NBT_DIR/$1" "$NETBPF_OUT"/selftests/*/"$1"; do
		[ ! -f "$file" ] || { echo "$file"; return; }
	done
	return 1
}

# sample NAME: path of a built sample.
sample()
{
	local path=$NETBPF_OUT/samples/$1

	[ -x "$path" ] || fail "$path is not built (make -C samples)"
	echo "$path"
}

# show TITLE FILE: print the content of FILE as diagnostics.
show()
{
	if [ -s "$2" ]; then
		echo "$1:"
		# shellcheck disable=SC1003
		sed -e 's/^/  | /' -e '$a\' "$2"
	else
		echo "$1: empty"
	fi >&2
}

# nbt_text VAR FILE: set VAR to what $(cat FILE) would give. Zero bytes are left out,
# because bash warns about them. No process is started: tests do this thousands of times.
nbt_text()
{
	local -a __parts

	mapfile -d '' __parts <"$2"
	printf -v "$1" %s "${__parts[@]}"
	[[ ${!1} =~ $'\n'+$ ]] || return 0
	printf -v "$1" %s "${!1%"${BASH_REMATCH[0]}"}"
}

# expect_status N COMMAND...: run COMMAND; fail unless it exits with status N. Its stdout and
# stderr are then in the files $OUT_FILE and $ERR_FILE and in the variables OUT and ERR;
# STATUS is its exit status.
# shellcheck disable=SC2034 # OUT and ERR are for the caller
expect_status()
{
	local want=$1

	shift
	STATUS=0
	"$@" >"$OUT_FILE" 2>"$ERR_FILE" || STATUS=$?
	nbt_text OUT "$OUT_FILE"
	nbt_text ERR "$ERR_FILE"
	[ "$STATUS" -ne "$want" ] || return 0
	show stdout "$OUT_FILE"
	show stderr "$ERR_FILE"
	fail "status $STATUS, wanted $want: $*"
}

# expect_match FILE REGEX: fail unless a line of FILE matches the extended REGEX.
expect_match()
{
	grep -Eq -e "$2" "$1" && return
	show "$(basename "$1")" "$1"
	fail "no line matches: $2"
}

# expect_no_match FILE REGEX: fail if a line of FILE matches the extended REGEX.
expect_no_match()
{
	local status=0

	[ -e "$1" ] || fail "no file $1"
	grep -Eq -e "$2" "$1" || status=$?
	[ "$status" -ne 1 ] || return 0
	show "$(basename "$1")" "$1"
	[ "$status" -eq 0 ] || fail "grep: status $status: $2"
	fail "a line matches: $2"
}

# expect_no_line REGEX COMMAND...: fail unless COMMAND succeeds and prints no line that
# matches REGEX; with '' COMMAND must print nothing. Do not write expect_eq X "$(COMMAND)" ''
# instead: nobody would notice that COMMAND failed.
expect_no_line()
{
	"${@:2}" >"$TMP/.lines" || fail "status $?: ${*:2}"
	expect_no_match "$TMP/.lines" "$1"
}

# expect_out REGEX, expect_err REGEX: fail unless a line of the stdout (stderr) of the last
# expect_status matches REGEX.
expect_out()
{
	expect_match "$OUT_FILE" "$1"
}

expect_err()
{
	expect_match "$ERR_FILE" "$1"
}

# expect_eq WHAT GOT WANTED: fail unless the two values are the same string.
expect_eq()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# eventually SECONDS COMMAND...: fail unless COMMAND succeeds within SECONDS.
eventually()
{
	wait_until "$@" && return
	fail "still not after $1 s: ${*:2}"
}

# ---------------------------------------------------------------------------

exec {NBT_FD}>&1
nbt_options "$@"
TMP=$(mktemp -d "${TMPDIR:-/tmp}/nbt-$NBT_NAME.XXXXXX")
NBT_STATE=$TMP/.state
mkdir "$NBT_STATE"
: >"$NBT_STATE/log"
OUT_FILE=$TMP/stdout ERR_FILE=$TMP/stderr
trap nbt_exit EXIT
nbt_trap_signals
