#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/bench.sh: its report is complete, and its figures are what their names say. No test
# looks at how great a figure is.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
not_in_guest

need_root
require_sources
require_tools jq

BENCH=$NETBPF_TOP/scripts/bench.sh
SAMPLE_OUT=$TMP/stdout

# This is the only test that measures, because that takes long: all checks share its report.
test_packet_report()
{
	local name

	expect_status 0 "$BENCH" --quick -p packet -j
	# shellcheck disable=SC2016 # $ in single quotes is of jq
	expect_json '.[0].event == "machine" and
		all("date", "cpu", "kernel", "compiler", "load_before", "load_after";
			. as $key | $all[0] | has($key))' --slurpfile all "$SAMPLE_OUT"
	expect_json '[.[] | select(.event == "result")] | length > 70 and
		all(.min <= .median and .median <= .max)'
	expect_json '[.[] | select(.event == "result" and .table != "packet.xdp_lb").rounds] |
		unique == [3]'
	for name in hello pass ping tc pktcount sockfilter network xdp_lb; do
		expect_json "any(.[] | select(.event == \"result\"); .table == \"packet.$name\" or
			(.case | split(\"[ :,]\"; \"\")[0]) == \"$name\")"
	done
	expect_json '[.[] | select(.table == "packet.size").case | split("[ ,]"; "")[0]] |
		unique == ["hello", "network", "pass", "ping", "pktcount", "sockfilter", "tc",
			   "tcpconnect", "xdp_lb"]'
	expect_json 'all(.[] | select(.table == "packet.size").facts; all(.[]; . > 0))'
	each_table_has_a_chart
}

each_table_has_a_chart()
{
	local id

	for id in $(json '[.[] | select(.event == "result").table] | unique[]'); do
		expect_match "$NETBPF_OUT/build/bench/$id.svg" '^</svg>$'
	done
}

# The report of made-up records must have the right figures.
test_figures()
{
	RECORDS=$TMP/records DIR=$TMP
	# shellcheck source=scripts/bench/report.sh
	. "$NETBPF_TOP/scripts/bench/report.sh"

	record machine kernel 'Linux "6.1"'
	table t1 ns "One <table>" direct
	table t2 ns "Of counts"
	table t3 "" "Of facts"
	for value in 30 10 20; do
		sample t1 direct "$value"
	done
	for value in 5 8 4 7; do
		sample t1 nat "$value"
	done
	record stat t2 other 3 2 5
	record fact t3 hello size 12
	record fact t3 hello age 7
	report_results >"$SAMPLE_OUT"
	cp "$SAMPLE_OUT" "$DIR/results"

	expect_json '.[0].kernel == "Linux \"6.1\""'
	expect_json '.[1] == {event: "result", table: "t1", title: "One <table>", unit: "ns",
		case: "direct", median: 20, min: 10, max: 30, rounds: 3, spread_percent: 100,
		ratio: 1}'
	expect_json '.[2] | [.case, .median, .min, .max, .rounds, .ratio] ==
		["nat", 6, 4, 8, 4, 0.3]'
	expect_json '.[3] | [.table, .median, .min, .max, .ratio] == ["t2", 3, 2, 5, null]'
	expect_json '.[4].facts == {size: 12, age: 7}'
	report_text >"$TMP/text"
	expect_match "$TMP/text" '^  nat +6.00 +4.00 +8.00 +67% +0.30$'
	expect_match "$TMP/text" '^  hello +12 +7$'
	report_charts "$TMP/charts"
	expect_match "$TMP/charts/t1.svg" '<title>One &lt;table&gt; \[ns\]</title>'
	expect_match "$TMP/charts/t1.svg" '>nat</text>'
}

test_usage()
{
	expect_status 0 "$BENCH" --help
	expect_out '^Usage: bench.sh'
	expect_status 2 "$BENCH" -p
	expect_status 2 "$BENCH" -p ''
	expect_status 2 "$BENCH" -p packet,nonsense
	expect_err "no part 'nonsense'"
	expect_status 2 "$BENCH" --nonsense
	expect_status 2 "$BENCH" packet
}

# measures PID NAME: true if a child of PID with this name runs. Its pid is in $TMP/child.
measures()
{
	child_named "$1" "$2" >"$TMP/child"
	[ -s "$TMP/child" ]
}

# interrupt PART PROGRAM: send SIGINT as soon as PROGRAM runs. Nothing must be left behind.
interrupt()
{
	mkdir "$TMP/tmp"
	start_bg PID env TMPDIR="$TMP/tmp" "$BENCH" -p "$1"
	eventually 60 measures "$PID" "$2"
	RUN_DIR=$(ls "$TMP/tmp")
	kill -INT "$PID"
	wait_sample "$PID" 90 || :
	expect_eq "exit status" "$STATUS" 130
	eventually 5 pid_gone "$(<"$TMP/child")"
	expect_eq "left behind" "$(ls "$TMP/tmp")" ""
	rmdir "$TMP/tmp"
}

test_interrupted()
{
	interrupt packet bench_packet
}

test_interrupted_lab()
{
	local tool lab

	for tool in ethtool nginx wrk iperf3 nft haproxy; do
		have "$tool" || skip "not installed: $tool (scripts/setup.sh --all)"
	done
	interrupt lb wrk
	lab=bench-${RUN_DIR##*.}
	expect_no_line "netbpf-${lab,,}-" ls /run/netns
}

run_tests test_figures test_usage test_interrupted test_interrupted_lab test_packet_report
