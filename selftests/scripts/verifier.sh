#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The programs of Documentation/verifier.rst: the verifier refuses each one with the message that
# the page and the comment in the program quote, and accepts the corrected program.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root

LOAD=$(test_program verifier_load) || skip "verifier_load is not built"
OBJECTS=$NETBPF_OUT/selftests/scripts/verifier
[ -d "$OBJECTS" ] || OBJECTS=$NBT_DIR/verifier
PAGE=$NETBPF_TOP/Documentation/verifier.rst

# message NAME: print the message that the program quotes: the part that is the same in all kernels.
message()
{
	sed -n 's/^ \* message: //p' "$NBT_DIR/scripts/verifier/$1_kern.c"
}

# example NAME: the program is refused with its message, and loads when it is compiled with MENDED.
example()
{
	local message

	message=$(message "$1")
	[ -n "$message" ] || fail "$1_kern.c tells no message"
	expect_status 1 "$LOAD" "$OBJECTS/$1_broken.o"
	grep -Fq -e "$message" "$OUT_FILE" || {
		show "the verifier" "$OUT_FILE"
		fail "not said: $message"
	}
	expect_status 0 "$LOAD" "$OBJECTS/$1_mended.o"
	expect_out '^loaded$'
}

# One test for each program.
TESTS=()
for file in "$NBT_DIR"/scripts/verifier/*_kern.c; do
	name=$(basename "$file" _kern.c)
	eval "test_$name() { example $name; }"
	TESTS+=("test_$name")
done

# The page shows the source and the message of each program.
test_the_page_tells_each_message()
{
	local name

	[ -r "$PAGE" ] || skip "the pages are not here"
	for name in "${TESTS[@]#test_}"; do
		grep -q "^\.\. literalinclude:: .*/${name}_kern.c$" "$PAGE" ||
			fail "$name is not shown"
		grep -Fq -e "$(message "$name")" "$PAGE" ||
			fail "the message of $name is not shown"
	done
	expect_eq "programs shown" "$(grep -c '^\.\. literalinclude::' "$PAGE")" "${#TESTS[@]}"
}

test_the_loader_itself()
{
	expect_status 0 "$LOAD" --help
	expect_out '^Example:'
	expect_status 2 "$LOAD"
	expect_status 1 "$LOAD" /nonexistent.o
	expect_err 'failed to open /nonexistent.o: No such file'
}

# A program of its own, with a long log: whether a program above has one depends on the compiler.
test_a_long_log_is_cut()
{
	have clang || skip "not installed: clang"
	clang -target bpf -O2 -c -x c - -o "$TMP/long.o" <<-'C'
		__attribute__((section("xdp"))) int f(void *ctx)
		{
			asm volatile("r0 = 0;"
				     ".rept 50; r0 += 1; .endr;"
				     "r0 = *(u64 *)(r0 + 0);" ::: "r0");
			return 2;
		}
	C
	expect_status 1 "$LOAD" "$TMP/long.o"
	expect_eq "second line" "$(sed -n 2p "$OUT_FILE")" ...
	expect_out "^R0 invalid mem access 'scalar'$"
	# The source line, "...", the last ten lines, and the result.
	expect_eq "lines" "$(wc -l <"$OUT_FILE")" 13
}

run_tests "${TESTS[@]}" test_the_page_tells_each_message test_the_loader_itself \
	test_a_long_log_is_cut
