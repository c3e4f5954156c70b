#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Network namespaces, joined by veth pairs: their devices, addresses and frames.

# ns_add VAR...: for each VAR, make a network namespace and put its name into VAR. The end
# of the test removes it. lo is up; IPv6 addresses are usable at once (no duplicate address
# detection).
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

# in_ns NS COMMAND...: run COMMAND in the network namespace NS. Unlike "ip netns exec", this
# keeps the mounts of the caller, so that bpffs and tracefs stay visible.
in_ns()
{
	local ns=$1

	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

# veth_pair NS1 IF1 NS2 IF2: join two namespaces by a veth pair, with both ends up. The
# kernel removes the pair together with the namespaces.
veth_pair()
{
	ip link add name "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	eventually 5 nbt_is_up "$1" "$2"
	eventually 5 nbt_is_up "$3" "$4"
}

# nbt_is_up NS IF: true if the operational state of the device is UP. The kernel sets this
# state a little after both ends of a veth pair were set up.
nbt_is_up()
{
	ip -n "$1" -o link show dev "$2" | grep -q ' state UP '
}

# addr_add NS IF ADDRESS/LEN...: add IPv4 and IPv6 addresses that are usable at once.
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

# nbt_is_local6 NS ADDRESS: true if ADDRESS is in the local routing table. A kernel worker
# puts it there a little after "addr add", even with nodad.
nbt_is_local6()
{
	[ -n "$(ip -n "$1" -6 route show table local "$2")" ]
}

# no_ipv6 NS: disable IPv6 on devices that are made in NS, or moved there, from now on.
no_ipv6()
{
	# shellcheck disable=SC2016 # the inner shell expands $f
	in_ns "$1" sh -c 'for f in all default; do
		echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done' 2>/dev/null || :
}

# alternative_name NS IF: give the device an alternative name of the maximum length
# (127 characters), and set ALTNAME to it.
alternative_name()
{
	printf -v ALTNAME 'nbt%0124d' 0
	ip -n "$1" link property add dev "$2" altname "$ALTNAME"
	defer "ip -n $1 link property del dev $2 altname $ALTNAME"
}

# link_index NS IF, link_mac NS IF: print the index of a device, or its MAC address (with
# colons).
link_index()
{
	ip -n "$1" -j link show dev "$2" | jq '.[0].ifindex'
}

link_mac()
{
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

# vlan_add NS LOWER UPPER PROTO ID ADDRESS/LEN...: add a VLAN device UPPER on top of LOWER,
# with these addresses. The end of the test removes the device.
vlan_add()
{
	ip -n "$1" link add link "$2" name "$3" type vlan proto "$4" id "$5" ||
		skip "no VLAN devices in this kernel"
	defer "ip -n $1 link del $3"
	ip -n "$1" link set "$3" up
	addr_add "$1" "$3" "${@:6}"
}

# no_vlan_offload NS IF: until the test ends, let the device write VLAN tags into the frames
# that it sends. With the offload the tag is beside the frame, where XDP at the other end
# of the veth pair cannot see it.
no_vlan_offload()
{
	have ethtool || skip "not installed: ethtool"
	in_ns "$1" ethtool -K "$2" txvlan off >/dev/null
	defer "in_ns $1 ethtool -K $2 txvlan on >/dev/null 2>&1"
}

# vlan_tag NS IF push|pop native|skb|out: attach a foreign program that pushes VLAN tag 7 to
# packets, or pops it. "native" and "skb": in XDP, on packets that the device receives,
# before our program sees them. "out": in TC, on packets that the device sends.
vlan_tag()
{
	local prog _pid

	prog=$(test_program vlan_tag) || skip "vlan_tag is not built"
	# A TC filter stays when the process that added it ends.
	[ "$4" != out ] || defer "tc -n $1 qdisc del dev $2 clsact 2>/dev/null"
	start_sample _pid 10 nsenter --net="/run/netns/$1" -- "$prog" "${@:2}"
}

# knows NS IF ADDRESS... MAC: add permanent neighbour entries for these addresses. Neighbour
# requests would get a VLAN tag, too, and nobody would answer them.
knows()
{
	local addr mac=${*: -1}

	for addr in "${@:3:$#-3}"; do
		ip -n "$1" neigh replace "$addr" dev "$2" lladdr "$mac" nud permanent
		defer "ip -n $1 neigh del $addr dev $2 2>/dev/null"
	done
}

# send_frame NS IF HEX...: send a frame as it is. The arguments are joined to the whole
# frame, which begins with its MAC addresses.
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

# allow_big_tcp NS IF: let the kernel make packets of up to 200,000 bytes (BIG TCP). This
# uses netlink, because iproute2 of Debian 12 does not know the limits of IPv4.
# shellcheck disable=SC2016 # $ in single quotes is of perl
allow_big_tcp()
{
	in_ns "$1" perl -MSocket -e '
		# IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE; since Linux 6.3 also
		# IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE.
		my @limits = map { pack "SSL", 8, $_, 200000 } 41, 58, 63, 64;
		socket(my $nl, 16, SOCK_RAW, 0) or die "netlink: $!";
		# ask TYPE ATTRIBUTES: send a netlink request: struct nlmsghdr with NLM_F_REQUEST,
		# struct ifinfomsg, and the attributes.
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

# xdp_mode NS IF: print the mode of the XDP program on the device: native, skb or none.
xdp_mode()
{
	ip -n "$1" -d -j link show dev "$2" | jq -r '.[0].xdp.mode // 0 |
		if . == 1 then "native" elif . == 2 then "skb" elif . == 0 then "none"
		else "mode \(.)" end'
}

# xdp_is NS IF MODE: true if xdp_mode prints MODE.
xdp_is()
{
	[ "$(xdp_mode "$1" "$2")" = "$3" ]
}
