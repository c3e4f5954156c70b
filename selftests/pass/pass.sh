#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/pass: it attaches its program to the given interfaces in the given mode, lets
# everything pass, and detaches at the end. It prints no summary, so the tests end it by
# stop_main instead of stop.
#
#	CLIENT left ---- right SERVER
#	       left2 --- right2
#
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"

need_root
require_tools ip jq nsenter ping

setup()
{
	PASS=$(sample pass) SAMPLE=$PASS
	pair_add
	veth_pair "$CLIENT" left2 "$SERVER" right2
	traffic
}

# traffic: pings of several sizes and both families are answered.
traffic()
{
	local addr size

	for addr in "$S4" "$S6"; do
		for size in 0 56 1400 4000; do
			expect_answers 2 "$addr" -s "$size"
		done
	done
}

# xdp NETNS IF: print the mode and name of the XDP program: "native pass", "skb pass", "none".
xdp()
{
	ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp |
		if . == null then "none" else
			(["", "native", "skb"][.mode] // "mode \(.mode)") + " " + .prog.name
		end'
}

# holds OPTION MODE: with -m OPTION the program is attached in MODE, traffic flows, and the
# program is gone at the end.
holds()
{
	start -m "$1"
	expect_match "$SAMPLE_OUT" "^ready: right \(xdp, $2 mode\)$"
	expect_eq "program" "$(xdp "$SERVER" right)" "$2 pass"
	traffic
	expect_eq "stderr" "$(<"$(sample_err "$PID")")" ""
	stop_main
	expect_eq "program after it" "$(xdp "$SERVER" right)" none
	traffic
}

test_native()
{
	holds native native
}

test_skb()
{
	holds skb skb
}

test_auto_is_native_on_veth()
{
	holds auto native
}

test_both_ends()
{
	local one

	start -m native
	one=$PID
	start_on "$CLIENT" -i left -m native
	expect_eq "program of the peer" "$(xdp "$CLIENT" left)" "native pass"
	traffic
	stop_main
	PID=$one
	stop_main
}

test_two_interfaces()
{
	start -i right2
	expect_match "$SAMPLE_OUT" \
		'^ready: right \(xdp, native mode\), right2 \(xdp, native mode\)$'
	expect_eq "program" "$(xdp "$SERVER" right)" "native pass"
	expect_eq "program" "$(xdp "$SERVER" right2)" "native pass"
	stop_main
	expect_eq "program after it" "$(xdp "$SERVER" right)" none
	expect_eq "program after it" "$(xdp "$SERVER" right2)" none
}

test_json()
{
	start -j -i lo
	stop_main
	jq -es '. == [{event: "ready", tool: "pass", attached: [
		{ifname: "right", ifindex: .[0].attached[0].ifindex, hook: "xdp", mode: "native"},
		{ifname: "lo", ifindex: 1, hook: "xdp", mode: "skb"}]}]' "$SAMPLE_OUT" >/dev/null ||
		fail "$(<"$SAMPLE_OUT")"
}

test_duration()
{
	expect_status 0 timeout $((20 * NETBPF_SLOW)) "$PASS" -n "$SERVER" -i right -d 0.2
	expect_eq "program after it" "$(xdp "$SERVER" right)" none
}

test_kill_9()
{
	start -m native
	stop_sample "$PID" KILL 2>/dev/null || expect_eq status "$STATUS" 137
	eventually 5 xdp_is "$SERVER" right none
	holds native native
}

# The sample does not replace or remove a program that somebody else has attached.
test_interface_in_use()
{
	local first

	start -m skb
	first=$PID
	expect_status 1 "$PASS" -n "$SERVER" -i right -d 5
	expect_eq stdout "$OUT" ""
	expect_err "^pass: failed to attach to right: XDP program 'pass' .*\bprocess $first\b"
	expect_err '^  hint: '
	expect_eq "program" "$(xdp "$SERVER" right)" "skb pass"
	traffic
	stop_main
}

test_mtu_9000()
{
	near_far 9000
	start_on "$FAR" -i far -m native
	expect_eq "program" "$(xdp "$FAR" far)" "native pass"
	expect_answers_from "$NEAR" 2 "$S4" -s 8900 -M "do"
	stop_main
}

# Deleting one end of a veth pair deletes the other end, too.
test_interface_deleted()
{
	near_far 1500
	start_on "$FAR" -i far
	ip -n "$NEAR" link del near
	expect_gone far
}

test_namespace_by_path()
{
	start_on "/run/netns/$SERVER" -i right
	expect_eq "program" "$(xdp "$SERVER" right)" "native pass"
	stop_main
}

run_tests test_native test_skb test_auto_is_native_on_veth test_both_ends \
	test_two_interfaces test_json test_duration test_kill_9 test_interface_in_use \
	test_mtu_9000 test_interface_deleted test_namespace_by_path
