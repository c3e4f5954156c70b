#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# /init of a guest of vmtest.sh, run by busybox: puts a writable overlay over
# the root of the host, or over a root that the host keeps for it, runs the command in it, and hands back its output and
# its status. vmtest= on the kernel command line names the host's directory with
# the files of this run.

bb=/bin/busybox
mount() { $bb mount "$@"; }
mkdir() { $bb mkdir "$@"; }

# say TEXT: print TEXT on the console, where vmtest.sh looks for "ready".
say()
{
	echo "<3>vmtest: $*" >/dev/kmsg
}

# end [TEXT]: end the guest; TEXT is what went wrong.
end()
{
	[ $# -eq 0 ] || say "failed: $*"
	$bb sync
	$bb poweroff -f
	$bb sleep 1000
}

# run_dir: print the directory of this run on the host.
run_dir()
{
	local word cmdline

	read -r cmdline </proc/cmdline
	for word in $cmdline; do
		case $word in
		vmtest=*) echo "${word#vmtest=}" ;;
		esac
	done
}

load_modules()
{
	local name

	while read -r name; do
		$bb insmod "/modules/$name" || end "cannot load $name"
	done </modules/order
}

# overlay LOWER TARGET: mount LOWER at TARGET, so that it can be written to.
layers=0
overlay()
{
	layers=$((layers + 1))
	mkdir -p "/rw/up$layers" "/rw/work$layers" "$2"
	mount -t overlay -o "lowerdir=$1,upperdir=/rw/up$layers,workdir=/rw/work$layers" \
		overlay "$2" || end "no overlay on $1"
}

mount_host()
{
	mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose \
		root /host || end "no root of the host"
	mount -t tmpfs -o mode=755,size=80% tmpfs /rw || end "no tmpfs"
}

# Mount the file systems that a running system has.
mount_system()
{
	local dir

	for dir in /tmp /run /var/tmp; do
		mount -t tmpfs -o mode=1777 tmpfs "/new$dir"
	done
	mkdir -p /new/run/netns /new/run/lock /new/run/vmtest
	mount -t proc proc /new/proc
	mount -t sysfs sys /new/sys
	mount -t devtmpfs dev /new/dev
	mkdir -p /new/dev/pts /new/dev/shm /new/dev/net
	# udev would make this device node.
	[ -e /new/dev/net/tun ] || $bb mknod /new/dev/net/tun c 10 200
	$bb ln -s /proc/self/fd /new/dev/fd
	$bb ln -s /proc/self/fd/0 /new/dev/stdin
	$bb ln -s /proc/self/fd/1 /new/dev/stdout
	$bb ln -s /proc/self/fd/2 /new/dev/stderr
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /new/dev/pts
	mount -t tmpfs tmpfs /new/dev/shm
	mount -t bpf bpf /new/sys/fs/bpf
	mount -t debugfs debugfs /new/sys/kernel/debug
	mount -t tracefs tracefs /new/sys/kernel/tracing
	mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
	$bb ip link set lo up
	$bb hostname vmtest
}

# The kernel starts /sbin/modprobe of this root, and users that of the new root: both roots
# get the modules. libbpf reads /boot/config-RELEASE.
mount_kernel()
{
	local tool

	mkdir -p "/lib/modules/$release" "/new/lib/modules/$release" /new/boot
	mount --bind "/host$modules" "/lib/modules/$release"
	mount --bind "/host$modules" "/new/lib/modules/$release"
	mount --bind "/host$boot" /new/boot
	$bb cp /bin/busybox /new/run/vmtest/busybox
	for tool in modprobe lsmod rmmod insmod; do
		[ -e "/new/sbin/$tool" ] ||
			$bb ln -s /run/vmtest/busybox "/new/sbin/$tool"
	done
}

# Mount the directories that the new /tmp, /run and /var/tmp hide.
mount_visible()
{
	local dir

	while read -r dir; do
		overlay "/host$dir" "/new$dir"
	done <"/host$run/visible"
}

# find_ports: make the links /dev/vmtest.NAME to the two ports to the host.
find_ports()
{
	local port name

	for port in /sys/class/virtio-ports/*; do
		name=
		read -r name <"$port/name"
		[ -z "$name" ] || $bb ln -s "${port##*/}" "/dev/vmtest.$name"
	done
	[ -e /dev/vmtest.status ] || end "no way to the host"
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
load_modules
run=$(run_dir)
mount_host
root='' release='' modules='' boot=''
# shellcheck source=/dev/null
. "/host$run/config"
overlay "/host$root" /new
mount_system
mount_kernel
mount_visible
find_ports
$bb cp "/host$run/command" /new/run/vmtest/command

# Make the new root the root of the mount namespace, as on a running system: the kernel makes
# no user namespaces for a process below a chroot(). This script, and the modprobe that the
# kernel starts, stay in the old root.
cd /new || end "no new root"
mount --move . / || end "the new root does not move"

say ready
if [ -e /dev/vmtest.output ]; then
	$bb chroot . /bin/bash /run/vmtest/command </dev/null >/dev/vmtest.output 2>&1
else
	$bb setsid -c $bb chroot . /bin/bash /run/vmtest/command \
		</dev/hvc0 >/dev/hvc0 2>&1
fi
status=$?
say "status $status"
echo "$status" >/dev/vmtest.status
end
