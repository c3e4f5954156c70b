#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make deb-pkg": builds a Debian package of the last commit, in a clean tree below the
# build directory.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

usage()
{
	cat <<'USAGE'
Usage: deb-pkg.sh [-h]

Builds a Debian package of the last commit and puts it into build/deb/, or into
build/deb/ below O=. "make deb-pkg" calls this.

Environment:
  O=DIR     output directory
  KSRC=DIR  kernel tree to build from

Examples:
  make deb-pkg && sudo dpkg -i build/deb/netbpf_*.deb

Exit status: 0 done, 1 failed, 2 usage, 3 a tool is missing.
USAGE
}

# need TOOL PACKAGE: exit if TOOL is missing.
need()
{
	have "$1" || die 3 "$1 is missing" "scripts/setup.sh --all (package $2)"
}

main()
{
	local out=$NETBPF_OUT/build/deb tree

	case ${1:-} in
	'') ;;
	-h | --help) usage; exit 0 ;;
	*) usage_error "unknown argument: $1" ;;
	esac
	need dpkg-buildpackage dpkg-dev
	need dh debhelper
	need fakeroot fakeroot
	KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || exit
	export KSRC

	tree=$out/netbpf
	rm -rf "$out"
	mkdir -p "$tree"
	git -C "$NETBPF_TOP" archive HEAD | tar -C "$tree" -xf - ||
		die 1 "cannot take the last commit" "git -C $NETBPF_TOP log -1"
	cd "$tree"
	# Variables of a make that called this script must not reach the build of the package.
	unset O MAKEFLAGS MFLAGS MAKEOVERRIDES DESTDIR prefix
	# -d: do not check build dependencies, because KSRC replaces linux-source.
	if ! dpkg-buildpackage -b -d -us -uc -j"$(nproc)" >"$out/log" 2>&1; then
		tail -n 30 "$out/log" >&2
		die 1 "dpkg-buildpackage failed" "less $out/log"
	fi
	rm -rf "$tree"
	ls "$out"/*.deb
}

main "$@"
