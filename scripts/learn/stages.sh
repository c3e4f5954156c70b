# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The stages of one check: compile, load, packets, real packets, cost. Sourced by learn.sh.
#
# A stage is a function that runs with its sentences going to $WORK/said. Its status: 0 right,
# 1 wrong, 3 nothing to judge, else the check itself failed.

# The status of a stage whose program had to be killed.
readonly KILLED=137
# Seconds that the judge, and the check on real packets, may take.
readonly PACKETS_SECONDS=20 REAL_SECONDS=30

# exercise_names: print the names of the exercises in their order.
exercise_names()
{
	local dir

	for dir in "$NETBPF_TOP"/exercises/[0-9]*/; do
		basename "$dir"
	done
}

# c_name EXERCISE: set C_NAME to its name without the number, as in names of C.
c_name()
{
	C_NAME=${1#*-} C_NAME=${C_NAME//-/_}
}

# build_exercise EXERCISE: build its judge.
build_exercise()
{
	make -s --no-print-directory -C "$NETBPF_TOP/exercises" -j "$(nproc)" "$1" \
		>"$WORK/build" 2>&1 || {
		cat "$WORK/build" >&2
		die 1 "the judge of exercise $1 cannot be built" "scripts/setup.sh"
	}
}

# has_program EXERCISE: true if the learner also writes the loader.
has_program()
{
	[ -e "$NETBPF_TOP/exercises/$1/solution_user.c" ]
}

stage_compile()
{
	local goal=learner

	! has_program "$1" || goal=learner_program
	make -s --no-print-directory -C "$NETBPF_TOP/exercises" "$goal" DIR="$2" NAME="$C_NAME" \
		TO="$WORK/built" >"$WORK/compiler" 2>&1 && return
	echo "the compiler does not accept the program:"
	# Without the path of the learner's directory, and without the words of make.
	grep -v '^make' "$WORK/compiler" | sed "s|$2/||g; s/^/    /"
	return 1
}

# semicolon FILE: print the number of the first line with a semicolon behind SEC(...), which cuts it off
# from its function.
semicolon()
{
	grep -nE '^[[:space:]]*SEC\("[^"]*"\)[[:space:]]*;' "$1" | cut -d : -f 1 | head -n 1
}

stage_load()
{
	local line status=0

	timeout -s KILL "$PACKETS_SECONDS" "$JUDGE" load "$WORK/built/${C_NAME}_kern.o" \
		>"$WORK/load" || status=$?
	# The judge sees only the object, and does not know why there is no program in it.
	if grep -q '^there is no program' "$WORK/load" &&
		line=$(semicolon "$2/${C_NAME}_kern.c") && [ -n "$line" ]; then
		echo "a semicolon follows SEC(...) in line $line: without it, SEC(...) belongs to the function below"
	else
		cat "$WORK/load"
	fi
	return "$status"
}

stage_packets()
{
	timeout -s KILL "$PACKETS_SECONDS" "$JUDGE" packets "$WORK/built/${C_NAME}_kern.o" \
		2>"$WORK/seed"
}

# Everything happens in namespaces that end with this process: see live.sh.
stage_real()
{
	setpriv --pdeathsig KILL -- \
		unshare --net --mount --pid --fork --kill-child --mount-proc \
		timeout -s KILL $((REAL_SECONDS * NETBPF_SLOW)) \
		bash "$NETBPF_TOP/exercises/lib/live.sh" "$1" "$WORK/built" 2>"$WORK/trouble"
}

stage_cost()
{
	timeout -s KILL "$PACKETS_SECONDS" "$JUDGE" cost "$WORK/built/${C_NAME}_kern.o" \
		"$NETBPF_OUT/exercises/$1/solution_kern.o"
}

has_stage()
{
	case $2 in
	real) [ -e "$NETBPF_TOP/exercises/$1/check.sh" ] ;;
	*) true ;;
	esac
}

# run_stage STAGE EXERCISE DIR: run it in the background, so that Ctrl-C reaches this script at
# once; set STATUS.
run_stage()
{
	STATUS=0
	"stage_$1" "$2" "$3" >"$WORK/said" &
	STAGE_PID=$!
	wait "$STAGE_PID" || STATUS=$?
	STAGE_PID=
}

# judge EXERCISE DIR: run all stages on the learner's files in DIR, and tell each result.
# Return 0 if the exercise is solved, 1 if not, 3 if the check itself failed.
judge()
{
	local stage

	c_name "$1"
	JUDGE=$NETBPF_OUT/build/exercises/$1/judge
	rm -rf "$WORK/built"
	for stage in compile load packets real cost; do
		has_stage "$1" "$stage" || continue
		run_stage "$stage" "$1" "$2"
		case $STATUS in
		0) tell "$1" "$stage" ok ;;
		1) tell "$1" "$stage" wrong; return 1 ;;
		3) ;;	# nothing to judge in this stage
		"$KILLED")
			echo "the check has not ended in time, and was stopped" >"$WORK/said"
			echo "    does the program, or your loader, wait for ever?" >>"$WORK/said"
			tell "$1" "$stage" wrong
			return 1
			;;
		*)
			cat "$WORK/trouble" >>"$WORK/said" 2>/dev/null || :
			tell "$1" "$stage" "not checked"
			return 3
			;;
		esac
	done
}

# seed_of STAGE RESULT: print the seed that gives the same packets again, if they were wrong.
seed_of()
{
	[ "$1:$2" != packets:wrong ] || sed -n 's/^# seed: //p' "$WORK/seed"
}

# tell_json EXERCISE STAGE RESULT: tell() as a JSON object.
tell_json()
{
	jq -cn --arg exercise "$1" --arg stage "$2" --arg result "$3" --arg seed "$(seed_of "$2" "$3")" \
		--rawfile text "$WORK/said" '{event: "stage", $exercise, $stage, $result,
		text: ($text | split("\n") | map(select(. != "")))} +
		if $seed == "" then {} else {seed: ($seed | ltrimstr("NETBPF_SEED="))} end'
}

# tell EXERCISE STAGE RESULT: print the result of a stage, and what $WORK/said says about it.
tell()
{
	local seed

	if [ -n "$JSON" ]; then
		tell_json "$@"
		return
	fi
	printf '  %-9s ' "$2"
	case $3 in
	ok) colour 32 ok ;;
	*) colour 31 "$3" ;;
	esac
	if [ "$2" = cost ]; then
		printf '  %s\n' "$(<"$WORK/said")"
		return
	fi
	printf '\n'
	sed 's/^/    /' "$WORK/said"
	seed=$(seed_of "$2" "$3")
	[ -z "$seed" ] || echo "    the same packets again: $seed"
}
