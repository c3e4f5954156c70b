#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the tests share that build; a test sources it after lib.sh.

# The variables of the make that may be running us are not for those that a test runs.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES OUTPUT

# copy_sources DIR: this tree, without what is built in it.
copy_sources()
{
	mkdir -p "$1"
	tar -C "$NETBPF_TOP" -cf - --exclude='*.o' --exclude='*.d' --exclude='*.a' \
		Documentation Makefile README.rst include samples scripts selftests |
		tar -C "$1" -xf -
	make -C "$1" clean >/dev/null
}

# built_from KSRC FILE: it is built, from that kernel tree.
built_from()
{
	[ -e "$2" ] && [ "$(<"$NETBPF_OUT/build/toolchain.ksrc")" = "$1" ]
}

# built_bpftool VAR: adds what tells make to take the bpftool that is built already, from
# the kernel tree KSRC, to an array. Adds nothing where none is.
built_bpftool()
{
	local -n __bpftool=$1
	local bpftool=$NETBPF_OUT/build/bpftool/bootstrap/bpftool

	! built_from "$KSRC" "$bpftool" || __bpftool+=("BPFTOOL=$bpftool")
}

# built_libbpf VAR: the same for libbpf.
built_libbpf()
{
	local -n __libbpf=$1
	local dir=$NETBPF_OUT/build/libbpf

	! built_from "$KSRC" "$dir/libbpf.a" || __libbpf+=("LIBBPF_DIR=$dir")
}
