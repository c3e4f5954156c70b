#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Processes, by what /proc tells: no tool is needed that a machine may lack, and of
# which the absence would look as if there were no such process.

# pid_gone PID: no such process, or a zombie that init has not reaped yet.
pid_gone()
{
	local line

	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${line##*) } = [ZX]* ]]
}

# child_named PID NAME: the children of that process with this name, a pid a line.
child_named()
{
	local child name

	for child in $(<"/proc/$1/task/$1/children"); do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null || continue
		[ "$name" != "$2" ] || echo "$child"
	done
}

# no_process REGEX: no command line, words joined by spaces, matches; fails with the
# processes that have one.
no_process()
{
	local file words found=()

	for file in /proc/[0-9]*/cmdline; do
		# It may have ended meanwhile.
		{ mapfile -d '' words <"$file"; } 2>/dev/null || continue
		[[ ! ${words[*]} =~ $1 ]] || found+=("${file//[^0-9]/} ${words[*]}")
	done
	[ ${#found[@]} -eq 0 ] || fail "processes left: ${found[*]}"
}

# time_namespace SECONDS: where CLOCK_MONOTONIC is so much ahead; "${IN_TIME[@]}" in front
# of a command has it run there.
# shellcheck disable=SC2034 # for the caller
time_namespace()
{
	local holder missing

	[ -e /proc/self/timens_offsets ] || skip "this kernel has no time namespaces"
	missing=$(missing_caps SYS_TIME)
	[ -z "$missing" ] || skip "needs root with $(caps_text "$missing")"
	start_sample holder 10 unshare --time --monotonic "$1" \
		sh -c 'echo ready: && exec sleep 1000'
	# That of its children: itself it is there since Linux 6.3.
	IN_TIME=(nsenter "--time=/proc/$holder/ns/time_for_children" --)
}
