#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Faults around the load balancer: it goes on serving, or ends with a message. It never hangs and
# leaves nothing behind. selftests/common/sample_faults.sh tests the other samples.
# shellcheck disable=SC2119 # start_web takes the options of those who call it

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/../xdp_lb/xdp_lb_lib.sh"

# with_bpffs OPTIONS TYPE: mount a file system of TYPE at /sys/fs/bpf and start the load balancer
# there: it fails with a message.
with_bpffs()
{
	# shellcheck disable=SC2016
	expect_status 1 timeout 20 unshare -m bash -c '
		mount -t "$2" -o "$1" none /sys/fs/bpf && exec "${@:3}"' x "$1" "$2" \
		"$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 --vip "tcp:$VIP:80" \
		--backend "$A:80"
	expect_err '^xdp_lb: failed to .*/sys/fs/bpf'
	expect_no_match "$OUT_FILE" '^ready'
}

test_no_bpffs()
{
	with_bpffs ro tmpfs
	fetch_direct
}

test_bpffs_is_read_only()
{
	with_bpffs ro bpf
	fetch_direct
}

# fetch_direct: requests straight to a backend still work.
fetch_direct()
{
	fetch 4 "http://$A/"
}

# If two start the same instance at once, one serves, and the other one says why it failed.
test_two_start_at_once()
{
	local one two ended

	defer "\"$LB\" stop -n netbpf-$LAB-lb --name $NAME >/dev/null 2>&1 || :"
	start_bg one "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:$VIP:80" --backend "$A:80"
	start_bg two "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:$VIP:80" --backend "$A:80"
	eventually 20 one_is_ready "$one" "$two"
	if sample_is_ready "$one"; then
		PID=$one ended=$two
	else
		PID=$two ended=$one
	fi
	wait_sample "$ended" 20 && fail "both ended well"
	expect_match "$(sample_err "$ended")" 'xdp_lb: failed to'
	fetch 10
	stop
}

one_is_ready()
{
	{ sample_is_ready "$1" && sample_ended "$2"; } ||
		{ sample_is_ready "$2" && sample_ended "$1"; }
}

# The tables of this instance would need 600 MB.
test_no_memory_for_the_tables()
{
	web_config
	sed -i 's/^connections: .*/connections: 8388608/' "$TMP/lb.yaml"
	memory_cgroup 100
	expect_status 1 in_cgroup timeout 60 "$LB" run -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	expect_err '^xdp_lb: failed to .*: Cannot allocate memory$'
	expect_no_match "$OUT_FILE" '^ready'
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are pinned"
	# An instance with smaller tables fits into the same memory.
	sed -i 's/^connections: .*/connections: 4096/' "$TMP/lb.yaml"
	expect_status 0 in_cgroup "$LB" check -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	fetch_direct
}

# other_net: make a namespace, GONE, with an eth0, and start an instance there; PID is its control
# process. The tests delete the name of this namespace.
other_net()
{
	local peer

	ns_add peer
	GONE=$(rand_name nbt-)
	ip netns add "$GONE"
	defer "ip netns del $GONE 2>/dev/null || :"
	veth_pair "$GONE" eth0 "$peer" eth0
	addr_add "$GONE" eth0 10.8.0.1/24
	addr_add "$peer" eth0 10.8.0.2/24
	defer "\"$LB\" stop --name $NAME >/dev/null 2>&1 || :"
	start_sample PID 20 "$LB" run -n "$GONE" --name "$NAME" -i eth0 \
		--vip tcp:10.8.0.1:80 --backend 10.8.0.2:80
}

# The control process keeps a namespace whose name was deleted, and goes on serving.
test_namespace_deleted()
{
	other_net
	ip netns del "$GONE"
	expect_eq "state of its backend" "$(stats '.vips[0].backends[0].state')" up
	lb_stop_leaves_nothing
	wait_sample "$PID" 10
}

# lb_stop_leaves_nothing: stop the instance and check its pins. The namespace may be gone, so do
# not look into it.
lb_stop_leaves_nothing()
{
	"$LB" stop --name "$NAME"
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

# The namespace was deleted with its interface, and nobody has removed the pinned links and maps.
test_killed_and_namespace_gone()
{
	other_net
	kill -9 "$PID"
	wait "$PID" 2>/dev/null || :
	ip netns del "$GONE"
	expect_status 0 "$LB" show --name "$NAME"
	expect_out 'control program +none'
	lb_stop_leaves_nothing
}

test_killed_and_namespace_made_again()
{
	other_net
	kill -9 "$PID"
	wait "$PID" 2>/dev/null || :
	ip netns del "$GONE"
	other_net
	expect_match "$(sample_out "$PID")" '^ready: .*, adopted'
	stop_sample "$PID"
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

# The control process is killed when its maps are pinned, but its program is still being loaded.
test_killed_as_it_starts()
{
	local early

	start_bg early "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:$VIP:80" --backend "$A:80"
	eventually 10 test -e "/sys/fs/bpf/xdp_lb/$NAME/lb_meta"
	kill -9 "$early"
	wait "$early" 2>/dev/null || :
	expect_no_match "$(sample_out "$early")" '^ready'
	expect_status 1 "$LB" stats --name "$NAME"
	expect_err '^xdp_lb: failed to open instance'
	start_web
	expect_no_match "$(sample_out "$PID")" adopted
	fetch 10
	stop
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

# Somebody has removed the pin of lb_meta.
test_lb_meta_gone()
{
	local dir=/sys/fs/bpf/xdp_lb/$NAME

	start_web
	kill -9 "$PID"
	wait "$PID" 2>/dev/null || :
	rm "$dir/lb_meta"
	expect_status 1 timeout 20 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" -i eth0 \
		--vip "tcp:$VIP:80" --backend "$A:80"
	expect_err "^xdp_lb: failed to adopt instance $NAME: it forwards"
	expect_err "hint: rm -r $dir ends it"
	fetch 10
	# As after a killed "stop": no program is attached any more, but pins are left.
	rm -f "$dir"/link_*
	tc -n "netbpf-$LAB-lb" filter del dev eth0 ingress 2>/dev/null || :
	start_web
	expect_no_match "$(sample_out "$PID")" adopted
	fetch 10
	stop
	[ ! -e "$dir" ] || fail "its maps are still pinned"
}

# The program in the kernel goes on forwarding while its control process is stopped.
test_stopped_process_serves()
{
	start_web
	kill -STOP "$PID"
	defer "kill -CONT $PID 2>/dev/null || :"
	fetch 40
	both_served
	kill -CONT "$PID"
	lb backend drain "tcp:$VIP:80" "$A:80"
	fetch 10
	expect_eq "answers of the one that is drained" "$(answers backend-a)" 0
	stop
}

test_link_down_and_up()
{
	start_web
	fetch 10
	ip -n "netbpf-$LAB-lb" link set eth0 down
	# The interface loses its IPv6 addresses, but keeps its IPv4 address.
	defer "ip -n netbpf-$LAB-lb link set eth0 up"
	! sample_ended "$PID" || fail "it has ended"
	ip -n "netbpf-$LAB-lb" link set eth0 up
	eventually 10 on client curl -sS -m 1 "http://$VIP/"
	fetch 20
	both_served
	stop
}

# Programs are attached to an interface, not to its name.
test_interface_renamed()
{
	start_web
	ip -n "netbpf-$LAB-lb" link set eth0 down
	ip -n "netbpf-$LAB-lb" link set eth0 name eth9
	defer "ip -n netbpf-$LAB-lb link set eth9 down; ip -n netbpf-$LAB-lb link set eth9 name eth0
		ip -n netbpf-$LAB-lb link set eth0 up"
	ip -n "netbpf-$LAB-lb" link set eth9 up
	eventually 10 on client curl -sS -m 1 "http://$VIP/"
	fetch 20
	both_served
	stop
}

# release: take eth0 out of the bridge br9, with its addresses.
release()
{
	ip -n "netbpf-$LAB-lb" link del br9
	addr_add "netbpf-$LAB-lb" eth0 "$VIP/24" "$VIP6/64"
}

# eth0 becomes a port of a bridge, which takes over its addresses: then backends are behind the
# bridge. Native XDP cannot redirect packets to a bridge, and the load balancer says so.
test_interface_becomes_a_port()
{
	local mode ns=netbpf-$LAB-lb

	for mode in tc skb native; do
		start_web -m "$mode"
		fetch 4
		ip -n "$ns" link add name br9 address "$(link_mac "$ns" eth0)" type bridge forward_delay 0
		defer "release 2>/dev/null || :"
		ip -n "$ns" link set br9 up
		ip -n "$ns" link set eth0 master br9
		ip -n "$ns" addr flush dev eth0 scope global
		addr_add "$ns" br9 "$VIP/24" "$VIP6/64"
		if [ "$mode" = native ]; then
			eventually 10 told '^xdp_lb: failed to forward to backends behind br9: it drops what native XDP redirects to it$'
			expect_match "$(sample_err "$PID")" '^  hint: mode: tc'
		else
			eventually 10 on client curl -sS -m 1 "http://$VIP/"
			fetch 20
			both_served
		fi
		release
		eventually 10 on client curl -sS -m 1 "http://$VIP/"
		fetch 20
		both_served
		expect_eq "messages" "$(grep -c 'failed to forward' "$(sample_err "$PID")" || :)" \
			"$([ "$mode" = native ] && echo 1 || echo 0)"
		stop
	done
}

# bad_server PORT HOW: start a server on backend-a that accepts connections and sends nothing
# ("hang"), or bytes that are no HTTP ("junk").
bad_server()
{
	# shellcheck disable=SC2016 # variables of perl
	start_bg SERVER nsenter --net="/run/netns/netbpf-$LAB-backend-a" perl -MIO::Socket::INET -e '
		$SIG{PIPE} = "IGNORE";
		my $s = IO::Socket::INET->new(Listen => 64, LocalPort => $ARGV[0], ReuseAddr => 1) or die;
		my @open;
		while (my $c = $s->accept) {
			if ($ARGV[1] eq "junk") { print $c join "", map { chr rand 256 } 1 .. 70000; close $c }
			else { push @open, $c; shift @open if @open > 50 }
		}' "$1" "$2"
	eventually 10 listens "$1"
}

listens()
{
	[ -n "$(on backend-a ss -Hltn sport = ":$1")" ]
}

test_servers_that_hang_or_send_junk()
{
	bad_server 81 hang
	bad_server 82 junk
	lb_config "$CHECK" <<-END
		name: hangs, address: $A, port: 81
		name: junk, address: $A, port: 82
		name: b, address: $B, port: 80
	END
	start -c "$TMP/lb.yaml"
	eventually 10 is_down hangs
	eventually 10 is_down junk
	fetch 40
	expect_eq "answers of the one that works" "$(answers backend-b)" 40
	show "messages" "$(sample_out "$PID")"
	stop
}

# ---------------------------------------------------------------------------
# Interfaces that are removed and made again, as those of containers: with the same name, but
# with another index and MAC address.

# make_eth0 [INDEX]: make a new eth0 for the load balancer, perhaps with this index.
make_eth0()
{
	ip -n "netbpf-$LAB-switch" link add veth-lb type veth peer name eth0 \
		${1:+index "$1"} netns "netbpf-$LAB-lb"
	ip -n "netbpf-$LAB-switch" link set veth-lb master br0 up
	set_up_eth0
}

# set_up_eth0: bring eth0 up with its addresses. The other nodes forget the MAC address of the old
# eth0.
set_up_eth0()
{
	local node

	ip -n "netbpf-$LAB-lb" link set eth0 up
	addr_add "netbpf-$LAB-lb" eth0 "$VIP/24" "$VIP6/64"
	for node in client backend-a backend-b; do
		ip -n "netbpf-$LAB-$node" neigh flush dev eth0
	done
}

# have_eth0: make eth0 unless it is there: an earlier test may have failed without it.
have_eth0()
{
	! ip -n "netbpf-$LAB-lb" link show eth0 >/dev/null 2>&1 || return 0
	ip -n "netbpf-$LAB-switch" link del veth-lb 2>/dev/null || :
	make_eth0
}

del_eth0()
{
	ip -n "netbpf-$LAB-lb" link del eth0
}

# told REGEX, event REGEX: true if a line on stderr (stdout) of the control process matches.
told()
{
	grep -Eq "$1" "$(sample_err "$PID")"
}

event()
{
	grep -Eq "$1" "$(sample_out "$PID")"
}

# is_gone [WHY]: the control process has reported that eth0 is gone, and goes on.
is_gone()
{
	eventually 10 told "^xdp_lb: failed to go on with eth0: the interface ${1:-was removed}\$"
	eventually 10 told '^  hint: it is attached to again when there is an interface eth0$'
	! sample_ended "$PID" || fail "it has ended"
}

# is_back: the control process has attached to the new eth0, and the load balancer serves again.
is_back()
{
	eventually 10 event '^interface eth0 is back: attached '
	eventually 20 on client curl -sS -m 1 "http://$VIP/"
	fetch 20
	both_served
	expect_status 0 "$LB" show --name "$NAME"
	expect_out "^  interface +eth0 $(link_mac "netbpf-$LAB-lb" eth0)\$"
	expect_out "from eth0 $(link_mac "netbpf-$LAB-lb" eth0),"
}

stop_leaves_nothing()
{
	stop
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

test_interface_deleted_and_made_again()
{
	local mode

	have_eth0
	for mode in tc skb; do
		start_web -m "$mode"
		fetch 10
		del_eth0
		is_gone
		expect_status 0 "$LB" show --name "$NAME"
		expect_out '^  interface +eth0, gone: attached to again when there is one of that name$'
		expect_status 0 "$LB" show --name "$NAME" -j
		expect_eq "interfaces" "$(jq -c .interfaces "$OUT_FILE")" \
			'[{"state":"gone","ifname":"eth0"}]'
		expect_status 1 "$LB" check -n "netbpf-$LAB-lb" -i eth0 --vip "tcp:$VIP:80" \
			--backend "$A:80"
		expect_out 'there is no eth0 here: a run that was on it attaches when it comes'
		expect_eq "links" "$(links_pinned)" 0
		make_eth0
		is_back
		stop_leaves_nothing
	done
}

links_pinned()
{
	find "/sys/fs/bpf/xdp_lb/$NAME" -name 'link_*' | wc -l
}

# A new interface with the same name and index appears before the control process notices that
# the old one is gone.
test_interface_made_again_at_once()
{
	local index

	have_eth0
	start_web -j
	index=$(link_index "netbpf-$LAB-lb" eth0)
	kill -STOP "$PID"
	defer "kill -CONT $PID 2>/dev/null || :"
	del_eth0
	make_eth0 "$index"
	kill -CONT "$PID"
	eventually 10 event '^{"event":"interface","ifname":"eth0","ifindex":[0-9]+,"state":"gone","reason":"removed"}$'
	eventually 10 event '^{"event":"interface","ifname":"eth0","ifindex":[0-9]+,"state":"attached"}$'
	eventually 20 on client curl -sS -m 1 "http://$VIP/"
	fetch 10
	stop_leaves_nothing
}

# A connection that was open before sends its request only after the interface is back.
test_connections_outlive_their_interface()
{
	local client

	have_eth0
	start_web
	mkfifo "$TMP/ask"
	# shellcheck disable=SC2016
	start_bg client nsenter --net="/run/netns/netbpf-$LAB-client" bash -c '
		exec 3<>"/dev/tcp/$1/80"; echo open; read -r <"$2"
		printf "GET / HTTP/1.0\r\n\r\n" >&3; cat <&3' x "$VIP" "$TMP/ask"
	eventually 10 grep -q open "$(sample_out "$client")"
	del_eth0
	is_gone
	make_eth0
	is_back
	echo now >"$TMP/ask"
	wait_sample "$client" 20
	expect_match "$(sample_out "$client")" '^Server name: backend-'
	stop_leaves_nothing
}

# When eth0 is moved to another namespace, the program is detached. When eth0 comes back, the
# program is attached again.
test_interface_moved_and_moved_back()
{
	local mode

	have_eth0
	for mode in tc skb; do
		start_web -m "$mode"
		keep_bpf_objects "$PID"
		ip -n "netbpf-$LAB-lb" link set eth0 netns "netbpf-$LAB-switch"
		is_gone 'was moved to another network namespace'
		expect_no_match "$(sample_err "$PID")" 'ip netns list'
		eventually 10 xdp_is "netbpf-$LAB-switch" eth0 none
		ip -n "netbpf-$LAB-switch" link set eth0 netns "netbpf-$LAB-lb"
		set_up_eth0
		is_back
		stop_leaves_nothing
	done
}

# The new interface first has another name, as with container runtimes.
test_interface_gets_its_name_later()
{
	have_eth0
	start_web
	del_eth0
	is_gone
	ip -n "netbpf-$LAB-switch" link add veth-lb type veth peer name tmp0 netns "netbpf-$LAB-lb"
	ip -n "netbpf-$LAB-switch" link set veth-lb master br0 up
	! event 'is back' || fail "it is attached already"
	ip -n "netbpf-$LAB-lb" link set tmp0 name eth0
	set_up_eth0
	is_back
	stop_leaves_nothing
}

# Another program is already attached to the new interface. The control process reports this
# once, and "reload" makes it try again.
test_interface_that_refuses()
{
	local pid

	have_eth0
	web_config
	start -c "$TMP/lb.yaml" -m skb
	del_eth0
	is_gone
	kill -STOP "$PID"
	make_eth0
	start_sample pid 20 "$(sample pass)" -n "netbpf-$LAB-lb" -i eth0 -m native
	kill -CONT "$PID"
	eventually 10 told "^xdp_lb: failed to attach to eth0: XDP program 'pass'"
	eventually 10 told "^  hint: then: .* reload --name $NAME\$"
	expect_status 0 "$LB" show --name "$NAME"
	expect_out '^  interface +eth0, not attached to: see what the control program has printed$'
	stop_sample "$pid"
	"$LB" reload --name "$NAME"
	eventually 20 on client curl -sS -m 1 "http://$VIP/"
	expect_eq "messages" "$(grep -c 'failed to attach' "$(sample_err "$PID")")" 1
	fetch 10
	stop_leaves_nothing
}

# The interface is replaced while no control process runs. The next control process attaches to
# the new one.
test_interface_deleted_while_nobody_runs()
{
	have_eth0
	start_web
	kill -9 "$PID"
	wait "$PID" 2>/dev/null || :
	del_eth0
	expect_status 0 "$LB" show --name "$NAME"
	if [ "$(links_pinned)" -gt 0 ]; then
		expect_out '^  interface +eth0, gone: nobody attaches again$'
	fi
	make_eth0
	start_web
	expect_match "$(sample_out "$PID")" '^ready: .*, adopted'
	eventually 20 on client curl -sS -m 1 "http://$VIP/"
	fetch 10
	stop_leaves_nothing
}

# After the interface is gone, the control process goes on until it is stopped.
test_interface_deleted()
{
	have_eth0
	start_web
	[ -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are not pinned"
	del_eth0
	is_gone
	stop_leaves_nothing
}

run_tests test_no_bpffs test_bpffs_is_read_only test_two_start_at_once	\
	test_killed_as_it_starts test_lb_meta_gone				\
	test_no_memory_for_the_tables test_namespace_deleted			\
	test_killed_and_namespace_gone test_killed_and_namespace_made_again	\
	test_stopped_process_serves test_link_down_and_up test_interface_renamed	\
	test_interface_becomes_a_port						\
	test_servers_that_hang_or_send_junk					\
	test_interface_deleted_and_made_again test_interface_made_again_at_once	\
	test_connections_outlive_their_interface				\
	test_interface_moved_and_moved_back test_interface_gets_its_name_later	\
	test_interface_that_refuses test_interface_deleted_while_nobody_runs	\
	test_interface_deleted
