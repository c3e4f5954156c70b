# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 9, on real packets: two senders on two CPUs at once; the sums are what they have sent.

# sum PROTOCOL: set SUM to the number of packets of a protocol, over all CPUs.
sum()
{
	SUM=$(entries counts | awk -v key="$1" '
		# The halves of numbers of 64 bits: the upper ones are 0.
		$1 == key { for (i = 2; i <= NF; i++) sum += $i }
		END { print sum + 0 }')
}

# flood CPU ADDRESS COUNT: send UDP packets, as fast as one CPU can. A machine with one CPU has
# only CPU 0.
flood()
{
	python3 - "$2" "$3" "$1" "$PORT" <<-'END'
		import os, socket, sys
		address, count, cpu, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
		try:
		    os.sched_setaffinity(0, {cpu})
		except OSError:
		    pass
		s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
		# Few packets are on their way at a time: the queue of the interface does not overflow.
		s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
		for i in range(count):
		    s.sendto(b"x" * (i % 100), (address, port))
	END
}

# received: set RECEIVED to the UDP packets, whose number the server's kernel knows.
received()
{
	RECEIVED=$(server cat /proc/net/snmp /proc/net/snmp6 | awk '
		# Closed ports: NoPorts; open ones: InDatagrams.
		/^Udp: [0-9]/ { n += $2 + $3 }
		/^Udp6InDatagrams|^Udp6NoPorts/ { n += $2 }
		END { print n }')
}

lab
attach
received
before=$RECEIVED
below 3000 && count4=$((3000 + RANDOM_NUMBER))
below 3000 && count6=$((3000 + RANDOM_NUMBER))
below 5 && pings=$((2 + RANDOM_NUMBER))
flood 0 "$S4" "$count4" &
flood 1 "$S6" "$count6"
wait $!
replies "$S4" -c "$pings"
[ "$REPLIES" -eq "$pings" ] || wrong "ping $S4 gets $REPLIES of $pings answers: all packets should pass"
received
[ $((RECEIVED - before)) -eq $((count4 + count6)) ] ||
	wrong "of $((count4 + count6)) UDP packets, $((RECEIVED - before)) arrived: all should pass"
sum 17
[ "$SUM" -eq $((count4 + count6)) ] ||
	wrong "two CPUs have sent $((count4 + count6)) UDP packets, and $SUM were counted"
sum 1
[ "$SUM" -eq "$pings" ] || wrong "$pings echo requests were sent, and $SUM ICMP packets counted"
