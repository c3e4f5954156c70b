#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The build: what is rebuilt when, with which tools, from which headers, and what make
# prints when something is missing. All builds are in a copy of the tree.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
require_tools make gcc clang
require_sources
[ -n "$NBT_LIST" ] || KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"

unset O

COPY=$TMP/tree
# These samples are enough to see what is built when. kernel_tree.sh builds all samples.
SAMPLES='hello pass ping'
BUILT=()		# arguments of make: take libbpf and bpftool that are built already

build()
{
	make -C "$COPY/samples" KSRC="$KSRC" -j "$(nproc)" SAMPLES="$SAMPLES" "$@"
}

# elsewhere DIR ARGUMENT...: build into another directory.
elsewhere()
{
	build "${BUILT[@]}" O="$1" "${@:2}"
}

# seed: copy libbpf and bpftool, so that make takes them as built in the copy.
seed()
{
	local dir=$NETBPF_OUT/build to=$COPY/build

	[ ${#BUILT[@]} -gt 0 ] || return 0
	build "$to"/toolchain.{ksrc,libbpf,bpftool} >&2
	cp -r "$dir/libbpf" "$dir/bpftool" "$to"
	touch "$to/libbpf/headers"
	touch "$to/libbpf/libbpf.a" "$to/bpftool/bootstrap/bpftool"
}

setup()
{
	built_libbpf BUILT
	built_bpftool BUILT
	copy_sources "$COPY"
	find "$COPY" -type f | sort >"$TMP/before"
	seed
	if ! build >"$TMP/first" 2>&1; then
		cat "$TMP/first" >&2
		fail "the build failed"
	fi
}

# change FILE: make FILE newer than what was built from it.
change()
{
	touch "$COPY/$1"
}

# restore FILE: make FILE as it is in the tree.
restore()
{
	cp "$NETBPF_TOP/$1" "$COPY/$1"
}

# SAN=1 is for host programs only. make -n shows the commands, and runs none.
test_sanitizers_are_for_host_programs()
{
	expect_status 0 build -n SAN=1
	expect_out '-fsanitize=address,undefined .* -c .*/ping_user\.c '
	expect_out '-fsanitize=address,undefined .* -o .*/samples/ping$'
	expect_no_match "$OUT_FILE" '^cd .*-target bpf.* -fsanitize'
	expect_no_match "$OUT_FILE" '^make .*(tools/lib/bpf|bpftool) .*-fsanitize'
	expect_status 0 build
	expect_no_match "$OUT_FILE" '^  [A-Z]'
	expect_status 0 build -n
	expect_no_match "$OUT_FILE" 'fsanitize'
}

test_nothing_to_do_the_second_time()
{
	expect_status 0 build
	expect_no_match "$OUT_FILE" '^  [A-Z]'
}

# The files below /sys are as new as the mount: a new mount must not rebuild vmlinux.h.
test_a_new_sysfs_is_no_other_kernel()
{
	unshare --mount --net true 2>/dev/null || skip "no namespaces here"
	expect_status 0 build vmlinux.h
	expect_status 0 unshare --mount --net --propagation private sh -c '
		umount --lazy /sys && mount -t sysfs sysfs /sys && exec "$@"' sh \
		make -C "$COPY/samples" KSRC="$KSRC" SAMPLES="$SAMPLES" vmlinux.h
	expect_no_match "$OUT_FILE" '^  [A-Z]'
	expect_status 0 build vmlinux.h VMLINUX_BTF=/sys/kernel/btf/../btf/vmlinux
	expect_out 'VMLINUX'
}

test_a_program_rebuilds_only_its_sample()
{
	change samples/ping_kern.c
	expect_status 0 build
	expect_match "$OUT_FILE" 'LINK +samples/ping'
	expect_no_match "$OUT_FILE" 'hello|pass|sample_|LIBBPF|BPFTOOL'
}

test_a_program_rebuilds_only_its_tests()
{
	local tests=("$COPY"/selftests/{hello/hello,ping/ping}_test)

	expect_status 0 make -C "$COPY/selftests" KSRC="$KSRC" -j "$(nproc)" "${tests[@]}"
	change samples/ping_kern.c
	expect_status 0 make -C "$COPY/selftests" KSRC="$KSRC" "${tests[@]}"
	expect_out 'LINK +selftests/ping/ping_test'
	expect_no_match "$OUT_FILE" 'hello'
}

test_a_header_rebuilds_what_includes_it()
{
	change include/pkt_cursor.bpf.h
	expect_status 0 build
	expect_match "$OUT_FILE" 'LINK +samples/ping'
	expect_no_match "$OUT_FILE" 'samples/(hello|pass)|sample_'
}

# Who includes a header need not know what other headers it needs.
test_a_header_needs_no_other_in_front()
{
	local headers

	expect_status 0 build vmlinux.h
	headers=$(cd "$COPY" && find include/*.h samples -name '*.h' -printf 'alone/%p ')
	# shellcheck disable=SC2086 # words
	expect_status 0 make -s -k -f "$COPY/scripts/Makefile.check" KSRC="$KSRC" $headers
	# Change a header that no sample of this test includes.
	sed -i '/^#include/d' "$COPY/include/pkt_csum.bpf.h"
	defer restore include/pkt_csum.bpf.h
	expect_status 2 make -s -f "$COPY/scripts/Makefile.check" KSRC="$KSRC" \
		alone/include/pkt_csum.bpf.h
}

test_loader_code_links_all_again()
{
	local name

	change samples/lib/log.c
	expect_status 0 build
	for name in $SAMPLES; do
		expect_match "$OUT_FILE" "LINK +samples/$name"
	done
	expect_no_match "$OUT_FILE" 'CLANG|SKEL'
}

# -M lists all headers that the compiler reads, those of the system too.
test_bpf_programs_include_nothing_of_libc()
{
	local command

	change samples/ping_kern.c
	command=$(build V=1 | sed -n 's/ -MMD .* -c .*ping_kern.c .*/ -M/p')
	[ -n "$command" ] || fail "no compiler command was shown"
	sh -c "$command $COPY/samples/ping_kern.c" >"$TMP/deps"
	expect_match "$TMP/deps" 'include/uapi/linux/icmp.h'
	expect_no_match "$TMP/deps" '/usr/include'
}

test_libbpf_of_the_system_is_not_used()
{
	ldd "$COPY/samples/ping" >"$TMP/ldd"
	expect_match "$TMP/ldd" 'libelf'
	expect_no_match "$TMP/ldd" 'libbpf|libxdp'
}

test_verbose_shows_commands()
{
	change samples/pass_kern.c
	expect_status 0 build V=1
	expect_out 'target bpf.*pass_kern.c'
	expect_no_match "$OUT_FILE" '^  CLANG'
}

# Another clang must not rebuild host objects, and another gcc (next test) no BPF objects.
test_another_clang_rebuilds_the_bpf_objects()
{
	expect_status 0 build CLANG='clang -pipe'
	expect_out 'CLANG +samples/ping_kern.o'
	expect_no_match "$OUT_FILE" 'LIBBPF|BPFTOOL|CC +samples/lib/'
	"$COPY/samples/ping" --version >/dev/null
	expect_status 0 build
	expect_out 'CLANG +samples/ping_kern.o'
	expect_no_match "$OUT_FILE" 'LIBBPF|BPFTOOL|CC +samples/lib/'
}

test_another_cc_rebuilds_the_host_objects()
{
	expect_status 0 build CC='gcc -pipe' LIBBPF_DIR="$COPY/build/libbpf"
	expect_out 'CC +samples/lib/log.o'
	expect_no_match "$OUT_FILE" 'CLANG|SKEL|BPFTOOL'
	expect_status 0 build
	expect_out 'CC +samples/lib/log.o'
	expect_no_match "$OUT_FILE" 'CLANG|SKEL|BPFTOOL'
}

test_clang_as_host_compiler()
{
	if ! have ld.lld || ! have llvm-ar; then
		skip "not installed: lld llvm (scripts/setup.sh --all)"
	fi
	expect_status 0 elsewhere "$TMP/llvm" LLVM=1
	"$TMP/llvm/samples/ping" --version
}

test_a_relative_O_counts_from_where_make_was_called()
{
	cd "$TMP"
	expect_status 0 make -C "$COPY" samples KSRC="$KSRC" O=relative -j "$(nproc)" \
		SAMPLES=hello "${BUILT[@]}"
	"$TMP/relative/samples/hello" --version
	[ ! -e "$COPY/relative" ] || fail "built into the source tree"
}

# With libbpf and bpftool of another build, make builds neither, and the same samples.
test_libbpf_and_bpftool_of_another_build()
{
	expect_status 0 build O="$TMP/other" LIBBPF_DIR="$COPY/build/libbpf" \
		BPFTOOL="$COPY/build/bpftool/bootstrap/bpftool"
	expect_no_match "$OUT_FILE" 'LIBBPF|BPFTOOL'
	[ ! -e "$TMP/other/build/libbpf" ] || fail "it has a libbpf of its own"
	cmp "$TMP/other/samples/ping" "$COPY/samples/ping" >&2
	expect_status 2 build LIBBPF_DIR=/nonexistent
	expect_err 'LIBBPF_DIR=/nonexistent: there is no .*: give the full path'
	expect_status 2 build BPFTOOL=/nonexistent
	expect_err 'BPFTOOL=/nonexistent: there is no .*: give the full path'
}

# In host programs and in BPF programs. A build without WERROR=1 has shown the warning
# already, and make would not compile the file again: WERROR=1 must find it nevertheless.
test_a_warning_is_an_error_with_WERROR()
{
	local file

	for file in samples/pass_user.c samples/pass_kern.c; do
		echo 'static int not_used;' >>"$COPY/$file"
		defer "cp '$NETBPF_TOP/$file' '$COPY/$file'"
		expect_status 0 build
		expect_err "$file.*warning:.*not_used"
		expect_status 0 build
		expect_no_match "$ERR_FILE" 'warning'
		expect_status 2 build WERROR=1
		expect_err "$file.*error:.*not_used"
		restore "$file"
		expect_status 0 build WERROR=1
		expect_out 'LINK +samples/pass'
	done
	expect_no_match "$OUT_FILE" 'LIBBPF|BPFTOOL'
	expect_status 0 build WERROR=1
	expect_no_match "$OUT_FILE" '^  [A-Z]'
	expect_status 0 build
	expect_no_match "$OUT_FILE" '^  [A-Z]'
}

# This compiler has warnings about libbpf, as a compiler that is newer than libbpf may have.
test_a_warning_in_libbpf_stops_no_user()
{
	printf '#!/bin/sh\nexec gcc "$@" -O0 -g0 -Wconversion\n' >"$TMP/cc"
	chmod 755 "$TMP/cc"
	expect_status 0 build CC="$TMP/cc" O="$TMP/noisy" "$TMP/noisy/build/libbpf/libbpf.a"
	expect_status 2 build CC="$TMP/cc" O="$TMP/strict" "$TMP/strict/build/libbpf/libbpf.a" WERROR=1
	expect_err 'error: conversion'
}

test_matrix_builds_with_each_compiler()
{
	expect_status 0 env KSRC="$KSRC" "$COPY/scripts/build-matrix.sh" gcc clang -- \
		samples SAMPLES=hello "${BUILT[@]}"
	expect_out '^ok +gcc +[0-9]+ s$'
	expect_out '^ok +clang +[0-9]+ s$'
	"$COPY/build/matrix/clang/samples/hello" --version
	echo 'static int not_used;' >>"$COPY/samples/hello_user.c"
	defer "cp '$NETBPF_TOP/samples/hello_user.c' '$COPY/samples/hello_user.c'"
	expect_status 1 env KSRC="$KSRC" "$COPY/scripts/build-matrix.sh" gcc -- \
		samples SAMPLES=hello "${BUILT[@]}"
	expect_out 'hello_user.c.*error:.*not_used'
	expect_out '^fail gcc '
	expect_status 3 "$COPY/scripts/build-matrix.sh" clang-0
	expect_status 2 "$COPY/scripts/build-matrix.sh" --nonsense
	expect_status 0 "$COPY/scripts/build-matrix.sh" --help
	expect_out '^Examples:'
}

test_vmlinux_h_from_this_kernel()
{
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	expect_status 0 build vmlinux.h
	expect_match "$COPY/build/include/vmlinux.h" '^struct task_struct \{'
}

test_missing_btf_names_the_paths_tried()
{
	rm -f "$COPY/build/include/vmlinux.h"
	expect_status 2 build vmlinux.h VMLINUX_BTF="$TMP/none"
	expect_err "no kernel BTF at: $TMP/none.*CONFIG_DEBUG_INFO_BTF"
}

test_missing_compiler_is_named_with_its_cure()
{
	expect_status 2 build CLANG=clang-none
	expect_err 'clang-none is missing: scripts/setup.sh'
	expect_status 2 build CC=gcc-none
	expect_err 'gcc-none is missing: scripts/setup.sh'
}

test_missing_header_is_named_with_its_cure()
{
	local header

	for header in gelf.h libmnl.h; do
		# A compiler that does not find it.
		printf '#!/bin/sh\ngrep -q %s && exit 1\nexec gcc "$@"\n' "$header" >"$TMP/cc"
		chmod 755 "$TMP/cc"
		expect_status 2 build CC="$TMP/cc"
		expect_err "$header> is missing: scripts/setup.sh"
	done
	expect_status 2 build CC='gcc -nostdinc'
	expect_err 'stdio.h> is missing: scripts/setup.sh installs it \(package libc6-dev\)'
}

test_missing_tool_of_libbpf_is_named_with_its_cure()
{
	expect_status 2 build LLVM=1 LD=ld.lld-none
	expect_err 'ld.lld-none is missing: scripts/setup.sh installs it \(package lld\)'
	expect_status 2 build AR=ar-none
	expect_err 'ar-none is missing: scripts/setup.sh installs it \(package binutils\)'
	# A PATH with all programs except python3.
	mkdir "$TMP/bin"
	cp -rs /bin/. "$TMP/bin"
	rm "$TMP"/bin/python3*
	expect_status 2 env PATH="$TMP/bin" make -C "$COPY/samples" KSRC="$KSRC" hello
	expect_err 'python3 is missing: scripts/setup.sh installs it \(package python3\)'
}

# hide HEADER...: compilers with -isystem $TMP/hidden find an #error instead of HEADER.
hide()
{
	local header

	for header; do
		mkdir -p "$(dirname "$TMP/hidden/$header")"
		echo '#error hidden' >"$TMP/hidden/$header"
	done
}

# A missing library stops only the programs that use it, and each names what it lacks.
test_a_missing_library_stops_who_needs_it()
{
	local SAMPLES='hello network sockfilter xdp_lb' name
	local few=$TMP/few

	hide pcap.h yaml.h curl/curl.h
	expect_status 2 elsewhere "$few" -k CC="gcc -isystem $TMP/hidden"
	for name in $SAMPLES; do
		case $name in
		sockfilter | xdp_lb) [ ! -e "$few/samples/$name" ] || fail "$name is built" ;;
		*) "$few/samples/$name" --version ;;
		esac
	done
	expect_err '^sockfilter: <pcap.h> is missing: scripts/setup.sh installs it \(package libpcap-dev\)$'
	expect_err '^xdp_lb: <yaml.h> is missing: .* \(package libyaml-dev\)$'
	expect_err '^xdp_lb: <curl/curl.h> is missing: .* \(package libcurl4-openssl-dev\)$'
	expect_no_match "$ERR_FILE" '#error|hello|fatal'
	expect_status 2 make -C "$COPY/selftests" KSRC="$KSRC" -k O="$few" "${BUILT[@]}" \
		CC="gcc -isystem $TMP/hidden" \
		"$few"/selftests/{sockfilter/sockfilter_expr,headers/pkt_csum}_test \
		"$few"/selftests/xdp_lb/xdp_lb_{config,probe,link}_test
	# Tests are linked with parts of their sample, and need its libraries. make reports
	# each missing library once.
	expect_err '^sockfilter: <pcap.h> is missing'
	expect_err '^xdp_lb: <yaml.h> is missing'
	expect_err '^xdp_lb: <curl/curl.h> is missing'
	expect_eq "lines about missing headers" "$(grep -c 'h> is missing' "$ERR_FILE")" 3
	expect_no_match "$ERR_FILE" '#error|pkt_csum|fatal'
	expect_no_line '(sockfilter|xdp_lb)/' find "$few/selftests" -name '*_test'
	[ -x "$few/selftests/headers/pkt_csum_test" ] || fail "a test that needs none is not built"
}

test_missing_kernel_tree_is_named_with_its_cure()
{
	expect_status 2 make -C "$COPY/samples" KSRC="$TMP/none"
	expect_err 'KSRC=.* is no kernel source tree'
	expect_err 'hint:.*scripts/setup.sh'
}

test_help_and_clean_need_no_kernel_tree()
{
	expect_status 0 make -C "$COPY" help KSRC="$TMP/none"
	expect_out 'CLANG='
}

test_clean_leaves_the_sources_only()
{
	expect_status 0 make -C "$COPY" clean KSRC="$TMP/none"
	find "$COPY" -type f | sort >"$TMP/after"
	diff "$TMP/before" "$TMP/after" >&2 || fail "not the files of before"
}

run_tests test_sanitizers_are_for_host_programs \
	test_nothing_to_do_the_second_time test_a_new_sysfs_is_no_other_kernel \
	test_a_program_rebuilds_only_its_sample test_a_program_rebuilds_only_its_tests \
	test_a_header_rebuilds_what_includes_it test_a_header_needs_no_other_in_front \
	test_loader_code_links_all_again test_bpf_programs_include_nothing_of_libc \
	test_libbpf_of_the_system_is_not_used test_verbose_shows_commands \
	test_another_clang_rebuilds_the_bpf_objects \
	test_another_cc_rebuilds_the_host_objects test_clang_as_host_compiler \
	test_a_relative_O_counts_from_where_make_was_called \
	test_libbpf_and_bpftool_of_another_build \
	test_a_warning_is_an_error_with_WERROR test_a_warning_in_libbpf_stops_no_user \
	test_matrix_builds_with_each_compiler \
	test_vmlinux_h_from_this_kernel test_missing_btf_names_the_paths_tried \
	test_missing_compiler_is_named_with_its_cure \
	test_missing_header_is_named_with_its_cure \
	test_missing_tool_of_libbpf_is_named_with_its_cure \
	test_a_missing_library_stops_who_needs_it \
	test_missing_kernel_tree_is_named_with_its_cure \
	test_help_and_clean_need_no_kernel_tree test_clean_leaves_the_sources_only
