# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 3, on real packets: nothing arrives at UDP port 9, all else does.

# refused PORT: true if a datagram arrives at the server's UDP port, where nobody listens: the
# server answers "port unreachable", which ends the read with an error. Without an answer, it
# ends with a status above 128.
refused()
{
	local status=0

	exec {UDP_FD}<>"/dev/udp/$S4/$1"
	printf 'x' >&"$UDP_FD"
	read -r -t 0.3 -u "$UDP_FD" _ 2>"$TMP/refused" || status=$?
	exec {UDP_FD}>&-
	[ "$status" -le 128 ]
}

lab
refused 9 || broken "the lab does not work: no datagram arrives at UDP port 9"
attach
! refused 9 || wrong "a datagram to UDP port 9 has arrived: it should be dropped"
refused "$PORT" || wrong "a datagram to UDP port $PORT has not arrived: it should pass"
replies "$S4"
[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers: all but UDP port 9 should pass"
