#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The exercises of the course: each fails as it is given, passes with its solution, and each of
# its wrong programs gets the sentence that it must get (scripts/learn.sh --author).

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root
require_tools ip jq curl ping setpriv unshare python3 make
[ -d "$NETBPF_TOP/exercises" ] || skip "the course is not here"
export NO_INSTALL=1

TESTS=()
for dir in "$NETBPF_TOP"/exercises/[0-9]*/; do
	name=$(basename "$dir")
	eval "test_${name//-/_}() { expect_status 0 \"$NETBPF_TOP/scripts/learn.sh\" --author ${name%%-*}; }"
	TESTS+=("test_${name//-/_}")
done
run_tests "${TESTS[@]}"
