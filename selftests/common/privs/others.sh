#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A plain user cannot see what belongs to somebody else. No message may say that it does not
# exist.

# If the user cannot see whether there is an instance, the message names CAP_DAC_OVERRIDE.
test_instance_of_another()
{
	local words

	have_instance
	for words in show stats reload stop "vip list" "ring web"; do
		# shellcheck disable=SC2086 # several words
		run as "" "$BIN/xdp_lb" $words
		[ "$STATUS" -eq 1 ] || fail "xdp_lb $words: status $STATUS"
		expect_no_match "$ERR_FILE" 'nothing is pinned'
		expect_err CAP_DAC_OVERRIDE
		# shellcheck disable=SC2086
		run as "" "$BIN/xdp_lb" $words --name lb0
		expect_no_match "$ERR_FILE" 'nothing is pinned'
		expect_err CAP_DAC_OVERRIDE
	done
	# A second instance of the same name is refused.
	run as "CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_DAC_OVERRIDE" "$BIN/xdp_lb" run -c "$TMP/lb.yaml"
	expect_err '^xdp_lb: failed to run instance lb0: it is running already$'
	end_instance
}

# own_bpffs: mount a bpffs in which everybody may pin.
own_bpffs()
{
	here mount -t bpf -o mode=1777 bpf /sys/fs/bpf
	defer "${HERE[@]}" umount /sys/fs/bpf
}

# start_own VAR: start an instance of xdp_lb as a plain user; VAR is set to its pid.
start_own()
{
	local caps=-all,+bpf,+net_admin,+perfmon

	own_bpffs
	start_sample "$1" 20 "${HERE[@]}" \
		setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps="$caps" \
		--ambient-caps="$caps" -- "$BIN/xdp_lb" run -c "$TMP/lb.yaml" -q
}

# The user who runs an instance can use all commands on it, without CAP_DAC_OVERRIDE and
# CAP_KILL.
test_own_instance()
{
	local pid words

	start_own pid
	for words in show stats conns; do
		# shellcheck disable=SC2086 # several words
		run as "" "$BIN/xdp_lb" $words
		lacks CAP_BPF
		# shellcheck disable=SC2086
		expect_status 0 as CAP_BPF "$BIN/xdp_lb" $words
	done
	run as "" "$BIN/xdp_lb" ring web
	lacks CAP_SYS_ADMIN
	for words in "backend list" "vip list" reload stop; do
		# shellcheck disable=SC2086
		expect_status 0 as "" "$BIN/xdp_lb" $words
	done
	wait_sample "$pid" 10
}

# "stop" after the control program was killed: a user who may not remove everything removes
# nothing. Otherwise neighbour entries would stay, and a clsact filter without pins would
# forward for ever.
test_stop_removes_all_or_nothing()
{
	local pid

	here ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev veth0 nud reachable
	start_own pid
	stop_sample "$pid" KILL || :
	run as "" "$BIN/xdp_lb" stop
	lacks CAP_NET_ADMIN
	expect_status 0 as "" "$BIN/xdp_lb" vip list
	expect_out '^web '
	here ip -d neigh show dev veth0 >"$TMP/neigh"
	expect_match "$TMP/neigh" '^10.9.0.2 '
	expect_status 0 as CAP_NET_ADMIN "$BIN/xdp_lb" stop
	expect_status 1 as "" "$BIN/xdp_lb" vip list
	expect_err 'nothing is pinned'
	here ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev veth0 nud permanent
}

# If "drain" is refused, the backend must not be half drained.
test_refused_drain_changes_nothing()
{
	[ "$UNPRIVILEGED" != 0 ] || skip "unprivileged_bpf_disabled is 0: no capability is needed"
	have_instance
	run as CAP_DAC_OVERRIDE "$BIN/xdp_lb" backend drain web a
	lacks CAP_BPF
	expect_status 0 as CAP_DAC_OVERRIDE "$BIN/xdp_lb" backend list
	expect_no_match "$OUT_FILE" drained
	expect_status 0 as "CAP_DAC_OVERRIDE CAP_BPF" "$BIN/xdp_lb" backend drain web a
	expect_status 0 as CAP_DAC_OVERRIDE "$BIN/xdp_lb" backend list
	expect_out drained
	end_instance
}

# If the user may not see which process holds an XDP program, the message must not say "held by
# no process".
test_program_of_another()
{
	local pid

	start_sample pid 10 nsenter --net="/proc/$PLACE/ns/net" -- "$BIN/pass" -i lo
	run as "CAP_BPF CAP_NET_ADMIN CAP_PERFMON" "$BIN/ping" -i lo -d 0.05
	[ "$STATUS" -eq 1 ] || fail "status $STATUS"
	expect_err '^ping: failed to attach to lo: an XDP program .* takes CAP_SYS_PTRACE$'
	expect_err "^  hint: sudo $BIN/ping -i lo -d 0.05\$"
	run here "$BIN/ping" -i lo -d 0.05
	expect_err "of process $pid is there\$"
	stop_sample "$pid"
}

# If the user may not see whether the tc of a filter still runs, no message may say that a
# killed tc left the filter.
test_filter_of_another()
{
	local pid

	start_sample pid 10 nsenter --net="/proc/$PLACE/ns/net" -- "$BIN/tc" -i lo --attach clsact
	expect_status 0 as "CAP_BPF CAP_NET_ADMIN CAP_PERFMON" "$BIN/tc" -i lo -d 0.05
	expect_no_match "$ERR_FILE" killed
	stop_sample "$pid" KILL || :
	expect_status 0 here "$BIN/tc" -i lo -d 0.05
	expect_err 'a filter that a killed tc left'
	bash -c "$(sed -n 's/^  hint: /nsenter --net=\/proc\/'"$PLACE"'\/ns\/net /p' "$ERR_FILE")"
}
