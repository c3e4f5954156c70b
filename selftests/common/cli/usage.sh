#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bad arguments: the exit status is 2.

test_unknown_option()
{
	local name

	for name in $ALL; do
		base "$name"
		refuses 2 "${BASE[@]}" --bogus
		expect_err "^$name: .*--bogus"
		expect_err "hint: $BIN/$name --help\$"
		refuses 2 "${BASE[@]}" -Z
		expect_err "^$name: .*-Z"
		refuses 2 "${BASE[@]}" --help=now
	done
}

# In "-Zj" getopt() has not yet moved to the next word when it finds the unknown Z. The message
# must still name "-Z".
test_unknown_option_in_a_cluster()
{
	local name

	for name in $ALL; do
		base "$name"
		refuses 2 "${BASE[@]}" -Zj
		expect_err "^$name: .*-Z"
		refuses 2 "${BASE[@]}" -jZ
		expect_err "^$name: .*-?Z"
	done
}

test_missing_argument()
{
	local name opt

	for name in $ALL; do
		base "$name"
		refuses 2 "${BASE[@]}" -d
		expect_err "^$name: .*-d"
		while read -r opt; do
			refuses 2 "${BASE[@]}" "--$opt"
			expect_err "^$name: .*--$opt"
		done < <(options_with "$name" '[A-Z]+')
	done
}

test_stray_argument()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		refuses 2 "${BASE[@]}" stray
		expect_err "^$name: .*stray"
		refuses 2 "${BASE[@]}" -- -j
	done
}

test_bad_numbers()
{
	local name opt

	for name in $ALL; do
		while read -r opt; do
			bad_values "$name" "$opt" 0 -1 1x 0x10 1.5 x '' ' ' \
				99999999999999999999999
		done < <(options_with "$name" N)
	done
}

test_bad_seconds()
{
	local name opt

	for name in $ALL; do
		while read -r opt; do
			bad_values "$name" "$opt" 0 -1 1x x '' ' ' nan -nan inf -inf \
				0.0000000001 1e300 99999999999999999999999
		done < <(options_with "$name" SEC)
	done
}

test_bad_words()
{
	local name opt

	for name in $ALL; do
		while read -r opt; do
			bad_values "$name" "$opt" bogus ''
		done < <(options_with "$name" '(MODE|ACTION)')
		! takes "$name" mode || bad_values "$name" mode NATIVE nativ
	done
}

test_bad_prefixes()
{
	local name opt

	for name in $ALL; do
		while read -r opt; do
			bad_values "$name" "$opt" '' x 1.2.3 1.2.3.4.5 256.1.1.1 1.2.3.4/33 \
				1.2.3.4/-1 1.2.3.4/ 1.2.3.4/x 1.2.3.4/8/8 /8 ::1/129 \
				2001:db8:::1 1:2:3:4:5:6:7:8:9 fe80::1%lo '1.2.3.4 '
		done < <(options_with "$name" PREFIX)
	done
}

# The smallest and largest valid numbers are accepted.
test_good_numbers()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		expect_status 0 "${BASE[@]}" -d 0.001
		expect_status 0 "${BASE[@]}" -d 1e-2
		! options_with "$name" N | grep -qx count ||
			expect_status 0 "${BASE[@]}" -c 18446744073709551615
		! takes "$name" interval || expect_status 0 "${BASE[@]}" -I 1000000000
		! takes "$name" every || expect_status 0 "${BASE[@]}" --every 4294967295
		! takes "$name" every || refuses 2 "${BASE[@]}" --every 4294967296
		detached
	done
}

test_verbose_with_quiet()
{
	local name

	for name in $ALL; do
		base "$name"
		refuses 2 "${BASE[@]}" -v -q
		refuses 2 "${BASE[@]}" -qvv
	done
}

test_no_interface()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		run "$BIN/$name" -n "$NS" -d 0.05
		if [ "$STATUS" -eq 0 ]; then		# the sample has a default interface
			expect_out '^ready: lo '
			continue
		fi
		refuses 2 "$BIN/$name" -n "$NS" -d 0.05
		expect_err "^$name: .*-i"
		# The sample checks its arguments before it needs privileges.
		refuses 2 "${NOBODY[@]}" "$BIN/$name" -d 0.05
	done
}

test_bad_interface_name()
{
	local name

	for name in $ALL; do
		takes "$name" interface || continue
		bad_values "$name" interface '' "$(printf 'a%0127d' 0)"
	done
}

test_same_interface_twice()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		base "$name"
		refuses 2 "${BASE[@]}" -i lo
		expect_err "^$name: .*lo"
	done
}

# A name and a number that mean the same interface are refused as "given before"; the message
# must not say that somebody else has attached a program.
test_same_interface_by_name_and_number()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		base "$name"
		refuses 2 "${BASE[@]}" -i 1
		expect_err "^$name: --interface 1: it is lo, which was given before\$"
		detached || fail "$name -i lo -i 1 left a program"
	done
}

test_too_many_interfaces()
{
	local name i many=()

	for ((i = 0; i < 17; i++)); do
		many+=(-i "nbt$i")
	done
	for name in $SAMPLES; do
		takes "$name" interface || continue
		refuses 2 "$BIN/$name" -n "$NS" -d 0.05 "${many[@]}"
		expect_err "^$name: .*16"
	done
}
