#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of run.sh and lib.sh, with tests made up for the purpose: what they
# report must be what happened.
#
# shellcheck disable=SC2016 # code in quotes; functions called by name

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/tools/runner/lib.sh
. "$NBT_DIR/tools/runner/lib.sh"
# shellcheck source=selftests/tools/runner/parallel.sh
. "$NBT_DIR/tools/runner/parallel.sh"
# shellcheck source=selftests/tools/runner/documentation.sh
. "$NBT_DIR/tools/runner/documentation.sh"
# shellcheck source=selftests/tools/runner/root.sh
. "$NBT_DIR/tools/runner/root.sh"

unset kselftest_override_timeout
not_in_guest
require_sources
readonly RUN=$NBT_DIR/run.sh

# Each test has its own directory of made-up tests.
new_dir()
{
	FAKE=$(mktemp -d "$TMP/fake.XXXXXX")
	echo each=20 >"$FAKE/settings"
}

# fake NAME: make a test whose code comes from stdin.
fake()
{
	{
		echo '#!/bin/bash'
		cat
	} >"$FAKE/$1"
	chmod +x "$FAKE/$1"
}

# lib_fake NAME: the same, for a test that uses lib.sh.
lib_fake()
{
	{
		echo ". '$NBT_DIR/lib/lib.sh'"
		cat
	} | fake "$1"
}

# runs STATUS [ARG...]: run.sh must end with STATUS. One test runs at a time, unless ARG says
# otherwise.
runs()
{
	local status=$1

	shift
	expect_status "$status" env NETBPF_TESTS_DIR="$FAKE" NETBPF_GRACE=2 \
		"$RUN" -j 1 "$@"
}

# without_times FILE: print FILE without the times that tests took.
without_times()
{
	sed 's/^# took [0-9]*\.[0-9] s$/# took T s/' "$1"
}

# last_line TEXT: the last line of stdout must be exactly TEXT.
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
	expect_eq "whole output" "$(without_times "$OUT_FILE")" "KTAP version 1
1..1
  KTAP version 1
  # Subtest: one
  1..2
  ok 1 first
  ok 2 - second
# took T s
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
	expect_out '^# skipped 1: no \* tool \(a\)$'
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
	expect_out '^# skipped 1: no root \(a: x\)$'
	expect_out '^# skipped 1: why \(a\)$'
	last_line "1 passed, 0 failed, 2 skipped"
	fake b <<<'echo "KTAP version 1"; echo 1..1; echo "ok 1 z # SKIP no root"; exit 4'
	runs 0 -t a -t b
	expect_out '^# skipped 2: no root \(a: x, b: z\)$'
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
	echo each=1 >"$FAKE/settings"
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
	echo each=1 >"$FAKE/settings"
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
	echo each=soon >"$FAKE/settings"
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
	start_bg pid env NETBPF_TESTS_DIR="$FAKE" "$RUN" -j 1
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

# Make a tree around a copy of run.sh, whose setup.sh and Makefiles are made up.
new_tree()
{
	TREE=$(mktemp -d "$TMP/tree.XXXXXX")
	mkdir "$TREE/scripts" "$TREE/samples" "$TREE/exercises" "$TREE/selftests"
	mkdir -p "$TREE/selftests/lib" "$TREE/selftests/room"
	cp "$NETBPF_TOP/scripts/common.sh" "$TREE/scripts"
	cp -r "$RUN" "$NBT_DIR/settings" "$TREE/selftests"
	cp -r "$NBT_DIR/lib/run" "$TREE/selftests/lib"
	FAKE=$TREE/scripts
	fake setup.sh <<-'END'
		state=$(dirname "$0")/done
		[ "${1:-}" != --all ] || shift
		[ "${1:-}" != --check ] || { [ -e "$state" ] || { echo "no clang"; exit 3; }; exit 0; }
		echo installing
		[ -n "${SETUP_WORKS:-}" ] || exit 3
		touch "$state"
	END
	FAKE=$TREE/selftests/room
	fake a.sh <<<'[ "${1:-}" != -l ] || exit 0; echo 1..1; echo "ok 1 in $PWD"'
	printf 'all:\n\t@echo sampled; test -z "$(BREAK)"\n' >"$TREE/samples/Makefile"
	printf 'all:\n' | tee "$TREE/scripts/Makefile" >"$TREE/exercises/Makefile"
	cat >"$TREE/selftests/Makefile" <<-'END'
		OUT := $(or $(O),..)/selftests/room
		TEST := echo 1..1; echo "ok 1 built"
		all: ; @mkdir -p $(OUT); \
			printf '%s\n' '#!/bin/sh' '$(TEST)' >$(OUT)/c_test; \
			chmod +x $(OUT)/c_test
		list: ; @printf '%s\n' a.sh c_test
		list-all: ; @printf '%s\n' a.sh c_test tool.sh
	END
}

# tree_runs STATUS [VARIABLE=VALUE...] [ARG...]: run.sh of that tree must end with STATUS.
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
	tree_runs 0 --all -l
	expect_eq "the list of all" "$OUT" $'a\nc_test\ntool'
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
	[ -x "$TREE/here/out/selftests/room/c_test" ] || fail "not built in O="
	[ ! -e "$TREE/selftests/room/c_test" ] || fail "built beside the source"
	tree_runs 0 O=out --no-build -t c_test
	rm "$TREE/here/out/selftests/room/c_test"
	tree_runs 1 O=out --no-build
	expect_out '^# .*/out/selftests/.*/c_test: not there'
	last_line "1 passed, 1 failed, 0 skipped"
}

mapfile -t TESTS < <(cat "$NBT_SELF" "$NBT_DIR"/tools/runner/{lib,parallel,documentation,root}.sh |
	sed -n 's/^\(test_[a-z0-9_]*\)()$/\1/p')
run_tests "${TESTS[@]}"
