#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The course that checks itself: exercises/, Documentation/learn.rst.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/learn/stages.sh
. "$here/learn/stages.sh"
# shellcheck source=scripts/learn/progress.sh
. "$here/learn/progress.sh"
# shellcheck source=scripts/learn/author.sh
. "$here/learn/author.sh"

LEARN=${NETBPF_LEARN:-$NETBPF_TOP/learn}
JSON=
ALL=
YES=
WATCHING=
STAGE_PID=
WORK=

usage()
{
	cat <<-USAGE
	Usage: learn.sh COMMAND [-j] [NUMBER or name]

	Exercises in which you write BPF programs, and are told at once, on real packets,
	what is right and what is not. Without a number, "start" takes the first one that is not
	solved, the other commands the one that you have started last.

	  start [NN]     copy the exercise to learn/, print its task, open \$EDITOR
	  check [NN]     check your program; check --all: each one that you have started
	  watch [NN]     check it at each save; go on to the next one when it is solved
	  hint [NN]      the next of three hints
	  solution [NN]  the solution, compared with your program
	  reset [NN]     start again; your program is kept as NAME.old
	  list           all exercises, and how far you are
	  next           start the next exercise
	  --author [NN]  check the exercises themselves

	  -j, --json     JSON, one object a line: for check, list
	  -y, --yes      show the solution before the exercise is solved, and do not ask
	  -h, --help     this text

	Environment: NO_COLOR=1 prints no colours. NETBPF_SEED=N: the same packets again.
	NETBPF_LEARN=DIR: another directory in the place of learn/.

	Examples:
	  scripts/learn.sh start 1
	  sudo scripts/learn.sh check
	  sudo scripts/learn.sh watch 4

	Exit status: 0 solved, 1 not solved or failed, 2 usage, 3 something is missing.
	USAGE
}

say()
{
	[ -n "$JSON" ] || printf '%s\n' "$*"
}

# stop STATUS: exit after a signal. The namespaces of a check end with its process.
stop()
{
	trap '' HUP INT TERM
	if [ -n "$STAGE_PID" ]; then
		# bash says on its standard error that the process was killed.
		exec 2>/dev/null
		kill -KILL "$STAGE_PID" || :
		wait "$STAGE_PID" || :
	fi
	exit "$1"
}

clean_up()
{
	[ -z "$WORK" ] || rm -rf "$WORK"
}

# ready_to_check: exit unless programs can be checked here; set up and build what is missing.
ready_to_check()
{
	require_root "checking (it loads BPF programs, and makes network namespaces)" \
		"${NETBPF_LAB_CAPS[@]}"
	"$here/setup.sh" --check >/dev/null 2>&1 || "$here/setup.sh" >&2 || exit $?
	[ -x "$NETBPF_OUT/samples/network" ] || note "building (the first time takes half a minute)"
	make -s --no-print-directory -C "$NETBPF_TOP" -j "$(nproc)" samples >"$WORK/build" 2>&1 || {
		cat "$WORK/build" >&2
		die 1 "the build failed"
	}
}

# --- commands ------------------------------------------------------------------------------

cmd_start()
{
	choose "${1:-}"
	c_name "$EXERCISE"
	copy_given "$EXERCISE"
	if is_solved "$EXERCISE"; then
		say "$(page "$EXERCISE")"
	else
		say "$(task "$EXERCISE")"
	fi
	say
	say "Write: $LEARN/$EXERCISE/${C_NAME}_kern.c"
	! has_program "$EXERCISE" || say "       $LEARN/$EXERCISE/${C_NAME}_user.c"
	if [ -n "$WATCHING" ]; then
		say "Then:  save the file"
	else
		say "Then:  sudo $0 check ${EXERCISE%%-*}"
	fi
	if [ -n "${EDITOR:-}" ] && [ -t 0 ] && [ -t 1 ]; then
		$EDITOR "$LEARN/$EXERCISE/${C_NAME}_kern.c"
	fi
}

# must_be_started: exit unless the learner has started EXERCISE.
must_be_started()
{
	is_started "$EXERCISE" || die 1 "exercise $EXERCISE is not started" \
		"$0 start ${EXERCISE%%-*}"
}

# words FILE: print the program without comments and white space.
words()
{
	gcc -fpreprocessed -dD -E -P -x c "$1" | tr -d '[:space:]'
}

# show_part THEIRS OURS: show the solution of one file as a change of the learner's; return 1 if both
# say the same.
show_part()
{
	if [ ! -e "$1" ]; then
		cat "$2"
	elif [ "$(words "$1")" = "$(words "$2")" ]; then
		return 1
	else
		diff -u --label "your program" --label "the solution" "$1" "$2" || :
	fi
}

# show_solution: the solution of EXERCISE, as a change of the learner's program.
show_solution()
{
	local part ours same=1

	for part in kern user; do
		ours=$NETBPF_TOP/exercises/$EXERCISE/solution_$part.c
		[ ! -e "$ours" ] || ! show_part "$LEARN/$EXERCISE/${C_NAME}_$part.c" "$ours" || same=
	done
	[ -z "$same" ] || say "Your program is the solution, word for word."
}

# may_show_solution: ask who has not solved the exercise yet; exit unless they want to see it.
may_show_solution()
{
	local answer

	! is_solved "$EXERCISE" && [ -z "$YES" ] || return 0
	[ -t 0 ] || die 1 "exercise $EXERCISE is not solved yet" "$0 solution --yes ${EXERCISE%%-*}"
	read -r -p "You have not solved exercise $EXERCISE yet. Show the solution? [y/N] " answer || :
	[[ $answer == [yY]* ]] || exit 1
}

# check_one: check EXERCISE, and tell what was learnt if it is solved.
check_one()
{
	local status=0

	must_be_started
	build_exercise "$EXERCISE"
	[ -n "$JSON" ] || colour 1 "$EXERCISE"
	say
	judge "$EXERCISE" "$LEARN/$EXERCISE" || status=$?
	[ -z "$JSON" ] || jq -cn --arg exercise "$EXERCISE" --argjson solved \
		"$([ "$status" -eq 0 ] && echo true || echo false)" '{event: "result", $exercise, $solved}'
	case $status in
	0)
		solved "$EXERCISE"
		say
		say "Solved. $(section "$EXERCISE" "What you have learnt")"
		say
		[ -n "$JSON" ] || show_solution
		;;
	1) say "  Not solved yet. A hint: $0 hint ${EXERCISE%%-*}" ;;
	esac
	return "$status"
}

cmd_check()
{
	local failed=0

	ready_to_check
	if [ -z "$ALL" ]; then
		choose_started "${1:-}"
		check_one
		return
	fi
	for EXERCISE in "${EXERCISES[@]}"; do
		! is_started "$EXERCISE" || check_one || failed=1
	done
	return "$failed"
}

# Leave what was built beside the program, for the learner to try.
cmd_build()
{
	choose_started "${1:-}"
	c_name "$EXERCISE"
	must_be_started
	mkdir "$WORK/built"
	if ! stage_compile "$EXERCISE" "$LEARN/$EXERCISE" >"$WORK/said"; then
		cat "$WORK/said" >&2
		return 1
	fi
	cp "$WORK/built/${C_NAME}_kern.o" "$LEARN/$EXERCISE/"
	! has_program "$EXERCISE" || cp "$WORK/built/$C_NAME" "$LEARN/$EXERCISE/"
	own "$LEARN/$EXERCISE"
	say "Built in $LEARN/$EXERCISE"
}

# watch_saves: begin to watch the files of EXERCISE, before the check, so that no save is missed.
watch_saves()
{
	exec {SAVES}< <(exec "$NETBPF_OUT/build/exercises/wait_save" "$LEARN/$EXERCISE")
	read -r -u "$SAVES" _ || die 1 "cannot watch $LEARN/$EXERCISE"
}

# wait_for_save: wait until one of them is saved.
wait_for_save()
{
	# The end of the output: wait_save has seen a file.
	read -r -u "$SAVES" _ || :
	exec {SAVES}<&-
}

cmd_watch()
{
	WATCHING=1
	ready_to_check
	choose_started "${1:-}"
	while :; do
		c_name "$EXERCISE"
		is_started "$EXERCISE" || cmd_start "$EXERCISE"
		build_exercise "$EXERCISE"
		watch_saves
		if check_one; then
			exec {SAVES}<&-
			next_exercise "$EXERCISE" || break
			continue
		fi
		say "  Waiting for you to save a file in $LEARN/$EXERCISE (Ctrl-C ends)"
		wait_for_save
	done
	say "All ${#EXERCISES[@]} exercises are solved."
}

# The hints are paragraphs, from a nudge to nearly all. learn/NN-name/.hints counts those shown.
cmd_hint()
{
	local n

	choose_started "${1:-}"
	must_be_started
	n=$(cat "$LEARN/$EXERCISE/.hints" 2>/dev/null || echo 0)
	[ "$n" -ge 3 ] || n=$((n + 1))
	echo "$n" >"$LEARN/$EXERCISE/.hints"
	own "$LEARN/$EXERCISE/.hints"
	say "Hint $n of 3:"
	awk -v RS= -v n="$n" 'NR == n' "$NETBPF_TOP/exercises/$EXERCISE/hints"
}

cmd_solution()
{
	choose_started "${1:-}"
	c_name "$EXERCISE"
	may_show_solution
	show_solution
}

cmd_reset()
{
	choose_started "${1:-}"
	c_name "$EXERCISE"
	put_away "$EXERCISE"
	not_solved "$EXERCISE"
	copy_given "$EXERCISE"
	say "$LEARN/$EXERCISE is as it was given."
}

state()
{
	if is_solved "$EXERCISE"; then
		echo solved
	elif is_started "$EXERCISE"; then
		echo started
	else
		echo -
	fi
}

cmd_list()
{
	local n=0

	for EXERCISE in "${EXERCISES[@]}"; do
		! is_solved "$EXERCISE" || n=$((n + 1))
		if [ -n "$JSON" ]; then
			jq -cn --arg exercise "$EXERCISE" --arg title "$(title "$EXERCISE")" \
				--arg state "$(state)" '{event: "exercise", $exercise, $title, $state}'
		else
			printf '%-22s %-8s %s\n' "$EXERCISE" "$(state)" "$(title "$EXERCISE")"
		fi
	done
	say
	say "$n of ${#EXERCISES[@]} solved"
}

cmd_next()
{
	cmd_start
}

cmd_author()
{
	ready_to_check
	if [ -z "${1:-}" ]; then
		author "${EXERCISES[@]}"
	else
		choose "$1"
		author "$EXERCISE"
	fi
}

main()
{
	local command='' names=()

	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		-j | --json) JSON=1 ;;
		--all) ALL=1 ;;
		-y | --yes) YES=1 ;;
		--author) command=author ;;
		-*) usage_error "unknown argument: $1" ;;
		*) names+=("$1") ;;
		esac
		shift
	done
	[ -n "$command" ] || { command=${names[0]:-}; names=("${names[@]:1}"); }
	[ ${#names[@]} -le 1 ] || usage_error "one exercise only, not: ${names[*]}"
	case $command in
	start | check | build | watch | hint | solution | reset | list | next | author) ;;
	'') usage >&2; exit 2 ;;
	*) usage_error "no such command: $command" ;;
	esac
	[ -z "$ALL" ] || [ "$command" = check ] || usage_error "--all is for check"
	[ -z "$YES" ] || [ "$command" = solution ] || usage_error "--yes is for solution"
	mapfile -t EXERCISES < <(exercise_names)
	set_owner
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'stop 129' HUP
	trap 'stop 130' INT
	trap 'stop 143' TERM
	"cmd_$command" "${names[@]}"
}

main "$@"
