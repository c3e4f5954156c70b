# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/network; tour.sh sources it.

about_network()
{
	echo 'all hooks at once, and the path of each packet over them'
}

# tour_paths N PATH: true if N echo requests have taken PATH, the end of their lines.
tour_paths()
{
	grep 'echo request' "$WORK/demo" | awk -v n="$1" -v path=": $2" '
		substr($0, length - length(path) + 1) == path { seen++ }
		END { exit seen != n }'
}

tour_network()
{
	say "Every hook of this chapter on one interface. None interferes: see which way a ping takes."
	start network
	run_on pingbox ping -q -c 2 -i 0.2 -W 1 10.0.1.1 || :
	finish
	check "2 went over XDP, socket filter and TC to the kernel" \
		tour_paths 2 'xdp pass, sockfilter copy, tc pass'

	say "TC answers pings now. The socket filter has seen them before it did."
	start network --xdp pass --sockfilter --tc pingpong
	run_on pingbox ping -q -c 2 -i 0.2 -W 1 10.0.1.1 || :
	check "2 sent, $REPLIES answered" test "$REPLIES" = 2
	finish
	check "both by TC" \
		tour_paths 2 'xdp pass, sockfilter copy, tc pingpong (answered)'

	say "XDP drops them, and TC would still answer. But what XDP drops, nobody else ever sees."
	start network --xdp drop-ping --sockfilter --tc pingpong
	run_on pingbox ping -q -c 2 -i 0.2 -W 1 10.0.1.1 || :
	check "2 sent, $REPLIES answered" test "$REPLIES" = 0
	finish
	check "both ended in XDP" \
		tour_paths 2 'xdp drop (never reached sockfilter, tc)'

	say "Who opens a connection, and the packets that come back for it."
	start network --xdp pass --tcpconnect
	run_on host curl -sS -o /dev/null -m 3 http://10.0.1.2/ || :
	finish
	check "curl connected" grep -q 'TCP connect by curl.*: OK' "$WORK/demo"
	check "the answer to its SYN came in by XDP" grep -q 'TCP SYN ACK .*: xdp pass' "$WORK/demo"
}
