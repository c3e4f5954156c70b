#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The capabilities that scripts need besides being root: the second table of
# Documentation/privileges.rst.

# script_rows: print "COMMAND|CAPABILITY..." for each row of the table of scripts.
# shellcheck disable=SC2016 # ` and $ are of sed
script_rows()
{
	sed -nE '/^   \* - ``scripts\//{
		s/^   \* - ``(.*)``$/\1/
		N
		s/\n     - root, with ((CAP_[A-Z_]+(, )?)+)$/|\1/p
	}' "$PAGE" | sed 's/, / /g'
}

# bounded "CAPABILITY..." COMMAND...: run COMMAND as root with just these capabilities.
bounded()
{
	local caps=-all cap

	for cap in $1; do
		cap=${cap,,}
		caps+=",+${cap#cap_}"
	done
	setpriv --inh-caps=-all --bounding-set="$caps" -- "${@:2}"
}

# script_line COMMAND: set LINE to the command of a row, with values in place of NODE and
# COMMAND, for the lab LAB.
script_line()
{
	local word

	LINE=()
	for word in $1; do
		[ "$word" != NODE ] || word=host
		[ "$word" != COMMAND ] || word=true
		LINE+=("$word")
	done
	LINE[0]=$NETBPF_TOP/${LINE[0]}
	[[ $1 != *lab.sh* ]] || LINE=("${LINE[@]:0:2}" --name "$LAB" "${LINE[@]:2}")
}

# lacks_in_script CAPABILITY COMMAND...: COMMAND ends with status 3, and its message names just
# this capability.
lacks_in_script()
{
	expect_status 3 "${@:2}"
	expect_err "^[a-z-]+: failed: .*: $1 missing\$"
	expect_err "^  hint: .* docker run --cap-add=${1#CAP_}\$"
	expect_eq "stdout" "$OUT" ""
}

test_scripts()
{
	local command caps cap

	[ -r "$PAGE" ] || skip "no $PAGE"
	require_tools jq ping curl nginx
	[ "$(script_rows | wc -l)" -ge 4 ] || fail "rows: $(script_rows)"
	LAB=$(rand_name t-)
	defer "'$NETBPF_TOP/scripts/lab.sh' down '$LAB'"
	while IFS='|' read -r command caps <&3; do
		script_line "$command"
		for cap in $caps; do
			lacks_in_script "$cap" bounded "$(without "$cap" "$caps")" "${LINE[@]}"
		done
		diag "$command: $caps"
		# Run only lab.sh to its end: the other scripts take minutes, and have tests.
		[[ $command = *lab.sh* ]] || continue
		expect_status 0 bounded "$caps CAP_SYS_PTRACE" "${LINE[@]}"
	done 3< <(script_rows)
}

# The user may not see the processes of a lab that was made with more capabilities. The lab must
# still count as up.
test_lab_of_more_capabilities()
{
	local lab=$NETBPF_TOP/scripts/lab.sh few=CAP_SYS_ADMIN

	require_tools jq ping
	LAB=$(rand_name t-)
	defer "'$lab' down '$LAB'"
	expect_status 0 "$lab" up --name "$LAB"
	lacks_in_script CAP_SYS_PTRACE bounded "$few" "$lab" exec --name "$LAB" host true
	lacks_in_script CAP_SYS_PTRACE bounded "$few" "$lab" status "$LAB"
	expect_status 0 bounded "$few" "$lab" list
	expect_out "^$LAB +pair +up "
	# "down --all" with another NETBPF_RUN must not remove this lab as a leftover.
	expect_status 0 bounded "" env NETBPF_RUN="$TMP/run" "$lab" down --all
	[ -e "/run/netns/netbpf-$LAB-host" ] || fail "its name is gone"
	expect_status 0 bounded "" "$lab" down "$LAB"
	[ ! -e "/run/netns/netbpf-$LAB-host" ] || fail "a link is left"
}

# Hints name scripts that are not installed by their path in the tree.
test_scripts_as_a_plain_user()
{
	local script

	public_scripts
	for script in lab.sh tour.sh; do
		LINE=("$PUBLIC/scripts/$script")
		[ "$script" != lab.sh ] || LINE+=(up)
		expect_status 1 as_nobody "${LINE[@]}"
		expect_err "^${script%.sh}: failed: .* needs root\$"
		expect_err "^  hint: sudo $PUBLIC/scripts/$script"
	done
	expect_status 1 as_nobody "$PUBLIC/scripts/lab.sh" exec host "a b"
	expect_err "^  hint: sudo $PUBLIC/scripts/lab.sh exec host a\\\\ b\$"
	expect_status 2 as_nobody "$PUBLIC/scripts/lab.sh" fly
	expect_err "^  hint: $PUBLIC/scripts/lab.sh --help\$"
	expect_status 0 as_nobody "$PUBLIC/scripts/doctor.sh" --help
	expect_out "^  sudo $PUBLIC/scripts/doctor.sh -i eth0\$"
}
