# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 11, on real packets: the learner's loader reads datagrams, is stopped while more come than
# the ring has room for, and has to tell the truth at the end.

ready()
{
	grep -q '^ready' "$TMP/program" || program_ended
}

# send N: send N datagrams, of random lengths; $TMP/sent gets the events that they should make.
send()
{
	python3 - "$C4" "$S4" "$PORT" "$1" >>"$TMP/sent" <<-'END'
		import random, socket, sys
		source, dest, port, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind((source, 0))
		for _ in range(n):
		    size = random.randrange(1400)
		    sock.sendto(bytes(size), (dest, port))
		    print(source, sock.getsockname()[1], size + 8)
	END
	# The answer shows that the server has had all of them.
	replies "$S4"
}

events()
{
	grep -c "^$C4 " "$TMP/program" || :
}

printed()
{
	[ "$(events)" -ge "$1" ]
}

expect_printed()
{
	wait_until 1 printed "$1" && return
	wrong "your program has printed $(events) of $1 events, a second after the last datagram" \
		"$(tail -n 3 "$TMP/program")"
	exit 1
}

# first_wrong: print the first event that was printed and is not in $TMP/sent, in this order, and the
# right one.
first_wrong()
{
	awk -v own="$C4 " '
		BEGIN { i = n = 0 }
		NR == FNR { sent[n++] = $0; next }
		index($0, own) == 1 {
			next_one = i
			while (i < n && sent[i] != $0)
				i++
			if (i++ == n) {
				print "yours: " $0
				print "right: " sent[next_one]
				exit
			}
		}' "$TMP/sent" "$TMP/program"
}

# lost_in_map: set LOST to the sum that the map holds over all CPUs.
lost_in_map()
{
	LOST=$(program_map lost | awk '{ for (i = 2; i < NF; i += 2) sum += $i } END { print sum + 0 }') ||
		broken "the check does not find the map lost"
}

# balance: compare the last line with the datagrams that the server's UDP has got: no socket
# waits for them, and UDP counts that.
balance()
{
	local received lost details

	[[ $(tail -n 1 "$TMP/program") =~ ^received\ ([0-9]+)\ lost\ ([0-9]+)$ ]] || {
		wrong "your program has printed no line \"received N lost M\" at its end" \
			"its last line: $(tail -n 1 "$TMP/program")" "exit status: $PROGRAM_STATUS"
		return
	}
	received=${BASH_REMATCH[1]} lost=${BASH_REMATCH[2]}
	[ "$lost" = "$LOST" ] || {
		wrong "the map lost holds $LOST, and your program has printed $lost: did the lookup fail?" \
			"a per-CPU map gives libbpf_num_possible_cpus() values, one for each CPU: have room for all," \
			"and add them up"
		return
	}
	counter UdpNoPorts
	[ $((received + lost)) -eq "$COUNTER" ] ||
		wrong "what your program has received and lost is not what was sent" \
			"$received received + $lost lost = $((received + lost)), and $COUNTER datagrams have arrived" \
			"were the events read that were in the ring when Ctrl-C came?"
	[ "$(events)" -eq "$received" ] ||
		wrong "your program says that it received $received events, and has printed $(events)"
	mapfile -t details < <(first_wrong)
	[ ${#details[@]} -eq 0 ] ||
		wrong "your program has printed an event that does not describe its datagram" "${details[@]}"
}

lab
start_program eth0
wait_until 5 ready || :
grep -q '^ready' "$TMP/program" || {
	wrong "your program has not printed \"ready\"" "$(tail -n 3 "$TMP/program")"
	exit 1
}
# Twice: a loader that reads only once has ended by then.
below 50 && n=$((RANDOM_NUMBER + 20))
send "$n"
expect_printed "$n"
send 1
expect_printed $((n + 1))
kill -STOP "$RUNNING"
below 500
send $((4096 + RANDOM_NUMBER))
lost_in_map
# Ctrl-C comes first: nothing but the end of the program can read the ring.
kill -INT "$RUNNING"
kill -CONT "$RUNNING"
stop_program
balance
