# SPDX-License-Identifier: GPL-2.0
#
# awk -f options.awk ../ping.rst netbpf-ping.rst: the manual page, with the table of options of
# the page in Documentation/ in place of the line ".. OPTIONS". So each option is explained in
# one place; a test compares the options of that table with --help.

# "``-c, --count N``" becomes "**-c**, **--count** *N*".
function option_in_bold(text,    words, n, i, bold)
{
	gsub(/``/, "", text)
	n = split(text, words, " ")
	for (i = 1; i <= n; i++) {
		if (words[i] !~ /^-/)
			bold = bold " *" words[i] "*"
		else if (words[i] ~ /,$/)
			bold = bold " **" substr(words[i], 1, length(words[i]) - 1) "**,"
		else
			bold = bold " **" words[i] "**"
	}
	return substr(bold, 2)
}

# The manual page lacks the sections of the page, so leave links to them out.
function without_link(text)
{
	sub(/; see `[^`]*`_/, "", text)
	return text
}

# Bold text gets longer in roff, and mandoc -Tlint warns of lines longer than 80 characters.
function add_words(text,    words, n, i)
{
	n = split(text, words, " ")
	for (i = 1; i <= n; i++) {
		if (column == 0 || column + length(words[i]) > WIDTH) {
			options = options (column ? "\n" : "") "   "
			column = 3
		}
		options = options " " words[i]
		column += 1 + length(words[i])
	}
}

function start_option(text)
{
	options = options (options ? "\n\n" : "") option_in_bold(text) "\n"
	column = 0
}

BEGIN { WIDTH = 56 }

# The first file: collect the rows of the table, each an option and its meaning.
FNR == NR {
	if (/^   \* - Option$/)
		in_table = 1
	else if (/^[^ ]/)
		in_table = 0
	else if (in_table && /^   \* - /)
		start_option(substr($0, 8))
	else if (in_table && NF && !/^     - Meaning$/)
		add_words(without_link(substr($0, 8)))
	next
}

/^\.\. OPTIONS$/ {
	print options
	next
}

{ print }
