#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping on real packets: which packets it drops and which pass, what it prints, and
# that no program stays behind.
#
#	CLIENT left ---- right SERVER
#	       left2 --- right2
#
# The sample runs on "right" unless a test says otherwise.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
# shellcheck source=selftests/ping/match.sh
. "$NBT_DIR/ping/match.sh"
# shellcheck source=selftests/ping/frames.sh
. "$NBT_DIR/ping/frames.sh"
# shellcheck source=selftests/ping/output.sh
. "$NBT_DIR/ping/output.sh"
# shellcheck source=selftests/ping/attach.sh
. "$NBT_DIR/ping/attach.sh"
# shellcheck source=selftests/ping/ssh.sh
. "$NBT_DIR/ping/ssh.sh"

need_root
require_tools ip jq nsenter ping

setup()
{
	PING=$(sample ping) SAMPLE=$PING
	pair_add
	veth_pair "$CLIENT" left2 "$SERVER" right2
	addr_add "$CLIENT" left2 198.51.100.1/24 2001:db8:2::1/64
	addr_add "$SERVER" right2 198.51.100.2/24 2001:db8:2::2/64
	pair_answers
}

# expect_summary MATCHED DROPPED: check the counters in SUMMARY, which is in text form.
expect_summary()
{
	[[ $SUMMARY =~ ^summary:\ ([0-9]+)\ packets\ seen,\ ([0-9]+)\ matched:\ ([0-9]+)\ dropped,\ ([0-9]+)\ passed\;\ ([0-9]+)\ events\ lost$ ]] ||
		fail "odd summary: $SUMMARY"
	expect_eq matched "${BASH_REMATCH[2]}" "$1"
	expect_eq dropped "${BASH_REMATCH[3]}" "$2"
	expect_eq "seen, of: $SUMMARY" "${BASH_REMATCH[1]}" \
		$((BASH_REMATCH[3] + BASH_REMATCH[4]))
	[ "${BASH_REMATCH[1]}" -ge "$1" ] || fail "matched more than seen: $SUMMARY"
}

# ---------------------------------------------------------------------------
# Drop and pass

test_drop_v4()
{
	start
	expect_silence 5 "$S4"
	stop
	expect_summary 5 5
	expect_eq events "$(events)" 5
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 5: drop$"
	expect_answers 1 "$S4"
}

test_drop_v6()
{
	start
	expect_silence 5 "$S6"
	stop
	expect_summary 5 5
	expect_eq events "$(events)" 5
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 5: drop$"
	expect_answers 1 "$S6"
}

test_pass_v4()
{
	start -a pass
	expect_answers 5 "$S4"
	stop
	expect_summary 5 0
	expect_match "$SAMPLE_OUT" "^$C4 > $S4: ICMP echo request id [0-9]+ seq 5: pass$"
	expect_match "$SAMPLE_OUT" '^  passed: .*\b5 action_pass\b'
}

test_pass_v6()
{
	start -a pass
	expect_answers 5 "$S6"
	stop
	expect_summary 5 0
	expect_match "$SAMPLE_OUT" "^$C6 > $S6: ICMPv6 echo request id [0-9]+ seq 5: pass$"
}

# Only echo requests match. Replies to the host's own pings, neighbour discovery, and
# everything else pass.
test_own_pings_are_answered()
{
	start
	expect_answers_from "$SERVER" 3 "$C4"
	expect_answers_from "$SERVER" 3 "$C6"
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*no_echo_request'
}

# neighbour ADDRESS: true if the client knows the MAC address of ADDRESS.
neighbour()
{
	ip -n "$CLIENT" neigh show dev left | grep -q "^$1 .*lladdr"
}

test_neighbour_discovery_passes()
{
	start
	ip -n "$CLIENT" neigh flush dev left
	expect_silence 1 "$S4"
	expect_silence 1 "$S6"
	eventually 5 neighbour "$S4"
	eventually 5 neighbour "$S6"
	eventually 5 events_are 2
	stop
	expect_summary 2 2
	expect_match "$SAMPLE_OUT" '^  passed: .*not_ip'
}

run_tests test_drop_v4 test_drop_v6 test_pass_v4 test_pass_v6 test_own_pings_are_answered \
	test_neighbour_discovery_passes test_src_v4 test_src_v6 test_dst_v4 test_dst_v6 \
	test_src_and_dst test_filter_of_one_family_only test_every_2 test_every_3 \
	test_every_counts_matches test_every_with_pass test_fragments_v4 test_fragments_v6 \
	test_ip_options test_ipv6_extension_headers test_vlan_tags_in_the_frame \
	test_odd_frames_pass test_vlan_devices test_json_events test_json_in_a_time_namespace test_json_ready \
	test_json_summary_adds_up test_seen_is_all_packets test_count test_count_of_a_batch test_count_and_quiet \
	test_quiet test_interval test_duration test_end_before_the_count \
	test_lines_are_not_kept_back test_flood \
	test_lost_events test_reader_goes_away test_two_interfaces \
	test_two_interfaces_all_or_none test_native_mode test_skb_mode \
	test_auto_mode_is_native test_native_on_lo_is_refused test_auto_on_lo_is_skb \
	test_mtu_9000 test_kill_9_leaves_nothing test_sigterm_leaves_nothing \
	test_second_instance_native test_second_instance_skb test_program_of_ip_link \
	test_interface_deleted test_namespace_deleted test_ssh_interface_is_refused \
	test_ssh_link_local test_ssh_other_interface_is_allowed test_ssh_force \
	test_ssh_pass_is_allowed test_ssh_other_namespace_is_allowed \
	test_ssh_own_namespace_by_name test_ssh_found_in_an_ancestor \
	test_ssh_behind_an_odd_name test_ssh_below_a_bridge \
	test_ssh_two_devices_below
