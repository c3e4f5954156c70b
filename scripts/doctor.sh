#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Says what this machine can do for the samples, the lab and the build, and how
# to cure what it cannot. Documentation/doctor.rst explains each row.
#
# doctor_probe tries what the kernel can do; the scripts only read files and the
# output of ip(8) and ethtool(8). Nothing is changed.
#
# "bpftool feature probe" tells which types of programs, maps and helpers the kernel knows.
# The samples need more: that a program can be attached (some kernels know fentry and refuse to
# attach it), to this interface, in this mode, by this user; and the user needs the cure.
#
# No "set -e": a check that fails must print its row, and not end the script.
set -uo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/doctor/output.sh
. "$here/doctor/output.sh"
# shellcheck source=scripts/doctor/machine.sh
. "$here/doctor/machine.sh"
# shellcheck source=scripts/doctor/kernel.sh
. "$here/doctor/kernel.sh"
# shellcheck source=scripts/doctor/build.sh
. "$here/doctor/build.sh"
# shellcheck source=scripts/doctor/interface.sh
. "$here/doctor/interface.sh"
# shellcheck source=scripts/doctor/leftovers.sh
. "$here/doctor/leftovers.sh"

readonly NETNS=/run/netns

# doctor_probe prints hints that name these scripts as the user called them.
export NETBPF_LINE
NETBPF_LAB=$(script_called lab)
export NETBPF_LAB

TMP=
trap '[ -z "$TMP" ] || rm -rf "$TMP"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

usage()
{
	cat <<-USAGE
	Usage: $0 [-i IF]... [-n NETNS] [--json] [-h]

	Checks what this machine can do for netbpf. Each row is ok, warn (something
	works in another way, or one sample cannot run) or fail (no sample can run, or
	nothing can be built), with the command that cures it.

	  -i, --interface IF  look at this interface too, name or index; may repeat
	  -n, --netns NETNS   do it in that network namespace, name or path
	  -j, --json          one JSON object: {"checks":[{"group","name","status",
	                      "text","cure"}...],"ok":N,"warn":N,"fail":N}
	  -h, --help          this text

	Nothing on the machine is changed, and no interface of it is touched.

	Examples:
	  sudo $0
	  sudo $0 -i eth0
	  $0 --json | jq '.checks[] | select(.status != "ok")'

	Exit status: 0 nothing failed, 1 at least one row is fail, 2 usage.
	USAGE
}

# enter_netns NAME ARGUMENTS...: start this script again in that network namespace.
# The mount namespace stays, so that bpffs and tracefs are those of this machine.
enter_netns()
{
	local path=$1

	shift
	[[ $path == */* ]] || path=$NETNS/$path
	require_root "entering a network namespace" SYS_ADMIN
	# The kernel hides the namespace of a process that has more capabilities than we have. A
	# process that keeps a namespace of a lab may be such a process.
	[ -e "$path" ] || [ ! -L "$path" ] || require_caps "entering $path" SYS_PTRACE
	[ -e "$path" ] || die 1 "there is no network namespace $path" "ip netns list"
	exec nsenter --net="$path" -- "$0" "$@"
}

main()
{
	local netns='' again=() interfaces=()

	while [ $# -gt 0 ]; do
		case $1 in
		-i | --interface | -n | --netns)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			case $1 in
			-i | --interface) interfaces+=("$2") again+=(-i "$2") ;;
			*) netns=$2 ;;
			esac
			shift
			;;
		-j | --json) JSON=1 again+=(--json) ;;
		-h | --help) usage; exit 0 ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
	[ -z "$netns" ] || enter_netns "$netns" "${again[@]}"

	TMP=$(mktemp -d) || die 1 "cannot make a temporary directory"
	print_start
	check_machine
	check_kernel
	# An installed doctor has no Makefile beside it, and nothing to build.
	[ ! -e "$NETBPF_TOP/Makefile" ] || check_build
	check_lab
	check_interfaces "${interfaces[@]}"
	check_leftovers
	print_end
	[ "${COUNT[fail]}" -eq 0 ]
}

main "$@"
