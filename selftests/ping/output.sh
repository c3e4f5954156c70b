#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping: what it prints, and when it ends by itself.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq

test_json_events()
{
	local now id=() keys=event,ts_ns,ifname,family,src,dst,icmp_id,icmp_seq,verdict

	# Since iputils 20210722, -e sets the identifier. "ping -h" exits with status 2.
	[[ ! $(ping -h 2>&1 || :) =~ $'\n'\ *-e\  ]] || id=(-e 4242)
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

test_json_in_a_time_namespace()
{
	local now

	time_namespace 100000
	start_main 20 "${IN_TIME[@]}" "$PING" -n "$SERVER" -i right -j
	now=$(date +%s)
	expect_silence 1 "$S4"
	stop
	expect_json '.[1].ts_ns / 1e9 - $now | . > -1 and . < 5' --argjson now "$now"
}

test_json_ready()
{
	local index

	index=$(link_index "$SERVER" right)
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

# The sample sees every packet that comes in: it counts as many as the kernel.
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

# -c holds even if more events than that wait in the ring buffer.
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

# With -c and -d, whichever limit is reached first ends the sample: here the time.
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

# Events that arrive while the sample ends are shown, even with -c, if the sample ends before
# it has shown that many.
test_end_before_the_count()
{
	local flow

	start_bg flow nsenter "--net=/run/netns/$CLIENT" ping -n -q -f "$S4"
	for _ in {1..10}; do
		start -d 0.05 -c 1000000
		wait_sample "$PID" 10
		expect_match "$SAMPLE_OUT" "^summary: .* $(events) matched"
	done
	stop_sample "$flow" INT || :
}

# Lines are not buffered, although stdout is a file: they come while the sample runs.
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

# While the sample is stopped, the ring buffer fills up and events are lost. The program
# counts lost events, and still handles and counts all packets.
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

# If the reader of the output ends, as in "ping | head -1", the next event ends the sample.
test_reader_goes_away()
{
	start_into_head
	expect_match "$TMP/line" '^ready: right'
	send 1 "$S4"
	wait_sample_plain "$PID"
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
}

# wait_sample_plain PID: the process ends by itself, with status 0 or 1. Unlike wait_sample,
# this works without the output files of start_sample.
wait_sample_plain()
{
	eventually 10 sample_ended "$1"
	STATUS=0
	wait "$1" || STATUS=$?
	[ "$STATUS" -le 1 ] || fail "status $STATUS"
}
