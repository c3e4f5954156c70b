#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tc on real packets: what it answers, drops and lets pass, through tcx and
# through clsact, beside other filters, and what stays when it ends.
#
#	CLIENT left ---- right SERVER
#
# The sample runs on "right". The server's kernel answers no pings itself, so each
# reply comes from the sample.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter perl ping tc

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2

setup()
{
	TC=$(sample tc)
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	# Neighbours are known before the first test.
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
	kernel_answers 0
	expect_silence 1 "$S4"
	HOOKS=clsact
	! has_tcx || HOOKS='tcx clsact'
}

# kernel_answers 1|0: whether the server's kernel answers pings.
kernel_answers()
{
	in_ns "$SERVER" sh -c '
		echo "$1" >/proc/sys/net/ipv4/icmp_echo_ignore_all
		echo "$1" >/proc/sys/net/ipv6/icmp/echo_ignore_all' x $((1 - $1))
}

# kernel_answers_here: for this test.
kernel_answers_here()
{
	kernel_answers 1
	defer kernel_answers 0
}

# start [OPTION...]: the sample on "right"; PID, and its stdout and stderr.
start()
{
	start_on "$SERVER" -i right "$@"
}

start_on()
{
	start_sample PID 20 "$TC" -n "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# stop: end the sample; SUMMARY is what its last lines say.
stop()
{
	stop_sample "$PID" || fail "status $STATUS"
	SUMMARY=$(grep -E '^summary:|"event":"summary"' "$SAMPLE_OUT")
}

# send N ADDRESS [PING-OPTION...]: N echo requests of the client; RECEIVED is how
# many were answered.
send()
{
	local n=$1 addr=$2 out

	shift 2
	out=$(in_ns "$CLIENT" ping -n -c "$n" -i 0.02 -W 0.3 "$@" "$addr" 2>&1) ||
		[ $? -eq 1 ] || fail "ping $addr: $out"
	[[ $out =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] || fail "ping: $out"
	expect_eq "sent to $addr" "${BASH_REMATCH[1]}" "$n"
	RECEIVED=${BASH_REMATCH[2]}
	[[ $out != *@(BAD|wrong\ data|DUP|corrupt|truncated)* ]] || fail "bad replies: $out"
	REPLIES=$out
}

expect_answers()
{
	send "$@" -W 5
	expect_eq "answers of $2" "$RECEIVED" "$1"
}

expect_silence()
{
	send "$@"
	expect_eq "answers of $2" "$RECEIVED" 0
}

# expect_summary MATCHED DROPPED ANSWERED: what the summary, in text, has to say.
expect_summary()
{
	local all

	[[ $SUMMARY =~ ^summary:\ ([0-9]+)\ packets\ seen,\ ([0-9]+)\ matched:\ ([0-9]+)\ dropped,\ ([0-9]+)\ answered,\ ([0-9]+)\ passed\;\ 0\ events\ lost$ ]] ||
		fail "odd summary: $SUMMARY"
	all=("${BASH_REMATCH[@]}")
	expect_eq matched "${all[2]}" "$1"
	expect_eq dropped "${all[3]}" "$2"
	expect_eq answered "${all[4]}" "$3"
	expect_eq "seen, of: $SUMMARY" "${all[1]}" $((all[3] + all[4] + all[5]))
}

events_are()
{
	[ "$(grep -Ec 'echo request id|"event":"packet"' "$SAMPLE_OUT")" -eq "$1" ]
}

# tcx_count NETNS IF [DIRECTION]: programs there, by bpf(BPF_PROG_QUERY); fails where
# the kernel knows no tcx.
tcx_count()
{
	local ifindex

	ifindex=$(ip -n "$1" -j link show dev "$2" | jq '.[0].ifindex')
	in_ns "$1" perl -e '
		my %nr = (x86_64 => 321, aarch64 => 280, riscv64 => 280);
		my ($arch, $ifindex, $type) = @ARGV;
		my $attr = pack("L4 Q L x36", $ifindex, $type, 0, 0, 0, 0);
		my $ret = syscall($nr{$arch} // exit(2), 16, $attr, length $attr);
		exit 2 if $ret < 0 && !$!{ENOENT};
		print $ret < 0 ? 0 : unpack("x24 L", $attr), "\n";
	' "$(uname -m)" "$ifindex" "$([ "${3:-ingress}" = egress ] && echo 47 || echo 46)"
}

has_tcx()
{
	tcx_count "$SERVER" right >/dev/null
}

# filters [DIRECTION], qdisc: what tc shows on "right" of the server.
filters()
{
	in_ns "$SERVER" tc filter show dev right "${1:-ingress}"
}

qdisc()
{
	in_ns "$SERVER" tc qdisc show dev right | grep -E 'clsact|ingress' || :
}

# attached HOOK: number of programs of the sample at ingress there.
attached()
{
	if [ "$1" = tcx ]; then
		tcx_count "$SERVER" right
	else
		filters | grep -c netbpf_tc || :
	fi
}

nothing_left()
{
	expect_eq qdisc "$(qdisc)" ""
	! has_tcx || expect_eq tcx "$(tcx_count "$SERVER" right)" 0
}

# clsact_here: a qdisc that is not the sample's, for this test.
clsact_here()
{
	in_ns "$SERVER" tc qdisc add dev right clsact
	defer "in_ns $SERVER tc qdisc del dev right clsact 2>/dev/null"
}

# add_filter DIRECTION PREF: a filter that matches nothing (cBPF: return 0).
add_filter()
{
	in_ns "$SERVER" tc filter add dev right "$1" pref "$2" bpf bytecode '1,6 0 0 0,'
}

# icmp NETNS COUNTER: of /proc/net/snmp or snmp6.
icmp()
{
	in_ns "$1" cat /proc/net/snmp6 /proc/net/snmp | awk -v name="$2" '
		$1 == name { print $2 }
		$1 == "Icmp:" { for (i = 2; i <= NF; i++)
			if ($i == name) at = i; else if (at == i && $i ~ /^[0-9]/) print $i }'
}

# ---------------------------------------------------------------------------
# pingpong

# Real ping compares what comes back, and its kernel verifies the checksums.
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

# What is answered in TC never gets to the kernel.
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

# An address that is only routed to the server.
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
	# The MAC address is still known to the client.
	eventually 5 answers_now 2001:db8::77 0
	eventually 5 answers_now 192.0.2.77 0
	expect_answers 1 "$S4"
	stop
}

# An address that is tentative may be another host's.
test_tentative_address()
{
	start
	in_ns "$SERVER" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/right/accept_dad
		echo 20 >/proc/sys/net/ipv6/conf/right/dad_transmits'
	defer "in_ns $SERVER sh -c 'echo 0 >/proc/sys/net/ipv6/conf/right/accept_dad'"
	ip -n "$SERVER" addr add 2001:db8::78/64 dev right
	defer "ip -n $SERVER addr del 2001:db8::78/64 dev right"
	ip -n "$CLIENT" neigh replace 2001:db8::78 dev left lladdr "$(mac "$SERVER" right)"
	defer "ip -n $CLIENT neigh del 2001:db8::78 dev left"
	expect_silence 1 2001:db8::78
	stop
	expect_match "$SAMPLE_OUT" '^  passed: .*\b1 not_own_address'
}

mac()
{
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

test_no_address_is_told()
{
	local ns

	ns_add ns
	ip -n "$ns" link add near type veth peer name far
	start_on "$ns" -i near
	stop
	expect_match "$SAMPLE_ERR" '^tc: no address there: nothing is answered'
	start_on "$ns" -i near --any
	stop
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

# To all: not even with --any.
test_broadcast_and_multicast()
{
	ip -n "$CLIENT" neigh replace 192.0.2.254 dev left lladdr "$(mac "$SERVER" right)"
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

# The broadcast address of the network, in a frame for this host alone.
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

# In promiscuous mode come frames that are for others.
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

# ---------------------------------------------------------------------------
# What an skb may look like

# jumbo: two namespaces with an MTU of 9000, NEAR and FAR, and what exchange needs.
jumbo()
{
	ns_add NEAR FAR
	veth_pair "$NEAR" near "$FAR" far
	ip -n "$NEAR" link set near mtu 9000
	ip -n "$FAR" link set far mtu 9000
	addr_add "$NEAR" near "$C4/24" "$C6/64"
	addr_add "$FAR" far "$S4/24" "$S6/64"
}

test_large_frames()
{
	jumbo
	start_on "$FAR" -i far
	CLIENT=$NEAR
	expect_answers 2 "$S4" -s 8000
	expect_answers 2 "$S6" -s 8000
	stop
	expect_summary 4 0 4
}

# After native XDP a large frame is in several pages.
test_large_frames_after_xdp()
{
	local _pass

	jumbo
	start_sample _pass 20 "$(sample pass)" -n "$FAR" -i far -m native
	start_on "$FAR" -i far
	CLIENT=$NEAR
	expect_answers 2 "$S4" -s 8001
	expect_answers 2 "$S6" -s 8001
	stop
	expect_summary 4 0 4
}

# Generic XDP hands on some skbs without their Ethernet header (include/tc_mac.bpf.h).
test_after_generic_xdp()
{
	local _pass hook

	start_sample _pass 20 "$(sample pass)" -n "$SERVER" -i right -m skb
	for hook in $HOOKS; do
		start --attach "$hook"
		expect_answers 2 "$S4" -s 57
		expect_answers 2 "$S6" -s 57
		stop
		expect_summary 4 0 4
	done
}

# exchange FAMILY PAYLOAD FLAGS EXT: send an echo request as a raw frame, and verify
# each byte of the reply, with checksums computed anew. Of a frame above a page the
# kernel puts all but 14 bytes into pages. FLAGS 1: the checksum is left to the device
# (VIRTIO_NET_HDR_F_NEEDS_CSUM). EXT: bytes of IPv6 destination options. TAGS: VLAN
# tags as hex; the outer one is in the metadata of the skb when the reply is seen here.
exchange()
{
	in_ns "$NEAR" perl -e '
		my ($ifindex, $smac, $dmac, $family, $n, $flags, $ext, $tags) = @ARGV;
		$tags //= "";
		sub sum {
			my $data = join "", @_;
			my $sum = 0;
			$sum += $_ for unpack "n*", length($data) % 2 ? "$data\0" : $data;
			$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
			return $sum;
		}
		my @mac = map { s/://gr } $dmac, $smac;
		my $v4 = $family == 4;
		my ($src, $dst) = $v4 ? ("c0000201", "c0000202") :
			("20010db8000000000000000000000001", "20010db8000000000000000000000002");
		my $payload = join "", map { chr(97 + $_ % 23) } 0 .. $n - 1;
		my $opts = $ext ? pack("CCCC x" . ($ext - 4), 58, $ext / 8 - 1, 1, $ext - 4) : "";
		sub frame {
			my ($to, $from, $s, $d, $type, $ttl, $partial, $tags) = @_;
			my $icmp = pack("CCnnn", $type, 0, 0, 77, 5) . $payload;
			my $len = length $icmp;
			my $pseudo = $v4 ? "" : pack("H* H* N N", $s, $d, $len, 58);
			my $check = $partial ? sum($pseudo) : 0xffff ^ sum($pseudo, $icmp);
			substr($icmp, 2, 2) = pack "n", $check;
			my $ip;
			if ($v4) {
				$ip = pack("CCnnnCCn H8 H8", 0x45, 0, 20 + $len, 7, 0, $ttl, 1,
					   0, $s, $d);
				substr($ip, 10, 2) = pack "n", 0xffff ^ sum($ip);
			} else {
				$ip = pack("NnCC H32 H32", 0x60000000, $len + $ext,
					   $ext ? 60 : 58, $ttl, $s, $d) . $opts;
			}
			return pack("H12 H12 H* n", $to, $from, $tags, $v4 ? 0x800 : 0x86dd) .
				$ip . $icmp;
		}
		socket(my $s, 17, 3, 0x0300) or die "socket: $!";	# AF_PACKET, ETH_P_ALL
		setsockopt($s, 263, 15, pack("i", 1)) or die "PACKET_VNET_HDR: $!";
		bind($s, pack("SnlSCCa8", 17, 3, $ifindex, 0, 0, 0, "")) or die "bind: $!";
		my $req = frame($mac[0], $mac[1], $src, $dst, $v4 ? 8 : 128, 9, $flags,
				$tags);
		my $reply = frame($mac[1], $mac[0], $dst, $src, $v4 ? 0 : 129, 64, 0,
				  substr($tags, length $tags && 8));
		my $start = 14 + length($tags) / 2 + ($v4 ? 20 : 40 + $ext);
		my $vnet = pack("CCSSSS", $flags, 0, 0, 0, $flags ? $start : 0, $flags ? 2 : 0);
		defined send($s, $vnet . $req, 0) or die "send: $!";
		my ($bits, $end) = ("", time + 5);
		vec($bits, fileno($s), 1) = 1;
		while (time <= $end) {
			select(my $r = $bits, undef, undef, 0.1) or next;
			recv($s, my $in, 20000, 0);
			$in = substr($in, 10);
			# Not the frame that went out, nor neighbour discovery.
			next if $in eq $req || substr($in, 0, 6) ne substr($reply, 0, 6) ||
				length($in) < length($reply);
			print(unpack("H*", $in), "\n", unpack("H*", $reply), "\n") if $in ne $reply;
			exit($in ne $reply);
		}
		die "no answer\n";' "$(ip -n "$NEAR" -j link show dev near | jq '.[0].ifindex')" \
		"$(mac "$NEAR" near)" "$(mac "$FAR" far)" "$@"
}

test_headers_in_pages()
{
	jumbo
	start_on "$FAR" -i far
	exchange 4 100 0 0
	exchange 6 100 0 0
	exchange 4 6001 0 0
	exchange 6 6001 0 0
	# Beyond the bytes that are fetched at first.
	exchange 6 6001 0 120
	exchange 6 6001 0 2048
	stop
	expect_summary 6 0 6
}

# The device at the end computes the checksum, over the reply.
test_checksum_left_to_the_device()
{
	have ethtool || skip "not installed: ethtool"
	jumbo
	in_ns "$FAR" ethtool -K far tx off >/dev/null
	start_on "$FAR" -i far
	exchange 4 101 1 0
	exchange 6 101 1 0
	exchange 6 6001 1 16
	stop
	expect_summary 3 0 3
}

# The outer tag leaves the frame before TC sees it, and has to be on the reply.
test_vlan_tags()
{
	local dump

	require_tools tcpdump
	jumbo
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

# add_vlan PROTO ID UPPER LOWER NET: leftUPPER and rightUPPER on leftLOWER, rightLOWER.
add_vlan()
{
	local proto=$1 id=$2 upper=$3 lower=$4 net=$5

	ip -n "$CLIENT" link add link "left$lower" name "left$upper" type vlan \
		proto "$proto" id "$id" || skip "no VLAN devices in this kernel"
	defer "ip -n $CLIENT link del left$upper"
	ip -n "$CLIENT" link set "left$upper" up
	addr_add "$CLIENT" "left$upper" "10.9.$net.1/24" "2001:db8:9:$net::1/64"
	ip -n "$CLIENT" neigh add "10.9.$net.2" dev "left$upper" lladdr "$(mac "$SERVER" right)"
	ip -n "$CLIENT" neigh add "2001:db8:9:$net::2" dev "left$upper" \
		lladdr "$(mac "$SERVER" right)"
}

# vlan NET: the answer comes back with the tags that the request had.
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

# ext_ping ADDRESS: an echo request behind IPv6 destination options (RFC 3542); says
# whether an answer came.
ext_ping()
{
	in_ns "$CLIENT" perl -MSocket=:all -e '
		my ($addr) = @ARGV;
		socket(my $s, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
		setsockopt($s, 41, 59, pack("H*", "0000010400000000")) or die "setsockopt: $!";
		my $to = pack_sockaddr_in6(0, inet_pton(AF_INET6, $addr));
		# The kernel fills in the checksum of ICMPv6.
		send($s, pack("CCnnn", 128, 0, 0, 77, 5) . "x" x 33, 0, $to) or die "send: $!";
		my ($bits, $end) = ("", time + 5);
		vec($bits, fileno($s), 1) = 1;
		while (time <= $end) {
			select(my $r = $bits, undef, undef, 0.1) or next;
			recv($s, my $in, 2000, 0);
			print("answer\n"), exit 0 if unpack("C", $in) == 129;
		}
		print "silence\n";' "$1"
}

test_extension_header()
{
	start
	expect_eq "destination options" "$(ext_ping "$S6")" answer
	stop
	expect_summary 1 0 1
}

# ---------------------------------------------------------------------------
# The other actions

test_pass()
{
	kernel_answers_here
	start -a pass
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	stop
	expect_summary 6 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b6 action_pass'
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 3: pass\$"
}

test_drop_ping()
{
	local hook

	kernel_answers_here
	for hook in $HOOKS; do
		start -a drop-ping --attach "$hook"
		expect_silence 3 "$S4"
		expect_silence 3 "$S6"
		# All else passes: the server's own pings.
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 "$C4"
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 "$C6"
		stop
		expect_summary 6 6 0
		expect_match "$SAMPLE_OUT" '^  dropped: 6 echo_request$'
		expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request .* seq 3: drop\$"
		expect_answers 1 "$S4"
	done
}

test_drop()
{
	kernel_answers_here
	start -a drop
	expect_silence 2 "$S4"
	expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C4"
	stop
	expect_match "$SAMPLE_OUT" '^  dropped: [0-9]+ other_packet, 2 echo_request$'
	expect_no_match "$SAMPLE_OUT" '^  passed:'
	expect_answers 1 "$S4"
}

# At egress: the server's pings do not get out, its replies do.
test_egress()
{
	local hook

	kernel_answers_here
	for hook in $HOOKS; do
		start -a drop-ping -D egress --attach "$hook"
		expect_match "$SAMPLE_OUT" "^ready: right \($hook, egress\)\$"
		expect_answers 2 "$S4"
		expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C4"
		expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C6"
		stop
		# Told that it was not sent, ping tries each one again and again.
		expect_match "$SAMPLE_OUT" '^  dropped: [0-9]+ echo_request$'
		expect_match "$SAMPLE_OUT" "^$S4 > $C4: ICMP echo request .* seq 2: drop\$"
		expect_match "$SAMPLE_OUT" "^$S6 > $C6: ICMPv6 echo request .* seq 2: drop\$"
		nothing_left
	done
	start -a drop -D egress
	expect_silence 1 "$S4"
	stop
}

# What XDP drops, TC never sees: the lesson of the chapter.
test_xdp_comes_first()
{
	local ping seen

	start -j
	expect_answers 3 "$S4"
	start_sample ping 20 "$(sample ping)" -n "$SERVER" -i right
	expect_silence 5 "$S4"
	expect_silence 5 "$S6"
	stop_sample "$ping"
	expect_match "$(sample_out "$ping")" '^summary: .* 10 matched: 10 dropped'
	expect_answers 2 "$S6"
	stop
	seen=$(json '[.[] | select(.event == "packet") | .icmp_seq] | join(" ")')
	expect_eq "requests seen by TC" "$seen" "1 2 3 1 2"
	expect_json '.[-1] | .matched == 5 and .answered == 5'
}

# ---------------------------------------------------------------------------
# Output

test_json()
{
	local hook index

	index=$(ip -n "$SERVER" -j link show dev right | jq '.[0].ifindex')
	for hook in $HOOKS; do
		start -j --attach "$hook"
		expect_answers 2 "$S4"
		expect_answers 1 "$S6"
		stop
		expect_json '.[0] == {event: "ready", tool: "tc", attached: [{ifname: "right",
			ifindex: $index, hook: $hook, direction: "ingress"}]}' \
			--argjson index "$index" --arg hook "$hook"
		expect_json 'map(.event) == ["ready", "packet", "packet", "packet", "summary"]'
		expect_json '.[1] | keys_unsorted == ["event", "ts_ns", "ifname", "family",
			"src", "dst", "icmp_id", "icmp_seq", "verdict"]'
		expect_json 'all(.[1:-1][]; .verdict == "answer" and .ifname == "right")'
		expect_json '.[2] | .src == $c and .dst == $s and .icmp_seq == 2' \
			--arg c "$C4" --arg s "$S4"
		expect_json '.[-1] | .matched == 3 and .answered == 3 and .lost == 0 and
			.seen == .dropped + .answered + .passed and
			.seen == ([.reasons[]] | add)'
	done
}

test_count_interval_and_quiet()
{
	start -c 2
	send 5 "$S4"
	wait_sample "$PID" 10
	events_are 2 || fail "not two events"
	start -I 0.1 -q
	expect_answers 3 "$S4"
	eventually 10 grep -q '^stats: .* 3 matched: 0 dropped, 3 answered' "$SAMPLE_OUT"
	stop
	events_are 0 || fail "events in spite of -q"
	expect_summary 3 0 3
}

test_usage()
{
	expect_status 2 "$TC" -n "$SERVER" -i right -D egress
	expect_err '^tc: -D egress: pingpong answers what comes in'
	expect_err '^  hint: tc --help'
	expect_status 2 "$TC" -n "$SERVER" -i right -D egress -a pingpong
	expect_status 2 "$TC" -n "$SERVER" -i right -a drop --any
	expect_status 2 "$TC" -n "$SERVER" -i right -D sideways
	expect_err 'not ingress or egress'
	expect_status 2 "$TC" -n "$SERVER" -i right --attach xdp
	expect_err 'not auto, tcx or clsact'
	expect_status 2 "$TC" -n "$SERVER" -i right -a ping
	nothing_left
}

# ---------------------------------------------------------------------------
# Beside others

test_auto_takes_tcx()
{
	has_tcx || skip "no tcx in this kernel"
	start
	expect_match "$SAMPLE_OUT" '^ready: right \(tcx, ingress\)$'
	expect_eq "tcx programs" "$(attached tcx)" 1
	expect_eq qdisc "$(qdisc)" ""
	stop
}

test_auto_without_tcx_takes_clsact()
{
	! has_tcx || skip "this kernel has tcx"
	start
	expect_match "$SAMPLE_OUT" '^ready: right \(clsact, ingress\)$'
	stop
	expect_status 3 "$TC" -n "$SERVER" -i right --attach tcx -d 1
	expect_err 'this kernel has no tcx'
}

# A qdisc that is there is no error, and none is told of, and it stays.
test_clsact_is_there()
{
	clsact_here
	add_filter ingress 1
	add_filter ingress 49152
	filters >"$TMP/before"
	start --attach clsact -v -a pass
	expect_no_match "$SAMPLE_ERR" 'Exclusivity|exist'
	expect_eq "our filters" "$(attached clsact)" 1
	stop
	filters >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	expect_match <(qdisc) clsact
}

test_empty_clsact_stays()
{
	clsact_here
	start --attach clsact
	stop
	expect_match <(qdisc) clsact
	expect_eq filters "$(filters)" ""
}

# To pass is to let the next one decide, also from tcx on to clsact.
# The other one is a second tc here, in clsact: the first comes before it.
test_other_filters_see_what_passes()
{
	local hook other

	kernel_answers_here
	for hook in $HOOKS; do
		start --attach clsact -a drop
		other=$PID
		start --attach "$hook" -a pass
		expect_silence 3 "$S4"
		stop
		expect_summary 3 0 0
		# What is answered does not get that far.
		start --attach "$hook"
		expect_answers 2 "$S4"
		stop
		expect_summary 2 0 2
		stop_sample "$other"
		expect_match "$(sample_out "$other")" ' 3 matched: '
		nothing_left
	done
}

test_two_instances()
{
	local hook first

	for hook in $HOOKS; do
		start -a pass --attach "$hook"
		first=$PID
		start --attach "$hook"
		expect_eq "programs" "$(attached "$hook")" 2
		expect_answers 3 "$S4"
		stop
		expect_eq "programs" "$(attached "$hook")" 1
		stop_sample "$first"
		expect_eq "programs" "$(attached "$hook")" 0
		in_ns "$SERVER" tc qdisc del dev right clsact 2>/dev/null || :
	done
}

# The qdisc is the sample's own, but somebody uses it meanwhile.
test_qdisc_in_use_stays()
{
	defer "in_ns $SERVER tc qdisc del dev right clsact"
	start --attach clsact
	add_filter egress 5
	stop
	expect_match "$SAMPLE_ERR" '^tc: right: the clsact qdisc stays'
	expect_match <(qdisc) clsact
	expect_match <(filters egress) 'pref 5 bpf'
	expect_eq "our filters" "$(attached clsact)" 0
}

# Somebody else's filter at the place of ours is not removed.
test_replaced_filter_stays()
{
	local pref obj=$NETBPF_OUT/samples/tc_kern.o

	defer "in_ns $SERVER tc qdisc del dev right clsact"
	start --attach clsact
	pref=$(filters | sed -nE 's/.* pref ([0-9]+) bpf .*handle.*/\1/p')
	in_ns "$SERVER" tc filter del dev right ingress pref "$pref"
	in_ns "$SERVER" tc filter add dev right ingress pref "$pref" bpf da obj "$obj" sec tc \
		2>/dev/null || skip "this tc cannot load $obj"
	stop
	expect_match <(filters) "pref $pref bpf .*handle.*tc_kern.o"
}

test_ingress_qdisc()
{
	in_ns "$SERVER" tc qdisc add dev right ingress
	defer "in_ns $SERVER tc qdisc del dev right ingress"
	start --attach clsact
	expect_answers 2 "$S4"
	stop
	expect_match <(qdisc) 'qdisc ingress'
	expect_status 1 "$TC" -n "$SERVER" -i right --attach clsact -D egress -a pass -d 1
	expect_err 'failed to attach to right: it has an ingress qdisc'
	expect_err '^  hint: .*tc qdisc del dev right ingress'
	expect_eq "our filters" "$(filters | grep -c netbpf_tc || :)" 0
}

test_two_interfaces()
{
	local hook

	for hook in $HOOKS; do
		start -i lo --attach "$hook" -j
		expect_answers 1 "$S4"
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 127.0.0.1
		stop
		expect_json '[.[] | select(.event == "packet") | .ifname] == ["right", "lo"]'
		expect_status 1 "$TC" -n "$SERVER" -i right -i nosuch0 --attach "$hook" -d 1
		expect_status 1 "$TC" -n "$SERVER" -i lo -i 1 --attach "$hook" -d 1
		expect_err 'given twice'
		nothing_left
	done
}

test_no_ethernet_header()
{
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	ip -n "$SERVER" tuntap add dev tun9 mode tun 2>/dev/null || skip "no tun devices"
	defer "ip -n $SERVER link del tun9"
	expect_status 3 "$TC" -n "$SERVER" -i tun9 -d 1
	expect_err '^tc: failed to attach to tun9: its packets have no Ethernet header'
}

# ---------------------------------------------------------------------------
# Lifetime

test_kill_9_tcx()
{
	has_tcx || skip "no tcx in this kernel"
	start --attach tcx
	expect_answers 1 "$S4"
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 10 tcx_gone
	expect_silence 1 "$S4"
	nothing_left
}

tcx_gone()
{
	[ "$(tcx_count "$SERVER" right)" -eq 0 ]
}

# The filter stays, and answers; the next start tells of it, and how to remove it.
test_kill_9_clsact()
{
	local hook cure

	defer "in_ns $SERVER tc qdisc del dev right clsact 2>/dev/null"
	start --attach clsact
	expect_no_match "$SAMPLE_ERR" left
	stop_sample "$PID" KILL 2>/dev/null || :
	expect_answers 1 "$S4"
	for hook in $HOOKS; do
		start --attach "$hook" -a pass
		expect_match "$SAMPLE_ERR" \
			'^tc: right: a filter that a killed tc left is still at work \(ingress,'
		stop
		cure=$(sed -n 's/^  hint: //p' "$SAMPLE_ERR")
	done
	start -q
	expect_eq "stderr with -q" "$(<"$SAMPLE_ERR")" ""
	stop
	bash -c "$cure"
	expect_eq "our filters" "$(attached clsact)" 0
	expect_silence 1 "$S4"
}

# One whose process lives is not told of.
test_live_filter_is_no_leftover()
{
	local first

	start --attach clsact
	first=$PID
	start --attach clsact
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
	stop_sample "$first"
	stop
	in_ns "$SERVER" tc qdisc del dev right clsact 2>/dev/null || :
}

test_signals()
{
	local hook sig

	for hook in $HOOKS; do
		for sig in INT TERM HUP; do
			start --attach "$hook"
			stop_sample "$PID" "$sig"
			nothing_left
		done
	done
}

test_interface_deleted()
{
	local ns1 ns2 hook

	for hook in $HOOKS; do
		ns_add ns1 ns2
		veth_pair "$ns1" near "$ns2" far
		# With none it tells so; that of IPv6 comes some time after the link.
		addr_add "$ns2" far "$S4/24"
		start_on "$ns2" -i far --attach "$hook"
		ip -n "$ns2" link del far
		stop
		expect_eq stderr "$(<"$SAMPLE_ERR")" ""
	done
}

# ---------------------------------------------------------------------------
# The SSH session

ssh_tc()
{
	in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" "$TC" -d 0.05 "$@"
}

test_ssh_interface()
{
	local args

	for args in '-a drop' '-a drop-ping' '-a drop -D egress'; do
		# shellcheck disable=SC2086 # several words
		expect_status 1 ssh_tc -i right $args
		expect_err '^tc: failed to attach to right: this SSH session comes in there'
		expect_err '^  hint: .*--force'
	done
	expect_status 0 ssh_tc -i right -a drop --force
	expect_status 0 ssh_tc -i right
	expect_status 0 ssh_tc -i right -a pass
	expect_status 0 ssh_tc -i lo -a drop
}

run_tests test_pingpong_v4 test_pingpong_v6 test_kernel_sees_no_request test_text \
	test_fragments_pass test_ip_options test_own_addresses test_follows_addresses \
	test_tentative_address test_no_address_is_told test_broadcast_and_multicast \
	test_broadcast_address_in_unicast_frame test_frames_for_others test_on_lo \
	test_large_frames test_large_frames_after_xdp \
	test_after_generic_xdp test_headers_in_pages \
	test_checksum_left_to_the_device test_vlan_tags test_vlan test_vlan_in_vlan \
	test_extension_header test_pass test_drop_ping test_drop test_egress \
	test_xdp_comes_first test_json test_count_interval_and_quiet test_usage \
	test_auto_takes_tcx test_auto_without_tcx_takes_clsact test_clsact_is_there test_empty_clsact_stays \
	test_other_filters_see_what_passes test_two_instances test_qdisc_in_use_stays \
	test_replaced_filter_stays test_ingress_qdisc test_two_interfaces \
	test_no_ethernet_header test_kill_9_tcx test_kill_9_clsact \
	test_live_filter_is_no_leftover test_signals test_interface_deleted \
	test_ssh_interface
