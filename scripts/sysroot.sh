#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack the libraries of another architecture, with which the samples are linked,
# into .sysroot/ARCH: "make ARCH=... CROSS_COMPILE=..." takes them from there. The
# packages are fetched and unpacked, not installed: apt works in a directory of its
# own, so that no foreign architecture is added to this system.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

usage()
{
	cat <<'USAGE'
Usage: sysroot.sh [--check] [-h] ARCH

Unpacks the libraries that samples for another machine are linked with into
.sysroot/ARCH, where the build looks for them. ARCH is the kernel's name:
arm64, riscv, powerpc, s390, ...

Nothing is installed and no root is needed; Debian's packages are fetched from
where this machine gets its own.

  --check     only tell whether they are there
  -h, --help  this text

Examples:
  scripts/sysroot.sh arm64
  make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- samples

Exit status: 0 done or there, 1 failed, 2 usage, 3 not there, or no apt-get.
USAGE
}

# debian_arch ARCH: print Debian's name for ARCH.
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

# packages: print the packages of the headers that the build needs.
packages()
{
	awk '$1 == "build" && $2 == "header" { print $4 }' "$NETBPF_TOP/scripts/needs" | sort -u
}

# fetch ARCH: download the packages and all that they depend on. With these options apt sees
# an empty system of that architecture.
fetch()
{
	local arch=$1
	local -a apt=(
		apt-get -q -o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
		-o "Dir::State=$WORK/state" -o "Dir::State::status=$WORK/status"
		-o "Dir::Cache=$WORK/cache" -o APT::Sandbox::User=root
	)

	mkdir -p "$WORK/state/lists/partial" "$WORK/cache/archives/partial"
	: >"$WORK/status"
	mapfile -t names < <(packages)
	if ! "${apt[@]}" update >"$WORK/log" 2>&1 </dev/null ||
	   ! "${apt[@]}" install -y --download-only --no-install-recommends \
		"${names[@]}" >>"$WORK/log" 2>&1 </dev/null; then
		tail -n 20 "$WORK/log" >&2
		die 1 "cannot fetch packages for $arch" "apt-get update, then run this again"
	fi
}

# relative_links DIR: make absolute links relative: a link to /lib would leave the sysroot.
relative_links()
{
	local link target

	find "$1" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		ln -sfnr "$1$target" "$link"
	done
}

# merge_usr DIR: add the links from lib to usr/lib, and from lib64 to usr/lib64. A current
# system has them, but they are in no package of a library.
merge_usr()
{
	local dir

	for dir in lib lib64; do
		[ -e "$1/$dir" ] || [ ! -d "$1/usr/$dir" ] || ln -s "usr/$dir" "$1/$dir"
	done
}

# unpack DIR: unpack all downloaded packages, but drop what no linker reads.
unpack()
{
	local deb dir

	mkdir "$1"
	for deb in "$WORK"/cache/archives/*.deb; do
		dpkg -x "$deb" "$1"
	done
	for dir in bin sbin usr/bin usr/sbin usr/share var etc; do
		rm -rf "${1:?}/$dir"
	done
	merge_usr "$1"
	relative_links "$1"
}

main()
{
	local arch='' check=''

	while [ $# -gt 0 ]; do
		case $1 in
		--check) check=1 ;;
		-h | --help) usage; exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*) [ -z "$arch" ] || usage_error "more than one ARCH: $1"; arch=$1 ;;
		esac
		shift
	done
	[[ $arch =~ ^[a-z0-9_]+$ ]] || usage_error "which ARCH? (arm64, s390, ...)"

	# The directory is moved here when it is complete: if it exists, it is whole.
	if [ -d "$NETBPF_TOP/.sysroot/$arch" ]; then
		note "there already: .sysroot/$arch"
		exit 0
	fi
	[ -z "$check" ] ||
		die 3 "no libraries for $arch: there is no .sysroot/$arch" "scripts/sysroot.sh $arch"
	have apt-get ||
		die 3 "no apt-get here" "make ... SYSROOT=/root/of/a/system/of/that/kind"
	mkdir -p "$NETBPF_TOP/.sysroot"
	WORK=$(mktemp -d "$NETBPF_TOP/.sysroot/.new.XXXXXX")
	trap 'rm -rf "$WORK"' EXIT
	trap 'exit 130' INT TERM
	note "fetching the libraries for $arch"
	fetch "$(debian_arch "$arch")"
	unpack "$WORK/root"
	mv "$WORK/root" "$NETBPF_TOP/.sysroot/$arch"
	note "unpacked: .sysroot/$arch"
}

main "$@"
