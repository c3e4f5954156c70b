#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tc with unusual skbs: large, with headers in pages, with VLAN tags, with a checksum
# that the device has to fill in.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

test_large_frames()
{
	near_far 9000
	start_on "$FAR" -i far
	expect_answers_from "$NEAR" 2 "$S4" -s 8000
	expect_answers_from "$NEAR" 2 "$S6" -s 8000
	stop
	expect_summary 4 0 4
}

# Native XDP delivers a large frame to TC in several pages.
test_large_frames_after_xdp()
{
	local _pass

	near_far 9000
	start_sample _pass 20 "$(sample pass)" -n "$FAR" -i far -m native
	start_on "$FAR" -i far
	expect_answers_from "$NEAR" 2 "$S4" -s 8001
	expect_answers_from "$NEAR" 2 "$S6" -s 8001
	stop
	expect_summary 4 0 4
}

# answers_after_xdp: with each hook the sample answers all pings, even though a foreign XDP
# program has handled the packets before.
answers_after_xdp()
{
	local hook

	for hook in $HOOKS; do
		start --attach "$hook"
		expect_answers 2 "$S4" -s 57
		expect_answers 2 "$S6" -s 57
		stop
		expect_summary 4 0 4
	done
}

# Generic XDP hands on some skbs without their Ethernet header (include/tc_mac.bpf.h).
test_after_generic_xdp()
{
	local _pass

	start_sample _pass 20 "$(sample pass)" -n "$SERVER" -i right -m skb
	answers_after_xdp
}

test_after_generic_xdp_that_pushes_a_tag()
{
	tag_is_pushed skb
	answers_after_xdp
}

test_after_native_xdp_that_pushes_a_tag()
{
	tag_is_pushed native
	answers_after_xdp
}

test_after_generic_xdp_that_pops_a_tag()
{
	tag_is_popped skb
	answers_after_xdp
}

test_after_native_xdp_that_pops_a_tag()
{
	tag_is_popped native
	answers_after_xdp
}

# exchange FAMILY PAYLOAD FLAGS EXT [TAGS]: send an echo request as a raw frame, and compare
# each byte of the reply with one whose checksums are computed from scratch. If a frame is
# larger than a page, the kernel puts all but the first 14 bytes into pages. FLAGS 1: the
# device has to fill in the checksum (VIRTIO_NET_HDR_F_NEEDS_CSUM). EXT: bytes of IPv6
# destination options. TAGS: VLAN tags as hex. The packet socket receives the reply without
# the outer tag, because the kernel moves that tag to the metadata of the skb.
exchange()
{
	in_ns "$NEAR" perl "$NBT_DIR/tc/exchange.pl" "$(link_index "$NEAR" near)" \
		"$(link_mac "$NEAR" near)" "$(link_mac "$FAR" far)" "$@"
}

test_headers_in_pages()
{
	near_far 9000
	start_on "$FAR" -i far
	exchange 4 100 0 0
	exchange 6 100 0 0
	exchange 4 6001 0 0
	exchange 6 6001 0 0
	# Here the ICMPv6 header is behind the bytes that the program first pulls out of the
	# pages.
	exchange 6 6001 0 120
	exchange 6 6001 0 2048
	stop
	expect_summary 6 0 6
}

# If the request has no complete checksum yet, the device computes that of the reply.
test_checksum_left_to_the_device()
{
	have ethtool || skip "not installed: ethtool"
	near_far 9000
	in_ns "$FAR" ethtool -K far tx off >/dev/null
	start_on "$FAR" -i far
	exchange 4 101 1 0
	exchange 6 101 1 0
	exchange 6 6001 1 16
	stop
	expect_summary 3 0 3
}

# The kernel moves the outer tag to the metadata before TC runs; the reply must have the tag
# again.
test_vlan_tags()
{
	local dump

	require_tools tcpdump
	near_far 9000
	start_bg dump nsenter --net="/run/netns/$NEAR" tcpdump -l -nn -e -Q in -i near vlan
	eventually 10 grep -q 'listening on' "$(sample_err "$dump")"
	start_on "$FAR" -i far
	exchange 4 56 0 0 81000007
	exchange 6 57 0 0 88a80008
	exchange 4 58 0 0 88a8000881000009
	exchange 6 6001 0 16 8100600a8100000b
	stop
	expect_summary 4 0 4
	eventually 10 grep -q 'vlan 11,' "$(sample_out "$dump")"
	expect_match "$(sample_out "$dump")" '0x8100.*vlan 7, .*ICMP echo reply'
	expect_match "$(sample_out "$dump")" '0x88a8.*vlan 8, .*ICMP6, echo reply'
	expect_match "$(sample_out "$dump")" '0x88a8.*vlan 8, .*vlan 9, .*ICMP echo reply'
	expect_match "$(sample_out "$dump")" 'vlan 10, p 3, .*vlan 11, .*ICMP6, echo reply'
}

# add_vlan PROTO ID UPPER LOWER NET: add the VLAN device leftUPPER on top of leftLOWER, and
# two neighbours there. The server does not have their addresses: only the sample answers.
add_vlan()
{
	local net=$5 addr

	vlan_add "$CLIENT" "left$4" "left$3" "$1" "$2" "10.9.$net.1/24" "2001:db8:9:$net::1/64"
	for addr in "10.9.$net.2" "2001:db8:9:$net::2"; do
		ip -n "$CLIENT" neigh add "$addr" dev "left$3" lladdr "$(link_mac "$SERVER" right)"
	done
}

# vlan NET: the replies have the same tags as the requests; otherwise ping would miss them.
vlan()
{
	start --any
	expect_answers 2 "10.9.$1.2"
	expect_answers 2 "2001:db8:9:$1::2"
	stop
	expect_summary 4 0 4
}

test_vlan()
{
	add_vlan 802.1q 7 .7 "" 7
	vlan 7
	have ethtool || skip "not installed: ethtool"
	in_ns "$CLIENT" ethtool -K left txvlan off
	defer "in_ns $CLIENT ethtool -K left txvlan on"
	vlan 7
}

test_vlan_in_vlan()
{
	add_vlan 802.1ad 8 .8 "" 8
	add_vlan 802.1q 9 .8.9 .8 9
	vlan 8
	vlan 9
}

test_extension_header()
{
	start
	expect_eq "destination options" "$(ext_ping "$S6" 59 5)" answer
	stop
	expect_summary 1 0 1
}
