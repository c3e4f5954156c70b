#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/network: the path of a packet with every set of hooks and actions.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# path TAIL ANSWERS OPTION...: start the sample with these options and send two pings of each
# family. ANSWERS of each two are answered, and each line ends in TAIL, the path.
path()
{
	local tail=$1 answers=$2

	shift 2
	start "$@"
	expect_received "$answers" 2 "$S4"
	expect_received "$answers" 2 "$S6"
	expect_paths 4 "$tail"
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 2: "
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 2: "
	stop
	[[ $SUMMARY = *' 0 events lost' ]] || fail "$SUMMARY"
}

test_all_hooks_by_default()
{
	path ': xdp pass, sockfilter copy, tc pass' 2
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp pass, native; sockfilter on; tc pass, (tcx|clsact); tcpconnect o(n, [a-z]+|ff)\)$'
}

test_one_hook()
{
	path ': xdp pass' 2 --xdp pass
	path ': sockfilter copy' 2 --sockfilter
	path ': tc pass' 2 --tc pass
}

test_two_hooks()
{
	path ': xdp pass, sockfilter copy' 2 --xdp pass --sockfilter
	path ': xdp pass, tc pass' 2 --xdp pass --tc pass
	path ': sockfilter copy, tc pass' 2 --sockfilter --tc pass
}

# A packet that XDP drops never reaches the other hooks.
test_dropped_in_xdp()
{
	path ': xdp drop (never reached sockfilter, tc)' 0 \
		--xdp drop-ping --sockfilter --tc pingpong
	expect_match "$SAMPLE_OUT" '^  xdp: [0-9]+ packets seen: .*\b4 dropped'
	expect_no_match "$SAMPLE_OUT" '^  tc: .*answered'
	path ': xdp drop (never reached tc)' 0 --xdp drop-ping --tc pass
	path ': xdp drop' 0 --xdp drop-ping
}

test_dropped_in_tc()
{
	path ': xdp pass, sockfilter copy, tc drop' 0 --xdp pass --sockfilter --tc drop-ping
	path ': xdp pass, sockfilter copy, tc drop' 0 --xdp pass --sockfilter --tc drop
	# "drop" has also dropped neighbour discovery. Now it works again.
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

test_answered_in_tc()
{
	in_ns "$SERVER" sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	defer "nsenter --net=/run/netns/$SERVER sysctl -qw net.ipv4.icmp_echo_ignore_all=0"
	start --xdp pass --sockfilter --tc pingpong
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	expect_paths 6 ': xdp pass, sockfilter copy, tc pingpong (answered)'
	stop
	expect_match "$SAMPLE_OUT" '^  tc: [0-9]+ packets seen: .*\b6 answered'
}

# The sample also works in skb mode, where since Linux 6.9 TC gets some packets without their
# Ethernet header.
test_skb_mode()
{
	path ': xdp pass, sockfilter copy, tc pingpong (answered)' 2 \
		-m skb --xdp pass --sockfilter --tc pingpong
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp pass, skb; '
	path ': xdp pass, sockfilter copy, tc pass' 2 -m skb
}

test_attach_clsact()
{
	path ': xdp pass, tc pingpong (answered)' 2 --attach clsact --xdp pass --tc pingpong
	expect_match "$SAMPLE_OUT" '; tc pingpong, clsact; '
	expect_no_line '' tc -n "$SERVER" filter show dev right ingress
}

# frame HEX...: send a frame from "left" as it is.
frame()
{
	send_frame "$CLIENT" left "$@"
}

MACS=020000000002020000000001
# An echo request from 192.0.2.1 to 192.0.2.2 with id 1 and seq 2.
PING4=4500001c000140004001b68bc0000201c00002020800f7fc00010002

# XDP sees the VLAN tag in the frame. The other hooks do not, because the kernel has moved the
# tag to the metadata. The sample still recognises the packet.
test_vlan()
{
	start --xdp drop-ping --sockfilter --tc pass
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 1
	tell "xdp pass"
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 2
	tell "tc drop-ping"
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 3
	stop
	grep 'echo request' "$SAMPLE_OUT" >"$TMP/got"
	sed "s/^/$C4 > $S4: ICMP echo request id 1 seq 2: /" >"$TMP/wanted" <<-END
		xdp drop (never reached sockfilter, tc)
		xdp pass, sockfilter copy, tc pass
		xdp pass, sockfilter copy, tc drop
	END
	diff "$TMP/wanted" "$TMP/got"
}

# answered_after_xdp: the sample answers all pings, even though a foreign XDP program has
# handled the packets before.
answered_after_xdp()
{
	path ': sockfilter copy, tc pingpong (answered)' 2 --sockfilter --tc pingpong
}

test_after_generic_xdp_that_pushes_a_tag()
{
	tag_is_pushed skb
	answered_after_xdp
}

test_after_native_xdp_that_pushes_a_tag()
{
	tag_is_pushed native
	answered_after_xdp
}

test_after_generic_xdp_that_pops_a_tag()
{
	tag_is_popped skb
	answered_after_xdp
}

test_after_native_xdp_that_pops_a_tag()
{
	tag_is_popped native
	answered_after_xdp
}

# The kernel drops a frame with half a VLAN tag right after XDP, so no other hook sees it.
test_not_seen_again()
{
	start
	frame "$MACS" 8100 00
	eventually 5 grep -q 0x8100 "$SAMPLE_OUT"
	stop
	expect_match "$SAMPLE_OUT" '^02:00:00:00:00:01 > 02:00:00:00:00:02: EtherType 0x8100, malformed: xdp pass \(not seen again: never reached sockfilter, tc\)$'
	expect_match "$SAMPLE_OUT" '^summary: .*\b1 not seen again'
}

test_not_ip()
{
	start
	ip -n "$CLIENT" neigh flush dev left
	expect_answers 1 "$S4"
	frame "$MACS" 88b5 00112233
	eventually 5 grep -q 0x88b5 "$SAMPLE_OUT"
	stop
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ARP request: xdp pass, sockfilter copy, tc pass$"
	expect_match "$SAMPLE_OUT" ': EtherType 0x88b5: xdp pass, sockfilter copy, tc pass$'
}

# Packets that go out, such as the replies of this host, have no path.
test_only_what_comes_in()
{
	start
	expect_answers 2 "$S4"
	stop
	expect_no_match "$SAMPLE_OUT" 'echo reply'
}

test_replies_have_a_path()
{
	start --xdp pass --tc pass
	in_ns "$SERVER" ping -n -c 2 -i 0.02 "$C4" >/dev/null
	stop
	expect_eq "replies" "$(grep -c "^$C4 > $S4: ICMP echo reply .*: xdp pass, tc pass$" \
		"$SAMPLE_OUT")" 2
}

# TAKE: a server on port 8080 that takes one connection, counts its bytes and ends. CONNECT:
# the client, with arguments ADDRESS BYTES.
TAKE='use IO::Socket::INET; $| = 1;
	my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;
	print "ready:\n"; my $c = $s->accept; my $n = 0;
	while (sysread($c, my $b, 1 << 20)) { $n += length $b } print "$n\n"'
CONNECT='use IO::Socket::INET;
	my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080) or die;
	my $d = "x" x $ARGV[1]; my $o = 0;
	while ($o < length $d) { $o += syswrite($c, $d, length($d) - $o, $o) }'

# transfer BYTES: send BYTES from the client to the server over TCP.
transfer()
{
	local pid

	start_sample pid 10 nsenter --net="/run/netns/$SERVER" -- perl -e "$TAKE"
	in_ns "$CLIENT" perl -e "$CONNECT" "$S4" "$1"
	wait_sample "$pid" 20
	expect_eq "bytes that came" "$(tail -1 "$(sample_out "$pid")")" "$1"
}

test_tcp()
{
	start -j --xdp pass --sockfilter --tc pass
	transfer 1000
	stop
	expect_json 'map(select(.event == "path" and .proto == "tcp" and .dport == 8080)) |
		.[0].tcp_flags == "SYN" and (map(.payload) | add) == 1000 and
		any(.[]; .tcp_flags | contains("FIN")) and
		all(.[]; .end == "stack" and [.hooks[].hook] == ["xdp", "sockfilter", "tc"])'
}

# BIG TCP packets are longer than the length field of the IP header allows. When the kernel
# makes such packets depends on the load, so only some must come. The payload may add up to
# more than was sent: retransmissions count, too.
test_big_tcp()
{
	allow_big_tcp "$CLIENT" left
	allow_big_tcp "$SERVER" right
	start -j --sockfilter --tc pass
	transfer 20000000
	stop
	expect_json 'map(select(.event == "path" and .family == 4)) |
		any(.[]; .len > 65549) and all(.[]; .proto == "tcp" and .dport == 8080) and
		(map(.payload) | add) >= 20000000'
}

# GRO merges several TCP segments into one packet after XDP. Each segment must still have a
# path: it was merged, or it reached the stack.
test_tcp_gro()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$SERVER" ethtool -K right gro on || skip "no GRO on veth here"
	defer "nsenter --net=/run/netns/$SERVER ethtool -K right gro off"
	start -q -j --xdp pass --sockfilter --tc pass
	transfer 3000000
	stop
	expect_json '.[-1] | .lost == 0 and .ends.merged > 0 and .ends.unseen == 0 and
		.ends.unknown == 0 and .xdp.seen == .paths and
		.tc.seen == .paths - .ends.merged and .sockfilter.seen == .tc.seen'
}
