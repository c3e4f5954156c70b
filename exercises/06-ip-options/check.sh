# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 6, on real packets: pings with and without the option "record route" get no answer,
# a TCP connection with options works.

# fetch_with_options: true if the HTTP server answers packets with IP options, which do nothing.
fetch_with_options()
{
	below 10 || :
	python3 - "$S4" "$PORT" $((1 + RANDOM_NUMBER)) <<-'END' 2>"$TMP/client"
		import socket, sys
		client = socket.socket()
		client.settimeout(2)
		nops = bytes([1]) * 4 * int(sys.argv[3])
		client.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, nops)
		client.connect((sys.argv[1], int(sys.argv[2])))
		client.sendall(b"GET / HTTP/1.0\r\n\r\n")
		answer = b""
		while part := client.recv(4096):
		    answer += part
		sys.exit(not answer.endswith(b"hello"))
	END
}

lab
serve "$PORT"
replies "$S4" -R
[ "$REPLIES" -eq 3 ] || broken "the lab does not work: ping -R $S4 gets no answer"
attach
replies "$S4"
[ "$REPLIES" -eq 0 ] || wrong "ping $S4 gets $REPLIES answers: the echo requests should be dropped"
replies "$S4" -R
[ "$REPLIES" -eq 0 ] ||
	wrong "ping -R $S4, with IP options, gets $REPLIES answers: drop these requests, too"
fetch "$S4" "$PORT" || wrong "curl http://$S4:$PORT/ gets no answer: TCP should pass"
fetch_with_options || wrong "a TCP connection with IP options does not work: TCP should pass"
