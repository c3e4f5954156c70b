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

# The kernels that can be fetched.
readonly KNOWN_KERNELS='6.1 6.12'

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
#	APT              the options that make apt look for packages of that architecture
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

# read_lists: let apt read its package lists again.
read_lists()
{
	apt-get "${APT[@]}" update >/dev/null 2>&1 </dev/null || :
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

# real_package VERSION: print the package that holds the newest kernel VERSION, or nothing.
# apt-cache fails if it does not know a package.
real_package()
{
	local package

	for package in $KERNEL_PACKAGES; do
		{ apt-cache "${APT[@]}" depends "$package" 2>/dev/null || :; } |
			sed -n "s/^ *Depends: \(linux-image-${1//./\\.}\.[0-9][^ ]*\)$/\1/p"
	done | sort -V | tail -n 1
}

# download PACKAGE DIR: download it into DIR. If apt-get runs as root, it downloads as another
# user, who may not enter DIR: the option keeps it root.
download()
{
	(cd "$2" && apt-get -qq "${APT[@]}" -o APT::Sandbox::User=root download "$1") \
		>"$2/log" 2>&1 </dev/null
}

# fetch_kernel VERSION DIR: put boot/ and lib/modules/ of that kernel into DIR.
fetch_kernel()
{
	local version=$1 dir=$2 package

	if ! have apt-get || ! have dpkg; then
		die 3 "Linux $version comes as a package of Debian, and this is not Debian" \
			"give the path of a bzImage: $PROG -k PATH --modules DIR"
	fi
	[ -z "$FOREIGN" ] || foreign_apt "$(debian_arch "$FOREIGN")" "$dir/apt"
	package=$(real_package "$version")
	if [ -z "$package" ] && { [ -n "$FOREIGN" ] || [ "$(id -u)" -eq 0 ]; }; then
		note "reading package lists"
		read_lists
		package=$(real_package "$version")
	fi
	[ -n "$package" ] ||
		die 3 "no package on offer here has Linux $version" "apt-get update"
	note "fetching $package"
	if ! download "$package" "$dir"; then
		# The package may have been replaced since the lists were read.
		read_lists
		package=$(real_package "$version")
		if ! download "$package" "$dir"; then
			cat "$dir/log" >&2
			die 1 "cannot fetch $package" "apt-get update, then run this again"
		fi
	fi
	dpkg -x "$dir"/*.deb "$dir" || die 1 "cannot unpack $package"
	rm -rf "$dir"/*.deb "$dir/log" "$dir/apt"
	# Packages of later Debian releases have lib/modules in usr/lib.
	[ -d "$dir/lib/modules" ] || ln -s usr/lib "$dir/lib"
	# Use depmod of kmod, not of busybox: the guest's modprobe is kmod's, and cannot read
	# what busybox writes.
	depmod -b "$dir" "$(ls "$dir/lib/modules")" ||
		die 1 "cannot list the modules of $package"
}

# known_kernel VERSION: find a kernel of Debian, and fetch it if it is not here. It is unpacked
# into a temporary directory, which is then moved: it is never there in part.
known_kernel()
{
	local dir=$KERNEL_DIR/$1 tmp

	if [ ! -d "$dir" ]; then
		mkdir -p "$KERNEL_DIR"
		tmp=$(mktemp -d "$KERNEL_DIR/$1.XXXXXX")
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
