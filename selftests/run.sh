#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs missing packages, builds the samples and the tests, runs the tests, and prints KTAP.
# The exit status of "make run_tests" is always 0. This script succeeds only if at least one
# test has passed and none has failed.
set -euo pipefail

# A relative O= counts from the directory of the caller.
[ -z "${O:-}" ] || { O=$(realpath -m "$O"); export O; }

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../scripts/common.sh"
PROG=run.sh
export LC_ALL=C

readonly SELFTESTS=$NETBPF_TOP/selftests

# For the tests of this script (runner.sh): run the programs of this directory instead of the
# tests, and neither set up nor build.
readonly FAKE=${NETBPF_TESTS_DIR:-}

KSFT_SKIP=4		# exit status of a test that was skipped

# Number of tests that run side by side. A test waits half of its time, so two share a CPU well.
# An emulated CPU is always busy, so one test at a time has to do there.
JOBS=$((2 * $(nproc)))
[ -z "${NETBPF_VM:-}" ] || JOBS=1

ALL=			# set by -a: also run the tests of this tree's own tools
WANTED=()		# names given with -t, as NAME or NAME:CASE...
VERBOSE=
NO_SKIP=
NO_BUILD=
LIST=
STOP=			# set when a signal came: the exit status to end with

# shellcheck source=selftests/lib/run/job.sh
. "$SELFTESTS/lib/run/job.sh"
# shellcheck source=selftests/lib/run/ktap.sh
. "$SELFTESTS/lib/run/ktap.sh"
# shellcheck source=selftests/lib/run/report.sh
. "$SELFTESTS/lib/run/report.sh"
# shellcheck source=selftests/lib/run/schedule.sh
. "$SELFTESTS/lib/run/schedule.sh"

usage()
{
	cat <<-END
		Usage: run.sh [-a] [-j N] [-l] [-t NAME]... [-v] [--no-skip] [--no-build] [-h]

		Installs what is missing, builds, runs the tests of netbpf, and prints KTAP.

		  -a, --all        also the tests of this tree's own tools: setup.sh, check.sh,
		                   vmtest.sh, the runner, packages, builds for other machines
		  -j, --jobs N     run N tests side by side (default: two for each CPU)
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

# need_arg OPTION COUNT: exit with a usage error if OPTION has no argument. COUNT is the number of
# words left, including OPTION.
need_arg()
{
	[ "$2" -gt 1 ] || usage_error "option $1 needs an argument"
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-a | --all) ALL=1 ;;
		-j | --jobs) need_arg "$1" $#; JOBS=$2; shift ;;
		--jobs=*) JOBS=${1#*=} ;;
		-j?*) JOBS=${1#-j} ;;
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
	[[ $JOBS =~ ^[1-9][0-9]?$ ]] || usage_error "-j $JOBS is no number from 1 to 99"
}

# progress TEXT: show TEXT in the line at the bottom of the terminal, in place of the old one.
progress()
{
	[ ! -t 2 ] || printf '\r\033[K%s' "$1" >&2
}

# ---------------------------------------------------------------------------
# Set-up and build

# bail_out TEXT [STATUS]: exit before any test has run, with TEXT as the KTAP reason.
bail_out()
{
	echo "KTAP version 1"
	echo "Bail out! $1"
	exit "${STOP:-${2:-1}}"
}

set_up()
{
	local status=0 scope=(${ALL:+--all})

	"$NETBPF_TOP/scripts/setup.sh" "${scope[@]}" --check >"$WORK/setup" 2>&1 && return
	if [ -n "${NO_INSTALL:-}" ]; then
		cat "$WORK/setup" >&2
		note "NO_INSTALL is set: going on without"
		return
	fi
	"$NETBPF_TOP/scripts/setup.sh" "${scope[@]}" >&2 || status=$?
	[ "$status" -eq 0 ] || bail_out "scripts/setup.sh failed" "$status"
}

# build DIR: run make in DIR. The output is shown if make fails. If there is nothing to build,
# nothing is printed. With --all a warning is an error, as in check.sh: the test of check.sh
# must not rebuild programs that other tests are running.
build()
{
	local start=$SECONDS said='' ended=''

	job_start "$NETBPF_TOP" "$WORK/build" make -s --no-print-directory -C "$1" -j "$(nproc)" \
		${ALL:+WERROR=1}
	until [ -n "$ended$STOP" ]; do
		child_ended "$JOB" && ended=1
		if [ -z "$said" ] && [ -s "$WORK/build" ]; then
			note "building $1"
			said=1
		fi
		[ -z "$said" ] || progress "building $1  $((SECONDS - start)) s"
		pause 0.05
	done
	progress ""
	[ -n "$ended" ] || job_stop "$JOB"
	job_finish "$JOB"
	if [ -n "$VERBOSE" ] || [ "$JOB_STATUS" != 0 ]; then
		cat "$WORK/build" >&2
	fi
	[ "$JOB_STATUS" = 0 ] ||
		bail_out "cannot build $1 (make: status $JOB_STATUS)"
	[ -z "$said" ] || note "built $1 in $((SECONDS - start)) s"
}

# ---------------------------------------------------------------------------
# The list of tests

# list_tests GOAL: print the names of the tests, without .sh. GOAL is the goal of the Makefile that
# lists them.
list_tests()
{
	if [ -n "$FAKE" ]; then
		find "$FAKE" -maxdepth 2 -type f -perm -u+x -printf '%f\n' | sort
	else
		make -s --no-print-directory -C "$SELFTESTS" "$1"
	fi | sed -e 's/\.sh$//' -e '/^$/d'
}

# test_path NAME: print the path of the program of a test.
test_path()
{
	local path

	for path in "${FAKE:-$SELFTESTS}"{,/*}/"$1.sh" "${FAKE:-$NETBPF_OUT/selftests}"{,/*}/"$1"; do
		[ ! -x "$path" ] || break
	done
	echo "$path"
}

# find_test NAME: true if there is such a test, with or without --all.
find_test()
{
	grep -qxF -e "$1" "$WORK/list" "$WORK/list-all"
}

# select_tests: set TESTS to the tests that -t asked for.
select_tests()
{
	local wanted

	WANTED=("${WANTED[@]/%.sh/}")
	for wanted in "${WANTED[@]}"; do
		find_test "${wanted%%:*}" && continue
		note "no test named '${wanted%%:*}'; there are:"
		sed 's/^/  /' "$WORK/list-all" >&2
		exit 2
	done
	TESTS=("${WANTED[@]}")
}

# prepare: make the directory WORK, handle signals, set up the machine, and set TESTS.
prepare()
{
	# make and the scripts read O. An empty O would mean another directory to them.
	[ -n "${O:-}" ] || unset O
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/netbpf-run.XXXXXX")
	trap 'rm -rf "$WORK"' EXIT
	trap 'STOP=130' INT
	trap 'STOP=143' TERM
	trap 'STOP=129' HUP

	check_timeouts
	[ -n "$LIST$NO_BUILD$FAKE" ] || set_up
	list_tests list >"$WORK/list" || die 1 "cannot list the tests" "make -C $SELFTESTS list"
	list_tests list-all >"$WORK/list-all" ||
		die 1 "cannot list all tests" "make -C $SELFTESTS list-all"
	mapfile -t TESTS <"$WORK/list${ALL:+-all}"
	[ ${#WANTED[@]} -eq 0 ] || select_tests
}

main()
{
	options "$@"
	prepare
	if [ -n "$LIST" ]; then
		printf '%s\n' "${TESTS[@]}"
		exit 0
	fi
	if [ -z "$NO_BUILD$FAKE" ]; then
		build samples
		build scripts
		build exercises
		build selftests
	fi
	choose_isolation
	share_cases
	sort_tests

	echo "KTAP version 1"
	echo "1..${#TESTS[@]}"
	schedule
	save_times
	summary
	[ -z "$STOP" ] || exit "$STOP"
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}

main "$@"
