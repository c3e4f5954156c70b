#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The examples of Documentation/testing.rst, and slow machines.

# documented MARK: print the block of testing.rst that follows the comment ".. MARK".
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

# NETBPF_SLOW extends the time that a test gets, unless the user has set that time.
test_slow_machine()
{
	new_dir
	echo each=1 >"$FAKE/settings"
	# This test takes longer than the time that it gets.
	fake a <<<'sleep 4; echo 1..1; echo "ok 1 late"'
	NETBPF_SLOW=1 runs 1
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 1 seconds'
	NETBPF_SLOW=20 runs 0
	NETBPF_SLOW=20 kselftest_override_timeout=1 runs 1
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 1 seconds'
	NETBPF_SLOW=much runs 2
	expect_err 'NETBPF_SLOW=much is no whole number'
}

# NETBPF_SLOW extends wait_until, too. Each look at this condition takes a second.
test_slow_machine_waits()
{
	new_dir
	lib_fake a <<-'END'
		N=0
		fifth_look() { SECONDS=$((SECONDS + 1)) N=$((N + 1)); [ "$N" -eq 5 ]; }
		test_late() { wait_until 1 fifth_look; }
		run_tests test_late
	END
	NETBPF_SLOW=1 runs 1
	NETBPF_SLOW=20 runs 0
}

# NETBPF_SLOW extends the time of tests in C, too, which their harness ends by alarm().
test_slow_machine_in_c()
{
	[ -r "$NBT_DIR/lib/test_slow.c" ] || skip "the sources are not here"
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
		"$NBT_DIR/lib/test_slow.c"
	NETBPF_SLOW=1 runs 1
	expect_out 'terminated by timeout'
	NETBPF_SLOW=20 runs 0
}

# harness: print the directory of the kernel's kselftest_harness.h.
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
	mkdir "$FAKE/../lib"
	echo ". '$NBT_DIR/lib/lib.sh'" >"$FAKE/../lib/lib.sh"
	documented "example: example.sh" >"$FAKE/example"
	chmod +x "$FAKE/example"
	documented "example: example_test.c" >"$TMP/example_test.c"
	cc -Wall -D_GNU_SOURCE -I"$(harness)" -o "$FAKE/example_test" "$TMP/example_test.c"
	fake wrong <<<'echo "KTAP version 1"; echo 1..2; echo "ok 1 begun"; exit 3'
	runs 1
	expect_eq "result, against testing.rst" "$(without_times "$OUT_FILE")" \
		"$(without_times <(documented "result: all"))"
}
