# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 12, on real packets: the learner's loader changes the map, and pings from three
# addresses of the client show the effect at once.

# answers: the number of lines that the learner's program has printed.
answers()
{
	wc -l <"$TMP/program"
}

more_answers()
{
	[ "$(answers)" -gt "$1" ]
}

# give COMMAND PREFIX: give a command to the learner's program; wait for its answer.
give()
{
	local before answer

	LAST="$1 $2"
	before=$(answers)
	echo "$LAST" >&"$COMMANDS"
	wait_until 5 more_answers "$before" || {
		wrong "$1: your program does not answer: it should print ok after each command"
		exit 1
	}
	answer=$(tail -n 1 "$TMP/program")
	[ "$answer" = ok ] || {
		wrong "$1: your program says: $answer" "the command was: $LAST"
		exit 1
	}
}

# passes ADDRESS SENTENCE, blocked ADDRESS SENTENCE: what must become of a ping from ADDRESS.
passes()
{
	replies "$S4" -c 1 -W 1 -I "$1"
	[ "$REPLIES" -eq 1 ] || wrong "$2" "pinged from $1; the last command was: ${LAST:-none}"
}

blocked()
{
	replies "$S4" -c 1 -W 0.1 -I "$1"
	[ "$REPLIES" -eq 0 ] || wrong "$2" "pinged from $1; the last command was: ${LAST:-none}"
}

# start_blocklist: start the learner's program; it reads from a pipe.
start_blocklist()
{
	mkfifo "$TMP/commands"
	PROGRAM_INPUT=$TMP/commands start_program eth0
	exec {COMMANDS}>"$TMP/commands"
	wait_until 5 grep -q '^ready$' "$TMP/program" || {
		wrong "your program does not print ready" "$(<"$TMP/program")"
		exit 1
	}
}

lab
# Two more addresses: NEAR is in the same /26 as the first, FAR in another.
below 60 && NEAR=${C4%.*}.$((3 + RANDOM_NUMBER))
below 60 && FAR=${C4%.*}.$((192 + RANDOM_NUMBER))
ip addr add "$NEAR/24" dev eth0
ip addr add "$FAR/24" dev eth0
NET16=${C4%.*.*}.0.0/16 NET26=${C4%.*}.0/26

start_blocklist
passes "$NEAR" "nothing is blocked, and pings are not answered"
give block "$NET16"
blocked "$NEAR" "block: pings from within the prefix are answered"
blocked "$FAR" "block: pings from within the prefix are answered"
give allow "$NEAR/32"
passes "$NEAR" "allow: pings from an allowed address within a blocked prefix are not answered"
give block "$NET26"
passes "$NEAR" "block: pings from an allowed address are not answered, though its prefix is longer"
give allow "$NET26"
passes "$C4" "allow: a prefix was blocked and is allowed now; pings from it are not answered"
blocked "$FAR" "allow: pings from outside of the prefix are answered, too"
give remove "$NET26"
blocked "$C4" "remove: the allowed prefix was removed, the blocked one around it holds; pings are answered"
give remove "$NET16"
passes "$FAR" "remove: the blocked prefix was removed; pings are not answered"
give block "$NEAR"
blocked "$NEAR" "block: one address, allowed before, is blocked now; pings from it are answered"
replies "$S6"
[ "$REPLIES" -eq 3 ] || wrong "ping $S6 gets $REPLIES of 3 answers: IPv6 should pass"
stop_program
replies "$S4" -I "$NEAR" -c 1 -W 1
[ "$REPLIES" -eq 1 ] || wrong "pings get no answer after your program has ended: is the link still there?"
