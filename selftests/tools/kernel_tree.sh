#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# This tree as tools/netbpf of a kernel tree, with no change: it builds the same
# objects there, its tests have the same results, under the kernel's runner and
# installed, and nothing else of the kernel tree is touched.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
require_tools make gcc clang rsync
require_sources
[ -n "$NBT_LIST" ] || KSRC_HERE=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"

# The scripts must find the kernel tree by themselves.
unset KSRC CALLED_FROM
[ -z "${O:-}" ] || unset O

KERNEL=$TMP/linux
TREE=$KERNEL/tools/netbpf
INSTALLED=$TMP/installed

# The tests whose results are compared: some of each kind that need little time. No other
# tests in C are built, which would take most of the time of a build.
SHELL_TESTS=(pass/pass.sh tools/config.sh)
C_TESTS=(headers/pkt_csum_test headers/pkt_echo_test hello/hello_test)
CUSTOM_PROGS=TEST_CUSTOM_PROGS=${C_TESTS[*]/#/$TREE/selftests/}

# Copy what setup.sh takes from a kernel tree; some kernels do not have all of it.
copy_kernel()
{
	local part

	mkdir "$KERNEL"
	sed -n "/^readonly KSRC_PARTS='/,/^'/p" "$NETBPF_TOP/scripts/setup.sh" |
		grep -v "'" | tr ' ' '\n' | while read -r part; do
			[ ! -e "$KSRC_HERE/$part" ] || echo "$part"
		done >"$TMP/parts"
	tar -C "$KSRC_HERE" -cf - -T "$TMP/parts" | tar -C "$KERNEL" -xf -
}

# kernel_files: print all files of the kernel tree but ours, with size and time.
kernel_files()
{
	find "$KERNEL" -path "$TREE" -prune -o -type f -printf '%p %s %T@\n' | sort
}

setup()
{
	copy_kernel
	copy_sources "$TREE"
	kernel_files >"$TMP/kernel.before"
	find "$TREE" | sort >"$TMP/tree.before"
	cd "$KERNEL"
	if ! make -C tools/netbpf -j "$(nproc)" "$CUSTOM_PROGS" >"$TMP/build" 2>&1; then
		cat "$TMP/build" >&2
		fail "the build failed"
	fi
}

# built_against DIR OUT: what is in OUT must have been built from the kernel tree DIR.
built_against()
{
	expect_match "$2/build/toolchain.bpf" " $1 "
}

test_the_kernel_tree_around_is_taken()
{
	built_against "$KERNEL" "$TREE"
}

# toolchain DIR: print the compilers and flags of the build in DIR, without its paths.
toolchain()
{
	sed -E 's/ (-I|-isystem |-ffile-prefix-map=)?\/[^ ]+//g' "$1"/build/toolchain.{host,bpf}
}

test_the_same_objects_as_alone()
{
	local file n=0

	[ "$(toolchain "$NETBPF_OUT")" = "$(toolchain "$TREE")" ] ||
		skip "what is built in $NETBPF_OUT was built otherwise"
	cd "$TREE"
	for file in samples/*.o selftests/*/*.o build/libbpf/libbpf.a \
		    $(sample_names | sed 's,^,samples/,'); do
		cmp "$file" "$NETBPF_OUT/$file" >&2 || fail "$file is another than alone"
		n=$((n + 1))
	done
	diag "$n files are the same"
}

test_another_output_directory()
{
	local built=(BPFTOOL="$TREE/build/bpftool/bootstrap/bpftool"
		     LIBBPF_DIR="$TREE/build/libbpf")

	mkdir "$TMP/out"
	cd "$TMP"
	expect_status 0 make -C "$TREE/samples" O=out "${built[@]}" -j "$(nproc)" hello
	built_against "$KERNEL" "$TMP/out"
	"$TMP/out/samples/hello" --version
	# The kernel's own Makefiles set subdir when they call ours: O= is then for all of
	# the kernel's tools.
	expect_status 0 make -C "$TREE/samples" O="$TMP/out" subdir=tools/netbpf \
		"${built[@]}" "$TMP/out/tools/netbpf/samples/ping_kern.o"
	cmp "$TMP/out/tools/netbpf/samples/ping_kern.o" "$TREE/samples/ping_kern.o" >&2
}

# A kernel tree has a link to this tree. If make is called in that kernel tree, or in a directory
# below it, the build must find that kernel tree.
test_linked_into_a_kernel_tree()
{
	local dir

	mkdir -p "$TMP/other/tools" "$TMP/alone"
	cp -rs "$KERNEL"/{include,kernel,scripts} "$TMP/other"
	cp -rs "$KERNEL"/tools/{arch,bpf,build,include,lib,scripts} "$TMP/other/tools"
	mv "$TREE" "$TMP/alone/source"
	defer "mv '$TMP/alone/source' '$TREE'"
	ln -s "$TMP/alone/source" "$TMP/other/tools/my_netbpf"
	for dir in "$TMP/other" "$TMP/other/tools/my_netbpf" "$TMP/other/tools/my_netbpf/samples"; do
		cd "$dir"
		expect_status 0 env -u KSRC CALLED_FROM="$dir" "$TMP/alone/source/scripts/ksrc.sh"
		expect_eq "kernel tree from $dir" "$OUT" "$TMP/other"
	done
	cd "$TMP/other"
	expect_status 0 make -C tools/my_netbpf/samples O="$TMP/linked" \
		BPFTOOL="$TMP/alone/source/build/bpftool/bootstrap/bpftool" \
		"$TMP/linked/samples/ping_kern.o"
	built_against "$TMP/other" "$TMP/linked"
	cmp "$TMP/linked/samples/ping_kern.o" "$TMP/alone/source/samples/ping_kern.o" >&2
}

# results FILE: print the numbered results of tests, one a line, from what a runner printed.
results()
{
	sed -nE 's/^(# |  )((not )?ok [0-9]+ .*)/\2/p' "$1"
}

# alone(): run the same tests in the tree that we are in, once, and keep their results.
alone()
{
	local name args=()

	[ ! -e "$TMP/alone.results" ] || return 0
	for name in "${C_TESTS[@]}" "${SHELL_TESTS[@]}"; do
		args+=(-t "${name##*/}")
	done
	"$NBT_DIR/run.sh" --no-build -j 1 "${args[@]}" >"$TMP/run.alone" 2>&1 || :
	results "$TMP/run.alone" >"$TMP/alone.results"
	expect_match "$TMP/alone.results" '^ok 10 '
}

# into_pipe COMMAND...: give COMMAND a pipe as stdout. The kernel's runner opens /dev/stdout
# again, to append; with a file as stdout it would overwrite what is there.
into_pipe()
{
	"$@" | cat
}

same_as_alone()
{
	results "$1" >"$TMP/results"
	diff "$TMP/alone.results" "$TMP/results" >&2 || {
		show "$1" "$1"
		fail "other results than alone"
	}
	diag "$(wc -l <"$TMP/results") results are the same"
}

test_run_tests_has_the_same_results()
{
	[ -x "$NETBPF_OUT/selftests/headers/pkt_csum_test" ] || skip "the tests are not built"
	alone
	cd "$KERNEL"
	expect_status 0 into_pipe make -C tools/netbpf/selftests run_tests TEST_PROGS="${SHELL_TESTS[*]}" \
		"$CUSTOM_PROGS"
	expect_out '^# overriding timeout to [1-9][0-9]{2}'
	same_as_alone "$OUT_FILE"
	[ ! -e "$TREE/selftests/ping/ping_test" ] || fail "a test is built that nobody asked for"
}

# listed: print our tests, as the kernel's runner names them.
listed()
{
	make -s --no-print-directory -C "$TREE/selftests" list-all | sed 's/^/netbpf:/'
}

test_all_tests_would_be_installed()
{
	listed | sort >"$TMP/wanted"
	make -s --no-print-directory -C "$TREE/selftests" emit_tests COLLECTION=netbpf | sort >"$TMP/emitted"
	diff "$TMP/wanted" "$TMP/emitted" >&2 || fail "not all tests would be"
}

# Installed tests must work without the sources and the kernel tree.
test_installed_it_has_the_same_results()
{
	local name args=()

	[ -x "$NETBPF_OUT/selftests/headers/pkt_csum_test" ] || skip "the tests are not built"
	cd "$KERNEL"
	expect_status 0 make -C tools/netbpf/selftests install INSTALL_PATH="$INSTALLED" "$CUSTOM_PROGS"
	{ listed | grep '\.sh$'; printf 'netbpf:%s\n' "${C_TESTS[@]##*/}"; } | sort >"$TMP/wanted"
	mv "$KERNEL" "$TMP/away"
	defer "mv '$TMP/away' '$KERNEL'"
	cd "$TMP"
	"$INSTALLED/run_kselftest.sh" -l >"$TMP/list"
	sort "$TMP/list" | diff "$TMP/wanted" - >&2 || fail "not all tests are installed"
	for name in "${C_TESTS[@]}" "${SHELL_TESTS[@]}"; do
		args+=(-t "netbpf:${name##*/}")
	done
	alone
	expect_status 0 into_pipe "$INSTALLED/run_kselftest.sh" "${args[@]}"
	expect_out '^# timeout set to [1-9][0-9]{2}'
	same_as_alone "$OUT_FILE"
	# A test that needs the sources skips; scripts and samples are installed.
	expect_status 0 into_pipe "$INSTALLED/run_kselftest.sh" -t netbpf:build.sh
	expect_out '^ok 1 .*build.sh # SKIP'
	expect_status 0 "$INSTALLED/netbpf/tree/scripts/lab.sh" --help
	expect_status 0 "$INSTALLED/netbpf/tree/samples/ping" --version
}

test_install_wants_a_path()
{
	expect_status 2 make -C "$TREE/selftests" install
	expect_err 'set INSTALL_PATH'
}

test_clean_leaves_the_sources_only()
{
	expect_status 0 make -C "$TREE" clean
	find "$TREE" | sort | diff "$TMP/tree.before" - >&2 || fail "not the files of before"
}

test_the_kernel_tree_is_as_it_was()
{
	kernel_files | diff "$TMP/kernel.before" - >&2 || fail "a file of the kernel is touched"
}

run_tests test_the_kernel_tree_around_is_taken test_the_same_objects_as_alone \
	test_another_output_directory test_linked_into_a_kernel_tree \
	test_run_tests_has_the_same_results test_all_tests_would_be_installed \
	test_installed_it_has_the_same_results \
	test_install_wants_a_path test_clean_leaves_the_sources_only \
	test_the_kernel_tree_is_as_it_was
