#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tc with the action pingpong: which requests it answers, and how.

# sizes ADDRESS MAX: all pings up to the payload size MAX are answered. ping compares the
# payload of each reply, and the client's kernel verifies the checksums.
sizes()
{
	local addr=$1 max=$2 size hook

	for hook in $HOOKS; do
		start --attach "$hook"
		expect_match "$SAMPLE_OUT" "^ready: right \($hook, ingress\)\$"
		for size in 0 1 7 56 1400 "$max"; do
			expect_answers 2 "$addr" -s "$size"
			[[ $REPLIES = *ttl=64* ]] || fail "no ttl 64: $REPLIES"
		done
		stop
		expect_summary 12 0 12
		nothing_left
	done
}

test_pingpong_v4()
{
	local bad

	bad=$(icmp "$CLIENT" InCsumErrors)
	sizes "$S4" 1472
	expect_eq InCsumErrors "$(icmp "$CLIENT" InCsumErrors)" "$bad"
}

test_pingpong_v6()
{
	local bad

	bad=$(icmp "$CLIENT" Icmp6InCsumErrors)
	sizes "$S6" 1452
	expect_eq Icmp6InCsumErrors "$(icmp "$CLIENT" Icmp6InCsumErrors)" "$bad"
}

# Requests that the sample answers in TC never reach the server's network stack.
test_kernel_sees_no_request()
{
	local before

	kernel_answers_here
	start
	before=$(icmp "$SERVER" InEchos)
	expect_answers 5 "$S4"
	expect_eq InEchos "$(icmp "$SERVER" InEchos)" "$before"
	stop
	expect_answers 5 "$S4"
	expect_eq InEchos "$(icmp "$SERVER" InEchos)" $((before + 5))
}

test_text()
{
	start
	expect_answers 2 "$S4"
	expect_answers 1 "$S6"
	stop
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 2: answer\$"
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 1: answer\$"
}

test_fragments_pass()
{
	kernel_answers_here
	start
	expect_answers 2 "$S4" -s 3000
	expect_answers 2 "$S6" -s 3000
	stop
	expect_summary 4 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b4 fragment'
}

test_ip_options()
{
	start
	expect_answers 2 "$S4" -R
	expect_answers 2 "$S4" -T tsonly
	stop
	expect_summary 4 0 4
}

# The sample does not answer for an address that is only routed to the server, unless --any
# is given.
test_own_addresses()
{
	ip -n "$CLIENT" route add 203.0.113.0/24 via "$S4"
	ip -n "$CLIENT" route add 2001:db8:113::/64 via "$S6"
	defer "ip -n $CLIENT route del 203.0.113.0/24"
	defer "ip -n $CLIENT route del 2001:db8:113::/64"
	start
	expect_silence 1 203.0.113.9
	expect_silence 1 2001:db8:113::9
	expect_answers 1 "$S4"
	stop
	expect_summary 3 0 1
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 not_own_address'
	start --any
	expect_answers 1 203.0.113.9
	expect_answers 1 2001:db8:113::9
	stop
	expect_summary 2 0 2
}

answers_now()
{
	send 1 "$1"
	[ "$RECEIVED" -eq "$2" ]
}

test_follows_addresses()
{
	start
	expect_silence 1 192.0.2.77
	addr_add "$SERVER" right 192.0.2.77/24 2001:db8::77/64
	eventually 5 answers_now 192.0.2.77 1
	eventually 5 answers_now 2001:db8::77 1
	ip -n "$SERVER" addr del 2001:db8::77/64 dev right
	ip -n "$SERVER" addr del 192.0.2.77/24 dev right
	# The client still knows the MAC address, so its requests still arrive.
	eventually 5 answers_now 2001:db8::77 0
	eventually 5 answers_now 192.0.2.77 0
	expect_answers 1 "$S4"
	stop
}

# While an address is tentative (duplicate address detection), another host may have the
# same address: the sample does not answer yet.
test_tentative_address()
{
	start
	in_ns "$SERVER" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/right/accept_dad
		echo 20 >/proc/sys/net/ipv6/conf/right/dad_transmits'
	defer "in_ns $SERVER sh -c 'echo 0 >/proc/sys/net/ipv6/conf/right/accept_dad'"
	ip -n "$SERVER" addr add 2001:db8::78/64 dev right
	defer "ip -n $SERVER addr del 2001:db8::78/64 dev right"
	ip -n "$CLIENT" neigh replace 2001:db8::78 dev left lladdr "$(link_mac "$SERVER" right)"
	defer "ip -n $CLIENT neigh del 2001:db8::78 dev left"
	expect_silence 1 2001:db8::78
	stop
	expect_match "$SAMPLE_OUT" '^  passed: .*\b1 not_own_address'
}

test_no_address_is_told()
{
	local ns

	ns_add ns
	ip -n "$ns" link add near type veth peer name far
	start_on "$ns" -i near
	stop
	expect_match "$SAMPLE_ERR" '^tc: no address there but link-local ones: pings to others'
	start_on "$ns" -i near --any
	stop
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

told_no_address()
{
	grep -q '^tc: no address there but link-local ones' "$SAMPLE_ERR"
}

# A port of a bridge: its addresses move to the bridge, and the sample says that it answers
# nothing any more. When they are back, it answers.
test_port_without_address_is_told()
{
	near_far 1500
	start_on "$FAR" -i far
	expect_answers_from "$NEAR" 1 "$S4"
	ip -n "$FAR" link add name br9 type bridge forward_delay 0
	ip -n "$FAR" link set far master br9
	ip -n "$FAR" link set br9 up
	ip -n "$FAR" addr del "$S6/64" dev far
	! told_no_address || fail "it has an IPv4 address"
	ip -n "$FAR" addr del "$S4/24" dev far
	eventually 5 told_no_address
	addr_add "$FAR" br9 "$S4/24"
	expect_answers_from "$NEAR" 1 "$S4"
	ip -n "$FAR" link del br9
	addr_add "$FAR" far "$S4/24"
	in_ns "$FAR" sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all'
	eventually 5 in_ns "$NEAR" ping -n -c 1 -W 1 "$S4"
	expect_answers_from "$NEAR" 1 "$S4"
	stop
	expect_eq "messages" "$(grep -c 'no address' "$SAMPLE_ERR")" 1
}

# Requests to broadcast and multicast addresses are not answered, not even with --any.
test_broadcast_and_multicast()
{
	ip -n "$CLIENT" neigh replace 192.0.2.254 dev left lladdr "$(link_mac "$SERVER" right)"
	defer "ip -n $CLIENT neigh del 192.0.2.254 dev left"
	start --any
	expect_silence 1 192.0.2.255 -b
	expect_silence 1 255.255.255.255 -b -I left
	expect_silence 1 224.0.0.1 -I left
	expect_silence 1 ff02::1%left -L
	expect_answers 1 192.0.2.254
	stop
	expect_summary 5 0 1
	expect_match "$SAMPLE_OUT" '^  passed: .*\b4 not_unicast'
}

# The destination is the broadcast address of a subnet, but the frame is for this host only.
test_broadcast_address_in_unicast_frame()
{
	ip -n "$SERVER" addr add 198.51.100.2/25 dev right
	defer "ip -n $SERVER addr del 198.51.100.2/25 dev right"
	ip -n "$CLIENT" route add 198.51.100.0/24 via "$S4"
	defer "ip -n $CLIENT route del 198.51.100.0/24"
	start --any
	expect_silence 1 198.51.100.127
	expect_answers 1 198.51.100.126
	expect_answers 1 198.51.100.255
	stop
	expect_match "$SAMPLE_OUT" '^  passed: .*\b1 not_unicast'
}

# In promiscuous mode the device also receives frames for other MAC addresses.
test_frames_for_others()
{
	ip -n "$SERVER" link set right promisc on
	defer "ip -n $SERVER link set right promisc off"
	ip -n "$CLIENT" neigh replace 192.0.2.99 dev left lladdr 02:00:00:00:00:99
	defer "ip -n $CLIENT neigh del 192.0.2.99 dev left"
	addr_add "$SERVER" right 192.0.2.99/24
	defer "ip -n $SERVER addr del 192.0.2.99/24 dev right"
	start --any
	expect_silence 2 192.0.2.99
	stop
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 not_own_address'
}

test_on_lo()
{
	start_on "$SERVER" -i lo
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 5 127.0.0.1
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 5 ::1
	stop
	expect_summary 4 0 4
}
