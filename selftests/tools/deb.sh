#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Debian package: it is built from what is committed, lintian finds nothing,
# what is in it runs, and dpkg installs and removes it, in a root of its own.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
require_tools make dpkg-buildpackage dh fakeroot lintian git
require_sources
git -C "$NETBPF_TOP" rev-parse HEAD >/dev/null 2>&1 || [ -n "$NBT_LIST" ] ||
	skip "not a git tree: the package is made of a commit"

[ -n "$NBT_LIST" ] || KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"

ROOT=$TMP/dpkg

setup()
{
	local built=()

	built_bpftool built
	built_libbpf built
	if ! env O="$TMP/out" KSRC="$KSRC" "${built[@]}" "$NETBPF_TOP/scripts/deb-pkg.sh" \
	     >"$TMP/log" 2>&1; then
		cat "$TMP/log" >&2
		fail "the package is not built"
	fi
	DEB=$(ls "$TMP"/out/build/deb/netbpf_*.deb)
}

test_lintian_finds_nothing()
{
	lintian --allow-root --fail-on error,warning "$DEB" >&2
}

test_the_package_has_what_install_installs()
{
	dpkg-deb -c "$DEB" >"$TMP/contents"
	expect_match "$TMP/contents" ' ./usr/sbin/netbpf-xdp_lb$'
	expect_match "$TMP/contents" ' ./usr/sbin/netbpf-lab -> '
	expect_match "$TMP/contents" ' ./usr/share/man/man8/netbpf-ping.8.gz$'
	expect_match "$TMP/contents" ' ./usr/share/bash-completion/completions/netbpf-ping'
	expect_no_match "$TMP/contents" '/usr/local|\.o$'
	dpkg-deb -f "$DEB" Depends >"$TMP/depends"
	expect_match "$TMP/depends" 'libelf1.*libyaml-0-2|libyaml-0-2.*libelf1'
	expect_no_match "$TMP/depends" 'libbpf'
}

# private_dpkg ARGUMENT...: dpkg with a database below $ROOT, and not that of this machine.
private_dpkg()
{
	dpkg --root="$ROOT" --force-depends --log=/dev/null "$@"
}

test_it_installs_runs_and_goes()
{
	local name

	[ "$(id -u)" -eq 0 ] || skip "needs root"
	mkdir -p "$ROOT/var/lib/dpkg/updates" "$ROOT/var/lib/dpkg/info"
	: >"$ROOT/var/lib/dpkg/status"
	private_dpkg -i "$DEB" >&2
	for name in "$ROOT"/usr/sbin/netbpf-*; do
		"$name" --help >/dev/null
	done
	"$ROOT/usr/sbin/netbpf-ping" --version
	private_dpkg -P netbpf >&2
	[ ! -e "$ROOT/usr" ] || fail "left behind: $(find "$ROOT/usr")"
}

run_tests test_lintian_finds_nothing test_the_package_has_what_install_installs \
	test_it_installs_runs_and_goes
