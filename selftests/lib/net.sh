#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Network namespaces, joined by veth pairs: their devices, addresses and frames.

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

# nbt_is_up NS IF: and the kernel has taken notice that the other end is, too, which it does
# a little later.
nbt_is_up()
{
	ip -n "$1" -o link show dev "$2" | grep -q ' state UP '
}

# addr_add NS IF ADDRESS/LEN...: IPv4 and IPv6 addresses, usable at once.
addr_add()
{
	local ns=$1 dev=$2 addr

	shift 2
	for addr; do
		case $addr in
		*:*)
			ip -n "$ns" addr add "$addr" dev "$dev" nodad
			eventually 5 nbt_is_local6 "$ns" "${addr%/*}"
			;;
		*) ip -n "$ns" addr add "$addr" dev "$dev" ;;
		esac
	done
}

# nbt_is_local6 NS ADDRESS: it has become one of this host, which a worker of the kernel does,
# with nodad, too.
nbt_is_local6()
{
	[ -n "$(ip -n "$1" -6 route show table local "$2")" ]
}

# no_ipv6 NS: none on devices that come to it from now on.
no_ipv6()
{
	# shellcheck disable=SC2016 # $ is of the other shell
	in_ns "$1" sh -c 'for f in all default; do
		echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done' 2>/dev/null || :
}

# alternative_name NS IF: another name of it, as long as one can be, into ALTNAME.
alternative_name()
{
	printf -v ALTNAME 'nbt%0124d' 0
	ip -n "$1" link property add dev "$2" altname "$ALTNAME"
	defer "ip -n $1 link property del dev $2 altname $ALTNAME"
}

# link_index NS IF, link_mac NS IF: of a device; the address with its colons.
link_index()
{
	ip -n "$1" -j link show dev "$2" | jq '.[0].ifindex'
}

link_mac()
{
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

# vlan_add NS LOWER UPPER PROTO ID ADDRESS/LEN...: a VLAN device UPPER on top of
# LOWER, with these addresses, for this test.
vlan_add()
{
	ip -n "$1" link add link "$2" name "$3" type vlan proto "$4" id "$5" ||
		skip "no VLAN devices in this kernel"
	defer "ip -n $1 link del $3"
	ip -n "$1" link set "$3" up
	addr_add "$1" "$3" "${@:6}"
}

# no_vlan_offload NS IF: a tag that goes out is in the frame, where the XDP of the other end
# sees it; for this test.
no_vlan_offload()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$1" ethtool -K "$2" txvlan off >/dev/null
	defer "in_ns $1 ethtool -K $2 txvlan on >/dev/null 2>&1"
}

# vlan_tag NS IF push|pop native|skb|out: a program of somebody else, in front of ours, pushes
# VLAN tag 7 on what comes in there, or pops it; "out": in TC, on what goes out.
vlan_tag()
{
	local prog _pid

	prog=$(test_program vlan_tag) || skip "vlan_tag is not built"
	# A filter outlives who has made it.
	[ "$4" != out ] || defer "tc -n $1 qdisc del dev $2 clsact 2>/dev/null"
	start_sample _pid 10 nsenter --net="/run/netns/$1" -- "$prog" "${@:2}"
}

# knows NS IF ADDRESS... MAC: neighbours that need not be asked for: requests would have a
# tag, too, and nobody would answer.
knows()
{
	local addr mac=${*: -1}

	for addr in "${@:3:$#-3}"; do
		ip -n "$1" neigh replace "$addr" dev "$2" lladdr "$mac" nud permanent
		defer "ip -n $1 neigh del $addr dev $2 2>/dev/null"
	done
}

# send_frame NS IF HEX...: put a frame, from its MAC addresses on, on the wire as it
# is; the pieces of it are joined.
# shellcheck disable=SC2016 # $ in single quotes is of perl
send_frame()
{
	in_ns "$1" perl -e '
		my ($index, @hex) = @ARGV;
		socket(my $s, 17, 3, 0) or die "socket: $!";	# AF_PACKET, SOCK_RAW
		my $to = pack("SnlSCCa8", 17, 0, $index, 0, 0, 6, "");
		send($s, pack("H*", join "", @hex), 0, $to) or die "send: $!";
	' "$(link_index "$1" "$2")" "${@:3}"
}

# allow_big_tcp NS IF: packets of up to 200,000 bytes (BIG TCP). By netlink: iproute2 of
# Debian 12 does not know the limits of IPv4.
# shellcheck disable=SC2016 # $ in single quotes is of perl
allow_big_tcp()
{
	in_ns "$1" perl -MSocket -e '
		# IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE, and those of IPv4, since Linux 6.3.
		my @limits = map { pack "SSL", 8, $_, 200000 } 41, 58, 63, 64;
		socket(my $nl, 16, SOCK_RAW, 0) or die "netlink: $!";
		# ask TYPE ATTRIBUTES: struct nlmsghdr with NLM_F_REQUEST; struct ifinfomsg.
		sub ask {
			my ($type, $attributes) = @_;
			send($nl, pack("LSSLL CxSlLL a*", 32 + length $attributes, $type, 1,
				       0, 0, 0, 0, $ARGV[0], 0, 0, $attributes), 0) or
				die "send: $!"
		}
		ask(19, join "", @limits);	# RTM_SETLINK
		ask(18, "");			# RTM_GETLINK
		recv($nl, my $answer, 65536, 0);
		exit(index($answer, $limits[2]) < 0)
	' "$(link_index "$1" "$2")" || skip "no BIG TCP in this kernel"
}

# xdp_mode NS IF: native, skb or none, as the kernel says.
xdp_mode()
{
	ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp.mode // 0 |
		if . == 1 then "native" elif . == 2 then "skb" elif . == 0 then "none"
		else "mode \(.)" end'
}

# xdp_is NS IF MODE
xdp_is()
{
	[ "$(xdp_mode "$1" "$2")" = "$3" ]
}
