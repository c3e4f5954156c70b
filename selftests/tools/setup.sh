#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/setup.sh and scripts/ksrc.sh: what they find missing, what they do
# about it, and what they leave alone. Nothing is installed here: the package
# manager is a stand-in that notes how it was called.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_tools unshare mount setpriv tar xz
"$NETBPF_TOP/scripts/setup.sh" --check >/dev/null 2>&1 || skip "set-up is not complete"

SETUP=$NETBPF_TOP/scripts/setup.sh
NEEDS=$NETBPF_TOP/scripts/needs
WHOLE_PATH=$PATH

# Tools that scripts and tests call, and that are not in scripts/needs.
readonly BASE='awk basename bash cat chmod cp cut dirname env find grep head id ld mkdir mktemp
	mv perl readlink rm rmdir sed sh sort tail tar tr unshare'

# path_without TOOL...: set PATH to the needed tools, as far as they are here, without TOOL.
path_without()
{
	local tool path

	/bin/rm -rf "${TMP:?}/bin" "$TMP/apt.calls"
	/bin/mkdir "$TMP/bin"
	for tool in $BASE $(/usr/bin/awk '$2 ~ /^(tool|clang)$/ { print $3 }' "$NEEDS"); do
		path=$(PATH=$WHOLE_PATH command -v "$tool") || continue
		[[ " $* " = *" $tool "* ]] || /bin/ln -sf "$path" "$TMP/bin/"
	done
	PATH=$TMP/bin
	apt_says '' 'E: an unknown cause'
	apt_offers linux-source-6.12
}

# stand_in TOOL: the script on stdin runs in place of TOOL.
stand_in()
{
	{ echo '#!/bin/sh'; cat; } >"$TMP/bin/$1"
	chmod 755 "$TMP/bin/$1"
}

# apt_says UPDATE INSTALL: "apt-get update" fails with the words UPDATE, other commands with
# INSTALL. They succeed if there are no words.
apt_says()
{
	stand_in apt-get <<-END
		echo "\$@" >>$TMP/apt.calls
		case \$1 in
		update) words=$(printf %q "$1") ;;
		*) words=$(printf %q "$2") ;;
		esac
		[ -n "\$words" ] || exit 0
		echo "\$words" >&2
		exit 100
	END
}

# apt_offers PACKAGE...: apt knows these packages, and no others.
apt_offers()
{
	stand_in apt-cache <<-END
		for package in $*; do
			case \$1:\$2:\$package in
			pkgnames:*) [ "\${package#\$2}" = "\$package" ] || echo "\$package" ;;
			show:"\$package":*) echo "Package: \$package" ;;
			esac
		done
	END
}

# scripts_alone: copy scripts/ into $TREE, where no kernel tree is; others can read them.
scripts_alone()
{
	TREE=$TMP/tree
	mkdir -p "$TREE"
	cp -r "$NETBPF_TOP/scripts" "$TREE"
	chmod -R a+rX "$TMP"
	unset KSRC
}

# kernel_tree DIR: make all parts that are wanted of a kernel tree, as empty files.
kernel_tree()
{
	local part

	# setup.sh has the list of the parts.
	eval "$(sed -n "/^readonly KSRC_PARTS='/,/^'/{s/^readonly //;p}" "$SETUP")"
	for part in tools/lib/bpf/libbpf.c tools/bpf/bpftool/Makefile \
		    tools/scripts/Makefile.include include/uapi/linux/ip.h $KSRC_PARTS; do
		mkdir -p "$(dirname "$1/$part")"
		[ -e "$1/$part" ] || : >"$1/$part"
	done
}

# on_system OS-RELEASE COMMAND...: run COMMAND with another /etc/os-release, a line for each
# word, and with nothing in /usr/src but what is in $TMP/src.
on_system()
{
	tr ' ' '\n' <<<"$1" >"$TMP/os-release"
	mkdir -p "$TMP/src"
	# The variables are for the shell inside.
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$0/os-release" /etc/os-release &&
		mount --bind "$0/src" /usr/src && exec "$@"' "$TMP" "${@:2}"
}

nothing_was_installed()
{
	[ ! -e "$TMP/apt.calls" ] || expect_no_match "$TMP/apt.calls" install
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
	expect_out '^  jq: +jq, lab$'
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

# The comments of scripts/needs describe the kind "header", and are no headers themselves.
test_headers_are_looked_for_at_once()
{
	local calls

	path_without
	rm "$TMP/bin/gcc"
	printf '#!/bin/sh\necho >>%s\n! grep -q "<a>"\n' "$TMP/cc.calls" >"$TMP/bin/gcc"
	chmod 755 "$TMP/bin/gcc"
	expect_status 0 "$SETUP" --check
	mapfile -t calls <"$TMP/cc.calls"
	expect_eq "runs of the compiler" "${#calls[@]}" 1
}

test_no_install_installs_nothing()
{
	path_without tcpdump
	expect_status 3 env NO_INSTALL=1 "$SETUP"
	expect_out '^  tcpdump:'
	[ ! -e "$TMP/apt.calls" ] || fail "apt-get was called: $(<"$TMP/apt.calls")"
}

# in_private_sbin COMMAND...: run COMMAND in a mount namespace with a writable overlay on
# /usr/sbin, which has no policy-rc.d. Print a line if COMMAND leaves one.
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
	printf 'echo "$@" >>%s\n[ $1 = update ] || cat /usr/sbin/policy-rc.d >%s\necho odd >&2\nexit 1\n' \
		"$TMP/apt.calls" "$TMP/policy" | stand_in apt-get
	expect_status 1 in_private_sbin "$SETUP"
	expect_match "$TMP/apt.calls" 'install.* tcpdump'
	expect_match "$TMP/policy" 'exit 101'
	expect_err 'installing: tcpdump'
	expect_err '^odd$'
	expect_err 'could not install them$'
	expect_no_match "$OUT_FILE" 'left behind'
}

need_root_here()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# install_fails WORDS CAUSE: apt-get installs nothing and prints WORDS: setup.sh must name CAUSE.
install_fails()
{
	apt_says '' "$1"
	expect_status 1 in_private_sbin "$SETUP"
	expect_match "$ERR_FILE" "^setup: failed: apt-get could not install them: $2"
	expect_err '^  hint: .'
}

test_why_apt_failed()
{
	need_root_here
	path_without tcpdump
	install_fails 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)' \
		'another program installs packages now'
	install_fails "E: You don't have enough free space in /var/cache/apt/archives/." \
		'the disk is full'
	install_fails 'dpkg-deb: error: paste subprocess was killed: No space left on device' \
		'the disk is full'
	install_fails "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'" \
		'an installation before this one was interrupted'
	install_fails "E: Failed to fetch http://a/b.deb  Temporary failure resolving 'a'" \
		'packages cannot be fetched'
	install_fails 'E: Unable to locate package tcpdump' 'the apt sources do not have it'
	install_fails "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages" \
		'the packages that are here do not fit together'
	expect_err "^E: Unmet dependencies"
}

test_without_a_network()
{
	local line="W: Failed to fetch http://a/InRelease  Temporary failure resolving 'a'"

	need_root_here
	path_without tcpdump
	apt_says "$line" 'E: Unable to locate package tcpdump'
	expect_status 1 in_private_sbin "$SETUP"
	expect_err 'update failed: packages cannot be fetched; going on with the lists'
	expect_err 'could not install them: packages cannot be fetched'
	scripts_alone
	rm "$TMP/apt.calls"
	apt_offers
	expect_status 1 on_system ID=debian "$TREE/scripts/setup.sh"
	expect_err 'failed: apt-get update failed: packages cannot be fetched'
	nothing_was_installed
}

# no_kernel_tree OS-RELEASE NEWEST: setup.sh must end before it installs anything.
no_kernel_tree()
{
	scripts_alone
	expect_status 3 on_system "$1" "$TREE/scripts/setup.sh"
	expect_err "failed: no kernel tree of 6\.6 or later: the newest that apt offers is $2\$"
	expect_err '^  hint: .*KSRC=/path/to/linux '
	nothing_was_installed
}

test_where_linux_source_is_too_old()
{
	local ubuntu='ID=ubuntu ID_LIKE=debian VERSION_CODENAME=jammy'

	need_root_here
	path_without tcpdump
	apt_offers linux-source linux-source-5.4.0 linux-source-5.15.0
	no_kernel_tree "$ubuntu" linux-source-5.15.0
	expect_no_match "$ERR_FILE" security
	apt_offers
	no_kernel_tree "$ubuntu" 'none at all'
	# To do what the hint says is enough.
	path_without
	kernel_tree "$TMP/linux"
	expect_status 0 on_system "$ubuntu" env KSRC="$TMP/linux" "$TREE/scripts/setup.sh"
	expect_err 'nothing is missing'
}

test_debian_12_without_its_security_suite()
{
	need_root_here
	path_without tcpdump
	apt_offers linux-source linux-source-6.1
	no_kernel_tree 'ID=debian VERSION_CODENAME=bookworm' linux-source-6.1
	expect_err '^  hint: Debian 12 has one in bookworm-security: name that suite'
}

test_the_newest_archive_is_unpacked()
{
	local version

	need_root_here
	path_without
	scripts_alone
	kernel_tree "$TMP/linux"
	mkdir -p "$TMP/src"
	for version in 6.1 6.9 6.10; do
		echo "$version" >"$TMP/linux/COPYING"
		tar -C "$TMP" --transform "s,^linux,linux-source-$version," -cJf \
			"$TMP/src/linux-source-$version.tar.xz" linux
	done
	expect_status 0 on_system ID=debian "$TREE/scripts/setup.sh"
	expect_eq version "$(<"$TREE/.ksrc/COPYING")" 6.10
	# An archive that is too old is left alone.
	rm -rf "$TREE/.ksrc" "$TMP"/src/*-6.9.* "$TMP"/src/*-6.10.*
	expect_status 3 on_system ID=debian env NO_INSTALL=1 "$TREE/scripts/setup.sh"
	expect_out '^  linux-source: +kernel-source, build$'
	[ ! -e "$TREE/.ksrc" ] || fail "Linux 6.1 was unpacked"
}

test_the_newest_source_is_installed()
{
	need_root_here
	path_without
	scripts_alone
	apt_offers linux-source-6.9 linux-source-6.12 linux-source-6.6
	# Hide the archives of this machine.
	mkdir -p "$TMP/src"
	# shellcheck disable=SC2016
	expect_status 1 in_private_sbin sh -c 'mount --bind "$0" /usr/src && exec "$1"' \
		"$TMP/src" "$TREE/scripts/setup.sh"
	expect_match "$TMP/apt.calls" '^install .* linux-source-6\.12$'
}

test_installing_needs_root()
{
	need_root_here
	public_scripts
	path_without tcpdump
	kernel_tree "$PUBLIC/.ksrc"
	expect_status 1 as_nobody "$PUBLIC/scripts/setup.sh"
	expect_err 'needs root'
}

test_another_distribution_gets_the_list()
{
	need_root_here
	path_without tcpdump
	expect_status 3 on_system ID=slackware "$SETUP"
	expect_out '^  tcpdump:'
	expect_err 'this is no Debian'
	[ ! -e "$TMP/apt.calls" ] || fail "apt-get was called"
}

# PATH as su leaves it, and as users have it, lacks sbin, where nginx, nft and ethtool are.
test_a_PATH_without_sbin()
{
	expect_status 0 env PATH=/usr/local/bin:/usr/bin:/bin "$SETUP" --check
}

test_each_kind_of_need_is_looked_for()
{
	path_without
	scripts_alone
	kernel_tree "$TREE/.ksrc"
	cat >"$TREE/scripts/needs" <<-END
		# comment
		build  tool     no-such-tool   a
		build  header   no_such.h      b

		lab    perl     No::Such       c
		tests  file     /no/such/file  d
		tests  clang    no-such-clang  e
		cross  sysroot  no_such        f
	END
	apt_offers e
	expect_status 3 "$TREE/scripts/setup.sh" --check
	expect_eq missing "$(sed 1d <<<"$OUT" | tr -s ' ')" " a: no-such-tool, build
 b: no_such.h, build
 c: No::Such, lab
 d: /no/such/file, tests
 e: no-such-clang, tests"
	expect_status 3 "$TREE/scripts/setup.sh" --all --check
	expect_out '^  f: +no_such, cross$'
	echo 'build tol make make' >"$TREE/scripts/needs"
	expect_status 1 "$TREE/scripts/setup.sh" --check
	expect_err "scripts/needs: no kind 'tol'"
}

# A kernel for guests is only missing if the release offers it.
test_kernels_that_the_release_has()
{
	path_without
	scripts_alone
	kernel_tree "$TREE/.ksrc"
	echo 'vm kernel 6.1 kernel' >"$TREE/scripts/needs"
	stand_in apt-cache </dev/null
	expect_status 0 "$TREE/scripts/setup.sh" --all --check
	stand_in apt-cache <<<'echo "  Depends: linux-image-6.1.0-99-amd64"'
	expect_status 3 "$TREE/scripts/setup.sh" --all --check
	expect_out '^  kernel: +6\.1, vm$'
	mkdir -p "$TREE/build/vmtest/6.1"
	expect_status 0 "$TREE/scripts/setup.sh" --all --check
}

test_guest_of_another_architecture()
{
	local dir

	[ "$(uname -m)" != aarch64 ] || skip "arm64 is no other architecture here"
	path_without
	scripts_alone
	dir=$TREE/build/vmtest/arm64
	kernel_tree "$TREE/.ksrc"
	echo 'vm guest arm64 guest' >"$TREE/scripts/needs"
	mkdir -p "$dir/root"
	expect_status 3 "$TREE/scripts/setup.sh" --all --check
	expect_out '^  guest: +arm64, vm$'
	mkdir "$dir/6.1"
	expect_status 0 "$TREE/scripts/setup.sh" --all --check
}

# Debian 12 has clang 14, 16 and 19, Debian 13 no other than 19.
test_compilers_that_the_release_has()
{
	path_without clang-14 clang-16
	apt_offers clang-16
	expect_status 3 "$SETUP" --all --check
	expect_out '^  clang-16: +clang-16, compilers$'
	expect_no_match "$OUT_FILE" 'clang-14'
}

test_libFuzzer_is_that_of_clang()
{
	path_without
	rm "$TMP/bin/clang"
	stand_in clang <<-'END'
		[ "$1" = -dumpversion ] && echo 19.1.7
	END
	expect_status 3 "$SETUP" --all --check
	expect_out '^  libclang-rt-19-dev: +libFuzzer, review$'
	rm "$TMP/bin/clang"
	expect_status 3 "$SETUP" --all --check
	expect_out '^  libclang-rt-dev: +libFuzzer, review$'
}

# Since Debian 13, libc is in /usr/lib only, but its linker script names /lib.
test_a_sysroot_has_a_lib()
{
	local tree

	path_without
	PATH=$TMP/bin:$WHOLE_PATH
	scripts_alone
	mkdir -p "$TMP/pkg/DEBIAN" "$TMP/pkg/usr/lib/libc" "$TMP/pkg/usr/include"
	printf '%s\n' 'Package: x' 'Version: 1' 'Architecture: all' 'Maintainer: x' \
		'Description: x' >"$TMP/pkg/DEBIAN/control"
	stand_in apt-get <<-END
		for arg; do
			[ "\${arg#Dir::Cache=}" = "\$arg" ] || cache=\${arg#Dir::Cache=}
			[ "\$arg" != install ] || dpkg-deb -b $TMP/pkg "\$cache/archives/x.deb"
		done
	END
	expect_status 0 "$TREE/scripts/sysroot.sh" arm64
	tree=$TREE/.sysroot/arm64
	[ -d "$tree/lib/libc" ] || fail "no /lib: $(find "$tree")"
	expect_eq lib "$(readlink "$tree/lib")" usr/lib
	rm -r "$TREE/.sysroot"
	mkdir -p "$TMP/pkg/lib/libc6"
	expect_status 0 "$TREE/scripts/sysroot.sh" arm64
	[ -d "$tree/lib/libc6" ] || fail "no /lib: $(find "$tree")"
	[ ! -L "$tree/lib" ] || fail "/lib is a link"
}

# Tools that each Debian has, so that nobody has to install them.
readonly OF_DEBIAN=' apt-config apt-get bash cmp dpkg flock mkfifo od pivot_root sed setsid sh tar taskset
	unshare '

# asked_for FILE...: print the tools that these files ask for by name.
asked_for()
{
	grep -hoE '(require_tools( [a-z0-9_-]+)+|have [a-z0-9_-]+ \|\|)' "$@" |
		sed -E 's/^[a-z_]+ | \|\|$//g' | tr ' ' '\n' | sort -u |
		while read -r tool; do
			[[ $OF_DEBIAN = *[[:space:]]"$tool"[[:space:]]* || $tool = nosuchtool ]] ||
				echo "$tool"
		done
}

# expect_needs PURPOSES FILE...: scripts/needs must have the tools that these files ask for,
# for one of PURPOSES.
expect_needs()
{
	local tool

	asked_for "${@:2}" >"$TMP/asked"
	[ "$(wc -l <"$TMP/asked")" -gt 12 ] || fail "only these: $(<"$TMP/asked")"
	while read -r tool; do
		grep -Eq "^($1) +(tool +$tool +|.* $tool\$)" "$NEEDS" ||
			fail "scripts/needs has no $tool"
	done <"$TMP/asked"
}

test_what_scripts_and_tests_ask_for_is_a_need()
{
	mapfile -t files < <(find "$NBT_DIR" "$NETBPF_TOP/scripts" -name '*.sh')
	expect_needs '[a-z]+' "${files[@]}"
}

# After setup.sh without --all, no test of the programs is skipped.
test_the_tests_of_the_programs_need_no_more_than_all_get()
{
	local files

	mapfile -t files < <(find "$NBT_DIR" -path "$NBT_DIR/tools" -prune -o -name '*.sh' -print)
	expect_needs 'build|lab|tests' "${files[@]}"
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
	path_without tcpdump
	expect_status 1 env KSRC=/usr "$SETUP"
	expect_err 'KSRC=/usr is no kernel source tree'
	[ ! -e "$TMP/apt.calls" ] || fail "apt-get was called"
}

run_tests test_nothing_missing test_help_and_usage test_check_lists_what_is_missing \
	test_qemu_is_of_all_only test_a_missing_header_is_found \
	test_headers_are_looked_for_at_once test_no_install_installs_nothing \
	test_a_failing_apt_is_reported_and_policy_removed test_why_apt_failed \
	test_without_a_network test_where_linux_source_is_too_old \
	test_debian_12_without_its_security_suite test_the_newest_archive_is_unpacked \
	test_the_newest_source_is_installed test_installing_needs_root \
	test_another_distribution_gets_the_list test_a_PATH_without_sbin \
	test_each_kind_of_need_is_looked_for test_kernels_that_the_release_has \
	test_guest_of_another_architecture \
	test_compilers_that_the_release_has \
	test_libFuzzer_is_that_of_clang test_a_sysroot_has_a_lib \
	test_what_scripts_and_tests_ask_for_is_a_need \
	test_the_tests_of_the_programs_need_no_more_than_all_get \
	test_kernel_tree_of_the_user_comes_first test_a_wrong_kernel_tree_is_refused
