# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels for vmtest.sh: Debian's, fetched and unpacked but never installed, or
# one of the user. Sourced by vmtest.sh.
#
# find_kernel sets what a guest is booted from:
#	IMAGE    the bzImage, or the Image of arm64
#	MODULES  its lib/modules/RELEASE, with modules.dep
#	RELEASE  what uname -r will say

# shellcheck source=scripts/sysroot/apt.sh
. "$NETBPF_TOP/scripts/sysroot/apt.sh"

# The kernels that can be fetched. backports is the newest that Debian offers to users of its
# stable release.
readonly KNOWN_KERNELS='6.1 6.12 backports'
readonly BACKPORTS=trixie-backports

# machine_arch: print the kernel's name for the architecture of this machine.
machine_arch()
{
	case $(uname -m) in
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

# choose_kernels ARCH: set what finds the kernels of that architecture:
#	KERNEL_PACKAGES  the packages that depend on them: which package depends on the newest
#	                 6.12 differs between releases of Debian
#	KERNEL_DIR       where they are kept; "make clean" removes them with the rest of build/
#	FOREIGN          ARCH if this machine has another architecture, else empty
#	APT              no options for apt: choose_apt sets them
choose_kernels()
{
	local debian

	debian=$(debian_arch "$1")
	KERNEL_PACKAGES="linux-image-$debian linux-image-6.12-$debian"
	KERNEL_DIR=$NETBPF_OUT/build/vmtest
	FOREIGN=
	APT=()
	[ "$1" != "$(machine_arch)" ] || return 0
	FOREIGN=$1
	KERNEL_DIR+=/$1
}

choose_kernels "$(machine_arch)"

# read_lists: let apt read its package lists again; set COMPLAINTS to what it complains about.
read_lists()
{
	note "reading package lists"
	COMPLAINTS=$(apt-get "${APT[@]}" update 2>&1 </dev/null | grep '^[EW]: ') || :
}

# choose_apt KERNEL DIR: set APT to the options with which apt finds KERNEL: none, if it is one of
# this system's own packages. Otherwise apt keeps its files in DIR.
choose_apt()
{
	local arch

	arch=$(debian_arch "${FOREIGN:-$(machine_arch)}")
	APT=()
	if [ "$1" = backports ]; then
		suite_apt "$BACKPORTS" "$arch" "$2"
	elif [ -n "$FOREIGN" ]; then
		foreign_apt "$arch" "$2"
	fi
}

# image_release IMAGE: print its release, from the header that every bzImage has
# (Documentation/arch/x86/boot.rst: kernel_version at 0x20e is its offset, less 0x200). The
# header of arm64 (Documentation/arch/arm64/booting.rst) does not have it: look for the banner.
image_release()
{
	local offset

	if [ "$(dd if="$1" bs=1 skip=56 count=4 status=none | tr -d '\0')" = ARMd ]; then
		grep -aom 1 'Linux version [0-9][^ ]* ' "$1" | sed -n '1s/Linux version //;1s/ //p'
		return
	fi
	[ "$(dd if="$1" bs=1 skip=514 count=4 status=none | tr -d '\0')" = HdrS ] ||
		return 1
	offset=$(od -An -tu2 -j 526 -N 2 "$1")
	dd if="$1" bs=1 skip=$((offset + 512)) count=200 status=none |
		tr '\0' '\n' | sed -n '1s/ .*//p'
}

# real_package KERNEL: print the package that holds the newest such kernel, or nothing. apt-cache
# fails if it does not know a package.
real_package()
{
	local package release="${1//./\\.}\."

	[ "$1" != backports ] || release=
	for package in $KERNEL_PACKAGES; do
		{ apt-cache "${APT[@]}" depends "$package" 2>/dev/null || :; } |
			sed -n "s/^ *Depends: \(linux-image-${release}[0-9][^ ]*\)$/\1/p"
	done | sort -V | tail -n 1
}

# parts PACKAGE: print PACKAGE and those that it depends on for the same release: since Linux 7.3,
# linux-image-RELEASE only depends on others with the kernel and its modules.
parts()
{
	local release=${1#linux-image-}

	echo "$1"
	apt-cache "${APT[@]}" depends "$1" |
		sed -n "s/^ *Depends: \(linux-[a-z]*-${release//./\\.}\)$/\1/p"
}

# download DIR PACKAGE...: download them into DIR. If apt-get runs as root, it downloads as
# another user, who may not enter DIR: the option keeps it root.
download()
{
	(cd "$1" && apt-get -qq "${APT[@]}" -o APT::Sandbox::User=root download "${@:2}") \
		>"$1/log" 2>&1 </dev/null
}

# no_package KERNEL: exit, because there is none.
no_package()
{
	local cure='apt-get update'

	[ -z "$COMPLAINTS" ] || printf '%s\n' "$COMPLAINTS" >&2
	# Users of an older release need an update to have the keys of the newer one.
	[[ $COMPLAINTS != *NO_PUBKEY* ]] ||
		cure='apt-get install debian-archive-keyring, then run this again'
	die 3 "no package on offer here has Linux $1" "$cure"
}

# find_package KERNEL: set PACKAGE. Read the lists if need be: those that are not this system's
# own are not here yet, and only root may read those of this system.
find_package()
{
	COMPLAINTS=
	PACKAGE=$(real_package "$1")
	if [ -z "$PACKAGE" ] && { [ ${#APT[@]} -gt 0 ] || [ "$(id -u)" -eq 0 ]; }; then
		read_lists
		PACKAGE=$(real_package "$1")
	fi
	[ -n "$PACKAGE" ] || no_package "$1"
}

# download_kernel KERNEL DIR: download the packages of that kernel into DIR; set PACKAGE.
download_kernel()
{
	find_package "$1"
	note "fetching $PACKAGE"
	# shellcheck disable=SC2046 # a list of words
	! download "$2" $(parts "$PACKAGE") || return 0
	# The package may have been replaced since the lists were read.
	read_lists
	find_package "$1"
	# shellcheck disable=SC2046 # a list of words
	if ! download "$2" $(parts "$PACKAGE"); then
		cat "$2/log" >&2
		die 1 "cannot fetch $PACKAGE" "apt-get update, then run this again"
	fi
}

# as_in_boot DIR RELEASE: move the files of a kernel to DIR/boot. Since Linux 7.3, the packages have
# them beside the modules, and a script of the installed system copies them.
as_in_boot()
{
	local file modules=$1/lib/modules/$2

	mkdir -p "$1/boot"
	for file in vmlinuz config; do
		[ ! -e "$modules/$file" ] || mv "$modules/$file" "$1/boot/$file-$2" || return
	done
}

# fetch_kernel KERNEL DIR: put boot/ and lib/modules/ of that kernel into DIR.
fetch_kernel()
{
	local dir=$2 deb release

	if ! have apt-get || ! have dpkg; then
		die 3 "Linux $1 comes as a package of Debian, and this is not Debian" \
			"give the path of a bzImage: $PROG -k PATH --modules DIR"
	fi
	choose_apt "$1" "$dir/apt"
	download_kernel "$1" "$dir"
	for deb in "$dir"/*.deb; do
		dpkg -x "$deb" "$dir" || die 1 "cannot unpack $PACKAGE"
	done
	rm -rf "$dir"/*.deb "$dir/log" "$dir/apt"
	# Packages of later Debian releases have lib/modules in usr/lib.
	[ -d "$dir/lib/modules" ] || ln -s usr/lib "$dir/lib"
	release=$(ls "$dir/lib/modules")
	as_in_boot "$dir" "$release" || die 1 "cannot unpack $PACKAGE"
	# Use depmod of kmod, not of busybox: the guest's modprobe is kmod's, and cannot read
	# what busybox writes.
	depmod -b "$dir" "$release" ||
		die 1 "cannot list the modules of $PACKAGE"
}

# known_kernel KERNEL: find a kernel of Debian, and fetch it if it is not here. It is unpacked
# into a temporary directory, which is then moved: it is never there in part.
known_kernel()
{
	local dir=$KERNEL_DIR/$1 tmp

	if [ ! -d "$dir" ]; then
		# "|| die": with -k all, the shell ignores errors here ("set -e" is off).
		{ mkdir -p "$KERNEL_DIR" && tmp=$(mktemp -d "$KERNEL_DIR/$1.XXXXXX"); } ||
			die 1 "cannot write $KERNEL_DIR"
		TO_REMOVE+=("$tmp")
		fetch_kernel "$1" "$tmp"
		# Another vmtest.sh may have been faster.
		mv -T "$tmp" "$dir" 2>/dev/null || [ -d "$dir" ] ||
			die 1 "cannot write $dir"
	fi
	IMAGE=$(echo "$dir"/boot/vmlinuz-*)
	MODULES=$(echo "$dir"/lib/modules/*)
	RELEASE=${MODULES##*/}
}

# own_kernel IMAGE [MODULES]: find a bzImage of the user. Its modules are looked for
# where a package or "make modules_install" puts them.
own_kernel()
{
	local dir

	[ -r "$1" ] || die 1 "cannot read $1"
	RELEASE=$(image_release "$1") || RELEASE=
	[ -n "$RELEASE" ] || die 1 "$1 is no bzImage of Linux for x86, and no Image for arm64"
	IMAGE=$(realpath "$1")
	MODULES=$2
	[ -n "$MODULES" ] || for dir in "${IMAGE%/*}/.." ""; do
		MODULES=$dir/lib/modules/$RELEASE
		[ ! -d "$MODULES" ] || break
	done
	[ -d "$MODULES" ] ||
		die 1 "no modules of $RELEASE in $MODULES" "$PROG -k $1 --modules DIR"
	MODULES=$(realpath "$MODULES")
	[ "${MODULES##*/}" = "$RELEASE" ] ||
		die 1 "$1 is $RELEASE, but $MODULES is ${MODULES##*/}" "$PROG --help"
	[ -r "$MODULES/modules.dep" ] ||
		die 1 "$MODULES has no modules.dep" \
			"depmod -b ${MODULES%/lib/modules/*} $RELEASE"
}

# check_kernel KERNEL MODULES: exit if the options -k and -m make no sense. This needs nothing
# that a machine may lack.
check_kernel()
{
	case $1 in
	*/*) return ;;
	esac
	[[ " $KNOWN_KERNELS all " = *" $1 "* ]] ||
		usage_error "unknown kernel '$1' (known: $KNOWN_KERNELS, all, or a path)"
	[ -z "$2" ] || usage_error "--modules is for the path of a bzImage"
}

# find_kernel KERNEL [MODULES]: set IMAGE, MODULES and RELEASE.
find_kernel()
{
	case $1 in
	*/*) own_kernel "$1" "$2" ;;
	*) known_kernel "$1" ;;
	esac
}
