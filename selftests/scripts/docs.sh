#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The output in README.rst and Documentation/ is what the programs print. Each page with blocks
# that are marked as runnable (Documentation/testing.rst) is a test.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root
require_tools ip nsenter unshare jq curl nginx

CHECK=$NETBPF_TOP/scripts/docs-check.sh
[ -x "$CHECK" ] || skip "the pages are not here"
[ -x "$NETBPF_OUT/samples/pass" ] || skip "the samples are not built"

# checked PAGE: check all blocks of a page. Skips if none of them could be run.
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

# Each sample has a page with a block that can be run.
test_every_sample_is_shown()
{
	local name
	local -a samples

	mapfile -t samples < <(sample_names)
	for name in "${samples[@]}"; do
		[[ " ${TESTS[*]} " == *" test_page_$name "* ]] ||
			fail "Documentation/$name.rst has no block that is run"
	done
}

# keys YAML: print the keys that xdp_lb accepts in a place of its configuration. YAML has a wrong
# key in this place, and the hint of the error message lists the right ones.
keys()
{
	"$NETBPF_OUT/samples/xdp_lb" check -c <(echo "$1") 2>&1 |
		sed -n 's/^  hint: the keys here are: //p' | tr -d ,
}

# The pages and the example configuration name every key of the configuration.
test_every_key_of_xdp_lb_is_told()
{
	local page place key n=0

	for place in 'x: 1' 'vips: [{ x: 1 }]' 'vips: [{ check: { x: 1 } }]' \
		'vips: [{ backends: [{ x: 1 }] }]'; do
		for key in $(keys "$place"); do
			n=$((n + 1))
			expect_match "$NETBPF_TOP/Documentation/man/netbpf-xdp_lb.rst" "\\*\\*$key\\*\\*"
			expect_match "$NETBPF_TOP/Documentation/xdp_lb.rst" "\`\`[][a-z.]*$key\`\`"
			expect_match "$NETBPF_TOP/samples/xdp_lb.yaml" "\\b$key:"
		done
	done
	expect_eq "keys" "$n" 26
}

run_tests "${TESTS[@]}" test_every_sample_is_shown test_every_key_of_xdp_lb_is_told
