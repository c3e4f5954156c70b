# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 10, on real packets: two CPUs send from the same sources, and flood the map.

# flood CPU: send from 4 sources that both senders have, 2000 packets each, and from 3000 others
# that this sender invents.
flood()
{
	python3 - "$1" "$C4" "$TOP" "$(ip -j link show eth0 | jq -r .[0].address)" <<-'END'
		import os, socket, struct, sys
		cpu, client, top = int(sys.argv[1]), sys.argv[2], sys.argv[3]
		mac = bytes.fromhex(sys.argv[4].replace(":", ""))
		try:
		    os.sched_setaffinity(0, {cpu})
		except OSError:
		    pass		# a machine with one CPU
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		# Few packets are on their way at a time: the queue of the interface does not overflow.
		s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
		s.bind(("eth0", 0))
		# Protocol 253 is for experiments; the destination is no host of the lab.
		head = b"\xff" * 6 + mac + b"\x08\x00" + struct.pack("!BBHHHBBH", 0x45, 0, 20, 0, 0, 64, 253, 0)
		to = socket.inet_aton(client[:client.rindex(".")] + ".254")
		hosts = [socket.inet_aton("%s.%d" % (top, host)) for host in range(1, 5)]
		for i in range(2000):
		    for host in hosts:
		        s.send(head + host + to)
		    if i % 2 == 0:
		        for n in range(3):
		            s.send(head + bytes([100, 64 + cpu]) + struct.pack("!H", 3 * i // 2 + n) + to)
	END
}

# key ADDRESS: set KEY to the address as the number that entries() prints.
key()
{
	local IFS=.

	# shellcheck disable=SC2086 # the parts of the address, one argument each
	set -- $1
	# In memory the first part comes first: on most machines, it is the lowest part of a number.
	if [ "$(printf '\1\0' | od -An -td2 | tr -d ' ')" -eq 1 ]; then
		KEY=$(($1 | $2 << 8 | $3 << 16 | $4 << 24))
	else
		KEY=$(($1 << 24 | $2 << 16 | $3 << 8 | $4))
	fi
}

lab
attach
below 250 && TOP=192.168.$RANDOM_NUMBER
flood 0 &
flood 1
wait $!
entries sources >"$TMP/sources"
for host in 1 2 3 4; do
	key "$TOP.$host"
	counted=$(awk -v key="$KEY" '
		# The halves of numbers of 64 bits: the upper ones are 0.
		$1 == key { for (i = 2; i <= NF; i++) sum += $i }
		END { print sum + 0 }' "$TMP/sources")
	[ "$counted" -eq 4000 ] ||
		wrong "two CPUs have sent 4000 packets from $TOP.$host, and $counted were counted"
done
replies "$S4"
[ "$REPLIES" -eq 3 ] || wrong "ping $S4 gets $REPLIES of 3 answers: all packets should pass"
