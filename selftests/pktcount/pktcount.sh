#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/pktcount on real packets: it counts as many as were sent and as the kernel has
# seen, by class, protocol, source and CPU; what it prints; that nothing stays behind.
#
#	CLIENT left ---- right SERVER	two queues, IPv4 and IPv6
#	QUIET1 near ---- far QUIET2	nothing but what a test sends
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/pktcount/exact.sh
. "$NBT_DIR/pktcount/exact.sh"
# shellcheck source=selftests/pktcount/events.sh
. "$NBT_DIR/pktcount/events.sh"

need_root
require_tools ip jq nsenter ping taskset

# No host has these addresses. SERVER gets the packets to them, does not forward, and does not
# answer, not even by ICMP errors.
SINK=192.0.2.99 SINK6=2001:db8::99

setup()
{
	PKTCOUNT=$(sample pktcount) SAMPLE=$PKTCOUNT
	ns_add CLIENT SERVER QUIET1 QUIET2
	# A new namespace takes this setting from the host, which forwards if it runs Docker.
	in_ns "$SERVER" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	two_queues "$CLIENT" left "$SERVER" right
	pair_addresses
	sink "$CLIENT" left "$SERVER" right
	sink "$CLIENT" left "$SERVER" right "$SINK6"
	pair_answers
	quiet_pair
}

# two_queues NS1 IF1 NS2 IF2: join two namespaces by a veth pair with two queues.
two_queues()
{
	ip link add "$2" netns "$1" numtxqueues 2 numrxqueues 2 type veth \
		peer name "$4" netns "$3" numtxqueues 2 numrxqueues 2
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	eventually 5 nbt_is_up "$1" "$2"
	eventually 5 nbt_is_up "$3" "$4"
}

# sink NS1 IF1 NS2 IF2 [ADDRESS]: let NS1 send packets for ADDRESS (default SINK) to the MAC
# address of IF2.
sink()
{
	ip -n "$1" neigh replace "${5:-$SINK}" lladdr "$(link_mac "$3" "$4")" dev "$2" nud permanent
}

# quiet_pair: join QUIET1 and QUIET2. Without IPv6 and ARP there are no packets on this wire
# except those that a test sends.
quiet_pair()
{
	local ns

	for ns in "$QUIET1" "$QUIET2"; do
		no_ipv6 "$ns"
	done
	two_queues "$QUIET1" near "$QUIET2" far
	addr_add "$QUIET1" near "$C4/24"
	addr_add "$QUIET2" far "$S4/24"
	sink "$QUIET1" near "$QUIET2" far
	sink "$QUIET1" near "$QUIET2" far "$S4"
	sink "$QUIET2" far "$QUIET1" near "$C4"
}

# udp NS N [ADDRESS [PORT]]: send N datagrams of 2 bytes to ADDRESS (default SINK), and wait
# until the kernel has delivered or dropped all of them. SENT is the number that arrived: veth
# drops packets that do not fit into its ring.
udp()
{
	local before

	before=$(dropped_and_received "$1")
	in_ns "$1" bash -c 'exec 3>"/dev/udp/$2/$3"; for ((i = 0; i < $1; i++)); do
		echo x >&3; done' x "$2" "${3:-$SINK}" "${4:-9}"
	arrived "$1" "$before" "$2"
}

# arrived NS BEFORE N: wait until N more packets than in BEFORE (from dropped_and_received)
# are received or dropped. SENT is the number of received ones.
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

# dropped_and_received NS: print how many of the packets from NS veth has dropped, and how
# many the other end has received.
dropped_and_received()
{
	local from=near ns=$QUIET2 to=far

	[ "$1" != "$CLIENT" ] || from=left ns=$SERVER to=right
	echo "$(ip -n "$1" -s -j link show dev "$from" | jq '.[0].stats64.tx.dropped')" \
		"$(rx "$ns" "$to")"
}

# quiet [OPTION...]: start the sample on "far".
quiet()
{
	start_on "$QUIET2" -i far "$@"
}

# A jq filter: there are reports, and in each one the sums are right.
SUMS='map(select(.event == "stats" or .event == "summary")) | length > 0 and all(.[];
	.packets == ([.classes | .ipv4, .ipv6, .arp, .other | .packets] | add) and
	.bytes == ([.classes | .ipv4, .ipv6, .arp, .other | .bytes] | add))'

# A jq filter: the protocols add up to the two IP classes. This only holds for the summary:
# an earlier report may read the counters while the program counts a packet.
END_SUMS='.[-1] | .event == "summary" and
	([.protocols[].packets] | add) == .classes.ipv4.packets + .classes.ipv6.packets and
	([.protocols[].bytes] | add) == .classes.ipv4.bytes + .classes.ipv6.bytes'

expect_sums()
{
	expect_json "$SUMS"
	expect_json "$END_SUMS"
}

# lines REGEX: print how many lines of the sample's output match.
lines()
{
	grep -Ec -e "$1" "$SAMPLE_OUT" || :
}

lines_at_least()
{
	[ "$(lines "$2")" -ge "$1" ]
}

# rx NS IF: print how many packets the device has received, as the kernel counts.
rx()
{
	ip -n "$1" -s -j link show dev "$2" | jq '.[0].stats64.rx.packets'
}

# ---------------------------------------------------------------------------
# Sources

# from N ADDRESS: send N pings from QUIET1, from this source address.
from()
{
	source_add "$2"
	expect_answers_from "$QUIET1" "$1" "$S4" -I "$2"
}

# source_add ADDRESS: add an address to QUIET1, until the test ends.
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
	expect_answers 12 "$S6"
	expect_answers 10 "$S4"
	stop
	expect_json '.[-1].top | (.[0].addr == $c6) and (.[1] == {addr: $c4, packets: 10,
		bytes: 980}) and .[0].packets >= 12' --arg c6 "$C6" --arg c4 "$C4"
}

# If there are more sources than the map has room for, the report says so, as text and as
# JSON.
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
			expect_answers_from "$QUIET1" 1 "$S4" -I "192.0.2.$i"
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
	expect_answers_from "$QUIET1" 5 "$S4"
	# Wait for an interval without packets.
	eventually 10 lines_at_least 1 "^stats: $ms, 5 packets, 490 bytes; 0 pps, 0 bit/s\$"
	stop
	expect_match "$SAMPLE_OUT" '^ready: far \(xdp, native mode\)$'
	expect_match "$SAMPLE_OUT" "^summary: $ms, 5 packets, 490 bytes; .* pps, .*bit/s\$"
	expect_match "$SAMPLE_OUT" '^  class +packets +bytes +pps +bit/s$'
	expect_match "$SAMPLE_OUT" '^  ipv4 +5 +490 +[0-9.k]+ +[0-9.k]+$'
	expect_match "$SAMPLE_OUT" '^  icmp +5 +490 +0 +0$'
	expect_match "$SAMPLE_OUT" '^  cpu +packets +bytes +pps +bit/s$'
	# A class or protocol without packets has no line.
	expect_no_match "$SAMPLE_OUT" '^  (ipv6|tcp|malformed) '
}

test_json_reports()
{
	quiet -j -I 0.1
	expect_answers_from "$QUIET1" 3 "$S4"
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

# The rates of all intervals, multiplied by their lengths, add up to the counted packets.
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
	local interval=$((NETBPF_SLOW / 2)).5

	quiet -I "$interval" --once -j
	expect_answers_from "$QUIET1" 4 "$S4"
	wait_sample "$PID" 10
	expect_json 'map(.event) == ["ready", "summary"] and .[1].packets == 4'
	expect_json '.[1].duration_ns / 1e9 | . > $i - 0.05 and . < $i * 4' --argjson i "$interval"
	# The interval is a second if none is given.
	quiet --once
	wait_sample "$PID" 10
	expect_match "$SAMPLE_OUT" '^summary: (0\.9|[1-9]\.[0-9]) s, 0 packets'
	expect_eq tables "$(lines '^(stats|summary)')" 1
}

test_default_interval_and_duration()
{
	quiet -d 1.5
	wait_sample "$PID" 10
	# The reports must not come early; on a busy machine they may come late.
	expect_match "$SAMPLE_OUT" '^stats: 1\.[0-9] s'
	expect_match "$SAMPLE_OUT" '^summary: (1\.[5-9]|[2-9]\.[0-9]) s'
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
	xdp_is "$SERVER" right native
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 5 xdp_is "$SERVER" right none
	expect_answers 1 "$S4"
}

test_ctrl_c()
{
	start -j
	stop_sample "$PID" INT
	expect_json '.[-1].event == "summary"'
	xdp_is "$SERVER" right none
}

# The summary includes packets of an interval that was not over yet.
test_interface_deleted()
{
	near_far 1500
	start_on "$FAR" -i far -I 60 -j
	expect_answers_from "$NEAR" 3 "$S4"
	ip -n "$FAR" link del far
	expect_gone far
	expect_json '.[-1] | .event == "summary" and .protocols.icmp.packets == 3'
}

run_tests test_icmp_is_exact test_icmpv6_is_exact test_udp_is_exact_and_as_the_kernel_counts \
	test_several_cpus_are_exact test_starts_at_zero test_arp test_tcp_in_both_families \
	test_fragments test_mtu_9000 test_frames test_vlan test_two_interfaces test_top test_top_ipv6 \
	test_top_is_approximate test_text test_json_reports test_rates test_count_of_tables \
	test_once test_default_interval_and_duration test_watch test_events_in_text \
	test_events_in_json test_sample_is_exact test_count_of_events \
	test_events_of_the_last_moment test_lost_events \
	test_options_that_need_others test_kill_9_leaves_nothing test_ctrl_c \
	test_interface_deleted
