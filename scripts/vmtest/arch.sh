# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What differs between guests of one architecture and another. Sourced by vmtest.sh.

# choose_arch ARCH: set what qemu is started with:
#	QEMU_SYSTEM, QEMU_PACKAGE  the program, and its package
#	MACHINE, CONSOLE           the machine, and its serial port as Linux names it
#	CPU                        the CPU that qemu emulates without KVM
#	CROSS                      the prefix of the cross compiler
# and, for a guest of another architecture than this machine's, O and GUEST_ROOT.
# shellcheck disable=SC2034 # vmtest.sh and guest.sh read them
choose_arch()
{
	choose_kernels "$1"
	case $1 in
	x86_64)
		QEMU_SYSTEM=qemu-system-x86_64 QEMU_PACKAGE=qemu-system-x86
		MACHINE=q35 CONSOLE=ttyS0 CPU=max CROSS=x86_64-linux-gnu-
		;;
	arm64)
		# Each call of a function in Linux signs an address. pauth-impdef: let qemu sign
		# with a simple hash. The cipher of real CPUs is slow to emulate.
		QEMU_SYSTEM=qemu-system-aarch64 QEMU_PACKAGE=qemu-system-arm
		MACHINE=virt,gic-version=3 CONSOLE=ttyAMA0 CPU=max,pauth-impdef=on
		CROSS=aarch64-linux-gnu-
		;;
	*) usage_error "no guest of architecture '$1' (known: x86_64, arm64)" ;;
	esac
	GUEST_ROOT=/
	[ -n "$FOREIGN" ] || return 0
	GUEST_ROOT=$KERNEL_DIR/root
	# Beside the sources, there are the programs of this machine. The guest gets O. Do not
	# export it: a vmtest.sh that this one starts would look for kernels there.
	[ -n "${O:-}" ] || NETBPF_OUT=$NETBPF_TOP/build/$1
	O=$NETBPF_OUT
}

# find_root: unpack the root of a foreign guest, if it is not here.
find_root()
{
	[ -z "$FOREIGN" ] || [ -d "$GUEST_ROOT" ] ||
		"$NETBPF_TOP/scripts/sysroot.sh" --root "$GUEST_ROOT" "$ARCH"
}

# is_built_for_guest PROGRAM: true if PROGRAM can run in the guest: it has the architecture of
# the guest's bash.
is_built_for_guest()
{
	[ -x "$1" ] && cmp -s <(elf_machine "$1") <(elf_machine "$GUEST_ROOT/bin/bash")
}

# elf_machine FILE: print the e_machine of an ELF file.
elf_machine()
{
	od -An -tx1 -j 18 -N 2 "$1"
}
