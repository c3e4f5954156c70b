# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 4, on real packets: pings of IPv4 get no answer, all else works.

lab
serve "$PORT"
attach
replies "$S4"
[ "$REPLIES" -eq 0 ] || wrong "ping $S4 gets $REPLIES answers: the echo requests should be dropped"
replies "$S6"
[ "$REPLIES" -eq 3 ] || wrong "ping $S6 gets $REPLIES of 3 answers: IPv6 should pass" "$(path "$S6")"
fetch "$S4" "$PORT" || wrong "curl http://$S4:$PORT/ gets no answer: TCP should pass"
ip neigh flush dev eth0
fetch "$S4" "$PORT" || wrong "curl gets no answer once the neighbours are forgotten: ARP should pass"
detach
replies "$S4"
[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers after the program is gone"
