#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The samples on drivers of network cards, not on veth: the lab "lb" over four cards that are on
# one wire, and a fifth card as second card of the balancer. It runs in a guest that has such cards:
#
#	scripts/vmtest.sh -k 6.12 --nic virtio -- selftests/run.sh --no-build -v -t nic
#
# Documentation/nics.rst has the results. A line "nic: ..." in the output is for its table.
#
# alone: there is one set of cards

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/nic.sh
. "$NBT_DIR/lib/nic.sh"

need_root
require_tools ip curl nginx jq ethtool ping ss wrk iperf3
need_cards 5

SERVICE=10.0.0.100
REQUESTS=200		# at least, of wrk
CONNECTIONS=16		# of wrk, at once

setup()
{
	PING=$(sample ping)
	LB=$(sample xdp_lb)
	cards_lab
}

# add_service: give the address of the service to the balancer and the backends, for dsr and
# ipip, as Documentation/xdp_lb.rst says.
add_service()
{
	local node

	on lb ip addr add "$SERVICE/32" dev eth0
	modprobe -q ipip || :
	for node in backend-a backend-b; do
		on "$node" sysctl -qw net.ipv4.conf.all.arp_ignore=1 \
			net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0
		on "$node" ip addr add "$SERVICE/32" dev lo
		! on "$node" ip link set tunl0 up 2>/dev/null ||
			on "$node" sysctl -qw net.ipv4.conf.tunl0.rp_filter=0
	done
}

# remove_service: undo add_service. With nat and dnat, a backend that has the address of the
# service would take packets from this address for its own, and drop them.
remove_service()
{
	local node

	on lb ip addr del "$SERVICE/32" dev eth0
	for node in backend-a backend-b; do
		on "$node" ip addr del "$SERVICE/32" dev lo
	done
}

# dnat_routes COMMAND: replace or del the routes that let replies pass the balancer, for dnat.
dnat_routes()
{
	local node

	for node in backend-a backend-b; do
		on "$node" ip route "$1" "$CLIENT/32" via "$BALANCER"
	done
}

# refusal: print the words with which the kernel refuses native XDP on these cards.
refusal()
{
	case $NETBPF_NIC in
	tap*) echo "virtio_net: Can't set XDP while host is implementing GRO_HW/CSUM" ;;
	*) echo 'Underlying driver does not support XDP in native mode' ;;
	esac
}

# best_mode: print the mode that "auto" of a sample must take.
best_mode()
{
	keeps_native && echo native || echo skb
}

# result WHAT TEXT: print a line for the table of Documentation/nics.rst.
result()
{
	diag "nic: $NETBPF_NIC $(uname -r): $1: $2"
}

# start_ping MODE [OPTION...]: start samples/ping on the balancer's card.
start_ping()
{
	start_main 20 "$PING" -n "netbpf-$LAB-lb" -i eth0 -m "$@"
}

# expect_dropped SIZE [ADDRESS]: samples/ping must drop all of five pings, and say so.
expect_dropped()
{
	expect_eq "replies of $1 bytes" "$(replies "$@")" 0
	stop_main
	expect_match "$SAMPLE_OUT" '5 matched: 5 dropped'
}

# Native XDP attaches, or the refusal names a cure that works.
test_native_or_its_refusal()
{
	if has_native; then
		start_ping native
		expect_eq "mode" "$(xdp_mode "netbpf-$LAB-lb" eth0)" native
		expect_dropped 56
		keeps_native || expect_match "$SAMPLE_ERR" 'eth0: vmxnet3 .* forgets the program when'
		result "native XDP" "$(keeps_native && echo yes || echo forgets)"
		return
	fi
	expect_status 3 "$PING" -n "netbpf-$LAB-lb" -i eth0 -m native
	expect_err "failed to attach to eth0 in native mode: $(refusal)"
	expect_err 'hint: use -m auto or -m skb; .*doctor'
	result "native XDP" "refused"
}

# look: write what the doctor and "xdp_lb check -m native" say about the balancer's card.
look()
{
	"$NETBPF_TOP/scripts/doctor.sh" -n "netbpf-$LAB-lb" -i eth0 >"$TMP/doctor" 2>&1 || :
	"$LB" check -n "netbpf-$LAB-lb" -m native -i eth0 --vip "tcp:$BALANCER:80" \
		--backend "$A:80" >"$TMP/check" 2>&1 || :
}

# The doctor and "xdp_lb check" name before the start what is in the way of native XDP. Before
# Linux 6.3, a driver does not tell whether it has native XDP.
test_refusal_is_named_before()
{
	look
	case $NETBPF_NIC,$(has_native && echo native),$(uname -r) in
	vmxnet3,*)
		expect_match "$TMP/doctor" 'warn +driver +vmxnet3 forgets'
		expect_match "$TMP/check" 'warn +native XDP +vmxnet3 .* forgets'
		;;
	*,native,*)
		expect_match "$TMP/doctor" '  ok +XDP features '
		expect_match "$TMP/check" '  ok +native XDP '
		return
		;;
	tap,*)
		expect_match "$TMP/doctor" 'warn +receive offloads .*GRO_HW on \[fixed\]'
		expect_match "$TMP/check" 'fail +GRO_HW +on and fixed: .*refuses it'
		;;
	*,6.[0-2].*)
		expect_match "$TMP/doctor" 'XDP features +this kernel does not tell'
		expect_match "$TMP/check" 'native XDP +the kernel does not tell'
		;;
	*)
		expect_match "$TMP/doctor" 'warn +XDP features +none: the driver has no native XDP'
		expect_match "$TMP/check" 'fail +native XDP +the driver does not have it'
		;;
	esac
	result "refusal named by doctor, check" yes
}

test_skb_mode()
{
	start_ping skb
	expect_dropped 56
	result "skb mode" yes
}

test_auto_takes_what_works()
{
	start_ping auto
	expect_eq "mode" "$(xdp_mode "netbpf-$LAB-lb" eth0)" "$(best_mode)"
	expect_dropped 56
	expect_eq "replies afterwards" "$(replies 56)" 5
	result "auto" "$(best_mode)"
}

# The program answers pings: the card sends what it has received.
test_tc_pingpong()
{
	start_main 20 "$(sample tc)" -n "netbpf-$LAB-lb" -i eth0
	expect_eq replies "$(replies 1400)" 5
	stop_main
	expect_match "$SAMPLE_OUT" '[5-9] (answered|matched: 5 answered)'
	result "tc pingpong" yes
}

# set_mtu MTU: set the MTU of the client and of the balancer. The driver vmxnet3 tells its card only
# when LRO is on that a frame may take several buffers, and qemu's card then goes by that. Each XDP
# program has LRO switched off, in native mode without the kernel's knowledge.
set_mtu()
{
	local node lro

	for node in client lb; do
		[[ $NETBPF_NIC != vmxnet3* ]] || for lro in off on; do
			on "$node" ethtool -K eth0 lro "$lro"
		done
		on "$node" ip link set eth0 mtu "$1"
	done
}

# large_frames: fail unless frames of 8000 bytes arrive without any program of ours. All cards that
# vmtest.sh has pass them on.
large_frames()
{
	wait_until 10 on client ping -c 1 -W 1 -M "do" -s 8000 "$BALANCER" && return
	on lb ethtool -S eth0 | grep -v ': 0$' >&2
	dmesg | tail -n 10 >&2
	fail "frames of 8000 bytes do not arrive, without any program of ours"
}

# With large frames, native XDP attaches and sees them, or its refusal is named and auto takes skb
# mode.
test_mtu_9000()
{
	local mode status=3

	defer set_mtu 1500
	set_mtu 9000
	large_frames
	start_ping auto
	mode=$(xdp_mode "netbpf-$LAB-lb" eth0)
	expect_dropped 8000
	result "MTU 9000" "$mode"
	[ "$mode" != native ] && has_native || return 0
	# virtio_net says EINVAL, vmxnet3 EOPNOTSUPP.
	[[ $NETBPF_NIC = vmxnet3* ]] || status=1
	expect_status "$status" "$PING" -n "netbpf-$LAB-lb" -i eth0 -m native
	expect_err 'failed to attach to eth0 in native mode: .*MTU'
	result "MTU 9000, refusal" "$(sed -n 's/.* in native mode: //p' <<<"$ERR")"
	look
	expect_match "$TMP/doctor" 'warn +MTU +9000'
	expect_match "$TMP/check" 'warn +MTU +9000'
}

# vlan_dropped: samples/ping must see and drop pings in VLAN 7.
vlan_dropped()
{
	local mode=$1

	start_ping "$mode"
	expect_dropped 56 192.0.2.2
}

test_vlan()
{
	local mode offload was

	modprobe -q 8021q || :
	vlan_add "netbpf-$LAB-client" eth0 vlan7 802.1Q 7 192.0.2.1/24
	vlan_add "netbpf-$LAB-lb" eth0 vlan7 802.1Q 7 192.0.2.2/24
	eventually 20 on client ping -c 1 -W 1 192.0.2.2
	was=$(on lb ethtool -k eth0 | sed -n 's/^rx-vlan-offload: //p')
	for mode in $(best_mode) skb; do
		vlan_dropped "$mode"
	done
	result "VLAN, rxvlan $was" yes
	[[ $was != *fixed* ]] || return 0
	[ "$was" = on ] && offload=off || offload=on
	defer "on lb ethtool -K eth0 rxvlan $was"
	on lb ethtool -K eth0 rxvlan "$offload"
	for mode in $(best_mode) skb; do
		vlan_dropped "$mode"
	done
	result "VLAN, rxvlan $offload" yes
}

# fail_with WHAT: end the test, with what the balancer has counted.
fail_with()
{
	"$LB" stats --name nic >&2 || :
	fail "$1"
}

# fetch URL BACKENDS: 20 connections, one after the other, get answers of this many backends.
fetch()
{
	on client curl -sS --fail-early -m 10 -H 'Connection: close' "$1?[1-20]" \
		>"$TMP/answers" 2>"$TMP/errors" || {
		show "curl" "$TMP/errors"
		fail_with "curl: $(grep -c '^Server name:' "$TMP/answers") answers to 20 requests"
	}
	expect_eq answers "$(grep -c '^Server name:' "$TMP/answers")" 20
	expect_eq backends "$(grep '^Server name:' "$TMP/answers" | sort -u | wc -l)" "$2"
}

# load URL: make many connections at once, and a new one for each request. All must be answered:
# wrk reports a connection that failed, a request without answer for 2 s, and bad answers.
load()
{
	local seconds=2 requests=0

	while [ "$requests" -lt "$REQUESTS" ]; do
		on client wrk -t 2 -c "$CONNECTIONS" -d "${seconds}s" --timeout 2s \
			-H 'Connection: close' "$1" >"$TMP/wrk" 2>&1 || fail_with "wrk: $(<"$TMP/wrk")"
		! grep -E 'Socket errors|Non-2xx' "$TMP/wrk" || fail_with "wrk: $(<"$TMP/wrk")"
		requests=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$TMP/wrk")
		[ "${requests:-0}" -gt 0 ] || fail_with "wrk: no request was answered"
		seconds=$((seconds * 2))
	done
}

# serve MODE FORWARD: balance connections, all of which must be answered.
serve()
{
	local vip=$BALANCER

	case $2 in
	dsr | ipip) vip=$SERVICE ;;
	esac
	start_main 60 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -m "$1" --forward "$2" \
		--vip "tcp:$vip:80" --backend "$A:80" --backend "$B:80"
	fetch "http://$vip/" 2
	load "http://$vip/"
	stop_main
}

need_tunl0()
{
	on backend-a ip link show tunl0 >/dev/null 2>&1 || {
		diag "no tunl0 in this kernel: ipip not tried"
		return 1
	}
}

# serve_all MODE: balance in each way of forwarding.
serve_all()
{
	local forward

	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	for forward in nat dnat dsr ipip; do
		case $forward in
		dnat) dnat_routes replace ;;
		dsr) add_service ;;
		ipip) need_tunl0 || break ;;
		esac
		serve "$1" "$forward"
		result "xdp_lb $1 $forward" yes
		[ "$forward" != dnat ] || dnat_routes del
	done
	remove_service
}

test_lb_native()
{
	if has_native; then
		serve_all native
		return
	fi
	expect_status 3 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -m native \
		--vip "tcp:$BALANCER:80" --backend "$A:80" --backend "$B:80"
	expect_err "failed to attach to eth0 in native mode: $(refusal)"
	expect_err '  hint: '
	result "xdp_lb native" refused
}

test_lb_skb()
{
	serve_all skb
}

test_lb_tc()
{
	serve_all tc
}

# "mode: auto" picks what works.
test_lb_auto()
{
	local want=tc

	! keeps_native || want=native
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	serve auto nat
	expect_match "$SAMPLE_ERR" "mode $want: "
	result "xdp_lb auto" "$want"
}

# second_card: give the balancer a second card, in a network with the backends alone.
second_card()
{
	local node host=2

	nsenter --net=/proc/1/ns/net -- ip link set "${CARDS[4]}" \
		netns "$(readlink "/run/netns/netbpf-$LAB-lb" | cut -d / -f 3)" name eth1
	defer "on lb ip link set eth1 netns 1 name ${CARDS[4]}"
	on lb ip addr add 10.0.9.5/24 dev eth1
	on lb ip link set eth1 up
	# One wire: an address belongs to one card, though each hears the questions for both.
	defer "on lb sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0 \
		net.ipv4.ip_forward=0"
	on lb sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
		net.ipv4.ip_forward=1
	for node in backend-a backend-b; do
		on "$node" ip addr add "10.0.9.$host/24" dev eth0
		on "$node" ip addr del "10.0.0.$host/24" dev eth0
		on "$node" ip route add 10.0.0.0/24 via 10.0.9.5
		# This route would stay, and come before that of the address.
		defer "on $node ip route del 10.0.0.0/24 via 10.0.9.5
			on $node ip addr add 10.0.0.$host/24 dev eth0
			on $node ip addr del 10.0.9.$host/24 dev eth0"
		host=$((host + 1))
	done
	eventually 20 on lb ping -c 1 -W 1 10.0.9.2
	eventually 20 on lb ping -c 1 -W 1 10.0.9.3
}

# Packets come in by one card of the balancer, and leave by the other one.
test_redirect_between_two_cards()
{
	local mode

	second_card
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	for mode in native skb tc; do
		[ "$mode" != native ] || has_native || continue
		start_main 60 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -i eth1 -m "$mode" \
			--forward nat --vip "tcp:$BALANCER:80" --backend 10.0.9.2:80 --backend 10.0.9.3:80
		fetch "http://$BALANCER/" 2
		load "http://$BALANCER/"
		stop_main
		result "redirect, $mode" yes
	done
}

# Large transfers in both directions: segments that the sender leaves to its card (TSO) and that
# the receiver's card joins (guest_tso, LRO).
bulk()
{
	local direction

	start_main 60 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -m "$1" --forward nat \
		--vip "tcp:$BALANCER:5201" --backend "$A:5201"
	for direction in "" -R; do
		# shellcheck disable=SC2086 # no argument, or one
		on client timeout 60 iperf3 -c "$BALANCER" -n 2M -i 0 $direction >"$TMP/iperf" 2>&1 ||
			fail_with "iperf3 $direction: $(<"$TMP/iperf")"
	done
	stop_main
}

# A card of a virtual machine may get packets whose checksum the sender has left unfinished, and
# then trusts them. With a native program on their cards, the client and the backends get finished
# checksums, as from a real wire, and drop a packet whose checksum is wrong.
finish_checksums()
{
	local node pid

	for node in client backend-a backend-b; do
		start_bg pid "$(sample pass)" -n "netbpf-$LAB-$node" -i eth0 -m native
		eventually 20 grep -q ready "$(sample_out "$pid")"
	done
}

test_checksums_of_what_is_rewritten()
{
	local mode

	has_native || skip "needs native XDP, which finishes checksums"
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	finish_checksums
	for mode in native tc; do
		serve "$mode" nat
		result "checksums, $mode" yes
	done
	on lb "$LB" check -m skb -i eth0 --vip "tcp:$BALANCER:80" --backend "$A:80" >"$TMP/check" 2>&1 || :
	case $NETBPF_NIC in
	tap* | virtio*) expect_match "$TMP/check" 'warn +rx checksum +virtio_net: .*wrong checksums' ;;
	*) expect_no_match "$TMP/check" 'rx checksum' ;;
	esac
	if [[ $NETBPF_NIC = tap* ]]; then
		start_main 60 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -m skb \
			--vip "tcp:$BALANCER:80" --backend "$A:80"
		! on client curl -sS -m 5 "http://$BALANCER/" >"$TMP/answers" 2>&1 ||
			fail "skb mode gets checksums right: xdp_lb check need not warn"
		stop_main
		result "checksums, skb" "wrong, check names it"
	else
		serve skb nat
		result "checksums, skb" yes
	fi
}

test_bulk()
{
	local mode

	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	on backend-a iperf3 -s -D -I "$TMP/iperf3.pid"
	defer "kill \$(tr -d '\\0' <$TMP/iperf3.pid)"
	for mode in native skb tc; do
		[ "$mode" != native ] || has_native || continue
		bulk "$mode"
		result "bulk, $mode" yes
	done
}

run_tests test_native_or_its_refusal test_refusal_is_named_before test_skb_mode \
	test_auto_takes_what_works test_lb_auto test_redirect_between_two_cards \
	test_checksums_of_what_is_rewritten test_bulk test_lb_native test_lb_skb test_lb_tc test_tc_pingpong test_mtu_9000 test_vlan
