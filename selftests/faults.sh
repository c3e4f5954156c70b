#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What breaks around the load balancer: it goes on serving, or ends with a message; it never
# hangs and leaves nothing. selftests/sample_faults.sh does so with the other samples.
# shellcheck disable=SC2119 # start_web takes the options of those who call it

# shellcheck source=selftests/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# with_bpffs OPTIONS TYPE: run it where another file system is in the place of bpffs.
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

# fetch_direct: nothing is in the way of what has nothing to do with it.
fetch_direct()
{
	fetch 4 "http://$A/"
}

# Two at once: one serves, the other one says why it does not.
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

# An instance of which the tables would take 600 MB.
test_no_memory_for_the_tables()
{
	web_config
	sed -i 's/^connections: .*/connections: 8388608/' "$TMP/lb.yaml"
	memory_cgroup 100
	expect_status 1 in_cgroup timeout 60 "$LB" run -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	expect_err '^xdp_lb: failed to .*: Cannot allocate memory$'
	expect_no_match "$OUT_FILE" '^ready'
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are pinned"
	# A smaller one has room there.
	sed -i 's/^connections: .*/connections: 4096/' "$TMP/lb.yaml"
	expect_status 0 in_cgroup "$LB" check -n "netbpf-$LAB-lb" -c "$TMP/lb.yaml"
	fetch_direct
}

# other_net: a namespace GONE of which this test deletes the name, with eth0 and an instance
# on it, of the control process PID.
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

# The process keeps it, with what it was to do there.
test_namespace_deleted()
{
	other_net
	ip netns del "$GONE"
	expect_eq "state of its backend" "$(stats '.vips[0].backends[0].state')" up
	lb_stop_leaves_nothing
	wait_sample "$PID" 10
}

# lb_stop_leaves_nothing: where there is no namespace to look into any more.
lb_stop_leaves_nothing()
{
	"$LB" stop --name "$NAME"
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

# Its interface is gone with it, and links and tables are left.
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

# Its tables are pinned, and its program is still with the verifier.
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

# Pins that somebody removed.
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
	# As of a stop that was killed: nothing is attached any more.
	rm -f "$dir"/link_*
	tc -n "netbpf-$LAB-lb" filter del dev eth0 ingress 2>/dev/null || :
	start_web
	expect_no_match "$(sample_out "$PID")" adopted
	fetch 10
	stop
	[ ! -e "$dir" ] || fail "its maps are still pinned"
}

# The program in the kernel does not need the other one.
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
	# An address of IPv6 does not survive, that of IPv4 does.
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

# bad_server PORT HOW: on backend-a, accepts and says nothing, or says what is no HTTP.
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

# Last: the interface is gone afterwards.
test_interface_deleted()
{
	start_web
	[ -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are not pinned"
	ip -n "netbpf-$LAB-lb" link del eth0
	show "when the interface was deleted" "$(sample_err "$PID")"
	stop
	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "its maps are still pinned"
}

run_tests test_no_bpffs test_bpffs_is_read_only test_two_start_at_once	\
	test_killed_as_it_starts test_lb_meta_gone				\
	test_no_memory_for_the_tables test_namespace_deleted			\
	test_killed_and_namespace_gone test_killed_and_namespace_made_again	\
	test_stopped_process_serves test_link_down_and_up test_interface_renamed	\
	test_servers_that_hang_or_send_junk test_interface_deleted
