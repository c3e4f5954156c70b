#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CO-RE from an old kernel to a new one: tcpconnect, built with the types of Linux
# 6.1, must report the same on this kernel as tcpconnect that was built with this
# kernel's types. Each run in a guest (scripts/vmtest.sh) shows the other direction,
# because the guest uses the objects that were built here.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
need_root
not_in_guest
require_tools make gcc clang jq curl nsenter xz
KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"
[ -d "$NETBPF_OUT/build/vmtest/6.1" ] ||
	skip "Linux 6.1 is not here (scripts/vmtest.sh -k 6.1 -- true fetches it)"

unset O

# number FILE OFFSET SIZE: print an unsigned number in FILE.
number()
{
	od -An "-tu$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpack_kernel BZIMAGE: write the ELF file in it to stdout. The header of BZIMAGE says where
# the payload is (Documentation/arch/x86/boot.rst). The last 4 bytes of it are a size.
unpack_kernel()
{
	local sectors at size

	sectors=$(number "$1" 497 1)
	at=$(((sectors + 1) * 512 + $(number "$1" 584 4)))
	size=$(number "$1" 588 4)
	dd if="$1" iflag=skip_bytes,count_bytes skip="$at" count="$((size - 4))" bs=1M \
		status=none | xz -dc
}

# build_for VMLINUX DIR: build tcpconnect with the types of VMLINUX, into DIR.
build_for()
{
	local built=()

	built_bpftool built
	built_libbpf built
	make -C "$NETBPF_TOP/samples" -j "$(nproc)" KSRC="$KSRC" O="$2" VMLINUX_BTF="$1" \
		"${built[@]}" tcpconnect >"$TMP/make" 2>&1 || {
		cat "$TMP/make" >&2
		fail "the build failed"
	}
}

setup()
{
	ns_add NS
	unpack_kernel "$NETBPF_OUT"/build/vmtest/6.1/boot/vmlinuz-* >"$TMP/vmlinux"
	build_for "$TMP/vmlinux" "$TMP/old"
}

# result TCPCONNECT: print what it reports about a connection that is refused.
result()
{
	local pid status

	start_sample pid 20 "$1" -n "$NS" -j --limit 1
	in_ns "$NS" curl -s "http://127.0.0.1:9/" || :
	wait_sample "$pid" 20 || fail "status $STATUS"
	jq -S -c 'select(.event == "connect") |
		{comm, uid, family, saddr, daddr, dport, ret}' "$(sample_out "$pid")"
}

test_types_are_those_of_6_1()
{
	# enum tcx_action_base came with 6.6.
	expect_match "$TMP/old/build/include/vmlinux.h" 'struct sock_common \{'
	expect_no_match "$TMP/old/build/include/vmlinux.h" '^enum tcx_action_base'
}

test_loads_and_says_the_same()
{
	local old new

	old=$(result "$TMP/old/samples/tcpconnect")
	new=$(result "$(sample tcpconnect)")
	expect_eq "of the types of 6.1" "$old" "$new"
	[[ $old == *curl*127.0.0.1* ]] || fail "it says: $old"
}

run_tests test_types_are_those_of_6_1 test_loads_and_says_the_same
