#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer's tunnels, unpacked by the kernel's own devices, which are set up as
# Documentation/xdp_lb.rst has it. Kernels without these devices skip: xdp_lb.sh tests the
# same with a program that removes the outer header.
#
# alone: the modules, once loaded, put a device into each network namespace

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

SERVICE=10.0.0.100 SERVICE6=fd00::100

# need_tunnel DEVICE MODULE: load the module, which adds the device to each namespace;
# skip the test if there is no such device.
need_tunnel()
{
	modprobe -q "$2" 2>/dev/null || :
	on backend-a ip link show "$1" >/dev/null 2>&1 ||
		skip "this kernel has no $1 (module $2)"
}

# add_service: give the addresses of the service to the backends and to the balancer.
add_service()
{
	local node

	on lb ip addr add "$SERVICE/32" dev eth0
	on lb ip addr add "$SERVICE6/128" dev eth0 nodad preferred_lft 0
	for node in backend-a backend-b; do
		on "$node" sysctl -qw net.ipv4.conf.all.arp_ignore=1 \
			net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0
		on "$node" ip addr add "$SERVICE/32" dev lo
		on "$node" ip addr add "$SERVICE6/128" dev lo nodad
	done
	defer remove_service
}

remove_service()
{
	local node

	on lb ip addr del "$SERVICE/32" dev eth0
	on lb ip addr del "$SERVICE6/128" dev eth0
	for node in backend-a backend-b; do
		on "$node" ip addr del "$SERVICE/32" dev lo
		on "$node" ip addr del "$SERVICE6/128" dev lo
	done
}

# tunnel_up DEVICE: make it receive in both backends.
tunnel_up()
{
	local node

	for node in backend-a backend-b; do
		on "$node" ip link set "$1" up
		on "$node" sysctl -qw "net.ipv4.conf.$1.rp_filter=0"
		defer "nsenter --net=/run/netns/netbpf-$LAB-$node -- ip link set $1 down"
	done
}

# unpacked DEVICE: print how many packets it has taken out of tunnels, in both backends.
unpacked()
{
	local node sum=0

	for node in backend-a backend-b; do
		sum=$((sum + $(on "$node" ip -s -j link show "$1" | jq '.[0].stats64.rx.packets')))
	done
	echo "$sum"
}

# serves DEVICE URL: both backends answer all requests, and get them through that device.
serves()
{
	local before

	before=$(unpacked "$1")
	fetch 20 "$2"
	both_served
	# Each request is a SYN, an ACK, the request and a FIN at least.
	[ $(($(unpacked "$1") - before)) -ge 80 ] ||
		fail "$1 has unpacked $(($(unpacked "$1") - before)) packets"
}

start_ipip()
{
	start -i eth0 -m "$1" --forward ipip \
		--vip "tcp:$SERVICE:80" --backend "$2:80" --backend "$3:80" \
		--vip "tcp:[$SERVICE6]:80" --backend "$2:80" --backend "$3:80"
}

in_ipv4()
{
	need_tunnel tunl0 ipip
	need_tunnel sit0 sit
	add_service
	tunnel_up tunl0
	tunnel_up sit0
	start_ipip "$1" "$A" "$B"
	serves tunl0 "http://$SERVICE/"
	serves sit0 "http://[$SERVICE6]/"
	expect_eq "replies through the balancer" \
		"$(stats '[.vips[].backends[].reply_packets] | add')" 0
	stop
}

# ip6tnl0 takes IPv6 only. A device that has the backend's address takes all tunnel packets
# to that address: lb6 unpacks both families, and ip6tnl0 gets nothing any more.
in_ipv6()
{
	need_tunnel ip6tnl0 ip6_tunnel
	add_service
	tunnel_up ip6tnl0
	start_ipip "$1" "[$A6]" "[$B6]"
	serves ip6tnl0 "http://[$SERVICE6]/"
	add_tunnel6 backend-a "$A6"
	add_tunnel6 backend-b "$B6"
	tunnel_up lb6
	serves lb6 "http://$SERVICE/"
	serves lb6 "http://[$SERVICE6]/"
	stop
}

# add_tunnel6 NODE ADDRESS: add lb6, which unpacks what is sent to this address.
add_tunnel6()
{
	on "$1" ip link add lb6 type ip6tnl mode any local "$2" remote ::
	defer "nsenter --net=/run/netns/netbpf-$LAB-$1 -- ip link del lb6"
}

test_tunnels_in_ipv4()
{
	in_ipv4 tc
}

test_tunnels_in_ipv4_native()
{
	in_ipv4 native
}

test_tunnels_in_ipv6()
{
	in_ipv6 tc
}

test_tunnels_in_ipv6_native()
{
	in_ipv6 native
}

run_tests test_tunnels_in_ipv4 test_tunnels_in_ipv4_native \
	test_tunnels_in_ipv6 test_tunnels_in_ipv6_native
