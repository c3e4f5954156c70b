#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rows about what labs and samples have left behind.

readonly RUN=${NETBPF_RUN:-/run/netbpf}

# left NAME LEFT UP CURE: print a row. LEFT lists what is left behind, UP what is in use.
left()
{
	if [ -n "$2" ]; then
		row "$1" warn "$2" "$4"
	else
		row "$1" ok "${3:-none}"
	fi
}

# The names of a lab's namespaces in /run/netns are symlinks to the namespace of a process.
# If the process is gone, the symlink leads nowhere, and is left behind.
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

	# All mounts of tracefs show the same instances: look at the first one.
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

# The control program of an instance holds a lock on the instance's directory "run": flock
# then fails with status 1. An instance without a control program still forwards packets.
check_xdp_lb()
{
	local root=/sys/fs/bpf/xdp_lb dir name dead='' up='' cure=''

	if [ -d "$root" ] && [ ! -r "$root" ]; then
		row xdp_lb ok "cannot be seen: $root is closed to this user"
		return
	fi
	for dir in "$root"/*/; do
		[ -d "$dir" ] || continue
		name=$(basename "$dir")
		flock --nonblock --shared "$dir/run" true 2>/dev/null
		if [ $? -eq 1 ]; then
			up+=" $name"
		else
			dead+=" $name"
			cure+="${cure:+; }$(sample_called xdp_lb) stop --name $name"
		fi
	done
	left xdp_lb "${dead:+without a control program:$dead}" "${up:+running:$up}" "$cure"
}

# our_filters: print "DEVICE DIRECTION PREF HANDLE PROGRAM ID" for each filter of ours in a
# clsact qdisc of this network namespace.
our_filters()
{
	local dev direction

	tc qdisc show | sed -n 's/^qdisc clsact .* dev \([^ ]*\) .*/\1/p' | while read -r dev; do
		for direction in ingress egress; do
			tc filter show dev "$dev" "$direction" |
				awk -v at="$dev $direction" "$OUR_FILTER"
		done
	done
}

# libbpf names a filter "PROGRAM:[ID]".
# shellcheck disable=SC2016 # $ is of awk
readonly OUR_FILTER='/^filter .* bpf / {
	name = ""
	for (i = 1; i < NF; i++) {
		if ($i == "pref")
			pref = $(i + 1)
		if ($i == "handle") {
			handle = $(i + 1)
			name = $(i + 2)
		}
	}
	if (name !~ /^(netbpf_tc|net_tc|tc_lb):\[[0-9]+\]$/)
		next
	id = name
	gsub(/^.*\[|\]$/, "", id)
	sub(/:.*/, "", name)
	print at, pref, handle, name, id
}'

# is_held ID: true if a process holds the program with this id.
is_held()
{
	grep -qrs "^prog_id:[[:space:]]*$1\$" /proc/[0-9]*/fdinfo
}

# TC programs that are attached as filters stay after kill -9. Samples attach filters with
# "--attach clsact", and on kernels before Linux 6.6. If xdp_lb has pinned an instance, filters
# of xdp_lb are in use and not left behind.
check_filters()
{
	local dev direction pref handle program id dead='' up='' cure=''

	if ! have tc; then
		row filters warn "unknown: no tc" "$SETUP"
		return
	fi
	while read -r dev direction pref handle program id; do
		if is_held "$id" || { [ "$program" = tc_lb ] && [ -e /sys/fs/bpf/xdp_lb ]; }; then
			up+=" $dev $direction ($program)"
		else
			dead+=" $dev $direction ($program, id $id)"
			cure+="${cure:+; }tc filter del dev $dev $direction pref $pref handle $handle bpf"
		fi
	done < <(our_filters 2>/dev/null)
	if [ -n "$dead" ] && ! has_cap SYS_PTRACE; then
		row filters warn "whose these are cannot be seen:$dead" "sudo $NETBPF_LINE"
		return
	fi
	left filters "${dead:+of processes that are gone:$dead}" "${up:+in use:$up}" "$cure"
}

check_leftovers()
{
	group leftovers
	check_netns
	check_labs
	check_instances
	check_pins
	check_xdp_lb
	check_filters
}
