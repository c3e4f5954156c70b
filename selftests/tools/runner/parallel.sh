#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of run.sh: tests that run side by side, what each has for itself, how they are shown.

# meets OTHER: print the code of a test that ends only if the test OTHER runs at the same time.
meets()
{
	echo ">\"$FAKE/\${0##*/}.here\"
		until [ -e \"$FAKE/$1.here\" ]; do sleep 0.02; done
		echo 1..2; echo 'ok 1 met'; echo 'ok 2 done'"
}

test_side_by_side()
{
	new_dir
	echo each=2 >"$FAKE/settings"
	meets b | fake a
	meets a | fake b
	runs 0 -j 2
	last_line "4 passed, 0 failed, 0 skipped"
	expect_eq "messages" "$ERR" ""
	# The output of each test is shown as a whole.
	expect_out '^ok 2 '
	expect_eq "output" "$(grep -o 'Subtest: .\|done\|^ok .' "$OUT_FILE" | tr '\n' ,)" \
		"Subtest: a,done,ok 1,Subtest: b,done,ok 2,"
	rm "$FAKE"/*.here
	runs 1 -j 1 -t a -t b
	expect_out '^not ok 1 selftests: netbpf: a # TIMEOUT 2 seconds$'
	runs 2 -j 0
	runs 2 -j many
	runs 2 -j
}

# A test that says "alone" runs last, and no other test runs at the same time.
test_alone()
{
	new_dir
	fake a <<-END
		# alone: it says so
		[ ! -e "$FAKE/running" ] && echo 1..1 && echo "ok 1 alone"
	END
	fake b <<-END
		>"$FAKE/running"
		sleep 0.5
		rm "$FAKE/running"
		echo 1..1; echo "ok 1 x"
	END
	runs 0 -j 4
	expect_out '^ok 1 selftests: netbpf: b$'
	expect_out '^ok 2 selftests: netbpf: a$'
	runs 0 -j 4 -t a -t b
	mkdir "$FAKE/room"
	mv "$FAKE/a" "$FAKE/room/"
	runs 0 -j 4
	expect_out '^ok 2 selftests: netbpf: a$'
}

# A test that runs beside others gets more time, because the others take time from it.
test_timeout_beside_others()
{
	new_dir
	echo each=1 >"$FAKE/settings"
	fake a <<<'sleep 2.5; echo 1..1; echo "ok 1 x"'
	runs 1 -j 1
	runs 0 -j 4
	echo parts_a=4 >>"$FAKE/settings"
	runs 0 -j 1
	sed -i '/parts_a/d' "$FAKE/settings"
	echo timeout_a=4 >>"$FAKE/settings"
	runs 0 -j 1
	echo timeout_a=never >>"$FAKE/settings"
	runs 2
}

test_each_case_is_shown_as_it_ends()
{
	local pid

	new_dir
	fake a <<-END
		echo 1..2; echo "ok 1 first"
		until [ -e "$FAKE/go" ]; do sleep 0.02; done
		echo "ok 2 second"
	END
	start_bg pid env NETBPF_TESTS_DIR="$FAKE" "$RUN"
	eventually 10 grep -q '^  ok 1 first$' "$(sample_out "$pid")"
	expect_no_match "$(sample_out "$pid")" 'second'
	touch "$FAKE/go"
	wait_sample "$pid" 10
	expect_match "$(sample_out "$pid")" '^  ok 2 second$'
}

# New tests start first, then the tests that were slowest last time.
test_order()
{
	new_dir
	for name in a b c; do
		fake "$name" <<<'echo 1..1; echo "ok 1 x"'
	done
	printf '%s\n' 'a 10' 'b 30' >"$FAKE/.test-times"
	runs 0
	expect_eq "order" "$(sed -n 's/^ok . .*: //p' "$OUT_FILE" | tr '\n' ' ')" "c b a "
	expect_match "$FAKE/.test-times" '^c [0-9]+$'
	expect_no_match "$FAKE/.test-times" '^b 30$'
	echo 'b 30' >"$FAKE/.test-times"
	runs 0 -t b:case
	expect_match "$FAKE/.test-times" '^b 30$'
}

# If one test is asked for, its cases run side by side, as far as they can.
test_cases_side_by_side()
{
	need_namespaces
	new_dir
	lib_fake a.sh <<-END
		wait_for() { eventually 10 test -e "$FAKE/\$1"; }
		test_one() { >"$FAKE/1"; wait_for 2; }
		test_two() { >"$FAKE/2"; wait_for 1; }
		test_three() { :; }
		run_tests test_one test_two test_three
	END
	runs 0 -j 2 -t a
	last_line "3 passed, 0 failed, 0 skipped"
	expect_out '^1\.\.2$'
	expect_eq "results" "$(grep -o '^  ok . .*' "$OUT_FILE" | tr '\n' ,)" \
		"  ok 1 one,  ok 2 three,  ok 1 two,"
	# settings splits a long test into parts, but not a test of which -t names cases.
	echo parts_a=3 >>"$FAKE/settings"
	rm "$FAKE"/[12]
	fake b <<<'echo 1..1; echo "ok 1 x"'
	runs 0 -j 3
	expect_out '^1\.\.4$'
	last_line "4 passed, 0 failed, 0 skipped"
	runs 0 -j 3 -t a:three
	last_line "1 passed, 0 failed, 0 skipped"
	sed -i '2i # alone: it says so' "$FAKE/a.sh"
	sed -i 's/wait_for .; /:; /' "$FAKE/a.sh"
	runs 0 -j 2 -t a
	expect_out '^1\.\.1$'
}

test_slowest()
{
	local name

	new_dir
	for name in {a..k}; do
		fake "$name" <<<'echo 1..1; echo "ok 1 x"'
	done
	fake b <<<'sleep 0.6; echo 1..1; echo "ok 1 x"'
	runs 0 -j 4
	expect_eq "slow ones" "$(grep -c '^# slow: . [0-9]*\.[0-9] s$' "$OUT_FILE")" 10
	expect_eq "the slowest" "$(sed -n '/^# slow: /{p;q}' "$OUT_FILE" | cut -d' ' -f3)" b
}

need_namespaces()
{
	unshare --mount --net true 2>/dev/null || skip "no namespaces for the tests here"
}

# Two tests that run at the same time may use the same names.
test_isolation()
{
	local name

	need_namespaces
	new_dir
	for name in a b; do
		fake "$name" <<-'END'
			set -e
			ip netns add same
			ip link add same type veth peer name other
			mkdir /run/netbpf/same
			mount -t bpf bpf /sys/fs/bpf
			mkdir /sys/fs/bpf/same
			ping -qc 1 127.0.0.1 >/dev/null
			[ "$(ls /sys/class/net)" = $'lo\nother\nsame' ]
			ip netns del same
			rmdir /run/netbpf/same /sys/fs/bpf/same
			echo 1..1; echo "ok 1 mine"
		END
	done
	runs 0 -j 2
	last_line "2 passed, 0 failed, 0 skipped"
}

# A test sees cgroups even if the machine has mounted none.
test_cgroups()
{
	need_namespaces
	new_dir
	fake a <<-'END'
		[ -n "$(find /sys/fs/cgroup -name cgroup.procs -print -quit)" ] &&
			echo 1..1 && echo "ok 1 there"
	END
	runs 0
	# shellcheck disable=SC2016 # $ is of the other shell
	expect_status 0 unshare --mount --propagation private sh -c '
		umount --lazy --recursive /sys/fs/cgroup
		NETBPF_TESTS_DIR=$1 exec "$2"' sh "$FAKE" "$RUN"
}

test_left_behind_in_its_namespaces()
{
	need_namespaces
	new_dir
	fake a <<<'ip netns add mine; echo 1..1; echo "ok 1 x"'
	fake b <<<'mount -t bpf bpf /sys/fs/bpf; mkdir /sys/fs/bpf/pin; echo 1..1; echo "ok 1 x"'
	runs 1
	expect_out '^# a: Bail out! left behind: /run/netns/mine $'
	expect_out '^# b: Bail out! left behind: /sys/fs/bpf/pin $'
	last_line "2 passed, 2 failed, 0 skipped"
	[ ! -e /run/netns/mine ] || fail "it is in our namespace"
}

# Where no namespaces can be made, tests still run, one after the other.
test_no_namespaces()
{
	need_namespaces
	have setpriv || skip "not installed: setpriv"
	new_dir
	chmod 755 "$TMP" "$FAKE"
	fake a <<<'echo 1..1; echo "ok 1 x"'
	expect_status 0 setpriv --bounding-set=-sys_admin env NETBPF_TESTS_DIR="$FAKE" \
		"$RUN" -j 2
	expect_err 'one runs at a time'
	last_line "1 passed, 0 failed, 0 skipped"
}
