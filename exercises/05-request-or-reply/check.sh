# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 5, on real packets: the client pings the server, and the server the client. The map
# of the program on the server must say how often.

# says KEY NAME NUMBER: the map must have so many messages, and ping numbers them from 1.
says()
{
	[[ $ENTRIES =~ (^|$'\n')$1\ ([0-9]+)\ ([0-9]+) ]] ||
		broken "the map has no entry $1: $ENTRIES"
	[ "${BASH_REMATCH[2]}" -eq "$3" ] ||
		wrong "after $3 echo $2, the map says ${BASH_REMATCH[2]} $2"
	[ "${BASH_REMATCH[3]}" -eq "$3" ] ||
		wrong "last of the $2 is ${BASH_REMATCH[3]}: ping has sent number $3 last"
}

lab
below 8 && requests=$((1 + RANDOM_NUMBER))
below 8 && answers=$((9 + RANDOM_NUMBER))
attach
replies "$S4" -c "$requests"
[ "$REPLIES" -eq "$requests" ] ||
	wrong "ping $S4 gets $REPLIES of $requests answers: everything should be passed"
server ping -n -q -c "$answers" -i 0.01 -W 0.3 "$C4" >"$TMP/ping" ||
	wrong "the server's ping of $C4 gets no answer: everything should be passed"
ENTRIES=$(entries echoes)
says 0 requests "$requests"
says 1 replies "$answers"
