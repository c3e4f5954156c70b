#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Root without some capabilities, as in a container: tests skip, and name what is missing.

# deprived "CAPABILITY..." COMMAND...: run COMMAND as root without these capabilities.
deprived()
{
	local caps=

	# shellcheck disable=SC2086 # several words
	printf -v caps ',-%s' $1
	setpriv --inh-caps=-all --bounding-set="${caps#,}" -- "${@:2}"
}

test_shell_tests_skip_without_capabilities()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	have setpriv || skip "not installed: setpriv"
	expect_status 4 deprived sys_admin "$NBT_DIR/ping/ping.sh" -t drop_v4
	expect_out '^1..0 # SKIP needs root with CAP_SYS_ADMIN$'
	expect_status 4 deprived "net_raw net_admin" "$NBT_DIR/ping/ping.sh"
	expect_out '^1..0 # SKIP needs root with CAP_NET_ADMIN and CAP_NET_RAW$'
	# To list tests needs no capabilities.
	expect_status 0 deprived "sys_admin net_admin net_raw" "$NBT_DIR/ping/ping.sh" -l
}

# All tests in C that load programs or make namespaces.
test_c_tests_skip_without_capabilities()
{
	local name program skipped=0

	[ "$(id -u)" -eq 0 ] || skip "needs root"
	have setpriv || skip "not installed: setpriv"
	for name in $(make -s -C "$NBT_DIR" list | grep '_test$'); do
		program=$(test_program "$name") || fail "$name is not built"
		expect_status 0 deprived "sys_admin bpf net_admin perfmon" "$program"
		expect_no_match "$OUT_FILE" '^not ok|Bail out'
		! grep -q '^ok .* SKIP' "$OUT_FILE" || skipped=$((skipped + 1))
		! grep '^ok .* SKIP needs root' "$OUT_FILE" |
			grep -v 'needs root with CAP_[A-Z_]*\(\(, \| and \)CAP_[A-Z_]*\)*$' ||
			fail "$name does not name what is missing"
	done
	[ "$skipped" -gt 20 ] || fail "$skipped tests have skipped something"
}
