#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/network on real packets: the path of each packet for every set of hooks
# and what they do, switching while packets go through, and that nothing stays.
#
#	CLIENT left ---- right SERVER
#
# The sample runs on "right".
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq, perl or another shell

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter perl ping tc

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2

setup()
{
	NETWORK=$(sample network)
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	# The first packet of each family needs no neighbour discovery.
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

# start [OPTION...]: the sample on "right", its standard input in our hands: nobody
# else, not even the sample, holds the end for writing.
start()
{
	rm -f "$TMP/commands"
	mkfifo "$TMP/commands"
	# For reading and writing: opening waits for nobody.
	exec {COMMANDS}<>"$TMP/commands"
	start_sample PID 20 bash -c 'fd=$1; exec {fd}>&-; shift; exec "$@" <"$0"' \
		"$TMP/commands" "$COMMANDS" "$NETWORK" -n "$SERVER" -i right "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# tell TEXT: to the sample, which tells when it has switched.
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

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
	SUMMARY=$(grep -E '^summary:|"event":"summary"' "$SAMPLE_OUT")
}

# send N ADDRESS [PING-OPTION...]: N echo requests; RECEIVED were answered.
send()
{
	local n=$1 addr=$2 out

	shift 2
	out=$(in_ns "$CLIENT" ping -n -c "$n" -i 0.02 -W 0.3 "$@" "$addr" 2>&1) ||
		[ $? -eq 1 ] || fail "ping: $out"
	[[ $out =~ packets\ transmitted,\ ([0-9]+)\ received ]] || fail "ping: $out"
	RECEIVED=${BASH_REMATCH[1]}
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

# requests: lines of echo requests so far.
requests()
{
	grep -Ec 'echo request|"icmp_type":(8|128)' "$SAMPLE_OUT" || :
}

requests_are()
{
	[ "$(requests)" -eq "$1" ]
}

# expect_paths N TAIL: N requests were seen, and each line of one ends in TAIL.
expect_paths()
{
	eventually 10 requests_are "$1"
	expect_eq "lines that end in $2" "$(grep 'echo request' "$SAMPLE_OUT" |
		grep -cF "$2" || :)" "$1"
	grep 'echo request' "$SAMPLE_OUT" | while read -r line; do
		[[ $line = *"$2" ]] || fail "not at its end: $line"
	done
}

xdp_is()
{
	[ "$(ip -n "$SERVER" -d -j link show dev right | jq -r '.[0].xdp.mode // 0')" = "$1" ]
}

# ---------------------------------------------------------------------------
# Paths

# path TAIL ANSWERS OPTION...: two pings of each family, all with that path.
path()
{
	local tail=$1 answers=$2

	shift 2
	start "$@"
	send 2 "$S4"
	expect_eq "answers with $*" "$RECEIVED" "$answers"
	send 2 "$S6"
	expect_eq "answers with $*" "$RECEIVED" "$answers"
	expect_paths 4 "$tail"
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 2: "
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 2: "
	stop
	[[ $SUMMARY = *' 0 events lost' ]] || fail "$SUMMARY"
}

test_all_hooks_by_default()
{
	path ': xdp pass, sockfilter copy, tc pass' 2
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp pass, native; sockfilter on; tc pass, (tcx|clsact); tcpconnect o(n, [a-z]+|ff)\)$'
}

test_one_hook()
{
	path ': xdp pass' 2 --xdp pass
	path ': sockfilter copy' 2 --sockfilter
	path ': tc pass' 2 --tc pass
}

test_two_hooks()
{
	path ': xdp pass, sockfilter copy' 2 --xdp pass --sockfilter
	path ': xdp pass, tc pass' 2 --xdp pass --tc pass
	path ': sockfilter copy, tc pass' 2 --sockfilter --tc pass
}

# The lesson of the chapter.
test_dropped_in_xdp()
{
	path ': xdp drop (never reached sockfilter, tc)' 0 \
		--xdp drop-ping --sockfilter --tc pingpong
	expect_match "$SAMPLE_OUT" '^  xdp: [0-9]+ packets seen: .*\b4 dropped'
	expect_no_match "$SAMPLE_OUT" '^  tc: .*answered'
	path ': xdp drop (never reached tc)' 0 --xdp drop-ping --tc pass
	path ': xdp drop' 0 --xdp drop-ping
}

test_dropped_in_tc()
{
	path ': xdp pass, sockfilter copy, tc drop' 0 --xdp pass --sockfilter --tc drop-ping
	path ': xdp pass, sockfilter copy, tc drop' 0 --xdp pass --sockfilter --tc drop
	# Drop all has dropped neighbour discovery too.
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

test_answered_in_tc()
{
	in_ns "$SERVER" sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	defer "nsenter --net=/run/netns/$SERVER sysctl -qw net.ipv4.icmp_echo_ignore_all=0"
	start --xdp pass --sockfilter --tc pingpong
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	expect_paths 6 ': xdp pass, sockfilter copy, tc pingpong (answered)'
	stop
	expect_match "$SAMPLE_OUT" '^  tc: [0-9]+ packets seen: .*\b6 answered'
}

# In skb mode too, where kernels from 6.9 on hide the Ethernet header from TC.
test_skb_mode()
{
	path ': xdp pass, sockfilter copy, tc pingpong (answered)' 2 \
		-m skb --xdp pass --sockfilter --tc pingpong
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp pass, skb; '
	path ': xdp pass, sockfilter copy, tc pass' 2 -m skb
}

test_attach_clsact()
{
	path ': xdp pass, tc pingpong (answered)' 2 --attach clsact --xdp pass --tc pingpong
	expect_match "$SAMPLE_OUT" '; tc pingpong, clsact; '
	expect_eq "filters left" "$(tc -n "$SERVER" filter show dev right ingress)" ""
}

# frame HEX...: put a frame on the wire, as it is.
frame()
{
	in_ns "$CLIENT" perl -e '
		my ($index, @hex) = @ARGV;
		socket(my $s, 17, 3, 0) or die "socket: $!";
		send($s, pack("H*", join("", @hex)), 0, pack("S n i S C C a8", 17, 0, $index))
			or die "send: $!"' \
		"$(ip -n "$CLIENT" -j link show dev left | jq '.[0].ifindex')" "$@"
}

MACS=020000000002020000000001
# An echo request, identifier 1, number 2, from 192.0.2.1 to 192.0.2.2.
PING4=4500001c000140004001b68bc0000201c00002020800f7fc00010002

# XDP sees the tag, the others do not: the kernel has taken it out.
test_vlan()
{
	start --xdp drop-ping --sockfilter --tc pass
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 1
	tell "xdp pass"
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 2
	tell "tc drop-ping"
	frame "$MACS" 81000064 0800 "$PING4"
	eventually 5 requests_are 3
	stop
	grep 'echo request' "$SAMPLE_OUT" >"$TMP/got"
	sed "s/^/$C4 > $S4: ICMP echo request id 1 seq 2: /" >"$TMP/wanted" <<-END
		xdp drop (never reached sockfilter, tc)
		xdp pass, sockfilter copy, tc pass
		xdp pass, sockfilter copy, tc drop
	END
	diff "$TMP/wanted" "$TMP/got"
}

# The kernel drops a frame with half a VLAN tag right behind XDP.
test_not_seen_again()
{
	start
	frame "$MACS" 8100 00
	eventually 5 grep -q 0x8100 "$SAMPLE_OUT"
	stop
	expect_match "$SAMPLE_OUT" '^02:00:00:00:00:01 > 02:00:00:00:00:02: EtherType 0x8100, malformed: xdp pass \(not seen again: never reached sockfilter, tc\)$'
	expect_match "$SAMPLE_OUT" '^summary: .*\b1 not seen again'
}

test_not_ip()
{
	start
	ip -n "$CLIENT" neigh flush dev left
	expect_answers 1 "$S4"
	frame "$MACS" 88b5 00112233
	eventually 5 grep -q 0x88b5 "$SAMPLE_OUT"
	stop
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ARP request: xdp pass, sockfilter copy, tc pass$"
	expect_match "$SAMPLE_OUT" ': EtherType 0x88b5: xdp pass, sockfilter copy, tc pass$'
}

# What goes out has no path here: the replies of this host, for one.
test_only_what_comes_in()
{
	start
	expect_answers 2 "$S4"
	stop
	expect_no_match "$SAMPLE_OUT" 'echo reply'
}

test_replies_have_a_path()
{
	start --xdp pass --tc pass
	in_ns "$SERVER" ping -n -c 2 -i 0.02 "$C4" >/dev/null
	stop
	expect_eq "replies" "$(grep -c "^$C4 > $S4: ICMP echo reply .*: xdp pass, tc pass$" \
		"$SAMPLE_OUT")" 2
}

# A server on port 8080 that takes one connection, and its client.
TAKE='use IO::Socket::INET; $| = 1;
	my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;
	print "ready:\n"; my $c = $s->accept; my $n = 0;
	while (sysread($c, my $b, 1 << 20)) { $n += length $b } print "$n\n"'
CONNECT='use IO::Socket::INET;
	my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080) or die;
	my $d = "x" x $ARGV[1]; my $o = 0;
	while ($o < length $d) { $o += syswrite($c, $d, length($d) - $o, $o) }'

# transfer BYTES: from the client to the server, over TCP.
transfer()
{
	local pid

	start_sample pid 10 nsenter --net="/run/netns/$SERVER" -- perl -e "$TAKE"
	in_ns "$CLIENT" perl -e "$CONNECT" "$S4" "$1"
	wait_sample "$pid" 20
	expect_eq "bytes that came" "$(tail -1 "$(sample_out "$pid")")" "$1"
}

test_tcp()
{
	start -j --xdp pass --sockfilter --tc pass
	transfer 1000
	stop
	expect_json 'map(select(.event == "path" and .proto == "tcp" and .dport == 8080)) |
		.[0].tcp_flags == "SYN" and (map(.payload) | add) == 1000 and
		any(.[]; .tcp_flags | contains("FIN")) and
		all(.[]; .end == "stack" and [.hooks[].hook] == ["xdp", "sockfilter", "tc"])'
}

# Many segments in XDP become one packet: each segment is accounted for.
test_tcp_gro()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$SERVER" ethtool -K right gro on || skip "no GRO on veth here"
	defer "nsenter --net=/run/netns/$SERVER ethtool -K right gro off"
	start -q -j --xdp pass --sockfilter --tc pass
	transfer 3000000
	stop
	expect_json '.[-1] | .lost == 0 and .ends.merged > 0 and .ends.unseen == 0 and
		.ends.unknown == 0 and .xdp.seen == .paths and
		.tc.seen == .paths - .ends.merged and .sockfilter.seen == .tc.seen'
}

# ---------------------------------------------------------------------------
# Switching

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
	xdp_is 0 || fail "XDP is still there"
	expect_answers 1 "$S4"
	tell "xdp drop-ping"
	xdp_is 1 || fail "XDP is not there"
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

# Switch the other hooks while packets go through: XDP and what answers miss none.
test_switching_leaves_no_gap()
{
	local out pid i

	start -q -j --xdp pass --sockfilter --tc pingpong
	# 500 packets a second until the last switch: a flood would fill the ring
	# buffer of a busy machine, and may end before the switching begins.
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
	# Answered by TC, or by the stack while TC was off.
	expect_eq "answers" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
	expect_json '.[-1] | .xdp.pass >= $n and .tc.answer > 0 and
		.tc.answer < $n and .sockfilter.copy < $n' --argjson n "${BASH_REMATCH[1]}"
	# No packet's path has an end that only a gap can explain, and each packet
	# is one path, also while a hook came or went. A lost event is told and no
	# gap: the counters above miss no packet.
	expect_json '.[-1] | .lost > 0 or (.ends | .unseen == 0 and .unknown == 0 and
		.dropped == 0)'
	expect_json '.[-1] | .lost > 0 or .paths == .xdp.seen'
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

# The end of the input is not the end of the program; a last line counts without
# newline.
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
	start_sample PID 20 sh -c 'exec "$@" <"$0"' "$TMP/file" "$NETWORK" -n "$SERVER" -i right
	SAMPLE_OUT=$(sample_out "$PID")
	eventually 10 switched_to 1
	expect_silence 1 "$S4"
	stop
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
	# Another namespace is none of ours.
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
		.ends.answered == 3 and .xdp.seen == .tc.seen and .lost == 0'
}

test_count()
{
	start -c 3 --xdp drop-ping
	send 5 "$S4"
	wait_sample "$PID" 10 || fail "status $STATUS"
	expect_match "$SAMPLE_OUT" '^summary: 3 paths'
}

# Pings flow before, during and after: how fast ping starts does not matter.
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

# A filter of clsact stays, where the kernel has no tcx. The next start tells of it, and
# how to remove it.
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
	eventually 10 xdp_is 0
	grep -q '^ready:.*tcx' "$SAMPLE_OUT" || remove_leftover
	expect_eq "filters left" "$(tc -n "$SERVER" filter show dev right ingress)" ""
	expect_eq "packet sockets left" "$(in_ns "$SERVER" sh -c 'tail -n +2 /proc/net/packet')" ""
	expect_answers 1 "$S4"
	# A new one can start at once.
	path ': xdp drop (never reached sockfilter, tc)' 0 \
		--xdp drop-ping --sockfilter --tc pass
}

test_ended_leaves_nothing()
{
	start --attach clsact
	expect_answers 1 "$S4"
	stop
	xdp_is 0 || fail "XDP is still there"
	expect_eq "qdiscs" "$(tc -n "$SERVER" qdisc show dev right | grep -c clsact || :)" 0
	expect_eq "packet sockets left" "$(in_ns "$SERVER" sh -c 'tail -n +2 /proc/net/packet')" ""
}

# A hook that is taken is not taken over, and the others stay as they were.
test_busy_hook()
{
	start --xdp drop-ping
	expect_status 1 "$NETWORK" -n "$SERVER" -i right -d 5
	expect_err "^network: failed to attach to right: XDP program 'net_xdp' "
	expect_eq "packet sockets left" "$(in_ns "$SERVER" sh -c 'tail -n +2 /proc/net/packet')" ""
	expect_silence 1 "$S4"
	stop
}

# ssh OPTION...: as if an SSH session had come in on "right".
ssh_network()
{
	in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" \
		"$NETWORK" -i right -d 0.1 "$@"
}

test_ssh_interface_is_refused()
{
	local args

	for args in "--tc drop" "--tc drop-ping" "--xdp drop-ping"; do
		# shellcheck disable=SC2086 # words
		expect_status 1 ssh_network $args
		expect_err 'SSH'
		expect_err '^  hint: .*--force'
	done
	expect_status 0 ssh_network --xdp pass --tc pingpong
	expect_status 0 ssh_network --tc drop --force
	# A command is no way around it.
	expect_status 0 sh -c 'printf "tc drop\nquit\n" | nsenter --net="/run/netns/$1" -- \
		env SSH_CONNECTION="192.0.2.99 50000 $2 22" "$3" -i right --tc pass' \
		sh "$SERVER" "$S4" "$NETWORK"
	expect_err 'SSH'
	expect_eq "switches" "$(grep -c '^switched' "$OUT_FILE" || :)" 0
}

run_tests test_all_hooks_by_default test_one_hook test_two_hooks test_dropped_in_xdp \
	test_dropped_in_tc test_answered_in_tc test_skb_mode test_attach_clsact test_vlan test_not_seen_again test_not_ip \
	test_only_what_comes_in test_replies_have_a_path test_tcp test_tcp_gro \
	test_switch_actions test_switch_off_and_on \
	test_switching_leaves_no_gap test_bad_lines test_status_help_quit test_end_of_input \
	test_commands_from_a_file test_tcpconnect test_json test_count \
	test_quiet_duration_interval test_usage test_kill_9_leaves_nothing \
	test_ended_leaves_nothing test_busy_hook test_ssh_interface_is_refused
