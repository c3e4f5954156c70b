# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes the report from the lines that the parts write. A line of $RECORDS is one of these,
# with tabs between the words:
#
#	machine KEY VALUE
#	table TABLE UNIT TITLE [BASE]	values of case BASE are 1.00 in the column "ratio"
#	sample TABLE CASE VALUE		the value of one round
#	stat TABLE CASE MEDIAN MIN MAX	for a program that does all rounds by itself
#	fact TABLE CASE KEY VALUE	a value that does not vary
#
# bench/results.jq turns these lines into JSON Lines, from which text and charts are made.

# record WORD...: add a line to $RECORDS.
record()
{
	local IFS=$'\t'

	echo "$*" >>"$RECORDS"
}

# table ID UNIT TITLE [BASE]
table()
{
	record table "$@"
}

# sample TABLE CASE VALUE
sample()
{
	record sample "$@"
}

describe_machine()
{
	record machine date "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
	record machine command "$COMMAND"
	record machine cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
	record machine cpus "$(nproc)"
	record machine kernel "$(uname -sr) $(uname -m)"
	record machine compiler "$(cut -d' ' -f1 "$NETBPF_OUT/build/toolchain.bpf" |
		xargs -I{} sh -c '{} --version' | head -n 1)"
	record machine load_before "$(cut -d' ' -f1-3 /proc/loadavg)"
	record machine commit "$(git -C "$NETBPF_TOP" describe --always --dirty 2>/dev/null)"
}

# report_results: print $RECORDS as JSON Lines.
report_results()
{
	record machine load_after "$(cut -d' ' -f1-3 /proc/loadavg)"
	jq -Rnc -f "$NETBPF_TOP/scripts/bench/results.jq" "$RECORDS"
}

# ---------------------------------------------------------------------------
# Text

# report_text: the results as a table for people. jq prints each result as one line of fields
# separated by tabs, and text.awk aligns them.
# shellcheck disable=SC2016 # $ in single quotes is for jq and awk, not for the shell
report_text()
{
	jq -r '
		if .event == "machine" then
			to_entries[] | select(.key != "event") |
			["machine", .key, .value] | @tsv
		elif .event == "result" then
			["result", .table, .title, .unit, .case, .median, .min, .max,
			 (.spread_percent // "-"), (.ratio // "-")] | @tsv
		else
			["fact", .table, .title, .case] +
			[.facts | to_entries[] | .key, .value] | @tsv
		end' "$DIR/results" | awk -F'\t' -f "$NETBPF_TOP/scripts/bench/text.awk"
}

# report_markdown: the text report with an introduction, as RESULTS.md.
report_markdown()
{
	cat <<-END
		<!-- SPDX-License-Identifier: GPL-2.0 -->
		# What was measured

		Written by \`$COMMAND\`; Documentation/bench.rst tells what each figure means.
		Figures of different runs, or machines, cannot be compared: ratios and
		differences within this run can. The machine did what its load average tells
		besides: from about the number of its CPUs on, the spread is that of others.

		\`\`\`
	END
	report_text
	echo '```'
}

# ---------------------------------------------------------------------------
# Charts

# report_charts DIRECTORY: draw each table as TABLE.svg, and remove the charts of earlier runs.
report_charts()
{
	local id

	mkdir -p "$1"
	rm -f "$1"/*.svg
	jq -r 'select(.event == "result").table' "$DIR/results" | uniq | while read -r id; do
		jq -r --arg id "$id" 'select(.event == "result" and .table == $id) |
			[.title, .unit, .case, .median, .min, .max] | @tsv' "$DIR/results" |
			awk -F'\t' -f "$NETBPF_TOP/scripts/bench/chart.awk" >"$1/$id.svg"
	done
}
