#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer and packets as offloads and other programs make them: without an
# Ethernet header, longer than an IP length field can tell, larger than the way out takes.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# Addresses of the balancer towards the client, and of the backend.
FRONT=10.1.0.5 FRONT6=fd01::5 BACK=10.2.0.2 BACK6=fd02::2

# link NODE DEVICE NUMBER OWN: a veth pair between NODE and the balancer. It has all offloads
# of veth; the pairs to the lab's switch lack some. OWN: last part of NODE's addresses.
link()
{
	on "$1" ip link add "$2" type veth peer name "$2" netns "netbpf-$LAB-lb"
	defer "nsenter --net=/run/netns/netbpf-$LAB-$1 -- ip link del $2"
	on "$1" ip addr add "10.$3.0.$4/24" dev "$2"
	on "$1" ip addr add "fd0$3::$4/64" dev "$2" nodad
	on lb ip addr add "10.$3.0.5/24" dev "$2"
	on lb ip addr add "fd0$3::5/64" dev "$2" nodad
	on "$1" ip link set "$2" up
	on lb ip link set "$2" up
}

# links: connect the client, the balancer and backend-a in a row.
links()
{
	link client front 1 4
	link backend-a back 2 2
}

# start_row PORT [ARG...]: a service for each family. nat sends from the addresses of the
# first interface, which is that towards the backend.
start_row()
{
	start -i back -i front -m "${MODE:-tc}" "${@:2}" \
		--vip "tcp:$FRONT:$1" --backend "$BACK:$1" \
		--vip "tcp:[$FRONT6]:$1" --backend "[$BACK6]:$1"
}

# TC gets no Ethernet header if another program runs in generic XDP (tc_mac.bpf.h).
test_beside_generic_xdp()
{
	local _pass

	links
	start_sample _pass 10 "$(sample pass)" -n "netbpf-$LAB-lb" -i front -m skb
	start_row 80
	fetch 10 "http://$FRONT/"
	fetch 10 "http://[$FRONT6]/"
	stop
}

# pushed MODE: an XDP program of somebody else pushes a VLAN tag. The tag stays on the packet,
# as a tag that came from the wire does.
pushed()
{
	links
	knows "netbpf-$LAB-client" front "$FRONT" "$FRONT6" "$(link_mac "netbpf-$LAB-lb" front)"
	no_vlan_offload "netbpf-$LAB-lb" back
	vlan_tag "netbpf-$LAB-lb" front push "$1"
	vlan_tag "netbpf-$LAB-backend-a" back pop native
	start_row 80
	fetch 10 "http://$FRONT/"
	fetch 10 "http://[$FRONT6]/"
	stop
}

# popped MODE: an XDP program of somebody else pops the client's tag. XDP sees only a tag that is
# in the frame itself, so VLAN offload is off.
popped()
{
	links
	no_vlan_offload "netbpf-$LAB-client" front
	vlan_tag "netbpf-$LAB-client" front push out
	vlan_tag "netbpf-$LAB-lb" front pop "$1"
	start_row 80
	fetch 10 "http://$FRONT/"
	fetch 10 "http://[$FRONT6]/"
	stop
}

test_tag_pushed_by_generic_xdp()
{
	pushed skb
}

test_tag_pushed_by_native_xdp()
{
	pushed native
}

test_tag_popped_by_generic_xdp()
{
	popped skb
}

test_tag_popped_by_native_xdp()
{
	popped native
}

# ---------------------------------------------------------------------------
# BIG TCP

# serve NODE: on port 7000, read until the client has sent all, and send as many bytes back.
serve()
{
	# shellcheck disable=SC2016 # that is Perl
	start_bg SERVER nsenter --net="/run/netns/netbpf-$LAB-$1" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(Listen => 5, LocalPort => 7000, ReuseAddr => 1,
			V6Only => 0, LocalHost => "::") or die "$@";
		print "listening\n";
		while (my $c = $s->accept) {
			my $n = 0;
			$n += length while sysread($c, $_, 1 << 20);
			$n -= syswrite $c, "x" x $n while $n;
			close $c
		}'
	eventually 5 grep -q listening "$(sample_out "$SERVER")"
}

# exchange HOST BYTES: send so many bytes, and print how many come back.
exchange()
{
	# shellcheck disable=SC2016 # that is Perl
	on client timeout 20 perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 7000,
			Timeout => 5) or die "$@\n";
		my $n = $ARGV[1];
		$n -= syswrite $s, "x" x $n while $n;
		shutdown $s, 1;
		$n += length while sysread($s, $_, 1 << 20);
		print "$n\n"' "$@"
}

# passed: print how many packets and bytes the client has sent, then how many it got.
passed()
{
	on client ip -s -j link show front |
		jq -r '.[0].stats64 | [.tx, .rx] | map(.packets, .bytes) | join(" ")'
}

# expect_big HOST: exchange bytes, in packets that are too long for an IP length field.
expect_big()
{
	local -a before after

	read -ra before < <(passed)
	expect_eq "bytes back from $1" "$(exchange "$1" 20000000)" 20000000
	read -ra after < <(passed)
	expect_mean "sent to $1" $((after[1] - before[1])) $((after[0] - before[0]))
	expect_mean "got from $1" $((after[3] - before[3])) $((after[2] - before[2]))
}

# expect_mean WHAT BYTES PACKETS: the mean packet is too long for an IP length field.
expect_mean()
{
	[ $(($2 / $3)) -gt 65536 ] || fail "$1: $2 bytes in $3 packets: that is no BIG TCP"
}

test_big_tcp()
{
	local end

	links
	for end in "client front" "lb front" "lb back" "backend-a back"; do
		# shellcheck disable=SC2086 # two words
		allow_big_tcp netbpf-"$LAB"-$end
	done
	serve backend-a
	start_row 7000
	expect_big "$FRONT"
	expect_big "$FRONT6"
	stop
}

# ---------------------------------------------------------------------------
# Packets that the kernel will segment: UDP_SEGMENT

# count_datagrams: print the length of each datagram that backend-a gets, one per line.
count_datagrams()
{
	# shellcheck disable=SC2016 # that is Perl
	start_bg COUNTER nsenter --net="/run/netns/netbpf-$LAB-backend-a" -- \
		perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(LocalPort => 5300, Proto => "udp",
			Family => Socket::AF_INET) or die;
		print "listening\n";
		while ($s->recv(my $data, 65535)) { print length $data, "\n" }'
	eventually 5 grep -q listening "$(sample_out "$COUNTER")"
}

# send_segments N LENGTH [df]: send one packet, of which the kernel makes N datagrams. Without
# df, routers may fragment these.
send_segments()
{
	# shellcheck disable=SC2016 # that is Perl
	on client perl -MIO::Socket::IP -e '
		my ($host, $n, $length, $df) = @ARGV;
		my $s = IO::Socket::IP->new(PeerHost => $host, PeerPort => 5300,
			Proto => "udp") or die;
		setsockopt($s, 17, 103, pack "i", $length) or die "UDP_SEGMENT: $!";
		# IP_MTU_DISCOVER: IP_PMTUDISC_DO or IP_PMTUDISC_DONT
		setsockopt($s, 0, 10, pack "i", $df ? 2 : 0) or die "IP_MTU_DISCOVER: $!";
		$s->send("x" x ($n * $length)) or die "send: $!"' "$FRONT" "$@"
}

got_datagrams()
{
	[ "$(grep -c "^$2\$" "$(sample_out "$COUNTER")")" -eq "$1" ]
}

test_udp_segments()
{
	links
	count_datagrams
	start -i back -i front -m tc --vip "udp:$FRONT:5300" --backend "$BACK:5300"
	send_segments 10 1200
	eventually 5 got_datagrams 10 1200
	stop
}

test_udp_segments_in_a_tunnel()
{
	links
	on backend-a ip addr add "$FRONT/32" dev lo
	defer "nsenter --net=/run/netns/netbpf-$LAB-backend-a -- ip addr del $FRONT/32 dev lo"
	decap backend-a back
	count_datagrams
	start -i back -i front -m tc --forward ipip \
		--vip "udp:$FRONT:5300" --backend "$BACK:5300"
	send_segments 10 1200
	eventually 5 got_datagrams 10 1200
	# The largest datagram that fits, and a byte more: headers have 20 + 20 + 8 bytes.
	send_segments 10 1452
	eventually 5 got_datagrams 10 1452
	expect_eq "too big so far" "$(reason too_big)" 0
	send_segments 10 1453
	eventually 5 stat_is .reasons.too_big -eq 1
	send_segments 10 1453 df
	eventually 5 stat_is .reasons.too_big_answered -eq 1
	expect_match <(on client ip route get "$FRONT") 'mtu 1480'
	stop
}

# ---------------------------------------------------------------------------
# The MTU is smaller on the other side

# mtus FRONT BACK: set the MTUs of the two links. Each end tells the other one to send segments
# for packets of 3000 bytes, so the balancer between them must send errors.
mtus()
{
	on client ip link set front mtu "$1"
	on lb ip link set front mtu "$1"
	on lb ip link set back mtu "$2"
	on backend-a ip link set back mtu "$2"
	on client ip route replace 10.1.0.0/24 dev front advmss 2960
	on client ip -6 route replace fd01::/64 dev front metric 256 advmss 2940
	on backend-a ip route replace 10.2.0.0/24 dev back advmss 2960
	on backend-a ip -6 route replace fd02::/64 dev back metric 256 advmss 2940
}

# told NODE ADDRESS: the node has learnt that packets to this address have 1500 bytes at most.
told()
{
	on "$1" ip route get "$2" >"$TMP/route"
	expect_match "$TMP/route" 'mtu 1500'
}

# both_ways: senders get errors with the MTU, and all bytes come through.
both_ways()
{
	local host

	serve backend-a
	start_row 7000
	for host in "$FRONT" "$FRONT6"; do
		expect_eq "bytes back from $host" "$(exchange "$host" 1000000)" 1000000
	done
	[ "$(reason too_big_answered)" -gt 0 ] || fail "no packet was too big"
	expect_eq "packets without a word" "$(reason too_big)" 0
}

test_smaller_mtu_behind()
{
	links
	mtus 3000 1500
	both_ways
	told client "$FRONT"
	told client "$FRONT6"
	stop
}

test_smaller_mtu_in_front()
{
	links
	mtus 1500 3000
	both_ways
	told backend-a 10.2.0.5
	told backend-a fd02::5
	stop
}

# native: at both ends, set up what native XDP needs (Documentation/xdp_lb.rst, "Modes").
native()
{
	local _pass

	on client ethtool -K front tx off >/dev/null
	on backend-a ethtool -K back tx off >/dev/null
	start_sample _pass 10 "$(sample pass)" -n "netbpf-$LAB-client" -i front -m native
	start_sample _pass 10 "$(sample pass)" -n "netbpf-$LAB-backend-a" -i back -m native
	MODE=native
}

test_smaller_mtu_behind_native()
{
	links
	mtus 3000 1500
	native
	both_ways
	stop
}

test_smaller_mtu_in_front_native()
{
	links
	mtus 1500 3000
	native
	both_ways
	stop
}

# ---------------------------------------------------------------------------
# An interface that changes

# takes_mac ADDRESS: the balancer shows this MAC address for one of its interfaces.
takes_mac()
{
	"$LB" show --name "$NAME" -j | jq -e --arg mac "$1" \
		'any(.interfaces[]; .mac == $mac)' >/dev/null
}

# The balancer lets frames for other MAC addresses pass, so it must notice when its own changes.
test_another_mac_address()
{
	links
	start_row 80
	fetch 5 "http://$FRONT/"
	on lb ip link set front address 02:00:00:00:00:55
	eventually 5 takes_mac 02:00:00:00:00:55
	# The client has the old address in its table, and would ask again only later.
	on client ip neigh flush dev front
	fetch 5 "http://$FRONT/"
	stop
}

run_tests test_beside_generic_xdp test_tag_pushed_by_generic_xdp \
	test_tag_pushed_by_native_xdp test_tag_popped_by_generic_xdp test_tag_popped_by_native_xdp \
	test_big_tcp test_udp_segments \
	test_udp_segments_in_a_tunnel test_smaller_mtu_behind test_smaller_mtu_in_front \
	test_smaller_mtu_behind_native test_smaller_mtu_in_front_native \
	test_another_mac_address
