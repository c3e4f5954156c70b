# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 2, on real packets: nothing arrives while the program is attached, all afterwards.

# forget_neighbours: so that the client has to ask by ARP and by neighbour discovery again.
forget_neighbours()
{
	ip neigh flush dev eth0
	ip -6 neigh flush dev eth0
}

lab
serve "$PORT"
attach
for address in "$S4" "$S6"; do
	replies "$address"
	[ "$REPLIES" -eq 0 ] ||
		wrong "ping $address gets $REPLIES answers: every frame should be dropped"
done
! curl -s -m 0.3 -o "$TMP/fetched" "http://$S4:$PORT/" ||
	wrong "curl http://$S4:$PORT/ gets an answer: every frame should be dropped"
detach
forget_neighbours
for address in "$S4" "$S6"; do
	replies "$address"
	[ "$REPLIES" -eq 3 ] ||
		wrong "ping $address gets $REPLIES of 3 answers after the program is gone"
done
fetch "$S4" "$PORT" || wrong "curl http://$S4:$PORT/ gets no answer after the program is gone"
