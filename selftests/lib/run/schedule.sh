# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # variables of the other parts of run.sh
#
# Which test runs when. Several tests run side by side, but run.sh shows their output in the
# order of TESTS. It shows the output of the test at HEAD as it comes; the output of later
# tests waits in their logs until their turn.

# What is known about each test. The index of these arrays is the place of the test in TESTS.
T_PID=()		# its pid, which is also its session
T_START=()		# when it began, in milliseconds
T_LIMIT=()		# its time limit in seconds
T_STATUS=()		# its exit status; empty if run.sh had to stop it
T_LEFT=()		# the processes that it left behind
T_TOOK=()		# its run time in milliseconds; set when it has ended
RUNNING=()		# places of the tests that run now
ISOLATE=()		# command in front of each test that gives it a network and mounts

# times_file: path of the file with the run times of earlier runs, a line "NAME MILLISECONDS"
# for each test.
times_file()
{
	echo "${FAKE:-$NETBPF_OUT/build}/.test-times"
}

# needs_the_machine NAME: true if the test must not run beside others. Its source says so in
# a comment line "alone: REASON".
needs_the_machine()
{
	local dir=${FAKE:-$SELFTESTS} file

	for file in "$dir"{,/*}/"$1"{,.sh,.c}; do
		[ -f "$file" ] || continue
		grep -qE '^(#| \*) alone: ' "$file" && return
	done
	return 1
}

# sort_tests: put TESTS into the order in which they start. Tests without a known run time
# come first, those with parts_NAME in settings before the others. Then come the others,
# the slowest of the last run first. The tests that run alone are at the end, from place
# ALONE_FROM on. With -t, tests otherwise keep the order of the command line.
sort_tests()
{
	local name took unseen alone=() together=()
	local -A last=()

	while read -r name took; do
		last[$name]=$took
	done < <(cat "$(times_file)" 2>/dev/null)
	if [ ${#WANTED[@]} -eq 0 ]; then
		mapfile -t TESTS < <(for name in "${TESTS[@]}"; do
			unseen=999999998
			[ -z "$(setting "parts_${name%%:*}")" ] || unseen=999999999
			echo "${last[$name]:-$unseen} $name"
		done | sort -s -k1,1nr | cut -d' ' -f2)
	fi
	for name in "${TESTS[@]}"; do
		if needs_the_machine "${name%%:*}"; then
			alone+=("$name")
		else
			together+=("$name")
		fi
	done
	TESTS=("${together[@]}" "${alone[@]}")
	ALONE_FROM=${#together[@]}
}

# share_cases: split long shell tests into parts that run side by side, each with some of the
# cases. The settings say how many parts (parts_NAME). If -t asks for fewer tests than may
# run at a time, split the tests further, so that all jobs have work.
share_cases()
{
	local name parts idle=1 tests=()

	[ "$JOBS" -gt 1 ] && [ ${#ISOLATE[@]} -gt 0 ] || return 0
	[ ${#WANTED[@]} -eq 0 ] || idle=$((JOBS / ${#TESTS[@]}))
	for name in "${TESTS[@]}"; do
		parts=$(setting "parts_${name%%:*}")
		[ "${parts:-1}" -ge "$idle" ] || parts=$idle
		if [ "${parts:-1}" -gt 1 ] && can_be_dealt "$name"; then
			deal "$name" "$parts"
		else
			tests+=("$name")
		fi
	done
	TESTS=("${tests[@]}")
}

# can_be_dealt NAME: true if the test can be split: a shell test that may run beside others,
# and -t named no cases of it.
can_be_dealt()
{
	[[ $1 != *:* && $(test_path "$1") = *.sh ]] && ! needs_the_machine "$1"
}

# deal NAME PARTS: split the cases of a test into PARTS parts, and append each part as
# "NAME:CASE:CASE..." to the caller's array tests.
deal()
{
	local part cases place dealt

	mapfile -t cases < <("$(test_path "$1")" -l 2>/dev/null)
	for ((part = 0; part < $2 && part < ${#cases[@]}; part++)); do
		dealt=$1
		for ((place = part; place < ${#cases[@]}; place += $2)); do
			dealt+=:${cases[place]// /_}
		done
		tests+=("$dealt")
	done
	[ ${#cases[@]} -gt 0 ] || tests+=("$1")
}

# save_times: write the run times for sort_tests of the next run. The time of a test of which
# only some cases ran is left out.
save_times()
{
	local place file name ms
	local -A took=()

	file=$(times_file)
	[ -d "${file%/*}" ] || return 0
	while read -r name ms; do
		took[$name]=$ms
	done < <(cat "$file" 2>/dev/null)
	for place in "${!T_TOOK[@]}"; do
		[[ ${TESTS[place]} = *:* ]] || took[${TESTS[place]}]=${T_TOOK[place]}
	done
	for name in "${!took[@]}"; do
		echo "$name ${took[$name]}"
	done | sort >"$file.$$" && mv "$file.$$" "$file"
}

# slowest: print the ten slowest tests, if more than ten were run.
slowest()
{
	local place

	[ ${#T_TOOK[@]} -gt 10 ] || return 0
	for place in "${!T_TOOK[@]}"; do
		echo "${T_TOOK[place]} ${TESTS[place]%%:*}"
	done | sort -nr | head -n 10 | while read -r took name; do
		echo "# slow: $name $(seconds "$took")"
	done
}

# choose_isolation: give each test a network and mounts of its own. Where the machine does
# not allow this, run one test at a time, because the tests would disturb each other.
choose_isolation()
{
	ISOLATE=(unshare --mount --net --propagation private -- "$SELFTESTS/lib/run/isolate.sh")
	"${ISOLATE[@]}" true >"$WORK/isolate" 2>&1 && return
	ISOLATE=()
	[ "$JOBS" -eq 1 ] || note "no namespaces for the tests, so one runs at a time:" \
		"$(tail -n 1 "$WORK/isolate")"
	JOBS=1
}

# test_start PLACE: start the test at this place of TESTS.
test_start()
{
	local place=$1 name=${TESTS[$1]%%:*} path case cases=() options=()

	[ "$name" = "${TESTS[place]}" ] || IFS=: read -ra cases <<<"${TESTS[place]#*:}"
	for case in "${cases[@]}"; do
		# The full name of a case of the C harness (fixture.test) needs -r.
		case $case in
		*.*) options+=(-r "$case") ;;
		*) options+=(-t "$case") ;;
		esac
	done
	path=$(test_path "$name")
	T_LIMIT[place]=$(test_timeout "$place")
	now "T_START[place]"
	if [ ! -x "$path" ]; then
		echo "$path: not there, or not executable" >"$WORK/log.$place"
		T_STATUS[place]=127
		T_LEFT[place]=
		T_TOOK[place]=0
		return
	fi
	job_start "$(dirname "$path")" "$WORK/log.$place" "${ISOLATE[@]}" "$path" "${options[@]}"
	T_PID[place]=$JOB
	RUNNING+=("$place")
}

# test_end PLACE: record the end of a test; stop the test first if it still runs.
test_end()
{
	local place=$1 pid=${T_PID[$1]} end status i

	child_ended "$pid" && status=1
	[ -n "${status:-}" ] || job_stop "$pid"
	job_finish "$pid"
	now end
	T_STATUS[place]=${status:+$JOB_STATUS}
	T_LEFT[place]=$JOB_LEFT
	T_TOOK[place]=$((end - T_START[place]))
	for i in "${!RUNNING[@]}"; do
		[ "${RUNNING[i]}" != "$place" ] || unset "RUNNING[i]"
	done
}

# test_timeout PLACE: print the time limit of a test in seconds. The limit in settings holds
# for a test that has the machine for itself. So multiply it by the number of tests that
# may run side by side. kselftest_override_timeout is taken as it is.
test_timeout()
{
	local name=${TESTS[$1]%%:*} seconds=${kselftest_override_timeout:-} parts=''

	if [ -z "$seconds" ]; then
		seconds=$(setting "timeout_$name")
		[ -n "$seconds" ] || seconds=$(setting each)
		# A test that was not split needs the time of all its parts.
		[[ ${TESTS[$1]} = *:* ]] || parts=$(setting "parts_$name")
		seconds=$((seconds * NETBPF_SLOW * ${parts:-1}))
		[ "$1" -ge "$ALONE_FROM" ] || seconds=$((seconds * JOBS))
	fi
	echo "$seconds"
}

# setting NAME: print the value of a line NAME=VALUE of the file settings. The kernel's
# runner reads the same file; see the comment there.
setting()
{
	sed -n "s/^$1=//p" "${FAKE:-$SELFTESTS}/settings"
}

# check_timeouts: exit with a usage error unless each time limit is a number of seconds.
check_timeouts()
{
	local seconds

	for seconds in ${kselftest_override_timeout:-$(setting each) $(setting 'timeout[^=]*')}; do
		[[ $seconds =~ ^[1-9][0-9]*$ ]] || usage_error "bad timeout: '$seconds'"
	done
}

# start_tests: start as many tests as may run now, beginning at NEXT.
start_tests()
{
	local jobs

	while [ "$NEXT" -lt "${#TESTS[@]}" ] && [ -z "$STOP" ]; do
		jobs=$JOBS
		[ "$NEXT" -lt "$ALONE_FROM" ] || jobs=1
		[ "${#RUNNING[@]}" -lt "$jobs" ] || return 0
		test_start "$NEXT"
		NEXT=$((NEXT + 1))
	done
}

# end_tests: record the tests that have ended; stop those whose time is over.
end_tests()
{
	local place time

	now time
	# Send the signal to all tests first, so that they clean up at the same time.
	if [ -n "$STOP" ]; then
		for place in "${RUNNING[@]}"; do
			kill -TERM -- "-${T_PID[place]}" 2>/dev/null || :
		done
	fi
	for place in "${RUNNING[@]}"; do
		if [ -n "$STOP" ] || child_ended "${T_PID[place]}" ||
		   [ $((time - T_START[place])) -gt $((T_LIMIT[place] * 1000)) ]; then
			test_end "$place"
		fi
	done
}

# show_tests: show new output of the test at HEAD. When this test has ended, report it, and
# go on with the next one.
show_tests()
{
	while [ "$HEAD" -lt "$NEXT" ]; do
		if [ -z "$OPENED" ]; then
			ktap_open "${TESTS[HEAD]%%:*}" "$WORK/log.$HEAD"
			OPENED=1
		fi
		ktap_read
		[ -n "${T_TOOK[HEAD]:-}" ] || return 0
		ktap_close
		TIMEOUT=${T_LIMIT[HEAD]}
		report $((HEAD + 1)) "${T_STATUS[HEAD]}" "${T_LEFT[HEAD]}" "${T_TOOK[HEAD]}"
		rm -f "$WORK/log.$HEAD"
		OPENED=
		HEAD=$((HEAD + 1))
	done
}

# show_running: show the running tests in the line at the bottom of the terminal.
show_running()
{
	local place time text=

	[ -t 2 ] || return 0
	now time
	for place in "${RUNNING[@]}"; do
		text+="  ${TESTS[place]%%:*} $(((time - T_START[place]) / 1000)) s"
	done
	progress "[$((NEXT - ${#RUNNING[@]}))/${#TESTS[@]}]$text"
}

# schedule: run all TESTS, and report each.
schedule()
{
	NEXT=0			# place of the test that starts next
	HEAD=0			# place of the test whose output is shown
	OPENED=			# set while the log of that test is open
	while :; do
		start_tests
		end_tests
		progress ""
		show_tests
		[ "${#RUNNING[@]}" -gt 0 ] || [ -z "$STOP" ] || break
		[ "$HEAD" -lt "${#TESTS[@]}" ] || break
		show_running
		pause 0.05
	done
}
