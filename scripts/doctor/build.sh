#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rows about what the build and the lab need to have installed.

readonly SETUP=$NETBPF_TOP/scripts/setup.sh

check_clang()
{
	local clang=${CLANG:-clang} version major

	if ! have "$clang"; then
		row clang fail "no $clang: BPF programs cannot be built" "$SETUP"
		return
	fi
	version=$("$clang" -dumpversion 2>/dev/null)
	major=${version%%.*}
	if ! echo 'int f(void *ctx) { return !ctx; }' |
		"$clang" -target bpf -O2 -g -c -x c - -o "$TMP/bpf.o" 2>"$TMP/err" ||
		[ ! -s "$TMP/bpf.o" ]; then
		row clang fail "$clang $version makes no BPF objects: $(head -n 1 "$TMP/err")" \
			"$SETUP, or CLANG=clang-19"
	elif [[ ! $major =~ ^[0-9]+$ ]] || [ "$major" -lt 14 ]; then
		row clang warn "$clang $version: 14 and later are tested" "CLANG=clang-19"
	else
		row clang ok "$clang $version, makes BPF objects"
	fi
}

check_cc()
{
	local cc=${CC:-gcc}

	if ! have "$cc"; then
		row compiler fail "no $cc: loaders cannot be built" "$SETUP"
	elif "$cc" -x c - -lelf -lz -lmnl -o "$TMP/host" 2>"$TMP/err" <<-'C'
		#include <gelf.h>
		#include <zlib.h>
		#include <libmnl/libmnl.h>
		int main(void)
		{
			return !elf_version(EV_CURRENT) || !zlibVersion() ||
			       !mnl_socket_open(0);
		}
	C
	then
		row compiler ok "$cc $("$cc" -dumpversion), with libelf, zlib and libmnl"
	else
		row compiler fail "$cc cannot build with libelf, zlib and libmnl: $(head -n 1 "$TMP/err")" \
			"$SETUP"
	fi
}

check_ksrc()
{
	local dir

	if dir=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null); then
		row "kernel tree" ok "$dir"
	else
		row "kernel tree" fail "none: libbpf and bpftool come from it" \
			"$SETUP, or KSRC=/path/to/linux"
	fi
}

SETUP_LIST=		# what setup.sh lists as missing: "  package:  name, purpose"
SETUP_STATUS=		# its exit status; empty before it has run

ask_setup()
{
	[ -z "$SETUP_STATUS" ] || return 0
	SETUP_LIST=$("$SETUP" --check 2>/dev/null)
	SETUP_STATUS=$?
}

# build_lacks: true if setup.sh must install or unpack something before anything can be built.
build_lacks()
{
	ask_setup
	grep -q ', build$' <<<"$SETUP_LIST" || ! "$NETBPF_TOP/scripts/ksrc.sh" >/dev/null 2>&1
}

check_setup()
{
	local names

	[ -x "$SETUP" ] || return 0
	ask_setup
	names=$(sed -n 's/^ .*: *\(.*\), [a-z]*$/\1/p' <<<"$SETUP_LIST" | paste -sd ' ')
	if [ "$SETUP_STATUS" -eq 0 ]; then
		row set-up ok "nothing is missing"
	elif [ "$SETUP_STATUS" -ne 3 ]; then
		row set-up warn "setup.sh --check ended with status $SETUP_STATUS" \
			"$SETUP --check"
	elif grep -q ', build$' <<<"$SETUP_LIST"; then
		row set-up fail "missing: $names" "$SETUP"
	else
		row set-up warn "missing, but not for the build: $names" "$SETUP"
	fi
}

check_build()
{
	group build
	check_clang
	check_cc
	check_ksrc
	check_setup
}

# check_tools STATUS TEXT TOOL...: print a row for each TOOL. If a tool is missing, its row
# has STATUS and TEXT.
check_tools()
{
	local tool

	for tool in "${@:3}"; do
		if have "$tool"; then
			row "$tool" ok "$(command -v "$tool")"
		else
			row "$tool" "$1" "not installed: $2" "$SETUP"
		fi
	done
}

check_lab()
{
	group lab
	check_tools fail "no lab" ip nsenter
	check_tools warn "some demos and tests need it" tc ethtool ping curl jq nginx tcpdump
}
