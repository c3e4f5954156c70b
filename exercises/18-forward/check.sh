# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 18, on real packets: a path of two hops, of which the stack forwards nothing.

# by_stack: print how many IPv4 packets the stack of the router has forwarded.
by_stack()
{
	server cat /proc/self/net/snmp | awk '/^Ip: [0-9]/ { print $7 }'
}

# hop TTL: set HOP to the address that answers a ping to the far host with this TTL.
hop()
{
	HOP=$(ping -n -c 1 -W 1 -t "$1" "$F4" 2>&1 | awk '
		/^From/ && /Time to live exceeded/ { print $2; exit }
		/bytes from/ { sub(":", "", $4); print $4; exit }') || :
}

lab
lab_router
attach eth0 eth1
before=$(by_stack)
replies "$F4"
if [ "$REPLIES" -ne 3 ]; then
	wrong "ping $F4 gets no answer from beyond the router: $REPLIES of 3" \
		"fib.ifindex is the interface to which the packet has to go"
else
	hop 1
	[ "$HOP" = "$S4" ] || wrong "the first hop of a traceroute is ${HOP:-silent}, and should be $S4" \
		"pass a packet whose TTL is 1 unchanged: the stack answers it"
	hop 2
	[ "$HOP" = "$F4" ] || wrong "the second hop of a traceroute is ${HOP:-silent}, and should be $F4"
	replies "$F4" -s 1400
	[ "$REPLIES" -eq 3 ] || wrong "pings of 1428 bytes get $REPLIES of 3 answers"
	stack=$(($(by_stack) - before))
	[ "$stack" -eq 0 ] || wrong "the stack has forwarded $stack packets: your program should" \
		"the program is on both interfaces of the router, so it should meet all of them"
fi
replies "$R4"
[ "$REPLIES" -eq 3 ] ||
	wrong "ping $R4, an address of the router itself, gets $REPLIES of 3 answers"
replies "$F6"
[ "$REPLIES" -eq 3 ] ||
	wrong "ping $F6 gets $REPLIES of 3 answers: IPv6 should pass, the stack forwards it"
detach
