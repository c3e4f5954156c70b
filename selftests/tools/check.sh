#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/check.sh on a small tree: each check passes on the clean tree, and finds a
# fault that is made for it.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_tools git perl make sparse shellcheck codespell rst2man sphinx-build
[ -e "$NETBPF_TOP/scripts/Makefile.check" ] || skip "the sources are not here"
KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"
export KSRC
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE BASE O

REPO=$TMP/repo
CHECK=$REPO/scripts/check.sh

in_repo()
{
	git -C "$REPO" -c user.name='A Tester' -c user.email=tester@example.org "$@"
}

# commit SUBJECT [TEXT]: commit all changes.
commit()
{
	in_repo add -A
	in_repo commit -q -s -m "$1" -m "${2:-It says why: the test of the check needs it so.}"
}

setup()
{
	mkdir -p "$REPO/scripts" "$REPO/samples" "$REPO/Documentation" "$REPO/build/libbpf"
	git init -q -b main "$REPO"
	cp -r "$NETBPF_TOP/scripts/"{check.sh,check,common.sh,ksrc.sh,Makefile.check,Makefile.lib} "$REPO/scripts/"
	cp "$NETBPF_TOP/"{.checkpatch.conf,.shellcheckrc} "$REPO/"
	cp -r "$NETBPF_TOP/include" "$REPO/"
	cp -r "$NETBPF_TOP/Documentation/"{Makefile,conf.py,_static} "$REPO/Documentation/"
	ln -s "$NETBPF_OUT/build/libbpf/include" "$REPO/build/libbpf/include"
	printf '# SPDX-License-Identifier: GPL-2.0\n/build/\n' >"$REPO/.gitignore"
	printf '# SPDX-License-Identifier: GPL-2.0\nall:\n' >"$REPO/Makefile"
	printf '# SPDX-License-Identifier: GPL-2.0\nSAMPLES :=\n' >"$REPO/samples/Makefile"
	printf '.. SPDX-License-Identifier: GPL-2.0\n\n=====\nTitle\n=====\n\nText.\n' |
		tee "$REPO/Documentation/index.rst" >"$REPO/README.rst"
	commit 'tree: begin'
}

# fault CHECK FILE PATTERN: CHECK must fail with stdin at the end of FILE, and pass without.
fault()
{
	expect_status 0 "$CHECK" -t "$1"
	expect_out "^ok +$1 "
	mkdir -p "$REPO/samples"
	cat >>"$REPO/$2"
	expect_status 1 "$CHECK" -t "$1"
	expect_out "$3"
	expect_out "^fail +$1 "
	in_repo checkout -q . && in_repo clean -fdq
}

LICENCE='// SPDX-License-Identifier: GPL-2.0'

test_each_tool_sees_its_fault()
{
	fault build Makefile 'No rule to make target' <<<'all: missing'
	fault checkpatch samples/x.c 'SPACING' <<<"$LICENCE"$'\nint f(void)\n{\n\treturn 1+ 1;\n}'
	# shellcheck disable=SC2016 # a script, not an expression
	fault shellcheck scripts/common.sh 'SC2086' <<<'f() { ls $1; }'
	fault kernel-doc include/own_addr.h 'not described' \
		<<<$'/**\n * f() - x\n *\n * Return: y\n */\nint f(int a);'
	fault docutils README.rst 'Title underline too short' <<<$'\nLonger title\n====='
	fault sphinx Documentation/index.rst 'nowhere' <<<$'\n:doc:`nowhere`'
	fault codespell README.rst 'teh ==> the' <<<'teh'
	fault SPDX samples/x.txt 'no SPDX-License-Identifier' <<<'x'
	fault samples samples/x_kern.c '^samples/x: no test selftests/x/x.sh$' <<<"$LICENCE"
}

test_what_is_too_long_is_seen()
{
	fault size samples/x.c '^samples/x.c:3: f: a function of 60 lines: not under 60$' \
		<<<"$LICENCE"$'\nstatic int *f(int a)\n{\n'"$(seq 58)"$'\n}'
	# The } in the here document is text, and not the end of the function.
	fault size scripts/x.sh '^scripts/x.sh:2: g: a function of 60 lines: not under 60$' \
		< <(printf 'g()\n{\n\tcat %sEND\n{\n}\n%s\n\tEND\n}\n' '<<-' "$(seq 54)")
	fault size scripts/x.sh 'where is the end of the here document, END\?' \
		< <(printf 'g()\n{\n\tcat %sEND\n}\n' '<<-')
	mkdir -p "$REPO/samples"
	seq 1000 >"$REPO/samples/x.h"
	printf 'f()\n{\n%s\n}\n' "$(seq 57)" >"$REPO/scripts/x.sh"
	expect_status 0 "$CHECK" -t size
	in_repo checkout -q . && in_repo clean -fdq
}

test_sparse_sees_the_byte_order_on_both_sides()
{
	fault sparse samples/x_kern.c 'degrades to integer|different base types' \
		<<<"$LICENCE"$'\n#include <bpf/bpf_endian.h>\nint f(__be16 p);\nint f(__be16 p)\n{\n\treturn bpf_htons(p) == 1;\n}'
	fault sparse samples/x_user.c 'degrades to integer|different base types' \
		<<<"$LICENCE"$'\n#include <netinet/in.h>\nint f(struct in_addr *a);\nint f(struct in_addr *a)\n{\n\treturn a->s_addr == 0x7f000001;\n}'
}

test_the_analyzer_sees_a_leak()
{
	fault analyzer samples/x_user.c 'leak of' \
		<<<"$LICENCE"$'\n#include <stdlib.h>\nint f(void);\nint f(void)\n{\n\tchar *p = malloc(9);\n\n\treturn p ? 1 : 0;\n}'
}

test_commits_since_the_base()
{
	expect_status 0 "$CHECK" -t commits
	expect_out '^ok   commits     the last one'
	expect_status 0 "$CHECK" -t commits HEAD
	expect_out '^ok   commits     0 since HEAD$'
	echo x >>"$REPO/README.rst"
	in_repo commit -q -a -m 'no description and no sign-off'
	expect_status 1 "$CHECK" -t commits HEAD~1
	expect_out 'MISSING_SIGN_OFF'
	expect_out '^fail commits     1 since HEAD~1$'
	in_repo reset -q --hard HEAD~1
}

# says SUBJECT TEXT PATTERN: check.sh must find PATTERN in a commit with this message, or
# find nothing if PATTERN is empty.
says()
{
	echo x >>"$REPO/README.rst"
	in_repo commit -q -a -F - <<<"$1"$'\n\n'"$2"
	if [ -z "$3" ]; then
		expect_status 0 "$CHECK" -t commits HEAD~1
	else
		expect_status 1 "$CHECK" -t commits HEAD~1
		expect_out "^[0-9a-f]{12}: $3"
	fi
	in_repo reset -q --hard HEAD~1
}

test_messages_of_commits()
{
	local subject='samples: ping: drop by identifier' why='Users ask for it: see the page.'
	local sign=$'\n\nSigned-off-by: A Tester <tester@example.org>' fixes

	says "$subject" "$why$sign" ''
	says 'samples, selftests: pass_kern.c: move the licence' "$why$sign" ''
	says 'samples: ping: identifiers' "$why$sign" "the subject does not begin with a verb: 'identifiers'"
	says 'drop pings by their identifier' "$why$sign" 'the subject names no area'
	says "$subject$(printf ' and more%.0s' {1..6})" "$why$sign" 'the subject has 87 characters'
	says "$subject" "$why"$'\n'"${sign#??}" 'no empty line before the trailers'
	fixes="Fixes: $(in_repo log -1 --abbrev=12 --format='%h ("%s")')"
	says "$subject" "$why"$'\n\n'"$fixes"$'\n'"${sign#??}" ''
	says "$subject" "$why"$'\n\n'"${fixes/begin/end}"$'\n'"${sign#??}" 'Fixes: .*no such commit'
}

test_a_missing_tool_is_named()
{
	local tool

	mkdir "$TMP/bin"
	for tool in bash git grep dirname readlink basename; do
		ln -s "$(command -v "$tool")" "$TMP/bin/"
	done
	expect_status 3 env PATH="$TMP/bin" "$CHECK" -t sparse -t docutils
	expect_err 'missing: sparse \(package sparse\), rst2man \(package python3-docutils\)'
}

test_usage()
{
	expect_status 0 "$CHECK" --help
	expect_out '^Examples:'
	expect_status 2 "$CHECK" -t nonsense
	expect_status 2 "$CHECK" --nonsense
	expect_status 2 "$CHECK" -t commits no-such-commit
}

run_tests test_each_tool_sees_its_fault test_what_is_too_long_is_seen \
	test_sparse_sees_the_byte_order_on_both_sides test_the_analyzer_sees_a_leak \
	test_commits_since_the_base test_messages_of_commits test_a_missing_tool_is_named test_usage
