#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What samples/sockfilter prints: the lines are those of tcpdump; JSON.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

# traffic: send some packets of each protocol.
traffic()
{
	expect_answers 2 "$S4"
	expect_answers 2 "$S6" -s 101
	expect_answers 1 "$S4" -s 0
	fetch
	in_ns "$CLIENT" curl -sS -m 20 -o /dev/null "http://[$S6]:$PORT/body"
	udp 3 4242 33
	ip -n "$CLIENT" neigh flush dev left
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

# as_tcpdump [OPTION...]: the sample and tcpdump show the same lines for the same packets.
# Multicast listener reports, which the kernel may send at any time, are left out: tcpdump
# shows more details of them.
as_tcpdump()
{
	local all='not (ip6 and ip6[6] = 0) and not (icmp6 and ip6[40] = 133)'

	start -w "$TMP/pcap" --print "$@" "$all"
	traffic
	stop
	grep -Ev '^(ready|summary):|^  (seen|not)' "$SAMPLE_OUT" >"$TMP/ours"
	tcpdump -nn -S --nano "$@" -r "$TMP/pcap" "$all" >"$TMP/theirs" 2>/dev/null
	[ "$(grep -c '^[0-9]' "$TMP/theirs")" -ge 60 ] || fail "too few packets"
	diff "$TMP/theirs" "$TMP/ours" >&2 || fail "not the lines of tcpdump $*"
	for what in 'Flags \[S\.\]' 'UDP, length 33' 'ICMP echo reply' 'ICMP6, echo request' \
		'Request who-has' 'Reply .* is-at' 'neighbor solicitation' \
		'udp port 4242 unreachable'; do
		expect_match "$TMP/ours" "$what"
	done
}

test_lines_are_those_of_tcpdump()
{
	as_tcpdump
}

test_lines_with_link_header()
{
	as_tcpdump -e
}

test_dump_in_hex()
{
	as_tcpdump -x
	as_tcpdump -x -x
}

test_dump_in_hex_and_ascii()
{
	as_tcpdump -X
	as_tcpdump -X -X -e
}

test_dump_in_ascii()
{
	start -A --port "$PORT" -Q in
	fetch
	stop
	expect_match "$SAMPLE_OUT" 'GET /body HTTP/1.1'
	expect_match "$SAMPLE_OUT" "^Host: $S4:$PORT"
}

# If the snap length cuts a header, the line says so.
test_lines_of_cut_packets()
{
	start -w "$TMP/pcap" --print -s 40 --proto icmp -Q in
	expect_answers 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" "IP $C4 > $S4: icmp, length 64 \[\|icmp\]$"
	start --proto icmp -Q in -s 20
	expect_answers 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" '\[\|ip\]$'
}

test_json()
{
	start -j --proto all -Q in
	fetch
	expect_answers 2 "$S6"
	udp 1 4242 33
	stop
	expect_json '[.[] | select(.event == "packet")] | length > 10'
	expect_json '[.[] | select(.proto == "tcp")][0] | .src == $c and .dst == $s and
		.dport == 9999 and .flags == "S" and .family == 4 and .ifname == "right" and
		.direction == "in" and .len >= 74 and .caplen == .len and .payload == 0' \
		--arg c "$C4" --arg s "$S4"
	expect_json '[.[] | select(.proto == "icmp6" and .icmp_type == 128)] |
		length == 2 and .[1].icmp_seq == 2 and .[0].src == $c' --arg c "$C6"
	expect_json '[.[] | select(.proto == "udp")][0] | .dport == 4242 and .payload == 33'
	expect_json '.[-1] | .event == "summary" and .captured == .received and .dropped == 0'
	expect_json '([.[] | select(.event == "packet")] | length) == .[-1].captured'
	expect_json '.[-1] | .seen == (.protocols | add)'
	expect_json '.[-1] | .seen == .received + (.not_copied | add)'
	expect_json '.[0] | .event == "ready" and .attached[0].hook == "socket"'
}

test_json_with_data()
{
	start -j -x --proto icmp -Q in
	expect_answers 1 "$S4" -p c0ffee -s 12
	stop
	# Only IPv4: the kernel may send ICMPv6 packets by itself.
	expect_json 'map(select(.family == 4)) | length == 1 and (.[0] | (.data | length) == 2 * .caplen and
		(.data | test("c0ffeec0ffee")) and .caplen == 54)'
}

# ts_ns is the time of day, not the monotonic clock.
test_time_of_day()
{
	local before after

	before=$(date +%s%N)
	start -j --proto icmp -Q in -c 1
	expect_answers 1 "$S4"
	wait_sample "$PID" 10
	after=$(date +%s%N)
	# bash compares the numbers, because jq has only 53 bits.
	[[ $(<"$SAMPLE_OUT") =~ \"ts_ns\":([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge "$before" ] || fail "${BASH_REMATCH[1]} is before $before"
	[ "${BASH_REMATCH[1]}" -le "$after" ] || fail "${BASH_REMATCH[1]} is after $after"
}
