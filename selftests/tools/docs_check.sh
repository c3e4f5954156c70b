#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/docs-check.sh, which compares what pages show with what is printed, on pages
# made up here.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root
require_tools ip nsenter unshare

CHECK=$NETBPF_TOP/scripts/docs-check.sh
[ -x "$CHECK" ] || skip "the pages are not here"

# made_up [MARK-LINE...]: write $TMP/page.rst, with a block of the commands on stdin.
made_up()
{
	{
		printf '%s\n' ".. runnable:" "$@" "" "Text::" ""
		sed 's/./    &/'
		printf '\nAfter it.\n'
	} >"$TMP/page.rst"
}

test_the_right_output_passes()
{
	made_up <<-'END'
		# printf 'one\ntwo\n'
		one
		two

		$ basename "$(pwd)"
		tree
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	expect_out '^1 blocks as shown, 0 not, 0 skipped$'
}

test_a_wrong_output_is_noticed()
{
	made_up <<-'END'
		# printf 'one\nTWO\n'
		one
		two
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
	expect_out '^\+TWO$'
	expect_out '^0 blocks as shown, 1 not'
}

test_missing_and_surplus_lines_are_noticed()
{
	made_up <<-'END'
		# echo one
		one
		two
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
	made_up <<-'END'
		# printf 'one\ntwo\n'
		one
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
}

test_dots_stand_for_anything()
{
	made_up <<-'END'
		# seq 9; echo 'a [b] * c'
		1
		...
		5
		...
		9
		a [b] * ...
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	made_up <<-'END'
		# seq 9
		1
		...
		5
		...
		8
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
	# Only dots are a wildcard.
	made_up <<-'END'
		# echo abc
		a*...
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
}

test_what_changes_is_masked()
{
	made_up <<-'END'
		# echo "took 12.5 ms at $(date +%T.%N), pid $$, port 45678"
		took 3 ms at 01:02:03.123456789, pid 1, port 33333
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	made_up <<-'END'
		# printf '%s\n' '10.0.0.1:45678 > [fd00::2]:45679' '10.0.0.1.45678 > fd00::2.45679:' '"sport":45678,'
		10.0.0.1:40000 > [fd00::2]:40000
		10.0.0.1.40000 > fd00::2.40000:
		"sport":40000,
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	# A MAC address must not be masked as a time.
	made_up <<-'END'
		# echo 02:42:10:00:01:02
		02:42:10:00:01:03
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
}

# A pid may be in the range of ports that clients get: only a port may be masked as a port.
test_a_pid_is_no_port()
{
	made_up "   mask: kill [0-9]+" <<-'END'
		# echo kill 45678
		kill 1
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	made_up <<-'END'
		# echo 45678 bytes
		45679 bytes
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
}

# Messages of the verifier are compared, the instructions between them are not.
test_instructions_are_left_out()
{
	made_up <<-'END'
		# printf '3: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access\n... alloc_insn=6\n'
		7: (71) r2 = *(u8 *)(r3 +12)
		8: (07) r2 += 1                       ; R2=2
		R3 invalid mem access
		... alloc_insn=9
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	made_up <<-'END'
		# echo R0 invalid mem access
		R0 invalid access
	END
	expect_status 1 "$CHECK" "$TMP/page.rst"
}

test_mask_ignore_and_only()
{
	made_up "   mask: [a-z]+ apples" "   ignore: ^noise" <<-'END'
		# printf 'noise 1\nthree apples\nnoise 2\n'
		seven apples
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	made_up "   only: false" <<-'END'
		# echo one
		two
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	expect_out '0 blocks as shown, 0 not, 1 skipped'
	made_up "   only: [ -x scripts/docs-check.sh ]" <<-'END'
		# echo one
		one
	END
	expect_status 0 env -C / "$CHECK" "$TMP/page.rst"
	expect_out '1 blocks as shown, 0 not, 0 skipped'
	made_up "   nonsense: 1" </dev/null
	expect_status 1 "$CHECK" "$TMP/page.rst"
	expect_err "there is no 'nonsense'"
}

test_blocks_of_an_exercise_run_when_asked_for()
{
	made_up "   exercise: swap" <<-'END'
		# echo one
		two
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	expect_out '^0 blocks as shown, 0 not, 0 skipped$'
	expect_status 0 "$CHECK" --list "$TMP/page.rst"
	expect_eq "blocks listed" "$OUT" ""
	expect_status 1 "$CHECK" --exercise swap "$TMP/page.rst"
	expect_out '^0 blocks as shown, 1 not, 0 skipped$'
	expect_status 0 "$CHECK" -e other "$TMP/page.rst"
	made_up <<-'END'
		# echo one
		two
	END
	expect_status 0 "$CHECK" --exercise swap "$TMP/page.rst"
	expect_status 2 "$CHECK" --exercise
	expect_err 'needs a name'
}

test_an_interrupted_command()
{
	cat >"$TMP/sample" <<-'END'
		#!/bin/bash
		trap 'echo "summary: $(wc -l <"$0.seen")"; exit' INT
		echo "ready: here"
		while [ ! -s "$0.seen" ]; do sleep 0.02; done
		echo "seen: $(<"$0.seen")"
		while :; do sleep 0.02; done
	END
	chmod +x "$TMP/sample"
	made_up "   meanwhile: echo it >$TMP/sample.seen" <<-END
		# $TMP/sample
		ready: here
		seen: it
		^C
		summary: 1
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
}

test_update_writes_what_was_printed()
{
	made_up <<-'END'
		# printf 'one\ntwo\n'
		one
		two

		# echo three
		...
	END
	cp "$TMP/page.rst" "$TMP/wanted"
	sed -i -e '/^    two$/d' -e 's/^    one$/    wrong/' "$TMP/page.rst"
	expect_status 0 "$CHECK" --update "$TMP/page.rst"
	expect_out '0 blocks as shown, 1 updated'
	expect_status 0 diff "$TMP/wanted" "$TMP/page.rst"
}

# pairs: print the network namespaces that a lab "pair" of the user has.
pairs()
{
	find /run/netns -name 'netbpf-pair-*' 2>/dev/null | sort
}

# Commands of a page see neither labs nor pins of others, and leave none.
test_it_runs_apart()
{
	local before

	before=$(pairs)
	made_up <<-'END'
		# scripts/lab.sh up >/dev/null; ls /run/netns; find /sys/fs/bpf -mindepth 1 -type d
		netbpf-pair-host
		netbpf-pair-pingbox
	END
	expect_status 0 "$CHECK" "$TMP/page.rst"
	expect_eq "names" "$(pairs)" "$before"
}

test_usage()
{
	expect_status 0 "$CHECK" --help
	expect_out '^Examples:'
	expect_status 2 "$CHECK" --nonsense
	expect_status 2 "$CHECK" /nonexistent.rst
	expect_status 0 "$CHECK" --list "$NETBPF_TOP/Documentation/ping.rst"
	expect_out '^Documentation/ping.rst:[0-9]+ # samples/ping'
}

run_tests test_the_right_output_passes test_a_wrong_output_is_noticed \
	test_missing_and_surplus_lines_are_noticed test_dots_stand_for_anything \
	test_what_changes_is_masked test_a_pid_is_no_port test_instructions_are_left_out \
	test_mask_ignore_and_only test_blocks_of_an_exercise_run_when_asked_for \
	test_an_interrupted_command \
	test_update_writes_what_was_printed test_it_runs_apart test_usage
