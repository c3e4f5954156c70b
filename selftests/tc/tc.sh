#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tc on real packets: which packets it answers, drops and passes, attached with tcx
# and with clsact, beside other filters, and what stays when it ends.
#
#	CLIENT left ---- right SERVER
#
# The sample runs on "right". The server's kernel answers no pings, so each reply comes from
# the sample.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/tc/pingpong.sh
. "$NBT_DIR/tc/pingpong.sh"
# shellcheck source=selftests/tc/frames.sh
. "$NBT_DIR/tc/frames.sh"
# shellcheck source=selftests/tc/attach.sh
. "$NBT_DIR/tc/attach.sh"

need_root
require_tools ip jq nsenter perl ping tc

setup()
{
	TC=$(sample tc) SAMPLE=$TC
	pair_add
	pair_answers
	kernel_answers 0
	expect_silence 1 "$S4"
	HOOKS=clsact
	! has_tcx || HOOKS='tcx clsact'
}

# kernel_answers 1|0: let the server's kernel answer pings, or not.
kernel_answers()
{
	in_ns "$SERVER" sh -c '
		echo "$1" >/proc/sys/net/ipv4/icmp_echo_ignore_all
		echo "$1" >/proc/sys/net/ipv6/icmp/echo_ignore_all' x $((1 - $1))
}

# kernel_answers_here: let the server's kernel answer pings until this test ends.
kernel_answers_here()
{
	kernel_answers 1
	defer kernel_answers 0
}

# expect_summary MATCHED DROPPED ANSWERED: check the counters in SUMMARY, which is in text
# form.
expect_summary()
{
	local all

	[[ $SUMMARY =~ ^summary:\ ([0-9]+)\ packets\ seen,\ ([0-9]+)\ matched:\ ([0-9]+)\ dropped,\ ([0-9]+)\ answered,\ ([0-9]+)\ passed\;\ 0\ events\ lost$ ]] ||
		fail "odd summary: $SUMMARY"
	all=("${BASH_REMATCH[@]}")
	expect_eq matched "${all[2]}" "$1"
	expect_eq dropped "${all[3]}" "$2"
	expect_eq answered "${all[4]}" "$3"
	expect_eq "seen, of: $SUMMARY" "${all[1]}" $((all[3] + all[4] + all[5]))
}

# tcx_count NETNS IF [DIRECTION]: print the number of tcx programs on the device, from
# bpf(BPF_PROG_QUERY). Fails if the kernel has no tcx.
tcx_count()
{
	local ifindex

	ifindex=$(link_index "$1" "$2")
	in_ns "$1" perl -e '
		my %nr = (x86_64 => 321, aarch64 => 280, riscv64 => 280);
		my ($arch, $ifindex, $type) = @ARGV;
		my $attr = pack("L4 Q L x36", $ifindex, $type, 0, 0, 0, 0);
		my $ret = syscall($nr{$arch} // exit(2), 16, $attr, length $attr);
		exit 2 if $ret < 0 && !$!{ENOENT};
		print $ret < 0 ? 0 : unpack("x24 L", $attr), "\n";
	' "$(uname -m)" "$ifindex" "$([ "${3:-ingress}" = egress ] && echo 47 || echo 46)"
}

has_tcx()
{
	tcx_count "$SERVER" right >/dev/null
}

# filters [DIRECTION], qdisc: print the filters (the clsact or ingress qdisc) on "right", as
# tc shows them.
filters()
{
	in_ns "$SERVER" tc filter show dev right "${1:-ingress}"
}

qdisc()
{
	in_ns "$SERVER" tc qdisc show dev right | grep -E 'clsact|ingress' || :
}

no_qdisc()
{
	expect_no_line 'clsact|ingress' in_ns "$SERVER" tc qdisc show dev right
}

# attached HOOK: print how many programs are attached at the ingress of "right". With clsact
# only programs of the sample count.
attached()
{
	local shown

	if [ "$1" = tcx ]; then
		tcx_count "$SERVER" right
	else
		shown=$(filters)
		grep -c netbpf_tc <<<"$shown" || :
	fi
}

nothing_left()
{
	no_qdisc
	! has_tcx || expect_eq tcx "$(tcx_count "$SERVER" right)" 0
}

# clsact_here: add a clsact qdisc that the sample did not make, until this test ends.
clsact_here()
{
	in_ns "$SERVER" tc qdisc add dev right clsact
	defer "in_ns $SERVER tc qdisc del dev right clsact 2>/dev/null"
}

# add_filter DIRECTION PREF: add a filter that matches no packet (cBPF: return 0).
add_filter()
{
	in_ns "$SERVER" tc filter add dev right "$1" pref "$2" bpf bytecode '1,6 0 0 0,'
}

# icmp NETNS COUNTER: print an ICMP counter of /proc/net/snmp or snmp6.
icmp()
{
	in_ns "$1" cat /proc/net/snmp6 /proc/net/snmp | awk -v name="$2" '
		$1 == name { print $2 }
		$1 == "Icmp:" { for (i = 2; i <= NF; i++)
			if ($i == name) at = i; else if (at == i && $i ~ /^[0-9]/) print $i }'
}

# ---------------------------------------------------------------------------
# The other actions

test_pass()
{
	kernel_answers_here
	start -a pass
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	stop
	expect_summary 6 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b6 action_pass'
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 3: pass\$"
}

test_drop_ping()
{
	local hook

	kernel_answers_here
	for hook in $HOOKS; do
		start -a drop-ping --attach "$hook"
		expect_silence 3 "$S4"
		expect_silence 3 "$S6"
		# Everything else passes, such as replies to the server's own pings.
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 "$C4"
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 "$C6"
		stop
		expect_summary 6 6 0
		expect_match "$SAMPLE_OUT" '^  dropped: 6 echo_request$'
		expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request .* seq 3: drop\$"
		expect_answers 1 "$S4"
	done
}

test_drop()
{
	kernel_answers_here
	start -a drop
	expect_silence 2 "$S4"
	expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C4"
	stop
	expect_match "$SAMPLE_OUT" '^  dropped: [0-9]+ other_packet, 2 echo_request$'
	expect_no_match "$SAMPLE_OUT" '^  passed:'
	expect_answers 1 "$S4"
}

# At egress, the sample drops the server's own requests and passes its replies.
test_egress()
{
	local hook

	kernel_answers_here
	for hook in $HOOKS; do
		start -a drop-ping -D egress --attach "$hook"
		expect_match "$SAMPLE_OUT" "^ready: right \($hook, egress\)\$"
		expect_answers 2 "$S4"
		expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C4"
		expect_status 1 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 0.3 "$C6"
		stop
		# ping learns that a request was not sent and retries it many times, so there
		# is no exact number.
		expect_match "$SAMPLE_OUT" '^  dropped: [0-9]+ echo_request$'
		expect_match "$SAMPLE_OUT" "^$S4 > $C4: ICMP echo request .* seq 2: drop\$"
		expect_match "$SAMPLE_OUT" "^$S6 > $C6: ICMPv6 echo request .* seq 2: drop\$"
		nothing_left
	done
	start -a drop -D egress
	expect_silence 1 "$S4"
	stop
}

# XDP runs before TC: TC never sees the packets that XDP drops.
test_xdp_comes_first()
{
	local ping seen

	start -j
	expect_answers 3 "$S4"
	start_sample ping 20 "$(sample ping)" -n "$SERVER" -i right
	expect_silence 5 "$S4"
	expect_silence 5 "$S6"
	stop_sample "$ping"
	expect_match "$(sample_out "$ping")" '^summary: .* 10 matched: 10 dropped'
	expect_answers 2 "$S6"
	stop
	seen=$(json '[.[] | select(.event == "packet") | .icmp_seq] | join(" ")')
	expect_eq "requests seen by TC" "$seen" "1 2 3 1 2"
	expect_json '.[-1] | .matched == 5 and .answered == 5'
}

# ---------------------------------------------------------------------------
# Output

test_json()
{
	local hook index

	index=$(link_index "$SERVER" right)
	for hook in $HOOKS; do
		start -j --attach "$hook"
		expect_answers 2 "$S4"
		expect_answers 1 "$S6"
		stop
		expect_json '.[0] == {event: "ready", tool: "tc", attached: [{ifname: "right",
			ifindex: $index, hook: $hook, direction: "ingress"}]}' \
			--argjson index "$index" --arg hook "$hook"
		expect_json 'map(.event) == ["ready", "packet", "packet", "packet", "summary"]'
		expect_json '.[1] | keys_unsorted == ["event", "ts_ns", "ifname", "family",
			"src", "dst", "icmp_id", "icmp_seq", "verdict"]'
		expect_json 'all(.[1:-1][]; .verdict == "answer" and .ifname == "right")'
		expect_json '.[2] | .src == $c and .dst == $s and .icmp_seq == 2' \
			--arg c "$C4" --arg s "$S4"
		expect_json '.[-1] | .matched == 3 and .answered == 3 and .lost == 0 and
			.seen == .dropped + .answered + .passed and
			.seen == ([.reasons[]] | add)'
	done
}

test_count_interval_and_quiet()
{
	start -c 2
	send 5 "$S4"
	wait_sample "$PID" 10
	events_are 2 || fail "not two events"
	start -I 0.1 -q
	expect_answers 3 "$S4"
	eventually 10 grep -q '^stats: .* 3 matched: 0 dropped, 3 answered' "$SAMPLE_OUT"
	stop
	events_are 0 || fail "events in spite of -q"
	expect_summary 3 0 3
}

test_usage()
{
	expect_status 2 "$TC" -n "$SERVER" -i right -D egress
	expect_err '^tc: -D egress: pingpong answers what comes in'
	expect_err "^  hint: $TC --help\$"
	expect_status 2 "$TC" -n "$SERVER" -i right -D egress -a pingpong
	expect_status 2 "$TC" -n "$SERVER" -i right -a drop --any
	expect_status 2 "$TC" -n "$SERVER" -i right -D sideways
	expect_err 'not ingress or egress'
	expect_status 2 "$TC" -n "$SERVER" -i right --attach xdp
	expect_err 'not auto, tcx or clsact'
	expect_status 2 "$TC" -n "$SERVER" -i right -a ping
	nothing_left
}

run_tests test_pingpong_v4 test_pingpong_v6 test_kernel_sees_no_request test_text \
	test_fragments_pass test_ip_options test_own_addresses test_follows_addresses \
	test_tentative_address test_no_address_is_told test_port_without_address_is_told \
	test_broadcast_and_multicast \
	test_broadcast_address_in_unicast_frame test_frames_for_others test_on_lo \
	test_large_frames test_large_frames_after_xdp \
	test_after_generic_xdp test_after_generic_xdp_that_pushes_a_tag \
	test_after_native_xdp_that_pushes_a_tag test_after_generic_xdp_that_pops_a_tag \
	test_after_native_xdp_that_pops_a_tag test_headers_in_pages \
	test_checksum_left_to_the_device test_vlan_tags test_vlan test_vlan_in_vlan \
	test_extension_header test_pass test_drop_ping test_drop test_egress \
	test_xdp_comes_first test_json test_count_interval_and_quiet test_usage \
	test_auto_takes_tcx test_auto_without_tcx_takes_clsact test_clsact_is_there test_empty_clsact_stays \
	test_other_filters_see_what_passes test_two_instances test_qdisc_in_use_stays \
	test_replaced_filter_stays test_ingress_qdisc test_two_interfaces \
	test_no_ethernet_header test_kill_9_tcx test_kill_9_clsact \
	test_live_filter_is_no_leftover test_signals test_interface_deleted \
	test_ssh_interface
