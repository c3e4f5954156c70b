# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/sockfilter; tour.sh sources it.

about_sockfilter()
{
	echo 'copies of TCP packets to user space, by a BPF socket filter'
}

tour_sockfilter()
{
	local file=$WORK/tour.pcap

	say "The filter decides, packet by packet, what a socket gets a copy of: TCP, by default."
	start sockfilter
	run_on host curl -sS -m 3 -o /dev/null http://10.0.1.2/ || :
	run_on pingbox ping -q -c 3 -i 0.2 -W 1 10.0.1.1 || :
	check "a copy only: $REPLIES pings of 3 answered" test "$REPLIES" = 3
	finish
	check "the request and its answer are shown" \
		grep -q '10\.0\.1\.2\.80 > 10\.0\.1\.1\.[0-9]*: Flags \[S\.\]' "$WORK/demo"
	check "the filter has seen the pings, but copied none" \
		grep -q 'not copied: .*protocol' "$WORK/demo"

	say "What it returns is how many bytes to copy. A tcpdump expression runs in the kernel as well."
	start sockfilter -X -s 98 -c 1 icmp
	run_on pingbox ping -q -c 1 -W 1 -p c0ffee -s 200 10.0.1.1 || :
	finish
	check "98 bytes, from the middle of the ping" grep -q 'c0 ffee\|c0ff ee\|ffee c0' "$WORK/demo"

	say "As a file, for the tools that read pcap: here tcpdump, of what curl sends and gets."
	start sockfilter -w "$file" --port 80
	run_on host curl -sS -m 3 http://10.0.1.2/ || :
	check "the page came" grep -q 'Server name: pingbox' "$WORK/output"
	finish
	run_on host tcpdump -nn -A -r "$file" 'tcp[tcpflags] & tcp-push != 0' || :
	check "tcpdump finds the page in it" grep -q 'Server name: pingbox' "$WORK/output"
}
