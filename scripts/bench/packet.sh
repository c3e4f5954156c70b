# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Measures the time that the program of each sample takes for a packet, by BPF_PROG_TEST_RUN.

about_packet()
{
	echo "nanoseconds for a packet, in each program; size of the programs"
}

part_packet()
{
	local bench lb hook

	bench=$(built selftests/bench/bench_packet)
	lb=$(built selftests/xdp_lb/xdp_lb_bench)
	for hook in xdp tc socket; do
		table "packet.$hook.parse" ns \
			"$hook programs: above one that parses Ethernet, IP and TCP"
		table "packet.$hook.return" ns "$hook programs: above one that returns at once"
	done
	table packet.xdp_lb ns "xdp_lb: above one that parses Ethernet, IP and TCP"
	table packet.size '' "Size of the programs"
	harness packet "$bench" "$ROUNDS"
	packet_lb "$lb"
}

# packet_lb PROGRAM: run xdp_lb's own harness, which fills the flow table first, and prints a
# table. With --quick it measures XDP only, with a smaller flow table.
packet_lb()
{
	local slots=1048576 only=()

	[ -z "$QUICK" ] || slots=262144 only=(-r lb.xdp.speed)
	progress "packet: xdp_lb (a minute or more)"
	run env NETBPF_SLOTS="$slots" NETBPF_ROUNDS="$ROUNDS" "$1" "${only[@]}" >"$DIR/xdp_lb" 2>"$DIR/xdp_lb.err" ||
		die 1 "xdp_lb_bench: $(grep -v connections "$DIR/xdp_lb.err")"
	# A line of the table: "# xdp nat, request   256   60   53 ... 70   40 missed"
	sed -nE 's/^# (xdp|tc) +(.*[^ ]) +([0-9]+) +(-?[0-9]+) +(-?[0-9]+) \.\.\. (-?[0-9]+).*/stat\tpacket.xdp_lb\t\1 \2, \3 flows\t\4\t\5\t\6/p' \
		"$DIR/xdp_lb" >>"$RECORDS"
	grep -q "^stat	packet.xdp_lb" "$RECORDS" ||
		die 1 "xdp_lb_bench printed no table that is understood"
}
