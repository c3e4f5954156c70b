#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Functions for tests that build; a test sources this file after lib.sh.

# If make runs the tests, its variables must not reach the makes that a test starts.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES OUTPUT

# copy_sources DIR: copy this tree to DIR, without what was built in the tree.
copy_sources()
{
	mkdir -p "$1"
	tar -C "$NETBPF_TOP" -cf - --exclude='*.o' --exclude='*.d' --exclude='*.a' \
		Documentation Makefile README.rst exercises include samples scripts selftests |
		tar -C "$1" -xf -
	make -C "$1" clean >/dev/null
}

# built_from KSRC FILE: true if FILE exists and was built from the kernel tree KSRC.
built_from()
{
	[ -e "$2" ] && [ "$(<"$NETBPF_OUT/build/toolchain.ksrc")" = "$1" ]
}

# built_bpftool VAR: add "BPFTOOL=PATH" to the array VAR if bpftool was already built from
# the kernel tree KSRC, so that make does not build it again.
built_bpftool()
{
	local -n __bpftool=$1
	local bpftool=$NETBPF_OUT/build/bpftool/bootstrap/bpftool

	! built_from "$KSRC" "$bpftool" || __bpftool+=("BPFTOOL=$bpftool")
}

# built_libbpf VAR: add "LIBBPF_DIR=PATH" to the array VAR if libbpf was already built from
# the kernel tree KSRC.
built_libbpf()
{
	local -n __libbpf=$1
	local dir=$NETBPF_OUT/build/libbpf

	! built_from "$KSRC" "$dir/libbpf.a" || __libbpf+=("LIBBPF_DIR=$dir")
}
