#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/tc: attaching with tcx and clsact, beside other filters and programs, and what
# stays when the sample ends.

# ---------------------------------------------------------------------------
# Beside other filters and programs

test_auto_takes_tcx()
{
	has_tcx || skip "no tcx in this kernel"
	start
	expect_match "$SAMPLE_OUT" '^ready: right \(tcx, ingress\)$'
	expect_eq "tcx programs" "$(attached tcx)" 1
	no_qdisc
	stop
}

test_auto_without_tcx_takes_clsact()
{
	! has_tcx || skip "this kernel has tcx"
	start
	expect_match "$SAMPLE_OUT" '^ready: right \(clsact, ingress\)$'
	stop
	expect_status 3 "$TC" -n "$SERVER" -i right --attach tcx -d 1
	expect_err 'this kernel has no tcx'
}

# A clsact qdisc that already exists causes no error and no message. The qdisc and its
# filters stay when the sample ends.
test_clsact_is_there()
{
	clsact_here
	add_filter ingress 1
	add_filter ingress 49152
	filters >"$TMP/before"
	start --attach clsact -v -a pass
	expect_no_match "$SAMPLE_ERR" 'Exclusivity|exist'
	expect_eq "our filters" "$(attached clsact)" 1
	stop
	filters >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	expect_match <(qdisc) clsact
}

test_empty_clsact_stays()
{
	clsact_here
	start --attach clsact
	stop
	expect_match <(qdisc) clsact
	expect_no_line '' filters
}

# A packet that the sample passes goes on to the next program or filter, also from tcx to
# clsact. Here the next one is another instance of tc, in clsact. The instance that starts
# later comes first.
test_other_filters_see_what_passes()
{
	local hook other

	kernel_answers_here
	for hook in $HOOKS; do
		start --attach clsact -a drop
		other=$PID
		start --attach "$hook" -a pass
		expect_silence 3 "$S4"
		stop
		expect_summary 3 0 0
		# Requests that the first instance answers do not reach the other one.
		start --attach "$hook"
		expect_answers 2 "$S4"
		stop
		expect_summary 2 0 2
		stop_sample "$other"
		expect_match "$(sample_out "$other")" ' 3 matched: '
		nothing_left
	done
}

test_two_instances()
{
	local hook first

	for hook in $HOOKS; do
		start -a pass --attach "$hook"
		first=$PID
		start --attach "$hook"
		expect_eq "programs" "$(attached "$hook")" 2
		expect_answers 3 "$S4"
		stop
		expect_eq "programs" "$(attached "$hook")" 1
		stop_sample "$first"
		expect_eq "programs" "$(attached "$hook")" 0
		in_ns "$SERVER" tc qdisc del dev right clsact 2>/dev/null || :
	done
}

# The sample made the qdisc, but then somebody adds a filter: the qdisc stays at the end.
test_qdisc_in_use_stays()
{
	defer "in_ns $SERVER tc qdisc del dev right clsact"
	start --attach clsact
	add_filter egress 5
	stop
	expect_match "$SAMPLE_ERR" '^tc: right: the clsact qdisc stays'
	expect_match <(qdisc) clsact
	expect_match <(filters egress) 'pref 5 bpf'
	expect_eq "our filters" "$(attached clsact)" 0
}

# Somebody replaced our filter with another one, with the same preference: the sample does
# not remove that one.
test_replaced_filter_stays()
{
	local pref obj=$NETBPF_OUT/samples/tc_kern.o

	defer "in_ns $SERVER tc qdisc del dev right clsact"
	start --attach clsact
	pref=$(filters | sed -nE 's/.* pref ([0-9]+) bpf .*handle.*/\1/p')
	in_ns "$SERVER" tc filter del dev right ingress pref "$pref"
	in_ns "$SERVER" tc filter add dev right ingress pref "$pref" bpf da obj "$obj" sec tc \
		2>/dev/null || skip "this tc cannot load $obj"
	stop
	expect_match <(filters) "pref $pref bpf .*handle.*tc_kern.o"
}

test_ingress_qdisc()
{
	in_ns "$SERVER" tc qdisc add dev right ingress
	defer "in_ns $SERVER tc qdisc del dev right ingress"
	start --attach clsact
	expect_answers 2 "$S4"
	stop
	expect_match <(qdisc) 'qdisc ingress'
	expect_status 1 "$TC" -n "$SERVER" -i right --attach clsact -D egress -a pass -d 1
	expect_err 'failed to attach to right: it has an ingress qdisc'
	expect_err '^  hint: .*tc qdisc del dev right ingress'
	expect_no_line netbpf_tc filters
}

test_two_interfaces()
{
	local hook

	for hook in $HOOKS; do
		start -i lo --attach "$hook" -j
		expect_answers 1 "$S4"
		expect_status 0 in_ns "$SERVER" ping -n -c 1 -W 5 127.0.0.1
		stop
		expect_json '[.[] | select(.event == "packet") | .ifname] == ["right", "lo"]'
		expect_status 1 "$TC" -n "$SERVER" -i right -i nosuch0 --attach "$hook" -d 1
		expect_status 2 "$TC" -n "$SERVER" -i lo -i 1 --attach "$hook" -d 1
		expect_err 'given before'
		nothing_left
	done
}

test_no_ethernet_header()
{
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	ip -n "$SERVER" tuntap add dev tun9 mode tun 2>/dev/null || skip "no tun devices"
	defer "ip -n $SERVER link del tun9"
	expect_status 3 "$TC" -n "$SERVER" -i tun9 -d 1
	expect_err '^tc: failed to attach to tun9: its packets have no Ethernet header'
}

# ---------------------------------------------------------------------------
# Lifetime

test_kill_9_tcx()
{
	has_tcx || skip "no tcx in this kernel"
	start --attach tcx
	expect_answers 1 "$S4"
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 10 tcx_gone
	expect_silence 1 "$S4"
	nothing_left
}

tcx_gone()
{
	[ "$(tcx_count "$SERVER" right)" -eq 0 ]
}

# After kill -9 the clsact filter stays and still answers. The next start reports the filter,
# and the hint is a command that removes it.
test_kill_9_clsact()
{
	local hook cure

	defer "in_ns $SERVER tc qdisc del dev right clsact 2>/dev/null"
	start --attach clsact
	expect_no_match "$SAMPLE_ERR" left
	stop_sample "$PID" KILL 2>/dev/null || :
	expect_answers 1 "$S4"
	for hook in $HOOKS; do
		start --attach "$hook" -a pass
		expect_match "$SAMPLE_ERR" \
			'^tc: right: a filter that a killed tc left is still at work \(ingress,'
		stop
		cure=$(sed -n 's/^  hint: //p' "$SAMPLE_ERR")
	done
	start -q
	expect_eq "stderr with -q" "$(<"$SAMPLE_ERR")" ""
	stop
	bash -c "$cure"
	expect_eq "our filters" "$(attached clsact)" 0
	expect_silence 1 "$S4"
}

# The sample does not report the filter of an instance that still runs.
test_live_filter_is_no_leftover()
{
	local first

	start --attach clsact
	first=$PID
	start --attach clsact
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
	stop_sample "$first"
	stop
	in_ns "$SERVER" tc qdisc del dev right clsact 2>/dev/null || :
}

test_signals()
{
	local hook sig

	for hook in $HOOKS; do
		for sig in INT TERM HUP; do
			start --attach "$hook"
			stop_sample "$PID" "$sig"
			nothing_left
		done
	done
}

test_interface_deleted()
{
	local hook

	for hook in $HOOKS; do
		near_far 1500
		start_on "$FAR" -i far --attach "$hook"
		send_from "$NEAR" 2 "$S4"
		ip -n "$FAR" link del far
		expect_gone far
		expect_match "$SAMPLE_OUT" '^summary: .* 2 answered'
	done
}

# ---------------------------------------------------------------------------
# The SSH session

test_ssh_interface()
{
	local args

	for args in '-a drop' '-a drop-ping' '-a drop -D egress'; do
		# shellcheck disable=SC2086 # several words
		expect_status 1 from_ssh "$S4" -i right $args
		expect_err '^tc: failed to attach to right: this SSH session comes in there'
		expect_err '^  hint: .*--force'
	done
	expect_status 0 from_ssh "$S4" -i right -a drop --force
	expect_status 0 from_ssh "$S4" -i right
	expect_status 0 from_ssh "$S4" -i right -a pass
	expect_status 0 from_ssh "$S4" -i lo -a drop
}
