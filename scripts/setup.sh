#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install what the build and the tests of this tree need: packages of the
# distribution (scripts/needs lists them), and the parts of a kernel source tree,
# which are unpacked into .ksrc/.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source=scripts/setup/apt.sh
. "$NETBPF_TOP/scripts/setup/apt.sh"
# shellcheck source=scripts/vmtest/kernel.sh
. "$NETBPF_TOP/scripts/vmtest/kernel.sh"

readonly NEEDS=$NETBPF_TOP/scripts/needs

# The files that are taken from the kernel source package.
readonly KSRC_PARTS='
COPYING Makefile LICENSES scripts include/uapi kernel/bpf
arch/arm64/include/uapi/asm/bpf_perf_event.h
arch/loongarch/include/uapi/asm/bpf_perf_event.h
arch/riscv/include/uapi/asm/bpf_perf_event.h
arch/s390/include/uapi/asm/bpf_perf_event.h
tools/arch tools/bpf tools/build tools/include tools/lib tools/scripts
tools/testing/selftests/Makefile
tools/testing/selftests/gen_kselftest_tar.sh
tools/testing/selftests/kselftest
tools/testing/selftests/kselftest.h
tools/testing/selftests/kselftest_harness.h
tools/testing/selftests/kselftest_install.sh
tools/testing/selftests/kselftest_module.h
tools/testing/selftests/lib.mk
tools/testing/selftests/net/lib.sh
tools/testing/selftests/net/net_helper.sh
tools/testing/selftests/run_kselftest.sh
'

usage()
{
	cat <<USAGE
Usage: $0 [--all] [--check] [-h]

Installs the packages that building and testing netbpf needs, and unpacks the
parts of a kernel source tree that it is built from into .ksrc/.

  --all       also what those need who change this tree: tools of review and
              documentation, more compilers, libFuzzer and valgrind, qemu and
              mmdebstrap for other kernels and fresh systems, what builds for other
              machines (arm64, s390)
  --check     list what is missing and change nothing; exit 3 if anything is
  -h, --help  this text

scripts/needs lists all of it.

Environment:
  NO_INSTALL=1  install no package: list what is missing and exit 3
  KSRC=DIR      use this kernel tree (6.6 or later), unpack none

Examples:
  $0 --check
  sudo $0

Exit status: 0 done, 1 failed, 2 usage, 3 something is missing.
USAGE
}

# has_headers NAME...: true if the compiler finds all of them.
has_headers()
{
	local cc

	for cc in gcc clang; do
		have "$cc" || continue
		if printf '#include <%s>\n' "$@" | "$cc" -E - >/dev/null 2>&1; then
			return 0
		fi
	done
	return 1
}

# has_libfuzzer: true if clang can link libFuzzer. A test whether the file exists would not do:
# its name and directory differ between versions of clang and between machines.
has_libfuzzer()
{
	echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -x c -fsanitize=fuzzer,address -o /dev/null - >/dev/null 2>&1
}

# has_guest ARCH: true if a root and the oldest kernel of ARCH are here. A guest of this
# machine's own architecture has the root of this machine.
has_guest()
{
	[ "$1" != "$(machine_arch)" ] || return 0
	[ -d "$KERNEL_DIR/$1/root" ] && [ -d "$KERNEL_DIR/$1/6.1" ]
}

# unpack_guest ARCH: get both.
unpack_guest()
{
	choose_kernels "$1"
	"$NETBPF_TOP/scripts/sysroot.sh" --root "$KERNEL_DIR/root" "$1"
	known_kernel 6.1
	choose_kernels "$(machine_arch)"
}

# has KIND NAME PACKAGE: true if it is installed; scripts/needs describes the kinds.
has()
{
	case $1 in
	tool) have "$2" ;;
	clang) have "$2" || ! is_offered "$3" ;;
	header) [ -n "$HEADERS_ARE_THERE" ] || has_headers "$2" ;;
	perl) perl "-M$2" -e 1 2>/dev/null ;;
	file) [ -e "$2" ] ;;
	fuzzer) has_libfuzzer ;;
	kernel) [ -d "$KERNEL_DIR/$2" ] || [ -z "$(real_package "$2")" ] ;;
	guest) has_guest "$2" ;;
	sysroot) "$NETBPF_TOP/scripts/sysroot.sh" --check "$2" 2>/dev/null ;;
	*) die 1 "scripts/needs: no kind '$1'" ;;
	esac
}

# package_name PACKAGE: print PACKAGE with the version of the installed clang for -@. Without
# clang, remove -@: Debian's package without a version fits the clang that it would install.
package_name()
{
	local version

	version=$(clang -dumpversion 2>/dev/null) || version=
	echo "${1/-@/${version:+-${version%%.*}}}"
}

# missing: print a line for each need that is not met: PACKAGE NAME PURPOSE.
missing()
{
	local kind name package purpose headers HEADERS_ARE_THERE=

	# Look for all headers at once: one run of the compiler for each would take longer
	# than all the rest.
	mapfile -t headers < <(awk '$1 !~ /^#/ && $2 == "header" { print $3 }' "$NEEDS")
	! has_headers "${headers[@]}" || HEADERS_ARE_THERE=1
	while read -r purpose kind name package; do
		case $purpose in
		'' | '#'*) continue ;;
		build | lab | tests) ;;
		*) [ -n "$ALL" ] || continue ;;
		esac
		has "$kind" "$name" "$package" ||
			echo "$(package_name "$package") $name $purpose"
	done <"$NEEDS"
	has_ksrc || echo "linux-source kernel-source build"
}

list_missing()
{
	local package name purpose

	echo "Missing (package: what it brings, what for):"
	while read -r package name purpose; do
		printf '  %-18s %s, %s\n' "$package:" "$name" "$purpose"
	done <<<"$1"
}

# These files are removed when the script exits, for whatever reason.
TO_REMOVE=()
trap 'rm -rf "${TO_REMOVE[@]}"' EXIT
trap 'exit 130' INT TERM

# has_ksrc: true if there is a kernel tree. A tree in .ksrc/ must have all KSRC_PARTS: an
# older setup.sh may have unpacked fewer.
has_ksrc()
{
	local found part

	found=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null) || return 1
	[ "$found" = "$NETBPF_TOP/.ksrc" ] || return 0
	for part in $KSRC_PARTS; do
		[ -e "$found/$part" ] || return 1
	done
}

# newest_archive: print the newest archive of the linux-source packages that are new enough.
newest_archive()
{
	local archive version

	find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V |
		while read -r archive; do
			version=$(basename "$archive" .tar.xz)
			! new_enough "${version##*-}" || echo "$archive"
		done | tail -n 1
}

# unpack_ksrc: unpack the needed parts of a kernel tree, if there is an archive. They are
# unpacked into a temporary directory, which then becomes .ksrc: it is never there in part.
unpack_ksrc()
{
	local archive top tmp

	archive=$(newest_archive)
	if [ -z "$archive" ] || ! have xz; then
		return 0
	fi
	top=$(basename "$archive" .tar.xz)
	tmp=$(mktemp -d "$NETBPF_TOP/.ksrc.XXXXXX")
	TO_REMOVE+=("$tmp")
	note "unpacking $archive into .ksrc (about 10 seconds)"
	# shellcheck disable=SC2086 # a list of words
	printf "$top/%s\n" $KSRC_PARTS |
		tar -xJf "$archive" -C "$tmp" --strip-components=1 -T - ||
		die 1 "cannot unpack $archive"
	chmod 755 "$tmp"
	rm -rf "$NETBPF_TOP/.ksrc"
	mv "$tmp" "$NETBPF_TOP/.ksrc"
}

# install_missing: install the missing packages. Update the lists first, and make sure that
# there is a kernel tree before anything is installed.
install_missing()
{
	local gaps packages source

	require_root "installing packages"
	update_lists
	gaps=$(missing)
	packages=$(cut -d' ' -f1 <<<"$gaps" | sort -u)
	if grep -qx linux-source <<<"$packages"; then
		source=$(newest_source)
		[ -n "$source" ] || no_source
		packages=${packages/linux-source/$source}
	fi
	packages=$(grep -vxE 'sysroot|kernel|guest' <<<"$packages" || :)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$packages" ] || install_packages $packages
	has_ksrc || unpack_ksrc
	unpack_others "$gaps"
}

# unpack_others GAPS: get what is unpacked, not installed: the missing kernels, sysroots and guests.
unpack_others()
{
	local package name purpose

	while read -r package name purpose; do
		case $package in
		kernel) known_kernel "$name" ;;
		guest) unpack_guest "$name" ;;
		sysroot) "$NETBPF_TOP/scripts/sysroot.sh" "$name" ;;
		esac
	done <<<"$1"
}

main()
{
	local check='' gaps

	ALL=
	while [ $# -gt 0 ]; do
		case $1 in
		--all) ALL=1 ;;
		--check) check=1 ;;
		-h | --help) usage; exit 0 ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done

	if [ -z "$check" ]; then
		# If KSRC is no kernel tree, installing packages does not help.
		[ -z "${KSRC:-}" ] || "$NETBPF_TOP/scripts/ksrc.sh" >/dev/null || exit 1
		has_ksrc || unpack_ksrc
	fi
	gaps=$(missing)
	if [ -z "$gaps" ]; then
		note "nothing is missing"
		exit 0
	fi
	if [ -n "$check" ] || [ -n "${NO_INSTALL:-}" ]; then
		list_missing "$gaps"
		exit 3
	fi
	if ! debian_like; then
		list_missing "$gaps"
		die 3 "this is no Debian: install the list above (names are Debian's)" \
			"then run $0 --check"
	fi

	install_missing
	gaps=$(missing)
	if [ -n "$gaps" ]; then
		list_missing "$gaps"
		die 1 "still missing after the installation"
	fi
	note "ready: the kernel tree is $("$NETBPF_TOP/scripts/ksrc.sh")"
}

main "$@"
