#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the path of the kernel source tree that this tree is built against, or say on
# stderr that there is none. Searched in this order:
#
#	1. KSRC from the environment or the make command line
#	2. the kernel tree whose tools/ directory holds this tree, or a link to it
#	   (then only when called from inside of that kernel tree)
#	3. .ksrc/, unpacked by scripts/setup.sh
#	4. a linux-source package of the distribution that is unpacked already
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
PROG=netbpf

# is_ksrc DIR: DIR holds what the build takes from a kernel tree.
is_ksrc()
{
	[ -e "$1/tools/lib/bpf/libbpf.c" ] &&
		[ -e "$1/tools/bpf/bpftool/Makefile" ] &&
		[ -e "$1/tools/scripts/Makefile.include" ] &&
		[ -e "$1/include/uapi/linux/ip.h" ]
}

# packaged: print the trees below /usr/src that somebody has unpacked, the newest first.
packaged()
{
	local dir

	find /usr/src -mindepth 1 -maxdepth 1 -type d -name 'linux-source-*' |
		sort -Vr | while read -r dir; do
			! new_enough "${dir##*-}" || echo "$dir"
		done
}

# linked: print each directory, from the one in which the user called us upwards, whose
# tools/ has a link to this tree. make -C leaves that directory: CALLED_FROM has its path.
linked()
{
	local dir=${CALLED_FROM:-$PWD} link

	while [ -n "${dir#/}" ]; do
		for link in "$dir"/tools/*; do
			[ ! "$link" -ef "$NETBPF_TOP" ] || echo "$dir"
		done
		dir=${dir%/*}
	done
}

find_ksrc()
{
	local dir

	for dir in $(linked) "$NETBPF_TOP/../.." "$NETBPF_TOP/.ksrc" $(packaged); do
		if is_ksrc "$dir"; then
			readlink -f "$dir"
			return 0
		fi
	done
	return 1
}

if [ -n "${KSRC:-}" ]; then
	is_ksrc "$KSRC" ||
		die 1 "KSRC=$KSRC is no kernel source tree of at least $KSRC_OLDEST" \
			"unset KSRC, or run scripts/setup.sh"
	readlink -f "$KSRC"
	exit 0
fi

find_ksrc || die 1 "no kernel source tree (libbpf, bpftool, UAPI headers) found" \
	"scripts/setup.sh, or make KSRC=/path/to/linux"
