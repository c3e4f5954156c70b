#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping on real packets: what it drops and what it lets pass, what it says
# about it, and that nothing stays behind.
#
#	CLIENT left ---- right SERVER
#	       left2 --- right2
#
# The sample runs on "right" unless a test says otherwise.
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter ping

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2

setup()
{
	PING=$(sample ping)
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	veth_pair "$CLIENT" left2 "$SERVER" right2
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	addr_add "$CLIENT" left2 198.51.100.1/24 2001:db8:2::1/64
	addr_add "$SERVER" right2 198.51.100.2/24 2001:db8:2::2/64
	# The first packet of each family needs no neighbour discovery.
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

# start [OPTION...]: the sample on "right"; PID, and its stdout and stderr.
start()
{
	start_on "$SERVER" -i right "$@"
}

# start_on NETNS [OPTION...]
start_on()
{
	start_sample PID 20 "$PING" -n "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# send N ADDRESS [PING-OPTION...]: N echo requests of the client; RECEIVED is how
# many were answered. With no answer at all ping waits for -W.
send()
{
	send_from "$CLIENT" "$@"
}

send_from()
{
	local ns=$1 n=$2 addr=$3

	shift 3
	run_ping in_ns "$ns" ping -n -c "$n" -i 0.02 -W 0.3 "$@" "$addr"
	[ "$SENT" -eq "$n" ] || fail "ping sent $SENT, not $n, to $addr"
}

run_ping()
{
	local out

	out=$("$@" 2>&1) || [ $? -eq 1 ] || fail "$*: $out"
	[[ $out =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] ||
		fail "$*: $out"
	SENT=${BASH_REMATCH[1]} RECEIVED=${BASH_REMATCH[2]}
}

# expect_answers N ADDRESS [PING-OPTION...]: all N are answered.
expect_answers()
{
	send "$@" -W 5
	expect_eq "answers of $2" "$RECEIVED" "$1"
}

# expect_silence N ADDRESS [PING-OPTION...]: none is.
expect_silence()
{
	send "$@"
	expect_eq "answers of $2" "$RECEIVED" 0
}

# stop: end the sample; SUMMARY is what its last line says.
stop()
{
	stop_sample "$PID" || fail "status $STATUS"
	SUMMARY=$(grep -E '^summary:|"event":"summary"' "$SAMPLE_OUT")
}

# events: number of event lines so far, text or JSON.
events()
{
	grep -Ec 'echo request id|"event":"packet"' "$SAMPLE_OUT" || :
}

events_are()
{
	[ "$(events)" -eq "$1" ]
}

# summary MATCHED DROPPED: what the summary, in text, has to say.
expect_summary()
{
	[[ $SUMMARY =~ ^summary:\ ([0-9]+)\ packets\ seen,\ ([0-9]+)\ matched:\ ([0-9]+)\ dropped,\ ([0-9]+)\ passed\;\ ([0-9]+)\ events\ lost$ ]] ||
		fail "odd summary: $SUMMARY"
	expect_eq matched "${BASH_REMATCH[2]}" "$1"
	expect_eq dropped "${BASH_REMATCH[3]}" "$2"
	expect_eq "seen, of: $SUMMARY" "${BASH_REMATCH[1]}" \
		$((BASH_REMATCH[3] + BASH_REMATCH[4]))
	[ "${BASH_REMATCH[1]}" -ge "$1" ] || fail "matched more than seen: $SUMMARY"
}

# xdp_mode NETNS IF: native, skb or none, as the kernel says.
xdp_mode()
{
	ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp.mode // 0 |
		if . == 1 then "native" elif . == 2 then "skb" elif . == 0 then "none"
		else "mode \(.)" end'
}

xdp_is()
{
	[ "$(xdp_mode "$1" "$2")" = "$3" ]
}

# ---------------------------------------------------------------------------
# Drop and pass

test_drop_v4()
{
	start
	expect_silence 5 "$S4"
	stop
	expect_summary 5 5
	expect_eq events "$(events)" 5
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 5: drop$"
	expect_answers 1 "$S4"
}

test_drop_v6()
{
	start
	expect_silence 5 "$S6"
	stop
	expect_summary 5 5
	expect_eq events "$(events)" 5
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 5: drop$"
	expect_answers 1 "$S6"
}

test_pass_v4()
{
	start -a pass
	expect_answers 5 "$S4"
	stop
	expect_summary 5 0
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 5: pass$"
	expect_match "$SAMPLE_OUT" '^  passed: .*\b5 action_pass\b'
}

test_pass_v6()
{
	start -a pass
	expect_answers 5 "$S6"
	stop
	expect_summary 5 0
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 5: pass$"
}

# Only requests are matched: the replies to the pings of the host itself come in,
# and so do neighbour discovery, and all that is not ICMP.
test_own_pings_are_answered()
{
	start
	send_from "$SERVER" 3 "$C4" -W 5
	expect_eq "answers of $C4" "$RECEIVED" 3
	send_from "$SERVER" 3 "$C6" -W 5
	expect_eq "answers of $C6" "$RECEIVED" 3
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*no_echo_request'
}

# neighbour ADDRESS: the client knows its MAC address.
neighbour()
{
	ip -n "$CLIENT" neigh show dev left | grep -q "^$1 .*lladdr"
}

test_neighbour_discovery_passes()
{
	start
	ip -n "$CLIENT" neigh flush dev left
	expect_silence 1 "$S4"
	expect_silence 1 "$S6"
	eventually 5 neighbour "$S4"
	eventually 5 neighbour "$S6"
	eventually 5 events_are 2
	stop
	expect_summary 2 2
	expect_match "$SAMPLE_OUT" '^  passed: .*not_ip'
}

# ---------------------------------------------------------------------------
# What is matched

# filter OPTION PREFIX ADDRESS EXPECTED: 2 pings of ADDRESS, EXPECTED are dropped.
filter()
{
	start "$1" "$2"
	send 2 "$3"
	expect_eq "answers with $1 $2" "$RECEIVED" $((2 - $4))
	stop
	expect_summary "$4" "$4"
}

test_src_v4()
{
	filter --src "$C4" "$S4" 2
	filter --src 192.0.2.3 "$S4" 0
	filter --src 192.0.2.0/24 "$S4" 2
	filter --src 192.0.2.0/31 "$S4" 2
	filter --src 192.0.2.2/31 "$S4" 0
	filter --src 192.0.2.77/24 "$S4" 2	# bits beyond the prefix do not count
	filter --src 0.0.0.0/0 "$S4" 2
}

test_src_v6()
{
	filter --src "$C6" "$S6" 2
	filter --src 2001:db8::3 "$S6" 0
	filter --src 2001:db8::/64 "$S6" 2
	filter --src 2001:db8::/127 "$S6" 2
	filter --src 2001:db8::2/127 "$S6" 0
	filter --src 2001:db8:0:1::/64 "$S6" 0
	filter --src ::/0 "$S6" 2
}

test_dst_v4()
{
	filter --dst "$S4" "$S4" 2
	filter --dst "$C4" "$S4" 0
	filter --dst 192.0.0.0/15 "$S4" 2
	filter --dst 192.0.2.4/30 "$S4" 0
}

test_dst_v6()
{
	filter --dst "$S6" "$S6" 2
	filter --dst "$C6" "$S6" 0
	filter --dst 2001:db8::/33 "$S6" 2
	filter --dst 2001:db8:8000::/33 "$S6" 0
}

test_src_and_dst()
{
	start --src "$C4" --dst "$S4"
	expect_silence 2 "$S4"
	stop
	expect_summary 2 2
	start --src "$C4" --dst 192.0.2.9
	expect_answers 2 "$S4"
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 filtered_out\b'
}

test_filter_of_one_family_only()
{
	filter --src 0.0.0.0/0 "$S6" 0
	filter --dst 192.0.2.0/24 "$S6" 0
	filter --src 2001:db8::/32 "$S4" 0
	filter --dst 2001:db8::/32 "$S4" 0
	# IPv4 is kept as ::ffff:a.b.c.d inside; nobody shall notice.
	filter --src ::ffff:0:0/96 "$S6" 0
	filter --src ::/0 "$S4" 0
}

# every N SENT: each Nth is dropped, and no other.
every()
{
	local seq

	start --every "$1" -j
	send "$2" "$S4"
	stop
	for ((seq = 1; seq <= $2; seq++)); do
		if [ $((seq % $1)) -eq 0 ]; then echo drop; else echo pass; fi
	done >"$TMP/wanted"
	json '.[] | select(.event == "packet") | .verdict' >"$TMP/got"
	diff "$TMP/wanted" "$TMP/got"
	expect_eq "answers with --every $1" "$RECEIVED" $(($2 - $2 / $1))
	expect_json ".[-1] | .matched == $2 and .dropped == $(($2 / $1)) and
		.reasons.not_nth == $(($2 - $2 / $1))"
}

test_every_2()
{
	every 2 10
}

test_every_3()
{
	every 3 11
}

# What --src leaves out does not count for --every; both families do, together.
test_every_counts_matches()
{
	start --every 2 --dst 2001:db8::/32
	expect_answers 3 "$S4"
	expect_answers 1 "$S6"
	expect_silence 1 "$S6"
	stop
	expect_summary 2 1
	start --every 2
	expect_answers 1 "$S4"
	expect_silence 1 "$S6"
	stop
	expect_summary 2 1
}

test_every_with_pass()
{
	start --every 2 -a pass
	expect_answers 4 "$S4"
	stop
	expect_summary 4 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 not_nth, 2 action_pass\b'
}

# ---------------------------------------------------------------------------
# Odd packets

# A fragmented request is dropped as a whole: its first fragment is.
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

# With record route the header has 60 bytes, with time stamps too.
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

# ext_ping ADDRESS OPTION DATA SECONDS: an echo request behind an IPv6 extension
# header, which a sticky socket option makes (RFC 3542). Says whether an answer came.
ext_ping()
{
	in_ns "$CLIENT" perl -MSocket=:all -e '
		my ($addr, $opt, $data, $seconds) = @ARGV;
		socket(my $s, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
		setsockopt($s, 41, $opt, pack("H*", $data)) or die "setsockopt: $!";
		# The kernel fills in the checksum of ICMPv6.
		my $icmp = pack("CCnnn", 128, 0, 0, 77, 5) . "x" x 32;
		my $to = pack_sockaddr_in6(0, inet_pton(AF_INET6, $addr));
		send($s, $icmp, 0, $to) or die "send: $!";
		my $bits = "";
		vec($bits, fileno($s), 1) = 1;
		my $end = time + $seconds;
		while (time <= $end) {
			select(my $r = $bits, undef, undef, 0.1) or next;
			recv($s, my $in, 2000, 0);
			print("answer\n"), exit 0 if unpack("C", $in) == 129;
		}
		print "silence\n";' "$@"
}

test_ipv6_extension_headers()
{
	local hopopts=54 dstopts=59 padn=0000010400000000

	have perl || skip "not installed: perl"
	expect_eq "without the sample" "$(ext_ping "$S6" "$hopopts" "$padn" 5)" answer
	start
	expect_eq "hop-by-hop options" "$(ext_ping "$S6" "$hopopts" "$padn" 0)" silence
	expect_eq "destination options" "$(ext_ping "$S6" "$dstopts" "$padn" 0)" silence
	stop
	expect_summary 2 2
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id 77 seq 5: drop$"
}

# send_frame HEX: a frame from "left" to "right", of which HEX is what follows the two
# MAC addresses.
send_frame()
{
	in_ns "$CLIENT" perl -e '
		my ($ifindex, $hex) = @ARGV;
		socket(my $s, 17, 3, 0) or die "socket: $!";	# AF_PACKET, SOCK_RAW
		my $to = pack("SnlSCCa8", 17, 0x0800, $ifindex, 0, 0, 6, "");
		send($s, pack("H*", $hex), 0, $to) or die "send: $!";
	' "$LEFT_INDEX" "$RIGHT_MAC$LEFT_MAC$1"
}

# frame_setup: what send_frame needs; two IP packets with an echo request, id 77 seq 5.
frame_setup()
{
	local link

	have perl || skip "not installed: perl"
	link=$(ip -n "$CLIENT" -j link show dev left)
	LEFT_INDEX=$(jq '.[0].ifindex' <<<"$link")
	LEFT_MAC=$(jq -r '.[0].address' <<<"$link" | tr -d :)
	RIGHT_MAC=$(ip -n "$SERVER" -j link show dev right | jq -r '.[0].address' | tr -d :)
	# 192.0.2.1 > 192.0.2.2, ttl 64; 2001:db8::1 > 2001:db8::2, hop limit 64.
	ECHO4=4500001c000000004001f6c6c0000201c0000202
	ECHO4+=0800f7ad004d0005
	ECHO6=6000000000083a4020010db800000000000000000000000120010db8000000000000000000000002
	ECHO6+=800023d6004d0005
}

# tagged MODE TAGS: requests behind these VLAN tags are dropped.
tagged()
{
	start -m "$1"
	send_frame "${2}0800$ECHO4"
	send_frame "${2}86dd$ECHO6"
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

# What cannot be read to its end passes, and is counted as such.
test_odd_frames_pass()
{
	frame_setup
	start -I 0.05
	send_frame "810000078100000881000009""0800$ECHO4"	# three tags
	send_frame "0800${ECHO4:0:38}"				# cut short in the header
	send_frame "08004400${ECHO4:4}"				# ihl 4
	send_frame "08006500${ECHO4:4}"				# version 6
	send_frame "86dd${ECHO6:0:60}"
	send_frame "08004500001b${ECHO4:8}"			# ends in the echo header
	send_frame "0800${ECHO4:0:12}2001${ECHO4:16}"		# a later fragment
	send_frame "0800${ECHO4:0:40}00${ECHO4:42}"		# an echo reply
	send_frame "0800${ECHO4:0:40}0801${ECHO4:44}"		# type 8, code 1
	send_frame "88b5"0000
	eventually 10 seen_are 10
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b5 malformed'
	expect_match "$SAMPLE_OUT" '^  passed: .*\b1 not_ip'
}

# add_vlan PROTO ID UPPER LOWER NET: leftUPPER and rightUPPER on top of leftLOWER and
# rightLOWER, with addresses of their own.
add_vlan()
{
	local proto=$1 id=$2 upper=$3 lower=$4 net=$5

	ip -n "$CLIENT" link add link "left$lower" name "left$upper" type vlan \
		proto "$proto" id "$id" || skip "no VLAN devices in this kernel"
	ip -n "$SERVER" link add link "right$lower" name "right$upper" type vlan \
		proto "$proto" id "$id"
	defer "ip -n $CLIENT link del left$upper"
	defer "ip -n $SERVER link del right$upper"
	ip -n "$CLIENT" link set "left$upper" up
	ip -n "$SERVER" link set "right$upper" up
	addr_add "$CLIENT" "left$upper" "10.9.$net.1/24" "2001:db8:9:$net::1/64"
	addr_add "$SERVER" "right$upper" "10.9.$net.2/24" "2001:db8:9:$net::2/64"
	expect_answers 1 "10.9.$net.2"
	expect_answers 1 "2001:db8:9:$net::2"
}

# With the offload of the sender off, the tag is in the frame.
tags_in_frame()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$CLIENT" ethtool -K left txvlan off tx-vlan-stag-hw-insert off 2>/dev/null ||
		in_ns "$CLIENT" ethtool -K left txvlan off
	defer "in_ns $CLIENT ethtool -K left txvlan on >/dev/null 2>&1"
	in_ns "$CLIENT" ethtool -k left | grep -q '^tx-vlan-offload: off' ||
		fail "tx-vlan-offload is still on"
}

# vlan MODE NET: the real pings of that VLAN are dropped and shown on "right".
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

# Tags in the metadata of the skb, as the offload leaves them, then in the frame.
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

# ---------------------------------------------------------------------------
# What it says

test_json_events()
{
	local now id=() keys=event,ts_ns,ifname,family,src,dst,icmp_id,icmp_seq,verdict

	# The identifier can be chosen since iputils 20210722.
	! ping -h 2>&1 | grep -q '^ *-e' || id=(-e 4242)
	start -j
	now=$(date +%s)
	expect_silence 3 "$S4" "${id[@]}"
	expect_silence 3 "$S6" "${id[@]}"
	stop
	expect_eq "objects" "$(jq -c . "$SAMPLE_OUT" | wc -l)" "$(wc -l <"$SAMPLE_OUT")"
	expect_eq "fields" "$(json '.[] | select(.event == "packet") |
		keys_unsorted | join(",")' | sort -u)" "$keys"
	expect_json 'map(.event) == ["ready"] + [range(6) | "packet"] + ["summary"]'
	expect_json 'all(.[1:-1][]; (.ts_ns, .family, .icmp_id, .icmp_seq | type == "number")
		and (.ifname, .src, .dst, .verdict | type == "string"))'
	expect_json 'all(.[1:-1][]; .ifname == "right" and .verdict == "drop")'
	expect_json 'all(.[1:4][]; .family == 4 and .src == $c and .dst == $s)' \
		--arg c "$C4" --arg s "$S4"
	expect_json 'all(.[4:7][]; .family == 6 and .src == $c and .dst == $s)' \
		--arg c "$C6" --arg s "$S6"
	expect_json '[.[1:-1][].icmp_seq] == [1, 2, 3, 1, 2, 3]'
	expect_json '[.[1:4][].icmp_id] | unique | length == 1'
	[ ${#id[@]} -eq 0 ] || expect_json 'all(.[1:-1][]; .icmp_id == 4242)'
	expect_json '[.[1:-1][].ts_ns] | . == sort'
	expect_json 'all(.[1:-1][]; .ts_ns / 1e9 - $now | . > -1 and . < 5)' \
		--argjson now "$now"
}

test_json_ready()
{
	local index

	index=$(ip -n "$SERVER" -j link show dev right | jq '.[0].ifindex')
	start -j -m native
	stop
	expect_json '.[0] == {event: "ready", tool: "ping", attached: [{ifname: "right",
		ifindex: $index, hook: "xdp", mode: "native"}]}' --argjson index "$index"
}

test_json_summary_adds_up()
{
	start -j --every 2 --src "$C4"
	send 5 "$S4"
	send 3 "$S6" -W 5
	send_from "$SERVER" 2 "$C4" -W 5
	stop
	expect_json '.[-1] | (.event == "summary") and
		all(.seen, .matched, .dropped, .passed, .lost; type == "number")'
	expect_json '.[-1] | .seen == .dropped + .passed'
	expect_json '.[-1] | .seen == ([.reasons[]] | add)'
	expect_json '.[-1] | .seen >= 5 + 3 + 2'
	expect_json '.[-1] | .matched == 5 and .dropped == 2 and .lost == 0'
	expect_json '.[-1].reasons | .echo_request == 2 and .not_nth == 3 and
		.filtered_out == 3 and .no_echo_request >= 2 and .action_pass == 0 and
		.malformed == 0'
}

# All that came in is seen: the kernel counts the same.
test_seen_is_all_packets()
{
	local before after path=/proc/net/dev

	start -j -a pass
	before=$(in_ns "$SERVER" cat "$path" | awk '$1 == "right:" { print $3 }')
	send 20 "$S4" -W 5
	send 20 "$S6" -W 5
	after=$(in_ns "$SERVER" cat "$path" | awk '$1 == "right:" { print $3 }')
	stop
	expect_json '.[-1].seen >= $n' --argjson n $((after - before))
	expect_json '.[-1].seen <= $n + 5' --argjson n $((after - before))
}

test_count()
{
	start -c 3
	send 10 "$S4"
	wait_sample "$PID" 10
	expect_eq events "$(events)" 3
	expect_match "$SAMPLE_OUT" '^summary: '
	expect_match "$SAMPLE_OUT" ' seq 1: drop$'
	expect_match "$SAMPLE_OUT" ' seq 3: drop$'
	expect_answers 1 "$S4"
}

# Also when more of them are there at once.
test_count_of_a_batch()
{
	start -c 3 -j
	kill -STOP "$PID"
	send 10 "$S4"
	kill -CONT "$PID"
	wait_sample "$PID" 10
	expect_eq events "$(events)" 3
	expect_json '.[-1].matched == 10 and .[-1].event == "summary"'
}

test_count_and_quiet()
{
	start -c 3 -q
	send 10 "$S4"
	wait_sample "$PID" 10
	expect_eq events "$(events)" 0
	expect_match "$SAMPLE_OUT" '^summary: '
}

test_quiet()
{
	start -q
	expect_silence 3 "$S4"
	stop
	expect_summary 3 3
	expect_eq events "$(events)" 0
	start -q -j
	expect_silence 3 "$S4"
	stop
	expect_eq events "$(events)" 0
	expect_json '.[-1] | .matched == 3 and .lost == 0'
}

stats_are()
{
	[ "$(grep -Ec '^stats:|"event":"stats"' "$SAMPLE_OUT")" -ge "$1" ]
}

test_interval()
{
	start -I 0.1
	expect_silence 2 "$S4"
	eventually 10 stats_are 3
	stop
	expect_match "$SAMPLE_OUT" '^stats: [0-9]+ packets seen, 2 matched: 2 dropped'
	start -I 0.1 -j
	expect_silence 2 "$S4"
	eventually 10 stats_are 3
	stop
	expect_json 'map(select(.event == "stats")) | length >= 3 and .[-1].matched == 2 and
		all(.[]; .seen == .dropped + .passed and .seen == ([.reasons[]] | add))'
}

# What comes first ends it: the events of -c, or the time of -d, here.
test_duration()
{
	local flow began=${EPOCHREALTIME/./} dropped

	start_bg flow nsenter "--net=/run/netns/$CLIENT" ping -n -q -i 0.02 "$S4"
	start -d 0.7 -c 1000
	wait_sample "$PID" 10
	[ $((${EPOCHREALTIME/./} - began)) -ge 700000 ] || fail "ended too soon"
	dropped=$(events)
	((dropped > 0 && dropped < 1000)) || fail "$dropped events"
	expect_match "$SAMPLE_OUT" "^summary: .* $dropped matched"
	expect_answers 1 "$S4"
	stop_sample "$flow" INT
}

# Each line comes at once, although stdout is a file.
test_lines_are_not_kept_back()
{
	start
	send 2 "$S4"
	eventually 5 events_are 2
	stop
}

flood()
{
	run_ping in_ns "$CLIENT" ping -n -q -f -c "$1" -W 2 "$S4"
}

test_flood()
{
	start -a pass -j
	flood 2000
	stop
	expect_json '.[-1] | .matched == $n' --argjson n "$SENT"
	expect_json '(map(select(.event == "packet")) | length) + .[-1].lost == .[-1].matched'
	expect_json '.[-1] | .seen == ([.reasons[]] | add)'
}

# While nobody reads, events are lost; they are counted, packets are treated.
test_lost_events()
{
	start -a pass -j
	kill -STOP "$PID"
	flood 6000
	kill -CONT "$PID"
	stop
	expect_json '.[-1] | .matched == $n and .lost > 0' --argjson n "$SENT"
	expect_json '(map(select(.event == "packet")) | length) + .[-1].lost == .[-1].matched'
}

# In "ping | head -1" the next event ends it.
test_reader_goes_away()
{
	mkfifo "$TMP/fifo"
	{ read -r line && echo "$line"; } <"$TMP/fifo" >"$TMP/line" &
	"$PING" -n "$SERVER" -i right >"$TMP/fifo" 2>"$TMP/err" &
	PID=$!
	defer "nbt_kill $PID"
	eventually 10 test -s "$TMP/line"
	expect_match "$TMP/line" '^ready: right'
	send 1 "$S4"
	wait_sample_plain "$PID"
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
}

# wait_sample_plain PID: it ends soon, by itself, with status 0 or 1.
wait_sample_plain()
{
	eventually 10 sample_ended "$1"
	STATUS=0
	wait "$1" || STATUS=$?
	[ "$STATUS" -le 1 ] || fail "status $STATUS"
}

# ---------------------------------------------------------------------------
# Interfaces and modes

test_two_interfaces()
{
	start -j -i right2
	expect_silence 2 "$S4"
	expect_silence 2 198.51.100.2
	expect_silence 2 2001:db8:2::2
	stop
	expect_json '[.[] | select(.event == "packet") | .ifname] ==
		["right", "right", "right2", "right2", "right2", "right2"]'
	expect_json '.[-1] | .matched == 6 and .dropped == 6'
	expect_json '[.[0].attached[].ifname] == ["right", "right2"]'
	expect_answers 1 "$S4"
	expect_answers 1 198.51.100.2
}

test_two_interfaces_all_or_none()
{
	start_on "$SERVER" -i right2
	expect_status 1 "$PING" -n "$SERVER" -i right -i right2 -d 5
	expect_eq "mode of the first" "$(xdp_mode "$SERVER" right)" none
	expect_answers 1 "$S4"
	stop
}

test_native_mode()
{
	start -m native
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, native mode\)$'
	expect_eq mode "$(xdp_mode "$SERVER" right)" native
	expect_silence 2 "$S4"
	expect_silence 2 "$S6"
	stop
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_summary 4 4
}

test_skb_mode()
{
	start -m skb
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, skb mode\)$'
	expect_eq mode "$(xdp_mode "$SERVER" right)" skb
	expect_silence 2 "$S4"
	expect_silence 2 "$S6"
	stop
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_summary 4 4
}

test_auto_mode_is_native()
{
	start
	expect_eq mode "$(xdp_mode "$SERVER" right)" native
	expect_eq "stderr" "$(<"$SAMPLE_ERR")" ""
	stop
}

test_native_on_lo_is_refused()
{
	expect_status 3 "$PING" -n "$SERVER" -i lo -m native -d 5
	expect_eq stdout "$OUT" ""
	expect_err '^ping: failed to attach to lo in native mode: .*\(Operation not supported\)$'
	expect_err '^  hint: .*-m (auto|skb)'
}

test_auto_on_lo_is_skb()
{
	start_on "$SERVER" -i lo
	expect_eq mode "$(xdp_mode "$SERVER" lo)" skb
	expect_eq "lines about skb" "$(grep -c 'skb mode' "$SAMPLE_ERR")" 1
	send_from "$SERVER" 2 127.0.0.1
	expect_eq "answers of 127.0.0.1" "$RECEIVED" 0
	send_from "$SERVER" 2 ::1
	expect_eq "answers of ::1" "$RECEIVED" 0
	stop
	expect_summary 4 4
	expect_eq "lines about skb" "$(grep -c 'skb mode' "$SAMPLE_ERR")" 1
}

# A jumbo frame is more than one buffer: xdp.frags. Its ping is dropped as well.
test_mtu_9000()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	ip -n "$ns1" link set near mtu 9000
	ip -n "$ns2" link set far mtu 9000
	addr_add "$ns1" near 192.0.2.1/24 2001:db8::1/64
	addr_add "$ns2" far 192.0.2.2/24 2001:db8::2/64
	send_from "$ns1" 2 "$S4" -s 8000 -W 5
	expect_eq "answers before" "$RECEIVED" 2
	start_on "$ns2" -i far -m native
	expect_eq mode "$(xdp_mode "$ns2" far)" native
	send_from "$ns1" 2 "$S4" -s 8000
	expect_eq "answers" "$RECEIVED" 0
	send_from "$ns1" 2 "$S6" -s 8000
	expect_eq "answers" "$RECEIVED" 0
	stop
	expect_summary 4 4
}

# ---------------------------------------------------------------------------
# Lifetime

# expect_all_gone FILE: of objects.
expect_all_gone()
{
	local kind id

	while read -r kind id; do
		eventually 10 bpf_object_gone "$kind" "$id"
	done <"$1"
}

# leaves_nothing SIGNAL
leaves_nothing()
{
	have perl || skip "not installed: perl"
	[[ $(uname -m) = @(x86_64|aarch64|riscv64) ]] || skip "bpf(2) has another number here"
	start -i right2
	bpf_objects "$PID" >"$TMP/objects"
	[ "$(grep -c '^prog' "$TMP/objects")" -eq 1 ] || fail "no program: $(<"$TMP/objects")"
	[ "$(grep -c '^map' "$TMP/objects")" -ge 2 ] || fail "no maps: $(<"$TMP/objects")"
	[ "$(grep -c '^link' "$TMP/objects")" -eq 2 ] || fail "no links: $(<"$TMP/objects")"
	! bpf_object_gone prog "$(sed -n 's/^prog //p' "$TMP/objects")" ||
		fail "the program is not found while it runs"
	expect_silence 1 "$S4"
	stop_sample "$PID" "$1" 2>/dev/null || [ "$1" = KILL ]
	expect_all_gone "$TMP/objects"
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right2)" none
	expect_answers 1 "$S4"
}

test_kill_9_leaves_nothing()
{
	leaves_nothing KILL
	# A new one can start at once.
	start -m native
	expect_silence 1 "$S4"
	stop
}

test_sigterm_leaves_nothing()
{
	leaves_nothing TERM
}

# second MODE REAL-MODE: a second instance is refused, the first goes on.
second()
{
	local first

	start -m "$1"
	first=$PID
	expect_silence 1 "$S4"
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5
	expect_eq stdout "$OUT" ""
	expect_err "^ping: failed to attach to right: XDP program 'ping' .*\b$2 mode"
	expect_err "\bprocess $first\b"
	expect_err "^  hint: .*kill $first\$"
	# Nor in the mode that the first one does not use.
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5 -m native
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5 -m skb
	expect_err "XDP program 'ping' .*\b$2 mode.*\bprocess $first\b"
	expect_silence 1 "$S4"
	expect_eq "mode" "$(xdp_mode "$SERVER" right)" "$2"
	stop
	expect_summary 2 2
}

test_second_instance_native()
{
	second native native
}

test_second_instance_skb()
{
	second skb skb
}

# A program that no process holds, as "ip link" leaves it.
test_program_of_ip_link()
{
	local obj=$NETBPF_OUT/samples/pass_kern.o

	[ -r "$obj" ] || skip "no $obj"
	ip -n "$SERVER" link set dev right xdpgeneric obj "$obj" sec xdp.frags 2>/dev/null ||
		skip "this ip cannot load $obj"
	defer "ip -n $SERVER link set dev right xdpgeneric off"
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5
	expect_err "XDP program 'pass' .*skb mode.*held by no process"
	expect_err '^  hint: .*ip .*link set dev right xdpgeneric off'
}

test_interface_deleted()
{
	local ns1 ns2

	ns_add ns1 ns2
	veth_pair "$ns1" near "$ns2" far
	addr_add "$ns1" near 192.0.2.1/24
	addr_add "$ns2" far 192.0.2.2/24
	start_on "$ns2" -i far
	send_from "$ns1" 2 "$S4"
	ip -n "$ns2" link del far
	stop
	expect_summary 2 2
	expect_eq events "$(events)" 2
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

test_namespace_deleted()
{
	local name

	name=$(rand_name nbt-)
	ip netns add "$name"
	start_on "$name" -i lo
	ip netns del "$name"
	stop
	expect_summary 0 0
}

# ---------------------------------------------------------------------------
# The SSH session

# ssh_ping ADDRESS OPTION...: in the server's namespace, as if the session had come
# in at ADDRESS; the sample does not know that the namespace is not the host's.
ssh_ping()
{
	in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $1 22" "$PING" -d 0.05 "${@:2}"
}

expect_refused()
{
	expect_status 1 "$@"
	expect_eq stdout "$OUT" ""
	expect_err '^ping: failed to attach to .*SSH'
	expect_err '^  hint: .*--force'
}

test_ssh_interface_is_refused()
{
	expect_refused ssh_ping 127.0.0.1 -i lo
	expect_refused ssh_ping ::1 -i lo
	expect_refused ssh_ping "$S4" -i right
	expect_refused ssh_ping "$S6" -i right
	expect_refused ssh_ping "::ffff:$S4" -i right
	expect_refused ssh_ping "$S4" -i lo -i right
	expect_refused ssh_ping 127.0.0.1 -i 1
	expect_refused ssh_ping "$S4" -i right --every 2 --src 10.0.0.0/8
	expect_eq mode "$(xdp_mode "$SERVER" right)" none
}

# sshd writes the interface behind a link-local address.
test_ssh_link_local()
{
	local addr

	addr=$(ip -n "$SERVER" -j -6 addr show dev right scope link |
		jq -r '[.[].addr_info[]?.local | strings][0]')
	[[ $addr = fe80:* ]] || fail "no link-local address: $addr"
	expect_refused ssh_ping "$addr%right" -i right
	expect_status 0 ssh_ping "$addr%right" -i right2
}

test_ssh_other_interface_is_allowed()
{
	expect_status 0 ssh_ping "$S4" -i right2
	expect_out '^ready: right2 '
	expect_status 0 ssh_ping 192.0.2.200 -i right	# no address of this host
	expect_status 0 ssh_ping nonsense -i right
}

test_ssh_force()
{
	expect_status 0 ssh_ping "$S4" -i right --force
	expect_out '^ready: right '
}

test_ssh_pass_is_allowed()
{
	expect_status 0 ssh_ping "$S4" -i right -a pass
	expect_out '^ready: right '
}

test_ssh_other_namespace_is_allowed()
{
	expect_status 0 ssh_ping 127.0.0.1 -i lo -n "$CLIENT"
	expect_out '^ready: lo '
}

# The own namespace by its name is still the own one.
test_ssh_own_namespace_by_name()
{
	expect_refused ssh_ping "$S4" -i right -n "$SERVER"
}

# sudo takes the variable away, but the shell that it was called from has it.
test_ssh_found_in_an_ancestor()
{
	expect_refused in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" \
		bash -c 'env -u SSH_CONNECTION bash -c "\"$1\" -i right -d 0.05; exit \$?" x "$1"
			exit $?' x "$PING"
}

# The name of a process may hold spaces and parentheses.
test_ssh_behind_an_odd_name()
{
	local odd="$TMP/a) (b c"

	cp "$(command -v bash)" "$odd"
	expect_refused in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" \
		bash -c 'env -u SSH_CONNECTION "$2" -c "\"\$1\" -i right -d 0.05; exit \$?" x "$1"
			exit $?' x "$PING" "$odd"
}

# The session comes in through what is below: a bridge port, the base of a macvlan.
test_ssh_below_a_bridge()
{
	local ns

	ns_add ns
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link add port type veth peer name far
	ip -n "$ns" link set port master br0 up
	ip -n "$ns" link set br0 up
	addr_add "$ns" br0 203.0.113.1/24
	expect_refused ssh_inside "$ns" 203.0.113.1 -i port
	expect_refused ssh_inside "$ns" 203.0.113.1 -i br0
	expect_status 0 ssh_inside "$ns" 203.0.113.1 -i far
}

test_ssh_two_devices_below()
{
	local ns

	ns_add ns
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link add port type veth peer name far
	ip -n "$ns" link set port master br0 up
	ip -n "$ns" link add link br0 name top type macvlan mode bridge ||
		skip "no macvlan in this kernel"
	addr_add "$ns" top 203.0.113.1/24
	expect_refused ssh_inside "$ns" 203.0.113.1 -i top
	expect_refused ssh_inside "$ns" 203.0.113.1 -i br0
	expect_refused ssh_inside "$ns" 203.0.113.1 -i port
	expect_status 0 ssh_inside "$ns" 203.0.113.1 -i far
}

# ssh_inside NETNS ADDRESS OPTION...: with a /sys of that namespace, as a host has.
ssh_inside()
{
	ip netns exec "$1" env SSH_CONNECTION="192.0.2.99 50000 $2 22" \
		"$PING" -d 0.05 "${@:3}"
}

run_tests test_drop_v4 test_drop_v6 test_pass_v4 test_pass_v6 test_own_pings_are_answered \
	test_neighbour_discovery_passes test_src_v4 test_src_v6 test_dst_v4 test_dst_v6 \
	test_src_and_dst test_filter_of_one_family_only test_every_2 test_every_3 \
	test_every_counts_matches test_every_with_pass test_fragments_v4 test_fragments_v6 \
	test_ip_options test_ipv6_extension_headers test_vlan_tags_in_the_frame \
	test_odd_frames_pass test_vlan_devices test_json_events test_json_ready \
	test_json_summary_adds_up test_seen_is_all_packets test_count test_count_of_a_batch test_count_and_quiet \
	test_quiet test_interval test_duration test_lines_are_not_kept_back test_flood \
	test_lost_events test_reader_goes_away test_two_interfaces \
	test_two_interfaces_all_or_none test_native_mode test_skb_mode \
	test_auto_mode_is_native test_native_on_lo_is_refused test_auto_on_lo_is_skb \
	test_mtu_9000 test_kill_9_leaves_nothing test_sigterm_leaves_nothing \
	test_second_instance_native test_second_instance_skb test_program_of_ip_link \
	test_interface_deleted test_namespace_deleted test_ssh_interface_is_refused \
	test_ssh_link_local test_ssh_other_interface_is_allowed test_ssh_force \
	test_ssh_pass_is_allowed test_ssh_other_namespace_is_allowed \
	test_ssh_own_namespace_by_name test_ssh_found_in_an_ancestor \
	test_ssh_behind_an_odd_name test_ssh_below_a_bridge \
	test_ssh_two_devices_below
