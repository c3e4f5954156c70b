#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Events of samples/pktcount: as text and JSON, with --sample, and lost ones.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

test_events_in_text()
{
	quiet --events
	udp "$QUIET1" 2 "$SINK" 4242
	expect_answers_from "$QUIET1" 1 "$S4"
	eventually 5 lines_at_least 3 ' bytes$'
	stop
	expect_eq "udp lines" "$(lines \
		"^[0-9:]{8}\.[0-9]{6} far $C4:[0-9]+ > $SINK:4242: udp, 44 bytes\$")" 2
	expect_match "$SAMPLE_OUT" " far $C4 > $S4: icmp, 98 bytes\$"
	# With --events there are no tables unless an option asks for them.
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
	expect_answers 1 "$S4"
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

# Events of packets that arrive after the signal, but before the program is detached, are
# shown.
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

# While the sample is stopped, the ring buffer fills up. Lost events are counted.
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
