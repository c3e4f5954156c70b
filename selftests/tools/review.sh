#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/review.sh on a small tree with a history of its own, whose build,
# check and tests are scripts of one line.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_tools git perl make
[ -x "$NETBPF_TOP/scripts/review.sh" ] || skip "scripts/review.sh is not here"
KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"
export KSRC
# Ignore the user's configuration of git, and variables of a git that started this test.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

REPO=$TMP/repo
REVIEW=$REPO/scripts/review.sh

in_repo()
{
	git -C "$REPO" -c user.name='A Tester' -c user.email=tester@example.org "$@"
}

# script FILE COMMAND...: make an executable file of the tree.
script()
{
	printf '#!/bin/bash\n%s\n' "${*:2}" >"$REPO/$1"
	chmod 755 "$REPO/$1"
}

# commit SUBJECT: commit all changes.
commit()
{
	in_repo add -A
	in_repo commit -q -s -m "$1" -m "It says why: the test of the review needs it so."
}

# shellcheck disable=SC2016 # the variables are for make and the scripts
# setup: make a good base, and three patches: a good one, one that breaks the build,
# and one that mends the build and breaks a test.
setup()
{
	mkdir -p "$REPO/scripts" "$REPO/selftests"
	git init -q -b main "$REPO"
	cp "$NETBPF_TOP/scripts/"{review,common,ksrc}.sh "$REPO/scripts/"
	cp "$NETBPF_TOP/.checkpatch.conf" "$REPO/"
	cat >"$REPO/MAINTAINERS" <<-'END'
		NETBPF
		M:	A Maintainer <maintainer@example.org>
		L:	list@example.org
		S:	Maintained
		F:	*
		F:	*/
	END
	printf 'all:\n\t@%s\n' 'grep -q good value && mkdir -p $(O) && touch $(O)/built' \
		>"$REPO/Makefile"
	script scripts/check.sh '[ "$*" != "-t commits HEAD~1" ] || { ! git show | grep "int  f"; exit; }
		echo the check ran; ! grep -r bad-style --include=*.txt .'
	script selftests/run.sh '[ -z "${AS:-}" ] ||
			setpriv --reuid "$AS" --clear-groups cat "$PWD/value" || exit
		[ "$1" != --list ] || { printf "live\nunit_test\n"; exit; }
		echo "ran $*" >>"${RAN:-/dev/null}"; [ -e "$O/built" ] && grep -q tested value'
	echo 'good tested' >"$REPO/value"
	commit 'tree: begin'
	in_repo branch base
	echo one >"$REPO/one.txt"
	commit 'tree: one: add it'
	echo 'broken tested' >"$REPO/value"
	commit 'tree: value: break the build'
	echo 'good' >"$REPO/value"
	commit 'tree: value: mend the build, break a test'
}

test_the_table_tells_the_patch_and_the_step()
{
	expect_status 1 "$REVIEW" base
	expect_out '^apply  style  build  check  tests  patch$'
	expect_out '^ok     ok     ok     ok     ok     1/3 tree: one: add it$'
	expect_out '^ok     ok     FAIL   ok     -      2/3 tree: value: break the build$'
	expect_out '^ok     ok     ok     ok     FAIL   3/3 tree: value: mend the build'
	expect_err '/2-build.log$'
	expect_err '/3-tests.log$'
	rm -rf "$(sed -n 's/^review: what failed is in \(.*\):$/\1/p' "$ERR_FILE")"
}

test_a_good_series_passes()
{
	export RAN=$TMP/ran
	in_repo checkout -q -b good base
	defer git -C "$REPO" checkout -q main
	echo two >"$REPO/two.txt"
	commit 'tree: two: add it'
	expect_status 0 "$REVIEW" base
	expect_out '^ok     ok     ok     ok     ok     1/1 tree: two: add it$'
	expect_match "$RAN" '^ran --no-build -t unit_test$'
	expect_status 0 "$REVIEW" --tests live,unit_test base
	expect_match "$RAN" '^ran --no-build -t live -t unit_test$'
	expect_status 0 "$REVIEW" --tests all base
	expect_match "$RAN" '^ran --no-build$'
	# A test may run as another user.
	[ "$(id -u)" -ne 0 ] || expect_status 0 env AS=65534 "$REVIEW" base
	# A branch without upstream is compared with main.
	expect_status 0 "$REVIEW" --skip tests --skip style
	expect_out '^ok     -      ok     ok     -      1/1'
}

test_check_and_style_are_seen()
{
	in_repo checkout -q -b style base
	defer git -C "$REPO" checkout -q main
	echo bad-style >"$REPO/three.txt"
	printf '// SPDX-License-Identifier: GPL-2.0\nint  f( void ){ return 1; }\n' >"$REPO/three.c"
	commit 'tree: three: add it'
	expect_status 1 "$REVIEW" base
	expect_out '^ok     FAIL   ok     FAIL   ok     1/1'
	rm -rf "$(sed -n 's/^review: what failed is in \(.*\):$/\1/p' "$ERR_FILE")"
}

test_the_series_is_ready_to_send()
{
	local out=$TMP/series cover=$TMP/series/v2-0000-cover-letter.patch

	expect_status 1 "$REVIEW" --skip check -o "$out" -s 'tree: values & more' -v 2 base
	expect_out "^series: $out"
	rm -rf "$(sed -n 's/^review: what failed is in \(.*\):$/\1/p' "$ERR_FILE")"
	expect_eq patches "$(find "$out" -name 'v2-000[0-3]-*.patch' | wc -l)" 4
	expect_match "$cover" '^Subject: \[PATCH v2 0/3\] tree: values & more$'
	expect_match "$cover" '^  ok     ok     FAIL   -      -      2/3'
	expect_no_match "$cover" '\*\*\*'
	expect_match "$out/v2-0003-tree-value-mend-the-build-break-a-test.patch" \
		'^To: A Maintainer <maintainer@example.org>$'
	expect_match "$out/v2-0001-tree-one-add-it.patch" '^Cc: list@example.org'
	expect_match "$cover" '^base-commit: '
	# The series that was written applies to the base.
	git clone -q -b base "$REPO" "$TMP/clone"
	(cd "$TMP/clone" && git -c user.name=T -c user.email=t@example.org \
		am -q "$out"/v2-000[1-3]*.patch)
	expect_eq "tree" "$(git -C "$TMP/clone" rev-parse 'HEAD^{tree}')" \
		"$(git -C "$REPO" rev-parse 'main^{tree}')"
}

# shellcheck disable=SC2016 # $$ is for make
# This build never ends by itself.
test_an_interrupt_ends_the_step()
{
	local pid status=0

	in_repo checkout -q -b endless base
	defer git -C "$REPO" checkout -q main
	printf 'all:\n\t@echo $$$$ >%s; while :; do sleep 0.05; done\n' "$TMP/building" \
		>"$REPO/Makefile"
	commit 'tree: build: never end'
	mkdir "$TMP/tmp"
	start_bg pid env TMPDIR="$TMP/tmp" "$REVIEW" base
	eventually 20 test -s "$TMP/building"
	stop_sample "$pid" INT || status=$?
	expect_eq status "$status" 130
	eventually 5 pid_gone "$(<"$TMP/building")"
	expect_eq "worktrees" "$(git -C "$REPO" worktree list | wc -l)" 1
	expect_no_line '' find "$TMP/tmp" -mindepth 1
}

test_nothing_is_left()
{
	expect_eq "worktrees" "$(git -C "$REPO" worktree list | wc -l)" 1
	expect_eq "branch" "$(git -C "$REPO" branch --show-current)" main
	expect_no_line '' git -C "$REPO" status --porcelain
}

test_usage()
{
	expect_status 0 "$REVIEW" --help
	expect_out '^Examples:'
	expect_status 2 "$REVIEW" --nonsense
	expect_status 2 "$REVIEW" no-such-commit
	expect_status 2 "$REVIEW" --skip apply
	expect_status 2 "$REVIEW" -o
	expect_status 1 "$REVIEW" HEAD
	expect_err 'no patch between HEAD and HEAD'
}

run_tests test_the_table_tells_the_patch_and_the_step test_a_good_series_passes \
	test_check_and_style_are_seen test_the_series_is_ready_to_send \
	test_an_interrupt_ends_the_step test_nothing_is_left test_usage
