#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What labs and samples have left behind.

readonly RUN=${NETBPF_RUN:-/run/netbpf}

# left NAME LEFT UP CURE: the row on what is left, or on what is in use.
left()
{
	if [ -n "$2" ]; then
		row "$1" warn "$2" "$4"
	else
		row "$1" ok "${3:-none}"
	fi
}

# Names in /run/netns are symlinks to the namespace of a process that keeps it.
# A lab whose names all lead somewhere is up; the others are left.
check_netns()
{
	local link dead='' up=''

	for link in "$NETNS"/netbpf-*; do
		if [ -e "$link" ]; then
			up+=" ${link##*/}"
		elif [ -L "$link" ]; then
			dead+=" ${link##*/}"
		fi
	done
	left namespaces "${dead:+left in $NETNS:$dead}" "${up:+of labs that are up:$up}" \
		"$(script_called lab) down --all"
}

check_labs()
{
	local dir name link alive dead='' up=''

	for dir in "$RUN"/*/; do
		[ -d "$dir" ] || continue
		name=$(basename "$dir")
		alive=
		for link in "$NETNS/netbpf-$name-"*; do
			[ ! -e "$link" ] || alive=1
		done
		if [ -n "$alive" ]; then
			up+=" $name"
		else
			dead+=" $name"
		fi
	done
	left labs "${dead:+left in $RUN:$dead}" "${up:+up:$up}" \
		"$(script_called lab) down --all"
}

# The name of a trace instance ends with the pid of its owner.
check_instances()
{
	local mount dir names='' quoted=''

	# Each mount shows the same instances.
	mount=$(mounts_of tracefs | head -n 1)
	for dir in "$mount"/instances/netbpf-*; do
		[ -d "$dir" ] || continue
		[[ $dir =~ ([0-9]+)$ ]] && [ -d "/proc/${BASH_REMATCH[1]}" ] && continue
		names+=" ${dir##*/}"
		quoted+=$(printf ' %q' "$dir")
	done
	left "trace instances" "${names:+of processes that are gone:$names}" '' "rmdir$quoted"
}

check_pins()
{
	local dirs quoted='' pins=()

	readarray -t dirs < <(mounts_of bpf)
	if [ ${#dirs[@]} -gt 0 ]; then
		readarray -d '' pins < <(find "${dirs[@]}" -mindepth 1 -maxdepth 3 \
			-name 'netbpf*' -prune -print0 2>/dev/null)
		[ ${#pins[@]} -eq 0 ] || printf -v quoted ' %q' "${pins[@]}"
	fi
	left pins "${pins[*]:+kept in bpffs: ${pins[*]}}" '' "rm -r$quoted"
}

check_leftovers()
{
	group leftovers
	check_netns
	check_labs
	check_instances
	check_pins
}
