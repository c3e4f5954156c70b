# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 1, on real packets: the program is seen on the interface, and pings are answered.

# shown: print the names of the XDP programs on the server's eth0.
shown()
{
	server ip -j -d link show dev eth0 | jq -r '.[].xdp.prog.name // empty'
}

lab
attach
[ "$(shown)" = pass ] || wrong "ip link show dev eth0 shows no program named pass" "$(shown)"
for address in "$S4" "$S6"; do
	replies "$address"
	[ "$REPLIES" -eq 3 ] ||
		wrong "ping $address gets $REPLIES of 3 answers: each frame should be passed"
done
detach
[ -z "$(shown)" ] || wrong "the program is still there after the loader has ended"
