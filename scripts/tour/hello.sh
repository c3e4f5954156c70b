# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Demo of samples/hello; tour.sh sources it.

about_hello()
{
	echo 'the first XDP program: it says "Hello ping" for each ICMP packet'
}

tour_hello()
{
	local greetings

	say "The program sits in the driver of the host's eth0, and lets everything pass."
	start hello
	say "pingbox sends 3 pings: each is seen by XDP before the host's stack gets it."
	run_on pingbox ping -c 3 -i 0.2 -W 1 10.0.1.1 || :
	check "3 sent, $REPLIES answered: hello only looks on" test "$REPLIES" = 3
	say "What bpf_printk() wrote into the trace pipe meanwhile, read from a private instance."
	finish
	value greetings grep -c 'Hello ping' "$WORK/demo"
	check "$greetings greetings for 3 packets" test "$greetings" -ge 3
}
