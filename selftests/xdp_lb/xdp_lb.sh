#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer on real packets: each mode, IPv4 and IPv6, TCP and UDP; what backends
# and clients see.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# ---------------------------------------------------------------------------
# The course's scenario

test_five_hundred_requests()
{
	start_web
	fetch 500
	both_served
	expect_between "answers of backend-a" "$(answers backend-a)" 180 320
	expect_eq connections "$(stats '.vips[0].connections')" 500
	expect_eq "sum of backends" "$(stats '[.vips[0].backends[].connections] | add')" 500
	stop
}

# modes MODE: attach in this mode; fetch over IPv4 and over IPv6.
modes()
{
	start_web -m "$1"
	expect_match "$(sample_out "$PID")" "^ready: instance $NAME on eth0 \($1\)"
	fetch 20
	both_served
	stop
	start_web6 -m "$1"
	fetch 20 "http://[$VIP6]/"
	both_served
	stop
}

# The interface is named by its index and by an alternative name: in an option, and in a file.
test_names_of_the_interface()
{
	local name ns=netbpf-$LAB-lb

	alternative_name "$ns" eth0
	for name in "$ALTNAME" "$(link_index "$ns" eth0)"; do
		start -i "$name" --vip "tcp:$VIP:80" --backend "$A:80" --backend "$B:80"
		works_on_eth0
		stop
	done
	web_config
	sed -i "s/\[eth0\]/[$ALTNAME]/" "$TMP/lb.yaml"
	start -c "$TMP/lb.yaml"
	works_on_eth0
	lb reload
	works_on_eth0
	stop
	sed -i "s/\[$ALTNAME\]/[eth0, $ALTNAME]/" "$TMP/lb.yaml"
	expect_status 2 "$LB" check -n "$ns" -c "$TMP/lb.yaml"
	expect_err 'interfaces\[1\]: eth0 is given twice'
}

works_on_eth0()
{
	expect_match "$(sample_out "$PID")" "^ready: instance $NAME on eth0 "
	fetch 10
	both_served
}

test_mode_tc()
{
	modes tc
}

test_mode_native()
{
	modes native
}

test_mode_skb()
{
	modes skb
}

test_auto_is_tc_on_veth()
{
	start_web
	expect_match "$(sample_err "$PID")" 'mode tc: eth0 is a veth'
	expect_match "$(sample_out "$PID")" '\(tc\)'
	stop
}

# The hosts leave checksums to the device, and a veth does not compute them.
test_checksum_offload_stays_on()
{
	local node

	for node in client backend-a backend-b; do
		on "$node" ethtool -K eth0 tx on >/dev/null
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ethtool -K eth0 tx off >/dev/null"
	done
	start_web
	fetch 50
	stop
	start_web6
	fetch 50 "http://[$VIP6]/"
	stop
}

test_weights()
{
	web_config 1 3
	start -c "$TMP/lb.yaml"
	fetch 400
	# backend-a should get a quarter.
	expect_between "answers of backend-a" "$(answers backend-a)" 60 145
	stop
}

# ---------------------------------------------------------------------------
# What backends and clients see

# listen NODE PORT: accept connections; print the address and port of each client, and tell
# the client its address.
listen()
{
	# shellcheck disable=SC2016 # that is Perl
	start_bg LISTENER nsenter --net="/run/netns/netbpf-$LAB-$1" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(Listen => 5, LocalPort => $ARGV[0], ReuseAddr => 1,
			V6Only => 0, Family => Socket::AF_INET) or die;
		print "listening\n";
		while (my $c = $s->accept) { print $c->peerhost, " ", $c->peerport, "\n";
			print $c "you are ", $c->peerhost, "\n"; close $c }' "$2"
	eventually 5 grep -q listening "$(sample_out "$LISTENER")"
}

# talk PORT [VIP]: connect to the service, and print what the server says.
talk()
{
	# shellcheck disable=SC2016
	on client perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1],
			Timeout => 3) or die "$@\n";
		print <$s>' "${2:-$VIP}" "$1"
}

test_nat_hides_the_client()
{
	listen backend-a 7000
	start -i eth0 --vip "tcp:$VIP:7000" --backend "$A:7000"
	expect_eq "the backend sees" "$(talk 7000)" "you are $VIP"
	port=$(tail -n 1 "$(sample_out "$LISTENER")" | cut -d ' ' -f 2)
	read -r low high < <(on lb cat /proc/sys/net/ipv4/ip_local_port_range)
	[ "$port" -lt "$low" ] || [ "$port" -gt "$high" ] ||
		fail "port $port is one of the host's own, $low to $high"
	stop
}

test_nat_from_a_given_address()
{
	listen backend-a 7000
	on lb ip addr add 10.0.0.240/32 dev eth0
	defer "ip -n netbpf-$LAB-lb addr del 10.0.0.240/32 dev eth0"
	start -i eth0 --vip "tcp:$VIP:7000" --backend "$A:7000" --snat 10.0.0.240
	expect_eq "the backend sees" "$(talk 7000)" "you are 10.0.0.240"
	stop
}

test_dnat_keeps_the_client()
{
	listen backend-a 7000
	on backend-a ip route add "$CLIENT/32" via "$VIP"
	defer "nsenter --net=/run/netns/netbpf-$LAB-backend-a -- ip route del $CLIENT/32"
	start -i eth0 --forward dnat --vip "tcp:$VIP:7000" --backend "$A:7000"
	expect_eq "the backend sees" "$(talk 7000)" "you are $CLIENT"
	stop
}

# The backends have the address of the service, too; only the balancer answers ARP for it.
add_vip_to_backends()
{
	local node

	on lb ip addr add 10.0.0.100/32 dev eth0
	defer "nsenter --net=/run/netns/netbpf-$LAB-lb -- ip addr del 10.0.0.100/32 dev eth0"
	for node in backend-a backend-b; do
		on "$node" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
			echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
		on "$node" ip addr add 10.0.0.100/32 dev lo
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ip addr del 10.0.0.100/32 dev lo"
	done
}

test_dsr()
{
	add_vip_to_backends
	start -i eth0 --forward dsr --vip tcp:10.0.0.100:80 --backend "$A:80" --backend "$B:80"
	fetch 20 http://10.0.0.100/
	both_served
	expect_eq "replies through the balancer" \
		"$(stats '[.vips[0].backends[].reply_packets] | add')" 0
	stop
}

# The outer header has the family of the backend's address, whatever is inside.
test_ipip()
{
	local node a b

	add_vip_to_backends
	for node in backend-a backend-b; do
		on "$node" ip addr add fd00::100/128 dev lo nodad
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ip addr del fd00::100/128 dev lo"
		decap "$node"
	done
	on lb ip addr add fd00::100/128 dev eth0 nodad
	defer "nsenter --net=/run/netns/netbpf-$LAB-lb -- ip addr del fd00::100/128 dev eth0"
	for a in "$A $B" "[$A6] [$B6]"; do
		read -r a b <<<"$a"
		start -i eth0 -m "${MODE:-tc}" --forward ipip \
			--vip tcp:10.0.0.100:80 --backend "$a:80" --backend "$b:80" \
			--vip 'tcp:[fd00::100]:80' --backend "$a:80" --backend "$b:80"
		fetch 20 http://10.0.0.100/
		both_served
		fetch 20 'http://[fd00::100]/'
		both_served
		stop
	done
}

test_ipip_native()
{
	MODE=native
	test_ipip
}

# A POST whose segments do not fit into the tunnel: the client gets an ICMP error, and sends
# smaller ones. In TC, the client leaves checksums to the device, so the packet that the error
# quotes does not have its checksum yet.
test_ipip_tells_the_mtu()
{
	add_vip_to_backends
	decap backend-a
	head -c 100000 /dev/zero >"$TMP/body"
	on client ethtool -K eth0 tso off gso off tx "${TX:-on}" >/dev/null
	defer "nsenter --net=/run/netns/netbpf-$LAB-client -- ethtool -K eth0 gso on tx off >/dev/null"
	start -i eth0 -m "${MODE:-tc}" --forward ipip --vip tcp:10.0.0.100:80 --backend "$A:80"
	on client curl -sS -m 10 -o /dev/null --data-binary "@$TMP/body" http://10.0.0.100/ ||
		fail "the body did not get through"
	[ "$(reason too_big_answered)" -gt 0 ] || fail "no packet was too big"
	expect_match <(on client ip route get 10.0.0.100) 'mtu 1480'
	on client ip route flush cache
	stop
}

test_ipip_tells_the_mtu_native()
{
	MODE=native TX=off
	test_ipip_tells_the_mtu
}

# echo_udp NODE FAMILY: answer each datagram with the name of the node and the datagram.
echo_udp()
{
	# shellcheck disable=SC2016
	start_bg LISTENER nsenter --net="/run/netns/netbpf-$LAB-$1" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(LocalPort => 5300, Proto => "udp",
			Family => $ARGV[1]) or die;
		print "listening\n";
		while (my $from = $s->recv(my $data, 65535)) { $s->send("$ARGV[0] $data", 0, $from) }' \
		"$1" "$2"
	eventually 5 grep -q listening "$(sample_out "$LISTENER")"
}

# ask_udp N HOST LEN: send N datagrams of LEN bytes from N ports; print who answers.
ask_udp()
{
	# shellcheck disable=SC2016
	on client perl -MIO::Socket::IP -e '
		for (1 .. $ARGV[0]) {
			my $s = IO::Socket::IP->new(PeerHost => $ARGV[1], PeerPort => 5300,
				Proto => "udp") or die;
			$s->send("x" x $ARGV[2]);
			my $r = "";
			vec($r, fileno($s), 1) = 1;
			select($r, undef, undef, 3) or die "no answer to $_\n";
			$s->recv(my $data, 65535);
			die "short: " . length($data) if length($data) <= $ARGV[2];
			print substr($data, 0, 9), "\n";
		}' "$@"
}

test_udp()
{
	echo_udp backend-a 2
	echo_udp backend-b 2
	start -i eth0 --vip "udp:$VIP:5300" --backend "$A:5300" --backend "$B:5300"
	ask_udp 40 "$VIP" 100 >"$TMP/answers"
	expect_eq answers "$(wc -l <"$TMP/answers")" 40
	expect_eq backends "$(sort -u "$TMP/answers" | wc -l)" 2
	stop
}

# Datagrams of several fragments, each way: only the first fragment has ports.
test_udp_fragments()
{
	echo_udp backend-a 2
	start -i eth0 --vip "udp:$VIP:5300" --backend "$A:5300"
	ask_udp 5 "$VIP" 4000 >/dev/null
	stop
	echo_udp backend-b 10
	start -i eth0 --vip "udp:[$VIP6]:5300" --backend "[$B6]:5300"
	ask_udp 5 "$VIP6" 4000 >/dev/null
	stop
}

# Packets that are for no service go to the balancer's own stack.
test_other_packets_pass()
{
	start_web
	on client ping -q -c 3 -i 0.05 -W 2 "$VIP" >/dev/null || fail "no answer to ping"
	on client ping -q -c 3 -i 0.05 -W 2 "$VIP6" >/dev/null || fail "no answer to ping -6"
	listen lb 7001
	expect_eq "another port" "$(talk 7001)" "you are $CLIENT"
	stop
}

run_tests test_five_hundred_requests test_names_of_the_interface test_mode_tc test_mode_native test_mode_skb \
	test_auto_is_tc_on_veth test_checksum_offload_stays_on test_weights \
	test_nat_hides_the_client test_nat_from_a_given_address \
	test_dnat_keeps_the_client test_dsr test_ipip test_ipip_native \
	test_ipip_tells_the_mtu test_ipip_tells_the_mtu_native test_udp \
	test_udp_fragments test_other_packets_pass
