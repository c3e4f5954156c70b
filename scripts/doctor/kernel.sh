#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rows about file systems and settings of the kernel. doctor_probe tries everything else.

# mounts_of TYPE: print where file systems of TYPE are mounted.
mounts_of()
{
	local dir type

	while read -r _ dir type _; do
		[ "$type" != "$1" ] || printf '%b\n' "$dir"
	done </proc/self/mounts
}

# unmounted NAME TYPE DIR: print the row of a file system that is not mounted on DIR.
unmounted()
{
	if [ -x "$PROBE" ]; then
		probe -m "$1"
	else
		row "$1" warn "not mounted" "mount -t $2 $2 $3"
	fi
}

check_bpffs()
{
	local dirs

	dirs=$(mounts_of bpf | paste -sd ' ')
	if [[ " $dirs " == *' /sys/fs/bpf '* ]]; then
		row bpffs ok "mounted on $dirs"
	else
		unmounted bpffs bpf /sys/fs/bpf
	fi
}

check_tracefs()
{
	local dirs on

	dirs=$(mounts_of tracefs | paste -sd ' ')
	if [ -z "$dirs" ]; then
		unmounted tracefs tracefs /sys/kernel/tracing
		return
	fi
	row tracefs ok "mounted on $dirs"
	if ! { read -r on <"${dirs%% *}/tracing_on"; } 2>/dev/null; then
		row tracing_on warn "cannot be read" "sudo $NETBPF_LINE"
	elif [ "$on" = 1 ]; then
		row tracing_on ok on
	else
		row tracing_on warn "off: the global trace shows nothing (hello reads its own instance)" \
			"echo 1 >${dirs%% *}/tracing_on"
	fi
}

check_unprivileged()
{
	local value text

	if ! { read -r value </proc/sys/kernel/unprivileged_bpf_disabled; } 2>/dev/null; then
		row unprivileged_bpf ok "no such setting in this kernel"
		return
	fi
	case $value in
	0) text="0: users without CAP_BPF may load socket filters" ;;
	1) text="1: only with CAP_BPF, until the next boot" ;;
	*) text="$value: only with CAP_BPF" ;;
	esac
	row unprivileged_bpf ok "$text"
}

# check_probe: say why the rows of doctor_probe are missing. If the build needs packages, the
# cure calls setup.sh first.
check_probe()
{
	local cure="make -C $NETBPF_TOP"

	[ ! -x "$PROBE" ] || return 0
	! build_lacks || cure="$SETUP && $cure"
	row probes warn "kernel probes skipped: not built ($PROBE)" "$cure"
}

check_kernel()
{
	group kernel
	check_bpffs
	check_tracefs
	check_unprivileged
	check_probe
	probe
}
