#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build everything with each compiler that is installed, where a warning is an error:
# host programs with gcc and clang, BPF programs with each clang.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

readonly OLDEST_GCC=12 OLDEST_CLANG=14
readonly DIR=$NETBPF_OUT/build/matrix

MAKE_ARGS=()
FAILED=0

usage()
{
	cat <<USAGE
Usage: build-matrix.sh [-l] [-h] [COMPILER]... [-- MAKE-ARGUMENT...]

Builds samples, scripts and selftests with WERROR=1, once with each gcc from
$OLDEST_GCC and each clang from $OLDEST_CLANG that is installed, or with those that are named:

  gcc       host programs with gcc, BPF programs with clang, in the tree itself
  clang-N   host programs and BPF programs with clang-N, then host programs with
            gcc around the same BPF programs; in build/matrix/

What is built stays, so that the next run builds only what has changed.

  -l          list the compilers, build nothing
  -h, --help  this text

Environment: O=DIR, what is built there; KSRC=DIR, the kernel tree.

Examples:
  scripts/build-matrix.sh
  scripts/build-matrix.sh clang-19
  scripts/build-matrix.sh gcc clang -- samples

Exit status: 0 all are built, 1 one is not, 2 usage, 3 no such compiler.
USAGE
}

# major COMPILER: print its major version.
major()
{
	"$1" -dumpversion | cut -d. -f1
}

# compilers: print the installed compilers. The compiler without a number in its name comes
# first. The same compiler under its name with a number is left out.
compilers()
{
	local name kind version seen=' '

	for name in gcc clang $(compgen -c | grep -xE '(gcc|clang)-[0-9]+' | sort -uV); do
		have "$name" || continue
		kind=${name%%-*}
		version=$(major "$name")
		case $kind in
		gcc) [ "$version" -ge "$OLDEST_GCC" ] || continue ;;
		clang) [ "$version" -ge "$OLDEST_CLANG" ] || continue ;;
		esac
		[[ $seen != *" $kind-$version "* ]] || continue
		seen+="$kind-$version "
		echo "$name"
	done
}

# build ARGUMENT...: make, with all warnings.
build()
{
	make -C "$NETBPF_TOP" -j "$(nproc)" WERROR=1 "$@" "${MAKE_ARGS[@]}"
}

build_with_gcc()
{
	if [ "$1" = gcc ]; then
		build ${O:+"O=$NETBPF_OUT"}
	else
		build O="$DIR/$1" CC="$1" HOSTCC="$1"
	fi
}

# Use the LLVM tools of the same version if they are installed, or else binutils.
build_with_clang()
{
	local suffix=${1#clang} out=$DIR/$1 tools=(CC="$1" HOSTCC="$1")

	if have "ld.lld$suffix" && have "llvm-ar$suffix"; then
		tools=(LLVM="${suffix:-1}")
	fi
	build O="$out" CLANG="$1" "${tools[@]}" || return
	# For the clang without a number, the row "gcc" has built the host programs with gcc.
	[ "$1" != clang ] || return 0
	have gcc || return 0
	build O="$out" CLANG="$1" CC=gcc LIBBPF_DIR="$out/build/libbpf" \
		BPFTOOL="$out/build/bpftool/bootstrap/bpftool"
}

# row COMPILER: build with COMPILER, and print a line with the result.
row()
{
	local start=$SECONDS log=$DIR/$1.log result=ok

	note "building with $1 ($("$1" -dumpversion))"
	"build_with_${1%%-*}" "$1" >"$log" 2>&1 || result=fail
	if [ "$result" = fail ]; then
		grep -E 'warning:|error:|is missing|\*\*\*' "$log" || tail -n 20 "$log"
		hint "less $log" >&2
		FAILED=1
	fi
	printf '%-4s %-9s %s s\n' "$result" "$1" "$((SECONDS - start))"
}

main()
{
	local list='' name chosen=()

	while [ $# -gt 0 ]; do
		case $1 in
		-l) list=1 ;;
		-h | --help) usage; exit 0 ;;
		--)
			MAKE_ARGS=("${@:2}")
			break
			;;
		gcc | gcc-* | clang | clang-*) chosen+=("$1") ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
	for name in "${chosen[@]}"; do
		have "$name" || die 3 "$name is not installed" "scripts/build-matrix.sh -l"
	done
	[ ${#chosen[@]} -gt 0 ] || mapfile -t chosen < <(compilers)
	[ ${#chosen[@]} -gt 0 ] || die 3 "no compiler is installed" "scripts/setup.sh"
	if [ -n "$list" ]; then
		printf '%s\n' "${chosen[@]}"
		exit 0
	fi
	# Variables of a make that called this script must not reach these builds.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES
	mkdir -p "$DIR"
	for name in "${chosen[@]}"; do
		row "$name"
	done
	exit "$FAILED"
}

main "$@"
