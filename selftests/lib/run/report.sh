# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2153 # variables of the other parts of run.sh
#
# What run.sh prints: the results of a test as they come, a result for the whole test, and
# the totals.

PASSED=0
FAILED=0
SKIPPED=0
XFAILED=0
FAILURES=()		# "TEST: CASE" of each failed case, for the summary
SKIPS=()		# of each skipped case: REASON, a tab, "TEST: CASE"

# show_plan LINE: begin the nested results of a test with its plan LINE.
show_plan()
{
	printf '  KTAP version 1\n  # Subtest: %s\n  %s\n' "$R_NAME" "$1"
	[ -z "$VERBOSE" ] || show_pending
}

# show_result VERDICT LINE: show a result. If the result is bad, show the diagnostics that
# came before it, too.
show_result()
{
	# Before the plan a result is not valid KTAP: keep it, to show it as a comment later.
	if [ -z "$R_PLAN" ]; then
		R_PENDING+=("$2")
		return
	fi
	if [ "$1" != ok ]; then
		show_pending
	else
		R_DROPPED+=("${R_PENDING[@]}")
		R_PENDING=()
	fi
	printf '  %s\n' "$2"
}

# show_diagnostic LINE: keep a line that is no result; show it at once with -v.
show_diagnostic()
{
	[[ ! $1 =~ ^K?TAP\ version ]] || return 0
	R_PENDING+=("$1")
	if [ -n "$VERBOSE" ] && [ -n "$R_PLAN" ]; then
		show_pending
	fi
}

# show_pending: show the diagnostics that were kept. Lines that are not KTAP become comments.
show_pending()
{
	local line

	for line in "${R_PENDING[@]}"; do
		if [[ $line =~ ^\ *'#' || $line =~ ^\ +(not\ )?ok\  ]]; then
			printf '  %s\n' "$line"
		else
			printf '  # %s\n' "$line"
		fi
	done
	R_PENDING=()
}

# show_rest: show all remaining diagnostics of a test that has failed; with -v, of every test.
show_rest()
{
	if [ -z "$VERBOSE" ] && [ "$R_FAIL" -eq 0 ]; then
		return
	fi
	if [ -z "$R_PLAN" ] || [ -n "$R_ALL_SKIPPED" ]; then
		[ ${#R_PENDING[@]} -eq 0 ] || printf '# %s\n' "${R_PENDING[@]}"
		return
	fi
	show_pending
	if [ -z "$VERBOSE" ] && [ ${#R_DROPPED[@]} -gt 0 ]; then
		echo "  # what it said with results that were good:"
		R_PENDING=("${R_DROPPED[@]}")
		show_pending
	fi
}

# account: add the results of a test to the totals.
account()
{
	local text reason case

	for text in "${R_SKIPS[@]}"; do
		IFS=$'\t' read -r reason case <<<"$text"
		if [ -n "$NO_SKIP" ]; then
			R_FAIL=$((R_FAIL + 1))
			R_FAILURES+=("${case:+$case: }$reason (skipped)")
		else
			SKIPPED=$((SKIPPED + 1))
			SKIPS+=("$reason"$'\t'"$R_NAME${case:+: $case}")
		fi
	done
	if [ -n "$NO_SKIP" ] && [ ${#R_SKIPS[@]} -gt 0 ]; then
		R_WHY+=("${#R_SKIPS[@]} skipped, and --no-skip was given")
	fi
	# A test that failed as a whole counts as a failure, even if all its results are ok.
	if [ ${#R_WHY[@]} -gt 0 ] && [ "$R_FAIL" -eq 0 ]; then
		R_FAIL=1
		R_FAILURES+=("${R_WHY[0]}")
	fi
	PASSED=$((PASSED + R_PASS))
	FAILED=$((FAILED + R_FAIL))
	XFAILED=$((XFAILED + R_XFAIL))
	for text in "${R_FAILURES[@]}"; do
		FAILURES+=("$R_NAME: $text")
	done
}

# report NUMBER STATUS LEFT TOOK: judge and report the test that was just read. STATUS and
# LEFT are as for ktap_judge; TOOK is its run time in milliseconds.
report()
{
	local title="selftests: netbpf: $R_NAME" text skip=

	ktap_judge "$2" "$3"
	# Decide whether the whole test was skipped before account() turns skips into
	# failures (--no-skip).
	[ $((R_PASS + R_FAIL + R_XFAIL + ${#R_WHY[@]})) -gt 0 ] || skip=${R_SKIPS[0]%%$'\t'*}
	account
	show_rest
	for text in "${R_WHY[@]}"; do
		echo "# $R_NAME: $text"
	done
	echo "# took $(seconds "$4")"
	if [ "$R_FAIL" -gt 0 ]; then
		printf 'not ok %d %s' "$1" "$title"
		[ -n "$2$STOP" ] || printf ' # TIMEOUT %d seconds' "$TIMEOUT"
		printf '\n'
	else
		echo "ok $1 $title${skip:+ # SKIP $skip}"
	fi
}

# seconds MILLISECONDS: print the time for a person: "1.5 s".
seconds()
{
	printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# summary_of_skips: print a line for each reason, with the tests that were skipped for it.
summary_of_skips()
{
	local text reason where
	local -A tests=() count=()

	for text in "${SKIPS[@]}"; do
		IFS=$'\t' read -r reason where <<<"$text"
		tests[$reason]+="${tests[$reason]:+, }$where"
		count[$reason]=$((${count[$reason]:-0} + 1))
	done
	for reason in "${!tests[@]}"; do
		echo "# skipped ${count[$reason]}: $reason (${tests[$reason]})"
	done | sort -k3,3nr -k4
}

# summary: print the slowest tests, what failed, what was skipped, and the totals.
summary()
{
	local text

	slowest
	for text in "${FAILURES[@]}"; do
		echo "# failed: $text"
	done
	summary_of_skips
	[ -z "$STOP" ] || echo "# stopped by a signal: not all tests were run"
	echo "# Totals: pass:$PASSED fail:$FAILED xfail:$XFAILED xpass:0" \
		"skip:$SKIPPED error:0"
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
}
