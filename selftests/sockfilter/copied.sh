#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which packets samples/sockfilter copies: protocols, ports, hosts, directions, expressions.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# ---------------------------------------------------------------------------
# What is copied

# The filter works from the first moment on: although UDP packets flood the interface, none
# gets into the ring before the filter is attached.
test_nothing_unfiltered()
{
	local i

	MET=0
	start_bg FLOOD nsenter --net="/run/netns/$CLIENT" perl -MSocket -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
		my $to = pack_sockaddr_in(4242, inet_aton($ARGV[0]));
		while (1) { send($s, "x" x 100, 0, $to) }' "$S4"
	for ((i = 0; i < 10; i++)); do
		nothing_copied tcp
		nothing_copied expression tcp port 4242
	done
	[ "$MET" -ge 1000 ] || fail "the filter has met $MET datagrams only"
}

# nothing_copied WHY [EXPRESSION]: start the sample during the flood; it copies no packet. MET
# adds up the datagrams that the filter has seen.
nothing_copied()
{
	local why=$1

	shift
	expect_status 0 "$SOCKFILTER" -n "$SERVER" -i right -d 0.05 -w "$TMP/pcap" "$@"
	expect_out '^summary: 0 packets captured, 0 received by filter'
	[[ ! $OUT =~ ([0-9]+)\ udp ]] || MET=$((MET + BASH_REMATCH[1]))
	expect_eq "packets ($why)" "$(packets "$TMP/pcap")" 0
}

# copies N OPTION...: start the sample with these options. Make a TCP connection, send two UDP
# datagrams, which cause two ICMP errors, and three pings of each family. The sample must
# copy N packets ("some": more than 5).
copies()
{
	local want=$1

	shift
	start -w "$TMP/pcap" "$@"
	fetch
	udp 2 4242
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	stop
	if [ "$want" = some ]; then
		[ "$(packets "$TMP/pcap")" -gt 5 ] || fail "only $(packets "$TMP/pcap") packets"
	else
		expect_eq "packets with $*" "$(packets "$TMP/pcap")" "$want"
	fi
}

# only EXPRESSION: all packets in the pcap file match EXPRESSION.
only()
{
	expect_eq "packets that are not: $1" "$(packets "$TMP/pcap" "not ($1)")" 0
}

test_tcp_is_the_default()
{
	copies some
	only tcp
	expect_match "$SAMPLE_OUT" 'seen by the filter: [0-9]+ tcp, 2 udp, [0-9]+ icmp'
	expect_match "$SAMPLE_OUT" 'not copied: .*[0-9]+ protocol'
}

test_proto()
{
	copies some --proto tcp
	only tcp
	copies 2 --proto udp
	only udp
	copies some --proto icmp
	only 'icmp or (ip6 and not tcp and not udp)'
	[ "$(packets "$TMP/pcap" 'icmp[icmptype] = icmp-echo')" -eq 3 ]
	[ "$(packets "$TMP/pcap" 'icmp6 and ip6[40] = 128')" -eq 3 ]
	copies some --proto all
	[ "$(packets "$TMP/pcap" tcp)" -gt 5 ]
	[ "$(packets "$TMP/pcap" udp)" -eq 2 ]
}

test_port()
{
	copies 0 --port 80
	copies 2 --proto all --port 4242
	copies some --proto all --port "$PORT"
	only "tcp port $PORT"
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right --proto icmp --port 80
	expect_err 'no ports'
}

test_host()
{
	copies 6 --proto icmp --host "$C6"
	copies 0 --proto udp --host "$C6"
	copies 2 --proto udp --host "$C4"
	copies 2 --proto udp --host 192.0.2.0/30
	copies 0 --proto udp --host 192.0.2.4/30
	copies 2 --proto udp --host 0.0.0.0/0
	copies 0 --proto udp --host ::/0
	# A prefix of length 0 matches all addresses of its own family only.
	copies some --proto icmp --host ::/0
	only icmp6
	[ "$(packets "$TMP/pcap" 'ip6[40] = 128')" -eq 3 ]
	copies some --proto icmp --host 0.0.0.0/0
	only icmp
	[ "$(packets "$TMP/pcap" 'icmp[icmptype] = icmp-echo')" -eq 3 ]
}

test_direction()
{
	start -w "$TMP/in" --proto icmp --host "$S4" -Q in
	local in=$PID
	start -w "$TMP/out" --proto icmp --host "$S4" -Q out
	local out=$PID
	start -j --proto icmp --host "$S4" -Q inout
	expect_answers 4 "$S4"
	stop
	expect_json '[.[] | select(.event == "packet") | .direction] ==
		["in", "out", "in", "out", "in", "out", "in", "out"]'
	PID=$in
	stop
	PID=$out
	stop
	expect_eq "requests" "$(packets "$TMP/in" 'icmp[icmptype] = icmp-echo')" 4
	expect_eq "all that came in" "$(packets "$TMP/in")" 4
	expect_eq "replies" "$(packets "$TMP/out" 'icmp[icmptype] = icmp-echoreply')" 4
	expect_eq "all that went out" "$(packets "$TMP/out")" 4
}

# The kernel offers each packet of lo twice, on its way out and in; the sample shows it once.
test_loopback()
{
	local dir

	for dir in in out inout; do
		start_on "$SERVER" -i lo --proto icmp -Q "$dir" -w "$TMP/$dir"
		in_ns "$SERVER" ping -q -c 3 -i 0.02 127.0.0.1 >/dev/null
		in_ns "$SERVER" ping -q -c 2 -i 0.02 ::1 >/dev/null
		stop
		expect_eq "packets with -Q $dir" "$(packets "$TMP/$dir")" 10
		tcpdump -nn -t -r "$TMP/$dir" >"$TMP/$dir.text" 2>/dev/null
	done
	expect_match "$TMP/in.text" '127.0.0.1 > 127.0.0.1: ICMP echo reply'
}

test_two_interfaces()
{
	start -i lo --proto icmp -j
	expect_answers 1 "$S4"
	in_ns "$SERVER" ping -q -c 1 127.0.0.1 >/dev/null
	stop
	expect_json '[.[] | select(.event == "packet" and .family == 4) | .ifname] | sort ==
		["lo", "lo", "right", "right"]'
	start -i lo --proto icmp
	expect_answers 1 "$S4"
	stop
	expect_match "$SAMPLE_OUT" "^[0-9:.]+ right In  IP $C4 > $S4: ICMP echo request"
	expect_match "$SAMPLE_OUT" "^[0-9:.]+ right Out IP $S4 > $C4: ICMP echo reply"
}

test_count()
{
	start --proto icmp -c 5
	expect_answers 10 "$S4"
	wait_sample "$PID" 10
	# Do not count ICMPv6 lines: a router solicitation may come at any time.
	expect_eq "lines" "$(grep -c ': ICMP' "$SAMPLE_OUT")" 5
	expect_match "$SAMPLE_OUT" '^summary: 5 packets captured'
	start --proto icmp -c 5 -w "$TMP/pcap"
	expect_answers 10 "$S4"
	wait_sample "$PID" 10
	expect_eq "packets" "$(packets "$TMP/pcap")" 5
}

test_quiet()
{
	start --proto icmp -q
	expect_answers 2 "$S4"
	stop
	expect_no_match "$SAMPLE_OUT" 'ICMP echo'
	expect_match "$SAMPLE_OUT" '^summary: [4-9] packets'
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

# Each line comes soon, not only when a buffer is full.
test_lines_are_not_kept_back()
{
	start --proto icmp
	expect_answers 1 "$S4"
	eventually 2 lines_are "$SAMPLE_OUT" 2
	stop
}

test_copy_only()
{
	start
	fetch
	expect_answers 3 "$S4"
	stop
	expect_eq "lines" "$(grep -c 'copy only: traffic is not changed' "$SAMPLE_ERR")" 1
}

# --trace also reports ICMP packets, although the filter copies only TCP.
test_trace()
{
	start --trace --host "$C4"
	fetch
	expect_answers 2 "$S4"
	udp 1 4242
	stop
	expect_match "$SAMPLE_OUT" "^trace: $C4\.[0-9]+ > $S4\.$PORT TCP, length 74: copied$"
	expect_match "$SAMPLE_OUT" "^trace: $C4 > $S4 ICMP, length 98: not copied \(protocol\)$"
	expect_no_match "$SAMPLE_OUT" '^trace: .*\.4242'
	expect_eq "copied, traced or shown" "$(grep -c '^trace: .*: copied' "$SAMPLE_OUT")" \
		"$(grep -c '^[0-9].* IP .*Flags' "$SAMPLE_OUT")"
	start --trace -j
	expect_answers 2 "$S4"
	stop
	expect_json '[.[] | select(.event == "trace" and .family == 4)] | length == 4 and
		.[0].verdict == "not copied" and .[0].reason == "protocol"'
}

# ---------------------------------------------------------------------------
# Expressions

test_expression()
{
	copies some "tcp port $PORT"
	only "tcp port $PORT"
	copies 3 icmp and 'icmp[icmptype] = icmp-echo'
	copies 2 udp
	copies 3 icmp6 and "src host $C6" and 'ip6[40] = 128'
	copies 0 vlan and arp
	copies 2 udp and less 200 and greater 100
}

# A packet must match the expression and the options.
test_expression_and_own_filters()
{
	copies 0 --proto tcp udp
	copies 2 --proto udp "port 4242"
	copies 3 --proto icmp --host "$C4" 'icmp[0] == 8'
	expect_match "$SAMPLE_OUT" 'not copied: .*[0-9]+ expression'
}

# The sample copies the same packets as a tcpdump that listens at the same time.
test_expression_as_tcpdump()
{
	local expr="($QUIET) and (port $PORT and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 or udp)"
	local dump

	start_bg dump nsenter --net="/run/netns/$SERVER" tcpdump -Z root -U -i right \
		-w "$TMP/theirs" "$expr"
	eventually 10 grep -q 'listening on' "$(sample_err "$dump")"
	start -w "$TMP/ours" "$expr"
	fetch
	udp 5 4242
	expect_answers 2 "$S4"
	eventually 10 enough "$TMP/theirs"
	stop
	stop_sample "$dump" || :
	tcpdump -nn -t -r "$TMP/theirs" >"$TMP/theirs.text" 2>/dev/null
	tcpdump -nn -t -r "$TMP/ours" >"$TMP/ours.text" 2>/dev/null
	diff "$TMP/theirs.text" "$TMP/ours.text" >&2 || fail "not what tcpdump took"
}

# enough FILE: two packets with SYN, two with FIN and five of UDP have been written.
enough()
{
	[ "$(packets "$1")" -ge 9 ]
}

test_bad_expression()
{
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right tcp port
	expect_err "^sockfilter: expression 'tcp port': .*syntax error"
	expect_err '^  hint: man 7 pcap-filter'
	expect_status 2 "$SOCKFILTER" -n "$SERVER" -i right tcp and udp
	expect_err 'rejects all packets'
	# "protochain" compiles to a loop, which the kernel refuses.
	expect_status 1 "$SOCKFILTER" -n "$SERVER" -i right ip6 protochain 6
	expect_err 'failed to load the expression'
	expect_err '^  hint: .*--proto'
}
