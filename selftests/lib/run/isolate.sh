#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# isolate.sh COMMAND [ARG...]: run COMMAND, in the network and mount namespaces that
# "unshare" has just made for it, so that it meets no other test: there is a loopback
# device, and no name of a namespace, no lab, nothing mounted below /sys but what
# counts memory. What COMMAND leaves behind there is told.
set -euo pipefail

# new_cgroups DIR: where nothing is mounted that counts memory: of version 1 if this
# kernel has the controller there, else of version 2.
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

# The /sys that is here shows the devices of the network that we came from.
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
	# Not only covered: who reads /proc/mounts would believe in what is below it.
	umount --lazy /sys
	mount --move "$new" /sys
	rmdir "$new"
}

# left_behind: what COMMAND should have removed. The kernel and "ip" make some names
# of their own when they mount bpffs.
left_behind()
{
	{
		find /run/netns /run/netbpf -mindepth 1
		! mountpoint -q /sys/fs/bpf || find /sys/fs/bpf -mindepth 1 |
			grep -vxE '/sys/fs/bpf/(ip|xdp|tc|tc/globals|(maps|progs).debug)'
	} 2>/dev/null | tr '\n' ' '
}

ip link set lo up
# All of it: a directory in it that others remove would take our mount with it.
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/netbpf
new_sys

# The signal that ends a test goes to each process of it: this one has to see its end.
trap : TERM
status=0
"$@" || status=$?
left=$(left_behind) || :
[ -z "$left" ] || echo "Bail out! left behind: $left"
exit "$status"
