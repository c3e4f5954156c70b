#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/pktcount on real packets: as many as were sent and as the kernel has seen,
# by class, protocol, source and CPU; what it prints; that nothing stays behind.
#
#	CLIENT left ---- right SERVER	two queues, IPv4 and IPv6
#	QUIET1 near ---- far QUIET2	nothing but what a test sends
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter ping taskset

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2
# Nobody has these addresses: what is sent there is never answered, not even by ICMP.
SINK=192.0.2.99 SINK6=2001:db8::99

setup()
{
	PKTCOUNT=$(sample pktcount)
	ns_add CLIENT SERVER QUIET1 QUIET2
	two_queues "$CLIENT" left "$SERVER" right
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	sink "$CLIENT" left "$SERVER" right
	sink "$CLIENT" left "$SERVER" right "$SINK6"
	answers 1 "$S4"
	answers 1 "$S6"
	quiet_pair
}

# two_queues NS1 IF1 NS2 IF2: a veth pair with two queues.
two_queues()
{
	ip link add "$2" netns "$1" numtxqueues 2 numrxqueues 2 type veth \
		peer name "$4" netns "$3" numtxqueues 2 numrxqueues 2
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	eventually 5 nbt_is_up "$1" "$2"
	eventually 5 nbt_is_up "$3" "$4"
}

mac()
{
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

# sink NS1 IF1 NS2 IF2 [ADDRESS]: frames for SINK or ADDRESS arrive at IF2.
sink()
{
	ip -n "$1" neigh replace "${5:-$SINK}" lladdr "$(mac "$3" "$4")" dev "$2" nud permanent
}

# No IPv6, no ARP: every packet on this wire is one that a test has sent.
quiet_pair()
{
	local ns

	for ns in "$QUIET1" "$QUIET2"; do
		in_ns "$ns" sh -c 'for f in all default; do
			echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done' 2>/dev/null || :
	done
	two_queues "$QUIET1" near "$QUIET2" far
	addr_add "$QUIET1" near "$C4/24"
	addr_add "$QUIET2" far "$S4/24"
	sink "$QUIET1" near "$QUIET2" far
	sink "$QUIET1" near "$QUIET2" far "$S4"
	sink "$QUIET2" far "$QUIET1" near "$C4"
}

# answers N ADDRESS [PING-OPTION...]: N pings of the client, all are answered: the
# sample lets everything pass.
answers()
{
	answers_from "$CLIENT" "$@"
}

answers_from()
{
	local n=$2

	expect_status 0 in_ns "$1" ping -n -c "$n" -i 0.01 -W 5 "${@:4}" "$3"
	expect_out "^$n packets transmitted, $n received"
}

# udp NS N [ADDRESS [PORT]]: N datagrams of 2 bytes, to the sink. When it returns all
# are at the other end, where SENT of them arrived: veth drops what its ring cannot take.
udp()
{
	local before

	before=$(dropped_and_received "$1")
	in_ns "$1" bash -c 'exec 3>"/dev/udp/$2/$3"; for ((i = 0; i < $1; i++)); do
		echo x >&3; done' x "$2" "${3:-$SINK}" "${4:-9}"
	arrived "$1" "$before" "$2"
}

# arrived NS BEFORE N: wait until N more packets are received or dropped; SENT.
arrived()
{
	eventually 20 all_arrived "$@"
	SENT=$(dropped_and_received "$1")
	SENT=$((${2% *} + $3 - ${SENT% *}))
}

all_arrived()
{
	local now

	now=$(dropped_and_received "$1")
	[ $((${now% *} - ${2% *} + ${now#* } - ${2#* })) -ge "$3" ]
}

# dropped_and_received NS: packets from NS, two numbers, of the kernel.
dropped_and_received()
{
	local from=near ns=$QUIET2 to=far

	[ "$1" != "$CLIENT" ] || from=left ns=$SERVER to=right
	echo "$(ip -n "$1" -s -j link show dev "$from" | jq '.[0].stats64.tx.dropped')" \
		"$(rx "$ns" "$to")"
}

# start [OPTION...]: the sample on "right"; quiet: on "far". PID, and its output.
start()
{
	start_on "$SERVER" -i right "$@"
}

quiet()
{
	start_on "$QUIET2" -i far "$@"
}

start_on()
{
	start_sample PID 20 "$PKTCOUNT" -n "$@"
	SAMPLE_OUT=$(sample_out "$PID")
}

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# What is true of every report, and that there is one.
SUMS='map(select(.event == "stats" or .event == "summary")) | length > 0 and all(.[];
	.packets == ([.classes | .ipv4, .ipv6, .arp, .other | .packets] | add) and
	.bytes == ([.classes | .ipv4, .ipv6, .arp, .other | .bytes] | add))'

# At the end, when no packet is half counted, protocols are the two IP classes.
END_SUMS='.[-1] | .event == "summary" and
	([.protocols[].packets] | add) == .classes.ipv4.packets + .classes.ipv6.packets and
	([.protocols[].bytes] | add) == .classes.ipv4.bytes + .classes.ipv6.bytes'

expect_sums()
{
	expect_json "$SUMS"
	expect_json "$END_SUMS"
}

xdp_is()
{
	[ "$(ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp.mode // 0')" = "$3" ]
}

# lines REGEX: how many lines of the sample match.
lines()
{
	grep -Ec -e "$1" "$SAMPLE_OUT" || :
}

lines_at_least()
{
	[ "$(lines "$2")" -ge "$1" ]
}

# rx NS IF: packets the kernel has received there.
rx()
{
	ip -n "$1" -s -j link show dev "$2" | jq '.[0].stats64.rx.packets'
}

# ---------------------------------------------------------------------------
# Exact counts

test_icmp_is_exact()
{
	quiet -j
	answers_from "$QUIET1" 20 "$S4"
	stop
	expect_json '.[-1] | .packets == 20 and .bytes == 20 * 98 and
		.classes.ipv4 == {packets: 20, bytes: 1960} and
		.protocols.icmp == {packets: 20, bytes: 1960}'
	expect_sums
}

test_icmpv6_is_exact()
{
	start -j
	answers 20 "$S6" -s 100
	stop
	# Neighbour discovery may come on top.
	expect_json '.[-1] | .protocols.icmpv6.packets >= 20 and
		.protocols.icmpv6.packets <= 30 and .classes.ipv6 == .protocols.icmpv6 and
		.protocols.icmpv6.bytes >= 20 * (14 + 40 + 8 + 100)'
	expect_sums
}

# On both modes; the kernel counts the same: XDP of veth comes before its counters.
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
	answers 1 "$S4"
	stop
	expect_json '.[-1].classes.arp | .packets >= 1 and .bytes == .packets * 42'
	expect_sums
}

test_tcp_in_both_families()
{
	have curl || skip "not installed: curl"
	start -j
	# Nobody listens: the request is one packet.
	in_ns "$CLIENT" curl -s -m 5 "http://$S4:81/" || :
	in_ns "$CLIENT" curl -s -m 5 "http://[$S6]:81/" || :
	stop
	expect_json '.[-1] | .protocols.tcp == {packets: 2, bytes: (74 + 94)}'
	expect_sums
}

test_fragments()
{
	quiet -j
	answers_from "$QUIET1" 5 "$S4" -s 3000
	stop
	expect_json '.[-1] | .protocols.icmp.packets == 5 and .protocols.fragment.packets == 10
		and .bytes == 5 * (3008 + 3 * 34)'
	expect_sums
}

# The length is that of the whole frame, over several buffers.
test_mtu_9000()
{
	local i

	for i in "$QUIET1:near" "$QUIET2:far"; do
		ip -n "${i%:*}" link set "${i#*:}" mtu 9000
		defer "ip -n ${i%:*} link set ${i#*:} mtu 1500"
	done
	for i in native skb; do
		quiet -j -m "$i"
		answers_from "$QUIET1" 5 "$S4" -s 8900
		stop
		expect_json '.[-1].protocols.icmp == {packets: 5, bytes: (5 * (8900 + 42))}'
	done
}

# send_frame HEX: a frame, from behind its MAC addresses, leaves "near".
send_frame()
{
	in_ns "$QUIET1" perl -e '
		my ($index, $hex) = @ARGV;
		socket(my $s, 17, 3, 0) or die "socket: $!";
		my $to = pack("SnlSCCx8", 17, 0, $index, 1, 0, 6);
		send($s, pack("H*", $hex), 0, $to) or die "send: $!";
	' "$(ip -n "$QUIET1" -j link show dev near | jq '.[0].ifindex')" \
		"$(mac "$QUIET2" far | tr -d :)$(mac "$QUIET1" near | tr -d :)$1"
}

# Each frame in the class and protocol it has; with the padding it comes with.
test_frames()
{
	local ip4=4500001c000000004011f6b6c0000201c0000263 udp=0fa0101000080000 mode

	have perl || skip "not installed: perl"
	for mode in native skb; do
		quiet -j -m "$mode"
		send_frame "0800$ip4$udp"
		send_frame "810000070800$ip4$udp"
		send_frame "88a80008810000090800$ip4$udp"
		send_frame "81000007810000078100000708000000"	# three tags
		send_frame "81000007080046$(printf '%058d' 0)"	# a bad IP header
		send_frame "0800${ip4:0:18}84${ip4:20}$udp"	# half an SCTP header
		send_frame "0800${ip4:0:18}2f${ip4:20}$udp"
		send_frame "88cc$(printf '%092d' 0)"
		stop
		expect_json '.[-1] | .packets == 8 and .classes.ipv4.packets == 6 and
			.classes.other.packets == 2'
		expect_json '.[-1].classes | .vlan == {packets: 4, bytes: (46 + 50 + 28 + 48)}'
		expect_json '.[-1].protocols | .udp == {packets: 3, bytes: (42 + 46 + 50)} and
			.malformed.packets == 2 and .gre.packets == 1'
		expect_sums
	done
}

# vlan: 4 pings in VLAN 7, with the tag in the frame or beside it.
vlan()
{
	quiet -j -m "$1"
	answers_from "$QUIET1" 4 10.9.7.2
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
	ip -n "$QUIET1" link add link near name near.7 type vlan id 7 ||
		skip "no VLAN devices in this kernel"
	defer "ip -n $QUIET1 link del near.7"
	ip -n "$QUIET2" link add link far name far.7 type vlan id 7
	defer "ip -n $QUIET2 link del far.7"
	ip -n "$QUIET1" link set near.7 up
	ip -n "$QUIET2" link set far.7 up
	addr_add "$QUIET1" near.7 10.9.7.1/24
	addr_add "$QUIET2" far.7 10.9.7.2/24
	answers_from "$QUIET1" 1 10.9.7.2
	vlan native
	vlan skb
}

# Counted together; an event says where it came in.
test_two_interfaces()
{
	start -j -i lo --events
	answers 2 "$S4"
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.01 -W 5 127.0.0.1
	eventually 5 lines_at_least 6 '"protocol":"icmp"'
	stop
	expect_json '.[0].attached | map(.ifname) == ["right", "lo"]'
	expect_json '.[-1].protocols.icmp.packets == 6'
	expect_json 'map(select(.protocol == "icmp").ifname) | sort ==
		["lo", "lo", "lo", "lo", "right", "right"]'
}

# ---------------------------------------------------------------------------
# Sources

# from N ADDRESS: N pings from this address of the client.
from()
{
	source_add "$2"
	answers_from "$QUIET1" "$1" "$S4" -I "$2"
}

# source_add ADDRESS: a further address of the client.
source_add()
{
	addr_add "$QUIET1" near "$1/24"
	defer "ip -n $QUIET1 addr del $1/24 dev near"
	sink "$QUIET2" far "$QUIET1" near "$1"
}

test_top()
{
	quiet -j --top 3
	from 2 192.0.2.12
	from 9 192.0.2.13
	from 5 192.0.2.14
	from 1 192.0.2.15
	stop
	expect_json '[.[-1].top[] | .addr, .packets, .bytes] == ["192.0.2.13", 9, 882,
		"192.0.2.14", 5, 490, "192.0.2.12", 2, 196]'
	expect_json '.[-1] | .sources == 4 and .sources_pushed_out == 0'
	quiet --top 10
	from 3 192.0.2.16
	stop
	expect_match "$SAMPLE_OUT" '^  source \(1 of 1\) +packets +bytes +share$'
	expect_match "$SAMPLE_OUT" '^  192.0.2.16 +3 +294 +100.0%$'
	expect_no_match "$SAMPLE_OUT" approximate
}

test_top_ipv6()
{
	start -j --top 2
	answers 12 "$S6"
	answers 10 "$S4"
	stop
	expect_json '.[-1].top | (.[0].addr == $c6) and (.[1] == {addr: $c4, packets: 10,
		bytes: 980}) and .[0].packets >= 12' --arg c6 "$C6" --arg c4 "$C4"
}

# More sources than there is room for: told, in both forms.
test_top_is_approximate()
{
	local form i

	for ((i = 20; i < 40; i++)); do
		source_add "192.0.2.$i"
	done
	for form in -j ''; do
		# shellcheck disable=SC2086
		quiet --top 5 --sources 4 $form
		for ((i = 20; i < 40; i++)); do
			answers_from "$QUIET1" 1 "$S4" -I "192.0.2.$i"
		done
		stop
		[ -n "$form" ] || break
		expect_json '.[-1] | .packets == 20 and .sources <= 4 and
			.sources_pushed_out == 20 - .sources and (.top | length) == .sources'
	done
	expect_match "$SAMPLE_OUT" '^  approximate: 1[6-9] sources were pushed out'
}

# ---------------------------------------------------------------------------
# Reports

test_text()
{
	local ms='[0-9]+\.[0-9] s'

	quiet -I 0.2 -e
	answers_from "$QUIET1" 5 "$S4"
	# Until an interval has passed without packets.
	eventually 10 lines_at_least 1 "^stats: $ms, 5 packets, 490 bytes; 0 pps, 0 bit/s\$"
	stop
	expect_match "$SAMPLE_OUT" '^ready: far \(xdp, native mode\)$'
	expect_match "$SAMPLE_OUT" "^summary: $ms, 5 packets, 490 bytes; .* pps, .*bit/s\$"
	expect_match "$SAMPLE_OUT" '^  class +packets +bytes +pps +bit/s$'
	expect_match "$SAMPLE_OUT" '^  ipv4 +5 +490 +[0-9.k]+ +[0-9.k]+$'
	expect_match "$SAMPLE_OUT" '^  icmp +5 +490 +0 +0$'
	expect_match "$SAMPLE_OUT" '^  cpu +packets +bytes +pps +bit/s$'
	# What there is none of has no line.
	expect_no_match "$SAMPLE_OUT" '^  (ipv6|tcp|malformed) '
}

test_json_reports()
{
	quiet -j -I 0.1
	answers_from "$QUIET1" 3 "$S4"
	eventually 10 lines_at_least 3 '"event":"stats"'
	stop
	expect_eq "objects" "$(jq -c . "$SAMPLE_OUT" | wc -l)" "$(wc -l <"$SAMPLE_OUT")"
	expect_json '.[0].event == "ready" and .[-1].event == "summary" and
		(.[1:-1] | length >= 3 and all(.[]; .event == "stats"))'
	expect_json '.[-1] | keys_unsorted == ["event", "packets", "bytes", "classes",
		"protocols", "pps", "bps", "ts_ns", "duration_ns"]'
	expect_json '.[-1] | (.classes | keys) == ["arp", "ipv4", "ipv6", "other", "vlan"] and
		(.protocols | keys | contains(["tcp", "udp", "icmp", "icmpv6", "igmp", "sctp",
			"gre", "esp", "ipip", "other", "fragment", "malformed"]))'
	expect_sums
}

# What came in over all intervals, by rate, is what was counted.
test_rates()
{
	quiet -j -I 0.2
	udp "$QUIET1" 500
	eventually 10 lines_at_least 3 '"event":"stats"'
	stop
	expect_json 'map(select(.event == "stats")) | . as $s |
		[range(length) | (if . == 0 then 0 else $s[. - 1].duration_ns end) as $t0 |
			$s[.] | .pps * (.duration_ns - $t0) / 1e9] | add - $n | fabs < 1' --argjson n "$SENT"
	expect_json 'map(select(.event == "stats")) | . as $s |
		[range(length) | (if . == 0 then 0 else $s[. - 1].duration_ns end) as $t0 |
			$s[.] | .bps * (.duration_ns - $t0) / 8e9] | add - $n * 44 | fabs < 10' --argjson n "$SENT"
	expect_json '.[-1] | .pps * .duration_ns / 1e9 - $n | fabs < 1' --argjson n "$SENT"
}

test_count_of_tables()
{
	quiet -I 0.1 -c 3 -j
	wait_sample "$PID" 10
	expect_json 'map(.event) == ["ready", "stats", "stats", "stats", "summary"]'
	quiet -I 0.1 -c 3 -q
	wait_sample "$PID" 10
	expect_eq "tables with -q" "$(lines '^stats')" 0
	expect_eq "summaries with -q" "$(lines '^summary')" 1
}

test_once()
{
	quiet -I 0.5 --once -j
	answers_from "$QUIET1" 4 "$S4"
	wait_sample "$PID" 10
	expect_json 'map(.event) == ["ready", "summary"] and .[1].packets == 4'
	expect_json '.[1].duration_ns / 1e9 | . > 0.45 and . < 2'
	# The interval is a second if none is given.
	quiet --once
	wait_sample "$PID" 10
	expect_match "$SAMPLE_OUT" '^summary: (0.9|1\.[0-9]) s, 0 packets'
	expect_eq tables "$(lines '^(stats|summary)')" 1
}

test_default_interval_and_duration()
{
	quiet -d 1.5
	wait_sample "$PID" 10
	expect_eq tables "$(lines '^stats: 1.0 s')" 1
	expect_match "$SAMPLE_OUT" '^summary: 1\.[5-9] s'
}

test_watch()
{
	have script || skip "not installed: script"
	expect_status 0 script -qec \
		"$PKTCOUNT -n $QUIET2 -i far --watch -I 0.1 -c 2" /dev/null
	expect_out $'^\033\\[H\033\\[2Jstats: '
	expect_status 2 "$PKTCOUNT" -n "$QUIET2" -i far --watch
	expect_err '^pktcount: --watch draws on a terminal'
}

# ---------------------------------------------------------------------------
# Events

test_events_in_text()
{
	quiet --events
	udp "$QUIET1" 2 "$SINK" 4242
	answers_from "$QUIET1" 1 "$S4"
	eventually 5 lines_at_least 3 ' bytes$'
	stop
	expect_eq "udp lines" "$(lines \
		"^[0-9:]{8}\.[0-9]{6} far $C4:[0-9]+ > $SINK:4242: udp, 44 bytes\$")" 2
	expect_match "$SAMPLE_OUT" " far $C4 > $S4: icmp, 98 bytes\$"
	# Tables come only if they are asked for.
	expect_no_match "$SAMPLE_OUT" '^stats'
	expect_match "$SAMPLE_OUT" '^summary: .*; 3 events, 0 lost$'
}

test_events_in_json()
{
	local start

	start -j --events
	start=$(date +%s)
	udp "$CLIENT" 3 "$SINK" 4242
	udp "$CLIENT" 2 "$SINK6" 4343
	answers 1 "$S4"
	eventually 5 lines_at_least 1 '"protocol":"icmp"'
	stop
	expect_json 'map(select(.dport == 4242)) | length == 3 and all(.[];
		.event == "packet" and .ifname == "right" and .len == 44 and .class == "ipv4" and
		.protocol == "udp" and .ip_proto == 17 and .ethertype == 2048 and
		.src == $c and .dst == $d and .sport > 0 and .vlan == false)' \
		--arg c "$C4" --arg d "$SINK"
	expect_json 'map(select(.dport == 4343)) | length == 2 and all(.[];
		.class == "ipv6" and .len == 64 and .src == $c and .dst == $d)' \
		--arg c "$C6" --arg d "$SINK6"
	expect_json 'map(select(.protocol == "icmp")) | length == 1 and
		(.[0] | has("sport") or has("dport") | not)'
	expect_json 'map(select(.event == "packet").ts_ns) | . == sort and
		all(.[]; . / 1e9 | . > $t0 - 1 and . < $t1 + 1)' \
		--argjson t0 "$start" --argjson t1 "$(date +%s)"
	expect_json '.[-1] | .events == .packets and .lost == 0'
}

test_sample_is_exact()
{
	quiet -j --events --sample 7
	udp "$QUIET1" 1000
	stop
	expect_json '($n / 7 | floor) as $want |
		(map(select(.event == "packet")) | length) == $want and
		(.[-1] | .packets == $n and .events == $want and .lost == 0)' --argjson n "$SENT"
}

test_count_of_events()
{
	quiet -j --events -c 5
	udp "$QUIET1" 50
	wait_sample "$PID" 10
	expect_json 'map(select(.event == "packet")) | length == 5'
	quiet --events -q -c 5
	udp "$QUIET1" 50
	wait_sample "$PID" 10
	expect_eq "lines with -q" "$(lines bytes$)" 0
}

# Events that come in between the signal and the detaching are shown.
test_events_of_the_last_moment()
{
	quiet -j --events
	kill -STOP "$PID"
	kill -TERM "$PID"
	udp "$QUIET1" 100
	kill -CONT "$PID"
	wait_sample "$PID" 10
	expect_json '(map(select(.event == "packet")) | length) == $n' --argjson n "$SENT"
	expect_json '.[-1] | .packets == $n and .events == $n and .lost == 0' --argjson n "$SENT"
}

# The reader is stopped until the buffer is full: what is lost is counted.
test_lost_events()
{
	quiet -j --events
	kill -STOP "$PID"
	udp "$QUIET1" 20000
	kill -CONT "$PID"
	eventually 10 lines_at_least 10000 '"event":"packet"'
	stop
	expect_json '.[-1] | .packets == $n and .events == $n and .lost > 0' --argjson n "$SENT"
	expect_json '(map(select(.event == "packet")) | length) + .[-1].lost == $n' \
		--argjson n "$SENT"
}

# ---------------------------------------------------------------------------

test_options_that_need_others()
{
	local args

	while read -ra args; do
		expect_status 2 "$PKTCOUNT" -n "$QUIET2" -i far "${args[@]}"
		expect_err '^pktcount: --'
		expect_err '^  hint: '
	done <<-'END'
		--sample 3
		--sources 3
		--once -d 1
		--top 0
		--top 1001
		--events --sample 0
	END
}

test_kill_9_leaves_nothing()
{
	start -m native --top 3 --events
	xdp_is "$SERVER" right 1
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 5 xdp_is "$SERVER" right 0
	answers 1 "$S4"
}

test_ctrl_c()
{
	start -j
	stop_sample "$PID" INT
	expect_json '.[-1].event == "summary"'
	xdp_is "$SERVER" right 0
}

run_tests test_icmp_is_exact test_icmpv6_is_exact test_udp_is_exact_and_as_the_kernel_counts \
	test_several_cpus_are_exact test_starts_at_zero test_arp test_tcp_in_both_families \
	test_fragments test_mtu_9000 test_frames test_vlan test_two_interfaces test_top test_top_ipv6 \
	test_top_is_approximate test_text test_json_reports test_rates test_count_of_tables \
	test_once test_default_interval_and_duration test_watch test_events_in_text \
	test_events_in_json test_sample_is_exact test_count_of_events \
	test_events_of_the_last_moment test_lost_events \
	test_options_that_need_others test_kill_9_leaves_nothing test_ctrl_c
