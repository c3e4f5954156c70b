#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of lib.sh: how the functions of a shell test are run and reported.

test_lib_results()
{
	new_dir
	lib_fake a <<-'END'
		test_good() { echo fine; }
		test_bad() { fail "the reason"; }
		test_cannot() { skip "no * here"; }
		test_returns_4() { return 4; }
		run_tests test_good test_bad test_cannot test_returns_4
	END
	runs 1
	expect_out '^  1\.\.4$'
	expect_out '^  ok 1 good$'
	expect_out '^  # failed: the reason$'
	expect_out '^  not ok 2 bad$'
	expect_out '^  ok 3 cannot # SKIP no \* here$'
	expect_out '^  not ok 4 returns 4$'
	last_line "1 passed, 2 failed, 1 skipped"
	expect_status 1 "$FAKE/a"
	expect_status 0 "$FAKE/a" -t good
	expect_status 4 "$FAKE/a" -t cannot
	expect_status 2 "$FAKE/a" -t nosuch
	expect_status 0 "$FAKE/a" -l
	expect_eq "the list" "$OUT" $'good\nbad\ncannot\nreturns 4'
}

# A command that fails anywhere in a test must fail it.
test_lib_errexit()
{
	new_dir
	lib_fake a <<-'END'
		inner() { false; true; }
		test_middle() { false; true; }
		test_in_function() { inner; true; }
		test_pipe() { false | cat; true; }
		test_unset() { echo "$nosuch"; true; }
		test_substitution() { local x; x=$(false; echo y); true; }
		test_fail_in_lost_subshell() { local x=$(fail "lost"); true; }
		test_fail_in_pipe() { echo | { fail "piped" || :; } | cat || true; }
		test_expect() { expect_status 0 sh -c 'echo seen; exit 3'; true; }
		test_not_found() { nosuchcommand; true; }
		run_tests test_middle test_in_function test_pipe test_unset test_substitution \
			test_fail_in_lost_subshell test_fail_in_pipe test_expect test_not_found
	END
	expect_status 1 "$FAKE/a"
	expect_eq "not ok" "$(grep -c '^not ok' "$OUT_FILE")" 9
	expect_out '^# failed: a:.*: status 1: false$'
	expect_out '^#   \| seen$'
	expect_out '^# Totals: pass:0 fail:9 '
}

# A check that something is not there must fail if it cannot look.
test_lib_what_is_not_there()
{
	new_dir
	lib_fake a <<-'END'
		test_good() { expect_no_line x echo y; expect_no_line '' true; no_process "nbt-$$-"; }
		test_a_line() { expect_no_line x echo x; true; }
		test_no_tool() { expect_no_line '' nosuchtool; true; }
		test_status() { expect_no_line '' false; true; }
		test_bad_regex() { echo y >$TMP/y; expect_no_match $TMP/y '('; true; }
		test_a_process() { local p; start_bg p bash -c 'while :; do sleep 0.05; done' nbt-$$-x
			no_process "nbt-$$-"; true; }
		test_a_child() { local p; start_bg p sleep 1000; eventually 5 is_child $BASHPID $p; }
		is_child() { [ "$(child_named $1 sleep)" = $2 ]; }
		run_tests test_good test_a_line test_no_tool test_status test_bad_regex test_a_process \
			test_a_child
	END
	expect_status 1 "$FAKE/a"
	expect_out '^ok 1 good'
	expect_out '^# failed: a line matches: x$'
	expect_out '^# failed: status 127: nosuchtool$'
	expect_out '^# failed: status 1: false$'
	expect_out '^# failed: grep: status 2: \($'
	expect_out '^# failed: processes left: [0-9]+ bash -c .* nbt-'
	expect_out '^ok 7 a child'
	expect_out '^# Totals: pass:2 fail:5 '
}

# Inside a condition bash ignores errors, so that no test could fail: run_tests must refuse.
test_lib_run_tests_in_a_condition()
{
	new_dir
	lib_fake a <<-'END'
		test_bad() { false; true; }
		run_tests test_bad || true
	END
	expect_status 1 "$FAKE/a"
	expect_no_match "$OUT_FILE" '^ok'
	expect_err 'inside a condition'
}

test_lib_cleanup_in_reverse_order()
{
	new_dir
	lib_fake a <<-'END'
		setup() { defer 'echo s >>$LOG'; }
		test_a() { defer 'echo 1 >>$LOG'; defer sh -c 'echo "2  x" >>$LOG'; false; }
		test_b() { echo b >>$LOG; }
		run_tests test_a test_b
	END
	LOG=$FAKE/log expect_status 1 "$FAKE/a"
	expect_eq "order" "$(tr '\n' ,  <"$FAKE/log")" "2  x,1,b,s,"
}

# kill -TERM must leave no namespace, no background process and no directory.
test_lib_cleanup_after_sigterm()
{
	local pid ns other child dir

	[ "$(id -u)" -eq 0 ] || skip "needs root"
	new_dir
	lib_fake a <<-'END'
		setup() { ns_add NS; defer 'echo setup undone >>$LOG'; }
		test_long()
		{
			local p
			ns_add OTHER
			start_bg p sleep 1000
			echo "$NS $OTHER $p $TMP" >$STATE.new
			mv $STATE.new $STATE
			sleep 1000
		}
		run_tests test_long
	END
	start_bg pid env STATE="$FAKE/state" LOG="$FAKE/log" "$FAKE/a"
	eventually 10 test -e "$FAKE/state"
	stop_sample "$pid" TERM || :
	expect_eq "exit status" "$STATUS" 143
	expect_match "$(sample_out "$pid")" '^not ok 1 long$'
	expect_match "$FAKE/log" 'setup undone'
	read -r ns other child dir <"$FAKE/state"
	[ ! -e "/run/netns/$ns" ] || fail "namespace $ns of setup is left"
	[ ! -e "/run/netns/$other" ] || fail "namespace $other of the test is left"
	pid_gone "$child" || fail "process $child is left"
	[ ! -d "$dir" ] || fail "directory $dir is left"
}

# The foreground process of the test has not got the signal, just like a process that was
# started at the moment when the signal came.
test_lib_sigterm_that_came_too_early()
{
	local pid

	new_dir
	lib_fake a <<-'END'
		test_long()
		{
			defer 'echo undone >>$LOG'
			bash -c 'trap "trap - TERM" TERM; : >$STATE; while :; do sleep 0.05; done'
		}
		run_tests test_long
	END
	start_bg pid env STATE="$FAKE/state" LOG="$FAKE/log" "$FAKE/a"
	eventually 10 test -e "$FAKE/state"
	stop_sample "$pid" TERM || :
	expect_eq "exit status" "$STATUS" 143
	expect_match "$FAKE/log" undone
}

test_lib_setup()
{
	new_dir
	lib_fake a <<-'END'
		setup() { echo preparing; false; true; }
		test_a() { true; }
		run_tests test_a
	END
	lib_fake b <<-'END'
		setup() { skip "not today"; }
		test_a() { true; }
		run_tests test_a
	END
	lib_fake c <<-'END'
		require_tools nosuchtool sh
		test_a() { true; }
		run_tests test_a
	END
	runs 1
	expect_out '^# a: Bail out! setup failed'
	expect_out '^# # preparing$'
	expect_out '^ok 2 selftests: netbpf: b # SKIP not today$'
	expect_out '^ok 3 selftests: netbpf: c # SKIP not installed: nosuchtool$'
	last_line "0 passed, 1 failed, 2 skipped"
	expect_status 4 "$FAKE/b"
	expect_status 0 "$FAKE/c" -l
}

test_lib_samples()
{
	new_dir
	fake prog <<-'END'
		trap 'echo bye; exit 7' INT
		echo "${1:-ready: yes}"
		[ $# -lt 2 ] || exit "$2"
		while :; do sleep 0.05; done
	END
	lib_fake a <<-'END'
		test_ready() { local p; start_sample p 5 $PROG; stop_sample $p INT || :;
			expect_eq status $STATUS 7; expect_match "$(sample_out $p)" bye; }
		test_json() { local p; start_sample p 5 $PROG '{"event":"ready"}'; }
		test_dies() { local p; start_sample p 5 $PROG nothing 3; }
		test_never() { local p; start_sample p 1 $PROG nothing; }
		test_status() { local p; start_sample p 5 $PROG "ready: x"; stop_sample $p INT; }
		test_crashed() { local p; start_sample p 5 $PROG "ready: x" 0
			eventually 5 sample_ended $p; stop_sample $p; }
		test_ends() { local p; start_sample p 5 $PROG "ready: x" 0; wait_sample $p 5; }
		run_tests test_ready test_json test_dies test_never test_status test_crashed test_ends
	END
	sed -i "s,\$PROG,$FAKE/prog,g" "$FAKE/a"
	expect_status 1 "$FAKE/a"
	expect_out '^ok 1 ready'
	expect_out '^ok 2 json'
	expect_out '^# failed: ended before it was ready: '
	expect_out '^not ok 3 dies'
	expect_out '^# failed: not ready after 1 s: '
	expect_out '^not ok 4 never'
	expect_out '^not ok 5 status'
	expect_out '^# failed: process [0-9]+ had ended'
	expect_out '^not ok 6 crashed'
	expect_out '^ok 7 ends'
}

test_lib_names_and_veth()
{
	local ns1 ns2

	[ "$(id -u)" -eq 0 ] || skip "needs root"
	have ping || skip "not installed: ping"
	ns_add ns1 ns2
	veth_pair "$ns1" left "$ns2" right
	addr_add "$ns1" left 192.0.2.1/24 2001:db8::1/64
	addr_add "$ns2" right 192.0.2.2/24 2001:db8::2/64
	in_ns "$ns1" ping -c 1 -W 2 192.0.2.2
	in_ns "$ns1" ping -c 1 -W 2 2001:db8::2
	[ "$(for _ in {1..50}; do rand_name x; done | sort -u | wc -l)" -eq 50 ] ||
		fail "rand_name repeats itself"
	expect_eq "length" "$(rand_name nbt-xxx | tr -d '\n' | wc -c)" 15
}
