#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer and packets as offloads and other programs make them: without an
# Ethernet header, larger than IP can tell, larger than the way to the backend takes.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

HERE=10.1.0.5 HERE6=fd01::5

# direct: the client and the balancer get a second link, without the bridge, and with
# all offloads that veth has; the balancer's addresses there are HERE and HERE6.
direct()
{
	on client ip link add direct type veth peer name direct netns "netbpf-$LAB-lb"
	defer "nsenter --net=/run/netns/netbpf-$LAB-client -- ip link del direct"
	on client ip addr add 10.1.0.4/24 dev direct
	on client ip addr add fd01::4/64 dev direct nodad
	on lb ip addr add "$HERE/24" dev direct
	on lb ip addr add "$HERE6/64" dev direct nodad
	on client ip link set direct up
	on lb ip link set direct up
}

# start_here ARG...: a service for each family, on the second link.
start_here()
{
	start -i eth0 -i direct "$@" \
		--vip "tcp:$HERE:80" --backend "$A:80" --backend "$B:80" \
		--vip "tcp:[$HERE6]:80" --backend "[$A6]:80" --backend "[$B6]:80"
}

# Generic XDP of another program takes the Ethernet header from TC (tc_mac.bpf.h).
test_beside_generic_xdp()
{
	local _pass

	direct
	start_sample _pass 10 "$(sample pass)" -n "netbpf-$LAB-lb" -i direct -m skb
	start_here -m tc
	fetch 20 "http://$HERE/"
	both_served
	fetch 20 "http://[$HERE6]/"
	both_served
	stop
}

run_tests test_beside_generic_xdp
