#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Set up what is missing, build the samples and the tests, run the tests, and
# print KTAP. Unlike "make run_tests", whose exit status is always 0, this
# succeeds only when a test has passed and none has failed.
set -euo pipefail

# A relative O= is relative to where we were called.
[ -z "${O:-}" ] || { O=$(realpath -m "$O"); export O; }

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../scripts/common.sh"
PROG=run.sh
export LC_ALL=C

readonly SELFTESTS=$NETBPF_TOP/selftests

# For the tests of this script (runner.sh): run the programs of that directory
# instead, with neither set-up nor build.
readonly FAKE=${NETBPF_TESTS_DIR:-}

# Seconds a test gets to clean up when it is ended; more than lib.sh needs.
readonly GRACE=${NETBPF_GRACE:-15}

KSFT_SKIP=4		# exit status of a test that was skipped

WANTED=()		# names given with -t, as NAME or NAME:CASE...
VERBOSE=
NO_SKIP=
NO_BUILD=
LIST=

PASSED=0
FAILED=0
SKIPPED=0
XFAILED=0
FAILURES=()		# what failed, for the end
SKIPS=()		# what was skipped, and why
STOP=			# exit status, once a signal asked us to stop
JOB=			# the session that runs now

usage()
{
	cat <<-END
		Usage: run.sh [-l] [-t NAME]... [-v] [--no-skip] [--no-build] [-h]

		Installs what is missing, builds, runs the tests of netbpf, and prints KTAP.

		  -l, --list       list the tests and run none
		  -t, --test NAME  run this test only (may repeat); NAME:CASE runs one
		                   case of it, NAME:CASE:CASE... some
		  -v, --verbose    show the output of the build and of tests that pass too
		      --no-skip    a test that is skipped has failed
		      --no-build   run what is there: no set-up, no build
		  -h, --help       this text

		Environment:
		  O=DIR         build output goes there
		  NO_INSTALL=1  install nothing; tests that lack a tool are skipped
		  kselftest_override_timeout=SEC
		                time for each test, in place of the one in settings

		Examples:
		  sudo selftests/run.sh
		  sudo selftests/run.sh -v -t ping
		  sudo selftests/run.sh --no-skip >result.ktap

		Exit status: 0 at least one test passed and none failed, 1 otherwise,
		2 usage, 3 something is missing that set-up could not bring.
	END
}

# need_arg OPTION COUNT: COUNT arguments are left, an argument is needed.
need_arg()
{
	[ "$2" -gt 1 ] || usage_error "option $1 needs an argument"
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-l | --list) LIST=1 ;;
		-t | --test) need_arg "$1" $#; WANTED+=("$2"); shift ;;
		--test=*) WANTED+=("${1#*=}") ;;
		-t?*) WANTED+=("${1#-t}") ;;
		-v | --verbose) VERBOSE=1 ;;
		--no-skip) NO_SKIP=1 ;;
		--no-build) NO_BUILD=1 ;;
		-h | --help) usage; exit 0 ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
}

# ---------------------------------------------------------------------------
# Running one command: a test, or a part of the build

# progress TEXT: rewrite the line at the bottom of the terminal.
progress()
{
	[ ! -t 2 ] || printf '\r\033[K%s' "$1" >&2
}

# session_pids SID: live processes of that session, "PID NAME" a line.
session_pids()
{
	local stat line pid name rest fields

	for stat in /proc/[0-9]*/stat; do
		# The process may be gone by now.
		{ read -r line <"$stat"; } 2>/dev/null || continue
		pid=${line%% *}
		name=${line#*\(}
		rest=${name##*) }
		read -ra fields <<<"$rest"	# state ppid pgrp session
		if [ "${fields[3]:-}" = "$1" ] && [[ ${fields[0]} != [ZX] ]]; then
			echo "$pid ${name%)*}"
		fi
	done
}

session_is_empty()
{
	[ -z "$(session_pids "$1")" ]
}

# session_kill SID: end all of it, now.
session_kill()
{
	local pid name

	# What is killed can start nothing; what it started before is in the
	# next round.
	until session_is_empty "$1"; do
		while read -r pid name; do
			kill -KILL "$pid" 2>/dev/null || :
		done < <(session_pids "$1")
		sleep 0.02
	done
}

# job_end: ask the job to end and to clean up, then insist.
job_end()
{
	kill -TERM -- "-$JOB" 2>/dev/null || :
	wait_until "$GRACE" child_ended "$JOB" || :
	session_kill "$JOB"
}

# Nothing ever comes out of this pipe: reading it takes any time one likes, and no process.
exec {NOTHING}<> <(:)

pause()
{
	read -rt "$1" -u "$NOTHING" || :
}

# run_job TITLE TIMEOUT DIR LOG COMMAND...: run COMMAND in DIR, in a session of
# its own, with its output in LOG. TIMEOUT 0 is none. Sets JOB_STATUS (empty:
# out of time; 128 + N: signal N) and JOB_LEFT, the processes that it left.
run_job()
{
	local title=$1 timeout=$2 dir=$3 log=$4 start=$SECONDS ended=

	shift 4
	# A background process of a script ignores SIGINT, and a shell could not
	# undo that: env does.
	(cd "$dir" && exec setsid env --default-signal=INT,QUIT "$@") \
		</dev/null >"$log" 2>&1 {NOTHING}<&- &
	JOB=$!
	until [ -n "$STOP" ]; do
		if child_ended "$JOB"; then
			ended=1
			break
		fi
		if [ "$timeout" -gt 0 ] &&
		   [ $((SECONDS - start)) -gt "$timeout" ]; then
			break
		fi
		progress "$title  $((SECONDS - start)) s"
		pause 0.05
	done
	progress ""
	[ -n "$ended" ] || job_end
	JOB_STATUS=0
	wait "$JOB" 2>/dev/null || JOB_STATUS=$?
	[ -n "$ended" ] || JOB_STATUS=
	JOB_LEFT=
	if ! wait_until 2 session_is_empty "$JOB"; then
		JOB_LEFT=$(session_pids "$JOB" | tr '\n' ';')
		session_kill "$JOB"
	fi
	JOB=
}

# ---------------------------------------------------------------------------
# Set-up and build

# bail_out TEXT: nothing was run.
bail_out()
{
	echo "KTAP version 1"
	echo "Bail out! $1"
	exit "${STOP:-${2:-1}}"
}

set_up()
{
	local status=0

	"$NETBPF_TOP/scripts/setup.sh" --check >"$WORK/setup" 2>&1 && return
	if [ -n "${NO_INSTALL:-}" ]; then
		cat "$WORK/setup" >&2
		note "NO_INSTALL is set: going on without"
		return
	fi
	"$NETBPF_TOP/scripts/setup.sh" >&2 || status=$?
	[ "$status" -eq 0 ] || bail_out "scripts/setup.sh failed" "$status"
}

# build DIR: make it; the output is shown when that fails.
build()
{
	local start=$SECONDS

	[ -t 2 ] || note "building $1"
	run_job "building $1" 0 "$NETBPF_TOP" "$WORK/build" \
		make -C "$1" -j "$(nproc)"
	[ -z "$VERBOSE" ] || cat "$WORK/build" >&2
	if [ "$JOB_STATUS" != 0 ]; then
		[ -n "$VERBOSE" ] || cat "$WORK/build" >&2
		bail_out "cannot build $1${JOB_STATUS:+ (make: status $JOB_STATUS)}"
	fi
	note "built $1 in $((SECONDS - start)) s"
}

# ---------------------------------------------------------------------------
# The list of tests

# list_tests: a name a line; a shell test is named without its .sh.
list_tests()
{
	if [ -n "$FAKE" ]; then
		find "$FAKE" -maxdepth 1 -type f -perm -u+x -printf '%f\n' | sort
	else
		make -s --no-print-directory -C "$SELFTESTS" list |
			sed -e 's/\.sh$//' -e '/^$/d'
	fi
}

# test_path NAME: the program of a test.
test_path()
{
	local path

	if [ -n "$FAKE" ]; then
		echo "$FAKE/$1"
		return
	fi
	for path in "$SELFTESTS/$1.sh" "$NETBPF_OUT/selftests/$1"; do
		[ ! -x "$path" ] || break
	done
	echo "$path"
}

# test_timeout: seconds for each test. Who overrides it knows the machine.
test_timeout()
{
	local seconds=${kselftest_override_timeout:-} slow=1

	if [ -z "$seconds" ]; then
		seconds=$(sed -n 's/^timeout=//p' "${FAKE:-$SELFTESTS}/settings")
		slow=$NETBPF_SLOW
	fi
	[[ $seconds =~ ^[0-9]+$ ]] || usage_error "bad timeout: '$seconds'"
	echo $((10#$seconds * slow))
}

# select_tests: TESTS becomes what -t asked for.
select_tests()
{
	local wanted name found

	[ ${#WANTED[@]} -gt 0 ] || return 0
	WANTED=("${WANTED[@]/%.sh/}")
	for wanted in "${WANTED[@]}"; do
		found=
		for name in "${TESTS[@]}"; do
			[ "$name" != "${wanted%%:*}" ] || found=1
		done
		[ -n "$found" ] && continue
		note "no test named '${wanted%%:*}'; there are:"
		printf '  %s\n' "${TESTS[@]}" >&2
		exit 2
	done
	TESTS=("${WANTED[@]}")
}

# ---------------------------------------------------------------------------
# Reading what a test printed

# parse_result LINE: a line that starts with "ok" or "not ok".
parse_result()
{
	local text=$1 verdict=ok directive='' reason=''

	R_COUNT=$((R_COUNT + 1))
	[[ $text != not* ]] || verdict='not ok'
	text=${text#"$verdict"}
	if [[ $text =~ ^\ ([0-9]+)(.*)$ ]]; then
		[ "$((10#${BASH_REMATCH[1]}))" -eq "$R_COUNT" ] ||
			R_WHY+=("result ${BASH_REMATCH[1]} is out of order")
		text=${BASH_REMATCH[2]}
	else
		R_WHY+=("a result has no number: $1")
	fi
	if [[ $text =~ ^(.*)'#'\ *(SKIP|XFAIL|TODO|TIMEOUT|ERROR|XPASS)\ *(.*)$ ]]; then
		text=${BASH_REMATCH[1]}
		directive=${BASH_REMATCH[2]}
		reason=${BASH_REMATCH[3]}
	fi
	text=${text# }
	text=${text#- }
	text=${text% }
	if [ "$verdict" != ok ]; then
		R_FAIL=$((R_FAIL + 1))
		R_FAILURES+=("$text${directive:+ ($directive)}")
	elif [ "$directive" = SKIP ]; then
		R_SKIP=$((R_SKIP + 1))
		R_SKIPS+=("${text:+$text: }${reason:-no reason given}")
	elif [ "$directive" = XFAIL ]; then
		R_XFAIL=$((R_XFAIL + 1))
	else
		R_PASS=$((R_PASS + 1))
	fi
}

# parse_plan NUMBER REASON: a line "1..NUMBER", with "# SKIP REASON" if REASON
# is not empty.
parse_plan()
{
	[ -z "$R_PLAN" ] || R_WHY+=("more than one plan")
	[ "$R_COUNT" -eq 0 ] || R_WHY+=("the plan comes after results")
	R_PLAN=$((10#$1))
	if [ "$R_PLAN" -eq 0 ] && [ -n "$2" ]; then
		R_SKIP=$((R_SKIP + 1))
		R_SKIPS+=("$2")
		R_ALL_SKIPPED=1
	fi
}

# parse LOG: count the results in it. Results of nested tests are indented and
# not counted: they are summed up by the test around them.
parse()
{
	local line reason

	R_PLAN='' R_COUNT=0 R_PASS=0 R_FAIL=0 R_SKIP=0 R_XFAIL=0 R_ALL_SKIPPED=
	R_FAILURES=() R_SKIPS=() R_WHY=()
	while IFS= read -r line || [ -n "$line" ]; do
		if [[ $line =~ ^(not\ )?ok(\ |$) ]]; then
			parse_result "$line"
		elif [[ $line =~ ^1\.\.([0-9]+)\ *(#\ *SKIP\ *(.*))?$ ]]; then
			reason=${BASH_REMATCH[3]}
			[ -z "${BASH_REMATCH[2]}" ] || reason=${reason:-no reason given}
			parse_plan "${BASH_REMATCH[1]}" "$reason"
		elif [[ $line = 'Bail out!'* ]]; then
			R_WHY+=("$line")
		fi
	done < <(tr -d '\0' <"$1")
}

# judge_status: does JOB_STATUS agree with the results?
judge_status()
{
	case $JOB_STATUS in
	'')
		if [ -n "$STOP" ]; then
			R_WHY+=("interrupted")
		else
			R_WHY+=("not finished after $TIMEOUT seconds")
		fi
		;;
	0)
		[ "$R_FAIL" -eq 0 ] ||
			R_WHY+=("exit status 0, but a result is not ok")
		;;
	"$KSFT_SKIP")
		if [ $((R_PASS + R_FAIL + R_XFAIL)) -gt 0 ]; then
			R_WHY+=("exit status 4 (skipped), but not all was skipped")
		elif [ -z "$R_PLAN" ] && [ "$R_COUNT" -eq 0 ]; then
			parse_plan 0 "no reason given"
		fi
		;;
	*)
		if [ "$JOB_STATUS" -gt 128 ]; then
			R_WHY+=("killed by SIG$(kill -l "$JOB_STATUS")")
		elif [ "$R_FAIL" -eq 0 ]; then
			R_WHY+=("exit status $JOB_STATUS, but no result is not ok")
		fi
		;;
	esac
}

# judge_plan LOG: are the results those that were planned?
judge_plan()
{
	if [ ! -s "$1" ] && [ -z "$R_PLAN" ]; then
		R_WHY+=("it printed nothing")
	elif [ -z "$R_PLAN" ]; then
		R_WHY+=("it printed no plan (1..N)")
	elif [ "$R_PLAN" -eq 0 ] && [ -z "$R_ALL_SKIPPED" ]; then
		R_WHY+=("it planned no test (1..0)")
	elif [ "$R_COUNT" -lt "$R_PLAN" ]; then
		R_WHY+=("$R_COUNT results, $R_PLAN were planned")
	elif [ "$R_COUNT" -gt "$R_PLAN" ]; then
		R_WHY+=("$R_COUNT results, only $R_PLAN were planned")
	fi
	[ -z "$JOB_LEFT" ] || R_WHY+=("processes left behind: ${JOB_LEFT%;}")
}

# ---------------------------------------------------------------------------
# Printing

# show_nested NAME LOG DIAGNOSTICS: the output of a test, indented as KTAP wants
# nested tests. Whatever is not KTAP becomes a diagnostic line.
show_nested()
{
	local line

	# Without a plan it is no KTAP that a reader could nest.
	if [ -z "$R_PLAN" ] || [ -n "$R_ALL_SKIPPED" ]; then
		# shellcheck disable=SC1003 # $a\ ends an unfinished last line
		[ -z "$3" ] || tr -d '\0' <"$2" | sed -e 's/^/# /' -e '$a\'
		return 0
	fi
	echo "  KTAP version 1"
	echo "  # Subtest: $1"
	while IFS= read -r line || [ -n "$line" ]; do
		if [[ $line =~ ^(not\ )?ok(\ |$) || $line =~ ^1\.\.[0-9]+ ]]; then
			printf '  %s\n' "$line"
		elif [ -z "$3" ] || [[ $line =~ ^K?TAP\ version ]]; then
			:
		elif [[ $line =~ ^\ *'#' || $line =~ ^\ +(not\ )?ok\  ]]; then
			printf '  %s\n' "$line"
		else
			printf '  # %s\n' "$line"
		fi
	done < <(tr -d '\0' <"$2")
}

# account NAME: add the results of a test to the totals.
account()
{
	local text

	if [ -n "$NO_SKIP" ] && [ "$R_SKIP" -gt 0 ]; then
		for text in "${R_SKIPS[@]}"; do
			R_FAILURES+=("$text (skipped)")
		done
		R_FAIL=$((R_FAIL + R_SKIP))
		R_WHY+=("$R_SKIP skipped, and --no-skip was given")
		R_SKIP=0
		R_SKIPS=()
	fi
	# A test that failed as a whole counts, even if all its results are ok.
	if [ ${#R_WHY[@]} -gt 0 ] && [ "$R_FAIL" -eq 0 ]; then
		R_FAIL=1
		R_FAILURES+=("${R_WHY[0]}")
	fi
	PASSED=$((PASSED + R_PASS))
	FAILED=$((FAILED + R_FAIL))
	SKIPPED=$((SKIPPED + R_SKIP))
	XFAILED=$((XFAILED + R_XFAIL))
	for text in "${R_FAILURES[@]}"; do
		FAILURES+=("$1: $text")
	done
	for text in "${R_SKIPS[@]}"; do
		SKIPS+=("$1: $text")
	done
}

# report NUMBER NAME LOG: print and count the results of a test.
report()
{
	local title="selftests: netbpf: $2" text show=$VERBOSE skip=

	parse "$3"
	judge_status
	judge_plan "$3"
	# Of the test itself, before --no-skip adds to it.
	[ $((R_PASS + R_FAIL + R_XFAIL + ${#R_WHY[@]})) -gt 0 ] || skip=${R_SKIPS[0]}
	account "$2"
	[ "$R_FAIL" -eq 0 ] || show=1
	show_nested "$2" "$3" "$show"
	for text in "${R_WHY[@]}"; do
		echo "# $2: $text"
	done
	if [ "$R_FAIL" -gt 0 ]; then
		printf 'not ok %d %s' "$1" "$title"
		[ -n "$JOB_STATUS$STOP" ] || printf ' # TIMEOUT %d seconds' "$TIMEOUT"
		printf '\n'
	else
		echo "ok $1 $title${skip:+ # SKIP $skip}"
	fi
}

# run_test NUMBER NAME[:CASE]...
run_test()
{
	local name=${2%%:*} log=$WORK/log path start=$SECONDS case cases=() options=()

	[ "$name" = "$2" ] || IFS=: read -ra cases <<<"${2#*:}"
	for case in "${cases[@]}"; do
		# The full name of a case of the C harness (fixture.test) needs -r.
		case $case in
		*.*) options+=(-r "$case") ;;
		*) options+=(-t "$case") ;;
		esac
	done
	path=$(test_path "$name")
	if [ -x "$path" ]; then
		run_job "[$1/${#TESTS[@]}] $2" "$TIMEOUT" "$(dirname "$path")" \
			"$log" "$path" "${options[@]}"
	else
		echo "$path: not there, or not executable" >"$log"
		JOB_STATUS=127
		JOB_LEFT=
	fi
	[ -z "$VERBOSE" ] || echo "# $name: $((SECONDS - start)) s"
	report "$1" "$name" "$log"
}

summary()
{
	local text

	for text in "${FAILURES[@]}"; do
		echo "# failed: $text"
	done
	for text in "${SKIPS[@]}"; do
		echo "# skipped: $text"
	done
	[ -z "$STOP" ] || echo "# stopped by a signal: not all tests were run"
	echo "# Totals: pass:$PASSED fail:$FAILED xfail:$XFAILED xpass:0" \
		"skip:$SKIPPED error:0"
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
}

main()
{
	local number=0 name

	options "$@"
	# Make and scripts read it; an empty one would mean another directory.
	[ -n "${O:-}" ] || unset O
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-run.XXXXXX")
	trap 'rm -rf "$WORK"' EXIT
	trap 'STOP=130' INT
	trap 'STOP=143' TERM
	trap 'STOP=129' HUP

	[ -n "$LIST$NO_BUILD$FAKE" ] || set_up
	list_tests >"$WORK/list" || die 1 "cannot list the tests" "make -C $SELFTESTS list"
	mapfile -t TESTS <"$WORK/list"
	if [ -n "$LIST" ]; then
		cat "$WORK/list"
		exit 0
	fi
	select_tests
	TIMEOUT=$(test_timeout)
	if [ -z "$NO_BUILD$FAKE" ]; then
		build samples
		build scripts
		build selftests
	fi

	echo "KTAP version 1"
	echo "1..${#TESTS[@]}"
	for name in "${TESTS[@]}"; do
		number=$((number + 1))
		run_test "$number" "$name"
		[ -z "$STOP" ] || break
	done
	summary
	[ -z "$STOP" ] || exit "$STOP"
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}

main "$@"
