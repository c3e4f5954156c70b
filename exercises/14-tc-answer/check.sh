# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 14, on real packets: replies come, and the server's counters of ICMP stand still.

# ping_counted ADDRESS COUNTER [OPTION...]: ping; set MOVED to how far the server's counter has
# moved.
ping_counted()
{
	local before

	counter "$2"
	before=$COUNTER
	replies "$1" "${@:3}"
	counter "$2"
	MOVED=$((COUNTER - before))
}

lab
attach
below 1400
ping_counted "$S4" IcmpInMsgs -s $((16 + RANDOM_NUMBER))
[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers" \
	"is the reply sent out of the interface on which the request came in: bpf_redirect(skb->ifindex, 0)?"
[ "$MOVED" -eq 0 ] || wrong "the server's stack has got $MOVED ICMP messages: TC should have answered them"
# An address that the server does not have: only the program can answer.
ip neigh replace "${S4%.*}.77" lladdr "$(server ip -j link show eth0 | jq -r .[0].address)" dev eth0
replies "${S4%.*}.77"
[ "$REPLIES" -eq 3 ] || wrong "ping ${S4%.*}.77 gets $REPLIES of 3 answers: your program should answer for each address"
# In fragments: the stack puts the request together, and answers it.
ping_counted "$S4" IcmpInEchos -s 3000
[ "$REPLIES" -eq 3 ] || wrong "ping -s 3000 gets $REPLIES of 3 answers: fragments should pass"
[ "$MOVED" -eq 3 ] || wrong "the server's stack has got $MOVED of 3 requests in fragments: they should pass"
ping_counted "$S6" Icmp6InEchos
[ "$MOVED" -eq 3 ] || wrong "the server's stack has got $MOVED of 3 IPv6 pings: they should pass"
[ "$REPLIES" -eq 3 ] || wrong "ping $S6 gets $REPLIES of 3 answers: IPv6 should pass"
detach
