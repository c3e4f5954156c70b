# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/tcpconnect; tour.sh sources it.

about_tcpconnect()
{
	echo 'who opens TCP connections, to where, and what came of it'
}

# line_of TEXT...: true if one line of the sample's output has all of them.
line_of()
{
	local text lines

	value lines cat "$WORK/demo"
	for text; do
		value lines grep -Fw -e "$text" <<<"$lines"
	done
	[ -n "$lines" ]
}

tour_tcpconnect()
{
	say "This one is attached to no interface, but to the kernel's TCP. It tells where."
	start_plain tcpconnect -4
	check "ready, with a back end that this kernel has" grep -q '^ready:' "$WORK/demo"

	say "A page from pingbox: one connection, established."
	run_on host curl -sS -m 3 http://10.0.1.2/ || :
	say "A port where nobody listens, and a network that nobody routes to."
	run_on host curl -sS -m 3 http://10.0.1.2:81/ || :
	run_on host curl -sS -m 3 http://198.51.100.1/ || :
	say "pingbox connects too. -n chose the host: that one is not shown."
	run_on pingbox curl -sS -m 3 http://10.0.1.1:82/ || :

	say "What was seen: the program that called connect(), the result, and how long it took."
	finish
	check "curl got through to port 80" line_of curl 10.0.1.2 80 OK
	check "port 81 was refused, by the peer" line_of curl 10.0.1.2 81 ECONNREFUSED
	check "198.51.100.1 failed at once, in the host: no packet was sent" \
		line_of curl 198.51.100.1 ENETUNREACH
	check "of pingbox, nothing" grep -q '^summary: 3 attempts: 1 established, 2 failed' \
		"$WORK/demo"

	say "-c counts instead: who talks to whom, how often."
	start_plain tcpconnect -4 -c
	run_on host sh -c 'for i in 1 2 3 4 5; do curl -s -o /dev/null -m 3 10.0.1.2; done' || :
	finish
	check "5 connections to 10.0.1.2, port 80" \
		grep -Eq '^10\.0\.1\.1 +10\.0\.1\.2 +80 +5 +0$' "$WORK/demo"
}
