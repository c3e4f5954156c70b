#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What README.rst and Documentation/ show is what is printed: each page with
# blocks marked as runnable (Documentation/testing.rst) is a test.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
require_tools ip nsenter unshare jq curl nginx

CHECK=$NETBPF_TOP/scripts/docs-check.sh
[ -x "$CHECK" ] || skip "the pages are not here"
[ -x "$NETBPF_OUT/samples/pass" ] || skip "the samples are not built"

# checked PAGE: all its blocks. A page of which none could be run shows nothing.
checked()
{
	local sum

	expect_status 0 "$CHECK" "$NETBPF_TOP/$1"
	sum=$(tail -n 1 "$OUT_FILE")
	diag "$sum"
	[[ $sum != 0\ * ]] || skip "$(sed -n 's/^skip [^ ]* //p' "$OUT_FILE" | sort -u)"
}

TESTS=()
while read -r page; do
	name=test_page_$(basename "$page" .rst | tr -c 'a-zA-Z0-9\n' _)
	eval "$name() { checked $page; }"
	TESTS+=("$name")
done < <("$CHECK" --list | sed 's/:.*//' | sort -u)

# Each sample has a page with a block that is run.
test_every_sample_is_shown()
{
	local name
	local -a samples

	read -ra samples < <(sed -n 's/^SAMPLES := //p' "$NETBPF_TOP/samples/Makefile")
	for name in "${samples[@]}"; do
		[[ " ${TESTS[*]} " == *" test_page_$name "* ]] ||
			fail "Documentation/$name.rst has no block that is run"
	done
}

run_tests "${TESTS[@]}" test_every_sample_is_shown
