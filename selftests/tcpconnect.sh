#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tcpconnect against connections that are known: a peer in perl makes each,
# and says what the sample has to say about it.
#
#	CLIENT left ---- right SERVER, listens on port 8080
#
# TCPCONNECT_BACKEND=kprobe|fentry|tracepoint runs all of it with that back end, not
# the one that is taken here; test_kprobe_agrees and test_fentry_agrees compare them.
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl
# shellcheck disable=SC2153 # CLIENT and SERVER are set by ns_add

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip jq nsenter perl

C4=192.0.2.1 S4=192.0.2.2 C6=2001:db8::1 S6=2001:db8::2
HOLE=192.0.2.99		# takes packets and answers none
PORT=8080 CLOSED=8081
BACKEND=${TCPCONNECT_BACKEND:-}

setup()
{
	TCPCONNECT=$(sample tcpconnect)
	# What auto takes; to find it out each time takes longer than most tests.
	[ -n "$BACKEND" ] || BACKEND=$("$TCPCONNECT" -j -d 0.001 | jq -rs '.[0].backend')
	ns_add CLIENT SERVER
	veth_pair "$CLIENT" left "$SERVER" right
	addr_add "$CLIENT" left "$C4/24" "$C6/64"
	addr_add "$SERVER" right "$S4/24" "$S6/64"
	ip -n "$CLIENT" neigh replace "$HOLE" lladdr 02:00:00:00:00:99 dev left nud permanent
	NETNS=$(stat -Lc %i "/run/netns/$CLIENT")
	write_peer
	write_listener
	start_sample LISTENER 10 nsenter "--net=/run/netns/$SERVER" perl "$TMP/listener.pl" \
		"$PORT"
	# The first packet of each family needs no neighbour discovery.
	peer "$S4" "$PORT"
	expect_eq "without the sample" "$P_RET" OK
	peer "$S6" "$PORT"
	expect_eq "without the sample" "$P_RET" OK
}

# The peer: ADDRESS PORT [KEY=VALUE]..., prints what it did as P_PID=... for the shell.
#	bind=PORT    local port
#	nonblock=1   connect() does not wait, select() does
#	leave=1      with nonblock: close the socket at once
#	hold=1       with nonblock: keep it and wait for a signal
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

# peer ADDRESS PORT [KEY=VALUE]...: P_PID, P_RET, P_SPORT, P_US (the time it took).
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

# start [OPTION...]: the sample, for connections of CLIENT; PID, and what it prints.
start()
{
	start_all -n "$CLIENT" "$@"
}

# start_all [OPTION...]: for those of all namespaces.
start_all()
{
	start_sample PID 30 "$TCPCONNECT" --backend "$BACKEND" "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
	SUMMARY=$(grep -E '^summary:|"event":"summary"' "$SAMPLE_OUT")
}

# events_of PID: number of JSON events of this process.
events_of()
{
	json "[.[] | select(.event == \"connect\" and .pid == $1)] | length"
}

has_events()
{
	[ "$(events_of "$2")" -eq "$1" ]
}

# expect_event FILTER [JQ-OPTION...]: the peer has one event, for which FILTER is true.
expect_event()
{
	eventually 5 has_events 1 "$P_PID"
	expect_json "[.[] | select(.event == \"connect\" and .pid == $P_PID)][0] | $1" "${@:2}"
}

# expect_attempt RET FAMILY SADDR DADDR DPORT: every field of the peer's event. It took
# no longer than the peer has measured around it.
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

# known RET FAMILY SADDR DADDR DPORT [KEY=VALUE]...: the sample and one connection.
known()
{
	start -j
	peer "$4" "$5" "${@:6}"
	expect_attempt "${@:1:5}"
	stop
	expect_json '.[-1] | .attempts == 1 and .ok + .failed == 1 and .pending == 0'
}

# ---------------------------------------------------------------------------
# Results

test_connected_v4()
{
	known OK 4 "$C4" "$S4" "$PORT"
	expect_json '.[-1].ok == 1'
}

test_connected_v6()
{
	known OK 6 "$C6" "$S6" "$PORT"
}

# IPv4 on a socket of IPv6: one attempt, though tcp_v6_connect() calls the other one.
test_connected_v4_mapped()
{
	start -j
	peer "::ffff:$S4" "$PORT"
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	peer "::ffff:$S4" "$CLOSED"
	expect_attempt ECONNREFUSED 4 "$C4" "$S4" "$CLOSED"
	peer ::ffff:198.51.100.1 "$PORT"
	expect_attempt ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
	stop
	expect_json '.[-1].attempts == 3'
}

test_refused_v4()
{
	known ECONNREFUSED 4 "$C4" "$S4" "$CLOSED"
	expect_json '.[-1].failed == 1'
}

test_refused_v6()
{
	known ECONNREFUSED 6 "$C6" "$S6" "$CLOSED"
}

# These fail before there is a local address, or a SYN.
test_no_route_v4()
{
	known ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
}

test_no_route_v6()
{
	known ENETUNREACH 6 :: 2001:db8:ffff::1 "$PORT"
}

test_unreachable_route()
{
	ip -n "$CLIENT" route add unreachable 203.0.113.0/24
	ip -n "$CLIENT" route add prohibit 203.0.112.0/24
	start -j
	peer 203.0.113.1 "$PORT"
	expect_attempt EHOSTUNREACH 4 0.0.0.0 203.0.113.1 "$PORT"
	peer 203.0.112.1 "$PORT" nonblock=1
	expect_attempt EACCES 4 0.0.0.0 203.0.112.1 "$PORT"
	stop
}

# The answer to the SYN is an ICMP error, some time later.
test_unreachable_by_icmp()
{
	in_ns "$SERVER" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n "$SERVER" route add unreachable 198.51.100.0/24
	ip -n "$SERVER" route add unreachable 2001:db8:1::/64
	ip -n "$CLIENT" route add 198.51.100.0/24 via "$S4"
	ip -n "$CLIENT" route add 2001:db8:1::/64 via "$S6"
	defer "ip -n $CLIENT route del 198.51.100.0/24; ip -n $CLIENT route del 2001:db8:1::/64"
	start -j
	peer 198.51.100.1 "$PORT"
	expect_attempt EHOSTUNREACH 4 "$C4" 198.51.100.1 "$PORT"
	peer 2001:db8:1::1 "$PORT"
	expect_attempt "$P_RET" 6 "$C6" 2001:db8:1::1 "$PORT"
	[[ $P_RET = E*UNREACH ]] || fail "peer: $P_RET"
	stop
}

test_timeout()
{
	known ETIMEDOUT 4 "$C4" "$HOLE" "$PORT" patience=300
	# The first retransmission is after a second.
	expect_json '.[1].lat_us > 300000'
}

test_nonblocking()
{
	start -j
	peer "$S4" "$PORT" nonblock=1
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	peer "$S6" "$CLOSED" nonblock=1
	expect_attempt ECONNREFUSED 6 "$C6" "$S6" "$CLOSED"
	peer "$HOLE" "$PORT" nonblock=1 patience=300
	expect_attempt ETIMEDOUT 4 "$C4" "$HOLE" "$PORT"
	peer 198.51.100.1 "$PORT" nonblock=1
	expect_attempt ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
	stop
}

# The program gave up: nobody will ever know.
test_closed_before_the_result()
{
	start -j
	peer "$HOLE" "$PORT" nonblock=1 leave=1
	expect_event '.ret == "ECANCELED" and .sport == $sport' --argjson sport "$P_SPORT"
	# So it is when the process is killed inside of connect().
	start_bg hung nsenter "--net=/run/netns/$CLIENT" perl "$TMP/peer.pl" "$HOLE" "$PORT"
	eventually 5 syn_is_sent "$HOLE" 1
	kill -KILL "$hung"
	wait "$hung" 2>/dev/null || :
	P_PID=$hung
	expect_event '.ret == "ECANCELED" and .sport > 0'
	stop
}

# No local port is free: connect() fails between SYN_SENT and the SYN.
test_no_port_left()
{
	local fields='[.comm, .family, .saddr, .daddr, .dport, .ret]'

	in_ns "$CLIENT" sh -c 'cat /proc/sys/net/ipv4/ip_local_port_range' >"$TMP/range"
	in_ns "$CLIENT" sh -c 'echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range'
	defer "in_ns $CLIENT sh -c 'cat $TMP/range >/proc/sys/net/ipv4/ip_local_port_range'"
	hold "$HOLE" "$PORT"
	start -j
	peer "$HOLE" "$PORT"
	expect_eq "result of the peer" "$P_RET" EADDRNOTAVAIL
	expect_event "$fields == [\"perl\", 4, \"$C4\", \"$HOLE\", $PORT, \"EADDRNOTAVAIL\"]"
	stop
	expect_json '.[-1] | .attempts == 1 and .failed == 1 and .pending == 0'
}

# hold ADDRESS PORT [KEY=VALUE]...: a connection that stays pending; P_*, and HOLDER.
hold()
{
	start_sample HOLDER 10 nsenter "--net=/run/netns/$CLIENT" perl "$TMP/peer.pl" "$@" \
		nonblock=1 hold=1
	read_peer "$(grep '^P_' "$(sample_out "$HOLDER")")"
}

syn_is_sent()
{
	[ "$(ss_lines "$1")" -eq "$2" ]
}

# ss_lines ADDRESS: sockets of CLIENT in SYN_SENT to it (02 in /proc/net/tcp).
ss_lines()
{
	local a b c d

	IFS=. read -r a b c d <<<"$1"
	in_ns "$CLIENT" awk -v addr="$(printf '%02X%02X%02X%02X' "$d" "$c" "$b" "$a")" '
		index($3, addr ":") == 1 && $4 == "02" { n++ }
		END { print n + 0 }' /proc/net/tcp
}

test_pending_at_the_end()
{
	local waiting hung

	start -j
	hold "$HOLE" 1001
	waiting=$P_PID
	# This one waits inside of connect().
	start_bg hung nsenter "--net=/run/netns/$CLIENT" perl "$TMP/peer.pl" "$HOLE" 1002 \
		bind=1234
	eventually 5 syn_is_sent "$HOLE" 2
	stop
	expect_json '[.[] | select(.event == "connect") | [.pid, .saddr, .sport, .daddr, .dport,
		.ret]] == [[$waiting, $c, $sport, $hole, 1001, "EINPROGRESS"],
		[$hung, $c, 1234, $hole, 1002, "EINPROGRESS"]]' \
		--argjson waiting "$waiting" --argjson hung "$hung" --argjson sport "$P_SPORT" \
		--arg c "$C4" --arg hole "$HOLE"
	expect_json '.[-1] | .attempts == 2 and .pending == 2 and .ok + .failed == 0'
}

# The local port is known, though connect() chose it after SYN_SENT and still waits.
test_pending_in_connect_has_a_port()
{
	start -j
	start_bg hung nsenter "--net=/run/netns/$CLIENT" perl "$TMP/peer.pl" "$HOLE" 1003
	eventually 5 syn_is_sent "$HOLE" 1
	stop
	expect_json '[.[] | select(.event == "connect")] | length == 1 and .[0].sport > 0'
}

# connect() to 0.0.0.0 and :: goes to loopback.
test_any_address()
{
	start -j
	peer 0.0.0.0 "$CLOSED"
	expect_attempt ECONNREFUSED 4 127.0.0.1 127.0.0.1 "$CLOSED"
	peer :: "$CLOSED"
	expect_attempt ECONNREFUSED 6 ::1 ::1 "$CLOSED"
	stop
}

test_bound_port()
{
	start -j
	peer "$S4" "$PORT" bind=4567
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	expect_event '.sport == 4567'
	# Known also when the attempt fails at once.
	peer 198.51.100.1 "$PORT" bind=4568
	expect_attempt ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
	expect_event '.sport == 4568'
	stop
}

test_only_tcp_and_only_outgoing()
{
	local client

	start -j
	client=$PID
	start -j -n "$SERVER"
	peer "$S4" 53 type=udp
	# It comes in to the listener, in a namespace of its own.
	peer "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 0 and .filtered_out >= 1'
	PID=$client SAMPLE_OUT=$(sample_out "$client")
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	stop
	expect_json '.[-1].attempts == 1'
}

test_times()
{
	local before after

	start -j
	before=$(date +%s%N)
	peer "$S4" "$PORT"
	after=$(date +%s%N)
	expect_event '.ts_ns > $before and .ts_ns < $after' --argjson before "$before" \
		--argjson after "$after"
	stop
}

# ---------------------------------------------------------------------------
# Filters: two attempts, of which the second one is wanted.

# wanted_is_second OPTION...: PEER1 and PEER2 are the arguments of the peers.
wanted_is_second()
{
	local first second

	start -j "$@"
	peer "${PEER1[@]}"
	first=$P_PID
	peer "${PEER2[@]}"
	second=$P_PID
	eventually 5 has_events 1 "$second"
	stop
	expect_eq "events of the first one with $*" "$(events_of "$first")" 0
	expect_eq "events of the second one with $*" "$(events_of "$second")" 1
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 1'
}

test_filter_family()
{
	PEER1=("$S6" "$PORT") PEER2=("$S4" "$PORT")
	wanted_is_second -4
	PEER1=("$S4" "$PORT") PEER2=("$S6" "$PORT")
	wanted_is_second -6
	PEER1=("$S6" "$PORT") PEER2=("::ffff:$S4" "$PORT")
	wanted_is_second -4
	# Both together are all.
	start -4 -6 -j
	peer "$S4" "$PORT"
	peer "$S6" "$PORT"
	stop
	expect_json '.[-1].attempts == 2'
}

# What fails at once, and what is refused, is filtered too.
test_filter_port()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$CLOSED")
	wanted_is_second -P "$CLOSED"
	wanted_is_second -P "80,443,$CLOSED"
	wanted_is_second -P 80 -P "$CLOSED"
	PEER1=(198.51.100.1 "$PORT") PEER2=(198.51.100.1 "$CLOSED")
	wanted_is_second -P "$CLOSED"
	PEER1=("$S4" "$CLOSED") PEER2=("$S4" "$PORT")
	wanted_is_second -P "$(seq -s, 1 63),$PORT"
}

test_filter_comm()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$PORT" comm=fetch)
	wanted_is_second --comm fetch
	PEER1=("$S4" "$PORT" comm=fetch) PEER2=("$S4" "$PORT" comm=fetch2)
	wanted_is_second --comm fetch2
	PEER1=(198.51.100.1 "$PORT") PEER2=(198.51.100.1 "$PORT" comm=fetch)
	wanted_is_second --comm fetch
	# The kernel keeps 15 bytes.
	PEER1=("$S4" "$PORT" comm=network-manage) PEER2=("$S4" "$PORT" comm=network-manager-2)
	wanted_is_second --comm network-manager-2
}

test_filter_uid()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$PORT" uid=65534)
	wanted_is_second -u 65534
	expect_json '.[1].uid == 65534'
	PEER1=("$S4" "$PORT" uid=65534) PEER2=("$S4" "$PORT")
	wanted_is_second -u 0
	PEER1=("$S4" "$CLOSED") PEER2=("$S4" "$CLOSED" uid=65534)
	wanted_is_second -u 65534
}

# The pid has to be known before: a shell that waits, then becomes the peer.
test_filter_pid()
{
	local mine

	mkfifo "$TMP/go"
	start_bg mine nsenter "--net=/run/netns/$CLIENT" sh -c \
		'read -r _ <"$1"; shift; exec "$@"' sh "$TMP/go" perl "$TMP/peer.pl" "$S4" "$PORT"
	start -j -p "$mine"
	peer "$S4" "$PORT"
	echo >"$TMP/go"
	wait_sample "$mine" 10
	eventually 5 has_events 1 "$mine"
	stop
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 1'
}

test_filter_netns()
{
	local other

	ns_add other
	start_all -j -n "/run/netns/$other"
	peer "$S4" "$PORT"
	peer_in "$other" 127.0.0.1 "$CLOSED"
	expect_event '.netns == $inode' --argjson inode "$(stat -Lc %i "/run/netns/$other")"
	peer "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 2'
}

# Without -n both namespaces are shown, by their inode numbers.
test_all_namespaces()
{
	local other

	ns_add other
	start_all -j
	peer_in "$other" 127.0.0.1 "$CLOSED"
	expect_event '.netns == $inode' --argjson inode "$(stat -Lc %i "/run/netns/$other")"
	peer "$S4" "$PORT"
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	stop
}

test_filter_cgroup()
{
	local root dir

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip "cgroup v2 is mounted nowhere"
	dir=$root/$(rand_name nbt-)
	mkdir -p "$dir/below" 2>/dev/null || skip "cannot make a cgroup in $root"
	defer "rmdir $dir/below $dir"
	start -j --cgroup "$dir"
	peer "$S4" "$PORT"
	peer_in_cgroup "$dir" "$S4" "$PORT"
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	# Those below belong to it.
	peer_in_cgroup "$dir/below" 198.51.100.1 "$PORT"
	expect_attempt ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
	stop
	expect_json '.[-1] | .attempts == 2 and .filtered_out >= 1'
	start -j --cgroup "$dir/below"
	peer_in_cgroup "$dir" "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 0 and .filtered_out >= 1'
}

peer_in_cgroup()
{
	read_peer "$(in_ns "$CLIENT" sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh \
		"$1" perl "$TMP/peer.pl" "${@:2}")"
}

test_bad_cgroup()
{
	expect_status 1 "$TCPCONNECT" --cgroup /nonexistent/cgroup
	expect_err '^tcpconnect: failed to open the cgroup /nonexistent/cgroup: No such file'
	expect_status 1 "$TCPCONNECT" --cgroup "$TMP"
	expect_err '^tcpconnect: failed to use the cgroup .*: not a directory of cgroup v2$'
	expect_err '^  hint: .*cgroup2'
	expect_eq stdout "$OUT" ""
}

test_bad_options()
{
	local bad

	for bad in '' 0 65536 -1 1x '80,' ,80 80,,443 80,x ' 80' '80 443'; do
		expect_status 2 "$TCPCONNECT" -P "$bad"
		expect_err '^tcpconnect: --port .*: not ports from 1 to 65535'
	done
	expect_status 2 "$TCPCONNECT" -P "$(seq -s, 1 65)"
	expect_err 'at most 64 ports'
	for bad in '' 0 -1 x 1x 2147483648; do
		expect_status 2 "$TCPCONNECT" -p "$bad"
	done
	for bad in '' -1 x 4294967296; do
		expect_status 2 "$TCPCONNECT" -u "$bad"
	done
	expect_status 2 "$TCPCONNECT" --comm ''
	expect_status 2 "$TCPCONNECT" --cgroup ''
	for bad in '' kprobes KPROBE raw; do
		expect_status 2 "$TCPCONNECT" --backend "$bad"
		expect_err 'not auto, kprobe, fentry or tracepoint'
	done
}

# ---------------------------------------------------------------------------
# Output

# fields LINE-NUMBER: of the table in text, header is 1.
table()
{
	grep -vE '^(ready|summary|stats|  )' "$SAMPLE_OUT" | sed -n "$1p"
}

header_is()
{
	read -ra words <<<"$(table 1)"
	expect_eq header "${words[*]}" "$1"
}

# The columns of each line start where those of the header do.
expect_aligned()
{
	local width line

	grep -vE '^(ready|summary|stats|  )' "$SAMPLE_OUT" >"$TMP/table"
	while read -r width; do
		while IFS= read -r line; do
			[[ ${line:width-1:1} = " " && ${line:width:1} != " " ]] ||
				fail "column $width is not aligned: '$line'"
		done <"$TMP/table"
	done < <(head -n 1 "$TMP/table" | grep -ob ' [^ ]' | awk -F: '{ print $1 + 1 }')
}

lines_are()
{
	[ "$(table '2,$' | wc -l)" -eq "$1" ]
}

test_columns()
{
	start
	peer "$S4" "$PORT"
	eventually 5 lines_are 1
	stop
	header_is "PID COMM IP SADDR DADDR DPORT RET LAT(us) NETNS"
	expect_aligned
	read -ra words <<<"$(table 2)"
	expect_eq "fields" "${words[*]:0:7} ${words[*]:8}" \
		"$P_PID perl 4 $C4 $S4 $PORT OK $NETNS"
	[ "${words[7]}" -le "$P_US" ] || fail "took ${words[7]}, not $P_US us: $(table 2)"
}

test_all_columns()
{
	local long=fd12:3456:789a:bcde:1111:2222:3333:4444 now first

	ip -n "$CLIENT" route add unreachable fd12:3456::/32
	start -tTULs
	peer "$S4" "$PORT"
	first="0 $P_PID perl 4 $C4 $P_SPORT $S4 $P_SPORT $PORT OK"
	now=$(date +%H:%M)
	peer "$long" 65535 uid=4294967294 comm=abcdefghijklmno
	eventually 5 lines_are 2
	stop
	header_is "TIME TIME(s) UID PID COMM IP SADDR LPORT DADDR SPORT DPORT RET LAT(us) NETNS"
	expect_aligned
	read -ra words <<<"$(table 2)"
	[[ ${words[0]} =~ ^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]$ ]] || fail "time: ${words[0]}"
	[ "${words[0]%:*}" = "$now" ] || [ "${words[0]}" '<' "$(date +%T)" ] ||
		fail "it is $now, not ${words[0]}"
	[[ ${words[1]} =~ ^[0-9]\.[0-9]{3}$ ]] || fail "seconds: ${words[1]}"
	expect_eq "fields" "${words[*]:2:10}" "$first"
	read -ra words <<<"$(table 3)"
	expect_eq "fields" "${words[*]:2:10}" \
		"4294967294 $P_PID abcdefghijklmno 6 :: 0 $long 0 65535 EHOSTUNREACH"
}

# -4 needs no room for IPv6.
test_narrow_columns()
{
	start -4 -L
	peer "$S4" "$PORT"
	eventually 5 lines_are 1
	stop
	header_is "PID COMM IP SADDR LPORT DADDR DPORT RET LAT(us) NETNS"
	expect_aligned
	[ "$(table 2 | wc -c)" -lt 110 ] || fail "wide: $(table 2)"
}

# A name may hold anything: neither the terminal nor JSON must suffer.
test_odd_names()
{
	start -j
	peer "$S4" "$PORT" comm=$'a\e[31m"b\\ \x01'
	expect_event '.comm == "a?[31m\"b\\ ?"'
	# Cut by the kernel in the middle of a character.
	peer "$S4" "$PORT" comm=12345678901234ü
	expect_event '.comm == "12345678901234?"'
	peer "$S4" "$PORT" comm=grün€
	expect_event '.comm == "grün€"'
	# Overlong, a surrogate, beyond Unicode, a byte that continues nothing.
	peer "$S4" "$PORT" comm=$'\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80\xbf'
	expect_event '.comm == "?????????????"'
	stop
}

test_json_ready()
{
	start -j
	stop
	expect_json '.[0] | .event == "ready" and .tool == "tcpconnect" and
		(.backend | IN("kprobe", "fentry", "tracepoint"))and
		(.hooks | index("inet_sock_set_state")) != null and (.hooks | length == 3)' \
		--arg backend "$BACKEND"
}

test_summary()
{
	start
	peer "$S4" "$PORT" times=3
	peer "$S4" "$CLOSED" times=2
	hold "$HOLE" "$PORT"
	stop
	expect_eq summary "$SUMMARY" "summary: 6 attempts: 3 established, 2 failed, 1 pending, $(
		)0 not followed; ${SUMMARY//*followed; /}"
	[[ $SUMMARY =~ \;\ [0-9]+\ filtered\ out\;\ 0\ events\ lost$ ]] || fail "$SUMMARY"
	expect_eq "last line" "$(table '$' | awk '{ print $7 }')" EINPROGRESS
}

test_quiet()
{
	start -q
	peer "$S4" "$PORT"
	stop
	expect_eq "lines" "$(wc -l <"$SAMPLE_OUT")" 2
	expect_match "$SAMPLE_OUT" '^ready: '
	expect_match "$SAMPLE_OUT" '^summary: 1 attempts: 1 established'
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

test_limit()
{
	start -j --limit 3
	peer "$S4" "$PORT" times=5
	wait_sample "$PID" 10
	expect_json '[.[] | select(.event == "connect")] | length == 3'
	expect_json '.[-1].event == "summary"'
}

stats_show()
{
	grep -q "^stats: $1 attempts:" "$SAMPLE_OUT"
}

test_interval()
{
	start -q -I 0.1
	eventually 5 stats_show 0
	peer "$S4" "$PORT" times=4
	eventually 5 stats_show 4
	stop
}

# ---------------------------------------------------------------------------
# The count table

test_count_table()
{
	start -c
	peer "$S4" "$PORT" times=3
	peer "$S4" "$CLOSED" times=2
	peer "$S6" "$PORT" times=5
	stop
	header_is "LADDR RADDR RPORT CONNECTS FAILED"
	expect_eq "table" "$(table '2,$' | tr -s ' ')" "$C6 $S6 $PORT 5 0
$C4 $S4 $PORT 3 0
$C4 $S4 $CLOSED 2 2"
	expect_match "$SAMPLE_OUT" '^summary: 10 attempts: 8 established, 2 failed'
	expect_no_match "$SAMPLE_OUT" '^PID'
}

test_count_table_with_local_port()
{
	start -c -L
	peer "$S4" "$PORT" bind=5001
	peer "$S4" "$CLOSED" bind=5001
	peer "$S4" "$PORT" bind=5002
	stop
	header_is "LADDR LPORT RADDR RPORT CONNECTS FAILED"
	expect_eq "table" "$(table '2,$' | tr -s ' ' | sort)" "$C4 5001 $S4 $PORT 1 0
$C4 5001 $S4 $CLOSED 1 1
$C4 5002 $S4 $PORT 1 0"
}

test_count_table_in_json()
{
	start -c -j -I 0.2
	peer "$S4" "$PORT" times=7
	eventually 5 json_counts 7
	peer "$S4" "$CLOSED"
	stop
	expect_json '[.[] | select(.event == "count")][-2:] ==
		[{event: "count", saddr: $c, daddr: $s, dport: 8080, connects: 7, failed: 0},
		{event: "count", saddr: $c, daddr: $s, dport: 8081, connects: 1, failed: 1}]' \
		--arg c "$C4" --arg s "$S4"
	expect_json 'all(.[]; .event != "connect")'
	expect_json '.[-1] | .attempts == 8 and .not_in_table == 0'
}

json_counts()
{
	[ "$(json '[.[] | select(.event == "count")][-1].connects // 0')" -eq "$1" ]
}

# ---------------------------------------------------------------------------
# Many

test_flood()
{
	start -j
	peer "$S4" "$PORT" times=1000
	eventually 10 has_events 1000 "$P_PID"
	stop
	expect_json '.[-1] | .attempts == 1000 and .ok == 1000 and .lost == 0'
}

# The sample stands still while the ring buffer fills: what is lost is counted.
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
# Back ends

# doctor_says BACKEND: "yes" or "no", by trying, and not with this sample.
doctor_says()
{
	if [ ! -e "$TMP/doctor" ]; then
		"$NETBPF_TOP/scripts/doctor.sh" --json 2>/dev/null |
			jq -r '.checks[] | select(.name == "tcpconnect") | .text' >"$TMP/doctor"
	fi
	sed -nE "s/.*\b$1 (yes|no)\b.*/\1/p" "$TMP/doctor"
}

# back_end NAME REASON: it works, or exit 3 and the reason if this kernel lacks it.
back_end()
{
	case $(doctor_says "$1") in
	yes)
		expect_status 0 "$TCPCONNECT" --backend "$1" -d 0.05
		expect_out "^ready: outgoing TCP connections \\($1 on "
		expect_eq stderr "$ERR" ""
		;;
	no)
		expect_status 3 "$TCPCONNECT" --backend "$1" -d 0.05
		expect_eq stdout "$OUT" ""
		expect_err "^tcpconnect: failed to use the back end $1: $2"
		expect_err '^  hint: --backend auto'
		;;
	*)
		fail "the doctor does not know $1"
		;;
	esac
}

test_back_end_kprobe()
{
	back_end kprobe 'this kernel has no kprobes \(CONFIG_KPROBE_EVENTS\)$'
}

test_back_end_fentry()
{
	back_end fentry 'this kernel takes no fentry programs \('
}

test_back_end_tracepoint()
{
	back_end tracepoint .
}

# The first that works, and the reason against those before it.
test_back_end_auto()
{
	local backend first=

	expect_status 0 "$TCPCONNECT" -d 0.05
	for backend in kprobe fentry tracepoint; do
		if [ "$(doctor_says "$backend")" = yes ]; then
			first=$backend
			break
		fi
		expect_err "^tcpconnect: not by $backend: this kernel "
	done
	expect_out "^ready: .*\\($first on "
}

# attempts_of BACKEND: what it says about a list of connections, without what differs
# from run to run.
attempts_of()
{
	BACKEND=$1 start -j
	peer "$S4" "$PORT" bind=6001
	peer "$S6" "$PORT" bind=6002 nonblock=1
	peer "::ffff:$S4" "$PORT" bind=6003 comm=mapped
	peer "$S4" "$CLOSED" bind=6004 uid=65534
	peer "$S6" "$CLOSED" bind=6005
	peer 198.51.100.1 "$PORT"
	peer 2001:db8:ffff::1 "$PORT" nonblock=1
	peer ::ffff:198.51.100.1 "$PORT" bind=6006
	peer 255.255.255.255 "$PORT"
	peer ff02::1 "$PORT" bind=6007
	peer 0.0.0.0 "$CLOSED" bind=6008
	peer "$HOLE" "$PORT" bind=6009 nonblock=1 leave=1
	hold "$HOLE" "$PORT" bind=6010
	stop
	nbt_kill "$HOLDER" || :
	json '.[] | select(.event == "connect") | del(.ts_ns, .lat_us, .pid)' >"$TMP/$1"
	json '.[-1] | del(.filtered_out)' >>"$TMP/$1"
}

# agrees BACKEND REASON: it says of each attempt what the tracepoint says.
agrees()
{
	[ "$(doctor_says "$1")" = yes ] || skip "$2"
	attempts_of tracepoint
	[ "$(grep -c '"ret"' "$TMP/tracepoint")" -eq 13 ] || fail "$(<"$TMP/tracepoint")"
	attempts_of "$1"
	diff "$TMP/tracepoint" "$TMP/$1"
}

test_kprobe_agrees()
{
	[ ! -e /sys/kernel/tracing/kprobe_events ] || [ "$(doctor_says kprobe)" = yes ] ||
		fail "this kernel has kprobes, and the doctor says no"
	agrees kprobe "no kprobes in this kernel"
}

test_fentry_agrees()
{
	agrees fentry "this kernel takes no fentry programs"
}

# ---------------------------------------------------------------------------
# Lifetime

test_kill_9_leaves_nothing()
{
	local kind id

	[[ $(uname -m) = @(x86_64|aarch64|riscv64) ]] || skip "bpf(2) has another number here"
	start
	bpf_objects "$PID" >"$TMP/objects"
	[ "$(grep -c '^prog' "$TMP/objects")" -ge 4 ] || fail "no programs: $(<"$TMP/objects")"
	! bpf_object_gone prog "$(sed -n '/^prog /{s///p;q}' "$TMP/objects")" ||
		fail "the program is not found while it runs"
	stop_sample "$PID" KILL 2>/dev/null || :
	expect_eq status "$STATUS" 137
	while read -r kind id; do
		eventually 10 bpf_object_gone "$kind" "$id"
	done <"$TMP/objects"
	# A new one can start at once.
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
	test_filter_family test_filter_port test_filter_comm test_filter_uid test_filter_pid \
	test_filter_netns test_all_namespaces test_filter_cgroup test_bad_cgroup \
	test_bad_options test_columns test_all_columns test_narrow_columns test_odd_names \
	test_json_ready test_summary test_quiet test_limit test_interval test_count_table \
	test_count_table_with_local_port test_count_table_in_json test_flood test_lost_events \
	test_back_end_kprobe test_back_end_fentry test_back_end_tracepoint \
	test_back_end_auto test_kprobe_agrees test_fentry_agrees \
	test_kill_9_leaves_nothing test_two_at_once
