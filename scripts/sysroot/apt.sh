# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# apt for packages of another architecture, without adding this architecture to the system.
# Sourced by sysroot.sh and vmtest.sh.

# debian_arch ARCH: print Debian's name for ARCH, which is the kernel's name.
debian_arch()
{
	case $1 in
	arm) echo armhf ;;
	powerpc) echo ppc64el ;;
	riscv) echo riscv64 ;;
	s390) echo s390x ;;
	x86 | x86_64) echo amd64 ;;
	*) echo "$1" ;;
	esac
}

# foreign_apt ARCH DIR: set APT to the options with which apt sees an empty system of ARCH, a
# name of Debian, and keeps its lists and packages in DIR. If apt runs as root, it downloads as
# another user, who may not enter DIR: an option keeps it root.
foreign_apt()
{
	# shellcheck disable=SC2034 # the caller passes them to apt
	APT=(-o "APT::Architecture=$1" -o "APT::Architectures=$1"
		-o "Dir::State=$2/state" -o "Dir::State::status=$2/status"
		-o "Dir::Cache=$2/cache" -o APT::Sandbox::User=root)
	mkdir -p "$2/state/lists/partial" "$2/cache/archives/partial"
	: >"$2/status"
}
