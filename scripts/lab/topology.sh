#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The topologies of the lab: what is in each, how it is built, how it is drawn.
# Sourced by lab.sh; it runs nothing by itself.
#
# Each topology is a hub with spokes around it. A spoke has one interface, eth0.
# The hub has eth0 as well if there is one spoke (pair), or else a bridge with
# one port veth-SPOKE for each of them.

# Read by lab.sh.
# shellcheck disable=SC2034
TOPOLOGIES="pair bridge lb"

# Every node name of every topology: "down" recognises a leftover by it.
# shellcheck disable=SC2034
ALL_NODES="host pingbox webbox client lb backend-a backend-b switch"

declare -A HOSTNUM	# the last number of the addresses of a node

# topology_load NAME: set the variables that describe topology NAME; 1 if there
# is none of that name.
#
# PASS lists the ends of veth pairs that get the XDP program that passes: the
# peers of the interfaces where a program may answer with XDP_TX. A veth takes
# frames that its peer transmits from XDP only if it has a native program too.
# TXOFF lists the nodes that must write whole checksums into their packets.
# shellcheck disable=SC2034
topology_load()
{
	BRIDGE='' BRIDGE_ADDRESSED=0 TXOFF=() HOSTNUM=()
	case $1 in
	pair)
		HUB=host SPOKES=(pingbox) SERVERS=(pingbox)
		PREFIX4=10.0.1. LEN4=24 PREFIX6=fd00:1::
		HOSTNUM=([host]=1 [pingbox]=2)
		PASS=(pingbox/eth0)
		;;
	bridge)
		HUB=host SPOKES=(pingbox webbox) SERVERS=(pingbox webbox)
		BRIDGE=docker0 BRIDGE_ADDRESSED=1
		PREFIX4=172.17.0. LEN4=24 PREFIX6=fd00:17::
		HOSTNUM=([host]=1 [pingbox]=2 [webbox]=3)
		PASS=(pingbox/eth0 webbox/eth0)
		;;
	lb)
		HUB=switch SPOKES=(client lb backend-a backend-b)
		SERVERS=(backend-a backend-b)
		BRIDGE=br0
		PREFIX4=10.0.0. LEN4=24 PREFIX6=fd00::
		HOSTNUM=([backend-a]=2 [backend-b]=3 [client]=4 [lb]=5)
		PASS=(switch/veth-client switch/veth-lb
		      switch/veth-backend-a switch/veth-backend-b)
		TXOFF=("${SPOKES[@]}")
		;;
	*)
		return 1
		;;
	esac
	NODES=("$HUB" "${SPOKES[@]}")
}

# contains WORD LIST...: WORD is one of LIST.
contains()
{
	local word=$1 item

	shift
	for item; do
		[ "$item" != "$word" ] || return 0
	done
	return 1
}

# node_addr FAMILY NODE: address of NODE without its length; empty if it has none.
node_addr()
{
	[ -n "${HOSTNUM[$2]:-}" ] || return 0
	case $1 in
	4) echo "$PREFIX4${HOSTNUM[$2]}" ;;
	6) echo "$PREFIX6${HOSTNUM[$2]}" ;;
	esac
}

# node_mac NODE: 02:42 and the IPv4 address, so that a capture reads easily.
node_mac()
{
	local bytes

	IFS=. read -ra bytes <<< "$(node_addr 4 "$1")"
	printf '02:42:%02x:%02x:%02x:%02x' "${bytes[@]}"
}

# port_of SPOKE: interface of the hub whose peer is eth0 of SPOKE. In a lab over cards it is the
# card, which the picture shows in place of a hub.
port_of()
{
	if [ -n "${CARD[$1]:-}" ]; then
		echo "${CARD[$1]}"
	elif [ -n "$BRIDGE" ]; then
		echo "veth-$1"
	else
		echo eth0
	fi
}

# main_interface NODE: print the interface on which "capture" listens.
main_interface()
{
	if [ "$1" = "$HUB" ] && [ -n "$BRIDGE" ]; then
		echo "$BRIDGE"
	else
		echo eth0
	fi
}

# ------------------------------------------------------------------ building

# addr_commands NODE IF: print ip commands that give IF the addresses of NODE. nodad: the
# addresses can be used at once, without a test whether somebody else has them.
addr_commands()
{
	echo "addr add $(node_addr 4 "$1")/$LEN4 dev $2"
	[ ! -d /proc/sys/net/ipv6 ] ||
		echo "addr add $(node_addr 6 "$1")/64 dev $2 nodad"
}

# hub_commands: print ip commands that make the links of the hub. The far end of each veth
# pair is made inside the namespace of its spoke (NODE_PID, of make.sh), so that no link ever
# shows up on the host.
hub_commands()
{
	local spoke port

	echo "link set lo up"
	[ -z "$BRIDGE" ] ||
		echo "link add $BRIDGE type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
	for spoke in "${SPOKES[@]}"; do
		port=$(port_of "$spoke")
		echo "link add $port mtu 1500 type veth peer name eth0 mtu 1500" \
		     "address $(node_mac "$spoke") netns ${NODE_PID[$spoke]}"
		[ -z "$BRIDGE" ] ||
			echo "link set $port master $BRIDGE addrgenmode none"
		echo "link set $port up"
	done
	if [ -z "$BRIDGE" ] || [ "$BRIDGE_ADDRESSED" -eq 1 ]; then
		echo "link set $(main_interface "$HUB") address $(node_mac "$HUB")"
		addr_commands "$HUB" "$(main_interface "$HUB")"
	elif [ -n "$BRIDGE" ]; then
		echo "link set $BRIDGE addrgenmode none"
	fi
	[ -z "$BRIDGE" ] || echo "link set $BRIDGE up"
}

# spoke_commands NODE: print ip commands that finish a spoke.
spoke_commands()
{
	echo "link set lo up"
	echo "link set eth0 up"
	addr_commands "$1" eth0
}

# node_sysctls: print FILE VALUE for each sysctl that a node needs, whatever the host has set
# (a new namespace inherits the IPv4 part from the host). No duplicate address detection, no
# router solicitations (they would be stray packets in a demo), no reverse path filter (behind
# a load balancer, a reply may come by another path than its request).
node_sysctls()
{
	local scope

	for scope in all default; do
		echo "ipv4/conf/$scope/rp_filter 0"
		[ -d /proc/sys/net/ipv6 ] || continue
		echo "ipv6/conf/$scope/disable_ipv6 0"
		echo "ipv6/conf/$scope/accept_dad 0"
		echo "ipv6/conf/$scope/router_solicitations 0"
		echo "ipv6/conf/$scope/accept_ra 0"
	done
}

# nginx_config NODE DIR: print the configuration of a server that answers in plain text with
# its name and address. All files of the server are below DIR.
nginx_config()
{
	local listen6=''

	[ ! -d /proc/sys/net/ipv6 ] || listen6='listen [::]:80;'
	# shellcheck disable=SC2016	# the $names are nginx's
	printf '%s\n' \
		'daemon off;' \
		'master_process off;' \
		"pid $2/nginx.pid;" \
		"error_log $2/nginx.log;" \
		'events { worker_connections 1024; }' \
		'http {' \
		'	access_log off;' \
		"	client_body_temp_path $2/body;" \
		"	proxy_temp_path $2/proxy;" \
		"	fastcgi_temp_path $2/fastcgi;" \
		"	uwsgi_temp_path $2/uwsgi;" \
		"	scgi_temp_path $2/scgi;" \
		'	map $server_addr $shown_addr {' \
		'		~:	[$server_addr];' \
		'		default	$server_addr;' \
		'	}' \
		'	server {' \
		"		listen 80; $listen6" \
		'		default_type text/plain;' \
		'		add_header Cache-Control no-cache;' \
		'		location / {' \
		"			return 200 'Server address: \$shown_addr:\$server_port" \
		"Server name: $1" \
		'Date: $time_local' \
		'URI: $request_uri' \
		'Request ID: $request_id' \
		"';" \
		'		}' \
		'	}' \
		'}'
}

# ---------------------------------------------------------------------- words

# sees TOPOLOGY: say which packets a program sees on which interface.
sees()
{
	local spoke

	case $1 in
	pair)
		echo "XDP/TC ingress on eth0 of host sees what pingbox sends."
		echo "What host sends leaves by TC egress; XDP does not see it."
		;;
	bridge)
		for spoke in "${SPOKES[@]}"; do
			echo "XDP/TC ingress on veth-$spoke of host sees what $spoke sends."
		done
		echo "docker0 of host sees what the boxes send to the host itself;" \
		     "a bridge takes XDP in skb mode only."
		;;
	lb)
		echo "XDP/TC ingress on eth0 of lb sees what the other nodes send to lb."
		echo "A load balancer there answers with XDP_TX, back into the" \
		     "$([ ${#CARD[@]} -gt 0 ] && echo wire || echo switch)."
		;;
	esac
}

# try_commands TOPOLOGY LAB OPTION: print what to type next; OPTION is " --name LAB" if
# more than one lab is up, or else empty.
try_commands()
{
	local n=netbpf-$2 ping

	ping=$(sample_called ping)

	case $1 in
	pair)
		echo "$0 ping$3 pingbox host"
		echo "$ping -n $n-host -i eth0"
		echo "$0 exec$3 host curl http://$(node_addr 4 pingbox)/"
		echo "$0 capture$3 host icmp or icmp6"
		;;
	bridge)
		echo "$0 ping$3 pingbox webbox"
		echo "$ping -n $n-host -i veth-pingbox"
		echo "$0 exec$3 host curl http://$(node_addr 4 webbox)/"
		echo "$0 capture$3 host icmp or icmp6"
		;;
	lb)
		echo "$0 ping$3 client lb"
		echo "$0 exec$3 client curl http://$(node_addr 4 backend-a)/"
		echo "$ping -n $n-lb -i eth0"
		echo "$0 capture$3 lb tcp port 80"
		;;
	esac
	echo "$0 status$3"
	echo "$0 down $2"
}
