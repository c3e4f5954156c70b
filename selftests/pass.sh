#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/pass: it holds its program on the interfaces it was given, in the mode it was
# told, lets everything through, and takes it away again.
#
#	NS1 left ---- right NS2
#	    left2 --- right2
#
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter ping

setup()
{
	PASS=$(sample pass)
	ns_add NS1 NS2
	veth_pair "$NS1" left "$NS2" right
	veth_pair "$NS1" left2 "$NS2" right2
	addr_add "$NS1" left 192.0.2.1/24 2001:db8::1/64
	addr_add "$NS2" right 192.0.2.2/24 2001:db8::2/64
	traffic
}

# traffic: pings of all sizes and both families are answered.
traffic()
{
	local addr size

	for addr in 192.0.2.2 2001:db8::2; do
		for size in 0 56 1400 4000; do
			expect_status 0 in_ns "$NS1" ping -n -c 2 -i 0.01 -W 5 -s "$size" "$addr"
			expect_out '^2 packets transmitted, 2 received'
		done
	done
}

# xdp NETNS IF: "native pass", "skb pass" or "none".
xdp()
{
	ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp |
		if . == null then "none" else
			(["", "native", "skb"][.mode] // "mode \(.mode)") + " " + .prog.name
		end'
}

# start [OPTION...]: on "right" of NS2.
start()
{
	start_sample PID 20 "$PASS" -n "$NS2" -i right "$@"
	SAMPLE_OUT=$(sample_out "$PID")
}

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# holds OPTION MODE: attached in that mode, traffic flows, then it is gone.
holds()
{
	start -m "$1"
	expect_match "$SAMPLE_OUT" "^ready: right \(xdp, $2 mode\)$"
	expect_eq "program" "$(xdp "$NS2" right)" "$2 pass"
	traffic
	expect_eq "stderr" "$(<"$(sample_err "$PID")")" ""
	stop
	expect_eq "program after it" "$(xdp "$NS2" right)" none
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
	start_sample PID 20 "$PASS" -n "$NS1" -i left -m native
	expect_eq "program of the peer" "$(xdp "$NS1" left)" "native pass"
	traffic
	stop
	PID=$one
	stop
}

test_two_interfaces()
{
	start -i right2
	expect_match "$SAMPLE_OUT" \
		'^ready: right \(xdp, native mode\), right2 \(xdp, native mode\)$'
	expect_eq "program" "$(xdp "$NS2" right)" "native pass"
	expect_eq "program" "$(xdp "$NS2" right2)" "native pass"
	stop
	expect_eq "program after it" "$(xdp "$NS2" right)" none
	expect_eq "program after it" "$(xdp "$NS2" right2)" none
}

test_json()
{
	start -j -i lo
	stop
	jq -es '. == [{event: "ready", tool: "pass", attached: [
		{ifname: "right", ifindex: .[0].attached[0].ifindex, hook: "xdp", mode: "native"},
		{ifname: "lo", ifindex: 1, hook: "xdp", mode: "skb"}]}]' "$SAMPLE_OUT" >/dev/null ||
		fail "$(<"$SAMPLE_OUT")"
}

test_duration()
{
	expect_status 0 timeout $((20 * NETBPF_SLOW)) "$PASS" -n "$NS2" -i right -d 0.2
	expect_eq "program after it" "$(xdp "$NS2" right)" none
}

test_kill_9()
{
	start -m native
	stop_sample "$PID" KILL 2>/dev/null || expect_eq status "$STATUS" 137
	eventually 5 xdp_is "$NS2" right none
	holds native native
}

# Nobody else's program is taken away, nor replaced.
test_interface_in_use()
{
	local first

	start -m skb
	first=$PID
	expect_status 1 "$PASS" -n "$NS2" -i right -d 5
	expect_eq stdout "$OUT" ""
	expect_err "^pass: failed to attach to right: XDP program 'pass' .*\bprocess $first\b"
	expect_err '^  hint: '
	expect_eq "program" "$(xdp "$NS2" right)" "skb pass"
	traffic
	stop
}

test_mtu_9000()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	ip -n "$ns1" link set near mtu 9000
	ip -n "$ns2" link set far mtu 9000
	addr_add "$ns1" near 192.0.2.1/24
	addr_add "$ns2" far 192.0.2.2/24
	start_sample PID 20 "$PASS" -n "$ns2" -i far -m native
	expect_eq "program" "$(xdp "$ns2" far)" "native pass"
	expect_status 0 in_ns "$ns1" ping -n -c 2 -i 0.01 -W 5 -s 8900 -M "do" 192.0.2.2
	expect_out '^2 packets transmitted, 2 received'
	stop
}

test_interface_deleted()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	start_sample PID 20 "$PASS" -n "$ns2" -i far
	ip -n "$ns1" link del near
	stop
}

test_namespace_by_path()
{
	start_sample PID 20 "$PASS" -n "/run/netns/$NS2" -i right
	expect_eq "program" "$(xdp "$NS2" right)" "native pass"
	stop
}

run_tests test_native test_skb test_auto_is_native_on_veth test_both_ends \
	test_two_interfaces test_json test_duration test_kill_9 test_interface_in_use \
	test_mtu_9000 test_interface_deleted test_namespace_by_path
