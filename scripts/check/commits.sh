# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of commit messages that checkpatch does not do. check.sh sources this file.

# commit_says NAME TEXT: print a finding in the form of checkpatch.
commit_says()
{
	printf '%s: %s\n' "$1" "$2"
}

# check_subject COMMIT SUBJECT: SUBJECT must be "area: part: verb ...", under 75 characters.
check_subject()
{
	local area='^[A-Za-z0-9_.*/-]+(, [A-Za-z0-9_.*/-]+)*: ' rest=$2 verb

	[ ${#2} -lt 75 ] || commit_says "$1" "the subject has ${#2} characters: not under 75"
	[[ $rest =~ $area ]] || commit_says "$1" "the subject names no area: samples: ping: $2"
	while [[ $rest =~ $area ]]; do
		rest=${rest#"${BASH_REMATCH[0]}"}
	done
	verb=${rest%% *}
	grep -v '^#' "$NETBPF_TOP/scripts/check/verbs" | grep -qw -e "$verb" ||
		commit_says "$1" "the subject does not begin with a verb: '$verb' is not in scripts/check/verbs"
}

# check_trailers COMMIT: the trailers must be a paragraph of their own, and each "Fixes:" must
# name an existing commit and its subject.
check_trailers()
{
	local id subject

	git log -1 --format=%B "$1" | awk -v RS= 'END { print }' | grep . |
		grep -Evq '^[A-Z][A-Za-z-]+: ' &&
		commit_says "$1" "no empty line before the trailers, or none: git commit -s"
	while read -r _ id subject; do
		[ "$(git log -1 --format='("%s")' "$id" 2>/dev/null)" = "$subject" ] ||
			commit_says "$1" "Fixes: $id: there is no such commit with this subject"
	done < <(git log -1 --format=%B "$1" | grep '^Fixes: ')
}

# check_messages COMMIT...: check the messages of these commits.
check_messages()
{
	local commit

	for commit; do
		commit=$(git log -1 --abbrev=12 --format=%h "$commit")
		check_subject "$commit" "$(git log -1 --format=%s "$commit")"
		check_trailers "$commit"
	done
}
