#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/tour.sh: every demo has the effect that its text claims, a wrong effect is noticed, and
# nothing is left behind, even after Ctrl-C.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root
require_tools ip ping nsenter curl setpriv
[ -x "$NETBPF_OUT/samples/ping" ] || skip "the samples are not built"

TOUR=$NETBPF_TOP/scripts/tour.sh
export NO_INSTALL=1

# tours_up PID: print the namespaces and the state of the lab of this tour.
tours_up()
{
	find /run/netns /run/netbpf -mindepth 1 -maxdepth 1 -name "*tour-$1*" 2>/dev/null || :
}

demos()
{
	"$TOUR" --list | awk '{ print $1 }'
}

test_list_names_every_demo_file()
{
	expect_eq "demos" "$(demos | sort)" \
		"$(find "$NETBPF_TOP/scripts/tour" -name '*.sh' -exec basename {} .sh \; | sort)"
}

test_every_demo_is_as_told()
{
	expect_status 0 "$TOUR"
	expect_out '[0-9]+ effects checked, all as told'
	expect_no_match "$OUT_FILE" 'NOT AS TOLD'
	expect_match "$OUT_FILE" 'ok: 5 sent, 0 answered: dropped in XDP'
}

test_only_shows_one_demo()
{
	expect_status 0 "$TOUR" --only hello
	expect_out '== hello:'
	expect_no_match "$OUT_FILE" '== ping:'
	# Everything is built already, so the tour must not build.
	expect_no_match "$ERR_FILE" 'building'
}

test_no_colour_without_a_terminal()
{
	expect_status 0 "$TOUR" --only hello
	expect_no_match "$OUT_FILE" $'\033'
}

# The tour runs with a ping that drops nothing. It must report this and end with status 1.
test_a_wrong_effect_is_noticed()
{
	local out=$TMP/out

	mkdir -p "$out"
	cp -r "$NETBPF_OUT/samples" "$NETBPF_OUT/build" "$out/"
	mv "$out/samples/ping" "$out/samples/ping.real"
	printf '#!/bin/sh\nexec %s "$@" -a pass\n' "$out/samples/ping.real" >"$out/samples/ping"
	chmod 755 "$out/samples/ping"
	# A make that does nothing: the real one would restore the real ping.
	mkdir "$TMP/bin"
	printf '#!/bin/sh\n' >"$TMP/bin/make"
	chmod 755 "$TMP/bin/make"
	expect_status 1 env O="$out" PATH="$TMP/bin:$PATH" "$TOUR" --only ping
	expect_out 'NOT AS TOLD: 5 sent, 5 answered'
	expect_err 'hint: scripts/doctor.sh'
}

# demo_runs PID: true if the tour is in the middle of its first demo.
demo_runs()
{
	grep -q 'samples/hello' "$(sample_out "$1")" && [ -n "$(tours_up "$1")" ]
}

test_interrupt_leaves_nothing()
{
	local pid status=0

	start_bg pid "$TOUR"
	eventually 60 demo_runs "$pid"
	stop_sample "$pid" INT || status=$?
	expect_eq "status" "$status" 130
	expect_eq "left behind" "$(tours_up "$pid")" ""
}

# If a signal comes while bash 5.2 reads $(...), bash sometimes reports a syntax error in the trap
# and ends with status 2, or loses the signal. So the demos must not use $(...).
test_no_demo_reads_what_a_command_prints()
{
	expect_status 1 grep -nE '\$\([^(]|`' "$NETBPF_TOP"/scripts/tour/*.sh
}

# asks_the_dead FILE: true if the demo of xdp_lb has killed the control process and runs curl. At
# this moment no process owns the pins.
asks_the_dead()
{
	sed '1,/kill -9/d' "$1" | grep -q curl
}

test_interrupt_leaves_no_balancer()
{
	local pid status=0

	start_bg pid "$TOUR" --only xdp_lb
	eventually 60 asks_the_dead "$(sample_out "$pid")"
	stop_sample "$pid" INT || status=$?
	expect_eq "status" "$status" 130
	expect_eq "left behind" "$(tours_up "$pid")" ""
	[ ! -e "/sys/fs/bpf/xdp_lb/tour-$pid" ] || fail "it is still pinned"
}

test_usage()
{
	expect_status 0 "$TOUR" --help
	expect_out '^Examples:'
	expect_status 2 "$TOUR" --only nonsense
	expect_err 'no demo is named nonsense'
	expect_status 2 "$TOUR" --only
	expect_status 2 "$TOUR" nonsense
	expect_status 2 setsid -w "$TOUR" --step
	expect_err 'needs a terminal'
}

test_step_waits_for_enter()
{
	local pid

	require_tools script
	# At first no Enter comes, so the tour must wait and not start the sample yet.
	mkfifo "$TMP/keys"
	exec 7<>"$TMP/keys"
	# shellcheck disable=SC2016 # the variables are for the shell inside
	start_bg pid sh -c 'exec script -qec "$0 --only hello --step" /dev/null <"$1"' \
		"$TOUR" "$TMP/keys"
	eventually 60 grep -q 'Enter' "$(sample_out "$pid")"
	expect_no_match "$(sample_out "$pid")" 'samples/hello -i'
	printf '\n\n\n\n\n\n\n\n' >&7
	wait_sample "$pid" 60
	exec 7>&-
	expect_match "$(sample_out "$pid")" 'all as told'
}

test_needs_root()
{
	public_scripts
	expect_status 1 as_nobody "$PUBLIC/scripts/tour.sh"
	expect_err 'needs root'
}

run_tests test_list_names_every_demo_file test_every_demo_is_as_told test_only_shows_one_demo \
	test_no_colour_without_a_terminal test_a_wrong_effect_is_noticed \
	test_no_demo_reads_what_a_command_prints test_interrupt_leaves_nothing \
	test_interrupt_leaves_no_balancer test_usage \
	test_step_waits_for_enter test_needs_root
