#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer while things change: health, draining, reloading, a control program that
# is stopped, killed and started again; and errors.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# ---------------------------------------------------------------------------
# Health, draining, reloading

# block NODE, unblock NODE: make the server there refuse connections, or accept them again.
block()
{
	on "$1" nft 'add table ip nbt; add chain ip nbt in { type filter hook input priority 0; }
		add rule ip nbt in tcp dport 80 reject with tcp reset'
	defer "nsenter --net=/run/netns/netbpf-$LAB-$1 -- nft delete table ip nbt 2>/dev/null || :"
}

unblock()
{
	on "$1" nft delete table ip nbt
}

test_backend_goes_down_and_up()
{
	have nft || skip "not installed: nft"
	web_config
	start -c "$TMP/lb.yaml"
	block backend-a
	eventually 10 is_down a
	# The message comes after the new ring. It has the text of errno, or else libcurl's words.
	eventually 10 grep -q '^web: backend a is down: ' "$(sample_out "$PID")"
	expect_match "$(sample_out "$PID")" \
		"^web: backend a is down: (connection refused|could ?n[o']t connect to server)"
	fetch 40
	expect_eq "answers of the one that is down" "$(answers backend-a)" 0
	unblock backend-a
	eventually 10 is_up a
	fetch 40
	both_served
	stop
}

# Requests come all the time, while a backend dies and comes back. Once it is known to be
# down, it gets none; later it gets its share again.
test_backend_dies_and_revives_under_load()
{
	local before

	have nft || skip "not installed: nft"
	web_config
	start -c "$TMP/lb.yaml"
	load 6
	eventually 5 stat_is '.vips[0].connections' -gt 50
	block backend-a
	eventually 10 is_down a
	before=$(stats '.vips[0].backends[0].connections')
	fetch 40
	expect_eq "answers of the one that is dead" "$(answers backend-a)" 0
	expect_eq "new connections to it" "$(stats '.vips[0].backends[0].connections')" "$before"
	unblock backend-a
	eventually 10 is_up a
	fetch 40
	both_served
	[ "$(stats '.vips[0].backends[0].connections')" -gt "$before" ] || fail "it gets none"
	wait_sample "$WRK" 30
	expect_match "$(sample_out "$WRK")" 'requests in'
	load 1
	no_request_lost
	stop
}

# A server that counts broken connections, as MySQL does, counts none because of the checks.
test_checks_end_as_clients_do()
{
	# shellcheck disable=SC2016
	start_bg SERVER nsenter --net="/run/netns/netbpf-$LAB-backend-a" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(Listen => 5, LocalPort => 7000, ReuseAddr => 1) or die;
		print "listening\n";
		# The first of the two calls after a reset reports that reset.
		while (my $c = $s->accept) {
			print defined syswrite($c, "greeting\n") &&
				defined sysread($c, my $b, 1) ? "left\n" : "$!\n";
			close $c
		}'
	eventually 5 grep -q listening "$(sample_out "$SERVER")"
	lb_config 'type: tcp, interval_ms: 100' <<<"name: a, address: $A, port: 7000"
	start -c "$TMP/lb.yaml"
	eventually 20 at_least 5 left "$(sample_out "$SERVER")"
	expect_eq "what it saw" "$(sort -u "$(sample_out "$SERVER")" | tr '\n' ' ')" "left listening "
	# One connection, or none at the moment that the next check takes its port.
	expect_between "connections in TIME_WAIT" \
		"$(on lb ss -Htn state time-wait dport = :7000 | wc -l)" 0 1
	stop
}

# at_least N PATTERN FILE: at least N lines of FILE match.
at_least()
{
	[ "$(grep -c "$2" "$3")" -ge "$1" ]
}

test_all_down_keeps_the_ring()
{
	have nft || skip "not installed: nft"
	web_config
	start -c "$TMP/lb.yaml"
	block backend-a
	eventually 10 is_down a
	block backend-b
	eventually 10 grep -q 'all backends are down' "$(sample_err "$PID")"
	expect_eq "drops for want of a backend" "$(reason no_backend)" 0
	unblock backend-a
	unblock backend-b
	eventually 10 is_up b
	fetch 20
	stop
}

# load SECONDS: send requests all the time, with wrk. Its URL names the port, or wrk would look
# for "http" in /etc/services, which a minimal system lacks.
load()
{
	have wrk || skip "not installed: wrk"
	start_bg WRK nsenter --net="/run/netns/netbpf-$LAB-client" -- \
		wrk -t 1 -c 8 -d "${1}s" -H 'Connection: close' "http://$VIP:80/"
}

# no_request_lost: each request was answered.
no_request_lost()
{
	wait_sample "$WRK" 30
	expect_match "$(sample_out "$WRK")" 'requests in'
	expect_no_match "$(sample_out "$WRK")" 'Socket errors|Non-2xx'
}

test_drain_under_load()
{
	local before

	start_web
	load 3
	eventually 5 stat_is '.vips[0].connections' -gt 50
	lb backend drain "tcp:$VIP:80" "$A:80"
	eventually 5 stat_is '.vips[0].backends[0].state' = drained
	before=$(stats '.vips[0].backends[0].connections')
	fetch 20
	expect_eq "answers of the one that is drained" "$(answers backend-a)" 0
	expect_eq "new connections to it" "$(stats '.vips[0].backends[0].connections')" "$before"
	lb backend enable "tcp:$VIP:80" "$A:80"
	no_request_lost
	fetch 40
	both_served
	stop
}

# keep_alive: open a connection from the client that sends a request now, and another one when
# $TMP/go is there.
keep_alive()
{
	# shellcheck disable=SC2016
	start_bg SLOW nsenter --net="/run/netns/netbpf-$LAB-client" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 80) or die;
		sub ask { print $s "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
			while (<$s>) { print if /^Server name/; last if /^Request ID/ }
			print "asked\n" }
		ask();
		while (! -e $ARGV[1]) { select(undef, undef, undef, 0.02) }
		ask();
		print "done\n"' "$VIP" "$TMP/go"
	eventually 5 grep -q '^asked' "$(sample_out "$SLOW")"
}

# goes_on: the connection of keep_alive goes on, with the same backend.
goes_on()
{
	: >"$TMP/go"
	eventually 5 grep -q '^done' "$(sample_out "$SLOW")"
	expect_eq "answers to it" "$(grep -c '^Server name' "$(sample_out "$SLOW")")" 2
	expect_eq "backends that answered it" \
		"$(grep '^Server name' "$(sample_out "$SLOW")" | sort -u | wc -l)" 1
}

test_drained_connections_go_on()
{
	start_web
	keep_alive
	lb backend drain "tcp:$VIP:80" "$A:80"
	lb backend drain "tcp:$VIP:80" "$B:80"
	goes_on
	stop
}

test_weight_by_command()
{
	start_web
	lb backend weight "tcp:$VIP:80" "$A:80" 0
	fetch 20
	expect_eq "answers of the one with weight 0" "$(answers backend-a)" 0
	lb backend weight "tcp:$VIP:80" "$A:80" 1
	fetch 40
	both_served
	stop
}

test_reload_under_load()
{
	local i

	web_config
	start -c "$TMP/lb.yaml"
	load 4
	for i in 3 1 5 1; do
		web_config "$i" 1
		lb reload
	done
	expect_eq "weight of a" "$(stats '.vips[0].backends[0].weight')" 1
	expect_match "$(sample_err "$PID")" "^xdp_lb: reloaded $TMP/lb.yaml: 1 service\$"
	no_request_lost
	stop
}

# shown: print the state, without what time and the traffic of the network itself change.
shown()
{
	lb show -j | jq -S 'del(.ts_ns, .generation, .reasons)'
	lb ring web --digest
}

test_reload_of_the_same_file_changes_nothing()
{
	local before

	web_config
	start -c "$TMP/lb.yaml"
	before=$(shown)
	lb reload
	expect_eq state "$(shown)" "$before"
	stop
}

test_reload_of_a_bad_file_changes_nothing()
{
	web_config
	start -c "$TMP/lb.yaml"
	sed -i 's/port: 80, weight: 1 }$/port: 70000, weight: 1 }/' "$TMP/lb.yaml"
	expect_status 2 lb reload
	expect_err 'lb\.yaml:1[0-9]: vips\[0\]\.backends\[0\]\.port: 70000 '
	kill -HUP "$PID"
	eventually 5 grep -q '70000' "$(sample_err "$PID")"
	fetch 20
	both_served
	stop
}

test_reload_adds_and_removes()
{
	web_config
	start -c "$TMP/lb.yaml"
	sed -i '/name: b,/d' "$TMP/lb.yaml"
	lb reload
	fetch 20
	expect_eq "answers of the one that is removed" "$(answers backend-b)" 0
	cat >>"$TMP/lb.yaml" <<-END
		  - name: web6
		    address: "$VIP6"
		    port: 80
		    protocol: tcp
		    forward: nat
		    backends: [ { name: b6, address: "$B6", port: 80 } ]
	END
	lb reload
	fetch 10 "http://[$VIP6]/"
	expect_eq "services" "$(stats '.vips | length')" 2
	stop
}

# many_config N [CHECK]: write N services from s0 and 10.1.0.0 on, with the course's backends.
# Small tables save memory.
many_config()
{
	local i

	{
		echo "name: $NAME"
		echo 'interfaces: [eth0]'
		echo 'table_size: 4093'
		echo 'connections: 4096'
		echo 'vips:'
		for ((i = 0; i < $1; i++)); do
			cat <<-END
				  - name: s$i
				    address: 10.1.$((i / 250)).$((i % 250))
				    port: 80
				    protocol: tcp
				    check: { ${2:-type: none} }
				    backends:
				      - { name: a, address: $A, port: 80, weight: 1 }
				      - { name: b, address: $B, port: 80, weight: 1 }
			END
		done
	} >"$TMP/lb.yaml"
	on client ip route replace 10.1.0.0/16 via "$VIP"
	defer "ip -n netbpf-$LAB-client route flush 10.1.0.0/16"
}

# who SERVICE: print the backend that a client gets.
who()
{
	lb ring "$1" --who "$CLIENT:40000" | cut -d ' ' -f 1
}

# Nearly as many services as there can be; one is changed, then many are removed.
test_thousand_services()
{
	local first last

	many_config 1000
	start -c "$TMP/lb.yaml"
	expect_match "$(sample_out "$PID")" '^ready: .* 1000 services'
	expect_match <(who s0) '^[ab]$'
	expect_match <(who s999) '^[ab]$'
	fetch 20 http://10.1.0.0/
	both_served
	fetch 20 http://10.1.3.249/
	both_served
	first=$(lb ring s0 --digest) last=$(lb ring s999 --digest)
	sed -i '/name: s500$/,/name: b/s/weight: 1 }$/weight: 0 }/' "$TMP/lb.yaml"
	sed -i '/name: s500$/,/name: a/s/\(name: a.*weight\): 0/\1: 1/' "$TMP/lb.yaml"
	lb reload
	expect_eq "ring of the first" "$(lb ring s0 --digest)" "$first"
	expect_eq "ring of the last" "$(lb ring s999 --digest)" "$last"
	fetch 10 http://10.1.2.0/
	expect_eq "answers of the one with weight 0" "$(answers backend-b)" 0
	many_config 600
	lb reload
	expect_eq services "$(lb vip list | wc -l)" 600
	fetch 10 http://10.1.2.99/
	on client curl -sS -m 1 http://10.1.2.100/ >/dev/null 2>&1 && fail "s600 still answers"
	stop
}

# tells_down N: there are N messages that backend a is down.
tells_down()
{
	[ "$(grep -c 'backend a is down' "$(sample_out "$PID")")" = "$1" ]
}

# A host that dies takes many backends down at a time.
test_many_services_lose_a_host()
{
	local interval=$((2000 * NETBPF_SLOW)) timeout=$((500 * NETBPF_SLOW))

	have nft || skip "not installed: nft"
	# fall: 2, as a slow machine may miss one answer of a backend that is alive.
	many_config 300 "type: tcp, interval_ms: $interval, timeout_ms: $timeout, rise: 1, fall: 2"
	start -c "$TMP/lb.yaml"
	block backend-a
	eventually 30 stat_is '[.vips[].backends[0] | select(.state == "down")] | length' = 300
	# The messages are printed after the new rings are there.
	eventually 10 tells_down 300
	eventually 30 stat_is '[.vips[].backends[1] | select(.state == "up")] | length' = 300
	fetch 20 http://10.1.0.0/
	expect_eq "answers of the one that is dead" "$(answers backend-a)" 0
	fetch 20 http://10.1.1.49/
	expect_eq "answers of the one that is dead" "$(answers backend-a)" 0
	unblock backend-a
	eventually 30 stat_is '[.vips[].backends[0] | select(.state == "up")] | length' = 300
	fetch 40 http://10.1.1.49/
	both_served
	stop
}

# Options of the command line hold after a reload, too.
test_reload_with_options()
{
	web_config
	sed -i 's/^name: .*/name: other/' "$TMP/lb.yaml"
	start -c "$TMP/lb.yaml" -m tc
	sed -i '/name: b,/d' "$TMP/lb.yaml"
	lb reload
	expect_eq "backends" "$(stats '.vips[0].backends | length')" 1
	stop
}

# ---------------------------------------------------------------------------
# The control program comes and goes

pins()
{
	find "/sys/fs/bpf/xdp_lb/$NAME" -mindepth 1 2>/dev/null | wc -l || :
}

test_stop_leaves_nothing()
{
	start_web
	[ "$(pins)" -gt 5 ] || fail "nothing is pinned"
	fetch 5
	lb stop
	wait_sample "$PID" 5
	expect_eq "pins" "$(pins)" 0
	expect_status 1 lb stats
	expect_err "failed to find instance $NAME"
	on client curl -sS -m 2 "http://$VIP/" >/dev/null 2>&1 &&
		fail "something still answers"
	expect_no_line managed on lb ip neigh show
}

test_kill_9_and_restart_under_load()
{
	start_web
	load 5
	eventually 5 stat_is '.vips[0].connections' -gt 50
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	fetch 50
	both_served
	start_web
	expect_match "$(sample_out "$PID")" '^ready: .*adopted'
	fetch 50
	no_request_lost
	stop
}

# After the restart, the ring would name the same backend. So drain both backends: only the flow
# table can lead the connection to its backend.
test_connection_outlives_kill_9()
{
	start_web
	keep_alive
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	start_web
	expect_match "$(sample_out "$PID")" 'adopted'
	lb backend drain "tcp:$VIP:80" "$A:80"
	lb backend drain "tcp:$VIP:80" "$B:80"
	goes_on
	stop
}

test_keep()
{
	start_web
	lb stop --keep
	wait_sample "$PID" 5
	fetch 20
	both_served
	start_web
	expect_match "$(sample_out "$PID")" 'adopted'
	stop
	expect_eq "pins" "$(pins)" 0
}

# As a service manager runs it.
test_run_with_keep()
{
	start_web --keep
	stop
	fetch 5
	start_web --keep
	lb stop
	wait_sample "$PID" 5
	expect_eq "pins" "$(pins)" 0
}

test_reader_that_goes_away()
{
	start_web
	fetch 50
	lb conns 2>"$TMP/errors" | head -n 1 >/dev/null || :
	expect_eq "messages" "$(<"$TMP/errors")" ""
	stop
}

test_stop_after_kill_9()
{
	start_web
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	[ "$(pins)" -gt 5 ] || fail "nothing is pinned"
	lb stop
	expect_eq "pins" "$(pins)" 0
}

test_only_one_runs()
{
	start_web
	expect_status 1 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:$VIP:81" --backend "$A:80"
	expect_err "instance $NAME: it is running already"
	fetch 5
	stop
}

test_other_table_is_refused()
{
	web_config
	start -c "$TMP/lb.yaml"
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	sed -i 's/^connections: .*/connections: 8192/' "$TMP/lb.yaml"
	expect_status 1 "$LB" run -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	expect_err 'it was made with another connections'
	expect_err "hint: $LB stop --name $NAME"
	fetch 10
	lb stop
}

# ---------------------------------------------------------------------------
# Errors

test_bad_command_lines()
{
	expect_status 2 "$LB"
	expect_err 'which command'
	expect_status 2 "$LB" dance
	expect_err 'unknown command dance'
	expect_status 2 "$LB" run
	expect_err 'which services'
	expect_status 2 "$LB" run -i eth0 --backend "$A:80"
	expect_err 'no --vip before it'
	expect_status 2 "$LB" run -i eth0 --vip tcp:nonsense:80 --backend "$A:80"
	expect_status 2 "$LB" run -i eth0 -c lb.yaml
	expect_err 'exclude each other'
	expect_status 2 "$LB" stop now
	expect_err 'unexpected argument now'
	expect_status 2 "$LB" run --snat 10.0.0.0/24
	expect_err '^xdp_lb: --snat 10.0.0.0/24: not an address'
	expect_status 2 "$LB" run -m fast
	expect_err 'auto, native, skb or tc'
}

test_wrong_interface()
{
	expect_status 1 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i nosuch0 \
		--vip "tcp:$VIP:80" --backend "$A:80"
	expect_err 'nosuch0'
	expect_eq "pins" "$(pins)" 0
}

test_no_such_file()
{
	expect_status 1 "$LB" run -c /nonexistent/lb.yaml
	expect_err '/nonexistent/lb.yaml.*No such file'
}

test_unknown_service_and_backend()
{
	start_web
	expect_status 1 lb backend drain nosuch "$A:80"
	expect_err 'failed to find the service nosuch'
	expect_status 1 lb backend drain "tcp:$VIP:80" 10.9.9.9:80
	expect_err 'failed to find the backend 10.9.9.9:80'
	expect_status 2 lb backend weight "tcp:$VIP:80" "$A:80" many
	expect_err 'many is no weight'
	stop
}

# No host has the backend's address: its packets are counted, and not sent.
test_backend_that_is_not_there()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend 10.0.0.77:80
	expect_match "$(sample_err "$PID")" 'not all backends have been found'
	on client curl -sS -m 1 "http://$VIP/" >/dev/null 2>&1 && fail "who answered?"
	[ "$(reason no_neighbour)" -gt 0 ] || fail "not counted"
	stop
}

# Documentation/testing.rst lists a case for each invariant: these cases must exist.
# shellcheck disable=SC2016
test_each_invariant_has_a_case()
{
	local page=$NETBPF_TOP/Documentation/testing.rst file name n=0

	[ -r "$page" ] || skip "the documentation is not here"
	while IFS=: read -r file name; do
		n=$((n + 1))
		expect_match "$NBT_DIR/xdp_lb/$file" "^test_$name\\(\\)|^TEST.*\\(.*\\b$name\\b"
	done < <(grep -o '``xdp_lb[a-z_]*\.[a-z]*:[a-z0-9_]*``' "$page" | tr -d '`')
	[ "$n" -ge 25 ] || fail "only $n cases are listed"
}

run_tests test_backend_goes_down_and_up test_backend_dies_and_revives_under_load \
	test_checks_end_as_clients_do \
	test_all_down_keeps_the_ring test_drain_under_load test_drained_connections_go_on \
	test_weight_by_command test_reload_under_load \
	test_reload_of_the_same_file_changes_nothing \
	test_reload_of_a_bad_file_changes_nothing test_reload_adds_and_removes \
	test_reload_with_options test_thousand_services test_many_services_lose_a_host \
	test_run_with_keep test_reader_that_goes_away test_stop_leaves_nothing \
	test_kill_9_and_restart_under_load test_connection_outlives_kill_9 test_keep \
	test_stop_after_kill_9 test_only_one_runs test_other_table_is_refused \
	test_bad_command_lines test_wrong_interface test_no_such_file \
	test_unknown_service_and_backend test_backend_that_is_not_there \
	test_each_invariant_has_a_case
