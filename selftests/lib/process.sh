#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Questions about processes, answered from /proc. With a tool such as pgrep, a missing
# tool would look like a missing process.

# pid_gone PID: true if there is no such process, or only a zombie that nobody reaped yet.
pid_gone()
{
	local line

	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${line##*) } = [ZX]* ]]
}

# child_named PID NAME: print the pids of the children of PID that are called NAME.
child_named()
{
	local child name

	for child in $(<"/proc/$1/task/$1/children"); do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null || continue
		[ "$name" != "$2" ] || echo "$child"
	done
}

# no_process REGEX: fail if the command line of any process, its words joined by spaces,
# matches REGEX. The message lists these processes.
no_process()
{
	local file words found=()

	for file in /proc/[0-9]*/cmdline; do
		# The process may have ended meanwhile.
		{ mapfile -d '' words <"$file"; } 2>/dev/null || continue
		[[ ! ${words[*]} =~ $1 ]] || found+=("${file//[^0-9]/} ${words[*]}")
	done
	[ ${#found[@]} -eq 0 ] || fail "processes left: ${found[*]}"
}

# time_namespace SECONDS: make a time namespace whose CLOCK_MONOTONIC is SECONDS ahead.
# Put "${IN_TIME[@]}" in front of a command to run the command there.
# shellcheck disable=SC2034 # for the caller
time_namespace()
{
	local holder missing

	[ -e /proc/self/timens_offsets ] || skip "this kernel has no time namespaces"
	missing=$(missing_caps SYS_TIME)
	[ -z "$missing" ] || skip "needs root with $(caps_text "$missing")"
	start_sample holder 10 unshare --time --monotonic "$1" \
		sh -c 'echo ready: && exec sleep 1000'
	# unshare() moves only the children to the new namespace. Since Linux 6.3 an exec
	# moves the process itself, too; on older kernels only time_for_children is right.
	IN_TIME=(nsenter "--time=/proc/$holder/ns/time_for_children" --)
}
