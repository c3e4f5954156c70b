#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What breaks around samples: each goes on, or ends with a message, and leaves nothing. What
# is special to one of them is in its own test (interface_deleted, for instance), and what is
# about the load balancer in faults.sh.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
need_root
require_tools ip ping
need_bpf_objects

# All that are attached to an interface, with options by which a ping becomes a line.
SAMPLES=(hello 'pass' 'ping --every 1' tc 'pktcount --events' 'sockfilter --proto icmp' network)

setup()
{
	pair_add
}

# begin SAMPLE [NAMESPACE INTERFACE]: its pid goes to PID, and what it holds is kept.
begin()
{
	local words

	read -ra words <<<"$1"
	SAMPLE=${words[0]}
	start_sample PID 60 "$(sample "$SAMPLE")" -n "${2:-$SERVER}" -i "${3:-right}" "${words[@]:1}"
	keep_bpf_objects "$PID"
}

# finish: it ends well when it is told to, and nothing is left of it in the kernel.
finish()
{
	stop_sample "$PID" || fail "$SAMPLE: status $STATUS"
	expect_bpf_objects_gone
}

# lines: what it has printed so far.
lines()
{
	wc -l <"$(sample_out "$PID")"
}

more_lines()
{
	[ "$(lines)" -gt "$1" ]
}

# it_sees: a ping, if it is one that says what it sees.
it_sees()
{
	local before

	before=$(lines)
	in_ns "$CLIENT" ping -n -c 1 -W 1 "$S4" >/dev/null || :
	[ "$SAMPLE" = pass ] || [ "$SAMPLE" = tc ] || eventually 10 more_lines "$before"
}

# Packets come meanwhile, more than it sees.
test_stopped_and_continued()
{
	local each

	for each in "${SAMPLES[@]}"; do
		begin "$each"
		kill -STOP "$PID"
		in_ns "$CLIENT" ping -n -c 20 -i 0.01 -W 1 "$S4" >/dev/null || :
		kill -CONT "$PID"
		it_sees
		finish
	done
}

# Programs are attached to an interface, not to its name.
test_interface_down_renamed_and_up()
{
	local each

	defer "{ ip -n $SERVER link set away down; ip -n $SERVER link set away name right
		ip -n $SERVER link set right up; } 2>/dev/null || :"
	for each in "${SAMPLES[@]}"; do
		begin "$each"
		ip -n "$SERVER" link set right down
		ip -n "$SERVER" link set right name away
		ip -n "$SERVER" link set away up
		eventually 5 nbt_is_up "$CLIENT" left
		it_sees
		ip -n "$SERVER" link set away down
		ip -n "$SERVER" link set away name right
		ip -n "$SERVER" link set right up
		eventually 5 nbt_is_up "$CLIENT" left
		finish
	done
}

# The name is the last but for what the sample itself has open.
test_namespace_deleted()
{
	local each name

	for each in "${SAMPLES[@]}"; do
		name=$(rand_name nbt-)
		ip netns add "$name"
		ip -n "$name" link set lo up
		begin "$each" "$name" lo
		ip netns del "$name"
		finish
	done
}

# So many sources take more than 100 MB. The others have maps that are too small for that
# to be refused before the process itself is out of memory.
test_no_memory_for_maps()
{
	memory_cgroup 64
	expect_status 1 in_cgroup timeout 60 "$(sample pktcount)" -n "$SERVER" -i right --top 5 --sources 1048576
	expect_err '^pktcount: failed to .*: Cannot allocate memory$'
	expect_no_match "$OUT_FILE" '^ready'
	expect_no_line 'prog/xdp' ip -n "$SERVER" -d link show dev right
	begin 'pktcount --top 5'
	finish
}

run_tests test_stopped_and_continued test_interface_down_renamed_and_up	\
	test_namespace_deleted test_no_memory_for_maps
