# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/pktcount; tour.sh sources it.

about_pktcount()
{
	echo 'count packets and bytes in XDP, by protocol and by source'
}

# counted NAME: print the packets in the row NAME of the last table in $WORK/demo.
counted()
{
	awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' "$WORK/demo"
}

tour_pktcount()
{
	local n

	say "Counters are per CPU: no CPU waits for another one, and no packet is missed."
	start pktcount --top 2 -q
	run_on pingbox ping -q -c 10 -i 0.05 -W 1 10.0.1.1 || :
	check "10 sent, $REPLIES answered: all of them pass" test "$REPLIES" = 10
	run_on pingbox ping -q -c 4 -i 0.05 -W 1 fd00:1::1 || :
	check "4 sent, $REPLIES answered" test "$REPLIES" = 4
	say "What was sent is what was counted; packets and bytes, by class, protocol, source."
	finish
	value n counted icmp
	check "10 pings, $n counted" test "$n" = 10
	value n counted 10.0.1.2
	check "10.0.1.2 sent $n of them" test "$n" -ge 10

	say "Each packet as an event: when, who, what, how long. --sample N takes each Nth."
	start pktcount --events
	run_on host curl -sS -m 3 -o /dev/null http://10.0.1.2/ || :
	finish
	check "the server's answer came from port 80" grep -q '10.0.1.2:80 > .*: tcp' "$WORK/demo"
	check "no event was lost" grep -q ' events, 0 lost' "$WORK/demo"
}
