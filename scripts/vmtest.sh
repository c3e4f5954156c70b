#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots another kernel under qemu, for this architecture or another one, and runs a
# command in it, as root, on this machine's files: Documentation/testing.rst, "Other kernels".
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/vmtest/kernel.sh
. "$here/vmtest/kernel.sh"
# shellcheck source=scripts/vmtest/arch.sh
. "$here/vmtest/arch.sh"
# shellcheck source=scripts/vmtest/initrd.sh
. "$here/vmtest/initrd.sh"
# shellcheck source=scripts/vmtest/nic.sh
. "$here/vmtest/nic.sh"
# shellcheck source=scripts/vmtest/machine.sh
. "$here/vmtest/machine.sh"
# shellcheck source=scripts/vmtest/guest.sh
. "$here/vmtest/guest.sh"
# shellcheck source=scripts/vmtest/table.sh
. "$here/vmtest/table.sh"

KERNEL=6.1
ARCH=$(machine_arch)
OWN_MODULES=
DEADLINE=14400	# seconds; the suite takes up to 9000 on one emulated CPU
MEMORY=2048
CPUS=$(nproc)
SHELL_WANTED=
HOST_RESULTS=
PARALLEL=
QUICK=
NIC=
CARDS=

usage()
{
	cat <<-USAGE
	Usage: vmtest.sh [-a ARCH] [-k KERNEL] [-T SEC] [--shell] [--] [COMMAND...]

	Boots KERNEL under qemu and runs COMMAND in it as root. The guest sees this
	machine's files; what it writes is gone with it. It has no network but its own.

	  -a, --arch ARCH      arm64 or x86_64; default: that of this machine. Another
	                       one has a root of its own with the programs that
	                       tests run; it shares this tree. Build for it first
	  -k, --kernel KERNEL  6.1, 6.12 or backports, which is the newest that Debian has
	                       for its stable release; all (all that can be fetched, then
	                       one table); or the path of a bzImage or Image; default $KERNEL.
	                       Debian's are fetched into build/vmtest/, not installed
	  -m, --modules DIR    lib/modules/RELEASE of that bzImage; default: below
	                       its ../ or /
	  -T, --timeout SEC    time for COMMAND; default $DEADLINE
	  -j, --parallel       with -k all: all at once
	      --host FILE      with -k all: what run.sh printed on this machine, for a
	                       column in build/vmtest/support.rst
	      --quick          COMMAND is a short run of the suite: the tests in
	                       scripts/vmtest/quick
	      --shell          a shell instead of COMMAND
	      --memory MB      memory of the guest; default $MEMORY
	      --cpus N         CPUs of the guest; default: those of this machine
	      --nic MODEL      network cards for the guest: virtio, vmxnet3, e1000e, or
	                       tap (virtio with queues and offloads; needs root).
	                       MODEL,NAME=VALUE sets a property of qemu's card
	      --cards N        number of these cards, all on one wire; default 5
	  -h, --help           this text

	COMMAND is ./selftests/run.sh --no-build if none is given: build first.

	Environment:
	  O=DIR             build output is there; kernels are kept in DIR/build/vmtest/;
	                    default with --arch of another machine: build/ARCH of this tree
	  VMTEST_ACCEL=tcg  emulate the CPU, do not try KVM (kvm: take it untried)

	Examples:
	  scripts/vmtest.sh -k 6.12
	  scripts/vmtest.sh -k all -- selftests/run.sh --no-build -t ping -t tc
	  scripts/vmtest.sh -k 6.1 --shell
	  scripts/vmtest.sh --arch arm64 --quick
	  scripts/vmtest.sh --nic virtio -- ip -br link
	  scripts/vmtest.sh -k ~/linux/arch/x86/boot/bzImage -m ~/mod/lib/modules/6.18.0 -- uname -r

	Exit status: that of COMMAND. Of vmtest.sh itself: 1 failed, 2 usage, 3 something
	is missing, $STATUS_DEADLINE COMMAND has not ended in time, $STATUS_LOST the guest did not come up, or
	was lost, 130 Ctrl-C.
	USAGE
}

# number OPTION VALUE MIN MAX: set VALUE; exit if it is no number in this range.
number()
{
	VALUE=-1
	[[ ! $2 =~ ^[0-9]{1,7}$ ]] || VALUE=$((10#$2))
	if [ "$VALUE" -lt "$3" ] || [ "$VALUE" -gt "$4" ]; then
		usage_error "$1 wants a number from $3 to $4, not '$2'"
	fi
}

# options ARGUMENTS...: set COMMAND and the variables above.
options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-a | --arch | -k | --kernel | -m | --modules | -T | --timeout | --memory | --cpus | --host | \
		--nic | --cards)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			;;&
		-a | --arch) ARCH=$2; [ "$2" != x86 ] || ARCH=x86_64; shift ;;
		-k | --kernel) KERNEL=$2; shift ;;
		-m | --modules) OWN_MODULES=$2; shift ;;
		-T | --timeout) number "$1" "$2" 1 1000000; DEADLINE=$VALUE; shift ;;
		--memory) number "$1" "$2" 128 65536; MEMORY=$VALUE; shift ;;
		--cpus) number "$1" "$2" 1 64; CPUS=$VALUE; shift ;;
		--nic) NIC=$2; shift ;;
		--cards) number "$1" "$2" 1 16; CARDS=$VALUE; shift ;;
		--host) HOST_RESULTS=$2; shift ;;
		-j | --parallel) PARALLEL=1 ;;
		--quick) QUICK=1 ;;
		--shell) SHELL_WANTED=1 ;;
		-h | --help) usage; exit 0 ;;
		--) shift; break ;;
		-*) usage_error "unknown argument: $1" ;;
		*) break ;;
		esac
		shift
	done
	COMMAND=("$@")
	choose_arch "$ARCH"
	check_kernel "$KERNEL" "$OWN_MODULES"
	check_nic "$NIC" "$CARDS"
	CARDS=${CARDS:-5}
	[ -z "$SHELL_WANTED$QUICK" ] || [ $# -eq 0 ] ||
		usage_error "--shell and --quick take no command"
	[ -z "$SHELL_WANTED" ] || [ -z "$QUICK" ] || usage_error "--shell or --quick"
	[ -z "$PARALLEL$HOST_RESULTS" ] || [ "$KERNEL" = all ] ||
		usage_error "--parallel and --host are for -k all"
	[ -z "$HOST_RESULTS" ] || [ -r "$HOST_RESULTS" ] || die 1 "cannot read $HOST_RESULTS"
	[ -z "$SHELL_WANTED" ] || [ "$KERNEL" != all ] || usage_error "--shell takes one kernel"
}

# need TOOL PACKAGE: exit if TOOL is missing.
need()
{
	have "$1" || die 3 "$1 is missing" "scripts/setup.sh --all (package $2)"
}

check_machine()
{
	need "$QEMU_SYSTEM" "$QEMU_PACKAGE"
	need busybox busybox-static
	need depmod kmod
	need xz xz-utils
	# The initramfs has no libc.
	! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
		die 3 "busybox is not linked statically" "apt-get install busybox-static"
	[ -z "$NIC" ] || need_nic "$NIC"
}

# need_build: exit if the tests are not built for the guest.
need_build()
{
	local cure="make -C $NETBPF_TOP"

	[ -z "$FOREIGN" ] || cure+=" ARCH=$ARCH CROSS_COMPILE=$CROSS O=$NETBPF_OUT"
	is_built_for_guest "$NETBPF_OUT/selftests/hello/hello_test" ||
		die 1 "nothing is built${FOREIGN:+ for $FOREIGN} in $NETBPF_OUT" "$cure"
}

# choose_command: set COMMAND if the user has given none; add the tests of --quick.
choose_command()
{
	local test

	if [ -n "$SHELL_WANTED" ]; then
		COMMAND=(bash)
	elif [ ${#COMMAND[@]} -eq 0 ]; then
		need_build
		COMMAND=("$NETBPF_TOP/selftests/run.sh" --no-build)
	fi
	[ -z "$QUICK" ] || while read -r test; do
		[[ $test =~ ^(#|$) ]] || COMMAND+=(-t "$test")
	done <"$NETBPF_TOP/scripts/vmtest/quick"
}

# stop STATUS: exit after a signal.
stop()
{
	trap '' HUP INT TERM
	end_kernels
	end_guest
	end_reader
	exit "$1"
}

clean_up()
{
	end_guest
	[ ! -t 0 ] || [ -z "$SHELL_WANTED" ] || stty sane
	rm -rf "${TO_REMOVE[@]}"
}

# run_kernel KERNEL: run COMMAND on this kernel; set STATUS.
run_kernel()
{
	find_kernel "$1" "$OWN_MODULES"
	choose_accel
	run_guest "${COMMAND[@]}"
}

main()
{
	options "$@"
	check_machine
	find_root
	choose_command
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/vmtest.XXXXXX")
	TO_REMOVE=("$RUN")
	trap clean_up EXIT
	trap 'stop 129' HUP
	trap 'stop 130' INT
	trap 'stop 143' TERM
	if [ "$KERNEL" = all ]; then
		run_all
	else
		run_kernel "$KERNEL"
	fi
	exit "$STATUS"
}

main "$@"
