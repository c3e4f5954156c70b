#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# live.sh EXERCISE DIR: try the learner's program on real packets. DIR has what was built of it.
# scripts/learn.sh starts this in namespaces of its own, as process 1: whatever happens to
# it, namespaces, interfaces, programs and processes go with it.
#
#	client eth0 ---- eth0 server
#
# The learner's program is on the server's eth0. check.sh of the exercise uses the functions
# below. It calls wrong() for each wrong answer.
#
# shellcheck disable=SC2034 # check.sh of the exercises uses the variables
set -euo pipefail

LIVE_DIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$LIVE_DIR/../../scripts/common.sh"

EXERCISE=$1
BUILT=$2
NAME=${EXERCISE#*-} NAME=${NAME//-/_}
JUDGE=$NETBPF_OUT/build/exercises/$EXERCISE/judge
OBJECT=$BUILT/${NAME}_kern.o
PROGRAM=$BUILT/$NAME
WRONG=0

# below N: set RANDOM_NUMBER to a number from 0 to N - 1.
below()
{
	RANDOM_NUMBER=$((SRANDOM % $1))
}

# wrong SENTENCE [DETAIL...]: a wrong answer, in words; details on lines of their own.
wrong()
{
	WRONG=1
	printf '%s\n' "$1"
	[ $# -lt 2 ] || printf '    %s\n' "${@:2}"
}

# broken TEXT: the check itself cannot go on; that is not the learner's fault.
broken()
{
	printf '%s\n' "$1"
	exit 2
}

# server COMMAND...: run a command on the server. Commands without it run on the client.
server()
{
	nsenter --net=/run/netns/server -- "$@"
}

# lab: make both ends, with random addresses: C4 and C6 of the client, S4 and S6 of the server;
# PORT is a free port.
lab()
{
	local a b

	below 250 && a=$((RANDOM_NUMBER + 1))
	below 250 && b=$((RANDOM_NUMBER + 1))
	C4=10.$a.$b.1 S4=10.$a.$b.2 NET4=10.$a.$b.0/24
	C6=fd00:$a:$b::1 S6=fd00:$a:$b::2
	below 20000 && PORT=$((20000 + RANDOM_NUMBER))
	mount -t tmpfs tmpfs /run
	mkdir "$TMP"
	ip netns add server
	# Random, too: no program can know the number of the interface. ip(8) heeds the second one only
	# with the first.
	below 1000
	ip link add eth0 index $((RANDOM_NUMBER + 10)) type veth \
		peer name eth0 index $((RANDOM_NUMBER + 11)) netns server
	ip addr add "$C4/24" dev eth0
	ip addr add "$C6/64" dev eth0 nodad
	ip link set eth0 up
	ip link set lo up
	server ip addr add "$S4/24" dev eth0
	server ip addr add "$S6/64" dev eth0 nodad
	server ip link set eth0 up
	server ip link set lo up
	# The first packet does not have to wait for the carrier and for neighbours.
	wait_until 5 ping -n -q -c 1 -W 1 "$S4" || broken "the lab does not work: no ping arrives"
	wait_until 5 ping -n -q -c 1 -W 1 "$S6" || broken "the lab does not work: no IPv6 ping arrives"
}

# far COMMAND...: run a command on the host behind the router.
far()
{
	nsenter --net=/run/netns/far -- "$@"
}

far_is_reached()
{
	ping -n -q -c 1 -W 1 "$F4" && ping -n -q -c 1 -W 1 "$F6"
}

# lab_router: after lab(), make the server a router with a second interface, eth1, and a host
# behind it with the addresses F4 and F6; R4 and R6 are those of eth1.
#
#	client eth0 ---- eth0 server eth1 ---- eth0 far
#
# The hosts write whole checksums, and accept what XDP programs redirect to them.
lab_router()
{
	local a b node

	below 16 && a=$((RANDOM_NUMBER + 16))
	below 250 && b=$RANDOM_NUMBER
	R4=172.$a.$b.1 F4=172.$a.$b.2 FAR4=172.$a.$b
	R6=fd01:$a:$b::1 F6=fd01:$a:$b::2
	ip netns add far
	server ip link add eth1 type veth peer name eth0 netns far
	for node in server far; do
		"$node" ip link set lo up
	done
	server ip addr add "$R4/24" dev eth1
	server ip addr add "$R6/64" dev eth1 nodad
	server ip link set eth1 up
	server sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	far ip addr add "$F4/24" dev eth0
	far ip addr add "$F6/64" dev eth0 nodad
	far ip link set eth0 up
	far ip route add default via "$R4"
	far ip route add default via "$R6"
	ip route add default via "$S4"
	ip route add default via "$S6"
	ethtool -K eth0 tx off gro on >/dev/null
	far ethtool -K eth0 tx off gro on >/dev/null
	wait_until 5 far_is_reached ||
		broken "the lab does not work: no ping arrives behind the router"
}

attached()
{
	grep -q '^ready$' "$TMP/attached" || ! kill -0 "$ATTACHED" 2>/dev/null
}

# attach [INTERFACE...]: attach the learner's program to interfaces of the server, to eth0 if
# none is named.
attach()
{
	[ $# -gt 0 ] || set -- eth0
	[ -p "$TMP/attach" ] || mkfifo "$TMP/attach"
	server "$JUDGE" attach "$OBJECT" "$@" <"$TMP/attach" >"$TMP/attached" 2>&1 &
	ATTACHED=$!
	exec {ATTACH_FD}>"$TMP/attach"
	TOLD=0
	wait_until 5 attached || :
	grep -q '^ready$' "$TMP/attached" || {
		wrong "the program cannot be attached" "$(<"$TMP/attached")"
		exit 1
	}
}

# tell LINE: have exercise.told() of check.c do what the line says; it prints nothing if all is
# well.
tell()
{
	local said

	echo "$1" >&"$ATTACH_FD"
	TOLD=$((TOLD + 1))
	wait_until 5 was_told || broken "the check does not do: $1"
	said=$(grep -vx 'ready\|done' "$TMP/attached") || return 0
	wrong "$said"
	exit 1
}

was_told()
{
	[ "$(grep -cx 'done' "$TMP/attached")" -eq "$TOLD" ]
}

# detach: detach it again.
detach()
{
	exec {ATTACH_FD}>&-
	wait "$ATTACHED" || :
}

# printed LINES: true if the attached judge has printed a map after so many lines.
printed()
{
	tail -n "+$(($1 + 1))" "$TMP/attached" | grep -q '^end$'
}

# entries MAP: print the entries of a map of the attached program, one a line: key and value as
# numbers of 32 bits, of a per-CPU map the values of all CPUs.
entries()
{
	local lines

	lines=$(wc -l <"$TMP/attached")
	echo "$1" >&"$ATTACH_FD"
	wait_until 5 printed "$lines" || broken "the judge does not print the map $1"
	tail -n "+$((lines + 1))" "$TMP/attached" | sed '$d'
}

# replies ADDRESS [OPTION...]: set REPLIES to the number of answers to 3 pings (or -c N).
replies()
{
	local out

	out=$(ping -n -q -c 3 -i 0.01 -W 0.3 "${@:2}" "$1" 2>&1) || :
	[[ $out =~ ([0-9]+)\ received ]] || broken "ping: $out"
	REPLIES=${BASH_REMATCH[1]}
}

# counter NAME: set COUNTER to a counter of the server's stack, such as IcmpInEchos.
counter()
{
	COUNTER=$(server nstat -asz "$1" | awk -v name="$1" '$1 == name { print $2 }')
	[ -n "$COUNTER" ] || broken "nstat does not know the counter $1"
}

# serve PORT: an HTTP server on the server; each answer is "hello".
serve()
{
	server python3 - "$1" >"$TMP/serve" 2>&1 <<-'END' &
		import http.server, socket, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.send_header("Content-Length", "5")
		        self.end_headers()
		        self.wfile.write(b"hello")
		    def log_message(self, *args):
		        pass
		class Server(http.server.ThreadingHTTPServer):
		    address_family = socket.AF_INET6
		Server(("::", int(sys.argv[1])), Handler).serve_forever()
	END
	wait_until 10 curl -s -m 1 -o "$TMP/served" "http://$S4:$1/" ||
		broken "the HTTP server of the check does not answer"
}

# fetch ADDRESS PORT: true if the HTTP server answers.
fetch()
{
	[[ $1 != *:* ]] || set -- "[$1]" "$2"
	[ "$(curl -s -m 2 "http://$1:$2/" 2>/dev/null)" = hello ]
}

# path ADDRESS: ping once, and print which hooks behind XDP meet the request; for the details of
# a wrong answer.
path()
{
	local line watcher

	# In the background, server() would be a shell, and the signal would not reach the program.
	nsenter --net=/run/netns/server -- "$NETBPF_OUT/samples/network" -i eth0 --sockfilter --tc pass \
		>"$TMP/path" 2>&1 </dev/null &
	watcher=$!
	wait_until 5 grep -q '^ready' "$TMP/path" || return 0
	ping -n -q -c 1 -W 0.3 "$1" >/dev/null 2>&1 || :
	kill -INT "$watcher"
	wait "$watcher" || :
	line=$(grep -m 1 'echo request' "$TMP/path") || {
		echo "path: no hook behind XDP has seen the echo request: XDP took it away"
		return
	}
	echo "path behind XDP: $line"
}

# start_program [ARGUMENT...]: run the learner's own program on the server; its output is in
# $TMP/program, its input is the file $PROGRAM_INPUT, if that is set.
start_program()
{
	# Not by server(), see path(): the signal has to reach the program.
	nsenter --net=/run/netns/server -- env --default-signal=INT \
		stdbuf -oL "$PROGRAM" "$@" >"$TMP/program" 2>&1 <"${PROGRAM_INPUT:-/dev/null}" &
	RUNNING=$!
}

program_ended()
{
	! kill -0 "$RUNNING" 2>/dev/null
}

# program_map MAP: print the entries of a map of the learner's running program, as entries() does; false
# if it has no such map.
program_map()
{
	"$JUDGE" map "$RUNNING" "$1"
}

# stop_program: press Ctrl-C, so to speak; set PROGRAM_STATUS.
stop_program()
{
	PROGRAM_STATUS=0
	kill -INT "$RUNNING" 2>/dev/null || :
	wait_until 2 program_ended || {
		wrong "your program has not ended 2 seconds after Ctrl-C" \
			"handle SIGINT: leave the loop, and return from main()"
		exit 1
	}
	wait "$RUNNING" || PROGRAM_STATUS=$?
}

TMP=/run/live
# A command of check.sh that fails, and that nobody has looked at, is no wrong answer.
set -E
trap 'broken "the check has failed: $BASH_COMMAND"' ERR
# shellcheck source=/dev/null
. "$NETBPF_TOP/exercises/$EXERCISE/check.sh"
exit "$WRONG"
