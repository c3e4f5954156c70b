#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/pktcount counts exactly the packets that were sent, and as many as the kernel.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

test_icmp_is_exact()
{
	quiet -j
	expect_answers_from "$QUIET1" 20 "$S4"
	stop
	expect_json '.[-1] | .packets == 20 and .bytes == 20 * 98 and
		.classes.ipv4 == {packets: 20, bytes: 1960} and
		.protocols.icmp == {packets: 20, bytes: 1960}'
	expect_sums
}

test_icmpv6_is_exact()
{
	start -j
	expect_answers 20 "$S6" -s 100
	stop
	# Neighbour discovery may add some packets.
	expect_json '.[-1] | .protocols.icmpv6.packets >= 20 and
		.protocols.icmpv6.packets <= 30 and .classes.ipv6 == .protocols.icmpv6 and
		.protocols.icmpv6.bytes >= 20 * (14 + 40 + 8 + 100)'
	expect_sums
}

# In both modes the sample counts as many packets as the kernel: on veth, a packet that XDP
# passes also counts as received.
test_udp_is_exact_and_as_the_kernel_counts()
{
	local mode before

	for mode in native skb; do
		quiet -j -m "$mode"
		before=$(rx "$QUIET2" far)
		udp "$QUIET1" 1000
		stop
		expect_json '.[-1].protocols.udp == {packets: $n, bytes: ($n * 44)}' \
			--argjson n "$SENT"
		expect_json '.[-1].packets == $n' --argjson n "$SENT"
		expect_eq "packets of the kernel, $mode" \
			$(($(rx "$QUIET2" far) - before)) "$SENT"
		expect_sums
	done
}

# Four senders on two CPUs, each with a flow of its own.
test_several_cpus_are_exact()
{
	local before cpu i pids=()

	taskset -c 1 true 2>/dev/null || skip "needs two CPUs"
	quiet -j -e --top 1
	before=$(dropped_and_received "$QUIET1")
	for cpu in 0 1 0 1; do
		taskset -c "$cpu" nsenter --net="/run/netns/$QUIET1" bash -c '
			exec 3>"/dev/udp/$1/9"
			for ((i = 0; i < 5000; i++)); do echo x >&3; done' x "$SINK" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	arrived "$QUIET1" "$before" 20000
	stop
	[ "$SENT" -gt 10000 ] || fail "only $SENT packets arrived"
	expect_json '.[-1] | .packets == $n and .protocols.udp.bytes == $n * 44' \
		--argjson n "$SENT"
	expect_json '.[-1] | ([.cpus[].packets] | add) == .packets and
		([.cpus[].bytes] | add) == .bytes and
		([.cpus[] | select(.packets > 0)] | length) >= 2'
	expect_json '.[-1].top == [{addr: $c, packets: $n, bytes: ($n * 44)}]' \
		--arg c "$C4" --argjson n "$SENT"
	expect_sums
}

test_starts_at_zero()
{
	quiet -j
	udp "$QUIET1" 5
	stop
	quiet -j
	stop
	expect_json '.[-1] | .packets == 0 and .bytes == 0 and .pps == 0 and
		([.classes[], .protocols[] | .packets, .bytes] | add) == 0'
}

test_arp()
{
	start -j
	ip -n "$CLIENT" neigh del "$S4" dev left
	expect_answers 1 "$S4"
	stop
	expect_json '.[-1].classes.arp | .packets >= 1 and .bytes == .packets * 42'
	expect_sums
}

test_tcp_in_both_families()
{
	have curl || skip "not installed: curl"
	start -j
	# Nobody listens at port 81, so each connection is a single packet, its SYN.
	in_ns "$CLIENT" curl -s -m 5 "http://$S4:81/" || :
	in_ns "$CLIENT" curl -s -m 5 "http://[$S6]:81/" || :
	stop
	expect_json '.[-1] | .protocols.tcp == {packets: 2, bytes: (74 + 94)}'
	expect_sums
}

test_fragments()
{
	quiet -j
	expect_answers_from "$QUIET1" 5 "$S4" -s 3000
	stop
	expect_json '.[-1] | .protocols.icmp.packets == 5 and .protocols.fragment.packets == 10
		and .bytes == 5 * (3008 + 3 * 34)'
	expect_sums
}

# The sample counts the length of the whole frame, even if it takes several buffers.
test_mtu_9000()
{
	local i

	for i in "$QUIET1:near" "$QUIET2:far"; do
		ip -n "${i%:*}" link set "${i#*:}" mtu 9000
		defer "ip -n ${i%:*} link set ${i#*:} mtu 1500"
	done
	for i in native skb; do
		quiet -j -m "$i"
		expect_answers_from "$QUIET1" 5 "$S4" -s 8900
		stop
		expect_json '.[-1].protocols.icmp == {packets: 5, bytes: (5 * (8900 + 42))}'
	done
}

# frame HEX: send a frame from "near" to "far". HEX follows the two MAC addresses.
frame()
{
	local macs

	macs=$(link_mac "$QUIET2" far)$(link_mac "$QUIET1" near)
	send_frame "$QUIET1" near "${macs//:/}" "$1"
}

# Each frame counts in the right class and protocol, with its whole length, padding included.
test_frames()
{
	local ip4=4500001c000000004011f6b6c0000201c0000263 udp=0fa0101000080000 mode

	have perl || skip "not installed: perl"
	for mode in native skb; do
		quiet -j -m "$mode"
		frame "0800$ip4$udp"
		frame "810000070800$ip4$udp"
		frame "88a80008810000090800$ip4$udp"
		frame "81000007810000078100000708000000"	# three tags
		frame "81000007080046$(printf '%058d' 0)"	# a bad IP header
		frame "0800${ip4:0:18}84${ip4:20}$udp"		# half an SCTP header
		frame "0800${ip4:0:18}2f${ip4:20}$udp"
		frame "88cc$(printf '%092d' 0)"
		stop
		expect_json '.[-1] | .packets == 8 and .classes.ipv4.packets == 6 and
			.classes.other.packets == 2'
		expect_json '.[-1].classes | .vlan == {packets: 4, bytes: (46 + 50 + 28 + 48)}'
		expect_json '.[-1].protocols | .udp == {packets: 3, bytes: (42 + 46 + 50)} and
			.malformed.packets == 2 and .gre.packets == 1'
		expect_sums
	done
}

# vlan MODE: four pings in VLAN 7 count as VLAN packets, with the tag in their length.
vlan()
{
	quiet -j -m "$1"
	expect_answers_from "$QUIET1" 4 10.9.7.2
	stop
	expect_json '.[-1].protocols.icmp.packets == 4'
	expect_json '.[-1] | .classes.vlan == {packets: .packets, bytes: .bytes}'
	expect_json '.[-1].protocols.icmp.bytes == 4 * 102'
	expect_sums
}

test_vlan()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$QUIET1" ethtool -K near txvlan off >/dev/null
	defer "in_ns $QUIET1 ethtool -K near txvlan on >/dev/null 2>&1"
	vlan_add "$QUIET1" near near.7 802.1q 7 10.9.7.1/24
	vlan_add "$QUIET2" far far.7 802.1q 7 10.9.7.2/24
	expect_answers_from "$QUIET1" 1 10.9.7.2
	vlan native
	vlan skb
}

# The packets of both interfaces are counted together. Events name the interface.
test_two_interfaces()
{
	start -j -i lo --events
	expect_answers 2 "$S4"
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.01 -W 5 127.0.0.1
	eventually 5 lines_at_least 6 '"protocol":"icmp"'
	stop
	expect_json '.[0].attached | map(.ifname) == ["right", "lo"]'
	expect_json '.[-1].protocols.icmp.packets == 6'
	expect_json 'map(select(.protocol == "icmp").ifname) | sort ==
		["lo", "lo", "lo", "lo", "right", "right"]'
}
