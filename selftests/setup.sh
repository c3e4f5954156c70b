#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/setup.sh and scripts/ksrc.sh: what they find missing, what they do
# about it, and what they leave alone. Nothing is installed here: the package
# manager is a stand-in that notes how it was called.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
not_in_guest
require_tools unshare
"$NETBPF_TOP/scripts/setup.sh" --check >/dev/null 2>&1 || skip "set-up is not complete"

SETUP=$NETBPF_TOP/scripts/setup.sh

# path_without TOOL...: a PATH with all tools of this machine but those.
path_without()
{
	local dir

	rm -rf "${TMP:?}/bin" "$TMP/apt.calls"
	mkdir "$TMP/bin"
	for dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
		ln -sf "$dir"/* "$TMP/bin/"
	done
	(cd "$TMP/bin" && rm -f apt-get "$@")
	printf '#!/bin/sh\necho "$@" >>%s/apt.calls\nexit 1\n' "$TMP" >"$TMP/bin/apt-get"
	chmod 755 "$TMP/bin/apt-get"
	PATH=$TMP/bin
}

test_nothing_missing()
{
	local start=$EPOCHREALTIME

	expect_status 0 "$SETUP"
	expect_err 'nothing is missing'
	diag "took $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms"
}

test_help_and_usage()
{
	expect_status 0 "$SETUP" --help
	expect_out '^Examples:'
	expect_status 2 "$SETUP" --nonsense
	expect_err 'unknown argument: --nonsense'
}

test_check_lists_what_is_missing()
{
	path_without tcpdump jq
	expect_status 3 "$SETUP" --check
	expect_out '^  tcpdump: +tcpdump, lab$'
	expect_out '^  jq: +jq, tests$'
	expect_no_match "$OUT_FILE" 'curl'
}

test_qemu_is_of_all_only()
{
	path_without qemu-system-x86_64
	expect_status 0 "$SETUP" --check
	expect_status 3 "$SETUP" --all --check
	expect_out '^  qemu-system-x86: +qemu-system-x86_64, vm$'
}

test_a_missing_header_is_found()
{
	path_without
	rm "$TMP/bin/gcc" "$TMP/bin/clang"
	printf '#!/bin/sh\ngrep -q gelf.h && exit 1\nexit 0\n' >"$TMP/bin/gcc"
	cp "$TMP/bin/gcc" "$TMP/bin/clang"
	chmod 755 "$TMP/bin/gcc" "$TMP/bin/clang"
	expect_status 3 "$SETUP" --check
	expect_out '^  libelf-dev: +gelf.h, build$'
}

test_no_install_installs_nothing()
{
	path_without tcpdump
	expect_status 3 env NO_INSTALL=1 "$SETUP"
	expect_out '^  tcpdump:'
	[ ! -e "$TMP/apt.calls" ] || fail "apt-get was called: $(cat "$TMP/apt.calls")"
}

# In a mount namespace, on top of a /usr/sbin that has no policy-rc.d.
in_private_sbin()
{
	local status=0

	# The variables are for the shell inside.
	# shellcheck disable=SC2016
	unshare -m sh -c '
		mkdir "$0" && mount -t tmpfs none "$0" && mkdir "$0/upper" "$0/work" &&
		mount -t overlay none /usr/sbin \
			-o "lowerdir=/usr/sbin,upperdir=$0/upper,workdir=$0/work" || exit 99
		rm -f /usr/sbin/policy-rc.d
		"$@"
		status=$?
		[ ! -e /usr/sbin/policy-rc.d ] || echo "policy-rc.d is left behind"
		exit $status' "$TMP/private" "$@" || status=$?
	rmdir "$TMP/private"
	return "$status"
}

test_a_failing_apt_is_reported_and_policy_removed()
{
	need_root_here
	path_without tcpdump
	# shellcheck disable=SC2016 # the variables are for the stand-in
	printf '#!/bin/sh\necho "$@" >>%s\n[ $1 = update ] || cat /usr/sbin/policy-rc.d >%s\nexit 1\n' \
		"$TMP/apt.calls" "$TMP/policy" >"$TMP/bin/apt-get"
	expect_status 1 in_private_sbin "$SETUP"
	expect_match "$TMP/apt.calls" 'install.* tcpdump'
	expect_match "$TMP/policy" 'exit 101'
	expect_err 'could not install: tcpdump'
	expect_no_match "$OUT_FILE" 'left behind'
}

need_root_here()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

test_installing_needs_root()
{
	local file

	need_root_here
	public_scripts
	path_without tcpdump
	# What a kernel tree is known by.
	for file in tools/lib/bpf/libbpf.c tools/bpf/bpftool/Makefile \
		tools/scripts/Makefile.include include/uapi/linux/ip.h; do
		install -D /dev/null "$PUBLIC/ksrc/$file"
	done
	chmod -R a+rX "$PUBLIC"
	expect_status 1 as_nobody env KSRC="$PUBLIC/ksrc" "$PUBLIC/scripts/setup.sh"
	expect_err 'needs root'
}

test_another_distribution_gets_the_list()
{
	need_root_here
	path_without tcpdump
	printf 'ID=slackware\n' >"$TMP/os-release"
	# The variables are for the shell inside.
	# shellcheck disable=SC2016
	expect_status 3 unshare -m sh -c 'mount --bind "$0" /etc/os-release && exec "$1"' \
		"$TMP/os-release" "$SETUP"
	expect_out '^  tcpdump:'
	expect_err 'not Debian or Ubuntu'
	[ ! -e "$TMP/apt.calls" ] || fail "apt-get was called"
}

test_kernel_tree_of_the_user_comes_first()
{
	local found

	found=$("$NETBPF_TOP/scripts/ksrc.sh")
	mkdir "$TMP/mine"
	ln -s "$found"/* "$TMP/mine/"
	expect_status 0 env KSRC="$TMP/mine" "$NETBPF_TOP/scripts/ksrc.sh"
	expect_eq tree "$OUT" "$TMP/mine"
}

test_a_wrong_kernel_tree_is_refused()
{
	expect_status 1 env KSRC=/usr "$NETBPF_TOP/scripts/ksrc.sh"
	expect_err 'KSRC=/usr is no kernel source tree'
	expect_err 'hint:'
}

run_tests test_nothing_missing test_help_and_usage test_check_lists_what_is_missing \
	test_qemu_is_of_all_only test_a_missing_header_is_found test_no_install_installs_nothing \
	test_a_failing_apt_is_reported_and_policy_removed test_installing_needs_root \
	test_another_distribution_gets_the_list test_kernel_tree_of_the_user_comes_first \
	test_a_wrong_kernel_tree_is_refused
