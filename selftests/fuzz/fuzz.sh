#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a million random packets through all programs (selftests/fuzz/), and checks that a failing
# packet is reported in a way that allows running it again.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root

# Finds the program in a build and where kselftests are installed.
FUZZ=$(test_program fuzz_packets) || skip "fuzz_packets is not built"
FIXTURES=$NBT_DIR/fuzz/fixtures
PING=000000000000020000000001080045000024abcd000040018dfac0000201c63364020800d3ae1234567861626364
PING+=65666768

test_random_packets()
{
	expect_status 0 "$FUZZ" -d "$TMP" -f "$FIXTURES" -n "${NETBPF_FUZZ:-1000000}"
	show "packets" "$OUT_FILE"
	# There must be a result for every program.
	expect_eq "programs" "$(grep -c '^ok ' <<<"$OUT")" "$("$FUZZ" -l | wc -l)"
}

# The same seed makes the same packets, so the output is the same: counters met, packets refused.
test_the_seed_brings_packets_back()
{
	NETBPF_SEED=7 "$FUZZ" -d "$TMP" -n 20000 >"$TMP/first"
	NETBPF_SEED=7 "$FUZZ" -d "$TMP" -n 20000 >"$TMP/second"
	NETBPF_SEED=8 "$FUZZ" -d "$TMP" -n 20000 >"$TMP/other"
	cmp "$TMP/first" "$TMP/second"
	! cmp -s "$TMP/first" "$TMP/other" || fail "another seed makes the same packets"
}

test_replay_of_hex()
{
	expect_status 0 "$FUZZ" -r "$PING" tc-pingpong
	expect_out '^ok tc-pingpong: 50 bytes$'
	expect_status 2 "$FUZZ" -r "$PING" nonsense
	expect_err 'no such program: nonsense'
	expect_status 2 "$FUZZ" -r 00 ping
	expect_err 'no packet of 14 to 3500 bytes: 00'
}

test_replay_of_a_file()
{
	printf '# a ping\n%s\n' "$PING" >"$TMP/ping.hex"
	expect_status 0 "$FUZZ" -r "$TMP/ping.hex" ping
	expect_out '^ok ping: 50 bytes$'
}

# wrong WHAT PROGRAM: let fuzz_packets falsify WHAT before it compares, as if the program were
# broken. The comparison must fail.
wrong()
{
	expect_status 1 env NETBPF_FUZZ_WRONG="$1" "$FUZZ" -d "$TMP" -r "$PING" "$2"
}

test_a_wrong_verdict_is_told()
{
	wrong verdict ping
	expect_out '^not ok ping: packet 1: the verdict is 101, not 1$'
	expect_out "again: .*--replay $TMP/ping.pcap ping"
	expect_err "^#   000000000000020000000001"
	# The pcap file holds the packet that failed.
	expect_status 0 "$FUZZ" -r "$TMP/ping.pcap" ping
	expect_out '^ok ping: 50 bytes$'
}

test_a_wrong_byte_is_told()
{
	wrong byte tc-pingpong
	expect_out 'not ok tc-pingpong: packet 1: a byte of the reply is wrong'
	wrong byte pktcount
	expect_out 'not ok pktcount: packet 1: it was changed'
}

test_a_wrong_counter_is_told()
{
	wrong counter tc-ping
	expect_out 'not ok tc-ping: packet 1: counter 0 is off by -1'
}

test_a_wrong_event_is_told()
{
	wrong event sockfilter
	expect_out 'not ok sockfilter: packet 1: the event tells something else'
}

run_tests test_random_packets test_the_seed_brings_packets_back test_replay_of_hex	\
	test_replay_of_a_file test_a_wrong_verdict_is_told test_a_wrong_byte_is_told	\
	test_a_wrong_counter_is_told test_a_wrong_event_is_told
