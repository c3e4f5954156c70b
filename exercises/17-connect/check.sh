# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 17, with real connections: each has a name of its own, and must have one right line.

ready()
{
	grep -q '^ready' "$TMP/program" || program_ended
}

# connects: call connect() with each result; $TMP/want gets the right lines, $TMP/never the names
# that must not have a line, each with the reason.
connects()
{
	python3 - "$C4" "$S4" "$C6" "$GONE" "$PORT" "$TMP/want" "$TMP/never" <<-'END'
		import errno, os, random, socket, sys
		own, other, own6, gone, port, want, never = sys.argv[1:]
		port, uid = int(port), 1000 + random.randrange(50000)
		want, never = open(want, "w"), open(never, "w")
		text = {0: "OK", errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timed out"}
		waiting = []
		def name(comm=None):
		    comm = comm or "c%08x" % random.getrandbits(32)
		    os.write(comm_fd, comm.encode())
		    return comm
		def begin(addr, port, blocking, family=socket.AF_INET):
		    sock = socket.socket(family)
		    # The first retransmission, after a second, is the last one.
		    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 100)
		    sock.setblocking(blocking)
		    return sock, name(), sock.connect_ex((addr, port))
		def connect(addr, port):
		    sock, comm, err = begin(addr, port, True)
		    print(comm, uid, addr, port, text[err], file=want)
		def time_out():
		    port = random.randrange(1, 60000)
		    sock, comm, _ = begin(gone, port, False)
		    print(comm, uid, gone, port, text[errno.ETIMEDOUT], file=want)
		    waiting.append(sock)
		def give_up():
		    sock, comm, _ = begin(gone, port, False)
		    sock.close()
		    print(comm, "a socket that was closed before there was a result", file=never)
		def ipv6():
		    sock, comm, _ = begin(own6, port, True, socket.AF_INET6)
		    print(comm, "a connection of IPv6", file=never)
		# Another user may not open this file any more.
		comm_fd = os.open("/proc/self/comm", os.O_WRONLY)
		os.setuid(uid)
		server = socket.create_server((own, port))
		server6 = socket.create_server((own6, port), family=socket.AF_INET6)
		kinds = [lambda: connect(own, port), lambda: connect(other, port), time_out, give_up, ipv6]
		kinds += random.choices(kinds, k=5)
		random.shuffle(kinds)
		for kind in kinds:
		    kind()
		name("not_the_caller")
		# The kernel wakes a socket up at its error.
		for sock in waiting:
		    sock.setblocking(True)
		    assert sock.connect_ex((gone, 1)) == errno.ETIMEDOUT
	END
}

# check_line NAME UID ADDRESS PORT RESULT: check that this line was printed, once.
check_line()
{
	local lines

	lines=$(grep -cxF -- "$*" "$TMP/program") || :
	[ "$lines" -le 1 ] || wrong "a connect() with the result \"${*:5}\" has $lines lines" "$*"
	[ "$lines" -gt 0 ] || wrong "a connect() with the result \"${*:5}\" has no right line" "right: $*" \
		"$(grep -F -- " $3 $4 " "$TMP/program" | sed 's/^/yours: /' || echo "yours has no line for $3 $4")"
}

check_lines()
{
	local line name reason

	while read -r -a line; do
		check_line "${line[@]}"
		[ "$WRONG" -eq 0 ] || return 0
		name=${line[0]}
		[ "$(grep -c "^$name " "$TMP/program")" -eq 1 ] ||
			wrong "a connect() with the result \"${line[*]:4}\" has another line, too" \
				"$(grep "^$name " "$TMP/program")"
	done <"$TMP/want"
	while read -r name reason; do
		! grep -q "^$name " "$TMP/program" ||
			wrong "there is a line for $reason" "$(grep "^$name " "$TMP/program")"
	done <"$TMP/never"
	! grep -q "^not_the_caller " "$TMP/program" ||
		wrong "there is a line for a process that has called nothing" \
			"$(grep "^not_the_caller " "$TMP/program")"
}

lab
# Nobody answers for this address.
below 250
GONE=192.0.2.$((RANDOM_NUMBER + 1))
ip route add "$GONE" via "$S4"
server ip route add blackhole "$GONE"
start_program
wait_until 5 ready || :
grep -q '^ready' "$TMP/program" || {
	wrong "your program has not printed \"ready\"" "$(tail -n 3 "$TMP/program")"
	exit 1
}
connects || broken "the check cannot make its connections"
stop_program
[ "$PROGRAM_STATUS" -eq 0 ] || wrong "your program has ended with the status $PROGRAM_STATUS, and should have 0"
check_lines
