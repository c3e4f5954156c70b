#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Kernels that scripts/vmtest.sh fetches: from which release of Debian, and what is made of their
# packages. apt and qemu are stand-ins: nothing is fetched, and no guest boots.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest

VMTEST=$NETBPF_TOP/scripts/vmtest.sh
[ -x "$VMTEST" ] || skip "scripts/vmtest.sh is not here"
[ "$(uname -m)" = x86_64 ] || skip "the stand-ins are made for x86_64"
require_tools dpkg-deb dpkg depmod xz busybox

readonly MIRROR=http://mirror.invalid/debian/
readonly RELEASE=9.9.1+deb99-amd64

# deb NAME: make $TMP/debs/NAME.deb of the files in $TMP/NAME.
deb()
{
	mkdir -p "$TMP/$1/DEBIAN" "$TMP/debs"
	printf '%s\n' "Package: $1" 'Version: 1' 'Architecture: all' 'Maintainer: x' 'Description: x' \
		>"$TMP/$1/DEBIAN/control"
	dpkg-deb -b "$TMP/$1" "$TMP/debs/$1.deb" >&2
}

# debs: make the packages of a kernel, in the form that they have since Linux 7.3.
debs()
{
	local modules

	deb "linux-image-$RELEASE"
	modules=$TMP/linux-binary-$RELEASE/usr/lib/modules/$RELEASE
	mkdir -p "$modules"
	echo "a kernel" >"$modules/vmlinuz"
	echo "its configuration" >"$modules/config"
	deb "linux-binary-$RELEASE"
	modules=$TMP/linux-modules-$RELEASE/usr/lib/modules/$RELEASE
	mkdir -p "$modules/kernel"
	: >"$modules/modules.order"
	printf 'kernel/%s.ko\n' virtio_pci virtio_console 9pnet_virtio 9p overlay \
		>"$modules/modules.builtin"
	deb "linux-modules-$RELEASE"
}

# stand_in TOOL: the script on stdin runs in place of TOOL.
stand_in()
{
	{ echo '#!/bin/bash'; cat; } >"$BIN/$1"
	chmod +x "$BIN/$1"
}

# begin: begin a case with nothing fetched. Make BIN, with an apt that offers one kernel once it
# has read the lists, and a qemu that keeps its command line; the guest is lost. The file "update"
# has what "apt-get update" prints.
begin()
{
	BIN=$TMP/bin
	rm -rf "${TMP:?}"/*
	mkdir "$BIN"
	: >"$TMP/update"
	debs
	stand_in apt-get <<-END
		printf '%s\n' "\$*" >>$TMP/calls
		for arg; do
			case \$arg in
			indextargets) cat $TMP/mirror; exit ;;
			Dir::Etc::sourcelist=*) cp "\${arg#*=}" $TMP/sources ;;
			update) touch $TMP/lists; cat $TMP/update; exit ;;
			download) got=1 ;;
			linux-*) [ -z "\$got" ] || cp $TMP/debs/"\$arg".deb . || exit ;;
			esac
		done
	END
	stand_in apt-cache <<-END
		[ -e $TMP/lists ] || exit 100
		case \${!#} in
		linux-image-amd64 | linux-image-arm64)
			printf '  Depends: %s\n' linux-base-x linux-image-$RELEASE linux-modules-x ;;
		linux-image-$RELEASE)
			printf '  PreDepends: linux-base\n |Depends: dracut\n'
			printf '  Depends: %s\n' linux-binary-$RELEASE linux-modules-$RELEASE linux-modules-9.8.0 ;;
		*) exit 100 ;;
		esac
	END
	stand_in qemu-system-x86_64 <<<"printf '%s\n' \"\$@\" >$TMP/arguments; exit 1"
	echo "$MIRROR" >"$TMP/mirror"
	# vmtest.sh puts the files of a run there.
	mkdir "$TMP/run"
}

# vmtest STATUS ARGUMENTS...: run it; nothing of apt's may be left.
vmtest()
{
	expect_status "$1" env VMTEST_ACCEL=tcg O="$TMP/out" TMPDIR="$TMP/run" PATH="$BIN:$PATH" \
		"$VMTEST" "${@:2}" -- true
	expect_eq "left behind" "$(ls "$TMP/run")" ""
	expect_eq "left behind" "$(cd "$TMP/out/build/vmtest" && find . -name '*.??????' -o -name apt)" ""
}

test_backports_come_from_their_own_suite()
{
	local dir=$TMP/out/build/vmtest/backports

	begin
	vmtest 123 -k backports
	expect_err "fetching linux-image-${RELEASE//+/\\+}\$"
	expect_match "$TMP/sources" "^deb \[signed-by=/[^ ]+debian-archive-keyring\.gpg\] $MIRROR [a-z]+-backports main\$"
	grep -q 'Dir::Etc::sourceparts=/dev/null .*update' "$TMP/calls" || fail "apt reads other sources, too"
	grep -q 'APT::Architecture=amd64' "$TMP/calls" || fail "apt is not told the architecture"
	expect_eq "kernel" "$(cat "$dir/boot/vmlinuz-$RELEASE")" "a kernel"
	expect_eq "configuration" "$(cat "$dir/boot/config-$RELEASE")" "its configuration"
	[ -s "$dir/lib/modules/$RELEASE/modules.dep.bin" ] || fail "the modules are not listed"
	expect_match "$TMP/arguments" "/backports/boot/vmlinuz-${RELEASE//+/\\+}\$"
	# It is here now.
	rm "$TMP/lists"
	vmtest 123 -k backports
	[ ! -e "$TMP/lists" ] || fail "fetched twice"
}

test_backports_of_another_architecture()
{
	begin
	cp "$BIN/qemu-system-x86_64" "$BIN/qemu-system-aarch64"
	mkdir -p "$TMP/out/build/vmtest/arm64/root/bin"
	cp "$(command -v busybox)" "$TMP/out/build/vmtest/arm64/root/bin/"
	vmtest 123 --arch arm64 -k backports
	grep -q 'APT::Architecture=arm64 .*update' "$TMP/calls" || fail "apt is not told the architecture"
	expect_match "$TMP/sources" -backports
	expect_match "$TMP/arguments" '/arm64/backports/boot/vmlinuz-'
}

test_a_system_that_is_not_debian()
{
	begin
	: >"$TMP/mirror"
	vmtest 3 -k backports
	expect_err 'this system gets no packages from Debian'
	expect_err '^  hint: on Debian: apt-get update$'
}

# A system that is older than the release that it asks for may not have its keys.
test_a_key_that_is_missing()
{
	begin
	echo 'W: GPG error: InRelease: they are not available: NO_PUBKEY 0123456789ABCDEF' >"$TMP/update"
	stand_in apt-cache <<<'exit 100'
	vmtest 3 -k backports
	expect_err 'no package on offer here has Linux backports$'
	expect_err '^W: GPG error.*NO_PUBKEY'
	expect_err '^  hint: apt-get install debian-archive-keyring, then run this again$'
}

# -k all runs what there is.
test_all_goes_on_without_a_kernel()
{
	begin
	vmtest 123 -k all
	expect_err 'no package on offer here has Linux 6\.1$'
	expect_err 'going on without Linux 6\.1$'
	expect_out "^ +${RELEASE//+/\\+}\$"
	expect_out '^not run on 6\.1: that kernel is not here, and could not be fetched$'
	expect_out '^not run on 6\.12: '
	expect_no_match "$OUT_FILE" '^not run on backports'
	expect_match "$TMP/out/build/vmtest/support.rst" '^sample +what +Linux 9\.9$'
}

test_all_needs_one_kernel()
{
	begin
	stand_in apt-cache <<<'exit 100'
	vmtest 3 -k all
	expect_err 'going on without Linux backports$'
	expect_err 'there is no kernel to run$'
}

run_tests test_backports_come_from_their_own_suite test_backports_of_another_architecture \
	test_a_system_that_is_not_debian test_a_key_that_is_missing test_all_goes_on_without_a_kernel \
	test_all_needs_one_kernel
