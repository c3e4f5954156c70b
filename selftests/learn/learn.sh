#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/learn.sh: what the learner sees from the start of an exercise to its solution, and that
# no program of a learner leaves anything behind. selftests/tools/author.sh checks the exercises.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
need_root
require_tools ip jq curl ping setpriv unshare python3 make
[ -d "$NETBPF_TOP/exercises" ] || skip "the course is not here"

LEARN_SH=$NETBPF_TOP/scripts/learn.sh
PING=04-drop-ping

setup()
{
	export NETBPF_LEARN=$TMP/learn TMPDIR=$TMP NO_INSTALL=1 EDITOR=
}

# learn STATUS ARGUMENT...: run learn.sh, which must end with STATUS.
learn()
{
	expect_status "$1" timeout $((60 * NETBPF_SLOW)) "$LEARN_SH" "${@:2}"
}

# begin: start exercise 4, with nothing written or solved so far.
begin()
{
	rm -rf "$NETBPF_LEARN"
	learn 0 start 4
}

# write FILE: put a file of the exercise into the place of the learner's program.
write()
{
	cp "$NETBPF_TOP/exercises/$PING/$1" "$NETBPF_LEARN/$PING/drop_ping_kern.c"
}

test_list()
{
	local n

	rm -rf "$NETBPF_LEARN"
	n=$(find "$NETBPF_TOP/exercises" -maxdepth 1 -name '[0-9]*' | wc -l)
	learn 0 list
	expect_out "^$PING +- +Drop pings, nothing else"
	expect_out "^0 of $n solved"
	learn 0 list -j
	expect_eq exercises "$(jq -s 'length' "$OUT_FILE")" "$n"
}

test_start_keeps_what_was_written()
{
	begin
	expect_out 'Drop IPv4 echo requests'
	expect_out '^To read'
	# What is learnt may name the solution.
	expect_no_match "$OUT_FILE" 'What you have learnt'
	echo '/* mine */' >>"$NETBPF_LEARN/$PING/drop_ping_kern.c"
	learn 0 start 4
	grep -q mine "$NETBPF_LEARN/$PING/drop_ping_kern.c" || fail "the program was overwritten"
	learn 0 list
	expect_out "^$PING +started"
	learn 0 reset drop-ping
	! grep -q mine "$NETBPF_LEARN/$PING/drop_ping_kern.c" || fail "not reset"
}

# Nothing that the learner has written is lost, also not by a second reset.
test_reset_keeps_the_program()
{
	local file=$NETBPF_LEARN/$PING/drop_ping_kern.c

	begin
	echo "$PING 2026-12-01" >"$NETBPF_LEARN/progress"
	echo '/* first */' >>"$file"
	learn 0 reset 4
	expect_out "^Your program is kept as $file\.old"
	learn 0 list
	expect_out "^$PING +started"
	learn 0 reset 4
	expect_eq files "$(ls "$NETBPF_LEARN/$PING")" $'drop_ping_kern.c\ndrop_ping_kern.c.old'
	echo '/* second */' >>"$file"
	learn 0 reset 4
	grep -q first "$file.old.~1~" || fail "the first program is lost"
	grep -q second "$file.old" || fail "the second program is lost"
}

# Without a number: the one that was started last, as long as it is not solved.
test_default_is_the_one_that_was_started()
{
	local command

	begin
	learn 0 start 6
	for command in hint build; do
		learn 0 "$command"
		expect_out '^Exercise 06, which you have started: Look behind the IP options'
	done
	learn 1 check
	expect_out '^06-ip-options'
	echo "06-ip-options 2026-12-01" >>"$NETBPF_LEARN/progress"
	learn 0 hint
	expect_out '^Exercise 04, which you have started'
	learn 0 start
	expect_out 'Let every frame pass'
	learn 0 hint
	expect_out '^Exercise 01, which'
}

owners()
{
	find "$NETBPF_LEARN" -printf '%U:%G\n' | sort -u
}

# learn.sh runs as root, and the files are those of a user.
test_files_belong_to_the_learner()
{
	rm -rf "$NETBPF_LEARN"
	SUDO_UID=4321 SUDO_GID=4322 learn 0 start 4
	expect_eq "owners of a new learn/" "$(owners)" 4321:4322
	# Whoever has called sudo since: the directory is still that user's.
	learn 0 start 1
	learn 0 hint
	learn 0 build
	echo "01-pass 2026-12-01" >"$NETBPF_LEARN/progress"
	learn 0 reset 1
	write solution_kern.c
	chown 4321:4322 "$NETBPF_LEARN/$PING/drop_ping_kern.c"
	SUDO_UID=0 learn 0 check 4
	expect_eq "owners" "$(owners)" 4321:4322
}

test_check_wrong_then_right()
{
	begin
	learn 1 check 4
	expect_out '^ +compile +ok'
	expect_out '^ +packets +wrong'
	expect_out 'an IPv4 echo request was passed: IPv4 echo requests should be dropped'
	expect_out 'ICMP +34:\[08\]'
	expect_out 'NETBPF_SEED=[0-9]+'
	# The simplest packet that fails, and no other one.
	expect_eq "packets shown" "$(grep -c 'Ethernet ' "$OUT_FILE")" 1
	write solution_kern.c
	learn 0 check 4
	expect_out '^ +real +ok'
	expect_out 'ns a packet; the solution needs'
	expect_out '^Solved\. You look at each header'
	expect_out 'word for word'
	learn 0 list
	expect_out "^$PING +solved"
	learn 0 start 4
	expect_out 'What you have learnt'
}

# Comments and white space are no difference.
test_the_same_words()
{
	local file=$NETBPF_LEARN/$PING/drop_ping_kern.c

	begin
	sed -e 's|/\*.*\*/|// mine|' -e 's/\t/    /g; s/ = /=/' \
		"$NETBPF_TOP/exercises/$PING/solution_kern.c" >"$file"
	learn 0 solution --yes 4
	expect_out 'word for word'
	sed -i 's/ihl != 5/ihl != 6/' "$file"
	learn 0 solution --yes 4
	expect_out '^-.*ihl != 6'
	expect_no_match "$OUT_FILE" 'word for word'
}

test_check_compile_error()
{
	begin
	sed -i 's/return XDP_PASS;$/return XDP_PAS;/' "$NETBPF_LEARN/$PING/drop_ping_kern.c"
	learn 1 check 4
	expect_out '^ +compile +wrong'
	expect_out "drop_ping_kern.c:[0-9]+:[0-9]+: error: .*XDP_PAS"
}

test_check_json()
{
	begin
	learn 1 check -j 4
	expect_eq stages "$(jq -r 'select(.event == "stage") | .stage + " " + .result' "$OUT_FILE")" \
		$'compile ok\nload ok\npackets wrong'
	expect_eq solved "$(jq -s '.[-1].solved' "$OUT_FILE")" false
	jq -s -e '.[2].seed | test("^[0-9]+$")' "$OUT_FILE" >/dev/null || fail "no seed"
	write solution_kern.c
	learn 0 check --all -j
	expect_eq solved "$(jq -s '.[-1].solved' "$OUT_FILE")" true
}

# What was built is there to be tried by hand.
test_build_of_a_loader()
{
	begin
	learn 0 build 4
	[ -s "$NETBPF_LEARN/$PING/drop_ping_kern.o" ] || fail "no object"
	learn 0 start 12
	learn 0 build 12
	[ -x "$NETBPF_LEARN/12-blocklist/blocklist" ] || fail "no loader"
	expect_status 1 "$NETBPF_LEARN/12-blocklist/blocklist" nonexistent
}

# Each program of Documentation/verifier.rst is explained by its own section.
test_refusals_are_explained()
{
	local object n judge=$NETBPF_OUT/build/exercises/$PING/judge

	[ -x "$judge" ] || skip "the judges are not built"
	for object in "$NETBPF_OUT"/selftests/scripts/verifier/*_broken.o; do
		n=$(basename "$object")
		n=$((10#${n%%_*}))
		expect_status 1 "$judge" explain "$object"
		expect_out "Documentation/verifier.rst, section $n\$"
		expect_out '^    cure '
	done
}

test_hints_and_solution()
{
	local n

	begin
	for n in 1 2 3 3; do
		learn 0 hint 4
		expect_out "^Hint $n of 3:"
	done
	expect_out 'icmp->type == ICMP_ECHO'
	learn 1 solution 4
	expect_no_match "$OUT_FILE" ICMP_ECHO
	expect_err 'hint: .*learn.sh solution --yes 04'
	learn 0 solution --yes 4
	expect_out '^\+.*icmp->type == ICMP_ECHO'
	learn 2 hint --yes 4
}

answers()
{
	[ "$(grep -cE "$1" "$SAMPLE_OUT")" -ge "$2" ]
}

# Each save is checked; the next exercise begins when this one is solved.
test_watch()
{
	begin
	start_bg PID "$LEARN_SH" watch 4
	SAMPLE_OUT=$(sample_out "$PID")
	eventually 60 answers 'Waiting for you to save' 1
	write wrong/every_icmp_kern.c
	eventually 30 answers 'an echo reply was dropped' 1
	eventually 30 answers 'Waiting for you to save' 2
	# Editors write another file, and rename it.
	cp "$NETBPF_TOP/exercises/$PING/solution_kern.c" "$NETBPF_LEARN/$PING/new"
	mv "$NETBPF_LEARN/$PING/new" "$NETBPF_LEARN/$PING/drop_ping_kern.c"
	eventually 30 answers '^Solved' 1
	# The next exercise begins, and a save is enough.
	eventually 30 answers '^Then:  save the file' 1
	stop_sample "$PID" INT || [ "$STATUS" -eq 130 ] || fail "status $STATUS"
}

# processes: print what still runs of a check.
processes()
{
	pgrep -af "[l]ive.sh .*$TMP|[j]udge .*$TMP|[w]ait_save $TMP" || :
}

no_processes()
{
	[ -z "$(processes)" ]
}

checking()
{
	pgrep -f "[l]ive.sh .*$TMP" >/dev/null
}

watching()
{
	pgrep -f "[w]ait_save $TMP" >/dev/null
}

# Whatever ends watch, also kill -9, nothing waits for a save any more. The same after an exercise
# is solved: only the next one is watched.
test_watch_leaves_nothing()
{
	local signal

	begin
	for signal in INT TERM HUP KILL; do
		start_bg PID "$LEARN_SH" watch 4
		SAMPLE_OUT=$(sample_out "$PID")
		eventually 60 answers 'Waiting for you to save' 1
		watching || fail "nothing waits for a save"
		kill -s "$signal" "$PID"
		wait_sample "$PID" 10 || :
		eventually 5 no_processes
	done
	write solution_kern.c
	start_bg PID "$LEARN_SH" watch 4
	SAMPLE_OUT=$(sample_out "$PID")
	eventually 60 answers 'Waiting for you to save' 1
	expect_eq "directories that are watched" \
		"$(pgrep -af "[w]ait_save $TMP" | sed 's|.*/||')" 05-request-or-reply
	kill "$PID"
	wait_sample "$PID" 10 || :
	eventually 5 no_processes
}

# "make learn" takes watch with it, also by kill -9.
test_make_learn_leaves_nothing()
{
	local signal

	[ -e "$NETBPF_TOP/Makefile" ] || skip "the sources are not here"
	begin
	for signal in TERM KILL; do
		start_bg PID make -C "$NETBPF_TOP" learn
		SAMPLE_OUT=$(sample_out "$PID")
		eventually 60 answers 'Waiting for you to save' 1
		kill -s "$signal" "$PID"
		wait_sample "$PID" 10 || :
		eventually 5 no_processes
	done
}

# Whatever ends a check, also kill -9, its namespaces and processes go.
test_interrupted()
{
	local signal

	begin
	write solution_kern.c
	for signal in INT TERM KILL; do
		start_bg PID "$LEARN_SH" check 4
		eventually 60 checking
		kill -s "$signal" "$PID"
		wait_sample "$PID" 10 || :
		eventually 10 no_processes
		[ ! -s "$(sample_err "$PID")" ] || fail "$signal: $(<"$(sample_err "$PID")")"
	done
}

test_usage()
{
	learn 2 check 99
	expect_err 'there is no exercise 99'
	learn 2 bogus
	expect_err 'no such command: bogus'
	learn 2 list --bogus
	rm -rf "$NETBPF_LEARN"
	learn 1 check 4
	expect_err 'exercise 04-drop-ping is not started'
	expect_err 'hint: .*learn.sh start 04'
}

run_tests test_list test_start_keeps_what_was_written test_reset_keeps_the_program \
	test_default_is_the_one_that_was_started test_files_belong_to_the_learner \
	test_check_wrong_then_right test_the_same_words test_check_compile_error \
	test_check_json test_build_of_a_loader test_refusals_are_explained \
	test_hints_and_solution test_watch test_watch_leaves_nothing \
	test_make_learn_leaves_nothing test_interrupted test_usage
