#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping: attaching to interfaces, XDP modes, and that no program stays behind.

# ---------------------------------------------------------------------------
# Interfaces and modes

test_two_interfaces()
{
	start -j -i right2
	expect_silence 2 "$S4"
	expect_silence 2 198.51.100.2
	expect_silence 2 2001:db8:2::2
	stop
	expect_json '[.[] | select(.event == "packet") | .ifname] ==
		["right", "right", "right2", "right2", "right2", "right2"]'
	expect_json '.[-1] | .matched == 6 and .dropped == 6'
	expect_json '[.[0].attached[].ifname] == ["right", "right2"]'
	expect_answers 1 "$S4"
	expect_answers 1 198.51.100.2
}

test_two_interfaces_all_or_none()
{
	start_on "$SERVER" -i right2
	expect_status 1 "$PING" -n "$SERVER" -i right -i right2 -d 5
	expect_eq "mode of the first" "$(xdp_mode "$SERVER" right)" none
	expect_answers 1 "$S4"
	stop
}

test_native_mode()
{
	start -m native
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, native mode\)$'
	expect_eq mode "$(xdp_mode "$SERVER" right)" native
	expect_silence 2 "$S4"
	expect_silence 2 "$S6"
	stop
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_summary 4 4
}

test_skb_mode()
{
	start -m skb
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, skb mode\)$'
	expect_eq mode "$(xdp_mode "$SERVER" right)" skb
	expect_silence 2 "$S4"
	expect_silence 2 "$S6"
	stop
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_summary 4 4
}

test_auto_mode_is_native()
{
	start
	expect_eq mode "$(xdp_mode "$SERVER" right)" native
	expect_eq "stderr" "$(<"$SAMPLE_ERR")" ""
	stop
}

test_native_on_lo_is_refused()
{
	expect_status 3 "$PING" -n "$SERVER" -i lo -m native -d 5
	expect_eq stdout "$OUT" ""
	expect_err '^ping: failed to attach to lo in native mode: Underlying driver does not support XDP in native mode \(Operation not supported\)$'
	expect_err '^  hint: .*-m (auto|skb)'
}

test_auto_on_lo_is_skb()
{
	start_on "$SERVER" -i lo
	expect_eq mode "$(xdp_mode "$SERVER" lo)" skb
	expect_eq stderr "$(<"$SAMPLE_ERR")" \
		"ping: lo: Underlying driver does not support XDP in native mode: using skb mode"
	expect_silence_from "$SERVER" 2 127.0.0.1
	expect_silence_from "$SERVER" 2 ::1
	stop
	expect_summary 4 4
	expect_eq "lines about skb" "$(grep -c 'skb mode' "$SAMPLE_ERR")" 1
}

# A jumbo frame takes several buffers; only "xdp.frags" programs may attach in native mode
# then. The program also drops pings that large.
test_mtu_9000()
{
	near_far 9000
	expect_answers_from "$NEAR" 2 "$S4" -s 8000
	start_on "$FAR" -i far -m native
	expect_eq mode "$(xdp_mode "$FAR" far)" native
	expect_silence_from "$NEAR" 2 "$S4" -s 8000
	expect_silence_from "$NEAR" 2 "$S6" -s 8000
	stop
	expect_summary 4 4
}

# ---------------------------------------------------------------------------
# Lifetime

# leaves_nothing SIGNAL: when SIGNAL ends the sample, all its BPF objects disappear.
leaves_nothing()
{
	need_bpf_objects
	start -i right2
	keep_bpf_objects "$PID"
	expect_eq programs "$(grep -c '^prog' "$TMP/objects")" 1
	[ "$(grep -c '^map' "$TMP/objects")" -ge 2 ] || fail "no maps: $(<"$TMP/objects")"
	[ "$(grep -c '^link' "$TMP/objects")" -eq 2 ] || fail "no links: $(<"$TMP/objects")"
	expect_silence 1 "$S4"
	stop_sample "$PID" "$1" 2>/dev/null || [ "$1" = KILL ]
	expect_bpf_objects_gone
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right)" none
	expect_eq "mode after it" "$(xdp_mode "$SERVER" right2)" none
	expect_answers 1 "$S4"
}

test_kill_9_leaves_nothing()
{
	leaves_nothing KILL
	# A new instance can start at once.
	start -m native
	expect_silence 1 "$S4"
	stop
}

test_sigterm_leaves_nothing()
{
	leaves_nothing TERM
}

# second MODE REAL-MODE: start the sample with -m MODE, which gives REAL-MODE. A second
# instance fails, and the first one goes on.
second()
{
	local first

	start -m "$1"
	first=$PID
	expect_silence 1 "$S4"
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5
	expect_eq stdout "$OUT" ""
	expect_err "^ping: failed to attach to right: XDP program 'ping' .*\b$2 mode"
	expect_err "\bprocess $first\b"
	expect_err "^  hint: .*kill $first\$"
	# The second instance also fails in the mode that the first one does not use.
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5 -m native
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5 -m skb
	expect_err "XDP program 'ping' .*\b$2 mode.*\bprocess $first\b"
	expect_silence 1 "$S4"
	expect_eq "mode" "$(xdp_mode "$SERVER" right)" "$2"
	stop
	expect_summary 2 2
}

test_second_instance_native()
{
	second native native
}

test_second_instance_skb()
{
	second skb skb
}

# "ip link" attaches a program that no process holds.
test_program_of_ip_link()
{
	local obj=$NETBPF_OUT/samples/pass_kern.o

	[ -r "$obj" ] || skip "no $obj"
	ip -n "$SERVER" link set dev right xdpgeneric obj "$obj" sec xdp.frags 2>/dev/null ||
		skip "this ip cannot load $obj"
	defer "ip -n $SERVER link set dev right xdpgeneric off"
	expect_status 1 "$PING" -n "$SERVER" -i right -d 5
	expect_err "XDP program 'pass' .*skb mode.*held by no process"
	expect_err '^  hint: .*ip .*link set dev right xdpgeneric off'
}

test_interface_deleted()
{
	near_far 1500
	start_on "$FAR" -i far
	send_from "$NEAR" 2 "$S4"
	ip -n "$FAR" link del far
	expect_gone far
	take_summary
	expect_summary 2 2
	expect_eq events "$(events)" 2
}

test_namespace_deleted()
{
	local name

	name=$(rand_name nbt-)
	ip netns add "$name"
	start_on "$name" -i lo
	ip netns del "$name"
	stop
	expect_summary 0 0
}
