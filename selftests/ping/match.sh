#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping: which echo requests --src, --dst and --every select.

# filter OPTION PREFIX ADDRESS EXPECTED: start the sample with OPTION PREFIX and send two
# pings to ADDRESS. The sample must drop EXPECTED of them.
filter()
{
	start "$1" "$2"
	expect_received $((2 - $4)) 2 "$3"
	stop
	expect_summary "$4" "$4"
}

test_src_v4()
{
	filter --src "$C4" "$S4" 2
	filter --src 192.0.2.3 "$S4" 0
	filter --src 192.0.2.0/24 "$S4" 2
	filter --src 192.0.2.0/31 "$S4" 2
	filter --src 192.0.2.2/31 "$S4" 0
	filter --src 192.0.2.77/24 "$S4" 2	# bits beyond the prefix do not count
	filter --src 0.0.0.0/0 "$S4" 2
}

test_src_v6()
{
	filter --src "$C6" "$S6" 2
	filter --src 2001:db8::3 "$S6" 0
	filter --src 2001:db8::/64 "$S6" 2
	filter --src 2001:db8::/127 "$S6" 2
	filter --src 2001:db8::2/127 "$S6" 0
	filter --src 2001:db8:0:1::/64 "$S6" 0
	filter --src ::/0 "$S6" 2
}

test_dst_v4()
{
	filter --dst "$S4" "$S4" 2
	filter --dst "$C4" "$S4" 0
	filter --dst 192.0.0.0/15 "$S4" 2
	filter --dst 192.0.2.4/30 "$S4" 0
}

test_dst_v6()
{
	filter --dst "$S6" "$S6" 2
	filter --dst "$C6" "$S6" 0
	filter --dst 2001:db8::/33 "$S6" 2
	filter --dst 2001:db8:8000::/33 "$S6" 0
}

test_src_and_dst()
{
	start --src "$C4" --dst "$S4"
	expect_silence 2 "$S4"
	stop
	expect_summary 2 2
	start --src "$C4" --dst 192.0.2.9
	expect_answers 2 "$S4"
	stop
	expect_summary 0 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 filtered_out\b'
}

test_filter_of_one_family_only()
{
	filter --src 0.0.0.0/0 "$S6" 0
	filter --dst 192.0.2.0/24 "$S6" 0
	filter --src 2001:db8::/32 "$S4" 0
	filter --dst 2001:db8::/32 "$S4" 0
	# The sample stores IPv4 addresses as ::ffff:a.b.c.d. IPv6 prefixes must not match them.
	filter --src ::ffff:0:0/96 "$S6" 0
	filter --src ::/0 "$S4" 0
}

# every N SENT: send SENT pings; --every N drops exactly each Nth of them.
every()
{
	local seq

	start --every "$1" -j
	expect_received $(($2 - $2 / $1)) "$2" "$S4"
	stop
	for ((seq = 1; seq <= $2; seq++)); do
		if [ $((seq % $1)) -eq 0 ]; then echo drop; else echo pass; fi
	done >"$TMP/wanted"
	json '.[] | select(.event == "packet") | .verdict' >"$TMP/got"
	diff "$TMP/wanted" "$TMP/got"
	expect_json ".[-1] | .matched == $2 and .dropped == $(($2 / $1)) and
		.reasons.not_nth == $(($2 - $2 / $1))"
}

test_every_2()
{
	every 2 10
}

test_every_3()
{
	every 3 11
}

# --every does not count requests that --src or --dst excludes. It counts IPv4 and IPv6
# requests together.
test_every_counts_matches()
{
	start --every 2 --dst 2001:db8::/32
	expect_answers 3 "$S4"
	expect_answers 1 "$S6"
	expect_silence 1 "$S6"
	stop
	expect_summary 2 1
	start --every 2
	expect_answers 1 "$S4"
	expect_silence 1 "$S6"
	stop
	expect_summary 2 1
}

test_every_with_pass()
{
	start --every 2 -a pass
	expect_answers 4 "$S4"
	stop
	expect_summary 4 0
	expect_match "$SAMPLE_OUT" '^  passed: .*\b2 not_nth, 2 action_pass\b'
}
