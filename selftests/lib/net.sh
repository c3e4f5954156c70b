#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Network namespaces, joined by veth pairs.

# ns_add VAR...: make a namespace, put its name into VAR, remove it at the end.
# lo is up; addresses of IPv6 are usable at once (no duplicate detection).
ns_add()
{
	local __var __name

	for __var; do
		__name=$(rand_name nbt-)
		ip netns add "$__name"
		defer "ip netns del $__name"
		ip -n "$__name" link set lo up
		# shellcheck disable=SC2016
		in_ns "$__name" sh -c '
			for f in all default; do
				echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad
			done' 2>/dev/null || :
		printf -v "$__var" %s "$__name"
	done
}

# in_ns NS COMMAND...: run it in the net namespace alone: bpffs, tracefs and
# all mounts stay those of the caller.
in_ns()
{
	local ns=$1

	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

# veth_pair NS1 IF1 NS2 IF2: join two namespaces by a veth pair, both ends up.
# It goes with the namespaces.
veth_pair()
{
	ip link add name "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	eventually 5 nbt_is_up "$1" "$2"
	eventually 5 nbt_is_up "$3" "$4"
}

nbt_is_up()
{
	ip -n "$1" -o link show dev "$2" | grep -q LOWER_UP
}

# addr_add NS IF ADDRESS/LEN...: IPv4 and IPv6 addresses, usable at once.
addr_add()
{
	local ns=$1 dev=$2 addr

	shift 2
	for addr; do
		case $addr in
		*:*) ip -n "$ns" addr add "$addr" dev "$dev" nodad ;;
		*) ip -n "$ns" addr add "$addr" dev "$dev" ;;
		esac
	done
}
