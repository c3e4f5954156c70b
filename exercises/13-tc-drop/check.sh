# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 13, on real packets: a capture sees datagrams that the stack does not get.

# send PORT: send five datagrams; set REACHED to how many of them UDP has got. No socket waits for
# them, and UDP counts that.
send()
{
	local before i

	counter UdpNoPorts
	before=$COUNTER
	for i in 1 2 3 4 5; do
		echo "$i" >"/dev/udp/$S4/$1"
	done
	# The answer shows that the datagrams before the ping have arrived.
	replies "$S4"
	[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers: all but UDP should pass"
	counter UdpNoPorts
	REACHED=$((COUNTER - before))
}

# capture PORT: print the datagrams to this port that reach eth0, before TC.
capture()
{
	# Not by server(): captured() signals this process.
	nsenter --net=/run/netns/server -- "$NETBPF_OUT/samples/sockfilter" -i eth0 "udp and dst port $1" \
		>"$TMP/capture" 2>&1 </dev/null &
	CAPTURE=$!
	wait_until 5 grep -q '^ready' "$TMP/capture" ||
		broken "the capture of the check does not begin: $(<"$TMP/capture")"
}

# captured: end the capture; set CAPTURED to the number of datagrams in it.
captured()
{
	kill -INT "$CAPTURE"
	wait "$CAPTURE" || :
	CAPTURED=$(grep -c "> $S4" "$TMP/capture") || :
}

lab
below 1000 && inside=$((4000 + RANDOM_NUMBER))
below 1000 && outside=$((5000 + RANDOM_NUMBER))
attach
capture "$inside"
send "$inside"
captured
[ "$CAPTURED" -eq 5 ] ||
	wrong "a capture shows $CAPTURED of 5 datagrams to port $inside: TC comes behind the captures"
[ "$REACHED" -eq 0 ] || wrong "$REACHED of 5 datagrams to port $inside have reached UDP: they should be dropped"
send "$outside"
[ "$REACHED" -eq 5 ] || wrong "$REACHED of 5 datagrams to port $outside have reached UDP: they should pass"
replies "$S6"
[ "$REPLIES" -eq 3 ] || wrong "ping $S6 gets $REPLIES of 3 answers: IPv6 should pass"
detach
