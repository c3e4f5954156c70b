#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What samples/tcpconnect prints: the table, JSON, the summary, the table of counts.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# ---------------------------------------------------------------------------
# Output

# table LINES: print lines of the table, a sed address; the header is line 1.
table()
{
	grep -vE '^(ready|summary|stats|  )' "$SAMPLE_OUT" | sed -n "$1p"
}

header_is()
{
	read -ra words <<<"$(table 1)"
	expect_eq header "${words[*]}" "$1"
}

# expect_aligned: the columns of each line start where the columns of the header start.
expect_aligned()
{
	local width line

	grep -vE '^(ready|summary|stats|  )' "$SAMPLE_OUT" >"$TMP/table"
	while read -r width; do
		while IFS= read -r line; do
			[[ ${line:width-1:1} = " " && ${line:width:1} != " " ]] ||
				fail "column $width is not aligned: '$line'"
		done <"$TMP/table"
	done < <(head -n 1 "$TMP/table" | grep -ob ' [^ ]' | awk -F: '{ print $1 + 1 }')
}

lines_are()
{
	[ "$(table '2,$' | wc -l)" -eq "$1" ]
}

test_columns()
{
	start
	peer "$S4" "$PORT"
	eventually 5 lines_are 1
	stop
	header_is "PID COMM IP SADDR DADDR DPORT RET LAT(us) NETNS"
	expect_aligned
	read -ra words <<<"$(table 2)"
	expect_eq "fields" "${words[*]:0:7} ${words[*]:8}" \
		"$P_PID perl 4 $C4 $S4 $PORT OK $NETNS"
	[ "${words[7]}" -le "$P_US" ] || fail "took ${words[7]}, not $P_US us: $(table 2)"
}

test_all_columns()
{
	local long=fd12:3456:789a:bcde:1111:2222:3333:4444 now first

	ip -n "$CLIENT" route add unreachable fd12:3456::/32
	start -tTULs
	peer "$S4" "$PORT"
	first="0 $P_PID perl 4 $C4 $P_SPORT $S4 $P_SPORT $PORT OK"
	now=$(date +%H:%M)
	peer "$long" 65535 uid=4294967294 comm=abcdefghijklmno
	eventually 5 lines_are 2
	stop
	header_is "TIME TIME(s) UID PID COMM IP SADDR LPORT DADDR SPORT DPORT RET LAT(us) NETNS"
	expect_aligned
	read -ra words <<<"$(table 2)"
	[[ ${words[0]} =~ ^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]$ ]] || fail "time: ${words[0]}"
	[ "${words[0]%:*}" = "$now" ] || [ "${words[0]}" '<' "$(date +%T)" ] ||
		fail "it is $now, not ${words[0]}"
	[[ ${words[1]} =~ ^[0-9]\.[0-9]{3}$ ]] || fail "seconds: ${words[1]}"
	expect_eq "fields" "${words[*]:2:10}" "$first"
	read -ra words <<<"$(table 3)"
	expect_eq "fields" "${words[*]:2:10}" \
		"4294967294 $P_PID abcdefghijklmno 6 :: 0 $long 0 65535 EHOSTUNREACH"
}

# With -4 the address columns are narrow: they need no room for IPv6.
test_narrow_columns()
{
	start -4 -L
	peer "$S4" "$PORT"
	eventually 5 lines_are 1
	stop
	header_is "PID COMM IP SADDR LPORT DADDR DPORT RET LAT(us) NETNS"
	expect_aligned
	[ "$(table 2 | wc -c)" -lt 110 ] || fail "wide: $(table 2)"
}

# A process name may contain any byte. The sample prints none that could confuse the terminal
# or break the JSON.
test_odd_names()
{
	start -j
	peer "$S4" "$PORT" comm=$'a\e[31m"b\\ \x01'
	expect_event '.comm == "a?[31m\"b\\ ?"'
	# The kernel cuts this name in the middle of a UTF-8 character.
	peer "$S4" "$PORT" comm=12345678901234ü
	expect_event '.comm == "12345678901234?"'
	peer "$S4" "$PORT" comm=grün€
	expect_event '.comm == "grün€"'
	# Bad UTF-8: overlong forms, a surrogate, a value beyond Unicode, a stray continuation
	# byte.
	peer "$S4" "$PORT" comm=$'\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80\xbf'
	expect_event '.comm == "?????????????"'
	stop
}

test_json_ready()
{
	start -j
	stop
	expect_json '.[0] | .event == "ready" and .tool == "tcpconnect" and
		(.backend | IN("kprobe", "fentry", "tracepoint"))and
		(.hooks | index("inet_sock_set_state")) != null and (.hooks | length == 3)' \
		--arg backend "$BACKEND"
}

test_summary()
{
	start
	peer "$S4" "$PORT" times=3
	peer "$S4" "$CLOSED" times=2
	hold "$HOLE" "$PORT"
	stop
	expect_eq summary "$SUMMARY" "summary: 6 attempts: 3 established, 2 failed, 1 pending, $(
		)0 not followed; ${SUMMARY//*followed; /}"
	[[ $SUMMARY =~ \;\ [0-9]+\ filtered\ out\;\ 0\ events\ lost$ ]] || fail "$SUMMARY"
	expect_eq "last line" "$(table '$' | awk '{ print $7 }')" EINPROGRESS
}

test_quiet()
{
	start -q
	peer "$S4" "$PORT"
	stop
	expect_eq "lines" "$(wc -l <"$SAMPLE_OUT")" 2
	expect_match "$SAMPLE_OUT" '^ready: '
	expect_match "$SAMPLE_OUT" '^summary: 1 attempts: 1 established'
	expect_eq stderr "$(<"$SAMPLE_ERR")" ""
}

test_limit()
{
	start -j --limit 3
	peer "$S4" "$PORT" times=5
	wait_sample "$PID" 10
	expect_json '[.[] | select(.event == "connect")] | length == 3'
	expect_json '.[-1].event == "summary"'
}

stats_show()
{
	grep -q "^stats: $1 attempts:" "$SAMPLE_OUT"
}

test_interval()
{
	start -q -I 0.1
	eventually 5 stats_show 0
	peer "$S4" "$PORT" times=4
	eventually 5 stats_show 4
	stop
}

# ---------------------------------------------------------------------------
# The count table

test_count_table()
{
	start -c
	peer "$S4" "$PORT" times=3
	peer "$S4" "$CLOSED" times=2
	peer "$S6" "$PORT" times=5
	stop
	header_is "LADDR RADDR RPORT CONNECTS FAILED"
	expect_eq "table" "$(table '2,$' | tr -s ' ')" "$C6 $S6 $PORT 5 0
$C4 $S4 $PORT 3 0
$C4 $S4 $CLOSED 2 2"
	expect_match "$SAMPLE_OUT" '^summary: 10 attempts: 8 established, 2 failed'
	expect_no_match "$SAMPLE_OUT" '^PID'
}

test_count_table_with_local_port()
{
	start -c -L
	peer "$S4" "$PORT" bind=5001
	peer "$S4" "$CLOSED" bind=5001
	peer "$S4" "$PORT" bind=5002
	stop
	header_is "LADDR LPORT RADDR RPORT CONNECTS FAILED"
	expect_eq "table" "$(table '2,$' | tr -s ' ' | sort)" "$C4 5001 $S4 $PORT 1 0
$C4 5001 $S4 $CLOSED 1 1
$C4 5002 $S4 $PORT 1 0"
}

test_count_table_in_json()
{
	start -c -j -I 0.2
	peer "$S4" "$PORT" times=7
	eventually 5 json_counts 7
	peer "$S4" "$CLOSED"
	stop
	expect_json '[.[] | select(.event == "count")][-2:] ==
		[{event: "count", saddr: $c, daddr: $s, dport: 8080, connects: 7, failed: 0},
		{event: "count", saddr: $c, daddr: $s, dport: 8081, connects: 1, failed: 1}]' \
		--arg c "$C4" --arg s "$S4"
	expect_json 'all(.[]; .event != "connect")'
	expect_json '.[-1] | .attempts == 8 and .not_in_table == 0'
}

json_counts()
{
	[ "$(json '[.[] | select(.event == "count")][-1].connects // 0')" -eq "$1" ]
}
