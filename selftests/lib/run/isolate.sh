#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# isolate.sh COMMAND [ARG...]: run COMMAND so that it cannot meet another test. "unshare" has
# just made a network and a mount namespace for this script. In them there is a loopback
# device, but no named network namespace, no lab, and nothing below /sys except a new
# sysfs and the cgroups. If COMMAND leaves names behind, the script says so.
set -euo pipefail

# new_cgroups DIR: mount cgroups that count memory at DIR, for machines that have mounted
# none. Uses version 1 if the kernel offers the memory controller there, else version 2.
new_cgroups()
{
	mount -t tmpfs tmpfs "$1"
	mkdir "$1/memory" "$1/unified"
	if mount -t cgroup -o memory cgroup "$1/memory" 2>/dev/null; then
		mount -t cgroup2 cgroup2 "$1/unified"
	else
		umount "$1"
		mount -t cgroup2 cgroup2 "$1"
	fi
}

# new_sys: replace /sys. The inherited sysfs shows the devices of the old network namespace.
new_sys()
{
	local new

	new=$(mktemp -d)
	mount -t sysfs sysfs "$new"
	if mountpoint -q /sys/fs/cgroup; then
		mount --rbind /sys/fs/cgroup "$new/fs/cgroup"
	else
		new_cgroups "$new/fs/cgroup"
	fi
	# Unmount the old /sys instead of covering it with the new one: /proc/mounts would
	# still list the mounts below the old one.
	umount --lazy /sys
	mount --move "$new" /sys
	rmdir "$new"
}

# left_behind: print the names that COMMAND should have removed. The names that the kernel
# and "ip" make in a new bpffs do not count.
left_behind()
{
	{
		find /run/netns /run/netbpf -mindepth 1
		! mountpoint -q /sys/fs/bpf || find /sys/fs/bpf -mindepth 1 |
			grep -vxE '/sys/fs/bpf/(ip|xdp|tc|tc/globals|(maps|progs).debug)'
	} 2>/dev/null | tr '\n' ' '
}

ip link set lo up
# Cover all of /run, not only /run/netns: if another process removed that directory, our
# mount on it would go, too.
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/netbpf
new_sys

# run.sh ends a test by a signal to its whole process group. This shell has to survive the
# signal and wait for the end of COMMAND.
trap : TERM
status=0
"$@" || status=$?
left=$(left_behind) || :
[ -z "$left" ] || echo "Bail out! left behind: $left"
exit "$status"
