#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer and the host that it runs on: SSH sessions to that host, capabilities,
# addresses that change, other instances, nftables, neighbours.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# ---------------------------------------------------------------------------
# What would cut the host off

# from_ssh COMMAND [ARG...]: run xdp_lb on the balancer, as from a shell that came by SSH.
from_ssh()
{
	on lb env SSH_CONNECTION="$CLIENT 50000 $VIP 22" "$LB" "$1" --name "$NAME" "${@:2}"
}

no_pins()
{
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "something is pinned"
}

test_ssh_session_is_left_alone()
{
	local port

	for port in 22 0; do
		expect_status 1 from_ssh run -i eth0 --vip "tcp:$VIP:$port" --backend "$A:$port"
		expect_eq stdout "$OUT" ""
		expect_err '^xdp_lb: failed to attach to eth0: this SSH session comes in'
		expect_err '^  hint: add --force if that is meant, with -d SEC as a safety line$'
		no_pins
		expect_status 1 from_ssh check -i eth0 --vip "tcp:$VIP:$port" --backend "$A:$port"
		expect_out '^  fail  SSH  '
	done
	expect_status 0 from_ssh run -i eth0 --vip "tcp:$VIP:22" --backend "$A:22" --force -d 0.05
	expect_out '^ready: '
	expect_status 0 from_ssh run -i eth0 --vip "tcp:$VIP:23" --backend "$A:23" -d 0.05
	# With -n, the balancer is in another network namespace than the SSH session.
	expect_status 0 env SSH_CONNECTION="$CLIENT 50000 $VIP 22" "$LB" run --name "$NAME" \
		-n "netbpf-$LAB-lb" -i eth0 --vip "tcp:$VIP:22" --backend "$A:22" -d 0.05
}

# A file that takes the session's packets is refused in that session; none of it is applied.
test_ssh_session_and_reload()
{
	local ns

	web_config 1 1 'type: none'
	start_sample PID 20 nsenter --net="/run/netns/netbpf-$LAB-lb" -- \
		"$LB" run --name "$NAME" -c "$TMP/lb.yaml"
	sed -i 's/port: 80/port: 22/' "$TMP/lb.yaml"
	expect_status 1 from_ssh reload
	expect_err '^xdp_lb: failed to attach to eth0: this SSH session comes in there, and '
	expect_eq port "$(stats '.vips[0].port')" 80
	from_ssh reload --force || fail "status $?"
	expect_eq port "$(stats '.vips[0].port')" 22
	# In another network namespace, the same address and name mean another interface.
	ns_add ns
	ip -n "$ns" link add eth0 type veth peer name eth1
	ip -n "$ns" link set eth0 up
	ip -n "$ns" addr add "$VIP/24" dev eth0
	expect_status 0 nsenter --net="/run/netns/$ns" -- \
		env SSH_CONNECTION="$CLIENT 50000 $VIP 22" "$LB" reload --name "$NAME"
	stop
}

# A service of all ports of the host's own address takes the answers to the host's connections.
test_any_port_of_the_own_address()
{
	local proto

	for proto in tcp udp; do
		expect_status 1 lb run -i eth0 --vip "$proto:$VIP:0" --backend "$A:0"
		expect_err "^xdp_lb: failed to attach to eth0: this host sends from $VIP, and "
		expect_err '^  hint: name the ports, or give it an address of its own: ip addr add '
		expect_err '^  hint: add --force if that is meant'
		no_pins
	done
	expect_status 0 lb run -i eth0 --vip "tcp:$VIP:0" --backend "$A:0" -d 0.05 --force
}

# A service manager may grant too few capabilities: run fails, and what was kept still works.
test_run_that_may_not_begin_ends_nothing()
{
	start_web --keep
	stop
	expect_status 1 setpriv --bounding-set -net_admin --inh-caps -net_admin -- \
		"$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 --vip "tcp:$VIP:80" \
		--backend "$A:80" --backend "$B:80"
	expect_err '^xdp_lb: failed to keep neighbours up to date: CAP_NET_ADMIN missing$'
	fetch 10
	start_web
	expect_match "$(sample_out "$PID")" 'adopted'
	stop
	no_pins
}

# ---------------------------------------------------------------------------
# Addresses that change

# A service with an address of its own, which stays when the interface's address changes.
start_beside()
{
	on lb ip addr add 10.0.0.100/32 dev eth0
	defer "ip -n netbpf-$LAB-lb addr del 10.0.0.100/32 dev eth0"
	start -i eth0 --vip tcp:10.0.0.100:80 --backend "$A:80" --backend "$B:80"
}

# snat FILTER: print what show says of the only SNAT address.
snat()
{
	lb show -j | jq -r ".snat | if length == 1 then .[0].$1 else \"several\" end"
}

snat_is()
{
	[ "$(snat address) $(snat gone)" = "$1" ]
}

# use_later: open a connection from the client that sends its request once $TMP/go is there.
use_later()
{
	# shellcheck disable=SC2016
	start_bg LATER nsenter --net="/run/netns/netbpf-$LAB-client" -- perl -MIO::Socket::IP -e '
		$| = 1;
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 80) or die;
		print "connected\n";
		while (! -e $ARGV[1]) { select(undef, undef, undef, 0.02) }
		syswrite $s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
		print defined(sysread $s, my $b, 4096) ? "answered\n" : "$!\n"' 10.0.0.100 "$TMP/go"
	eventually 5 grep -q '^connected' "$(sample_out "$LATER")"
}

# As a DHCP client changes it. A client whose connection is lost gets a reset: it need not wait.
test_snat_follows_the_interface()
{
	start_beside
	fetch 10 http://10.0.0.100/
	use_later
	expect_eq "SNAT address" "$(snat address) $(snat follows)" "$VIP true"
	defer "ip -n netbpf-$LAB-lb addr add $VIP/24 dev eth0"
	on lb ip addr del "$VIP/24" dev eth0
	eventually 10 snat_is "$VIP true"
	lb show >"$TMP/show"
	expect_match "$TMP/show" "^  SNAT address +$VIP, ports .*, gone: connections of nat get no answer\$"
	expect_eq "messages" "$(grep -c 'is gone, and eth0 has none in its place' "$(sample_err "$PID")")" 1
	on lb ip addr add 10.0.0.6/24 dev eth0
	defer "ip -n netbpf-$LAB-lb addr del 10.0.0.6/24 dev eth0"
	eventually 10 snat_is "10.0.0.6 false"
	fetch 20 http://10.0.0.100/
	both_served
	: >"$TMP/go"
	eventually 5 grep -q 'Connection reset' "$(sample_out "$LATER")"
	stop
}

# The address changes while no control program runs; the next one notices.
test_snat_changed_while_nobody_ran()
{
	start_beside
	fetch 5 http://10.0.0.100/
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	on lb ip addr del "$VIP/24" dev eth0
	defer "ip -n netbpf-$LAB-lb addr add $VIP/24 dev eth0"
	on lb ip addr add 10.0.0.6/24 dev eth0
	defer "ip -n netbpf-$LAB-lb addr del 10.0.0.6/24 dev eth0"
	expect_eq "SNAT address" "$(snat address) $(snat gone)" "$VIP true"
	expect_status 1 lb check -i eth0 --vip tcp:10.0.0.100:80 --backend "$A:80"
	expect_out "^  fail  source +$VIP, which it sends from, is gone: "
	start -i eth0 --vip tcp:10.0.0.100:80 --backend "$A:80" --backend "$B:80"
	expect_eq "SNAT address" "$(snat address) $(snat gone)" "10.0.0.6 false"
	fetch 20 http://10.0.0.100/
	stop
}

# A new IPv6 address is tentative until duplicate address detection has ended, and "run" must
# wait for the end. The test lets the detection take 60 s. When "run" has said that it waits,
# the test makes the address usable at once, and "run" must go on.
test_tentative_address_is_waited_for()
{
	local all=/proc/sys/net/ipv6/conf/eth0

	on lb ip -6 addr flush dev eth0 scope global
	on lb sh -c "echo 1 >$all/accept_dad; echo 60 >$all/dad_transmits
		ip addr add $VIP6/64 dev eth0"
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name $NAME >/dev/null 2>&1 || :"
	start_bg PID "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:[$VIP6]:80" --backend "[$A6]:80" --backend "[$B6]:80"
	eventually 20 grep -q '^xdp_lb: waiting for the address of eth0: it is tentative' \
		"$(sample_err "$PID")"
	# In one ip process: if run looked in between, there would be no address to wait for.
	on lb sh -c "printf 'addr %s $VIP6/64 dev eth0%s\\n' del '' add ' nodad' | ip -batch -"
	eventually 20 grep -q '^ready: ' "$(sample_out "$PID")"
	fetch 10 "http://[$VIP6]/"
	stop
}

# ---------------------------------------------------------------------------
# Other instances

# second_has: set SECOND to the options of a second instance on the interface of the first one, with
# a service at port 81. The second instance is stopped when the test ends.
second_has()
{
	SECOND=(-n "netbpf-$LAB-lb" --name "$NAME-2" -i eth0 --vip "tcp:$VIP:81"
		--backend "$A:80" --backend "$B:80")
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name $NAME-2 >/dev/null 2>&1 || :"
}

# Two instances that send from one address would use the same ports.
test_two_instances()
{
	local pid

	second_has
	start_web
	expect_status 1 "$LB" run "${SECOND[@]}" -d 5
	expect_err "^xdp_lb: failed to work beside instance $NAME: it sends from $VIP, too, and "
	expect_err '^  hint: give it an address of its own to send from, snat or --snat: ip '
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME-2" ] || fail "something is pinned"
	expect_status 1 "$LB" check "${SECOND[@]}"
	expect_out "^  fail  source +instance $NAME: it sends from $VIP, too"
	on lb ip addr add 10.0.0.240/32 dev eth0
	defer "ip -n netbpf-$LAB-lb addr del 10.0.0.240/32 dev eth0"
	expect_status 0 "$LB" check "${SECOND[@]}" --snat 10.0.0.240
	expect_out "^  ok    $NAME +tc, 1 service: nothing in common"
	start_sample pid 20 "$LB" run "${SECOND[@]}" --snat 10.0.0.240
	fetch 20
	both_served
	fetch 20 "http://$VIP:81/"
	both_served
	expect_eq "connections of the first" "$(stats '.vips[0].connections')" 20
	stop_sample "$pid" || fail "status $STATUS"
	stop
}

# An instance whose control program is dead still forwards, so no other one can have its
# service. Another host can.
test_one_service_in_two_instances()
{
	start_web
	kill -9 "$PID"
	wait_sample "$PID" 5 2>/dev/null || :
	expect_status 1 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME-2" -i eth0 --forward dsr \
		--vip "tcp:$VIP:80" --backend "$A:80" -d 5
	expect_err "^xdp_lb: failed to work beside instance $NAME: its service tcp:$VIP:80, "
	expect_status 0 "$LB" run -n "netbpf-$LAB-backend-b" --name "$NAME-2" -i eth0 \
		--vip "tcp:$VIP:80" --backend "$A:80" -d 0.05
	fetch 5
	start_web
	stop
}

# waits_for_lock PID: the process waits for a lock that another process has on a file.
waits_for_lock()
{
	grep -Eq -- "-> FLOCK +ADVISORY +WRITE $1 " /proc/locks
}

# An instance looks at the others and makes its pins under one lock: of two that start at
# once, one sees what the other has.
test_two_that_start_at_once()
{
	local holder pid

	second_has
	start_web
	# In a pid namespace, /proc/locks hides a lock whose taker has ended, as flock(1) would, and
	# hides who waits for that lock. So the process that takes the lock stays.
	# shellcheck disable=SC2016
	start_bg holder perl -MFcntl=:flock -e '$| = 1; open(my $dir, "<", $ARGV[0]) or die $!;
		flock($dir, LOCK_EX) or die $!; print "held\n"; sleep 60' /sys/fs/bpf/xdp_lb
	eventually 20 grep -qx held "$(sample_out "$holder")"
	start_bg pid "$LB" run "${SECOND[@]}" -d 5
	eventually 20 waits_for_lock "$pid"
	expect_eq "what it said" "$(cat "$(sample_out "$pid")")" ""
	nbt_kill "$holder" || :
	eventually 20 grep -q "^xdp_lb: failed to work beside instance $NAME: " \
		"$(sample_err "$pid")"
	stop
}

# Masquerading uses ports of the same address, and knows nothing of the ports that nat uses.
test_masquerade_is_told()
{
	have nft || skip "not installed: nft"
	on lb nft 'add table ip nbt; add chain ip nbt c { type nat hook postrouting priority 0; }
		add rule ip nbt c masquerade'
	defer "nsenter --net=/run/netns/netbpf-$LAB-lb -- nft delete table ip nbt"
	start_web
	expect_match "$(sample_err "$PID")" \
		"^xdp_lb: masquerade of nftables, in ip nbt c, gives out ports of $VIP, as nat does: "
	expect_status 0 "$LB" check -n "netbpf-$LAB-lb" -i eth0 --vip "tcp:$VIP:80" \
		--backend "$A:80" --name "$NAME"
	expect_out "^  warn  nftables +masquerade in ip nbt c gives out ports of $VIP, as nat does"
	stop
}

# ---------------------------------------------------------------------------
# The kernel's table of neighbours, which all namespaces of this machine share

# run refuses more backends than the table takes, and resolves none: others would drop out.
test_too_many_neighbours()
{
	local i most

	most=$(on lb ip ntable show name arp_cache | grep -o 'thresh3 [0-9]*' | head -n 1)
	most=${most#* }
	[ "$most" -lt 4096 ] || skip "gc_thresh3 is $most here: 4096 backends have room"
	on lb ip route add 10.77.0.0/16 dev eth0
	defer "ip -n netbpf-$LAB-lb route del 10.77.0.0/16 dev eth0"
	for ((i = 0; i <= most; i++)); do
		echo "address: 10.77.$((i / 250)).$((i % 250 + 1))"
	done | lb_config 'type: none'
	expect_status 1 "$LB" run -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml" -d 1
	expect_err "^xdp_lb: failed to make room for $((most + 1)) neighbours: .* takes $most: gc_thresh3 of IPv4\$"
	expect_err '^  hint: on the host: sysctl -w net.ipv4.neigh.default.gc_thresh3=[0-9]+ '
	expect_status 1 "$LB" check -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	expect_out "^  fail  neighbours +$((most + 1)), and the kernel's table, "
	expect_no_line 10.77. on lb ip neigh show
	# Behind a router, they all are one neighbour.
	on lb ip route change 10.77.0.0/16 via "$B"
	start -c "$TMP/lb.yaml"
	stop
}

run_tests test_ssh_session_is_left_alone test_ssh_session_and_reload \
	test_any_port_of_the_own_address test_run_that_may_not_begin_ends_nothing \
	test_snat_follows_the_interface test_snat_changed_while_nobody_ran \
	test_tentative_address_is_waited_for test_two_instances test_one_service_in_two_instances \
	test_two_that_start_at_once test_masquerade_is_told test_too_many_neighbours
