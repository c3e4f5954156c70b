#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tcpconnect reports the right result, addresses and ports of each connection.
#
# shellcheck disable=SC2153 # CLIENT and SERVER are set by ns_add
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

test_connected_v4()
{
	known OK 4 "$C4" "$S4" "$PORT"
	expect_json '.[-1].ok == 1'
}

test_connected_v6()
{
	known OK 6 "$C6" "$S6" "$PORT"
}

# IPv4 on an IPv6 socket is one attempt, although tcp_v6_connect() calls tcp_v4_connect().
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

# These attempts fail before the kernel chooses a local address and sends a SYN.
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

# A router answers the SYN with an ICMP error.
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
	# TCP_USER_TIMEOUT only counts when the first retransmission is due, after a second.
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

# If the program closes the socket before there is a result, the sample reports ECANCELED.
test_closed_before_the_result()
{
	start -j
	peer "$HOLE" "$PORT" nonblock=1 leave=1
	expect_event '.ret == "ECANCELED" and .sport == $sport' --argjson sport "$P_SPORT"
	# The same if the process is killed inside connect().
	start_bg hung nsenter "--net=/run/netns/$CLIENT" perl "$TMP/peer.pl" "$HOLE" "$PORT"
	eventually 5 syn_is_sent "$HOLE" 1
	kill -KILL "$hung"
	wait "$hung" 2>/dev/null || :
	P_PID=$hung
	expect_event '.ret == "ECANCELED" and .sport > 0'
	stop
}

# If no local port is free, connect() fails after the state SYN_SENT, but before the SYN.
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

# hold ADDRESS PORT [KEY=VALUE]...: start a peer whose connection stays pending. Sets P_* as
# peer does; HOLDER is the pid for nbt_kill.
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

# ss_lines ADDRESS: print how many sockets of CLIENT are in the state SYN_SENT to ADDRESS (02
# in /proc/net/tcp).
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
	# This peer waits inside connect().
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

# connect() chooses the local port after SYN_SENT. The sample reports the port even if
# connect() still waits at the end.
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
	# The port of bind() is also reported if the attempt fails at once.
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
	# The sample in SERVER must not report the connection that the listener accepts.
	peer "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 0 and .filtered_out >= 1'
	# shellcheck disable=SC2034 # SAMPLE_OUT is for expect_attempt
	PID=$client SAMPLE_OUT=$(sample_out "$client")
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	stop
	expect_json '.[-1].attempts == 1'
}

# A time namespace must not change lat_us and ts_ns, not even of a pending attempt. With -t
# the times count from the start of the sample.
test_time_namespace()
{
	local before after

	time_namespace 100000
	start_main 30 "${IN_TIME[@]}" "$TCPCONNECT" --backend "$BACKEND" -n "$CLIENT" -j
	before=$(date +%s%N)
	hold "$HOLE" 1001
	stop
	after=$(date +%s%N)
	expect_json '.[1] | .ret == "EINPROGRESS" and .ts_ns > $before and .ts_ns < $after and
		.lat_us * 1000 < $after - $before' --argjson before "$before" --argjson after "$after"
	start_main 30 "${IN_TIME[@]}" "$TCPCONNECT" --backend "$BACKEND" -n "$CLIENT" -t
	peer "$S4" "$PORT"
	eventually 5 grep -q "$S4" "$SAMPLE_OUT"
	expect_match "$SAMPLE_OUT" '^ *[0-9]+\.[0-9]{3} '
	expect_no_match "$SAMPLE_OUT" '^ *0\.000 '
	stop
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
