#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The network on which most samples are tested: two namespaces, CLIENT and SERVER, pings
# from the client, and the sample on the device of the server. A test sources this file
# after lib.sh, and calls pair_add in its setup.
#
#	CLIENT left ---- right SERVER
#
# shellcheck disable=SC2034 # not each test uses each variable

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2
SAMPLE=			# path of the sample that start() runs; the test sets it

# pair_add: make CLIENT and SERVER, with their addresses. Called in setup, they are there
# for all tests.
pair_add()
{
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	pair_addresses
}

pair_addresses()
{
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
}

# pair_answers: ping the server, so that the first packet of a test needs no neighbour
# discovery.
pair_answers()
{
	expect_answers 1 "$S4"
	expect_answers 1 "$S6"
}

# near_far MTU: make two namespaces for this test, NEAR and FAR, joined by the veth devices
# "near" and "far", with the same addresses as CLIENT and SERVER.
near_far()
{
	ns_add NEAR FAR
	veth_pair "$NEAR" near "$FAR" far
	ip -n "$NEAR" link set near mtu "$1"
	ip -n "$FAR" link set far mtu "$1"
	addr_add "$NEAR" near "$C4/24" "$C6/64"
	addr_add "$FAR" far "$S4/24" "$S6/64"
}

# ---------------------------------------------------------------------------
# The sample

# start [OPTION...]: start the sample on "right" in SERVER. start_on NETNS [OPTION...]: start
# the sample in NETNS; the options have to name the device. See start_main.
start()
{
	start_on "$SERVER" -i right "$@"
}

start_on()
{
	start_main 20 "$SAMPLE" -n "$@"
}

# stop: end the sample; SUMMARY is its summary line.
stop()
{
	stop_main
	take_summary
}

take_summary()
{
	SUMMARY=$(grep -E '^summary:|"event":"summary"' "$SAMPLE_OUT")
}

# tag_is_pushed MODE: a foreign XDP program pushes a VLAN tag to the packets that come in at
# "right". A second one, on "left", pops the tag of answers that carry it.
tag_is_pushed()
{
	knows "$CLIENT" left "$S4" "$S6" "$(link_mac "$SERVER" right)"
	no_vlan_offload "$SERVER" right
	vlan_tag "$CLIENT" left pop native
	vlan_tag "$SERVER" right push "$1"
}

# tag_is_popped MODE: the client sends with a VLAN tag, and a foreign XDP program on "right"
# pops that tag.
tag_is_popped()
{
	no_vlan_offload "$CLIENT" left
	vlan_tag "$CLIENT" left push out
	vlan_tag "$SERVER" right pop "$1"
}

# start_into_head: start the sample on "right" with its output in a pipe. The reader of the
# pipe writes the first line to $TMP/line and ends, as "head -n 1" does.
start_into_head()
{
	local line

	mkfifo "$TMP/fifo"
	{ read -r line && echo "$line"; } <"$TMP/fifo" >"$TMP/line" &
	"$SAMPLE" -n "$SERVER" -i right >"$TMP/fifo" 2>"$TMP/err" &
	PID=$!
	defer "nbt_kill $PID"
	eventually 10 test -s "$TMP/line"
}

# from_ssh ADDRESS OPTION...: run the sample for a moment in the server's namespace, with the
# environment of an SSH session to ADDRESS. Since the whole sample runs in the namespace
# (no -n), it takes the namespace for the host.
from_ssh()
{
	in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $1 22" \
		"$SAMPLE" -d 0.05 "${@:2}"
}

# ---------------------------------------------------------------------------
# Pings

# send N ADDRESS [PING-OPTION...]: send N echo requests from the client. RECEIVED is the
# number of answers, REPLIES the output of ping. If no answer comes, ping waits for -W.
send()
{
	send_from "$CLIENT" "$@"
}

# send_from NS N ADDRESS [PING-OPTION...]: like send, but from the namespace NS.
send_from()
{
	run_ping in_ns "$1" ping -n -c "$2" -i 0.02 -W 0.3 "${@:4}" "$3"
	[ "$SENT" -eq "$2" ] || fail "ping sent $SENT, not $2, to $3"
}

# run_ping COMMAND...: run a ping command, and set SENT, RECEIVED and REPLIES. Fails if a
# reply is damaged or comes twice.
run_ping()
{
	local out

	out=$("$@" 2>&1) || [ $? -eq 1 ] || fail "$*: $out"
	[[ $out =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] ||
		fail "$*: $out"
	SENT=${BASH_REMATCH[1]} RECEIVED=${BASH_REMATCH[2]} REPLIES=$out
	[[ $out != *@(BAD|wrong\ data|DUP|corrupt|truncated)* ]] || fail "bad replies: $out"
}

# expect_answers N ADDRESS [PING-OPTION...]: send N echo requests; all must be answered.
expect_answers()
{
	expect_answers_from "$CLIENT" "$@"
}

expect_answers_from()
{
	expect_received_from "$1" "$2" "${@:2}"
}

# expect_received WANTED N ADDRESS [PING-OPTION...]: send N echo requests; exactly WANTED of
# them must be answered.
expect_received()
{
	expect_received_from "$CLIENT" "$@"
}

# The last answer may be late on a busy machine, so wait long if all must be answered.
# Wait only briefly if no answer may come.
expect_received_from()
{
	local ns=$1 wanted=$2 wait=1

	shift 2
	[ "$wanted" -ne 0 ] || wait=0.3
	[ "$wanted" -ne "$1" ] || wait=5
	send_from "$ns" "$@" -W "$wait"
	expect_eq "answers of $2" "$RECEIVED" "$wanted"
}

# expect_silence N ADDRESS [PING-OPTION...]: send N echo requests; none may be answered.
expect_silence()
{
	expect_silence_from "$CLIENT" "$@"
}

expect_silence_from()
{
	expect_received_from "$1" 0 "${@:2}"
}

# ext_ping ADDRESS OPTION SECONDS: send an echo request behind an IPv6 extension header from
# the client. The socket option OPTION adds the header (RFC 3542): 54 is hop-by-hop
# options, 59 destination options. Prints "answer", or "silence" after SECONDS.
# shellcheck disable=SC2016 # $ in single quotes is of perl
ext_ping()
{
	in_ns "$CLIENT" perl -MSocket=:all -e '
		my ($addr, $opt, $seconds) = @ARGV;
		socket(my $s, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
		setsockopt($s, 41, $opt, pack("H*", "0000010400000000")) or die "setsockopt: $!";
		# The kernel fills in the checksum of ICMPv6.
		my $icmp = pack("CCnnn", 128, 0, 0, 77, 5) . "x" x 33;
		my $to = pack_sockaddr_in6(0, inet_pton(AF_INET6, $addr));
		send($s, $icmp, 0, $to) or die "send: $!";
		my ($bits, $end) = ("", time + $seconds);
		vec($bits, fileno($s), 1) = 1;
		while (time <= $end) {
			select(my $r = $bits, undef, undef, 0.1) or next;
			recv($s, my $in, 2000, 0);
			print("answer\n"), exit 0 if unpack("C", $in) == 129;
		}
		print "silence\n";' "$@"
}

# events: print how many lines about an echo request the sample has printed so far, as text
# or JSON.
events()
{
	grep -Ec 'echo request id|"event":"packet"' "$SAMPLE_OUT" || :
}

events_are()
{
	[ "$(events)" -eq "$1" ]
}
