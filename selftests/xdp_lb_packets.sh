#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer and packets as offloads and other programs make them: without an
# Ethernet header, larger than IP can tell, larger than the way to the backend takes.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# The addresses of the balancer towards the client, and those of the backend.
FRONT=10.1.0.5 FRONT6=fd01::5 BACK=10.2.0.2 BACK6=fd02::2

# link NODE DEVICE NUMBER OWN: a veth pair between NODE and the balancer, with all
# offloads that veth has; those to the lab's switch lack some. OWN: of NODE's address.
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

# links: the client, the balancer and backend-a in a row.
links()
{
	link client front 1 4
	link backend-a back 2 2
}

# start_row ARG...: PORT of the backend, for both families. The first interface is that of
# the source addresses that the backend sees.
start_row()
{
	start -i back -i front -m tc "${@:2}" \
		--vip "tcp:$FRONT:$1" --backend "$BACK:$1" \
		--vip "tcp:[$FRONT6]:$1" --backend "[$BACK6]:$1"
}

# Generic XDP of another program takes the Ethernet header from TC (tc_mac.bpf.h).
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

# ---------------------------------------------------------------------------
# BIG TCP

# serve NODE: on port 7000, read until the end, and send as much back.
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

# exchange HOST BYTES: send so many, print how many come back.
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

# passed: packets and bytes that the client has sent and got, in that order.
passed()
{
	on client ip -s -j link show front |
		jq -r '.[0].stats64 | [.tx, .rx] | map(.packets, .bytes) | join(" ")'
}

# expect_big HOST: bytes go both ways, in packets that IP could not tell the length of.
expect_big()
{
	local -a before after

	read -ra before < <(passed)
	expect_eq "bytes back from $1" "$(exchange "$1" 20000000)" 20000000
	read -ra after < <(passed)
	expect_mean "sent to $1" $((after[1] - before[1])) $((after[0] - before[0]))
	expect_mean "got from $1" $((after[3] - before[3])) $((after[2] - before[2]))
}

# expect_mean WHAT BYTES PACKETS
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

run_tests test_beside_generic_xdp test_big_tcp
