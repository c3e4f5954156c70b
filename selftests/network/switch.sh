#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/network: switching hooks by commands on stdin while packets arrive.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

test_switch_actions()
{
	start --xdp pass --sockfilter --tc pass
	expect_answers 1 "$S4"
	tell "tc pingpong"
	expect_answers 1 "$S4"
	tell "tc drop-ping"
	expect_silence 1 "$S4"
	tell "xdp drop-ping"
	expect_silence 1 "$S4"
	tell "tc pass"
	tell "xdp pass"
	expect_answers 1 "$S4"
	eventually 5 requests_are 5
	stop
	grep 'echo request' "$SAMPLE_OUT" | sed 's/.*seq 1: //' >"$TMP/got"
	cat >"$TMP/wanted" <<-END
		xdp pass, sockfilter copy, tc pass
		xdp pass, sockfilter copy, tc pingpong (answered)
		xdp pass, sockfilter copy, tc drop
		xdp drop (never reached sockfilter, tc)
		xdp pass, sockfilter copy, tc pass
	END
	diff "$TMP/wanted" "$TMP/got"
	expect_match "$SAMPLE_OUT" '^switched: tc from pass to pingpong$'
}

test_switch_off_and_on()
{
	start
	tell "xdp off"
	xdp_is "$SERVER" right none || fail "XDP is still there"
	expect_answers 1 "$S4"
	tell "xdp drop-ping"
	xdp_is "$SERVER" right native || fail "XDP is not there"
	expect_silence 1 "$S4"
	tell "sockfilter off"
	tell "xdp pass"
	expect_answers 1 "$S4"
	tell "tc off"
	expect_answers 1 "$S4"
	tell "xdp off"
	tell "sockfilter on"
	tell "tc pingpong"
	expect_answers 1 "$S4"
	eventually 5 requests_are 5
	stop
	grep 'echo request' "$SAMPLE_OUT" | sed 's/.*seq 1: //' >"$TMP/got"
	cat >"$TMP/wanted" <<-END
		sockfilter copy, tc pass
		xdp drop (never reached sockfilter, tc)
		xdp pass, tc pass
		xdp pass
		sockfilter copy, tc pingpong (answered)
	END
	diff "$TMP/wanted" "$TMP/got"
}

# While packets arrive, switch the other hooks off and on: XDP misses no packet, and every ping
# is answered.
test_switching_leaves_no_gap()
{
	local early out pid i

	# Packets also arrive while the sample attaches and detaches its hooks. TC is the first hook
	# on and the last one off, so a packet of that moment has a path in which XDP is missing.
	start_bg early nsenter --net="/run/netns/$CLIENT" -- ping -n -q -i 0.02 -W 2 "$S4"
	start -j --xdp pass --sockfilter --tc pingpong
	# Send 500 packets a second until the last switch. A flood would fill the ring buffer on a
	# busy machine, and could end before the switching begins.
	start_bg pid nsenter --net="/run/netns/$CLIENT" -- ping -n -q -i 0.002 -W 2 "$S4"
	for ((i = 0; i < 5; i++)); do
		tell "sockfilter off"
		tell "tc off"
		tell "sockfilter on"
		tell "tc pingpong"
		tell "xdp pass"
	done
	stop_sample "$pid" INT
	out=$(<"$(sample_out "$pid")")
	[[ $out =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] || fail "$out"
	stop
	stop_sample "$early" INT || :
	# TC answers, or the stack while TC is off.
	expect_eq "answers" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
	expect_json '.[-1] | .xdp.pass >= $n and .tc.answer > 0 and
		.tc.answer < $n and .sockfilter.copy < $n' --argjson n "${BASH_REMATCH[1]}"
	# No path ends in a way that only a gap can explain. If events were lost, the paths are
	# incomplete; that is no gap, because the counters above missed no packet.
	expect_json '.[-1] | .lost > 0 or (.ends | .unseen == 0 and .unknown == 0 and
		.dropped == 0)'
	# Each echo request has exactly one path, even while a hook comes or goes.
	expect_json '.[-1].lost > 0 or (map(select(.icmp_type == 8) | [.icmp_id, .icmp_seq]) |
		length >= $n and length == (unique | length))' --argjson n "${BASH_REMATCH[1]}"
}

test_bad_lines()
{
	local line

	start --xdp pass
	for line in "xdp drop" "tc on" "bogus" "xdp" "status now" "sockfilter maybe" \
		"$(printf 'x%.0s' {1..600})"; do
		echo "$line" >&"$COMMANDS"
	done
	tell "xdp drop-ping"
	expect_match "$SAMPLE_ERR" '^network: xdp drop: not pass, drop-ping or off$'
	expect_match "$SAMPLE_ERR" '^network: tc on: not pass, drop, drop-ping, pingpong or off$'
	expect_match "$SAMPLE_ERR" '^network: bogus: no such command$'
	expect_match "$SAMPLE_ERR" '^network: xdp: switch it to what\?'
	expect_match "$SAMPLE_ERR" '^network: a line of more than 255 characters'
	expect_eq "switched" "$(switches)" 1
	expect_silence 1 "$S4"
	stop
}

test_status_help_quit()
{
	start -j --xdp pass --tc drop-ping
	echo status >&"$COMMANDS"
	echo help >&"$COMMANDS"
	echo quit >&"$COMMANDS"
	wait_sample "$PID" 10 || fail "status $STATUS"
	expect_json '[.[].event] - ["path"] == ["ready", "status", "stats", "summary"]'
	expect_json '.[] | select(.event == "status") | .attached | map(.hook + " " + .action) ==
		["xdp pass", "tc drop-ping"]'
	expect_match "$SAMPLE_ERR" '  tc: pass, drop, drop-ping, pingpong or off'
}

# The end of the input does not end the sample. The last line counts even without a newline.
test_end_of_input()
{
	start --xdp pass
	printf 'xdp off\nxdp drop-ping' >&"$COMMANDS"
	eventually 10 switched_to 1
	exec {COMMANDS}>&-
	eventually 10 switched_to 2
	expect_silence 2 "$S4"
	stop
	expect_match "$SAMPLE_OUT" 'echo request .*: xdp drop$'
}

test_commands_from_a_file()
{
	echo "xdp drop-ping" >"$TMP/file"
	start_main 20 sh -c 'exec "$@" <"$0"' "$TMP/file" "$NETWORK" -n "$SERVER" -i right
	eventually 10 switched_to 1
	expect_silence 1 "$S4"
	stop
}
