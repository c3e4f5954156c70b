#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tcpconnect against known connections: a peer in perl makes each connection and
# prints what the sample has to report about it.
#
#	CLIENT left ---- right SERVER, listens on port 8080
#
# TCPCONNECT_BACKEND=kprobe|fentry|tracepoint runs all tests with that back end instead of the
# one that the sample would choose. test_kprobe_agrees and test_fentry_agrees compare the
# back ends.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/tcpconnect/results.sh
. "$NBT_DIR/tcpconnect/results.sh"
# shellcheck source=selftests/tcpconnect/filters.sh
. "$NBT_DIR/tcpconnect/filters.sh"
# shellcheck source=selftests/tcpconnect/output.sh
. "$NBT_DIR/tcpconnect/output.sh"
# shellcheck source=selftests/tcpconnect/backends.sh
. "$NBT_DIR/tcpconnect/backends.sh"

need_root
require_tools ip jq nsenter perl unshare

HOLE=192.0.2.99		# an address that never answers
PORT=8080 CLOSED=8081
BACKEND=${TCPCONNECT_BACKEND:-}

setup()
{
	TCPCONNECT=$(sample tcpconnect)
	# Let "auto" choose the back end once: this takes longer than most tests.
	[ -n "$BACKEND" ] || BACKEND=$("$TCPCONNECT" -j -d 0.001 | jq -rs '.[0].backend')
	pair_add
	ip -n "$CLIENT" neigh replace "$HOLE" lladdr 02:00:00:00:00:99 dev left nud permanent
	NETNS=$(stat -Lc %i "/run/netns/$CLIENT")
	write_peer
	write_listener
	start_sample LISTENER 10 nsenter "--net=/run/netns/$SERVER" perl "$TMP/listener.pl" \
		"$PORT"
	# Then the first packet of a test needs no neighbour discovery.
	peer "$S4" "$PORT"
	expect_eq "without the sample" "$P_RET" OK
	peer "$S6" "$PORT"
	expect_eq "without the sample" "$P_RET" OK
}

# write_peer: write peer.pl ADDRESS PORT [KEY=VALUE]... It makes a connection and prints
# its pid, the result, the local port and the time it took, as "P_PID=... P_RET=...".
#	bind=PORT    local port
#	nonblock=1   connect() does not wait, select() does
#	leave=1      with nonblock: close the socket at once
#	hold=1       with nonblock: keep the socket open until a signal comes
#	patience=MS  TCP_USER_TIMEOUT
#	comm=NAME, uid=N, type=udp, times=N
write_peer()
{
	cat >"$TMP/peer.pl" <<'PERL'
use strict;
use Errno;
use Fcntl;
use Socket qw(:all);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($addr, $port, @rest) = @ARGV;
my %o = map { split /=/, $_, 2 } @rest;
my $v6 = $addr =~ /:/;
my $to = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $addr)) :
	pack_sockaddr_in($port, inet_aton($addr));

sub name { my $e = $! + 0; return $e ? (grep { $!{$_} } keys %!)[0] : "OK" }

sub attempt {
	my $udp = ($o{type} // "") eq "udp";

	socket(my $s, $v6 ? AF_INET6 : AF_INET, $udp ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!";
	setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
	setsockopt($s, IPPROTO_TCP, 18, pack("l", $o{patience})) if $o{patience};
	if ($o{bind}) {
		bind($s, $v6 ? pack_sockaddr_in6($o{bind}, inet_pton(AF_INET6, "::")) :
			pack_sockaddr_in($o{bind}, INADDR_ANY)) or die "bind: $!";
	}
	fcntl($s, F_SETFL, O_NONBLOCK) if $o{nonblock};
	my $before = clock_gettime(CLOCK_MONOTONIC);
	$! = 0;
	my $ret = connect($s, $to) ? "OK" : name();
	my $sport = 0;
	if (my $me = getsockname($s)) {
		$sport = $v6 ? (unpack_sockaddr_in6($me))[0] : (unpack_sockaddr_in($me))[0];
	}
	if ($ret eq "EINPROGRESS" && !$o{leave} && !$o{hold}) {
		my $bits = "";
		vec($bits, fileno($s), 1) = 1;
		select(undef, $bits, undef, 20);
		$! = unpack("l", getsockopt($s, SOL_SOCKET, SO_ERROR));
		$ret = name();
	}
	my $us = int((clock_gettime(CLOCK_MONOTONIC) - $before) * 1e6) + 1;
	return ($s, $ret, $sport, $us);
}

$0 = $o{comm} if $o{comm};
if ($o{uid}) {
	$< = $o{uid};
	$> = $o{uid};
}
attempt() for 2 .. ($o{times} // 1);
my ($s, $ret, $sport, $us) = attempt();
$| = 1;
print "P_PID=$$ P_RET=$ret P_SPORT=$sport P_US=$us\n";
print "ready:\n" if $o{hold};
sleep 1000 if $o{hold};
PERL
}

write_listener()
{
	cat >"$TMP/listener.pl" <<'PERL'
use strict;
use Socket qw(:all);

socket(my $l, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($l, IPPROTO_IPV6, IPV6_V6ONLY, 0);
bind($l, pack_sockaddr_in6($ARGV[0], inet_pton(AF_INET6, "::"))) or die "bind: $!";
listen($l, 1024) or die "listen: $!";
$| = 1;
print "ready:\n";
while (1) {
	accept(my $c, $l);
	close $c;
}
PERL
}

# peer ADDRESS PORT [KEY=VALUE]...: run peer.pl in CLIENT. Sets P_PID, P_RET (result), P_SPORT
# (local port) and P_US (time that connect() took, in microseconds).
peer()
{
	peer_in "$CLIENT" "$@"
}

peer_in()
{
	local ns=$1 line

	shift
	line=$(in_ns "$ns" perl "$TMP/peer.pl" "$@")
	read_peer "$line"
}

read_peer()
{
	[[ $1 =~ ^P_PID=([0-9]+)\ P_RET=([A-Z]+)\ P_SPORT=([0-9]+)\ P_US=([0-9]+)$ ]] ||
		fail "odd peer: $1"
	P_PID=${BASH_REMATCH[1]} P_RET=${BASH_REMATCH[2]}
	P_SPORT=${BASH_REMATCH[3]} P_US=${BASH_REMATCH[4]}
}

# start [OPTION...]: start the sample for connections of CLIENT; replaces start() of pair.sh.
start()
{
	start_all -n "$CLIENT" "$@"
}

# start_all [OPTION...]: start the sample for connections of all namespaces.
start_all()
{
	start_main 30 "$TCPCONNECT" --backend "$BACKEND" "$@"
}

# events_of PID: print how many JSON events there are about this process.
events_of()
{
	json "[.[] | select(.event == \"connect\" and .pid == $1)] | length"
}

has_events()
{
	[ "$(events_of "$2")" -eq "$1" ]
}

# expect_event FILTER [JQ-OPTION...]: there is exactly one event about the last peer, and the
# jq FILTER is true for it.
expect_event()
{
	eventually 5 has_events 1 "$P_PID"
	expect_json "[.[] | select(.event == \"connect\" and .pid == $P_PID)][0] | $1" "${@:2}"
}

# expect_attempt RET FAMILY SADDR DADDR DPORT: check every field of the event about the last
# peer. The latency must not be longer than the peer has measured.
expect_attempt()
{
	expect_eq "result of the peer" "$P_RET" "$1"
	expect_event '(keys_unsorted == ["event", "ts_ns", "pid", "comm", "uid", "family",
		"saddr", "sport", "daddr", "dport", "ret", "lat_us", "netns"]) and
		.comm == "perl" and .uid == 0 and .ret == $ret and .family == $family and
		.saddr == $saddr and .sport == $sport and .daddr == $daddr and
		.dport == $dport and .netns == $netns and .lat_us <= $us' \
		--arg ret "$1" --argjson family "$2" --arg saddr "$3" --argjson sport "$P_SPORT" \
		--arg daddr "$4" --argjson dport "$5" --argjson netns "$NETNS" --argjson us "$P_US"
}

# known RET FAMILY SADDR DADDR DPORT [KEY=VALUE]...: start the sample, make one connection to
# DADDR and DPORT, and check its event and the summary.
known()
{
	start -j
	peer "$4" "$5" "${@:6}"
	expect_attempt "${@:1:5}"
	stop
	expect_json '.[-1] | .attempts == 1 and .ok + .failed == 1 and .pending == 0'
}

# ---------------------------------------------------------------------------
# Many

test_flood()
{
	start -j
	peer "$S4" "$PORT" times=1000
	eventually 10 has_events 1000 "$P_PID"
	stop
	expect_json '.[-1] | .attempts == 1000 and .ok == 1000 and .ended_unseen == 0 and .lost == 0'
}

# While the sample is stopped, the ring buffer fills up. Lost events are counted.
test_lost_events()
{
	start -j
	kill -STOP "$PID"
	peer "$S4" "$CLOSED" times=15000
	kill -CONT "$PID"
	stop
	expect_json '([.[] | select(.event == "connect")] | length) + .[-1].lost == 15000'
	expect_json '.[-1] | .lost > 0 and .attempts == 15000 and .failed == 15000'
}

# ---------------------------------------------------------------------------
# Lifetime

test_kill_9_leaves_nothing()
{
	need_bpf_objects
	start
	keep_bpf_objects "$PID"
	[ "$(grep -c '^prog' "$TMP/objects")" -ge 4 ] || fail "no programs: $(<"$TMP/objects")"
	stop_sample "$PID" KILL 2>/dev/null || :
	expect_eq status "$STATUS" 137
	expect_bpf_objects_gone
	# A new instance can start at once.
	known OK 4 "$C4" "$S4" "$PORT"
}

test_two_at_once()
{
	local first

	start -j
	first=$PID
	known OK 4 "$C4" "$S4" "$PORT"
	PID=$first SAMPLE_OUT=$(sample_out "$first")
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	stop
}

run_tests test_connected_v4 test_connected_v6 test_connected_v4_mapped test_refused_v4 \
	test_refused_v6 test_no_route_v4 test_no_route_v6 test_unreachable_route \
	test_unreachable_by_icmp test_timeout test_nonblocking test_closed_before_the_result \
	test_no_port_left test_pending_at_the_end test_pending_in_connect_has_a_port \
	test_any_address test_bound_port test_only_tcp_and_only_outgoing test_times \
	test_time_namespace test_filter_family test_filter_port test_filter_comm test_filter_uid test_filter_pid \
	test_pid_namespace test_filter_netns test_all_namespaces test_filter_cgroup test_bad_cgroup \
	test_bad_options test_columns test_all_columns test_narrow_columns test_odd_names \
	test_json_ready test_summary test_quiet test_limit test_interval test_count_table \
	test_count_table_with_local_port test_count_table_in_json test_flood test_lost_events \
	test_back_end_kprobe test_back_end_fentry test_back_end_tracepoint \
	test_back_end_auto test_kprobe_agrees test_fentry_agrees \
	test_kill_9_leaves_nothing test_two_at_once
