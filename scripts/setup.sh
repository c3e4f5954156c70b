#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bring what the build and the tests of this tree need: packages of the
# distribution, and the parts of a kernel source tree, unpacked into .ksrc/.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

# What is needed, a line each: KIND NAME PACKAGE PURPOSE.
#	tool    a command on PATH
#	header  a C header that the compiler finds
#	runtime a library that clang links in
#	sysroot the libraries of the build for that ARCH (scripts/sysroot.sh)
# Those for review and cross builds only --all installs.
readonly NEEDS='
tool   make       make              build
tool   gcc        gcc               build
tool   clang      clang             build
header stdio.h    libc6-dev         build
header gelf.h     libelf-dev        build
header zlib.h     zlib1g-dev        build
header pcap.h     libpcap-dev       build
header cyaml/cyaml.h    libcyaml-dev          build
header yaml.h     libyaml-dev       build
header libmnl/libmnl.h  libmnl-dev            build
header curl/curl.h      libcurl4-openssl-dev  build
tool   xz         xz-utils          build
tool   ip         iproute2          lab
tool   tc         iproute2          lab
tool   ethtool    ethtool           lab
tool   ping       iputils-ping      lab
tool   curl       curl              lab
tool   nginx      nginx-light       lab
tool   nsenter    util-linux        lab
tool   tcpdump    tcpdump           lab
tool   jq         jq                tests
tool   nft        nftables          tests
tool   wrk        wrk               tests
tool   setpriv    util-linux        tests
tool   rsync      rsync             tests
tool   haproxy    haproxy           bench
tool   iperf3     iperf3            bench
tool   perl       perl              review
tool   shellcheck shellcheck        review
tool   codespell  codespell         review
tool   sparse     sparse            review
tool   rst2man    python3-docutils  review
tool   sphinx-build  python3-sphinx  review
tool   mandoc     mandoc            review
tool   dh         debhelper         review
tool   lintian    lintian           review
tool   dpkg-buildpackage  dpkg-dev  review
tool   fakeroot   fakeroot          review
tool   clang-19   clang-19          review
runtime  libclang_rt.fuzzer-x86_64.a  libclang-rt-14-dev  review
tool   valgrind   valgrind          review
tool   aarch64-linux-gnu-gcc  gcc-aarch64-linux-gnu   cross
tool   s390x-linux-gnu-gcc    gcc-s390x-linux-gnu     cross
file   /usr/s390x-linux-gnu/include/stdio.h  libc6-dev-s390x-cross  cross
tool   qemu-s390x-static      qemu-user-static        cross
sysroot arm64     sysroot           cross
tool   qemu-system-x86_64 qemu-system-x86  vm
tool   busybox    busybox-static    vm
'

# What is taken from the kernel source package.
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
Usage: setup.sh [--all] [--check] [-h]

Installs the packages that building and testing netbpf needs, and unpacks the
parts of a kernel source tree that it is built from into .ksrc/.

  --all       also the tools of review, documentation and CI (checkpatch, shellcheck,
              Sphinx, clang-19), of vmtest.sh (qemu), and what builds for other
              machines (arm64, s390)
  --check     list what is missing and change nothing; exit 3 if anything is
  -h, --help  this text

Environment:
  NO_INSTALL=1  install no package: list what is missing and exit 3
  KSRC=DIR      use this kernel tree, unpack none

Examples:
  scripts/setup.sh --check
  sudo scripts/setup.sh

Exit status: 0 done, 1 failed, 2 usage, 3 something is missing.
USAGE
}

# has_headers NAME...: the compiler finds all of them.
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

has()
{
	case $1 in
	tool) have "$2" ;;
	header) [ -n "$HEADERS_ARE_THERE" ] || has_headers "$2" ;;
	runtime) [ -e "$(clang -print-file-name="$2" 2>/dev/null)" ] ;;
	sysroot) "$NETBPF_TOP/scripts/sysroot.sh" --check "$2" 2>/dev/null ;;
	esac
}

# missing: a line for each need that is not met: PACKAGE NAME PURPOSE.
missing()
{
	local kind name package purpose headers HEADERS_ARE_THERE=

	# A run of the compiler for each takes longer than all the rest.
	mapfile -t headers < <(sed -n 's/^header *\([^ ]*\) .*/\1/p' <<<"$NEEDS")
	! has_headers "${headers[@]}" || HEADERS_ARE_THERE=1
	while read -r kind name package purpose; do
		[ -n "$kind" ] || continue
		case $purpose in
		bench | review | cross | vm) [ -n "$ALL" ] || continue ;;
		esac
		has "$kind" "$name" || echo "$package $name $purpose"
	done <<<"$NEEDS"
	has_ksrc || echo "linux-source kernel-source build"
}

# debian_like: packages are installed with apt-get here.
debian_like()
{
	local ID='' ID_LIKE=''

	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	case " $ID $ID_LIKE " in
	*' debian '* | *' ubuntu '*) have apt-get ;;
	*) return 1 ;;
	esac
}

list_missing()
{
	local package name purpose

	echo "Missing (package: what it brings, what for):"
	while read -r package name purpose; do
		printf '  %-18s %s, %s\n' "$package:" "$name" "$purpose"
	done <<<"$1"
}

# What to remove when this ends, however it ends.
TO_REMOVE=()
trap 'rm -rf "${TO_REMOVE[@]}"' EXIT
trap 'exit 130' INT TERM

# Packages that start a daemon when they are installed (nginx) must not: the
# lab runs its own. Debian asks policy-rc.d, 101 forbids the start.
readonly POLICY=/usr/sbin/policy-rc.d

forbid_daemons()
{
	[ ! -e "$POLICY" ] || return 0
	TO_REMOVE+=("$POLICY")
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

# newest_source: the newest linux-source package on offer, at least 6.6.
newest_source()
{
	apt-cache pkgnames linux-source- | grep -E '^linux-source-[0-9]+\.[0-9]+(\.[0-9]+)?$' |
		while read -r package; do
			printf '%s\n' 6.6 "${package##*-}" | sort -VC && echo "$package"
		done | sort -V | tail -n 1
}

# install_packages NAMES...
install_packages()
{
	local log

	log=$(mktemp)
	note "installing: $*"
	forbid_daemons
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		die 1 "apt-get could not install: $* (log: $log)" \
			"apt-get update, then run this again"
	fi
	rm -f "$log"
}

update_lists()
{
	note "reading package lists"
	apt-get update >/dev/null 2>&1 </dev/null ||
		note "apt-get update failed: going on with the lists that are here"
}

# has_ksrc: a kernel tree is here; that in .ksrc/ must have all the parts, for
# an older setup.sh may have unpacked fewer.
has_ksrc()
{
	local found part

	found=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null) || return 1
	[ "$found" = "$NETBPF_TOP/.ksrc" ] || return 0
	for part in $KSRC_PARTS; do
		[ -e "$found/$part" ] || return 1
	done
}

# unpack_ksrc: the needed parts of the newest linux-source archive, if one is
# here. Unpacked aside and moved, so that .ksrc is whole or absent.
unpack_ksrc()
{
	local archive top tmp

	archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -n 1)
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

install_missing()
{
	local packages

	require_root "installing packages"
	packages=$(cut -d' ' -f1 <<<"$1" | sort -u)
	update_lists
	if grep -qx linux-source <<<"$packages"; then
		packages="$(grep -vx linux-source <<<"$packages") $(newest_source)"
	fi
	packages=$(grep -vx sysroot <<<"$packages" || :)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$packages" ] || install_packages $packages
}

# unpack_sysroots GAPS: those that are missing.
unpack_sysroots()
{
	local package arch purpose

	while read -r package arch purpose; do
		[ "$package" != sysroot ] || "$NETBPF_TOP/scripts/sysroot.sh" "$arch"
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

	[ -n "$check" ] || has_ksrc || unpack_ksrc
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
		die 3 "this is not Debian or Ubuntu: install the list above (names are Debian's)" \
			"then run $0 --check"
	fi

	install_missing "$gaps"
	has_ksrc || unpack_ksrc
	unpack_sysroots "$gaps"
	gaps=$(missing)
	if [ -n "$gaps" ]; then
		list_missing "$gaps"
		die 1 "still missing after the installation"
	fi
	note "ready: the kernel tree is $("$NETBPF_TOP/scripts/ksrc.sh")"
}

main "$@"
