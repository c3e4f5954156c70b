# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 15, on real packets: the server has 192.0.2.1, too. Datagrams to its other address reach
# a socket of this one, which happens only if all checksums are right.

received()
{
	[ "$(wc -c <"$TMP/received")" -ge "$1" ]
}

# datagram SIZE: send one, and wait until the server has received it.
datagram()
{
	local before

	before=$(wc -c <"$TMP/received")
	head -c "$1" /dev/zero >"/dev/udp/$S4/$PORT"
	wait_until 1 received $((before + $1)) && return
	counter UdpInCsumErrors
	wrong "a UDP datagram of $1 bytes does not arrive at 192.0.2.1" \
		"wrong UDP checksums, as the server counts them: $COUNTER" "$2"
}

listening()
{
	server grep -qi ":$(printf %04x "$PORT") " /proc/net/udp
}

lab
# Else the kernel leaves the checksum to the card, and the packet does not have it yet.
ethtool -K eth0 tx off >/dev/null || broken "ethtool cannot switch checksum offload off"
server ip addr add 192.0.2.1/32 dev lo
server python3 -c '
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("192.0.2.1", int(sys.argv[1])))
while True:
    sys.stdout.buffer.write(sock.recv(65535))
    sys.stdout.flush()
' "$PORT" >"$TMP/received" &
attach
wait_until 10 listening || broken "the server of the check does not listen"
below 1000
datagram $((RANDOM_NUMBER + 1)) "the packet is in one piece"
below 1000
datagram $((RANDOM_NUMBER + 3000)) "it comes in fragments: only the first one has a UDP header"
replies "$S6"
[ "$REPLIES" -eq 3 ] || wrong "ping $S6 gets $REPLIES of 3 answers: IPv6 should pass"
detach
