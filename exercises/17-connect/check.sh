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
		waiting, text = [], {0: "OK", errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timed out"}
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
		# The socket of MPTCP opens one of TCP, which has the line; itself it is none.
		def mptcp():
		    try:
		        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
		    except OSError:
		        return
		    comm = name()
		    sock.connect((own, port))
		    print(comm, uid, own, port, text[0], file=want)
		def ipv6():
		    sock, comm, _ = begin(own6, port, True, socket.AF_INET6)
		    print(comm, "a connection of IPv6", file=never)
		# Another user may not open this file any more.
		comm_fd = os.open("/proc/self/comm", os.O_WRONLY)
		os.setuid(uid)
		server = socket.create_server((own, port))
		server6 = socket.create_server((own6, port), family=socket.AF_INET6)
		kinds = [lambda: connect(own, port), lambda: connect(other, port), time_out, give_up, ipv6,
		         mptcp]
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

# yours PATTERN: set YOURS to at most three lines of the program that match.
yours()
{
	mapfile -t YOURS < <(awk -v pattern="$1" '$0 ~ pattern && n++ < 3 { print "yours: " $0 }' "$TMP/program")
}

# check_printed NAME UID ADDRESS PORT RESULT: check that this line was printed.
check_printed()
{
	! grep -qxF -- "$*" "$TMP/program" || return 0
	yours "^$1 "
	[ ${#YOURS[@]} -gt 0 ] || yours " $3 "
	[ ${#YOURS[@]} -gt 0 ] || YOURS=("yours: there is no line with $1 or $3")
	wrong "a connect() with the result \"${*:5}\" has no right line" "right: $*" "${YOURS[@]}"
}

# check_once NAME UID ADDRESS PORT RESULT: check that this line was printed once, and no other one with
# this name.
check_once()
{
	local what="a connect() with the result \"${*:5}\"" lines

	lines=$(grep -cxF -- "$*" "$TMP/program")
	if [ "$lines" -gt 1 ]; then
		wrong "$what has $lines lines" "right, once: $*"
	elif [ "$(grep -c "^$1 " "$TMP/program")" -gt 1 ]; then
		wrong "$what has another line, too" "right: $*" \
			"also:  $(grep "^$1 " "$TMP/program" | grep -vxF -- "$*")"
	fi
}

# check_wanted FUNCTION: call it with each right line, until one is wrong.
check_wanted()
{
	local line

	while read -r -a line; do
		"$1" "${line[@]}"
		[ "$WRONG" -eq 0 ] || return 0
	done <"$TMP/want"
}

# check_map: check that no attempt which has its result is still in the map.
check_map()
{
	local name

	[ -s "$TMP/left" ] || return 0
	name=$(head -n 1 "$TMP/left")
	wrong "the map attempts still holds a connect() after its result" \
		"the result was: $(sed -n "s/^$name //p" "$TMP/want" "$TMP/never")" \
		"remove the entry: the kernel may give the address of the socket to another one"
}

# check_others: check that nothing else has a line.
check_others()
{
	local name reason

	while read -r name reason; do
		! grep -q "^$name " "$TMP/program" ||
			wrong "there is a line for $reason" "$(grep -m 1 "^$name " "$TMP/program")"
	done <"$TMP/never"
	! grep -q "^not_the_caller " "$TMP/program" ||
		wrong "there is a line for a process that has called nothing" \
			"$(grep -m 1 "^not_the_caller " "$TMP/program")"
}

# left: write to $TMP/left the names of callers that are still in the map attempts; true if there is
# none. The tracepoint also tells the map about other processes of this machine.
left()
{
	program_map attempts >"$TMP/attempts" || broken "the program has no map attempts any more"
	python3 - "$TMP/attempts" "$TMP/want" "$TMP/never" >"$TMP/left" <<-'END'
		import struct, sys
		entries = [b"".join(struct.pack("=I", int(word)) for word in line.split())
		           for line in open(sys.argv[1])]
		for file in sys.argv[2:]:
		    for line in open(file):
		        name = line.split()[0]
		        if any(name.encode() in entry for entry in entries):
		            print(name)
	END
	[ ! -s "$TMP/left" ]
}

# missed: set MISSED to how often the kernel has not run the program, because a softirq came while it
# was running on the same CPU. samples/tcpconnect_kern.c copes with that; here it is not asked for.
missed()
{
	MISSED=$(awk '$1 == "recursion_misses:" { sum += $2 } END { print sum + 0 }' \
		"/proc/$RUNNING/fdinfo/"*)
}

# run: run the program while connections are made.
run()
{
	start_program
	wait_until 5 ready || :
	grep -q '^ready' "$TMP/program" || {
		wrong "your program has not printed \"ready\"" "$(tail -n 3 "$TMP/program")"
		exit 1
	}
	connects || broken "the check cannot make its connections"
	left || wait_until 1 left || :
	missed
	stop_program
}

judge()
{
	[ "$PROGRAM_STATUS" -eq 0 ] ||
		wrong "your program has ended with the status $PROGRAM_STATUS, and should have 0"
	check_wanted check_printed
	# What stays in the map may make lines for other sockets: so this comes first.
	[ "$WRONG" -eq 1 ] || check_map
	[ "$WRONG" -eq 1 ] || check_wanted check_once
	[ "$WRONG" -eq 1 ] || check_others
}

lab
# Nobody answers for this address.
below 250
GONE=192.0.2.$((RANDOM_NUMBER + 1))
ip route add "$GONE" via "$S4"
server ip route add blackhole "$GONE"
for _ in 1 2 3; do
	run
	WRONG=0
	judge >"$TMP/said"
	if [ "$WRONG" -eq 0 ] || [ "$MISSED" -eq 0 ]; then
		break
	fi
done
cat "$TMP/said"
