#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enter.sh ROOT [COMMAND...]: the first process of new mount and pid namespaces (run.sh)
# makes ROOT its root, as a container does: by pivot_root, so that / is a mount point and
# nothing of the host's mounts is left. Then inside.sh goes on.
set -euo pipefail

inside=$(<"$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/inside.sh")
root=$1
shift

# device NAME MAJOR MINOR
device()
{
	mknod -m 666 "dev/$1" c "$2" "$3"
}

# device_of_host NAME: if this machine has it.
device_of_host()
{
	local numbers

	[ -c "/dev/$1" ] || return 0
	mkdir -p "$(dirname "dev/$1")"
	read -ra numbers < <(stat -c '0x%t 0x%T' "/dev/$1")
	device "$1" "${numbers[@]}"
}

# No bpffs, tracefs or cgroup2: a sysfs that was just mounted has nothing on it.
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

# The root may have no umount: take the one that is outside, before it is gone.
pivot_root . mnt
chroot mnt umount --lazy --internal-only --no-canonicalize --no-mtab /

exec bash -c "$inside" inside "$@"
