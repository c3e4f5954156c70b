#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer as its operators use it: what commands print, and what they leave out.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# Only the running process finds these errors in the file; "reload" prints them, too.
test_reload_that_fails_says_why()
{
	web_config 1
	start -c "$TMP/lb.yaml"
	sed -i 's/^connections: .*/connections: 8192/' "$TMP/lb.yaml"
	expect_status 2 lb reload
	expect_err "^xdp_lb: failed to reload $TMP/lb.yaml: another connections needs a new instance\$"
	expect_err "^  hint: $LB stop --name $NAME, then run it again\$"
	sed -i -e 's/^connections: .*/connections: 4096/' -e 's/eth0/nosuch0/' "$TMP/lb.yaml"
	expect_status 1 lb reload
	expect_err "^xdp_lb: failed to reload $TMP/lb.yaml: failed to find the interface nosuch0"
	sed -i 's/nosuch0/eth0/' "$TMP/lb.yaml"
	expect_status 0 lb reload
	stop
}

# listed NAME TEXT WORD: check what "backend list" says of a backend, as text and in JSON.
listed()
{
	lb backend list web >"$TMP/list"
	expect_match "$TMP/list" "^$1 +10\\.0\\.0\\.[0-9]+:80 +$2\$"
	expect_eq "state of $1" \
		"$(lb backend list -j | jq -r "select(.name == \"$1\").state")" "$3"
}

test_backend_list_tells_the_state()
{
	# No host has the address of c.
	lb_config 'type: none' <<-END
		name: a, address: $A, port: 80
		name: b, address: $B, port: 80, weight: 3
		name: c, address: 10.0.0.99, port: 80
	END
	start -c "$TMP/lb.yaml"
	listed a 'weight 1, up' up
	listed b 'weight 3, up' up
	listed c 'weight 1, up, no neighbour' up
	lb backend drain web a
	listed a 'weight 1, drained' drained
	lb backend weight web b 0
	listed b 'weight 0' up
	stop
	# No server listens on port 81.
	lb_config 'type: tcp, interval_ms: 50, rise: 1, fall: 1' <<<"name: a, address: $A, port: 81"
	start -c "$TMP/lb.yaml"
	eventually 10 is_down a
	lb backend list >"$TMP/list"
	expect_match "$TMP/list" "^a +$A:81 +weight 1, down\$"
	stop
}

# conns_of STATE: print the number of connections in this state.
conns_of()
{
	lb conns --state "$1" | wc -l
}

test_conns_of_a_state()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" --vip "udp:$VIP:53" --backend "$A:53"
	fetch 4
	hold "$VIP"
	on client bash -c "echo x >/dev/udp/$VIP/53"
	expect_eq all "$(lb conns | wc -l)" 6
	expect_eq fin "$(conns_of fin)" 4
	expect_eq established "$(conns_of established)" 1
	expect_eq syn "$(conns_of syn)" 0
	expect_eq udp $(($(conns_of udp) + $(conns_of udp_replied))) 1
	expect_eq "of a service" "$(lb conns "udp:$VIP:53" --state established | wc -l)" 0
	expect_eq "in JSON" "$(lb conns --state fin -j | jq -r .state | sort -u)" fin
	expect_status 2 lb conns --state open
	expect_err '^xdp_lb: --state open: not syn, synack, established, fin, reset, udp or udp_replied$'
	stop
}

# on_terminal COLUMNS ARG...: run stats on a terminal; what it shows goes to $TMP/screen.
on_terminal()
{
	script -qec "stty cols $1; $LB stats --name $NAME ${*:2}" /dev/null </dev/null |
		tr -d '\r' >"$TMP/screen" || fail "status $?"
}

longest_line()
{
	awk '{ if (length > n) n = length } END { print n }' "$TMP/screen"
}

# No line wraps. 80 columns have room for the rates; with less, stats leaves out what it can.
test_stats_fit_the_terminal()
{
	have script || skip "not installed: script"
	web_config 2
	start -c "$TMP/lb.yaml"
	fetch 40
	on_terminal 80 -I 0.2 -d 0.5
	expect_match "$TMP/screen" '^  backend address +state weight active conns packets +bytes +pps bit/s$'
	expect_match "$TMP/screen" "^  a +$A:80 up "
	[ "$(longest_line)" -le 80 ] || fail "a line of $(longest_line)"
	on_terminal 66 -I 0.2 -d 0.5
	expect_match "$TMP/screen" '^  backend state weight active conns packets bytes +pps bit/s$'
	[ "$(longest_line)" -le 66 ] || fail "a line of $(longest_line)"
	# Without a terminal, nothing is left out.
	lb stats >"$TMP/screen"
	expect_match "$TMP/screen" '^  backend address +state weight active conns packets +bytes$'
	stop
}

test_watch()
{
	have script || skip "not installed: script"
	start_web -m tc
	on_terminal 80 --watch -I 0.1 -d 0.35
	expect_match "$TMP/screen" $'^\033\\[H\033\\[2Jstats: instance '
	[ "$(grep -c $'\033' "$TMP/screen")" -ge 2 ] || fail "one report only"
	expect_status 2 lb stats --watch
	expect_err '^xdp_lb: --watch draws on a terminal, without --json$'
	stop
}

run_tests test_stats_fit_the_terminal test_watch test_conns_of_a_state \
	test_backend_list_tells_the_state test_reload_that_fails_says_why
