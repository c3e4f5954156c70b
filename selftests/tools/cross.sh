#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds for other machines: arm64, whose programs run here in emulation, and s390, which
# is big-endian: all BPF programs are compiled for it, and tests of the headers in include/
# run in emulation.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
require_tools make clang od
require_sources
[ -n "$NBT_LIST" ] || KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"

unset O ARCH CROSS_COMPILE

ARM64=aarch64-linux-gnu-
S390=s390x-linux-gnu-
SYSROOTS=$NETBPF_TOP/.sysroot

# need TOOL PACKAGE: skip the test if TOOL is missing.
need()
{
	have "$1" || skip "not installed: $1 (package $2, scripts/setup.sh --all)"
}

# cross OUT ARCH PREFIX ARGUMENT...: run make for ARCH into $TMP/OUT. Tools that run on this
# machine are taken from the build that exists.
cross()
{
	local built=()

	built_bpftool built
	[ -n "$3" ] || built_libbpf built
	make -C "$NETBPF_TOP" -j "$(nproc)" KSRC="$KSRC" O="$TMP/$1" ARCH="$2" \
		CROSS_COMPILE="$3" "${built[@]}" "${@:4}"
}

need_arm64()
{
	need "${ARM64}gcc" gcc-aarch64-linux-gnu
	[ -d "$SYSROOTS/arm64" ] || skip "no libraries for arm64 (scripts/sysroot.sh arm64)"
	[ -e "$KSRC/arch/arm64" ] || skip "no arch/arm64 in $KSRC (scripts/setup.sh)"
}

# arm64_built: build the samples for arm64, when the first test needs them.
arm64_built()
{
	need_arm64
	expect_status 0 cross arm64 arm64 "$ARM64" samples
}

need_s390()
{
	need "${S390}gcc" gcc-s390x-linux-gnu
	[ -e /usr/s390x-linux-gnu/include/stdio.h ] ||
		skip "not installed: libc6-dev-s390x-cross (scripts/setup.sh --all)"
}

# elf FILE: print class, byte order and machine of an ELF file, in hexadecimal.
elf()
{
	od -An -tx1 -j4 -N2 "$1" | tr -d ' \n'
	od -An -tx1 -j18 -N2 "$1"
}

test_arm64_samples_are_built()
{
	local name

	arm64_built
	for name in $(sample_names); do
		expect_eq "samples/$name" "$(elf "$TMP/arm64/samples/$name")" "0201 b7 00"
	done
}

# BPF objects are the same for all machines of the same byte order, but for tcpconnect, which
# reads registers of the machine.
test_arm64_bpf_objects_are_those_of_this_machine()
{
	local name

	[ "$(elf /proc/self/exe | cut -c1-4)" = 0201 ] || skip "this machine is of the other byte order"
	arm64_built
	expect_status 0 cross here '' '' -C samples bpf
	for name in $(sample_names); do
		[ "$name" != tcpconnect ] || continue
		cmp "$TMP/here/samples/${name}_kern.o" "$TMP/arm64/samples/${name}_kern.o" >&2 ||
			fail "${name}_kern.o is another for arm64"
	done
}

# They must print the same as the samples of this machine, except for the path by which each
# was called.
test_arm64_samples_run()
{
	local name option

	arm64_built
	need qemu-aarch64-static qemu-user-static
	for name in $(sample_names); do
		for option in --version --help; do
			expect_status 0 qemu-aarch64-static -L "$SYSROOTS/arm64" \
				"$TMP/arm64/samples/$name" "$option"
			sed -i "s|$TMP/arm64/samples/|$NETBPF_OUT/samples/|g" "$OUT_FILE"
			"$(sample "$name")" "$option" | diff - "$OUT_FILE" >&2 ||
				fail "$name $option is another on arm64"
		done
	done
}

test_s390_bpf_objects_are_big_endian()
{
	local source object

	need_s390
	expect_status 0 cross s390 s390 "$S390" bpf
	for source in "$NETBPF_TOP"/samples/*_kern.c "$NETBPF_TOP"/selftests/*/*_kern.c; do
		object=${source#"$NETBPF_TOP"/}
		object=${object%.c}.o
		expect_eq "$object" "$(elf "$TMP/s390/$object")" "0202 00 f7"
	done
}

# native NAME: run a test of headers on this machine and on s390. It must pass, with the same
# results. A packet has the same bytes on both machines; numbers in registers are swapped.
native()
{
	need_s390
	need qemu-s390x-static qemu-user-static
	expect_status 0 cross here '' '' -C selftests native
	expect_status 0 cross s390 s390 "$S390" -C selftests native
	expect_eq "$1" "$(elf "$TMP/s390/selftests/headers/native/$1")" "0202 00 16"
	expect_status 0 "$TMP/here/selftests/headers/native/$1"
	grep -E '^(not )?ok ' "$OUT_FILE" >"$TMP/$1.here"
	expect_match "$TMP/$1.here" '^ok 1 '
	expect_status 0 qemu-s390x-static "$TMP/s390/selftests/headers/native/$1"
	grep -E '^(not )?ok ' "$OUT_FILE" >"$TMP/$1.s390"
	diff "$TMP/$1.here" "$TMP/$1.s390" >&2 || fail "other results than on this machine"
	expect_no_match "$TMP/$1.s390" '^not ok|SKIP'
	diag "$(wc -l <"$TMP/$1.s390") results"
}

test_checksums_in_the_other_byte_order()
{
	native pkt_csum_test
}

test_parsing_in_the_other_byte_order()
{
	native pkt_parse_test
	native pkt_parse_ipv6_test
	native pkt_parse_random_test
}

test_echo_in_the_other_byte_order()
{
	native pkt_echo_test
}

test_a_missing_compiler_is_named_with_its_package()
{
	expect_status 2 cross none arm64 none-linux-gnu- samples
	expect_err 'none-linux-gnu-gcc is missing: scripts/setup.sh installs it \(package gcc-none-linux-gnu\)'
}

test_a_missing_library_is_named_with_its_cure()
{
	need "${ARM64}gcc" gcc-aarch64-linux-gnu
	mkdir "$TMP/empty"
	expect_status 2 cross none arm64 "$ARM64" SYSROOT="$TMP/empty" samples
	expect_err 'h> is missing: scripts/sysroot.sh arm64 unpacks it \(package [a-z0-9-]+ of that'
}

test_sysroot_help_and_usage()
{
	expect_status 0 "$NETBPF_TOP/scripts/sysroot.sh" --help
	expect_out '^Examples:'
	expect_status 2 "$NETBPF_TOP/scripts/sysroot.sh"
	expect_err 'which ARCH'
	expect_status 2 "$NETBPF_TOP/scripts/sysroot.sh" --none arm64
	expect_status 3 "$NETBPF_TOP/scripts/sysroot.sh" --check nothing
	expect_err 'no libraries for nothing'
	expect_err 'scripts/sysroot.sh nothing$'
}

# stand_in_apt: make an apt-get in $BIN that notes its arguments and, when it is to install
# something, downloads a package with a program in bin/ and with the files that base packages
# have.
stand_in_apt()
{
	local tree=$TMP/package

	BIN=$(mktemp -d "$TMP/bin.XXXXXX")
	mkdir -p "$tree"/{DEBIAN,etc,bin,usr/share/base-passwd,usr/share/libc-bin}
	printf '%s\n' 'Package: made-up' 'Version: 1' 'Architecture: arm64' \
		'Maintainer: nobody' 'Description: for a test' >"$tree/DEBIAN/control"
	echo the program >"$tree/bin/program"
	echo root:x:0:0 >"$tree/usr/share/base-passwd/passwd.master"
	echo root:x:0: >"$tree/usr/share/base-passwd/group.master"
	echo passwd: files >"$tree/usr/share/libc-bin/nsswitch.conf"
	dpkg-deb --root-owner-group -b "$tree" "$BIN/made-up.deb" >/dev/null
	cat >"$BIN/apt-get" <<-'END'
		#!/bin/bash
		here=$(dirname "$0")
		echo "$*" >>"$here/calls"
		[[ " $* " = *" install "* ]] || exit 0
		[[ " $* " =~ " Dir::Cache="([^ ]+) ]]
		cp "$here/made-up.deb" "${BASH_REMATCH[1]}/archives/"
	END
	chmod +x "$BIN/apt-get"
}

test_root_has_the_programs()
{
	need dpkg-deb dpkg
	stand_in_apt
	expect_status 0 env PATH="$BIN:$PATH" "$NETBPF_TOP/scripts/sysroot.sh" \
		--root "$TMP/guest/root" arm64
	expect_match "$BIN/calls" 'APT::Architecture=arm64 .* install .*\?essential.* busybox-static'
	expect_match "$BIN/calls" ' install .* iproute2 .* procps '
	# A program of bin/ is in usr/bin/, to which the link bin leads.
	expect_eq "bin" "$(readlink "$TMP/guest/root/bin")" usr/bin
	expect_eq "program" "$(cat "$TMP/guest/root/usr/bin/program")" "the program"
	expect_match "$TMP/guest/root/etc/passwd" '^root:'
	expect_match "$TMP/guest/root/etc/passwd" '^tcpdump:'
	expect_match "$TMP/guest/root/etc/hosts" localhost
	expect_eq "left behind" "$(ls -A "$TMP/guest")" root
	expect_status 0 env PATH="$BIN:$PATH" "$NETBPF_TOP/scripts/sysroot.sh" \
		--root "$TMP/guest/root" arm64
	expect_err "there already: $TMP/guest/root"
	expect_status 2 "$NETBPF_TOP/scripts/sysroot.sh" --root
	expect_err 'needs a directory'
}

# The compilers are larger than the rest: only on request.
test_root_has_what_builds_samples()
{
	need dpkg-deb dpkg
	stand_in_apt
	expect_status 0 env PATH="$BIN:$PATH" "$NETBPF_TOP/scripts/sysroot.sh" \
		--root "$TMP/guest/plain" arm64
	expect_no_match "$BIN/calls" ' install .* clang'
	expect_status 0 env PATH="$BIN:$PATH" "$NETBPF_TOP/scripts/sysroot.sh" \
		--root "$TMP/guest/building" --build arm64
	expect_match "$BIN/calls" ' install .* clang .* gcc .* libelf-dev .* procps .*python3 '
	expect_status 2 "$NETBPF_TOP/scripts/sysroot.sh" --build arm64
	expect_err '--build is for --root'
}

run_tests test_arm64_samples_are_built test_arm64_bpf_objects_are_those_of_this_machine \
	test_arm64_samples_run test_s390_bpf_objects_are_big_endian \
	test_checksums_in_the_other_byte_order test_parsing_in_the_other_byte_order \
	test_echo_in_the_other_byte_order test_a_missing_compiler_is_named_with_its_package \
	test_a_missing_library_is_named_with_its_cure test_sysroot_help_and_usage \
	test_root_has_the_programs test_root_has_what_builds_samples
