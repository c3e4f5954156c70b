#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "Change the code and see": each diff of a page is applied to a copy of the tree, what it
# changes is built without a warning, and then prints what the page shows. A page may also
# add files.
#
# Documentation/testing.rst tells how a page marks an exercise.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/build.sh
. "$NBT_DIR/lib/build.sh"
not_in_guest
need_root
require_tools make gcc clang git ip nsenter unshare jq curl nginx
require_sources
[ -n "$NBT_LIST" ] || KSRC=$("$NETBPF_TOP/scripts/ksrc.sh") || skip "no kernel source tree"
export KSRC

COPY=$TMP/tree
BUILT=()		# arguments of make: take libbpf and bpftool that are built already

PAGES=("$NETBPF_TOP"/Documentation/*.rst)
MARK='^\.\. exercise: \([a-z_]*\) \([a-z-]*\)$'

setup()
{
	built_libbpf BUILT
	built_bpftool BUILT
	copy_sources "$COPY"
	git init -q "$COPY"
	unset O
}

# build SAMPLE: build SAMPLE, and pass, which the lab needs.
build()
{
	make -C "$COPY/samples" -j "$(nproc)" WERROR=1 "${BUILT[@]}" pass "$1"
}

# diff_of PAGE NAME: print the diff below the mark of that exercise.
diff_of()
{
	awk -v name="$2" '
		/^\.\. exercise: / { mine = $4 == name }
		mine && /^\.\. code-block:: diff$/ { inside = 1; next }
		inside && /^[^ ]/ { exit }
		inside { sub(/^   /, ""); print }' "$1"
}

# files_of PAGE NAME: for each file that the page shows below the mark of that exercise, print
# "PATH FIRST LAST": the path of the file, and its first and last line in the page.
files_of()
{
	awk -v name="$2" '
		function end() { if (first) print path, first, last; first = 0; path = "" }
		/^\.\. exercise: / { mine = $4 == name }
		/^[^ ]/ { end() }
		mine && /^   :caption: / { path = $2; next }
		path != "" && NF { if (!first) first = NR; last = NR }
		END { end() }' "$1"
}

# add_files PAGE NAME: make these files, and remove them when the test ends.
add_files()
{
	local path first last

	while read -r path first last; do
		[ ! -e "$COPY/$path" ] || fail "$path is there already"
		if [ ! -d "$(dirname "$COPY/$path")" ]; then
			mkdir "$(dirname "$COPY/$path")"
			defer rmdir "$(dirname "$COPY/$path")"
		fi
		sed -n "$first,$last{s/^   //;p}" "$1" >"$COPY/$path"
		defer rm -f "$COPY/$path"
		[[ $path != *.sh ]] || chmod +x "$COPY/$path"
	done < <(files_of "$1" "$2")
}

# exercise PAGE SAMPLE NAME: apply the diff, build, and run the blocks of the exercise.
exercise()
{
	local page=$1 sample=$2 name=$3 diff=$TMP/$2-$3.diff

	diff_of "$page" "$name" >"$diff"
	git -C "$COPY" apply --check "$diff" || fail "the diff does not fit the tree"
	# A browser shows blanks where the page has tabs.
	expand "$diff" | git -C "$COPY" apply --check --ignore-whitespace ||
		fail "the diff cannot be pasted from a browser"
	git -C "$COPY" apply "$diff"
	defer git -C "$COPY" apply -R "$diff"
	add_files "$page" "$name"
	expect_status 0 build "$sample"
	expect_status 0 "$COPY/scripts/docs-check.sh" --exercise "$name" "$page"
	diag "$(tail -n 1 "$OUT_FILE")"
	[[ $OUT != *$'\n'0\ blocks\ as\ shown* ]] || skip "$(sed -n 's/^skip [^ ]* //p' "$OUT_FILE")"
	expect_out '^[1-9][0-9]* blocks as shown'
}

TESTS=()
for page in "${PAGES[@]}"; do
	while read -r sample name; do
		TESTS+=("test_${sample}_${name//-/_}")
		eval "${TESTS[-1]}() { exercise $(printf %q "$page") $sample $name; }"
	done < <(sed -n "s/$MARK/\1 \2/p" "$page")
done

# A section without an exercise, a diff without a mark, or a block whose exercise is not there
# would never be tested.
test_every_change_is_an_exercise()
{
	local page name

	for page in "${PAGES[@]}"; do
		name=${page##*/}
		! grep -q '^Change the code and see$' "$page" || grep -q "$MARK" "$page" ||
			fail "$name: \"Change the code and see\" has no exercise"
		expect_eq "diffs in $name" "$(grep -c '^\.\. code-block:: diff$' "$page" || :)" \
			"$(grep -c "$MARK" "$page" || :)"
		expect_eq "exercises with blocks in $name" \
			"$(sed -n 's/^   exercise: //p' "$page" | sort -u)" \
			"$(sed -n "s/$MARK/\\2/p" "$page" | sort)"
	done
}

run_tests "${TESTS[@]}" test_every_change_is_an_exercise
