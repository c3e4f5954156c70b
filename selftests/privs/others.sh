#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What belongs to somebody else is not there for a plain user, but never called absent.

# Whose it is cannot be seen: not "held by no process".
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

# A filter is not said to be left by a killed tc whose tc cannot be seen.
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
