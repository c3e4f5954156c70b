# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 8, on real packets: pings behind options get no answer; replies, neighbour discovery,
# and UDP behind the same options pass.

# options KIND COUNT: send COUNT echo requests, or UDP packets to port $PORT, of which the
# sender's kernel puts Hop-by-hop and Destination options in front; print the answers.
options()
{
	python3 - "$S6" "$1" "$2" "$PORT" <<-'END'
		import socket, struct, sys

		address, kind, count, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
		# One unit of 8 bytes; the kernel sets the next header; PadN fills it.
		pad = bytes([0, 0, 1, 4, 0, 0, 0, 0])
		if kind == "ping":
		    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
		    # The filter of ICMPv6: echo replies only (RFC 3542; a set bit blocks).
		    mask = [0xffffffff] * 8
		    mask[129 >> 5] &= ~(1 << (129 & 31))
		    s.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack("8I", *mask))
		else:
		    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, pad)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, pad)
		s.settimeout(0.2)
		answers = 0
		for i in range(count):
		    s.sendto(struct.pack("!BBHHH", 128, 0, 0, 1, i), (address, 0 if kind == "ping" else port))
		    try:
		        s.recvfrom(2048)
		        answers += 1
		    except socket.timeout:
		        pass
		print(answers)
	END
}

# echo_udp: send each UDP packet back.
echo_udp()
{
	server python3 - "$PORT" >"$TMP/echo" 2>&1 <<-'END' &
		import socket, sys
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.bind(("::", int(sys.argv[1])))
		print("ready", flush=True)
		while True:
		    data, sender = s.recvfrom(2048)
		    s.sendto(data, sender)
	END
	wait_until 10 grep -q ready "$TMP/echo" || broken "the UDP server of the check does not start"
}

lab
echo_udp
[ "$(options ping 1)" -eq 1 ] || broken "the lab does not work: no answer to a ping with options"
attach
replies "$S6"
[ "$REPLIES" -eq 0 ] || wrong "ping $S6 gets $REPLIES answers: the echo requests should be dropped"
REPLIES=$(options ping 1)
[ "$REPLIES" -eq 0 ] ||
	wrong "a ping behind Hop-by-hop and Destination options gets an answer: it should be dropped"
replies "$S6" -s 4000 -c 1 -W 0.2
[ "$REPLIES" -eq 0 ] ||
	wrong "a ping of 4000 bytes gets an answer: its first fragment has the ICMPv6 header"
REPLIES=$(options udp 3)
[ "$REPLIES" -eq 3 ] || wrong "of 3 UDP packets behind options, $REPLIES came back: UDP should pass"
out=$(server ping -n -q -c 3 -i 0.01 -W 0.3 "$C6" 2>&1) || :
[[ $out == *" 3 received"* ]] ||
	wrong "the server pings the client, and misses answers: echo replies should pass" "$out"
ip -6 neigh flush dev eth0
REPLIES=$(options udp 1)
[ "$REPLIES" -eq 1 ] ||
	wrong "no UDP packet comes back once the neighbours are forgotten: neighbour discovery should pass"
