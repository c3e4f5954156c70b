# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# learn.sh --author: check the exercises themselves. Sourced by learn.sh.

# lay EXERCISE: lay the exercise, as it is given, into $WORK/try.
lay()
{
	local dir=$NETBPF_TOP/exercises/$1

	rm -rf "$WORK/try"
	mkdir "$WORK/try"
	cp "$dir/${C_NAME}_kern.c" "$WORK/try"
	! has_program "$1" || cp "$dir/${C_NAME}_user.c" "$WORK/try"
}

# lay_solution EXERCISE: lay its solution into $WORK/try.
lay_solution()
{
	local dir=$NETBPF_TOP/exercises/$1

	lay "$1"
	cp "$dir/solution_kern.c" "$WORK/try/${C_NAME}_kern.c"
	! has_program "$1" || cp "$dir/solution_user.c" "$WORK/try/${C_NAME}_user.c"
}

# expect EXERCISE WHAT COMMAND...: count a check, and print one line; if COMMAND fails, also print
# what the check of the exercise has said.
expect()
{
	TRIED=$((TRIED + 1))
	if "${@:3}"; then
		printf 'ok     %s: %s\n' "$1" "$2"
		return
	fi
	AUTHOR_FAILED=$((AUTHOR_FAILED + 1))
	printf 'FAILED %s: %s\n' "$1" "$2"
	sed 's/^/       | /' "$WORK/told"
}

# is_answered SENTENCE: the check has refused the program by this sentence.
is_answered()
{
	[ "$TRY_STATUS" -eq 1 ] && [ -n "$1" ] && grep -qF -- "$1" "$WORK/told"
}

# try EXERCISE: judge $WORK/try; its output is in $WORK/told. Set TRY_STATUS.
try()
{
	TRY_STATUS=0
	judge "$1" "$WORK/try" >"$WORK/told" 2>&1 || TRY_STATUS=$?
}

author_given()
{
	lay "$1"
	: >"$WORK/told"
	expect "$1" "a TODO shows where to write" grep -q TODO "$WORK/try/"*.c
	try "$1"
	expect "$1" "as given, it is not solved" test "$TRY_STATUS" -eq 1
}

author_solution()
{
	lay_solution "$1"
	try "$1"
	expect "$1" "the solution passes" test "$TRY_STATUS" -eq 0
}

# The first comment "answer: ..." of a wrong program says which sentence it must get. A comment
# "needs: PATH" names what the kernel must have for that.
author_wrong()
{
	local file=$2 answer what needs

	needs=$(sed -n 's|^/\* needs: \([^ ]*\) \*/$|\1|p' "$file")
	if [ -n "$needs" ] && [ ! -e "$needs" ]; then
		printf 'skip   %s: %s: there is no %s\n' "$1" "$(basename "$file")" "$needs"
		return
	fi
	answer=$(sed -n 's|.*answer: \(.*[^ ]\) *\*/$|\1|p' "$file" | head -n 1)
	what="$(basename "$file"): $answer"
	lay_solution "$1"
	case $file in
	*_user.c) cp "$file" "$WORK/try/${C_NAME}_user.c" ;;
	*) cp "$file" "$WORK/try/${C_NAME}_kern.c" ;;
	esac
	try "$1"
	expect "$1" "$what" is_answered "$answer"
}

# author EXERCISE...: check each of them.
author()
{
	local exercise file

	TRIED=0 AUTHOR_FAILED=0
	for exercise; do
		c_name "$exercise"
		build_exercise "$exercise"
		author_given "$exercise"
		author_solution "$exercise"
		for file in "$NETBPF_TOP/exercises/$exercise"/wrong/*.c; do
			author_wrong "$exercise" "$file"
		done
	done
	printf '%s checks of %s exercises, %s failed\n' "$TRIED" $# "$AUTHOR_FAILED"
	[ "$AUTHOR_FAILED" -eq 0 ]
}
