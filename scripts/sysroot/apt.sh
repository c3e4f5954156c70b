# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# apt for packages that this system does not have: of another architecture or another release
# of Debian, without adding either to the system.
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

# The keys of Debian's archive, also those of releases after this system's.
readonly DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror: print the address from which this system gets Debian's packages, or nothing.
debian_mirror()
{
	# shellcheck disable=SC2016 # apt-get replaces it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		'Label: Debian' 'Component: main' 2>/dev/null | sed -n 1p
}

# suite_apt SUITE ARCH DIR: like foreign_apt, and apt sees the packages of SUITE only, from the
# mirror of this system.
suite_apt()
{
	local mirror

	mirror=$(debian_mirror)
	[ -n "$mirror" ] ||
		die 3 "$1: this system gets no packages from Debian" "on Debian: apt-get update"
	[ -r "$DEBIAN_KEYS" ] ||
		die 3 "there are no keys to check $1 with" "apt-get install debian-archive-keyring"
	foreign_apt "$2" "$3"
	APT+=(-o "Dir::Etc::sourcelist=$3/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Acquire::Languages=none)
	echo "deb [signed-by=$DEBIAN_KEYS] $mirror $1 main" >"$3/sources.list"
}
