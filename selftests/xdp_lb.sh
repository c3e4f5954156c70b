#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer on real packets: client, lb and two nginx backends behind one
# bridge, as in the course's picture (scripts/lab.sh up lb).

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_root
require_tools ip curl nginx jq ethtool ping perl

LAB_SH=$NETBPF_TOP/scripts/lab.sh
VIP=10.0.0.5 VIP6=fd00::5
A=10.0.0.2 B=10.0.0.3 A6=fd00::2 B6=fd00::3 CLIENT=10.0.0.4

setup()
{
	LB=$(sample xdp_lb)
	LAB=$(rand_name l)
	NAME=t$LAB
	"$LAB_SH" up lb --name "$LAB" >/dev/null
	defer "$LAB_SH down $LAB >/dev/null"
}

# on NODE COMMAND...: run it in a node of the lab, with the mounts of the caller.
on()
{
	local node=$1

	shift
	in_ns "netbpf-$LAB-$node" "$@"
}

# lb ARG...: a command on our instance.
lb()
{
	"$LB" "$1" -n "netbpf-$LAB-lb" --name "$NAME" "${@:2}"
}

# start ARG...: run it; its pid goes to PID, and the instance is gone at the end.
start()
{
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name $NAME 2>/dev/null || :"
	start_sample PID 20 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" "$@"
}

# start_web [ARG...]: the course's service.
start_web()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" --backend "$B:80" "$@"
}

start_web6()
{
	start -i eth0 --vip "tcp:[$VIP6]:80" --backend "[$A6]:80" --backend "[$B6]:80" "$@"
}

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# fetch N [URL]: N connections; what the servers said goes to $TMP/answers.
fetch()
{
	on client curl -sS -m 20 -H 'Connection: close' \
		"${2:-http://$VIP/}?[1-$1]" >"$TMP/answers" 2>"$TMP/errors" || {
		show answers "$TMP/errors"
		fail "curl: some of $1 requests failed"
	}
	expect_eq "answers" "$(grep -c '^Server name:' "$TMP/answers")" "$1"
}

# answers NODE: how many of them were by that backend.
answers()
{
	grep -c "^Server name: $1" "$TMP/answers" || :
}

# expect_between WHAT GOT LEAST MOST
expect_between()
{
	if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
		fail "$1: $2, not $3 to $4"
	fi
}

# both_served: neither was left out.
both_served()
{
	[ "$(answers backend-a)" -gt 0 ] || fail "backend-a got nothing"
	[ "$(answers backend-b)" -gt 0 ] || fail "backend-b got nothing"
}

# stats FILTER: a value of the statistics.
stats()
{
	lb stats -j | jq -r "$1"
}

# stat_is FILTER OPERATOR VALUE: as test has it; to be waited for.
stat_is()
{
	test "$(stats "$1")" "$2" "$3"
}

reason()
{
	stats ".reasons.$1"
}

config()
{
	cat >"$TMP/lb.yaml"
}

# web_config [EXTRA]: the course's service as a file.
web_config()
{
	config <<-END
		name: $NAME
		interfaces: [eth0]
		connections: 4096
		vips:
		  - name: web
		    address: $VIP
		    port: 80
		    protocol: tcp
		    forward: nat
		    check: { type: http, path: /, interval_ms: 100, timeout_ms: 100, rise: 2, fall: 2 }
		    backends:
		      - { name: a, address: $A, port: 80, weight: ${1:-1} }
		      - { name: b, address: $B, port: 80, weight: ${2:-1} }
	END
}

# ---------------------------------------------------------------------------
# The course's scenario

test_five_hundred_requests()
{
	start_web
	fetch 500
	both_served
	expect_between "answers of backend-a" "$(answers backend-a)" 180 320
	expect_eq connections "$(stats '.vips[0].connections')" 500
	expect_eq "sum of backends" "$(stats '[.vips[0].backends[].connections] | add')" 500
	stop
}

# modes MODE: both families.
modes()
{
	start_web -m "$1"
	expect_match "$(sample_out "$PID")" "^ready: instance $NAME on eth0 \($1\)"
	fetch 20
	both_served
	stop
	start_web6 -m "$1"
	fetch 20 "http://[$VIP6]/"
	both_served
	stop
}

test_mode_tc()
{
	modes tc
}

test_mode_native()
{
	modes native
}

test_mode_skb()
{
	modes skb
}

test_auto_is_tc_on_veth()
{
	start_web
	expect_match "$(sample_err "$PID")" 'mode tc: eth0 is a veth'
	expect_match "$(sample_out "$PID")" '\(tc\)'
	stop
}

# The hosts leave checksums to the device, which veth never computes.
test_checksum_offload_stays_on()
{
	local node

	for node in client backend-a backend-b; do
		on "$node" ethtool -K eth0 tx on >/dev/null
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ethtool -K eth0 tx off >/dev/null"
	done
	start_web
	fetch 50
	stop
	start_web6
	fetch 50 "http://[$VIP6]/"
	stop
}

test_weights()
{
	web_config 1 3
	start -c "$TMP/lb.yaml"
	fetch 400
	# A quarter is due.
	expect_between "answers of backend-a" "$(answers backend-a)" 60 145
	stop
}

# ---------------------------------------------------------------------------
# What backends and clients see

# listen NODE PORT: print the address of the first that connects to it.
listen()
{
	# shellcheck disable=SC2016 # that is Perl
	start_bg LISTENER nsenter --net="/run/netns/netbpf-$LAB-$1" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(Listen => 5, LocalPort => $ARGV[0], ReuseAddr => 1,
			V6Only => 0, Family => Socket::AF_INET) or die;
		print "listening\n";
		while (my $c = $s->accept) { print $c->peerhost, " ", $c->peerport, "\n";
			print $c "you are ", $c->peerhost, "\n"; close $c }' "$2"
	eventually 5 grep -q listening "$(sample_out "$LISTENER")"
}

# talk PORT: connect to the VIP, print what is said.
talk()
{
	# shellcheck disable=SC2016
	on client perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1],
			Timeout => 3) or die "$@\n";
		print <$s>' "${2:-$VIP}" "$1"
}

test_nat_hides_the_client()
{
	listen backend-a 7000
	start -i eth0 --vip "tcp:$VIP:7000" --backend "$A:7000"
	expect_eq "the backend sees" "$(talk 7000)" "you are $VIP"
	port=$(tail -n 1 "$(sample_out "$LISTENER")" | cut -d ' ' -f 2)
	read -r low high < <(on lb cat /proc/sys/net/ipv4/ip_local_port_range)
	[ "$port" -lt "$low" ] || [ "$port" -gt "$high" ] ||
		fail "port $port is one of the host's own, $low to $high"
	stop
}

test_dnat_keeps_the_client()
{
	listen backend-a 7000
	on backend-a ip route add "$CLIENT/32" via "$VIP"
	defer "nsenter --net=/run/netns/netbpf-$LAB-backend-a -- ip route del $CLIENT/32"
	start -i eth0 --forward dnat --vip "tcp:$VIP:7000" --backend "$A:7000"
	expect_eq "the backend sees" "$(talk 7000)" "you are $CLIENT"
	stop
}

# The backends have the address; only the balancer answers ARP for it.
add_vip_to_backends()
{
	local node

	on lb ip addr add 10.0.0.100/32 dev eth0
	defer "nsenter --net=/run/netns/netbpf-$LAB-lb -- ip addr del 10.0.0.100/32 dev eth0"
	for node in backend-a backend-b; do
		on "$node" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
			echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
		on "$node" ip addr add 10.0.0.100/32 dev lo
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ip addr del 10.0.0.100/32 dev lo"
	done
}

test_dsr()
{
	add_vip_to_backends
	start -i eth0 --forward dsr --vip tcp:10.0.0.100:80 --backend "$A:80" --backend "$B:80"
	fetch 20 http://10.0.0.100/
	both_served
	expect_eq "replies through the balancer" \
		"$(stats '[.vips[0].backends[].reply_packets] | add')" 0
	stop
}

# decap NODE: it takes outer headers off, as a tunnel device would.
decap()
{
	local decap=$NBT_DIR/xdp_lb_decap

	[ -x "$decap" ] || decap=$NETBPF_OUT/selftests/xdp_lb_decap
	start_sample DECAP 10 nsenter --net="/run/netns/netbpf-$LAB-$1" -- "$decap" eth0
}

# Outer headers of the family of the backend's address, whatever is inside.
test_ipip()
{
	local node a b

	add_vip_to_backends
	for node in backend-a backend-b; do
		on "$node" ip addr add fd00::100/128 dev lo nodad
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ip addr del fd00::100/128 dev lo"
		decap "$node"
	done
	on lb ip addr add fd00::100/128 dev eth0 nodad
	defer "nsenter --net=/run/netns/netbpf-$LAB-lb -- ip addr del fd00::100/128 dev eth0"
	for a in "$A $B" "[$A6] [$B6]"; do
		read -r a b <<<"$a"
		start -i eth0 -m "${MODE:-tc}" --forward ipip \
			--vip tcp:10.0.0.100:80 --backend "$a:80" --backend "$b:80" \
			--vip 'tcp:[fd00::100]:80' --backend "$a:80" --backend "$b:80"
		fetch 20 http://10.0.0.100/
		both_served
		fetch 20 'http://[fd00::100]/'
		both_served
		stop
	done
}

test_ipip_native()
{
	MODE=native
	test_ipip
}

# A POST whose segments do not fit into the tunnel: the client is told, and sends
# smaller ones. In TC with checksums left to the device, which the packet that is
# quoted in the answer lacks.
test_ipip_tells_the_mtu()
{
	add_vip_to_backends
	decap backend-a
	head -c 100000 /dev/zero >"$TMP/body"
	on client ethtool -K eth0 tso off gso off tx "${TX:-on}" >/dev/null
	defer "nsenter --net=/run/netns/netbpf-$LAB-client -- ethtool -K eth0 gso on tx off >/dev/null"
	start -i eth0 -m "${MODE:-tc}" --forward ipip --vip tcp:10.0.0.100:80 --backend "$A:80"
	on client curl -sS -m 10 -o /dev/null --data-binary "@$TMP/body" http://10.0.0.100/ ||
		fail "the body did not get through"
	[ "$(reason too_big_answered)" -gt 0 ] || fail "no packet was too big"
	expect_match <(on client ip route get 10.0.0.100) 'mtu 1480'
	on client ip route flush cache
	stop
}

test_ipip_tells_the_mtu_native()
{
	MODE=native TX=off
	test_ipip_tells_the_mtu
}

# echo_udp NODE: answer each datagram with the name of the node.
echo_udp()
{
	# shellcheck disable=SC2016
	start_bg LISTENER nsenter --net="/run/netns/netbpf-$LAB-$1" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(LocalPort => 5300, Proto => "udp",
			Family => $ARGV[1]) or die;
		print "listening\n";
		while (my $from = $s->recv(my $data, 65535)) { $s->send("$ARGV[0] $data", 0, $from) }' \
		"$1" "$2"
	eventually 5 grep -q listening "$(sample_out "$LISTENER")"
}

# ask_udp N HOST LEN: N datagrams from N ports; prints the answers.
ask_udp()
{
	# shellcheck disable=SC2016
	on client perl -MIO::Socket::IP -e '
		for (1 .. $ARGV[0]) {
			my $s = IO::Socket::IP->new(PeerHost => $ARGV[1], PeerPort => 5300,
				Proto => "udp") or die;
			$s->send("x" x $ARGV[2]);
			my $r = "";
			vec($r, fileno($s), 1) = 1;
			select($r, undef, undef, 3) or die "no answer to $_\n";
			$s->recv(my $data, 65535);
			die "short: " . length($data) if length($data) <= $ARGV[2];
			print substr($data, 0, 9), "\n";
		}' "$@"
}

test_udp()
{
	echo_udp backend-a 2
	echo_udp backend-b 2
	start -i eth0 --vip "udp:$VIP:5300" --backend "$A:5300" --backend "$B:5300"
	ask_udp 40 "$VIP" 100 >"$TMP/answers"
	expect_eq answers "$(wc -l <"$TMP/answers")" 40
	expect_eq backends "$(sort -u "$TMP/answers" | wc -l)" 2
	stop
}

# Several fragments each way: only the first has ports.
test_udp_fragments()
{
	echo_udp backend-a 2
	start -i eth0 --vip "udp:$VIP:5300" --backend "$A:5300"
	ask_udp 5 "$VIP" 4000 >/dev/null
	stop
	echo_udp backend-b 10
	start -i eth0 --vip "udp:[$VIP6]:5300" --backend "[$B6]:5300"
	ask_udp 5 "$VIP6" 4000 >/dev/null
	stop
}

# Not for a service: to the balancer's own stack.
test_other_packets_pass()
{
	start_web
	on client ping -q -c 3 -i 0.05 -W 2 "$VIP" >/dev/null || fail "no answer to ping"
	on client ping -q -c 3 -i 0.05 -W 2 "$VIP6" >/dev/null || fail "no answer to ping -6"
	listen lb 7001
	expect_eq "another port" "$(talk 7001)" "you are $CLIENT"
	stop
}

# ---------------------------------------------------------------------------
# Health, draining, reloading

# is_down NODE, is_up NODE: what the balancer says of a backend.
is_down()
{
	[ "$(stats ".vips[0].backends[] | select(.name == \"$1\").state")" = down ]
}

is_up()
{
	[ "$(stats ".vips[0].backends[] | select(.name == \"$1\").state")" = up ]
}

# block NODE, unblock NODE: its server is gone, or there.
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
	expect_match "$(sample_out "$PID")" '^web: backend a is down: connection refused'
	fetch 40
	expect_eq "answers of the one that is down" "$(answers backend-a)" 0
	unblock backend-a
	eventually 10 is_up a
	fetch 40
	both_served
	stop
}

# Requests all the time, while a backend dies and comes back: once it is known to be
# down none is sent to it, and later it gets its share again.
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

# load SECONDS: requests all the time; result in $TMP/wrk.
load()
{
	have wrk || skip "not installed: wrk"
	start_bg WRK nsenter --net="/run/netns/netbpf-$LAB-client" -- \
		wrk -t 1 -c 8 -d "${1}s" -H 'Connection: close' "http://$VIP/"
}

# no_request_lost: each one was answered.
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

test_drained_connections_go_on()
{
	start_web
	# shellcheck disable=SC2016
	start_bg SLOW nsenter --net="/run/netns/netbpf-$LAB-client" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 80) or die;
		sub ask { print $s "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
			while (<$s>) { print if /^Server name/; last if /^Request ID|^Date:.*\d{4}:/ }
			print "asked\n" }
		ask();
		while (! -e $ARGV[1]) { select(undef, undef, undef, 0.02) }
		ask();
		print "done\n"' "$VIP" "$TMP/go"
	eventually 5 grep -q '^asked' "$(sample_out "$SLOW")"
	lb backend drain "tcp:$VIP:80" "$A:80"
	lb backend drain "tcp:$VIP:80" "$B:80"
	: >"$TMP/go"
	eventually 5 grep -q '^done' "$(sample_out "$SLOW")"
	expect_eq "backends that answered it" \
		"$(grep '^Server name' "$(sample_out "$SLOW")" | sort -u | wc -l)" 1
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
	no_request_lost
	stop
}

# shown: all but what the traffic of the network itself changes.
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

# many_config N [CHECK]: services s0 to s(N - 1), 10.1.0.0 and up, of the course's backends.
# A small table, for the sake of memory.
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

# who SERVICE: the backend of a client.
who()
{
	lb ring "$1" --who "$CLIENT:40000" | cut -d ' ' -f 1
}

# As many as there may be, about; one is changed, most are removed.
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

# A host that dies takes many backends down at a time.
test_many_services_lose_a_host()
{
	have nft || skip "not installed: nft"
	many_config 300 'type: tcp, interval_ms: 2000, timeout_ms: 500, rise: 1, fall: 1'
	start -c "$TMP/lb.yaml"
	block backend-a
	eventually 30 stat_is '[.vips[].backends[0] | select(.state == "down")] | length' = 300
	expect_eq "messages" "$(grep -c 'backend a is down' "$(sample_out "$PID")")" 300
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

# What the command line said besides the file holds on.
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
	expect_eq "neighbours kept" "$(on lb ip neigh show | grep -c managed || :)" 0
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

# As a service manager would have it.
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
	expect_err "hint: xdp_lb stop --name $NAME"
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

# A neighbour that does not answer: counted, not sent to nowhere.
test_backend_that_is_not_there()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend 10.0.0.77:80
	expect_match "$(sample_err "$PID")" 'not all backends have been found'
	on client curl -sS -m 1 "http://$VIP/" >/dev/null 2>&1 && fail "who answered?"
	[ "$(reason no_neighbour)" -gt 0 ] || fail "not counted"
	stop
}

run_tests test_five_hundred_requests test_mode_tc test_mode_native test_mode_skb \
	test_auto_is_tc_on_veth test_checksum_offload_stays_on test_weights \
	test_nat_hides_the_client test_dnat_keeps_the_client test_dsr test_ipip \
	test_ipip_native test_ipip_tells_the_mtu test_ipip_tells_the_mtu_native test_udp \
	test_udp_fragments test_other_packets_pass test_backend_goes_down_and_up \
	test_backend_dies_and_revives_under_load test_all_down_keeps_the_ring \
	test_drain_under_load test_drained_connections_go_on test_weight_by_command \
	test_reload_under_load test_reload_of_the_same_file_changes_nothing \
	test_reload_of_a_bad_file_changes_nothing test_reload_adds_and_removes \
	test_reload_with_options test_thousand_services test_many_services_lose_a_host \
	test_run_with_keep test_reader_that_goes_away \
	test_stop_leaves_nothing test_kill_9_and_restart_under_load test_keep \
	test_stop_after_kill_9 test_only_one_runs test_other_table_is_refused \
	test_bad_command_lines test_wrong_interface test_no_such_file \
	test_unknown_service_and_backend test_backend_that_is_not_there
