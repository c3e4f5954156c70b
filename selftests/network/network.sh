#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/network on real packets: the path that it shows for each packet with every set of
# hooks and actions, switching while packets arrive, and that no program stays behind.
#
#	CLIENT left ---- right SERVER
#
# The sample runs on "right".
#
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/network/paths.sh
. "$NBT_DIR/network/paths.sh"
# shellcheck source=selftests/network/switch.sh
. "$NBT_DIR/network/switch.sh"

need_root
require_tools ip jq nsenter perl ping tc

setup()
{
	NETWORK=$(sample network) SAMPLE=$NETWORK
	pair_add
	pair_answers
}

# start [OPTION...]: start the sample on "right"; replaces start() of pair.sh. Its standard
# input is a pipe, COMMANDS. Only the test holds the writing end, so that the test can also
# close it.
start()
{
	rm -f "$TMP/commands"
	mkfifo "$TMP/commands"
	# Open the pipe for reading and writing: opening it for writing would wait for a reader.
	exec {COMMANDS}<>"$TMP/commands"
	start_main 20 bash -c 'fd=$1; exec {fd}>&-; shift; exec "$@" <"$0"' \
		"$TMP/commands" "$COMMANDS" "$NETWORK" -n "$SERVER" -i right "$@"
}

# tell TEXT: send a command to the sample, and wait until it has printed "switched".
tell()
{
	local n

	n=$(switches)
	echo "$1" >&"$COMMANDS"
	eventually 10 switched_to $((n + 1))
}

switches()
{
	grep -Ec '^switched: |"event":"switched"' "$SAMPLE_OUT" || :
}

switched_to()
{
	[ "$(switches)" -eq "$1" ]
}

# requests: print how many lines about echo requests the sample has printed so far.
requests()
{
	grep -Ec 'echo request|"icmp_type":(8|128)' "$SAMPLE_OUT" || :
}

requests_are()
{
	[ "$(requests)" -eq "$1" ]
}

# expect_paths N TAIL: the sample has printed N lines about echo requests; each ends in TAIL.
expect_paths()
{
	eventually 10 requests_are "$1"
	expect_eq "lines that end in $2" "$(grep 'echo request' "$SAMPLE_OUT" |
		grep -cF "$2" || :)" "$1"
	grep 'echo request' "$SAMPLE_OUT" | while read -r line; do
		[[ $line = *"$2" ]] || fail "not at its end: $line"
	done
}

# ---------------------------------------------------------------------------
# tcpconnect

test_tcpconnect()
{
	local pid

	start -j --tcpconnect --xdp pass ||
		skip "no back end of tcpconnect works here"
	start_sample pid 10 nsenter --net="/run/netns/$CLIENT" -- perl -e "$TAKE"
	in_ns "$SERVER" perl -e "$CONNECT" "$C4" 10
	wait_sample "$pid" 10
	# The sample must not report connections of another namespace.
	in_ns "$CLIENT" perl -e "$CONNECT" 127.0.0.1 1 2>/dev/null || :
	eventually 10 grep -q '"event":"connect"' "$SAMPLE_OUT"
	stop
	expect_json 'map(select(.event == "connect")) | length == 1 and
		(.[0] | .comm == "perl" and .daddr == "192.0.2.1" and .dport == 8080 and .ret == "OK")'
	expect_json 'any(.[]; .event == "path" and .tcp_flags == "SYN ACK" and .sport == 8080)'
	expect_json '.[-1].connects == 1'
}

# ---------------------------------------------------------------------------
# The common options

test_json()
{
	start -j --xdp pass --sockfilter --tc pingpong
	expect_answers 2 "$S4"
	expect_answers 1 "$S6"
	eventually 5 requests_are 3
	stop
	expect_json '.[0] | .event == "ready" and .tool == "network" and
		[.attached[] | .hook + " " + .action] == ["xdp pass", "sockfilter on", "tc pingpong"]'
	expect_json 'map(select(.proto == "icmp")) | length == 2 and all(.[];
		.event == "path" and .ifname == "right" and .family == 4 and .src == $c and
		.dst == $s and .icmp_type == 8 and .len == 98 and .end == "answered" and
		.unmet == [] and .hooks == [{"hook": "xdp", "verdict": "pass"},
			{"hook": "sockfilter", "verdict": "copy"},
			{"hook": "tc", "verdict": "answer"}])' --arg c "$C4" --arg s "$S4"
	expect_json '[.[] | select(.proto == "icmp") | .icmp_seq] == [1, 2]'
	expect_json 'any(.[]; .proto == "icmpv6" and .icmp_type == 128 and .family == 6)'
	expect_json '[.[] | .ts_ns | numbers] | . == sort and .[0] > 1.7e18'
	expect_json '.[-1] | .event == "summary" and .paths == ([.ends[]] | add) and
		.ends.answered == 3 and .lost == 0'
	# Compare the counters of each hook, not of all hooks together: a packet that comes while
	# the hooks are attached or detached meets only some of them.
	expect_json 'def met(hook): [.[] | select(.event == "path").hooks[].hook | select(. == hook)] |
			length;
		.[-1].xdp.seen == met("xdp") and .[-1].tc.seen == met("tc") and met("tc") >= 3'
}

test_time_namespace()
{
	local now

	time_namespace 100000
	now=$(date +%s)
	start_main 20 "${IN_TIME[@]}" "$NETWORK" -n "$SERVER" -i right -j \
		--xdp pass --sockfilter --tc pass
	expect_answers 3 "$S4"
	eventually 5 requests_are 3
	stop
	expect_json 'map(select(.icmp_type == 8)) | length == 3 and all(.[];
		[.hooks[].hook] == ["xdp", "sockfilter", "tc"] and .end == "stack" and
		(.ts_ns / 1e9 - $now | . > -1 and . < 20))' --argjson now "$now"
}

test_count()
{
	start -c 3 --xdp drop-ping
	send 5 "$S4"
	wait_sample "$PID" 10 || fail "status $STATUS"
	expect_match "$SAMPLE_OUT" '^summary: 3 paths'
}

# The client pings before, during and after the run, so that it does not matter how fast
# ping starts.
test_quiet_duration_interval()
{
	local flow

	start_bg flow nsenter "--net=/run/netns/$CLIENT" -- ping -n -q -i 0.02 "$S4"
	start -q -d 1 -I 0.2 --xdp drop-ping
	wait_sample "$PID" 10 || fail "status $STATUS"
	expect_no_match "$SAMPLE_OUT" 'echo request'
	expect_match "$SAMPLE_OUT" '^stats: '
	expect_match "$SAMPLE_OUT" '^summary: [0-9]+ paths: .*\b[1-9][0-9]* dropped'
	expect_answers 1 "$S4"
	stop_sample "$flow" INT
}

test_usage()
{
	local args

	for args in "--xdp drop" "--xdp on" "--tc bogus" "--attach x" "-i lo" "extra"; do
		# shellcheck disable=SC2086 # words
		expect_status 2 "$NETWORK" -n "$SERVER" -i right -d 1 $args
		expect_eq stdout "$OUT" ""
		expect_err '^  hint: '
	done
}

# ---------------------------------------------------------------------------
# Lifetime

no_packet_socket()
{
	expect_no_line '' in_ns "$SERVER" tail -n +2 /proc/net/packet
}

# remove_leftover: where the kernel has no tcx, the clsact filter stays after kill -9. The next
# start reports the filter, and the hint is a command that removes it.
remove_leftover()
{
	local cure

	defer "tc -n $SERVER qdisc del dev right clsact"
	start --tc pass
	stop
	expect_match "$SAMPLE_ERR" \
		'^network: right: a filter that a killed network left is still at work \(ingress,'
	cure=$(sed -n 's/^  hint: //p' "$SAMPLE_ERR")
	bash -c "$cure"
}

test_kill_9_leaves_nothing()
{
	start
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 10 xdp_is "$SERVER" right none
	grep -q '^ready:.*tcx' "$SAMPLE_OUT" || remove_leftover
	expect_no_line '' tc -n "$SERVER" filter show dev right ingress
	no_packet_socket
	expect_answers 1 "$S4"
	# A new instance can start at once.
	path ': xdp drop (never reached sockfilter, tc)' 0 \
		--xdp drop-ping --sockfilter --tc pass
}

test_ended_leaves_nothing()
{
	start --attach clsact
	expect_answers 1 "$S4"
	stop
	xdp_is "$SERVER" right none || fail "XDP is still there"
	expect_no_line clsact tc -n "$SERVER" qdisc show dev right
	no_packet_socket
}

# If another program holds a hook, the sample fails, keeps that program, and attaches nothing
# to the other hooks.
test_busy_hook()
{
	start --xdp drop-ping
	expect_status 1 "$NETWORK" -n "$SERVER" -i right -d 5
	expect_err "^network: failed to attach to right: XDP program 'net_xdp' "
	no_packet_socket
	expect_silence 1 "$S4"
	stop
}

test_ssh_interface_is_refused()
{
	local args

	for args in "--tc drop" "--tc drop-ping" "--xdp drop-ping"; do
		# shellcheck disable=SC2086 # words
		expect_status 1 from_ssh "$S4" -i right $args
		expect_err 'SSH'
		expect_err '^  hint: .*--force'
	done
	expect_status 0 from_ssh "$S4" -i right --xdp pass --tc pingpong
	expect_status 0 from_ssh "$S4" -i right --tc drop --force
	# A command on stdin is refused, too.
	expect_status 0 sh -c 'printf "tc drop\nquit\n" | nsenter --net="/run/netns/$1" -- \
		env SSH_CONNECTION="192.0.2.99 50000 $2 22" "$3" -i right --tc pass' \
		sh "$SERVER" "$S4" "$NETWORK"
	expect_err 'SSH'
	expect_eq "switches" "$(grep -c '^switched' "$OUT_FILE" || :)" 0
}

# If the interface is deleted, the sample ends with a summary, whichever hooks are on.
test_interface_deleted()
{
	local hooks

	for hooks in '--xdp pass --sockfilter --tc pingpong' '--xdp pass --tc pass --attach clsact' \
		     '--tcpconnect'; do
		near_far 1500
		# shellcheck disable=SC2086 # several words
		start_on "$FAR" -i far $hooks
		expect_answers_from "$NEAR" 1 "$S4"
		ip -n "$FAR" link del far
		expect_gone far
		expect_match "$SAMPLE_OUT" '^summary: '
	done
}

run_tests test_all_hooks_by_default test_one_hook test_two_hooks test_dropped_in_xdp \
	test_dropped_in_tc test_answered_in_tc test_skb_mode test_attach_clsact test_vlan \
	test_after_generic_xdp_that_pushes_a_tag test_after_native_xdp_that_pushes_a_tag \
	test_after_generic_xdp_that_pops_a_tag test_after_native_xdp_that_pops_a_tag \
	test_not_seen_again test_not_ip \
	test_only_what_comes_in test_replies_have_a_path test_tcp test_big_tcp test_tcp_gro \
	test_switch_actions test_switch_off_and_on \
	test_switching_leaves_no_gap test_bad_lines test_status_help_quit test_end_of_input \
	test_commands_from_a_file test_tcpconnect test_json test_time_namespace test_count \
	test_quiet_duration_interval test_usage test_kill_9_leaves_nothing \
	test_ended_leaves_nothing test_busy_hook test_interface_deleted \
	test_ssh_interface_is_refused
