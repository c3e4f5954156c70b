#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rows about privileges, the kernel version and containers.

# check_cap NAME WHAT: print the row of a capability that samples need to do WHAT. If root
# lacks the capability, sudo does not help.
check_cap()
{
	local cure="sudo $NETBPF_LINE"

	[ "$(id -u)" -ne 0 ] || cure="for a container: docker run --cap-add=$1"
	if has_cap "$1"; then
		row "CAP_$1" ok "$2"
	elif has_cap SYS_ADMIN && [[ $1 =~ ^(BPF|PERFMON)$ ]]; then
		row "CAP_$1" ok "$2: through CAP_SYS_ADMIN"
	else
		row "CAP_$1" fail "missing, needed to $2" "$cure"
	fi
}

check_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		row user ok root
	else
		row user warn "uid $(id -u): the capabilities below decide" "sudo $NETBPF_LINE"
	fi
}

check_capabilities()
{
	local inside outside count

	check_cap BPF "load programs and make maps"
	check_cap NET_ADMIN "load programs for interfaces, change links"
	check_cap PERFMON "trace, and read packets by lengths that they tell"
	check_cap NET_RAW "open packet sockets"
	check_cap SYS_ADMIN "make and enter namespaces, see programs of others"
	if has_cap SYS_RESOURCE; then
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

# container: print the kind of this container; fail if this is no container. The first
# pid namespace of a kernel always has the same number. Files like /.dockerenv alone prove
# nothing, because a root file system may be made from an image.
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
