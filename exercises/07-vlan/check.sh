# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 7, on real packets. The kernel takes tags of VLAN 0 (they only have a priority) for
# packets without tags, so no VLAN device is necessary: its counter tells what has passed.

# send_pings TAGS...: send an echo request with so many tags, for each number.
send_pings()
{
	python3 - "$SERVER_MAC" "$C4" "$S4" "$@" <<-'END'
		import os, socket, struct, sys
		mac, source, target = sys.argv[1:4]

		def checksum(data):
		    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
		    while total > 0xffff:
		        total = (total & 0xffff) + (total >> 16)
		    return total ^ 0xffff

		def with_checksum(data, at):
		    return data[:at] + struct.pack("!H", checksum(data)) + data[at + 2:]

		icmp = with_checksum(bytes([8, 0, 0, 0]) + os.urandom(60), 2)
		ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0)
		ip = with_checksum(ip + socket.inet_aton(source) + socket.inet_aton(target), 10)
		client = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		client.bind(("eth0", 0))
		for number in sys.argv[4:]:
		    # Three bits of priority, and VLAN 0.
		    tags = b"".join(b"\x81\x00" + bytes([os.urandom(1)[0] & 0xe0, 0])
		                    for _ in range(int(number)))
		    macs = bytes.fromhex(mac.replace(":", "")) + client.getsockname()[4]
		    client.send(macs + tags + b"\x08\x00" + ip + icmp)
	END
}

# echoes: print how many echo requests the server's kernel has seen.
echoes()
{
	# A line with the names of the counters, and one with the numbers.
	# shellcheck disable=SC2016
	server awk '/^Icmp:/ {
		for (i = 2; i <= NF; i++)
			if (name[i] == "InEchos")
				print $i
			else
				name[i] = $i
	}' /proc/net/snmp
}

# arrived TAGS...: set ARRIVED to the number of these echo requests that the server's kernel sees.
arrived()
{
	local before

	before=$(echoes)
	send_pings "$@"
	# A ping behind them: once it is answered, they have arrived or are lost.
	replies "$S6" -c 1
	[ "$REPLIES" -eq 1 ] || wrong "ping $S6 gets no answer: IPv6 should pass"
	ARRIVED=$(($(echoes) - before))
}

lab
SERVER_MAC=$(server ip -j link show dev eth0 | jq -r '.[].address')
arrived 0 1 2 3
[ "$ARRIVED" -eq 4 ] || broken "the lab does not work: $ARRIVED of 4 echo requests arrive"
attach
names=("no tag" "one tag" "two tags")
for tags in 0 1 2; do
	arrived "$tags" "$tags"
	[ "$ARRIVED" -eq 0 ] ||
		wrong "$ARRIVED of 2 echo requests with ${names[tags]} have arrived: drop them, too"
done
arrived 3
[ "$ARRIVED" -eq 1 ] || wrong "an echo request with three tags has not arrived: it should pass"
