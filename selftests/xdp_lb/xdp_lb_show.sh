#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the load balancer reports of itself: stats, show, conns and ring. It is compared with
# what was sent, what the backends saw and what curl got (scripts/lab.sh up lb).
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# expect_json reads this file: the output of the last command.
SAMPLE_OUT=$OUT_FILE

# lb COMMAND [ARG...]: run it. It must succeed; its output is in OUT and OUT_FILE.
lb()
{
	expect_status 0 "$LB" "$1" --name "$NAME" "${@:2}"
}

# start_web [WEIGHT-OF-A [CHECK]]: start with the course's service, "web", from a file.
start_web()
{
	web_config "${1:-1}" 1 "${2:-type: none}"
	start -c "$TMP/lb.yaml"
}

# ---------------------------------------------------------------------------
# stats

test_stats_are_what_was_sent()
{
	start_web
	fetch 20
	lb stats -j
	expect_json 'length == 1 and .[0].event == "stats" and .[0].name == $n' --arg n "$NAME"
	expect_json '.[0].vips | length == 1 and (.[0] |
		[.name, .address, .port, .protocol, .forward] ==
		["web", $v, 80, "tcp", "nat"])' --arg v "$VIP"
	expect_json '.[0].vips[0].backends | map([.name, .address, .port, .weight, .state,
		.connections]) == [["a", $a, 80, 1, "up", $na], ["b", $b, 80, 1, "up", $nb]]' \
		--arg a "$A" --arg b "$B" --argjson na "$(answers backend-a)" \
		--argjson nb "$(answers backend-b)"
	# The least number of packets and bytes that a request takes, each way.
	expect_json '.[0].vips[0] | .connections == 20 and .packets >= 20 * 5 and
		.bytes >= 20 * 5 * 40 and .reply_packets >= 20 * 3 and
		.reply_bytes > .bytes'
	expect_json '.[0].table | .size == 4102 and .used == 20 and .states.fin == 20'
}

SUMS='all(.[]; all(.vips[]; . as $v | all("packets", "bytes", "connections", "active",
	"reply_packets", "reply_bytes"; . as $k | $v[$k] == ([$v.backends[][$k]] | add))))'

test_services_are_the_sums_of_their_backends()
{
	start_web
	fetch 10
	hold
	lb stats -j
	expect_json "$SUMS"
	expect_json '.[0].vips[0] | .active == 1 and .connections == 11'
	expect_json '.[0].table | .used == 11 and .states.established == 1'
}

test_all_reasons_are_named()
{
	start_web
	# Port 9 is no service.
	on client bash -c 'for i in 1 2 3; do echo >/dev/udp/$1/9; done' x "$VIP"
	lb stats -j
	expect_json '.[0].reasons | keys_unsorted == ["pass_other", "pass_bad", "pass_ttl",
		"pass_icmp", "malformed", "udp6_checksum", "fragment", "no_backend",
		"no_neighbour", "no_connection", "table_full", "no_port", "busy", "too_big",
		"too_big_limit", "too_big_answered", "error", "stateless"]'
	expect_json '.[0].reasons | .pass_other >= 3 and .no_backend == 0'
	lb stats
	expect_out '^not forwarded:$'
	expect_out '^  pass_other +[0-9]+  passed: not for a service$'
	# A reason without packets has no line.
	expect_no_match "$OUT_FILE" no_backend
}

test_no_backend_is_counted()
{
	start_web
	lb backend weight web a 0
	lb backend weight web b 0
	on client curl -s -m 0.5 "http://$VIP/" || :
	lb stats -j
	expect_json '.[0].reasons.no_backend >= 1'
	lb stats
	expect_out '^  no_backend +[0-9]+  dropped: no backend takes new connections$'
}

test_stats_as_text()
{
	start_web 3
	fetch 8
	hold
	lb stats
	expect_out "^stats: instance $NAME\$"
	expect_out "^web: tcp:$VIP:80, nat\$"
	expect_out '^  backend address +state weight active conns packets +bytes$'
	expect_out "^  a +$A:80 up +3( +[0-9]+){4}\$"
	expect_out "^  b +$B:80 up +1( +[0-9]+){4}\$"
	expect_out '^  sum +1 +9 +[0-9]+ +[0-9]+$'
	expect_out '^flow table: 9 of 4102 slots in use: 1 established, 8 fin$'
}

# JSON has one word for the state. Text names all that keeps new connections away.
test_states_of_backends()
{
	local command text word

	start_web 1 'type: http, path: /, interval_ms: 1000, timeout_ms: 1000, rise: 1, fall: 1'
	while IFS=: read -r command text word; do
		# shellcheck disable=SC2086 # words
		lb backend $command
		lb stats -j
		expect_json '.[0].vips[0].backends[0].state == $w' --arg w "$word"
		lb stats
		expect_out "^  a +$A:80 $text +[0-9]+ "
	done <<-'END'
		drain web a:drained:drained
		weight web a 0:drained, weight 0:drained
		enable web a:weight 0:up
		weight web a 1:up:up
	END
	lb backend drain web a
	# Pull the cable at the switch, so that the backend keeps its IPv6 address.
	on switch ip link set veth-backend-a down
	defer "on switch ip link set veth-backend-a up"
	eventually 10 is_down a
	lb stats
	expect_out "^  a +$A:80 down, drained +1 "
}

test_no_neighbour()
{
	# No host has this address.
	start -i eth0 --vip "tcp:$VIP:80" --backend 10.0.0.99:80
	lb stats
	expect_out '^  10.0.0.99:80 up, no neighbour +1 '
	lb show
	expect_out '^  10.0.0.99:80 10.0.0.99:80, weight 1, up, no neighbour$'
	lb show -j
	expect_json '.[0].vips[0].backends[0] | .neighbour == false and (has("mac") | not)'
}

# The name of a service from the command line is its address: it is printed once.
test_names_of_the_command_line()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80"
	hold
	lb stats
	expect_out "^tcp:$VIP:80, nat\$"
	lb conns
	expect_out "-> $VIP:80 -> $A:80 through "
}

# ---------------------------------------------------------------------------
# stats -I

start_stats()
{
	start_bg STATS_PID "$LB" stats --name "$NAME" "$@"
	# shellcheck disable=SC2153 # start_bg sets it
	STATS_OUT=$(sample_out "$STATS_PID")
}

reports_at_least()
{
	[ "$(grep -c '"event":"stats"\|^stats:' "$STATS_OUT")" -ge "$1" ]
}

# Rate times length, summed over all intervals, is what was counted.
test_rates()
{
	start_web
	start_stats -j -I 0.2
	eventually 5 reports_at_least 1
	fetch 30
	eventually 5 reports_at_least 4
	stop_sample "$STATS_PID" INT || fail "status $STATUS"
	cp "$STATS_OUT" "$OUT_FILE"
	expect_json '.[0].vips[0] | has("pps") | not'
	expect_json '.[1:] | all(.[]; .vips[0] | has("pps") and has("bps"))'
	expect_json '. as $r | [range(1; length) | $r[.].vips[0].pps *
		($r[.].ts_ns - $r[. - 1].ts_ns) / 1e9] | add - $r[-1].vips[0].packets | fabs < 1'
	expect_json '. as $r | [range(1; length) | $r[.].vips[0].bps *
		($r[.].ts_ns - $r[. - 1].ts_ns) / 8e9] | add - $r[-1].vips[0].bytes | fabs < 100'
	expect_json "$SUMS"
}

test_interval_as_text()
{
	start_web
	start_stats -I 0.1 -d 1
	wait_sample "$STATS_PID" 10
	eventually 1 reports_at_least 5
	expect_match "$STATS_OUT" ' bytes +pps +bit/s$'
	expect_match "$STATS_OUT" '^  sum( +0){6}$'
}

test_stats_end_with_the_instance()
{
	start_web
	start_stats -I 0.1
	eventually 5 reports_at_least 1
	stop
	wait_sample "$STATS_PID" 10
	expect_match "$(sample_err "$STATS_PID")" "^xdp_lb: instance $NAME has ended\$"
}

# A reader that goes early, as in "| head -1", is no failure.
test_reader_that_goes()
{
	local command

	start_web
	hold
	mkfifo "$TMP/pipe"
	# shellcheck disable=SC2094 # nobody reads
	exec 3<>"$TMP/pipe" 4>"$TMP/pipe" 3>&-
	for command in "stats -I 0.05" stats show conns "ring web"; do
		# shellcheck disable=SC2086 # words
		expect_status 0 to_nobody $command
		expect_eq "stderr of $command" "$ERR" ''
	done
	exec 4>&-
}

# to_nobody COMMAND [ARG...]: run it with its output to a pipe that has no reader any more.
to_nobody()
{
	"$LB" "$@" --name "$NAME" >&4
}

test_run_reports_too()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" -j -I 0.2
	fetch 3
	eventually 5 grep -q '"event":"stats".*"connections":3' "$(sample_out "$PID")"
	stop
	cp "$(sample_out "$PID")" "$OUT_FILE"
	expect_json '.[-1] | .event == "summary" and .name == $n and
		.vips[0].connections == 3' --arg n "$NAME"
	expect_json 'map(select(.event == "stats")) | length >= 1 and '"$SUMS"
}

# ---------------------------------------------------------------------------
# show

test_show_as_text()
{
	start_web 2 'type: http, path: /healthz, host: www.example.org, interval_ms: 60000, timeout_ms: 900'
	lb show
	expect_out "^instance $NAME\$"
	expect_out "^  control program  pid $PID\$"
	expect_out "^  configuration    $TMP/lb.yaml, applied 1 time\$"
	expect_out '^  mode             (tc|native|skb)$'
	expect_out "^  interface        eth0 $(lab_mac lb)\$"
	expect_out "^  SNAT address     $VIP, ports [0-9]+ to [0-9]+\$"
	expect_out '^  flow table       4102 slots$'
	expect_out '^  rings            65537 slots, seed 20261122$'
	expect_out "^service web: tcp:$VIP:80, nat, check http /healthz of www.example.org each 60000 ms, timeout 900 ms, rise [0-9], fall [0-9]\$"
	expect_out "^  a $A:80, weight 2, up\$"
	expect_out "^    to $(lab_mac backend-a), from eth0 $(lab_mac lb), MTU 1500\$"
	# The statistics follow.
	expect_out '^flow table: 0 of 4102 slots in use$'
}

lab_mac()
{
	link_mac "netbpf-$LAB-$1" eth0
}

test_show_as_json()
{
	start_web 2 'type: http, path: /healthz, host: www.example.org, interval_ms: 60000, timeout_ms: 900, rise: 4, fall: 5'
	fetch 5
	lb show -j
	expect_json 'length == 1 and (.[0] | .event == "show" and .name == $n and .running and
		.pid == $p and .path == $f and .generation == 1 and .table_size == 65537 and
		.seed == 20261122)' --arg n "$NAME" --argjson p "$PID" --arg f "$TMP/lb.yaml"
	expect_json '.[0].interfaces | map([.ifname, .mac]) == [["eth0", $m]]' \
		--arg m "$(lab_mac lb)"
	expect_json '.[0].snat | length == 1 and (.[0] | .address == $v and .first_port >= 1024
		and .last_port >= .first_port)' --arg v "$VIP"
	expect_json '.[0].vips[0].check == {type: "http", path: "/healthz",
		host: "www.example.org", interval_ms: 60000,
		timeout_ms: 900, rise: 4, fall: 5}'
	expect_json '.[0].vips[0].backends[0] | .healthy and .neighbour and (.drained | not) and
		.ifname == "eth0" and .mac == $m and .mtu == 1500 and .weight == 2' \
		--arg m "$(lab_mac backend-a)"
	# show prints all that stats prints.
	cp "$OUT_FILE" "$TMP/show"
	lb stats -j
	expect_json '(.[0] | del(.event, .ts_ns, .reasons)) as $s | $show[0] as $o |
		[$s | paths(scalars)] | all(.[]; . as $p | ($s | getpath($p)) == ($o | getpath($p)))' \
		--slurpfile show "$TMP/show"
}

# In another network namespace, show does not know the name of an interface.
test_show_without_control_program()
{
	local index

	start_web
	kill -KILL "$PID"
	wait "$PID" 2>/dev/null || :
	index=$(link_index "netbpf-$LAB-lb" eth0)
	lb show
	expect_out '^  control program  none'
	expect_out "^  interface        $index \\(of another network namespace\\) $(lab_mac lb)\$"
	lb show -n "netbpf-$LAB-lb"
	expect_out "^  interface        eth0 $(lab_mac lb)\$"
	lb show -j
	expect_json '.[0] | .running == false and (has("pid") | not) and
		(.interfaces[0] | has("ifname") | not)'
	fetch 3
	lb stats -j
	expect_json '.[0].vips[0].connections == 3'
}

test_show_tunnels()
{
	start -i eth0 --forward ipip --vip "tcp:$VIP:80" --backend "$A:80"
	lb show
	expect_out ", MTU 1500, tunnel source $VIP\$"
	lb show -j
	expect_json '.[0].vips[0].backends[0].tunnel_source == $v' --arg v "$VIP"
	expect_json '.[0].vips[0].check == {type: "none"} or .[0].vips[0].check.type == "tcp"'
}

# ---------------------------------------------------------------------------
# conns

# The source port that conns prints is the one that the backend sees.
test_conns_as_the_backend_sees_them()
{
	local seen name=backend-a letter=a addr=$A

	start_web
	hold
	lb conns
	if [[ $OUT == *" b $B:80 "* ]]; then
		name=backend-b letter=b addr=$B
	fi
	seen=$(on "$name" ss -Htn state established sport = :80 | awk '{ print $4 }')
	expect_eq "lines" "$(wc -l <"$OUT_FILE")" 1
	expect_out "^tcp $CLIENT:$PORT -> $VIP:80 -> $letter $addr:80 through $seen: established, idle [01] s\$"
	lb conns -j
	expect_json 'length == 1 and (.[0] | del(.idle_ms) == {event: "connection",
		protocol: "tcp", client: $c, client_port: $p, address: $v, port: 80,
		forward: "nat", vip: "web", backend: $l, backend_address: $a,
		backend_port: 80, snat: $v, snat_port: $s, state: "established"})' \
		--arg c "$CLIENT" --argjson p "$PORT" --arg v "$VIP" --arg l "$letter" \
		--arg a "$addr" --argjson s "${seen##*:}"
}

# The idle time is counted in ticks of about half a second.
test_idle_time()
{
	local start

	start_web
	hold
	start=${EPOCHREALTIME/./}
	eventually 10 idles_for 2
	expect_json '.[0].idle_ms - $ms | fabs < 1200' \
		--argjson ms $(((${EPOCHREALTIME/./} - start) / 1000))
}

idles_for()
{
	"$LB" conns --name "$NAME" -j >"$OUT_FILE"
	[ "$(jq .idle_ms "$OUT_FILE")" -ge $(($1 * 1000)) ]
}

test_state_of_ended_connections()
{
	start_web
	fetch 4
	lb conns
	expect_eq "lines" "$(grep -c ': fin, idle [0-9] s$' "$OUT_FILE")" 4
	expect_eq "all" "$(wc -l <"$OUT_FILE")" 4
}

test_conns_of_a_service()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" --vip "tcp:[$VIP6]:80" \
		--backend "[$B6]:80" --vip "udp:$VIP:53" --backend "$A:53"
	hold "$VIP6"
	expect_eq "lines" "$(conns_of | wc -l)" 1
	fetch 2
	on client bash -c 'echo x >"/dev/udp/$1/53"' x "$VIP"
	expect_eq "all" "$(conns_of | wc -l)" 4
	expect_eq "web" "$(conns_of "tcp:$VIP:80" | wc -l)" 2
	lb conns "tcp:[$VIP6]:80"
	expect_out "^tcp \\[fd00::4\\]:[0-9]+ -> \\[$VIP6\\]:80 -> \\[$B6\\]:80 through \\[$VIP6\\]:[0-9]+: established, "
	lb conns "udp:$VIP:53" -j
	expect_json 'length == 1 and (.[0] | .protocol == "udp" and .port == 53 and
		(.state == "udp" or .state == "udp_replied"))'
}

conns_of()
{
	"$LB" conns --name "$NAME" "$@"
}

# After a reload without that backend, its connection is still in the table.
test_connection_of_a_backend_that_is_gone()
{
	local letter=a

	start_web
	hold
	lb conns
	[[ $OUT == *" a $A:80 "* ]] || letter=b
	sed -i "/name: $letter,/d" "$TMP/lb.yaml"
	lb reload
	lb conns web
	expect_out "^tcp $CLIENT:$PORT -> $VIP:80 -> \\(gone\\) through "
	lb conns -j
	expect_json '.[0] | .client_port == $p and (has("backend") | not)' --argjson p "$PORT"
	lb stats -j
	expect_json '.[0] | .vips[0].active == 0 and .table.used == 1'
}

# ---------------------------------------------------------------------------
# ring

test_shares()
{
	start_web 3
	lb ring web
	expect_out '^web: 65537 slots, digest [0-9a-f]{16}$'
	expect_out "^  a +$A:80 +49153 slots +75\\.000 %\$"
	expect_out "^  b +$B:80 +16384 slots +25\\.000 %\$"
	lb ring web -j
	expect_json '.[0] | .event == "ring" and .vip == "web" and .size == 65537 and .none == 0
		and ([.backends[].slots] | add) == 65537 and
		([.backends[].share] | add - 1 | fabs < 0.00001)'
	expect_json '.[0].backends | map([.name, .address, .port, .weight, .slots]) ==
		[["a", $a, 80, 3, 49153], ["b", $b, 80, 1, 16384]]' --arg a "$A" --arg b "$B"
	lb backend drain web a
	lb ring web
	expect_out "^  a +$A:80 +0 slots +0\\.000 %\$"
	expect_out "^  b +$B:80 +65537 slots +100\\.000 %\$"
	lb backend weight web b 0
	lb ring web
	expect_out '^  \(none\) +65537 slots +100\.000 %$'
	lb ring web -j
	expect_json '.[0].none == 65537'
}

# The digest changes with the ring, and is the old one again when the ring is.
test_digest()
{
	local first

	start_web
	lb ring web --digest
	expect_eq "lines" "$(wc -l <"$OUT_FILE")" 1
	expect_out '^[0-9a-f]{16}$'
	first=$OUT
	lb ring web --digest -j
	expect_json '.[0] == {event: "digest", vip: "web", digest: $d}' --arg d "$first"
	lb ring web
	expect_out "digest $first\$"
	lb backend drain web a
	lb ring web --digest
	[ "$OUT" != "$first" ] || fail "the same without a"
	lb backend enable web a
	lb ring web --digest
	expect_eq digest "$OUT" "$first"
}

# The backend that "ring --who" names is the one that answers.
test_who_is_who_answers()
{
	local port who names=()

	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" --backend "$B:80" \
		--vip "tcp:[$VIP6]:80" --backend "[$A6]:80" --backend "[$B6]:80"
	for port in {41000..41011}; do
		lb ring "tcp:$VIP:80" --who "$CLIENT:$port"
		who=${OUT##* }
		expect_eq "of port $port" "$(server "$VIP" "$port")" "$(node_of "$who")"
		names+=("$who")
		# IPv6 gets another port, as this one is in TIME_WAIT now.
		lb ring "tcp:[$VIP6]:80" --who "[fd00::4]:$((port + 100))"
		expect_eq "IPv6, port $((port + 100))" \
			"$(server "[$VIP6]" $((port + 100)))" "$(node_of "${OUT##* }")"
	done
	[[ ${names[*]} == *"$A:80"*"$B:80"* || ${names[*]} == *"$B:80"*"$A:80"* ]] ||
		fail "always the same: ${names[*]}"
	lb ring "tcp:$VIP:80" --who "$CLIENT:41000" -j
	expect_json '.[0] == {event: "who", vip: $n, client: $c, client_port: 41000,
		backend: $w, address: ($w | split(":")[0]), port: 80}' --arg n "tcp:$VIP:80" \
		--arg c "$CLIENT" --arg w "${names[0]}"
}

# server HOST PORT: print the name of the server that a client with this source port gets.
server()
{
	on client curl -sS -m 5 --local-port "$2" "http://$1/" | sed -n 's/^Server name: //p'
}

node_of()
{
	case $1 in
	"$A:80" | "[$A6]:80") echo backend-a ;;
	"$B:80" | "[$B6]:80") echo backend-b ;;
	esac
}

test_who_has_a_name()
{
	start_web
	lb ring web --who "$CLIENT:41000"
	expect_out "^(a $A:80|b $B:80)\$"
}

test_who_gets_nobody()
{
	start_web
	lb backend drain web a
	lb backend drain web b
	expect_status 1 "$LB" ring web --who "$CLIENT:41000" --name "$NAME"
	expect_err "^xdp_lb: $CLIENT:41000 gets no backend: none of web takes new connections\$"
	expect_err "^  hint: $LB backend list web\$"
}

# ---------------------------------------------------------------------------
# Errors

test_bad_arguments()
{
	local args message

	start_web
	while IFS=: read -r args message; do
		# shellcheck disable=SC2086 # words
		expect_status 2 "$LB" $args --name "$NAME"
		expect_err "^xdp_lb: $message"
		expect_err '^  hint: '
		expect_eq "stdout" "$OUT" ''
	done <<-'END'
		ring:the ring of which service
		ring web --digest --who 10.0.0.4=1:--digest and --who exclude each other
		ring web --who 10.0.0.4:bad argument 10.0.0.4 for --who: not ADDRESS
		ring web --who nobody:bad argument nobody for --who: not ADDRESS
	END
	for args in "$CLIENT:0" "$CLIENT:65536" "fd00::4:80" "10.0.0:80"; do
		expect_status 2 "$LB" ring web --who "$args" --name "$NAME"
		expect_err "^xdp_lb: bad argument $args for --who: not ADDRESS:PORT of a client\$"
	done
	expect_status 2 "$LB" ring web --who "[fd00::4]:80" --name "$NAME"
	expect_err '^xdp_lb: bad argument \[fd00::4\]:80 for --who: clients of web have IPv4'
	expect_err '^  hint: --who 192.0.2.1:40000$'
}

test_unknown_services()
{
	local command

	start_web
	for command in ring conns; do
		expect_status 1 "$LB" "$command" nobody --name "$NAME"
		expect_err "^xdp_lb: failed to find the service nobody in instance $NAME\$"
		expect_eq "lines of errors and hints" "$(wc -l <"$ERR_FILE")" 2
		expect_eq "stdout" "$OUT" ''
	done
}

# The hash includes the service's port: with any port, there is no single answer.
test_who_of_any_port()
{
	start -i eth0 --forward dsr --vip "tcp:$VIP:0" --backend "$A:0" --backend "$B:0" --force
	expect_status 2 "$LB" ring "tcp:$VIP:0" --who "$CLIENT:41000" --name "$NAME"
	expect_err "^xdp_lb: --who is not for tcp:$VIP:0, which has any port"
	expect_err "^  hint: $LB ring tcp:$VIP:0 "
	lb ring "tcp:$VIP:0"
	expect_out "65537 slots, digest"
}

run_tests test_stats_are_what_was_sent test_services_are_the_sums_of_their_backends \
	test_all_reasons_are_named test_no_backend_is_counted test_stats_as_text \
	test_states_of_backends test_no_neighbour test_names_of_the_command_line test_rates \
	test_interval_as_text test_stats_end_with_the_instance test_reader_that_goes \
	test_run_reports_too test_show_as_text test_show_as_json \
	test_show_without_control_program test_show_tunnels \
	test_conns_as_the_backend_sees_them test_idle_time test_state_of_ended_connections \
	test_conns_of_a_service test_connection_of_a_backend_that_is_gone test_shares \
	test_digest test_who_is_who_answers test_who_has_a_name test_who_gets_nobody \
	test_bad_arguments test_unknown_services test_who_of_any_port
