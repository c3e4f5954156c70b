#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Privileges, kernel version, container.

# has_cap NUMBER: this process has that capability.
has_cap()
{
	[ $(((CAPS >> $1) & 1)) -eq 1 ]
}

# check_cap NAME NUMBER WHAT: capability that samples need for WHAT.
check_cap()
{
	if has_cap "$2"; then
		row "$1" ok "$3"
	elif has_cap 21 && [[ $1 =~ ^CAP_(BPF|PERFMON)$ ]]; then
		row "$1" ok "$3: through CAP_SYS_ADMIN"
	else
		row "$1" fail "missing, needed to $3" "sudo $0, or give the container $1"
	fi
}

check_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		row user ok root
	else
		row user warn "uid $(id -u): the capabilities below decide" "sudo $0"
	fi
}

check_capabilities()
{
	local inside outside count

	CAPS=$((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status)))
	check_cap CAP_BPF 39 "load programs and make maps"
	check_cap CAP_NET_ADMIN 12 "attach to interfaces"
	check_cap CAP_PERFMON 38 "trace and read kernel memory"
	check_cap CAP_NET_RAW 13 "open packet sockets"
	check_cap CAP_SYS_ADMIN 21 "make and enter namespaces, see programs of others"
	if has_cap 24; then
		row CAP_SYS_RESOURCE ok "there, not needed"
	else
		row CAP_SYS_RESOURCE ok "missing, not needed (ulimit -l does not limit BPF since kernel 5.11)"
	fi
	if { read -r inside outside count </proc/self/uid_map; } 2>/dev/null &&
		[ "$inside $outside $count" != '0 0 4294967295' ]; then
		row "user namespace" fail "in one: its capabilities are not those of the kernel" \
			"run this outside of the container, or in a privileged one"
	fi
}

check_version()
{
	local release major minor

	release=$(uname -r)
	IFS=.- read -r major minor _ <<<"$release"
	minor=${minor%%[!0-9]*}
	if [ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "${minor:-0}" -ge 1 ]; }; then
		row "kernel version" ok "$release on $(uname -m)"
	else
		row "kernel version" warn "$release on $(uname -m): 6.1 and later are tested" \
			"boot a newer kernel"
	fi
}

# container: what kind of container this is, if it is one. A root file system
# made from an image proves nothing; the first pid namespace of a kernel has
# always the same number.
container()
{
	local kind=container

	[ "$(readlink /proc/self/ns/pid)" != 'pid:[4026531836]' ] || return 1
	[ ! -e /.dockerenv ] || kind=docker
	[ ! -e /run/.containerenv ] || kind=podman
	[ ! -r /run/systemd/container ] || kind=$(head -n 1 /run/systemd/container)
	echo "$kind"
}

check_platform()
{
	local kind release

	release=$(uname -r)
	if [[ $release == *[Mm]icrosoft* ]]; then
		row platform warn "WSL: its kernel is often built without parts that are used here" \
			"look at the rows of kernel; wsl --update"
	elif [[ $release == *linuxkit* ]]; then
		row platform warn "linuxkit (Docker Desktop): its kernel has no headers and few modules" \
			"look at the rows of kernel; use a virtual machine with Debian"
	elif kind=$(container); then
		row platform warn "a container ($kind): programs run in the kernel of its host" \
			"docker run --privileged, with /sys/fs/bpf and /sys/kernel/tracing of the host"
	else
		row platform ok "no container, no WSL, no linuxkit"
	fi
}

check_machine()
{
	group machine
	check_user
	check_capabilities
	check_version
	check_platform
}
