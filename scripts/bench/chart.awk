# SPDX-License-Identifier: GPL-2.0
#
# Draws a table as a chart in SVG: a bar for the median of each case, a thin line from the
# least to the greatest value. The colours follow the reader's light or dark scheme.

function text(s)
{
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	return s
}

# The x coordinate of a value. A value below zero is noise, and is drawn as zero.
function x(value)
{
	return LEFT + (value > 0 ? value : 0) * WIDTH / most
}

BEGIN {
	LEFT = 300
	WIDTH = 400
	ROW = 22
	TOP = 48
}

{
	title = $1 " [" $2 "]"
	name[NR] = $3
	median[NR] = $4
	min[NR] = $5
	max[NR] = $6
	if ($6 > most)
		most = $6
}

END {
	if (!most)
		most = 1
	printf "<!-- SPDX-License-Identifier: GPL-2.0 -->\n"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n",
		LEFT + WIDTH + 90, TOP + NR * ROW + 12
	print "<style>"
	print "svg { background: #fff; font: 13px sans-serif } text { fill: #222 }"
	print ".bar { fill: #3b7dd8 } .line { stroke: #222 }"
	print "@media (prefers-color-scheme: dark) {"
	print "svg { background: #1b1b1b } text { fill: #ddd } .line { stroke: #ddd } }"
	print "</style>"
	printf "<title>%s</title>\n", text(title)
	printf "<text x=\"8\" y=\"26\" font-weight=\"bold\">%s</text>\n", text(title)
	for (i = 1; i <= NR; i++) {
		y = TOP + (i - 1) * ROW
		printf "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8,
			y + 13, text(name[i])
		printf "<rect class=\"bar\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
			LEFT, y + 2, x(median[i]) - LEFT, ROW - 8
		printf "<line class=\"line\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n",
			x(min[i]), x(max[i]), y + ROW / 2 - 2, y + ROW / 2 - 2
		printf "<text x=\"%.1f\" y=\"%d\">%.4g</text>\n", x(max[i]) + 6, y + 13, median[i]
	}
	print "</svg>"
}
