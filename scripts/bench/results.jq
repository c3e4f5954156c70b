# SPDX-License-Identifier: GPL-2.0
#
# Turns the lines that report.sh describes into JSON Lines: one object for the machine, then
# the tables in the order of their declaration, and their cases in the order of their lines.

def median:
	sort | if length % 2 == 1 then .[length / 2 | floor]
	       else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def round3: . * 1000 | round / 1000;

# The difference between the greatest and the least value, in percent of the median.
def spread: if .median == 0 then null
	else (.max - .min) / .median * 100 | fabs | round end;

# Groups in the order of their first lines.
def group_in_order(f):
	reduce .[] as $row ({order: [], groups: {}};
		($row | f) as $key |
		(if .groups[$key] then . else .order += [$key] end) |
		.groups[$key] += [$row]) |
	.groups as $groups | .order | map($groups[.]);

def result:
	if .[0][0] == "stat" then .[0] | map(tonumber? // .) |
		{case: .[2], median: .[3], min: .[4], max: .[5]}
	else map(.[3] | tonumber) as $values |
		{case: .[0][2], median: ($values | median), min: ($values | min),
		 max: ($values | max), rounds: ($values | length)}
	end | .spread_percent = spread |
	.median |= round3 | .min |= round3 | .max |= round3;

def results($table; $rows):
	[$rows | map(select((.[0] == "sample" or .[0] == "stat") and .[1] == $table[1])) |
		group_in_order(.[2])[] | result] |
	(map(select(.case == $table[4])) | first) as $base |
	.[] | if $base and $base.median != 0
		then .ratio = (.median / $base.median | round3) else . end |
	{event: "result", table: $table[1], title: $table[3], unit: $table[2]} + .;

def facts($table; $rows):
	$rows | map(select(.[0] == "fact" and .[1] == $table[1])) | group_in_order(.[2])[] |
	{event: "fact", table: $table[1], title: $table[3], case: .[0][2],
	 facts: (map({(.[3]): (.[4] | tonumber)}) | add)};

[inputs | split("\t")] as $rows |
({event: "machine"} + ($rows | map(select(.[0] == "machine") | {(.[1]): .[2]}) | add)),
($rows[] | select(.[0] == "table") | results(.; $rows), facts(.; $rows))
