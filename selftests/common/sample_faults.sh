#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Faults around samples: each sample goes on, or ends with a message, and leaves nothing behind.
# The tests of each sample have what is special to it (interface_deleted, for instance), and
# faults.sh tests the load balancer.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
need_root
require_tools ip ping
need_bpf_objects

# All samples that attach to an interface, with options that make most of them print a line for
# a ping.
SAMPLES=(hello 'pass' 'ping --every 1' tc 'pktcount --events' 'sockfilter --proto icmp' network)

setup()
{
	pair_add
}

# begin SAMPLE [NAMESPACE INTERFACE]: start the sample by start_main, and remember its BPF objects.
begin()
{
	local words

	read -ra words <<<"$1"
	SAMPLE=${words[0]}
	start_main 60 "$(sample "$SAMPLE")" -n "${2:-$SERVER}" -i "${3:-right}" "${words[@]:1}"
	keep_bpf_objects "$PID"
}

# finish: stop the sample: its exit status is 0, and its BPF objects disappear.
finish()
{
	stop_sample "$PID" || fail "$SAMPLE: status $STATUS"
	expect_bpf_objects_gone
}

# lines: print how many lines the sample has printed so far.
lines()
{
	wc -l <"$(sample_out "$PID")"
}

more_lines()
{
	[ "$(lines)" -gt "$1" ]
}

# it_sees [NAMESPACE]: send a ping; the sample prints a line for it. pass and tc do not.
it_sees()
{
	local before

	before=$(lines)
	in_ns "${1:-$CLIENT}" ping -n -c 1 -W 1 "$S4" >/dev/null || :
	[ "$SAMPLE" = pass ] || [ "$SAMPLE" = tc ] || eventually 10 more_lines "$before"
}

# Packets arrive while the sample is stopped. It goes on afterwards.
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

# Before Linux 6.2, an interface must be down to be renamed.
test_interface_renamed_while_up()
{
	local each

	ip -n "$SERVER" link set right name away 2>/dev/null ||
		skip "this kernel renames no interface that is up"
	ip -n "$SERVER" link set away name right
	defer "ip -n $SERVER link set away name right 2>/dev/null || :"
	for each in "${SAMPLES[@]}"; do
		begin "$each"
		ip -n "$SERVER" link set right name away
		it_sees
		ip -n "$SERVER" link set away name right
		it_sees
		finish
	done
}

# Settings that a driver applies by making its queues anew.
test_settings_changed()
{
	local each

	have ethtool || skip "not installed: ethtool"
	defer "in_ns $SERVER ethtool -L right rx 1 tx 1 2>/dev/null
		ip -n $SERVER link set right mtu 1500"
	for each in "${SAMPLES[@]}"; do
		begin "$each"
		ip -n "$SERVER" link set right mtu 1400
		it_sees
		ip -n "$SERVER" link set right mtu 9000
		it_sees
		ip -n "$SERVER" link set right mtu 1500
		it_sees
		if [ "$(nproc --all)" -gt 1 ]; then
			in_ns "$SERVER" ethtool -L right rx 2 tx 2
			it_sees
			in_ns "$SERVER" ethtool -L right rx 1 tx 1
			it_sees
		fi
		finish
	done
}

# The name of the namespace is deleted. The sample keeps the namespace, because it has it open.
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

# A table for so many sources needs more than 100 MB. The maps of the other samples are so small
# that the process itself would run out of memory first.
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
# Interfaces that are removed, and events that only look like this. The test of each sample has
# the simple case.

# gone IF [WHY]: like expect_gone, and the BPF objects of the sample disappear.
gone()
{
	expect_gone "$@"
	expect_bpf_objects_gone
}

# begin_far SAMPLE: start the sample on "far", one end of a new veth pair.
begin_far()
{
	near_far 1500
	begin "$1" "$FAR" far
}

# The interface is moved to another namespace, where the program would go on unnoticed. So the
# sample ends.
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

# When the sample looks, there is already a new interface with the same name and index.
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

# says TEXT: true if a message of the sample ends in TEXT.
says()
{
	grep -q "$1\$" "$SAMPLE_ERR"
}

one_link_at_most()
{
	[ "$(bpf_objects "$PID" | grep -c '^link' || :)" -le 1 ]
}

# has_no_program NS IF: true if no XDP program is on the device. Wait for this after the message,
# because the sample prints the message before it detaches.
has_no_program()
{
	! ip -n "$1" -d link show dev "$2" | grep -q prog
}

# If one of two interfaces is gone, the sample goes on with the other one; the second removal ends
# it. From an interface that was moved away, the sample detaches its program at once.
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

# Events of other interfaces, and events that only look like a removal, do not end the sample:
# when a port leaves a bridge, the kernel sends RTM_DELLINK for the bridge port.
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

# While the sample is stopped, so many netlink messages arrive that its socket overflows. It
# loses the message about the removed interface, and must still notice.
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
	test_interface_renamed_while_up test_settings_changed			\
	test_namespace_deleted test_no_memory_for_maps test_interface_moved	\
	test_interface_made_again test_one_of_two_interfaces_is_gone		\
	test_interface_is_still_there test_news_are_lost
