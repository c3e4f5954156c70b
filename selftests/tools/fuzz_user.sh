#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The parsers and writers of the loaders under libFuzzer, a few seconds each
# (selftests/fuzz/user/).

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_sources
require_tools make clang
echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang -x c -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null ||
	skip "clang has no libFuzzer (package libclang-rt-14-dev)"

FUZZ_SH=$NETBPF_TOP/scripts/fuzz.sh

test_parsers_and_writers()
{
	expect_status 0 "$FUZZ_SH" --user
	show "libFuzzer" "$OUT_FILE"
	expect_eq "targets" "$(grep -c '^ok ' <<<"$OUT")" \
		"$(find "$NBT_DIR/fuzz/user" -name '*.c' | wc -l)"
	# Each target has run more inputs than its seeds.
	expect_eq "targets of 100 inputs or more" "$(grep -cE ' [0-9]{3,} inputs' <<<"$OUT")" 4
}

run_tests test_parsers_and_writers
