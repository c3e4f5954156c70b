#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/doctor.sh: it tells the truth about this machine, and about machines that the tests
# break: they take tools from PATH, drop capabilities, and mount over files. It changes nothing.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/scripts/doctor/interface.sh
. "$NBT_DIR/scripts/doctor/interface.sh"
# shellcheck source=selftests/scripts/doctor/broken.sh
. "$NBT_DIR/scripts/doctor/broken.sh"
# shellcheck source=selftests/scripts/doctor/truth.sh
. "$NBT_DIR/scripts/doctor/truth.sh"
need_root
require_tools ip jq nsenter script setpriv unshare

DOCTOR=$NETBPF_TOP/scripts/doctor.sh
PROBE=$NETBPF_OUT/build/doctor_probe
TRACEFS=/sys/kernel/tracing

# as_json STATUS COMMAND...: run COMMAND with --json as its last argument, and expect this exit
# status. The functions below then read its rows.
as_json()
{
	local status=$1

	shift
	expect_status "$status" "$@" --json
	jq -e . "$OUT_FILE" >"$TMP/rows" || fail "not JSON"
}

# field NAME KEY: print the value of KEY in the row NAME. Fails if there is no such row.
field()
{
	jq -er --arg name "$1" --arg key "$2" \
		'[.checks[] | select(.name == $name)][0][$key] // error("no row " + $name)' "$TMP/rows"
}

# cure_is NAME REGEX: the cure of the row NAME matches REGEX.
cure_is()
{
	local cure

	cure=$(field "$1" cure)
	[[ $cure =~ $2 ]] || fail "row $1: the cure '$cure' does not match '$2'"
}

# row_is NAME STATUS [REGEX]: the row NAME has this status, and its text matches REGEX.
row_is()
{
	local status text

	status=$(field "$1" status)
	text=$(field "$1" text)
	expect_eq "row $1 ($text)" "$status" "$2"
	[[ $text =~ ${3:-} ]] || fail "row $1: '$text' does not match '$3'"
}

# private CODE [ARG...]: run shell code in a mount namespace with an empty /run, and with bpffs
# and tracefs mounted. $1 in the code is the doctor, $2 the first ARG.
private()
{
	unshared -m "$@"
}

# await_ready FILE: wait until a sample has written its "ready" line to FILE. Exported for the
# shells of private_net.
await_ready()
{
	local _

	for _ in {1..200}; do
		! grep -q ^ready "$1" || return 0
		sleep 0.1
	done
	return 1
}
export -f await_ready

# private_net CODE [ARG...]: like private, but also in a network namespace of its own.
private_net()
{
	unshared -mn "$@"
}

# unshared OPTION CODE [ARG...]: like private, with OPTION for unshare(1).
unshared()
{
	# shellcheck disable=SC2016
	unshare "$1" bash -euc '
		mount --make-rprivate /
		mount -t tmpfs none /run
		mkdir -p /run/netns /run/netbpf
		mount -t bpf none /sys/fs/bpf
		mountpoint -q /sys/kernel/tracing ||
			mount -t tracefs none /sys/kernel/tracing
		'"$2" - "$DOCTOR" "${@:3}"
}

# path_without NAME...: make a directory with all commands except these, and print its path.
path_without()
{
	local dir=$TMP/path name

	rm -rf "$dir"
	mkdir "$dir"
	for name in /bin /sbin /usr/bin /usr/sbin /usr/local/bin; do
		ln -sf "$name"/* "$dir/" 2>/dev/null || :
	done
	for name; do
		rm -f "$dir/$name"
	done
	echo "$dir"
}

setup()
{
	[ -x "$PROBE" ] || fail "$PROBE is not built (make)"
}

# ---------------------------------------------------------------------------

# A row is documented under its name, or in a list: "attach kprobe, fentry".
test_every_row_is_in_the_documentation()
{
	local page=$NETBPF_TOP/Documentation/doctor.rst name

	[ -r "$page" ] || skip "no Documentation beside these tests"
	as_json 0 "$DOCTOR" -i lo
	while read -r name; do
		grep -Eq "^   \* - (.*[ ,])?${name##* }(,.*)?\$" "$page" ||
			fail "row '$name' is not in $page"
	done < <(jq -r '.checks[].name' "$TMP/rows")
}

test_this_machine_passes()
{
	local group

	expect_status 0 "$DOCTOR"
	for group in machine kernel build lab leftovers; do
		expect_out "^$group\$"
	done
	expect_out '^[0-9]+ ok, [0-9]+ warn, 0 fail$'
	[ ! -s "$ERR_FILE" ] || fail "says on stderr: $ERR"
}

test_json_is_whole_and_adds_up()
{
	as_json 0 "$DOCTOR"
	jq -e '(keys == ["checks", "fail", "ok", "warn"]) and
		. as $all | all("ok", "warn", "fail"; . as $status |
			$all[$status] == ([$all.checks[] | select(.status == $status)] | length)) and
		.ok + .warn + .fail == (.checks | length)' "$TMP/rows" >/dev/null ||
		fail "the counts do not add up"
	jq -e 'all(.checks[]; keys == ["cure", "group", "name", "status", "text"] and
		.text != "" and .name != "" and (.status == "ok" or .cure != ""))' \
		"$TMP/rows" >/dev/null || fail "a row lacks something"
}

test_text_and_JSON_say_the_same()
{
	local sums

	as_json 0 "$DOCTOR"
	sums=$(jq -r '"\(.ok) ok, \(.warn) warn, \(.fail) fail"' "$TMP/rows")
	expect_status 0 "$DOCTOR"
	expect_eq "last line" "$(tail -n 1 "$OUT_FILE")" "$sums"
	expect_eq "rows" "$(grep -cE '^  (ok|warn|fail) ' "$OUT_FILE")" \
		"$(jq '.checks | length' "$TMP/rows")"
}

test_json_without_jq()
{
	PATH=$(path_without jq) "$DOCTOR" --json >"$TMP/out" || fail "status $?"
	jq -e '.checks[] | select(.name == "jq") | .status == "warn"' "$TMP/out" >/dev/null
}

test_colour_only_on_a_terminal()
{
	local esc=$'\033'

	expect_status 0 "$DOCTOR"
	expect_no_match "$OUT_FILE" "$esc"
	env -u NO_COLOR TERM=xterm script -qec "$DOCTOR" /dev/null >"$TMP/tty" </dev/null
	expect_match "$TMP/tty" "$esc\[32mok"
	env NO_COLOR=1 TERM=xterm script -qec "$DOCTOR" /dev/null >"$TMP/plain" </dev/null
	expect_no_match "$TMP/plain" "$esc"
}

test_command_line()
{
	expect_status 2 "$DOCTOR" --no-such-option
	expect_err 'unknown argument: --no-such-option'
	expect_status 2 "$DOCTOR" -i
	expect_status 2 "$DOCTOR" eth0
	public_scripts
	expect_status 0 as_nobody "$PUBLIC/scripts/doctor.sh" --help
	expect_out '^Examples:'
	expect_status 1 "$DOCTOR" -n "$(rand_name nbt-)"
	expect_err 'no network namespace'
}

run_tests test_this_machine_passes test_json_is_whole_and_adds_up \
	test_text_and_JSON_say_the_same test_json_without_jq test_colour_only_on_a_terminal \
	test_command_line test_an_interface_that_is_not_there test_a_veth_in_a_namespace \
	test_an_alternative_name \
	test_state_of_an_interface test_the_limit_of_the_MTU_is_the_limit_of_the_kernel \
	test_the_program_and_its_owner test_the_interface_of_the_ssh_session test_without_clang \
	test_without_the_tools_of_the_lab test_without_a_kernel_tree test_without_the_probe \
	test_without_the_probe_and_set_up \
	test_without_a_capability test_without_privileges test_in_a_user_namespace test_mounts \
	test_mounts_that_cannot_be test_nothing_is_left_and_that_is_said \
	test_leftovers_of_labs test_leftovers_of_programs test_instances_of_xdp_lb \
	test_instances_that_cannot_be_seen test_filters_that_outlive_their_process \
	test_odd_bytes_in_names test_the_kprobe_row_is_true test_the_rows_of_attaching_are_true \
	test_the_rows_of_files_are_true test_its_line_is_in_no_trace_of_others \
	test_nothing_is_left_behind \
	test_every_row_is_in_the_documentation
