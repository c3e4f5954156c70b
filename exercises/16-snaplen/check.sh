# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 16, on real packets: each copy has the length that the limit says, and what the server
# receives is what the client has sent.

# receive: write length and checksum of each datagram to $TMP/received.
receive()
{
	server python3 - "$PORT" >"$TMP/received" 2>&1 <<-'END' &
		import socket, sys, zlib
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
		s.bind(("::", int(sys.argv[1])))
		print("ready", flush=True)
		while True:
		    data = s.recv(65536)
		    print(len(data), zlib.crc32(data), flush=True)
	END
	wait_until 10 grep -q ready "$TMP/received" || broken "the UDP server of the check does not start"
}

# datagrams ADDRESS COUNT: send datagrams of random lengths; print what receive() should print.
datagrams()
{
	python3 - "$1" "$2" "$PORT" <<-'END'
		import os, random, socket, sys, zlib
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		for i in range(int(sys.argv[2])):
		    data = os.urandom(random.randint(1, 1400))
		    s.sendto(data, (sys.argv[1], int(sys.argv[3])))
		    print(len(data), zlib.crc32(data))
	END
}

# lines FILE NUMBER: true if the file has so many lines.
lines()
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# try LIMIT: start the program with the limit, and compare what it prints.
try()
{
	local before

	start_program eth0 "$1"
	wait_until 5 grep -q '^ready$' "$TMP/program" || {
		wrong "your program does not print ready" "$(<"$TMP/program")"
		exit 1
	}
	before=$(wc -l <"$TMP/received")
	{ datagrams "$S6" 3; datagrams "$S4" 20; } >"$TMP/sent"
	replies "$S4"
	[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers"
	wait_until 2 lines "$TMP/received" $((before + 23)) || :
	# A socket gets packets in their order: what the pings might have added is there, too.
	wait_until 1 lines "$TMP/program" 21 || :
	stop_program
	tail -n "+$((before + 1))" "$TMP/received" | cmp -s - "$TMP/sent" ||
		wrong "the server has not received what the client has sent: a filter should not harm it"
	compare "$1"
}

# compare LIMIT: each line that the program has printed is the length of a copy: of the frame,
# with 42 bytes of headers, or the limit.
compare()
{
	tail -n 20 "$TMP/sent" | awk -v limit="$1" '{
		n = $1 + 42
		print n < limit ? n : limit
	}' >"$TMP/want"
	tail -n +2 "$TMP/program" >"$TMP/got"
	cmp -s "$TMP/want" "$TMP/got" && return
	if [ "$(wc -l <"$TMP/got")" -gt 20 ]; then
		wrong "your program has printed more lines than UDP packets were sent" \
			"sent: 20 with IPv4, and 3 pings; printed: $(wc -l <"$TMP/got") lines"
	else
		wrong "with the limit $1, your program should print other lengths" \
			"frames, cut:    $(paste -sd ' ' "$TMP/want")" \
			"printed:        $(paste -sd ' ' "$TMP/got")"
	fi
}

lab
receive
below 50 && LIMIT=$((65 + RANDOM_NUMBER))
try "$LIMIT"
below 500 && LIMIT=$((500 + RANDOM_NUMBER))
try "$LIMIT"
