#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack the libraries of another architecture, with which the samples are linked,
# into .sysroot/ARCH: "make ARCH=... CROSS_COMPILE=..." takes them from there. The
# packages are fetched and unpacked, not installed: apt works in a directory of its
# own, so that no foreign architecture is added to this system. With --root, unpack the
# programs of that architecture as well, for a guest of vmtest.sh.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source=scripts/sysroot/apt.sh
. "$NETBPF_TOP/scripts/sysroot/apt.sh"

usage()
{
	cat <<'USAGE'
Usage: sysroot.sh [--check] [--root DIR [--build]] [-h] ARCH

Unpacks the libraries that samples for another machine are linked with into
.sysroot/ARCH, where the build looks for them. ARCH is the kernel's name:
arm64, riscv, powerpc, s390, ...

Nothing is installed and no root is needed; Debian's packages are fetched from
where this machine gets its own.

  --check     only tell whether they are there
  --root DIR  unpack into DIR, with the programs that labs and tests run: the
              root of a guest of vmtest.sh
  --build     with --root: also the packages that building samples needs
  -h, --help  this text

Examples:
  scripts/sysroot.sh arm64
  scripts/sysroot.sh --root /tmp/arm64 arm64
  scripts/sysroot.sh --root /tmp/arm64 --build arm64
  make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- samples

Exit status: 0 done or there, 1 failed, 2 usage, 3 not there, or no apt-get.
USAGE
}

# packages: print the packages of the headers that the build needs, with --build also those of its
# tools and, for a root, those of the essential programs, of what labs and tests run, of make,
# which run.sh asks for the names of the tests, and of busybox for the initramfs.
packages()
{
	awk -v root="$ROOT" -v build="$BUILD" '
		$1 == "build" && (build || $2 == "header") || root && $1 ~ /^(lab|tests)$/ { print $4 }
	' "$NETBPF_TOP/scripts/needs" | sort -u
	[ -z "$ROOT" ] || printf '%s\n' '?essential' busybox-static make
}

# fetch ARCH: download the packages and all that they depend on.
fetch()
{
	foreign_apt "$1" "$WORK"
	mapfile -t names < <(packages)
	if ! apt-get -q "${APT[@]}" update >"$WORK/log" 2>&1 </dev/null ||
	   ! apt-get -q "${APT[@]}" install -y --download-only --no-install-recommends \
		"${names[@]}" >>"$WORK/log" 2>&1 </dev/null; then
		tail -n 20 "$WORK/log" >&2
		die 1 "cannot fetch packages for $1" "apt-get update, then run this again"
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

# unpack_root DIR: unpack all downloaded packages with their programs. Create the links from
# bin, sbin and lib to usr first, and keep them: the packages have directories there. Do what
# the scripts of the packages would do and tests rely on: nothing of that architecture can be
# run here.
unpack_root()
{
	local deb dir

	for dir in bin sbin lib; do
		mkdir -p "$1/usr/$dir"
		ln -s "usr/$dir" "$1/$dir"
	done
	for deb in "$WORK"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$1" -xp --keep-directory-symlink
	done
	cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
	cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
	# tcpdump of root becomes this user, and ends if there is none.
	echo tcpdump:x:100:100::/nonexistent:/usr/sbin/nologin >>"$1/etc/passwd"
	echo tcpdump:x:100: >>"$1/etc/group"
	cp "$1/usr/share/libc-bin/nsswitch.conf" "$1/etc/nsswitch.conf"
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$1/etc/hosts"
	ln -s mawk "$1/usr/bin/awk"
}

# unpack DIR: unpack all downloaded packages, but drop what no linker reads.
unpack()
{
	local deb dir

	for deb in "$WORK"/cache/archives/*.deb; do
		dpkg -x "$deb" "$1"
	done
	for dir in bin sbin usr/bin usr/sbin usr/share var etc; do
		rm -rf "${1:?}/$dir"
	done
	merge_usr "$1"
	relative_links "$1"
}

# target ARCH: print the directory into which ARCH is unpacked.
target()
{
	if [ -n "$ROOT" ]; then
		realpath -m "$ROOT"
	else
		echo "$NETBPF_TOP/.sysroot/$1"
	fi
}

main()
{
	local arch='' check='' dir

	ROOT=''
	BUILD=''
	while [ $# -gt 0 ]; do
		case $1 in
		--check) check=1 ;;
		--root)
			[ -n "${2:-}" ] || usage_error "$1 needs a directory"
			ROOT=$2
			shift
			;;
		--build) BUILD=1 ;;
		-h | --help) usage; exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*) [ -z "$arch" ] || usage_error "more than one ARCH: $1"; arch=$1 ;;
		esac
		shift
	done
	[ -z "$BUILD" ] || [ -n "$ROOT" ] || usage_error "--build is for --root"
	[[ $arch =~ ^[a-z0-9_]+$ ]] || usage_error "which ARCH? (arm64, s390, ...)"
	dir=$(target "$arch")

	# The directory is moved here when it is complete: if it exists, it is whole.
	if [ -d "$dir" ]; then
		note "there already: ${dir#"$NETBPF_TOP/"}"
		exit 0
	fi
	[ -z "$check" ] ||
		die 3 "no libraries for $arch: there is no ${dir#"$NETBPF_TOP/"}" "scripts/sysroot.sh $arch"
	have apt-get ||
		die 3 "no apt-get here" "make ... SYSROOT=/root/of/a/system/of/that/kind"
	mkdir -p "${dir%/*}"
	WORK=$(mktemp -d "${dir%/*}/.new.XXXXXX")
	trap 'rm -rf "$WORK"' EXIT
	trap 'exit 130' INT TERM
	note "fetching the ${ROOT:+programs and }libraries for $arch"
	fetch "$(debian_arch "$arch")"
	mkdir "$WORK/root"
	"unpack${ROOT:+_root}" "$WORK/root"
	mv -T "$WORK/root" "$dir"
	note "unpacked: ${dir#"$NETBPF_TOP/"}"
}

main "$@"
