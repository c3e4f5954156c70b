#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The samples on drivers of network cards, not on veth: the lab "lb" over four cards that are on
# one wire. It runs in a guest that has such cards:
#
#	scripts/vmtest.sh -k 6.12 --nic virtio -- selftests/run.sh --no-build -v -t nic
#
# Documentation/nics.rst has the results. A line "nic: ..." in the output is for its table.
#
# alone: there is one set of cards

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"

need_root
require_tools ip curl nginx jq ethtool ping ss
if [ -z "$NBT_LIST" ]; then
	[ -n "${NETBPF_NIC:-}" ] ||
		skip "needs cards that nobody else uses: scripts/vmtest.sh --nic virtio"
	# shellcheck disable=SC2153 # vmtest.sh sets it
	read -ra CARDS <<<"$NETBPF_CARDS"
	[ ${#CARDS[@]} -ge 4 ] || skip "needs four cards, not ${#CARDS[@]}"
fi

LAB_SH=$NETBPF_TOP/scripts/lab.sh
LAB=nic
SERVICE=10.0.0.100
A=10.0.0.2 B=10.0.0.3 CLIENT=10.0.0.4 BALANCER=10.0.0.5
REQUESTS=100

setup()
{
	PING=$(sample ping)
	LB=$(sample xdp_lb)
	defer "$LAB_SH down $LAB >/dev/null"
	# run.sh gives each test a network namespace of its own. The cards are in the first one.
	nsenter --net=/proc/1/ns/net -- \
		"$LAB_SH" up lb --name "$LAB" --over "${CARDS[@]:0:4}" >/dev/null
}

# on NODE COMMAND...: run COMMAND in a node of the lab.
on()
{
	in_ns "netbpf-$LAB-$1" "${@:2}"
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

# has_native: true if the driver has native XDP in this kernel: virtio_net since 4.10, vmxnet3
# since 6.6, e1000e not yet.
has_native()
{
	case $NETBPF_NIC in
	virtio) true ;;
	vmxnet3) printf '6.6\n%s\n' "$(uname -r)" | sort -VC ;;
	*) false ;;
	esac
}

# best_mode: print the mode that "auto" of a sample must take.
best_mode()
{
	has_native && echo native || echo skb
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

# replies SIZE [ADDRESS]: ping the balancer five times from the client; print the number of
# replies.
replies()
{
	{ on client ping -n -q -c 5 -i 0.2 -W 2 -M "do" -s "$1" "${2:-$BALANCER}" 2>&1 || :; } |
		sed -n 's/.* \([0-9]*\) received.*/\1/p'
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
		result "native XDP" yes
		return
	fi
	expect_status 3 "$PING" -n "netbpf-$LAB-lb" -i eth0 -m native
	expect_err 'failed to attach to eth0 in native mode: its driver has no native XDP'
	expect_err 'hint: use -m auto or -m skb; .*doctor'
	result "native XDP" "refused"
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

set_mtu()
{
	local node

	for node in client lb; do
		on "$node" ip link set eth0 mtu "$1"
	done
}

# With large frames, native XDP attaches and sees them, or auto takes skb mode.
test_mtu_9000()
{
	local mode

	defer set_mtu 1500
	set_mtu 9000
	if ! wait_until 4 on client ping -c 1 -W 1 -M "do" -s 8000 "$BALANCER"; then
		result "MTU 9000" "frames are lost without XDP, too"
		skip "frames of 8000 bytes do not arrive, without any program of ours"
	fi
	start_ping auto
	mode=$(xdp_mode "netbpf-$LAB-lb" eth0)
	expect_dropped 8000
	result "MTU 9000" "$mode"
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

# fetch URL: make connections, one after the other; each must be answered.
fetch()
{
	on client curl -sS --fail-early -m 10 -H 'Connection: close' "$1?[1-$REQUESTS]" \
		>"$TMP/answers" 2>"$TMP/errors" || {
		show "curl" "$TMP/errors"
		"$LB" stats --name nic >&2 || :
		fail "curl: $(grep -c '^Server name:' "$TMP/answers") answers to $REQUESTS requests"
	}
	expect_eq answers "$(grep -c '^Server name:' "$TMP/answers")" "$REQUESTS"
	expect_eq backends "$(grep '^Server name:' "$TMP/answers" | sort -u | wc -l)" 2
}

# serve MODE FORWARD: balance REQUESTS connections, all of which must be answered.
serve()
{
	local vip=$BALANCER

	case $2 in
	dsr | ipip) vip=$SERVICE ;;
	esac
	start_main 30 "$LB" run -n "netbpf-$LAB-lb" --name nic -i eth0 -m "$1" --forward "$2" \
		--vip "tcp:$vip:80" --backend "$A:80" --backend "$B:80"
	fetch "http://$vip/"
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
		result "xdp_lb $1 $forward" "$REQUESTS of $REQUESTS"
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
	expect_err 'failed to attach to eth0 in native mode: its driver has no native XDP'
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

	! has_native || want=native
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name nic >/dev/null 2>&1 || :"
	serve auto nat
	expect_match "$SAMPLE_ERR" "mode $want: "
	result "xdp_lb auto" "$want"
}

run_tests test_native_or_its_refusal test_skb_mode test_auto_takes_what_works test_lb_auto \
	test_lb_native test_lb_skb test_lb_tc test_tc_pingpong test_mtu_9000 test_vlan
