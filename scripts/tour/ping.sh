# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/ping; tour.sh sources it.

about_ping()
{
	echo 'drop pings in XDP, before the kernel makes an skb of them'
}

tour_ping()
{
	say "Without the program: pings go through."
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 10.0.1.1 || :
	check "3 sent, $REPLIES answered" test "$REPLIES" = 3

	say "With it, echo requests are dropped in XDP: the host's stack never sees them."
	start ping
	run_on pingbox ping -q -c 5 -i 0.2 -W 1 10.0.1.1 || :
	check "5 sent, $REPLIES answered: dropped in XDP" test "$REPLIES" = 0

	say "IPv6 too: an ICMPv6 echo request is matched, neighbour discovery is not."
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 fd00:1::1 || :
	check "3 sent, $REPLIES answered: dropped in XDP" test "$REPLIES" = 0

	say "Only echo requests match. What else comes in passes: HTTP, for one."
	run_on host curl -sS -m 3 http://10.0.1.2/ || :
	check "the page of pingbox came" grep -q 'Server name: pingbox' "$WORK/output"
	say "Replies to the host's own pings pass too."
	run_on host ping -q -c 2 -i 0.2 -W 1 10.0.1.2 || :
	check "2 sent by the host, $REPLIES answered" test "$REPLIES" = 2

	say "The sample tells what became of each packet."
	finish
	check "8 echo requests dropped, the rest passed" grep -q '8 matched: 8 dropped' "$WORK/demo"

	say "It is gone with its process: pings go through again."
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 10.0.1.1 || :
	check "3 sent, $REPLIES answered" test "$REPLIES" = 3

	say "--every 2 drops each second one, --src picks the sender."
	start ping --every 2 --src 10.0.1.0/24
	run_on pingbox ping -q -c 6 -i 0.2 -W 1 10.0.1.1 || :
	check "6 sent, $REPLIES answered: each second one dropped" test "$REPLIES" = 3
	finish
}
