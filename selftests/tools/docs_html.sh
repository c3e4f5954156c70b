#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The pages as HTML ("make htmldocs"): links lead through a page and to the next one, and
# all of a long line can be read. No browser is needed: the tests check that the style
# sheets have certain rules, not what a browser makes of them.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest
require_tools make sphinx-build
[ -e "$NETBPF_TOP/Documentation/conf.py" ] || skip "the pages are not here"

HTML=$TMP/out/build/html

setup()
{
	make -s -C "$NETBPF_TOP/Documentation" O="$TMP/out" htmldocs >&2
}

# pages: print the names of the pages, in the order in which index.rst has them.
pages()
{
	echo index
	sed -n 's/^   \([a-z][a-z_-]*\)$/\1/p' "$NETBPF_TOP/Documentation/index.rst"
}

# rules FILE: print each rule as a line "[@media (...) {] selector, selector { a: b; c: d; }".
rules()
{
	tr '\n\t' '  ' <"$1" | sed -e 's#/\*\([^*]\|\*[^/]\)*\*/##g' -e 's/}/}\n/g' | tr -s ' '
}

# links TITLE FILE: print the pages to which links with this title lead, one a line.
links()
{
	sed -n "s/.*href=\"\([^\"#]*\)\.html\" title=\"$1\".*/\1/p" "$2"
}

# Each link is there twice: above and below the text.
test_each_page_leads_to_the_next_and_back()
{
	local i
	local -a page

	mapfile -t page < <(pages)
	expect_eq "pages" "$(pages | sort)" \
		"$(cd "$NETBPF_TOP/Documentation" && printf '%s\n' *.rst | sed 's/\.rst$//' | sort)"
	for ((i = 1; i < ${#page[@]}; i++)); do
		expect_eq "next page of ${page[i - 1]}" \
			"$(links 'Next document' "$HTML/${page[i - 1]}.html" | xargs)" \
			"${page[i]} ${page[i]}"
		expect_eq "previous page of ${page[i]}" \
			"$(links 'Previous document' "$HTML/${page[i]}.html" | xargs)" \
			"${page[i - 1]} ${page[i - 1]}"
	done
}

# in_sidebar FILE: print the lines of the sidebar, which comes before the text.
in_sidebar()
{
	sed -n '/class="sphinxsidebar"/,/class="documentwrapper"/p' "$1"
}

# Each heading of a page is in the list of contents of its sidebar.
test_each_page_has_a_list_of_contents()
{
	local page id ids

	while read -r page; do
		ids=$(grep -o '<section id="[^"]*"' "$HTML/$page.html" | cut -d '"' -f 2 | tail -n +2)
		[ -n "$ids" ] || fail "$page: no section"
		in_sidebar "$HTML/$page.html" >"$TMP/sidebar"
		for id in $ids; do
			grep -Fq "href=\"#$id\"" "$TMP/sidebar" || fail "$page: #$id is not in the contents"
		done
	done < <(pages)
}

# Without these rules Chromium, in windows of 1200 and of 500 pixels, cut lines of code at
# the right edge, and tables went beyond it.
test_no_line_is_cut()
{
	rules "$HTML/_static/netbpf.css" >"$TMP/rules"
	expect_match "$TMP/rules" '^ ?pre \{.* white-space: pre-wrap; overflow-wrap: anywhere; \}'
	expect_match "$TMP/rules" '^ ?table\.docutils \{.* max-width: 100%; overflow-x: auto; \}'
	rules "$HTML/_static/alabaster.css" >"$TMP/rules"
	expect_match "$TMP/rules" '^ ?div\.document \{ width: min\(100%, [0-9]+em\);'
}

# A narrow window: the sidebar stands above the text and leaves it most of the screen.
test_the_text_begins_on_the_first_screen()
{
	rules "$HTML/_static/netbpf.css" >"$TMP/rules"
	expect_match "$TMP/rules" 'max-width: 875px\) \{ div\.sphinxsidebar \{ max-height: 30vh; \}'
	expect_match "$TMP/rules" '^ ?div\.sphinxsidebar \{ max-height: 100%; overflow-y: auto; \}'
	# The theme takes a window of this width for narrow, too.
	expect_match "$HTML/_static/alabaster.css" 'max-width: 875px'
}

# Pages can be read without a network, too.
test_nothing_comes_from_the_network()
{
	grep -rhoE '(src|<link [^>]*href)="(https?:)?//[^"]*"|url\(["'\'']?(https?:)?//[^)]*\)' \
		--include='*.html' --include='*.css' "$HTML" >"$TMP/external" || :
	expect_eq "loaded from the network" "$(cat "$TMP/external")" ''
}

run_tests test_each_page_leads_to_the_next_and_back \
	test_each_page_has_a_list_of_contents test_no_line_is_cut \
	test_the_text_begins_on_the_first_screen test_nothing_comes_from_the_network
