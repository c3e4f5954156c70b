# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # variables of the other parts of run.sh
#
# Which test runs when. Some run side by side; what they print is shown as if they ran
# one after the other: that of the first which has not been shown as it comes, that of
# the others when it is their turn.

# Of each test, by its place in TESTS.
T_PID=()		# while it runs
T_START=()		# when it began, in milliseconds
T_LIMIT=()		# seconds that it gets
T_STATUS=()		# of one that has ended: its exit status, empty if out of time
T_LEFT=()		# the processes that it left behind
T_TOOK=()		# milliseconds
RUNNING=()		# places of those that run now
ISOLATE=()		# what a test is started by, to have its own network and mounts

# A file with a line for each test that was run before: NAME MILLISECONDS.
times_file()
{
	echo "${FAKE:-$NETBPF_OUT/build}/.test-times"
}

# needs_the_machine NAME: it says so in its source, in a line "alone: REASON".
needs_the_machine()
{
	local dir=${FAKE:-$SELFTESTS} file

	for file in "$dir"{,/*}/"$1"{,.sh,.c}; do
		[ -f "$file" ] || continue
		grep -qE '^(#| \*) alone: ' "$file" && return
	done
	return 1
}

# sort_tests: TESTS in the order in which they start: those that took longest last time,
# and before them those that nobody has seen yet, long ones (with parts) first; at the end those that run alone, from
# place ALONE_FROM on. What -t asked for keeps its order.
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

# share_cases: the cases of a long shell test are dealt out to several runs of it, side by
# side: as many as settings says, or, where -t asked for fewer tests than may run at a
# time, as many as may.
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

# can_be_dealt NAME: a shell test, all of it, that runs beside others.
can_be_dealt()
{
	[[ $1 != *:* && $(test_path "$1") = *.sh ]] && ! needs_the_machine "$1"
}

# deal NAME PARTS: add NAME:CASE:CASE... to tests, PARTS times.
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

# save_times: for the next run. A test of which only some cases were run tells nothing.
save_times()
{
	local place file
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

# slowest: ten tests, where there are more.
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

# choose_isolation: each test gets a network and mounts of its own, where that can be
# had. Where it cannot, one test runs at a time: they would meet each other.
choose_isolation()
{
	ISOLATE=(unshare --mount --net --propagation private -- "$SELFTESTS/lib/run/isolate.sh")
	"${ISOLATE[@]}" true >"$WORK/isolate" 2>&1 && return
	ISOLATE=()
	[ "$JOBS" -eq 1 ] || note "no namespaces for the tests, so one runs at a time:" \
		"$(tail -n 1 "$WORK/isolate")"
	JOBS=1
}

# test_start PLACE
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

# test_end PLACE: it has ended by itself, or is ended now.
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

# test_timeout PLACE: the seconds it gets: those in settings, for a machine that it has for
# itself, times those that share the machine with it. Who overrides it knows the machine.
test_timeout()
{
	local name=${TESTS[$1]%%:*} seconds=${kselftest_override_timeout:-} parts=''

	if [ -z "$seconds" ]; then
		seconds=$(setting "timeout_$name")
		[ -n "$seconds" ] || seconds=$(setting each)
		# One that could not be dealt out takes the time of all its parts.
		[[ ${TESTS[$1]} = *:* ]] || parts=$(setting "parts_$name")
		seconds=$((seconds * NETBPF_SLOW * ${parts:-1}))
		[ "$1" -ge "$ALONE_FROM" ] || seconds=$((seconds * JOBS))
	fi
	echo "$seconds"
}

# setting NAME: written as the runner of the kernel wants it.
setting()
{
	sed -n "s/^$1=//p" "${FAKE:-$SELFTESTS}/settings"
}

# check_timeouts: all are numbers of seconds.
check_timeouts()
{
	local seconds

	for seconds in ${kselftest_override_timeout:-$(setting each) $(setting 'timeout[^=]*')}; do
		[[ $seconds =~ ^[1-9][0-9]*$ ]] || usage_error "bad timeout: '$seconds'"
	done
}

# start_tests: as many as may run now, from NEXT on.
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

# end_tests: those that have ended, or whose time is over.
end_tests()
{
	local place time

	now time
	# All at once: each may need its time to clean up.
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

# show_tests: go on with the test at HEAD, and with those behind it that have ended.
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

# show_running: the line at the bottom of the terminal.
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
	HEAD=0			# place of the test that is shown
	OPENED=			# it is being read
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
