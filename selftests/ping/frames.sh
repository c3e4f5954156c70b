#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping with unusual packets: fragments, IP options, extension headers, VLAN tags,
# broken headers.
#
# shellcheck disable=SC2016 # $ in single quotes is of perl

# Dropping the first fragment is enough: the kernel cannot reassemble the others, so the
# whole request is lost.
test_fragments_v4()
{
	start
	expect_silence 3 "$S4" -s 3000
	stop
	expect_summary 3 3
	expect_match "$SAMPLE_OUT" '^  passed: .*no_echo_request'
	expect_answers 1 "$S4" -s 3000
}

test_fragments_v6()
{
	start
	expect_silence 3 "$S6" -s 3000
	stop
	expect_summary 3 3
	expect_answers 1 "$S6" -s 3000
}

# Record route and time stamps both make the IPv4 header 60 bytes long.
test_ip_options()
{
	expect_answers 1 "$S4" -R
	start
	expect_silence 2 "$S4" -R
	expect_silence 2 "$S4" -T tsonly
	stop
	expect_summary 4 4
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 2: drop$"
}

test_ipv6_extension_headers()
{
	local hopopts=54 dstopts=59

	have perl || skip "not installed: perl"
	expect_eq "without the sample" "$(ext_ping "$S6" "$hopopts" 5)" answer
	start
	expect_eq "hop-by-hop options" "$(ext_ping "$S6" "$hopopts" 0)" silence
	expect_eq "destination options" "$(ext_ping "$S6" "$dstopts" 0)" silence
	stop
	expect_summary 2 2
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id 77 seq 5: drop$"
}

# frame_setup: set MACS, the two MAC addresses of a frame from "left" to "right", and ECHO4
# and ECHO6, IP packets with an echo request (id 77 seq 5). All are hexadecimal.
frame_setup()
{
	have perl || skip "not installed: perl"
	MACS=$(link_mac "$SERVER" right)$(link_mac "$CLIENT" left)
	MACS=${MACS//:/}
	# 192.0.2.1 > 192.0.2.2, ttl 64; 2001:db8::1 > 2001:db8::2, hop limit 64.
	ECHO4=4500001c000000004001f6c6c0000201c0000202
	ECHO4+=0800f7ad004d0005
	ECHO6=6000000000083a4020010db800000000000000000000000120010db8000000000000000000000002
	ECHO6+=800023d6004d0005
}

# frame HEX: send a frame from "left" to "right". HEX follows the two MAC addresses.
frame()
{
	send_frame "$CLIENT" left "$MACS" "$1"
}

# tagged MODE TAGS: the sample drops echo requests behind these VLAN tags (hexadecimal).
tagged()
{
	start -m "$1"
	frame "${2}0800$ECHO4"
	frame "${2}86dd$ECHO6"
	eventually 5 events_are 2
	stop
	expect_summary 2 2
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id 77 seq 5: drop$"
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id 77 seq 5: drop$"
}

test_vlan_tags_in_the_frame()
{
	local mode

	frame_setup
	for mode in native skb; do
		tagged "$mode" ''
		tagged "$mode" 81000007
		tagged "$mode" 88a80008
		tagged "$mode" 88a8000881000009
	done
}

seen_are()
{
	[ "$(sed -nE 's/^stats: ([0-9]+) .*/\1/p' "$SAMPLE_OUT" | tail -n 1)" -ge "$1" ]
}

# Frames that the sample cannot parse, or that hold no echo request, pass. They are counted
# by the reason.
test_odd_frames_pass()
{
	frame_setup
	start -I 0.05
	frame "810000078100000881000009""0800$ECHO4"	# three tags
	frame "0800${ECHO4:0:38}"			# cut short in the header
	frame "08004400${ECHO4:4}"			# ihl 4
	frame "08006500${ECHO4:4}"			# version 6
	frame "86dd${ECHO6:0:60}"
	frame "08004500001b${ECHO4:8}"			# ends in the echo header
	frame "0800${ECHO4:0:12}2001${ECHO4:16}"	# a later fragment
	frame "0800${ECHO4:0:40}00${ECHO4:42}"		# an echo reply
	frame "0800${ECHO4:0:40}0801${ECHO4:44}"	# type 8, code 1
	frame "88b5"0000
	eventually 10 seen_are 10
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b5 malformed'
	expect_match "$SAMPLE_OUT" '^  passed: .*\b1 not_ip'
}

# add_vlan PROTO ID UPPER LOWER NET: add the VLAN devices leftUPPER and rightUPPER on top of
# leftLOWER and rightLOWER, with addresses in the subnet NET.
add_vlan()
{
	local net=$5

	vlan_add "$CLIENT" "left$4" "left$3" "$1" "$2" "10.9.$net.1/24" "2001:db8:9:$net::1/64"
	vlan_add "$SERVER" "right$4" "right$3" "$1" "$2" "10.9.$net.2/24" "2001:db8:9:$net::2/64"
	expect_answers 1 "10.9.$net.2"
	expect_answers 1 "2001:db8:9:$net::2"
}

# tags_in_frame: switch off the VLAN offload of the sender, so that the tag is in the frame.
tags_in_frame()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$CLIENT" ethtool -K left txvlan off tx-vlan-stag-hw-insert off 2>/dev/null ||
		in_ns "$CLIENT" ethtool -K left txvlan off
	defer "in_ns $CLIENT ethtool -K left txvlan on >/dev/null 2>&1"
	in_ns "$CLIENT" ethtool -k left | grep -q '^tx-vlan-offload: off' ||
		fail "tx-vlan-offload is still on"
}

# vlan MODE NET: the sample on "right" drops and shows pings to the VLAN subnet NET.
vlan()
{
	start -m "$1"
	expect_silence 2 "10.9.$2.2"
	expect_silence 2 "2001:db8:9:$2::2"
	stop
	expect_summary 4 4
	expect_match "$SAMPLE_OUT" "^10.9.$2.1 > 10.9.$2.2: ICMP echo request .* seq 2: drop"
	expect_match "$SAMPLE_OUT" "^2001:db8:9:$2::1 > 2001:db8:9:$2::2: ICMPv6 .*: drop"
}

# First with tags in the metadata of the skb, where the VLAN offload puts them, then with
# tags in the frame.
test_vlan_devices()
{
	local mode

	add_vlan 802.1q 7 .7 "" 7
	for mode in native skb; do
		vlan "$mode" 7
	done
	tags_in_frame
	add_vlan 802.1ad 8 .8 "" 8
	add_vlan 802.1q 9 .8.9 .8 9
	for mode in native skb; do
		vlan "$mode" 7
		vlan "$mode" 9
	done
}
