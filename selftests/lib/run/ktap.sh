# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # variables of the other parts of run.sh
#
# Reading the KTAP output of a test. The results are counted and shown as they come, indented
# below the test as KTAP wants it. When the test has ended, its output and its exit status
# are judged. run.sh reads one test at a time.

# ktap_open NAME LOG: begin to read LOG, the output of the test NAME.
ktap_open()
{
	R_NAME=$1
	R_PLAN='' R_COUNT=0 R_PASS=0 R_FAIL=0 R_XFAIL=0 R_ALL_SKIPPED=
	R_FAILURES=() R_SKIPS=() R_WHY=()
	R_PENDING=()		# diagnostics since the last result, not shown yet
	R_DROPPED=()		# diagnostics of good results, not shown
	R_PART=			# the beginning of a line that is not complete yet
	exec {R_FD}<"$2"
}

# ktap_read: read the lines that the test has printed since the last call.
ktap_read()
{
	local line=

	while IFS= read -r line <&"$R_FD"; do
		ktap_line "$R_PART$line"
		R_PART=
	done
	R_PART+=$line
}

# ktap_close: the test has ended: read the rest of its output.
ktap_close()
{
	ktap_read
	exec {R_FD}<&-
	[ -z "$R_PART" ] || ktap_line "$R_PART"
}

# ktap_line LINE: handle one line of output. Indented results belong to nested tests and do
# not count: the outer test prints a result of its own for them.
ktap_line()
{
	if [[ $1 =~ ^(not\ )?ok(\ |$) ]]; then
		ktap_result "$1"
	elif [[ $1 =~ ^1\.\.([0-9]+)\ *(#\ *SKIP\ *(.*))?$ ]]; then
		ktap_plan "${BASH_REMATCH[1]}" \
			"${BASH_REMATCH[2]:+${BASH_REMATCH[3]:-no reason given}}"
		[ -n "$R_ALL_SKIPPED" ] || show_plan "$1"
	elif [[ $1 = 'Bail out!'* ]]; then
		R_WHY+=("$1")
	else
		show_diagnostic "$1"
	fi
}

# ktap_plan NUMBER REASON: handle a line "1..NUMBER", or "1..NUMBER # SKIP REASON" if REASON
# is not empty.
ktap_plan()
{
	[ -z "$R_PLAN" ] || R_WHY+=("more than one plan")
	[ "$R_COUNT" -eq 0 ] || R_WHY+=("the plan comes after results")
	R_PLAN=$((10#$1))
	if [ "$R_PLAN" -eq 0 ] && [ -n "$2" ]; then
		R_SKIPS+=("$2"$'\t')
		R_ALL_SKIPPED=1
	fi
}

# ktap_result LINE: handle a line that starts with "ok" or "not ok".
ktap_result()
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
		R_SKIPS+=("${reason:-no reason given}"$'\t'"$text")
	elif [ "$directive" = XFAIL ]; then
		R_XFAIL=$((R_XFAIL + 1))
	else
		R_PASS=$((R_PASS + 1))
	fi
	show_result "$verdict" "$1"
}

# ktap_judge STATUS LEFT: judge a test that ended with STATUS (empty if run.sh had to stop
# it) and left the processes LEFT behind. Adds to R_WHY what is wrong with the test as a
# whole.
ktap_judge()
{
	judge_status "$1"
	judge_plan
	[ -z "$2" ] || R_WHY+=("processes left behind: ${2%;}")
}

# judge_status STATUS: check that the exit status agrees with the results.
judge_status()
{
	case $1 in
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
			ktap_plan 0 "no reason given"
		fi
		;;
	*)
		if [ "$1" -gt 128 ]; then
			R_WHY+=("killed by SIG$(kill -l "$1")")
		elif [ "$R_FAIL" -eq 0 ]; then
			R_WHY+=("exit status $1, but no result is not ok")
		fi
		;;
	esac
}

# judge_plan: check that there are as many results as the plan says.
judge_plan()
{
	if [ -z "$R_PLAN" ] && [ $((R_COUNT + ${#R_PENDING[@]} + ${#R_WHY[@]})) -eq 0 ]; then
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
}
