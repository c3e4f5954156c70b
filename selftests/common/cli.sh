#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The command line, which is the same for every sample: help, bad arguments (status 2), things
# missing at run time (status 1 or 3), and the ways to end. privs.sh tests what happens
# without privileges. The tests read the options of a sample from its help, so that a new
# sample is tested as soon as it is in the Makefile.
#
# shellcheck disable=SC2016 # ` in single quotes is of sed

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/common/cli/usage.sh
. "$NBT_DIR/common/cli/usage.sh"
# shellcheck source=selftests/common/cli/running.sh
. "$NBT_DIR/common/cli/running.sh"
# shellcheck source=selftests/common/cli/called.sh
. "$NBT_DIR/common/cli/called.sh"

need_root
require_tools ip jq setpriv mkfifo sed

# Samples that print no summary, because they count nothing.
SILENT="pass"
# Samples with commands. Scripts of their own test what they do when they run.
COMMANDED="xdp_lb"

# setup: copy the samples to $BIN, where a user without privileges can run them, wherever the
# tree is. In the network namespace NS the tests attach programs.
setup()
{
	local name

	ALL=$(sample_names | xargs)
	[ -n "$ALL" ] || fail "no SAMPLES in samples/Makefile"
	SAMPLES=
	BIN=$TMP/bin
	mkdir "$BIN"
	for name in $ALL; do
		[[ " $COMMANDED " == *" $name "* ]] || SAMPLES+=" $name"
		cp "$(sample "$name")" "$BIN/"
	done
	chmod 755 "$TMP" "$BIN" "$BIN"/*
	ns_add NS
}

# options SAMPLE: print the long names of its options.
options()
{
	"$BIN/$1" --help | sed -nE 's/^  (-.,|   ) --([a-z0-9-]+).*/\2/p'
}

# options_with SAMPLE ARGUMENT: print the options that take this kind of argument; N is a
# number.
options_with()
{
	"$BIN/$1" --help | sed -nE "s/^  (-.,|   ) --([a-z0-9-]+) $2( .*)?\$/\\2/p"
}

# takes SAMPLE OPTION: true if the sample has this option.
takes()
{
	options "$1" | grep -qx -e "$2"
}

# base SAMPLE: set BASE to a valid command line, which runs the sample in NS for a moment. HERE
# is the same without -n NS.
base()
{
	HERE=("$BIN/$1" -d 0.05)
	! takes "$1" interface || HERE+=(-i lo)
	[[ " $COMMANDED " != *" $1 "* ]] || HERE+=(run)
	BASE=("${HERE[@]}" -n "$NS")
}

# refuses STATUS COMMAND...: COMMAND ends with STATUS, and prints a message of the sample and a
# hint to stderr, and nothing to stdout. COMMAND is a sample, perhaps behind setpriv.
refuses()
{
	local name

	for name in "${@:2}"; do
		[[ $name != "$BIN"/* ]] || break
	done
	expect_status "$@"
	expect_eq "stdout of ${*:2}" "$OUT" ""
	expect_err "^${name##*/}: ."
	expect_err '^  hint: .'
}

# run COMMAND...: like expect_status, but accepts any exit status.
run()
{
	STATUS=0
	"$@" >"$OUT_FILE" 2>"$ERR_FILE" || STATUS=$?
	OUT=$(<"$OUT_FILE") ERR=$(<"$ERR_FILE")
}

# In front of a command, runs it as a user without privileges.
NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --)

# detached: no XDP program is on lo.
detached()
{
	xdp_is "$NS" lo none
}

# bad_values SAMPLE OPTION VALUE...: the sample refuses each VALUE; the message names the
# option and the value.
bad_values()
{
	local name=$1 opt=$2 value

	shift 2
	base "$name"
	for value; do
		refuses 2 "${BASE[@]}" "--$opt" "$value"
		expect_err "^$name: .*--$opt"
		[[ $ERR == *"$value"* ]] ||
			fail "$name --$opt: does not repeat '$value': $ERR"
	done
}

# ---------------------------------------------------------------------------

test_help()
{
	local name opt

	for name in $ALL; do
		for opt in -h --help; do
			expect_status 0 "${NOBODY[@]}" "$BIN/$name" "$opt"
			expect_eq "stderr of $name $opt" "$ERR" ""
			expect_out "^Usage: $BIN/$name "
			expect_out '^Examples:'
			expect_out "^  $BIN/$name "
			expect_out '^Exit status:'
		done
		# --help also works beside other options, and overrides them.
		expect_status 0 "$BIN/$name" -v -d 1 --help
	done
}

# The help of every sample has the options that all samples share, has no option twice, and
# has lines of the right form.
test_help_names_every_option()
{
	local name opt line

	for name in $ALL; do
		for opt in netns duration json verbose quiet version help; do
			takes "$name" "$opt" || fail "help of $name has no --$opt"
		done
		[ "$(options "$name" | sort | uniq -d)" = "" ] ||
			fail "an option of $name is there twice"
		while IFS= read -r line; do
			# The text of a long option may start in the next line.
			[[ $line =~ ^\ \ (-.,|\ \ \ )\ --([a-z0-9-]+)(\ [A-Z]+)?(\ \ +[a-zA-Z].*)?$ ]] ||
				fail "odd line in the help of $name: '$line'"
		done < <("$BIN/$name" --help | sed -n '/^Options:/,/^$/{/^  .*--/p}')
	done
}

# The help has every option that the program accepts. The test reads the options from the
# table in samples/lib/opts.c.
test_help_is_complete()
{
	local name opt short file=$NETBPF_TOP/samples/lib/opts.c

	[ -r "$file" ] || skip "no source of the samples"
	for name in $ALL; do
		base "$name"
		while read -r short opt; do
			takes "$name" "$opt" && continue
			# This option is not in the help, so the program must not know it.
			refuses 2 "${BASE[@]}" "--$opt"
			expect_err "unknown option"
			# The sample may use the letter for an option of its own.
			[ "$short" = 0 ] || "$BIN/$name" --help | grep -q "^  -$short, " ||
				refuses 2 "${BASE[@]}" "-$short"
		done < <(sed -nE "s/.*\{ '?(.)'?, \"([a-z0-9-]+)\",.*/\1 \2/p" "$file")
	done
}

# The table in the documentation page of the sample has the same options as its help, in the
# form "-c, --count N".
test_documentation_has_the_options()
{
	local name page

	for name in $ALL; do
		page=$NETBPF_TOP/Documentation/$name.rst
		[ -d "${page%/*}" ] || skip "no Documentation"
		[ -r "$page" ] || fail "no $page"
		"$BIN/$name" --help | sed -nE 's/^  (-.,|   ) (--[a-z0-9-]+( [A-Z]+)?).*/\1 \2/p' |
			sed -E 's/^ +//' | sort >"$TMP/help"
		sed -nE 's/^   \* - ``((-., )?--[a-z0-9-]+( [A-Z]+)?)``$/\1/p' "$page" |
			sort >"$TMP/page"
		diff "$TMP/help" "$TMP/page" || fail "--help (<) and $page (>) differ"
	done
}

test_help_that_is_lost()
{
	local name opt

	for name in $ALL; do
		for opt in --help --version; do
			STATUS=0
			"$BIN/$name" "$opt" >/dev/full 2>"$ERR_FILE" || STATUS=$?
			expect_eq "status of $name $opt >/dev/full" "$STATUS" 1
			expect_err "^$name: failed to write lines to stdout: No space left on device\$"
		done
	done
}

test_version()
{
	local name opt

	for name in $ALL; do
		for opt in -V --version; do
			expect_status 0 "${NOBODY[@]}" "$BIN/$name" "$opt"
			expect_out "^$name: netbpf [0-9.]+.*libbpf v?[0-9.]+"
			expect_eq "stderr of $name $opt" "$ERR" ""
		done
	done
}

# ---------------------------------------------------------------------------
# Status 1 and 3: errors at run time

test_unknown_interface()
{
	local name

	for name in $SAMPLES; do
		takes "$name" interface || continue
		refuses 1 "$BIN/$name" -n "$NS" -d 0.05 -i nosuch0
		expect_err "^$name: failed to .*nosuch0"
		refuses 1 "$BIN/$name" -n "$NS" -d 0.05 -i 4711
		refuses 1 "$BIN/$name" -n "$NS" -d 0.05 -i 4294967297	# not 1
		# All or none: the sample must not stay attached to lo, which came first.
		expect_status 1 "$BIN/$name" -n "$NS" -d 0.05 -i lo -i nosuch0
		expect_eq "stdout of $name" "$OUT" ""
		detached
	done
}

test_unknown_netns()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		refuses 1 "${HERE[@]}" -n "$(rand_name nbt-)"
		expect_err "^$name: failed to enter the network namespace /run/netns/nbt-"
		refuses 1 "${HERE[@]}" -n /nonexistent/netns
		refuses 1 "${HERE[@]}" -n /etc/passwd
	done
}

test_netns_by_path()
{
	local name

	for name in $SAMPLES; do
		base "$name"
		expect_status 0 "${BASE[@]}" -n "/run/netns/$NS"
		expect_out '^ready:'
	done
}

run_tests test_help test_help_names_every_option test_help_is_complete \
	test_documentation_has_the_options test_help_that_is_lost test_version \
	test_unknown_option test_unknown_option_in_a_cluster test_missing_argument \
	test_stray_argument test_bad_numbers test_bad_seconds test_bad_words \
	test_bad_prefixes test_good_numbers test_verbose_with_quiet test_no_interface \
	test_bad_interface_name test_same_interface_twice \
	test_same_interface_by_name_and_number test_too_many_interfaces \
	test_unknown_interface test_unknown_netns test_netns_by_path \
	test_interface_by_number test_interface_by_alternative_name test_long_options_and_clusters test_ready_in_json \
	test_errors_in_json_mode test_duration test_verbose_and_quiet test_sigint \
	test_sigterm test_sighup test_stdout_closed_by_reader test_stdout_not_open \
	test_stdout_full test_stdout_limited test_stdout_full_is_told_at_once test_kill_9 test_called_by_path test_called_as_installed \
	test_hints_can_be_pasted
