#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enter.sh ROOT [COMMAND...]: the first process in the new mount and pid namespaces that
# run.sh makes. It makes ROOT its root directory with pivot_root, as a container does, so
# that / is a mount point and none of the host's mounts is left. It ends with exec inside.sh.
set -euo pipefail

inside=$(<"$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/inside.sh")
root=$1
shift

# device NAME MAJOR MINOR: make a device node in dev/.
device()
{
	mknod -m 666 "dev/$1" c "$2" "$3"
}

# device_of_host NAME: make this device node if the host has it.
device_of_host()
{
	local numbers

	[ -c "/dev/$1" ] || return 0
	mkdir -p "$(dirname "dev/$1")"
	read -ra numbers < <(stat -c '0x%t 0x%T' "/dev/$1")
	device "$1" "${numbers[@]}"
}

# bpffs, tracefs and cgroup2 are not mounted: a new mount of sysfs has none of them on it.
mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o nosuid,mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm dev/shm
device null 1 3
device zero 1 5
device full 1 7
device random 1 8
device urandom 1 9
device tty 5 0
device_of_host net/tun
device_of_host kvm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

# ROOT may have no umount: use the umount of the host, before the host's root is gone.
pivot_root . mnt
chroot mnt umount --lazy --internal-only --no-canonicalize --no-mtab /

exec bash -c "$inside" inside "$@"
