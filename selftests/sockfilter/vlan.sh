#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/sockfilter and VLAN tags: the kernel takes the outer tag out of the frame before the
# sample sees the packet.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# frame HEX: send a frame from "left". HEX follows the two MAC addresses, which no device has.
frame()
{
	send_frame "$CLIENT" left 020000000002020000000001 "$1"
}

# IPv4 packets from 192.0.2.1: an ICMP echo request with id 77 and seq 5, and a UDP datagram
# to port 4242.
ICMP=45000024abcd000040010000c0000201c000020208000000004d00054141414141414141
UDP=45000020abcd000040110000c0000201c00002029c401092000c000041414141

frames()
{
	frame "0800$ICMP"
	frame "8100006408004500${ICMP:4}"
	frame "88a800c881006064$(printf '0800%s' "$ICMP")"
	frame "810000650800$UDP"
}

# frames_of FILE: print each packet of a pcap file that frame() has sent, from its EtherType on,
# in hex, and its length.
frames_of()
{
	pcap "$1" '
		my $hex = unpack("H*", $data);
		print(substr($hex, 24), " $len\n") if substr($hex, 12, 12) eq "020000000001";'
}

test_vlan_tags_are_put_back()
{
	start -w "$TMP/pcap" --proto all -Q in
	frames
	stop
	frames_of "$TMP/pcap" >"$TMP/got"
	expect_eq "frames" "$(wc -l <"$TMP/got")" 4
	expect_eq "no tag" "$(sed -n 1p "$TMP/got")" "0800$ICMP $((14 + ${#ICMP} / 2))"
	expect_eq "one tag" "$(sed -n 2p "$TMP/got")" "810000640800$ICMP $((18 + ${#ICMP} / 2))"
	expect_eq "two tags" "$(sed -n 3p "$TMP/got")" \
		"88a800c8810060640800$ICMP $((22 + ${#ICMP} / 2))"
	expect_eq "UDP" "$(sed -n 4p "$TMP/got")" "810000650800$UDP $((18 + ${#UDP} / 2))"
}

test_vlan_and_own_filters()
{
	start -j --proto icmp -Q in --host 192.0.2.1
	frames
	stop
	expect_json '[.[] | select(.event == "packet") | .vlans] == [null, [100], [200, 100]]'
	start -j --proto udp --port 4242 -Q in
	frames
	stop
	expect_json '[.[] | select(.event == "packet") | .vlans] == [[101]]'
}

# vlans_after_xdp VLANS: the sample reports these VLANs (JSON) for pings of both families.
vlans_after_xdp()
{
	start -j --proto icmp -Q in
	send 2 "$S4"
	send 2 "$S6"
	stop
	expect_json "[.[] | select(.event == \"packet\" and (.icmp_type == 8 or .icmp_type == 128))
		| .vlans] == [range(4) | $1]"
}

test_tag_pushed_by_generic_xdp()
{
	tag_is_pushed skb
	vlans_after_xdp '[7]'
}

test_tag_pushed_by_native_xdp()
{
	tag_is_pushed native
	vlans_after_xdp '[7]'
}

test_tag_popped_by_generic_xdp()
{
	tag_is_popped skb
	vlans_after_xdp null
}

test_tag_popped_by_native_xdp()
{
	tag_is_popped native
	vlans_after_xdp null
}

# vlan_expression N EXPRESSION: N of the frames match. The expression sees the frame as it is
# in the pcap file, with its tags.
vlan_expression()
{
	start -w "$TMP/pcap" -Q in "$2"
	frames
	stop
	expect_eq "packets of: $2" "$(packets "$TMP/pcap")" "$1"
	expect_eq "for tcpdump" "$(packets "$TMP/all" "$2")" "$1"
}

test_vlan_and_expressions()
{
	start -w "$TMP/all" --proto all -Q in --host 192.0.2.1
	frames
	stop
	vlan_expression 1 'icmp'
	vlan_expression 3 'vlan'
	vlan_expression 1 'vlan 100'
	vlan_expression 1 'vlan 200'
	vlan_expression 1 'vlan and icmp'
	vlan_expression 1 'vlan and vlan 100 and icmp'
	vlan_expression 1 'vlan and udp port 4242'
	vlan_expression 1 'ether[12:2] = 0x88a8'
	vlan_expression 2 'ether[14:2] & 0xfff < 102 and ether[14:2] < 0x1000 and ether proto 0x8100'
	vlan_expression 1 'len = 54'
	vlan_expression 2 'len = 50'
}

test_vlan_and_snap_length()
{
	local n

	for n in 11 12 13 15 16 17 18 19 60; do
		start -w "$TMP/pcap" --proto udp --port 4242 -Q in -s "$n"
		frame "810000650800$UDP"
		stop
		expect_eq "-s $n" "$(pcap "$TMP/pcap" 'print "$caplen $len ", unpack("H*", $data)')" \
			"$((n < 50 ? n : 50)) 50 $(cut -c "1-$((2 * n))" \
			<<<"020000000002020000000001810000650800$UDP")"
	done
}
