# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The learner's files and progress, in learn/. Sourced by learn.sh.
#
# learn.sh sets EXERCISES, the names of all exercises, and LEARN, the directory.
# learn/progress has a line "EXERCISE DATE" for each exercise that is solved, and learn/last the
# name of the one that was started last.

# set_owner: set OWNER to whom files in learn/ belong that root makes: to the owner of learn/, for a
# new learn/ to the user who called sudo; empty: to nobody else.
set_owner()
{
	OWNER=
	[ "$EUID" -eq 0 ] || return 0
	if [ -d "$LEARN" ]; then
		OWNER=$(stat -Lc %u:%g "$LEARN")
	elif [ -n "${SUDO_UID:-}" ]; then
		OWNER=$SUDO_UID:${SUDO_GID:-$SUDO_UID}
	fi
}

# own PATH...: give files in learn/ that root has made to their owner.
own()
{
	[ -z "$OWNER" ] || chown -R "$OWNER" "$@"
}

is_solved()
{
	grep -q "^$1 " "$LEARN/progress" 2>/dev/null
}

is_started()
{
	[ -d "$LEARN/$1" ]
}

# solved EXERCISE: note that it is solved.
solved()
{
	is_solved "$1" || printf '%s %(%F)T\n' "$1" -1 >>"$LEARN/progress"
	own "$LEARN/progress"
}

# not_solved EXERCISE: forget that it is solved.
not_solved()
{
	is_solved "$1" || return 0
	sed -i "/^$1 /d" "$LEARN/progress"
	own "$LEARN/progress"
}

# next_exercise EXERCISE: set EXERCISE to the first behind this one that is not solved, or else, or if
# the name is empty, to the first of all; return 1 if there is none.
next_exercise()
{
	local behind=$1 first=

	# shellcheck disable=SC2153 # learn.sh sets it
	for EXERCISE in "${EXERCISES[@]}"; do
		is_solved "$EXERCISE" && continue
		[[ ! $EXERCISE > $behind ]] || return 0
		first=${first:-$EXERCISE}
	done
	EXERCISE=$first
	[ -n "$first" ]
}

# started_exercise: set EXERCISE to the one that was started last, or, if that one is solved, to the
# first that is started and not solved; return 1 if there is none.
started_exercise()
{
	local last

	last=$(cat "$LEARN/last" 2>/dev/null) || :
	for EXERCISE in "$last" "${EXERCISES[@]}"; do
		[ -z "$EXERCISE" ] || ! is_started "$EXERCISE" || is_solved "$EXERCISE" || return 0
	done
	return 1
}

# choose_started NAME: choose(), but without a name the exercise that was started last.
choose_started()
{
	if [ -z "$1" ] && started_exercise; then
		say "Exercise ${EXERCISE%%-*}, which you have started: $(title "$EXERCISE")"
		return
	fi
	choose "$1"
}

# choose NAME: set EXERCISE to the exercise of this number or name; empty: the first that is not
# solved.
choose()
{
	local number

	if [ -z "$1" ]; then
		next_exercise "" || {
			say "All ${#EXERCISES[@]} exercises are solved."
			exit 0
		}
		return
	fi
	[[ ! $1 =~ ^[0-9]+$ ]] || printf -v number %02d "$((10#$1))"
	for EXERCISE in "${EXERCISES[@]}"; do
		case $EXERCISE in
		"$1" | "${number:-none}"-* | [0-9]*-"$1") return ;;
		esac
	done
	usage_error "there is no exercise $1 (learn.sh list shows them)"
}

# copy_given EXERCISE: copy it to learn/, as it is given; keep files that are there. It is the one
# that was started last.
copy_given()
{
	local file

	[ -d "$LEARN" ] || { mkdir -p "$LEARN" && own "$LEARN"; }
	mkdir -p "$LEARN/$1"
	for file in "${C_NAME}_kern.c" "${C_NAME}_user.c"; do
		[ ! -e "$NETBPF_TOP/exercises/$1/$file" ] || [ -e "$LEARN/$1/$file" ] ||
			cp "$NETBPF_TOP/exercises/$1/$file" "$LEARN/$1/"
	done
	echo "$1" >"$LEARN/last"
	own "$LEARN/$1" "$LEARN/last"
}

# put_away EXERCISE: keep what the learner has changed as NAME.old, older ones as NAME.old.~1~ and
# so on; remove the rest of what learn.sh has made there.
put_away()
{
	local file given

	for file in "$LEARN/$1/${C_NAME}"_{kern,user}.c; do
		given=$NETBPF_TOP/exercises/$1/${file##*/}
		[ -e "$file" ] || continue
		if cmp -s "$file" "$given"; then
			rm "$file"
		else
			mv --backup=numbered "$file" "$file.old"
			say "Your program is kept as $file.old"
		fi
	done
	rm -f "$LEARN/$1/.hints" "$LEARN/$1/${C_NAME}_kern.o" "$LEARN/$1/$C_NAME"
}

# title EXERCISE: print the title of its page.
title()
{
	sed -n '/^===/{n;p;q}' "$NETBPF_TOP/exercises/$1/README.rst"
}

# page EXERCISE: print its page as plain text: without the SPDX line and the marks of literals.
page()
{
	sed -e '1,2d' -e 's/``//g' "$NETBPF_TOP/exercises/$1/README.rst"
}

# task EXERCISE: print its page without what you learn from it: that may name the solution.
task()
{
	page "$1" | sed '/^What you have learnt$/,$d'
}

# section EXERCISE TITLE: print a section of its page, without the title.
section()
{
	page "$1" | awk -v title="$2" '
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				if (line[i + 1] ~ /^(===+|---+)$/ && line[i] != "") {
					on = line[i] == title
					i++
				} else if (on) {
					print line[i]
				}
			}
		}' | sed -e '/./,$!d'
}
