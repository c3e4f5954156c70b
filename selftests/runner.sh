#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of run.sh and lib.sh, with tests made up for the purpose: what they
# report must be what happened.
#
# shellcheck disable=SC2016,SC2317,SC2329 # code in quotes; functions called by name

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

unset kselftest_override_timeout
not_in_guest
require_sources
readonly RUN=$NBT_DIR/run.sh

# Each test has its own directory of made-up tests.
new_dir()
{
	FAKE=$(mktemp -d "$TMP/fake.XXXXXX")
	echo timeout=20 >"$FAKE/settings"
}

# fake NAME: a made-up test, its code comes from stdin.
fake()
{
	{
		echo '#!/bin/bash'
		cat
	} >"$FAKE/$1"
	chmod +x "$FAKE/$1"
}

# lib_fake NAME: the same for one that uses lib.sh.
lib_fake()
{
	{
		echo ". '$NBT_DIR/lib.sh'"
		cat
	} | fake "$1"
}

# runs STATUS [ARG...]: run.sh ends with STATUS, and its last line says so.
runs()
{
	local status=$1

	shift
	expect_status "$status" env NETBPF_TESTS_DIR="$FAKE" NETBPF_GRACE=2 \
		"$RUN" "$@"
}

# last_line TEXT: the last line of stdout is exactly TEXT.
last_line()
{
	expect_eq "last line" "$(tail -n 1 "$OUT_FILE")" "$1"
}

test_pass()
{
	new_dir
	fake one <<-'END'
		echo "KTAP version 1"; echo 1..2; echo "# a remark"
		echo "ok 1 first"; echo "ok 2 - second"
	END
	runs 0
	last_line "2 passed, 0 failed, 0 skipped"
	expect_eq "whole output" "$OUT" "KTAP version 1
1..1
  KTAP version 1
  # Subtest: one
  1..2
  ok 1 first
  ok 2 - second
ok 1 selftests: netbpf: one
# Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0
2 passed, 0 failed, 0 skipped"
}

test_fail()
{
	new_dir
	fake a <<-'END'
		echo "KTAP version 1"; echo 1..2
		echo "raw text"; echo "# the reason"; echo "ok 1 x"; echo "not ok 2 y z"; exit 1
	END
	fake b <<-'END'
		echo "KTAP version 1"; echo 1..1; echo "ok 1 x"
	END
	runs 1
	last_line "2 passed, 1 failed, 0 skipped"
	expect_out '^  # raw text$'
	expect_out '^  # the reason$'
	expect_out '^  not ok 2 y z$'
	expect_out '^not ok 1 selftests: netbpf: a$'
	expect_out '^ok 2 selftests: netbpf: b$'
	expect_out '^# failed: a: y z$'
	expect_out '^# Totals: pass:2 fail:1 xfail:0 xpass:0 skip:0 error:0$'
}

test_skip_all()
{
	new_dir
	fake a <<<'echo "TAP version 13"; echo "1..0 # SKIP no * tool"; exit 4'
	fake b <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 x"'
	runs 0
	expect_out '^ok 1 selftests: netbpf: a # SKIP no \* tool$'
	expect_out '^# skipped: a: no \* tool$'
	last_line "1 passed, 0 failed, 1 skipped"
}

test_skip_some()
{
	new_dir
	fake a <<-'END'
		echo "KTAP version 1"; echo 1..3
		echo "ok 1 x # SKIP no root"; echo "ok 2 y"; echo "ok 3 # SKIP why"
	END
	runs 0
	expect_out '^ok 1 selftests: netbpf: a$'
	expect_out '^# skipped: a: x: no root$'
	expect_out '^# skipped: a: why$'
	last_line "1 passed, 0 failed, 2 skipped"
}

test_nothing_but_skips_is_no_success()
{
	new_dir
	fake a <<<'exit 4'
	runs 1
	expect_out '^ok 1 selftests: netbpf: a # SKIP no reason given$'
	last_line "0 passed, 0 failed, 1 skipped"
}

test_no_skip()
{
	new_dir
	fake a <<-'END'
		echo "KTAP version 1"; echo 1..2; echo "ok 1 x # SKIP no root"; echo "ok 2 y"
	END
	runs 0
	runs 1 --no-skip
	expect_out '^not ok 1 selftests: netbpf: a$'
	expect_out '^# failed: a: x: no root \(skipped\)$'
	last_line "1 passed, 1 failed, 0 skipped"
	fake a <<<'echo "1..0 # SKIP none"; exit 4'
	runs 1 --no-skip
	last_line "0 passed, 1 failed, 0 skipped"
}

test_no_test_is_no_success()
{
	new_dir
	runs 1
	last_line "0 passed, 0 failed, 0 skipped"
}

test_timeout()
{
	export NETBPF_SLOW=1
	new_dir
	echo timeout=1 >"$FAKE/settings"
	fake a <<-END
		echo "KTAP version 1"; echo 1..2; echo "ok 1 x"
		trap 'echo cleaned >$FAKE/trap; exit 1' TERM
		sleep 100 & wait
	END
	fake b <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 x"'
	runs 1
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 1 seconds$'
	expect_out '^# a: not finished after 1 seconds$'
	expect_out '^ok 2 selftests: netbpf: b$'
	[ -e "$FAKE/trap" ] || fail "the trap of the test has not run"
	last_line "2 passed, 1 failed, 0 skipped"
}

test_timeout_of_a_test_that_ignores_sigterm()
{
	export NETBPF_SLOW=1
	local pid

	new_dir
	echo timeout=1 >"$FAKE/settings"
	fake a <<-END
		trap '' TERM
		set -m
		sleep 1000 & echo \$! >$FAKE/pid
		while :; do sleep 0.1; done
	END
	runs 1
	expect_out '# TIMEOUT 1 seconds$'
	last_line "0 passed, 1 failed, 0 skipped"
	pid=$(<"$FAKE/pid")
	pid_gone "$pid" || fail "its child $pid is still there"
}

test_override_timeout()
{
	new_dir
	fake a <<<'sleep 100'
	export kselftest_override_timeout=1
	runs 1
	expect_out '# TIMEOUT 1 seconds$'
}

test_signal()
{
	new_dir
	fake a <<-'END'
		echo "KTAP version 1"; echo 1..1; echo "ok 1 x"; kill -SEGV $$
	END
	runs 1
	expect_out '^# a: killed by SIGSEGV$'
	expect_out '^not ok 1 selftests: netbpf: a$'
	last_line "1 passed, 1 failed, 0 skipped"
}

test_exit_0_with_a_failed_result()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo 1..1; echo "not ok 1 x"; exit 0'
	runs 1
	expect_out '^# a: exit status 0, but a result is not ok$'
	expect_out '^not ok 1 selftests: netbpf: a$'
	last_line "0 passed, 1 failed, 0 skipped"
}

test_exit_1_without_a_failed_result()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 x"; exit 1'
	runs 1
	expect_out '^# a: exit status 1, but no result is not ok$'
	last_line "1 passed, 1 failed, 0 skipped"
}

test_exit_4_with_results()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 x"; exit 4'
	runs 1
	last_line "1 passed, 1 failed, 0 skipped"
}

test_too_few_and_too_many_results()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo 1..3; echo "ok 1 x"'
	fake b <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 x"; echo "ok 2 y"'
	runs 1
	expect_out '^# a: 1 results, 3 were planned$'
	expect_out '^# b: 2 results, only 1 were planned$'
	last_line "3 passed, 2 failed, 0 skipped"
}

test_bad_ktap()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo "ok 1 x"'
	fake b <<<'exit 0'
	fake c <<<'echo 1..2; echo "ok 2 x"; echo "ok 1 y"'
	fake d <<<'echo 1..1; echo "ok x"'
	fake e <<<'echo 1..1; echo "ok 1 x"; echo "Bail out! no more"'
	fake f <<<'echo 1..1; echo 1..1; echo "ok 1 x"'
	fake g <<<'echo 1..1; echo "not ok 1 x # TODO"'
	fake h <<<'echo 1..0'
	runs 1
	expect_out '^# a: it printed no plan'
	expect_out '^# b: it printed nothing$'
	expect_out '^# c: result 2 is out of order$'
	expect_out '^# d: a result has no number'
	expect_out '^# e: Bail out! no more$'
	expect_out '^# f: more than one plan$'
	expect_out '^# h: it planned no test'
	expect_eq "failed tests" "$(grep -c '^not ok' "$OUT_FILE")" 8
}

test_nested_results_and_xfail()
{
	new_dir
	fake a <<-'END'
		echo "KTAP version 1"; echo 1..2
		echo "  KTAP version 1"; echo "  1..1"; echo "  ok 1 inner"
		echo "ok 1 outer"; echo "ok 2 z # XFAIL known"
	END
	runs 0
	expect_out '^# Totals: pass:1 fail:0 xfail:1 xpass:0 skip:0 error:0$'
	last_line "1 passed, 0 failed, 0 skipped"
}

test_output_without_newline_and_with_nul()
{
	new_dir
	fake a <<<'echo 1..1; printf "\0ok 1 x"'
	runs 0
	last_line "1 passed, 0 failed, 0 skipped"
	fake a <<<'printf half; exit 1'
	runs 1
	expect_out '^# half$'
	expect_out '^not ok 1 selftests: netbpf: a$'
}

test_missing_program()
{
	new_dir
	fake a <<<'exit 0'
	sed -i '1s,.*,#!/nonexistent/shell,' "$FAKE/a"
	runs 1
	last_line "0 passed, 1 failed, 0 skipped"
}

test_process_left_behind()
{
	local pid

	new_dir
	fake a <<-END
		echo "KTAP version 1"; echo 1..1; echo "ok 1 x"
		set -m
		sleep 1000 & echo \$! >$FAKE/pid
	END
	runs 1
	expect_out '^# a: processes left behind: [0-9]+ sleep$'
	pid=$(<"$FAKE/pid")
	pid_gone "$pid" || fail "process $pid is still there"
}

test_verbose()
{
	new_dir
	fake a <<<'echo "KTAP version 1"; echo 1..1; echo remark; echo "# note"; echo "ok 1 x"'
	runs 0
	expect_no_match "$OUT_FILE" 'remark|note'
	runs 0 -v
	expect_out '^  # remark$'
	expect_out '^  # note$'
}

test_list_and_select()
{
	new_dir
	fake a <<<'echo 1..1; echo "ok 1 x"'
	fake b <<<'echo 1..1; echo "ok 1 args=$*"'
	runs 0 -l
	expect_eq "the list" "$OUT" $'a\nb'
	runs 0 -t b
	expect_no_match "$OUT_FILE" 'netbpf: a'
	last_line "1 passed, 0 failed, 0 skipped"
	runs 0 -t b -t a
	last_line "2 passed, 0 failed, 0 skipped"
	runs 0 --test=b:"some case"
	expect_out '^  ok 1 args=-t some case$'
	runs 0 -t b:global.case
	expect_out '^  ok 1 args=-r global.case$'
}

test_usage()
{
	new_dir
	fake a <<<'echo 1..1; echo "ok 1 x"'
	runs 2 -t nosuch
	expect_err "no test named 'nosuch'"
	expect_err '^  a$'
	runs 2 --nosuch
	runs 2 -t
	runs 2 extra
	runs 0 --help
	expect_out '^Usage: run.sh'
	echo timeout=soon >"$FAKE/settings"
	runs 2
}

test_any_directory()
{
	new_dir
	fake a <<<'echo 1..1; [ -e settings ] && echo "ok 1 here"'
	cd /
	runs 0
	expect_out '^  ok 1 here$'
	mkdir "$TMP/gone"
	cd "$TMP/gone"
	rmdir "$TMP/gone"
	runs 0
}

test_interrupt()
{
	local pid left

	new_dir
	fake a <<<'echo 1..1; echo "ok 1 x"'
	lib_fake b <<-END
		test_long() { defer 'echo undone >$FAKE/undone'; echo here; >$FAKE/there; sleep 100; }
		run_tests test_long
	END
	fake c <<<'echo 1..1; echo "ok 1 x"'
	start_bg pid env NETBPF_TESTS_DIR="$FAKE" "$RUN"
	eventually 10 test -e "$FAKE/there"
	left=$(cat /proc/"$pid"/task/"$pid"/children)
	stop_sample "$pid" INT || :
	expect_eq "exit status" "$STATUS" 130
	OUT_FILE=$(sample_out "$pid")
	expect_out '^  # here$'
	expect_out '^# b: interrupted$'
	expect_out '^# stopped by a signal'
	expect_no_match "$OUT_FILE" 'netbpf: c'
	last_line "1 passed, 1 failed, 0 skipped"
	[ -e "$FAKE/undone" ] || fail "cleanup of the test has not run"
	for pid in $left; do
		pid_gone "$pid" || fail "process $pid is still there"
	done
}

# Started with SIGINT ignored, as every background command of a script is, a
# shell and its children can never trap it. Tests must not inherit that.
test_sigint_is_not_ignored()
{
	new_dir
	fake a <<<'trap "echo 1..1; echo \"ok 1 trapped\"; exit" INT; kill -INT $$'
	lib_fake b <<-'END'
		test_int() { expect_status 7 bash -c 'trap "exit 7" INT; kill -INT $$'; }
		run_tests test_int
	END
	trap '' INT
	runs 0
	expect_status 0 "$FAKE/b"
}

# A made-up tree around a copy of run.sh: set-up and build are what we say.
new_tree()
{
	TREE=$(mktemp -d "$TMP/tree.XXXXXX")
	mkdir "$TREE/scripts" "$TREE/samples" "$TREE/selftests"
	cp "$NETBPF_TOP/scripts/common.sh" "$TREE/scripts"
	cp "$RUN" "$NBT_DIR/settings" "$TREE/selftests"
	FAKE=$TREE/scripts
	fake setup.sh <<-'END'
		state=$(dirname "$0")/done
		[ "${1:-}" != --check ] || { [ -e "$state" ] || { echo "no clang"; exit 3; }; exit 0; }
		echo installing
		[ -n "${SETUP_WORKS:-}" ] || exit 3
		touch "$state"
	END
	FAKE=$TREE/selftests
	fake a.sh <<<'echo 1..1; echo "ok 1 in $PWD"'
	printf 'all:\n\t@echo sampled; test -z "$(BREAK)"\n' >"$TREE/samples/Makefile"
	printf 'all:\n' >"$TREE/scripts/Makefile"
	cat >"$TREE/selftests/Makefile" <<-'END'
		OUT := $(or $(O),..)/selftests
		TEST := echo 1..1; echo "ok 1 built"
		all: ; @mkdir -p $(OUT); \
			printf '%s\n' '#!/bin/sh' '$(TEST)' >$(OUT)/c_test; \
			chmod +x $(OUT)/c_test
		list: ; @printf '%s\n' a.sh c_test
	END
}

# tree_runs STATUS [VARIABLE=VALUE...] [ARG...]
tree_runs()
{
	local status=$1 vars=()

	shift
	while [ $# -gt 0 ] && [[ $1 = *=* ]]; do
		vars+=("$1")
		shift
	done
	expect_status "$status" env -u O -u NETBPF_OUT -u NO_INSTALL -u NETBPF_TESTS_DIR \
		-u MAKEFLAGS -u MAKELEVEL "${vars[@]}" "$TREE/selftests/run.sh" "$@"
}

test_setup_and_build()
{
	have make || skip "not installed: make"
	new_tree
	tree_runs 3
	expect_err '^installing$'
	expect_out '^Bail out! scripts/setup.sh failed$'
	tree_runs 0 NO_INSTALL=1
	expect_err '^no clang$'
	expect_no_match "$ERR_FILE" '^installing$'
	tree_runs 0 SETUP_WORKS=1
	expect_err '^installing$'
	expect_out '^  ok 1 built$'
	last_line "2 passed, 0 failed, 0 skipped"
	tree_runs 0
	expect_no_match "$ERR_FILE" '^(installing|sampled)$'
	tree_runs 0 -v
	expect_err '^sampled$'
	tree_runs 0 -l
	expect_eq "the list" "$OUT" $'a\nc_test'
	expect_eq "messages" "$ERR" ""
	tree_runs 0 -t a.sh
	last_line "1 passed, 0 failed, 0 skipped"
}

test_build_fails()
{
	have make || skip "not installed: make"
	new_tree
	tree_runs 1 NO_INSTALL=1 BREAK=1
	expect_err '^sampled$'
	expect_out '^Bail out! cannot build samples \(make: status 2\)$'
	expect_no_match "$OUT_FILE" '^ok'
}

test_build_directory()
{
	have make || skip "not installed: make"
	new_tree
	mkdir "$TREE/here"
	cd "$TREE/here"
	tree_runs 0 NO_INSTALL=1 O=out
	last_line "2 passed, 0 failed, 0 skipped"
	[ -x "$TREE/here/out/selftests/c_test" ] || fail "not built in O="
	[ ! -e "$TREE/selftests/c_test" ] || fail "built beside the source"
	tree_runs 0 O=out --no-build -t c_test
	rm "$TREE/here/out/selftests/c_test"
	tree_runs 1 O=out --no-build
	expect_out '^# .*/out/selftests/c_test: not there'
	last_line "1 passed, 1 failed, 0 skipped"
}

# ---------------------------------------------------------------------------
# lib.sh

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

# In a condition no test could fail: run_tests must refuse.
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

# What kill -TERM must not leave: namespace, background process, directory.
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

# ---------------------------------------------------------------------------
# Documentation/testing.rst

# documented MARK: the block of testing.rst that follows the comment ".. MARK".
documented()
{
	awk -v mark=".. $1" '
		$0 == mark { on = 1; next }
		on && /^\t/ { sub(/^\t/, ""); print blank $0; blank = ""; seen = 1; next }
		on && seen && /^$/ { blank = blank "\n"; next }
		on && seen { exit }' "$NETBPF_TOP/Documentation/testing.rst"
}

test_some_cases_of_a_test()
{
	new_dir
	lib_fake a <<-'END'
		test_one() { :; }
		test_two_words() { :; }
		test_three() { false; }
		run_tests test_one test_two_words test_three
	END
	runs 0 -t a:two_words:one
	expect_out '^1\.\.1$'
	expect_out '^  ok 1 two words$'
	expect_out '^  ok 2 one$'
	last_line "2 passed, 0 failed, 0 skipped"
}

# A slow machine gets the time that it says it needs, unless the user says.
test_slow_machine()
{
	new_dir
	echo timeout=1 >"$FAKE/settings"
	lib_fake a <<-'END'
		test_late() { (sleep 4; : >"$TMP/at") & wait_until 1 test -e "$TMP/at"; }
		run_tests test_late
	END
	NETBPF_SLOW=1 runs 1
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 1 seconds'
	NETBPF_SLOW=20 runs 0
	NETBPF_SLOW=20 kselftest_override_timeout=1 runs 1
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 1 seconds'
	NETBPF_SLOW=much runs 2
	expect_err 'NETBPF_SLOW=much is no whole number'
}

# So do the tests in C, whose harness ends them by alarm().
test_slow_machine_in_c()
{
	[ -r "$NBT_DIR/test_slow.c" ] || skip "the sources are not here"
	new_dir
	cat >"$TMP/slow.c" <<-'END'
		#include <unistd.h>
		#include "kselftest_harness.h"
		FIXTURE(a) {};
		FIXTURE_SETUP(a) {}
		FIXTURE_TEARDOWN(a) {}
		TEST_F_TIMEOUT(a, late, 1) { sleep(3); }
		TEST_HARNESS_MAIN
	END
	cc -D_GNU_SOURCE -I"$(harness)" -Wl,--wrap=alarm -o "$FAKE/a" "$TMP/slow.c" \
		"$NBT_DIR/test_slow.c"
	NETBPF_SLOW=1 runs 1
	expect_out 'terminated by timeout'
	NETBPF_SLOW=20 runs 0
}

# harness: where the kernel's kselftest_harness.h is.
harness()
{
	dirname "$(dirname "$(readlink -f "$NBT_HELPERS")")"
}

# The examples work, and their results are those that the page shows.
test_documentation()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	sample ping >/dev/null
	new_dir
	echo ". '$NBT_DIR/lib.sh'" >"$FAKE/lib.sh"
	documented "example: example.sh" >"$FAKE/example"
	chmod +x "$FAKE/example"
	documented "example: example_test.c" >"$TMP/example_test.c"
	cc -Wall -D_GNU_SOURCE -I"$(harness)" -o "$FAKE/example_test" "$TMP/example_test.c"
	fake wrong <<<'echo "KTAP version 1"; echo 1..2; echo "ok 1 begun"; exit 3'
	runs 1
	expect_eq "result, against testing.rst" "$OUT" "$(documented "result: all")"
}

mapfile -t TESTS < <(sed -n 's/^\(test_[a-z0-9_]*\)()$/\1/p' "$NBT_SELF")
run_tests "${TESTS[@]}"
