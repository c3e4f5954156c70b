# SPDX-License-Identifier: GPL-2.0
#
# Prints a table of what was shown where: sample and mode by kernel. README.rst has the gist of it.
# The first file has the rows (scripts/vmtest/support). For each kernel, kernel=TITLE and a file with
# the output of run.sh follow.

# Note the result of a case, or of a test as a whole.
function seen(name, verdict, reason)
{
	result[kernel, name] = verdict
	why[kernel, name] = reason
}

# The result of a pattern: yes, FAILED, no (sets reason), or - if no case of it has run.
function look(kern, pattern,    key, part, best)
{
	best = "-"
	for (key in result) {
		split(key, part, SUBSEP)
		if (part[1] != kern || part[2] !~ "^(" pattern ")$")
			continue
		if (result[key] == "FAILED")
			return "FAILED"
		if (result[key] == "yes")
			best = "yes"
		else if (best == "-") {
			best = "no"
			reason = why[key]
		}
	}
	return best
}

function cell(kern, row,    said)
{
	reason = ""
	said = look(kern, pattern[row])
	if (said != "no")
		return said
	if (!(reason in number)) {
		number[reason] = ++notes
		note[notes] = reason
	}
	return "no (" number[reason] ")"
}

# Rows, "SAMPLE<tab>MODE<tab>PATTERN".
FILENAME == ARGV[1] {
	if ($0 !~ /^#/ && NF) {
		split($0, f, "\t+")
		sample[++rows] = f[1]
		mode[rows] = f[2]
		pattern[rows] = f[3]
	}
	next
}

FNR == 1 { kernels[++n] = kernel }

/^  # Subtest: / { test = $3 }

/^  (not )?ok [0-9]+ / {
	verdict = /^  not/ ? "FAILED" : "yes"
	text = $0
	sub(/^  (not )?ok [0-9]+ (- )?/, "", text)
	reason = ""
	if (match(text, / ?# SKIP /)) {
		verdict = "no"
		reason = substr(text, RSTART + RLENGTH)
		text = substr(text, 1, RSTART - 1)
	}
	seen(test ": " text, verdict, reason)
}

# A test that was skipped as a whole.
/^ok [0-9]+ selftests: netbpf: [^ ]+ # SKIP / {
	test = $5
	sub(/.*# SKIP /, "")
	seen(test ": ", "no", $0)
}

END {
	rule = "==========  ============================"
	head = sprintf("%-10s  %-28s", "sample", "what")
	for (k = 1; k <= n; k++) {
		title = "Linux " kernels[k]
		form[k] = "  %-" (length(title) > 12 ? length(title) : 12) "s"
		line = sprintf(form[k], "")
		sub(/^  /, "", line)
		gsub(/ /, "=", line)
		rule = rule "  " line
		head = head sprintf(form[k], title)
	}
	sub(/ +$/, "", head)
	print rule
	print head
	print rule
	for (r = 1; r <= rows; r++) {
		line = sprintf("%-10s  %-28s", sample[r] == sample[r - 1] ? "\\" : sample[r], mode[r])
		for (k = 1; k <= n; k++)
			line = line sprintf(form[k], cell(kernels[k], r))
		sub(/ +$/, "", line)
		print line
	}
	print rule
	if (notes)
		print ""
	for (i = 1; i <= notes; i++)
		printf "(%d) %s\n", i, note[i]
}
