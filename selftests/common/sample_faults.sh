#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What breaks around samples: each goes on, or ends with a message, and leaves nothing. What
# is special to one of them is in its own test (interface_deleted, for instance), and what is
# about the load balancer in faults.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
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
	start_main 60 "$(sample "$SAMPLE")" -n "${2:-$SERVER}" -i "${3:-right}" "${words[@]:1}"
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

# it_sees [NAMESPACE]: a ping, if it is one that says what it sees.
it_sees()
{
	local before

	before=$(lines)
	in_ns "${1:-$CLIENT}" ping -n -c 1 -W 1 "$S4" >/dev/null || :
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

# ---------------------------------------------------------------------------
# Interfaces that go, and those that do not. Each sample's own test has the simple case.

# gone IF [WHY]: the sample has ended by itself for that, and nothing is left of it.
gone()
{
	expect_gone "$@"
	expect_bpf_objects_gone
}

# begin_far SAMPLE: on "far" of a pair of its own.
begin_far()
{
	near_far 1500
	begin "$1" "$FAR" far
}

# What is attached would go on, where nobody looks.
test_interface_moved()
{
	local each

	for each in "${SAMPLES[@]}" 'tc --attach clsact'; do
		begin_far "$each"
		ip -n "$FAR" link set far netns "$NEAR"
		gone far 'was moved to another network namespace'
		expect_match "$SAMPLE_ERR" '^  hint: ip netns list; then: .* -n NAME -i far$'
	done
}

# The new one has the name and the number of the one before, when the sample looks.
test_interface_made_again()
{
	local each index

	for each in "${SAMPLES[@]}"; do
		begin_far "$each"
		index=$(link_index "$FAR" far)
		kill -STOP "$PID"
		ip -n "$FAR" link del far
		ip -n "$FAR" link add far index "$index" type veth peer name near
		kill -CONT "$PID"
		gone far
	done
}

# says TEXT: one of its messages ends so.
says()
{
	grep -q "$1\$" "$SAMPLE_ERR"
}

one_link_at_most()
{
	[ "$(bpf_objects "$PID" | grep -c '^link' || :)" -le 1 ]
}

# The others go on, and the last one ends it. On one that was moved nothing is left meanwhile.
# has_no_program NS IF: to be waited for; the message comes before it is detached.
has_no_program()
{
	! ip -n "$1" -d link show dev "$2" | grep -q prog
}

test_one_of_two_interfaces_is_gone()
{
	local each

	for each in "${SAMPLES[@]}"; do
		[ "$each" != network ] || continue
		near_far 1500
		veth_pair "$NEAR" near2 "$FAR" far2
		begin "$each -j -i far2" "$FAR" far
		ip -n "$FAR" link set far2 netns "$NEAR"
		eventually 10 says 'go on with far2: the interface was moved to another network namespace'
		eventually 10 has_no_program "$NEAR" far2
		eventually 10 grep -q '"event":"interface","ifname":"far2",.*"state":"gone","reason":"moved"' \
			"$SAMPLE_OUT"
		it_sees "$NEAR"
		ip -n "$FAR" link del far
		gone far
		expect_eq "messages" "$(grep -c 'failed to go on' "$SAMPLE_ERR")" 2
	done
}

# What happens to others, and what only looks like the end: a bridge says of a port that
# leaves it that the link is deleted.
test_interface_is_still_there()
{
	local each

	for each in "${SAMPLES[@]}"; do
		begin "$each"
		ip -n "$SERVER" link add name other type veth peer name peer
		ip -n "$SERVER" link del other
		ip -n "$SERVER" link add name br9 type bridge
		ip -n "$SERVER" link set right master br9
		ip -n "$SERVER" link set right nomaster
		ip -n "$SERVER" link del br9
		it_sees
		expect_no_match "$SAMPLE_ERR" failed
		finish
	done
}

# More is told than the socket of a stopped process has room for, so of the end it is not.
test_news_are_lost()
{
	local each i

	for ((i = 0; i < 2000; i++)); do
		echo "link set lo mtu $((60000 + i % 2))"
	done >"$TMP/batch"
	for each in "${SAMPLES[@]}"; do
		begin_far "$each"
		kill -STOP "$PID"
		ip -n "$FAR" -batch "$TMP/batch"
		ip -n "$FAR" link del far
		kill -CONT "$PID"
		gone far 'is gone'
		expect_no_match "$SAMPLE_ERR" 'hint'
	done
}

run_tests test_stopped_and_continued test_interface_down_renamed_and_up	\
	test_namespace_deleted test_no_memory_for_maps test_interface_moved	\
	test_interface_made_again test_one_of_two_interfaces_is_gone		\
	test_interface_is_still_there test_news_are_lost
