# SPDX-License-Identifier: GPL-2.0
#
# Formats the report as text, from the lines that report_text() makes.

# Three significant digits.
function num(x)
{
	if (x !~ /^-?[0-9.]/)
		return x
	if (x >= 100 || x <= -100)
		return sprintf("%.0f", x)
	return sprintf(x >= 10 || x <= -10 ? "%.1f" : "%.2f", x)
}

function heading(table, title)
{
	printf "\n%s (%s)\n", title, table
	last = table
}

$1 == "machine" {
	printf "%-12s %s\n", $2, $3
}

$1 == "result" {
	if ($2 != last) {
		heading($2, $3)
		printf "  %-44s %9s %9s %9s %7s %6s\n", $4, "median", "min", "max", "spread", "ratio"
	}
	printf "  %-44s %9s %9s %9s %7s %6s\n", $5, num($6), num($7), num($8),
		$9 == "-" ? $9 : $9 "%", num($10)
}

$1 == "fact" {
	if ($2 != last) {
		heading($2, $3)
		printf "  %-30s", ""
		for (i = 5; i < NF; i += 2)
			printf " %22s", $i
		print ""
	}
	printf "  %-30s", $4
	for (i = 6; i <= NF; i += 2)
		printf " %22s", $i
	print ""
}
