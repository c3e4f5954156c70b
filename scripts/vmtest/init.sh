#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# /init of a guest of vmtest.sh, run by busybox: puts a writable overlay over
# the root of the host, runs the command in it, and hands back its output and
# its status. What was booted for what is in the directory vmtest= of the
# kernel command line.

bb=/bin/busybox
mount() { $bb mount "$@"; }
mkdir() { $bb mkdir "$@"; }

# say TEXT: to the console, where vmtest.sh looks for "ready".
say()
{
	echo "<3>vmtest: $*" >/dev/kmsg
}

# end [TEXT]: the end of the guest, with what went wrong.
end()
{
	[ $# -eq 0 ] || say "failed: $*"
	$bb sync
	$bb poweroff -f
	$bb sleep 1000
}

# run_dir: the directory of this run on the host.
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

# overlay LOWER TARGET: LOWER, writable, at TARGET.
layers=0
overlay()
{
	layers=$((layers + 1))
	mkdir -p "/rw/up$layers" "/rw/work$layers" "$2"
	mount -t overlay -o "lowerdir=$1,upperdir=/rw/up$layers,workdir=/rw/work$layers" \
		overlay "$2" || end "no overlay on $1"
}

mount_root()
{
	mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose \
		root /host || end "no root of the host"
	mount -t tmpfs -o mode=755,size=80% tmpfs /rw || end "no tmpfs"
	overlay /host /new
}

# What a running system has.
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
	# What udev would make.
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

# The kernel loads modules by /sbin/modprobe of this root, people by that of
# the new one. libbpf reads /boot/config-RELEASE.
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

# What /tmp and the others would hide.
mount_visible()
{
	local dir

	while read -r dir; do
		overlay "/host$dir" "/new$dir"
	done <"/host$run/visible"
}

# find_ports: the two ways to the host, as /dev/vmtest.NAME.
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
mount_root
release='' modules='' boot=''
# shellcheck source=/dev/null
. "/host$run/config"
mount_system
mount_kernel
mount_visible
find_ports
$bb cp "/host$run/command" /new/run/vmtest/command

# The root of all, as on a running system: below a chroot(), the kernel makes no user
# namespaces. We, and who loads modules for the kernel, stay where we are.
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
