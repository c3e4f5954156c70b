# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/tc; tour.sh sources it.

about_tc()
{
	echo 'answer pings in TC, before the IP stack; drop them; and why XDP comes first'
}

tour_tc()
{
	local before after

	say "In TC a packet is an skb. This program makes each ping its own reply, and sends it back."
	value before tour_echos
	start tc
	run_on pingbox ping -q -c 5 -i 0.2 -W 1 10.0.1.1 || :
	check "5 sent, $REPLIES answered" test "$REPLIES" = 5
	value after tour_echos
	check "the kernel of host has seen $((after - before)) of them" test "$before" = "$after"

	say "IPv6 and an odd size: the checksum is updated, not computed anew."
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 -s 7 fd00:1::1 || :
	check "3 sent, $REPLIES answered" test "$REPLIES" = 3

	say "Fragments are not put together here: they pass, and the kernel answers."
	run_on pingbox ping -q -c 2 -i 0.2 -W 1 -s 3000 10.0.1.1 || :
	check "2 sent, $REPLIES answered" test "$REPLIES" = 2
	finish
	check "8 answered in TC" grep -q ' 10 matched: 0 dropped, 8 answered' "$WORK/demo"

	say "It drops pings too. And it sees what goes out: the host's own pings. Told that nothing was sent, ping tries again."
	start tc -a drop-ping -D egress
	run_on host ping -q -c 2 -i 0.2 -W 1 10.0.1.2 || :
	check "2 sent by the host, $REPLIES answered" test "$REPLIES" = 0
	run_on pingbox ping -q -c 2 -i 0.2 -W 1 10.0.1.1 || :
	check "2 sent by pingbox, $REPLIES answered: replies are no requests" test "$REPLIES" = 2
	finish

	say "XDP comes before TC: what samples/ping drops there, TC never sees."
	"$NETBPF_OUT/samples/ping" -n "netbpf-$LAB-host" -i eth0 -q -d 20 \
		>"$WORK/xdp" 2>&1 </dev/null &
	TOUR_XDP=$!
	wait_until 10 grep -q '^ready:' "$WORK/xdp" || :
	start tc
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 10.0.1.1 || :
	check "3 sent, $REPLIES answered" test "$REPLIES" = 0
	finish
	kill -INT "$TOUR_XDP" 2>/dev/null || :
	wait "$TOUR_XDP" || :
	sed 's/^/   | ping: /' "$WORK/xdp"
	check "XDP dropped 3" grep -q ' 3 matched: 3 dropped' "$WORK/xdp"
	check "TC saw none of them" grep -q ' 0 matched: ' "$WORK/demo"
}

# tour_echos: print how many echo requests the host's kernel has received.
tour_echos()
{
	"$TOUR_DIR/lab.sh" exec --name "$LAB" host cat /proc/net/snmp |
		awk '$1 == "Icmp:" { for (i = 2; i <= NF; i++)
			if ($i == "InEchos") at = i; else if (at == i) print $i }'
}
