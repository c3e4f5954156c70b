#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The file config has the kernel options that the tests need: its form is right, and the
# running kernel has these options.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"

CONFIG=$NBT_DIR/config

# running_config: print the configuration of the running kernel, from the first place
# that has it.
running_config()
{
	local release file

	release=$(uname -r)
	for file in /proc/config.gz "/boot/config-$release" "/lib/modules/$release/config" \
		    "/lib/modules/$release/build/.config"; do
		[ -r "$file" ] || continue
		diag "from $file"
		case $file in
		*.gz) zcat "$file" ;;
		*) cat "$file" ;;
		esac
		return
	done
	skip "the configuration of this kernel cannot be read (CONFIG_IKCONFIG_PROC, /boot/config-$release)"
}

# The kernel's merge_config.sh can read the file. Each option is there once, in order.
test_the_file_is_a_fragment()
{
	expect_match "$CONFIG" '^# SPDX-License-Identifier'
	grep -v '^#' "$CONFIG" >"$TMP/options"
	! grep -Exv 'CONFIG_[A-Z0-9_]+=y' "$TMP/options" >&2 || fail "no options"
	sort -c -u "$TMP/options" || fail "not sorted, or an option twice"
}

# A module is enough: the kernel loads it when a test or ip(8) needs it.
test_this_kernel_has_the_options()
{
	local option missing=()

	running_config >"$TMP/running"
	while read -r option; do
		grep -Eq "^$option=[ym]$" "$TMP/running" || missing+=("$option")
	done < <(sed -n 's/=y$//p' "$CONFIG")
	[ ${#missing[@]} -eq 0 ] ||
		skip "$(uname -r) has no ${missing[*]}: what needs them is skipped"
}

run_tests test_the_file_is_a_fragment test_this_kernel_has_the_options
