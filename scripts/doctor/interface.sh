#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rows about one interface. IF is its name, LINK what ip(8) prints about it, KIND its
# kind if it is virtual. doctor_probe prints the rows about XDP.

# word_after WORD: print the word that follows WORD in LINK.
word_after()
{
	[[ " $LINK " =~ \ $1\ ([^ ]+)\  ]] && echo "${BASH_REMATCH[1]}"
}

# feature NAME: print its value in FEATURES: "on", "off [fixed]" or "unknown".
feature()
{
	local value

	value=$(sed -n "s/^[[:space:]]*$1: //p" <<<"$FEATURES")
	echo "${value:-unknown}"
}

check_link()
{
	local driver='' text

	if have ethtool; then
		driver=$(ethtool -i "$IF" 2>/dev/null | sed -n 's/^driver: //p')
	fi
	text="driver ${driver:-${KIND:-unknown}}"
	[[ $LINK != *LOOPBACK* ]] || text=loopback
	if [[ $LINK =~ \<[^\>]*[\<,]UP[,\>] ]]; then
		row link ok "$text, up"
	else
		row link warn "$text, down: no packet arrives" \
			"ip link set dev $IF up"
	fi
	[ "$driver" != vmxnet3 ] || row driver warn \
		"vmxnet3 forgets a native XDP program when the card goes down, or gets another MTU or ring size" \
		"-m skb, or start the program again after that"
}

# Native XDP without fragments needs a frame in one page, with 256 bytes of headroom before
# the frame and 320 bytes for the kernel's struct skb_shared_info after it.
check_mtu()
{
	local mtu limit

	mtu=$(word_after mtu) || return 0
	limit=$(($(getconf PAGESIZE) - 256 - 320 - 14))
	if [ "$mtu" -le "$limit" ]; then
		row MTU ok "$mtu (native XDP without fragments: up to about $limit)"
	elif [ "$IF" = lo ]; then
		row MTU ok "$mtu (no limit: lo has no native XDP)"
	else
		row MTU warn "$mtu: native XDP refuses programs without fragments above about $limit" \
			"ip link set dev $IF mtu 1500, or -m skb"
	fi
}

check_queues()
{
	local text

	have ethtool || return 0
	text=$(ethtool -l "$IF" 2>/dev/null | awk '
		/^Pre-set/ { n = 1 } /^Current/ { n = 2 }
		/^(RX|TX|Combined):/ && $2 ~ /^[0-9]+$/ && $2 > 0 {
			if (n == 1) max[$1] = $2
			else out = out (out ? ", " : "") $1 " " $2 " of " max[$1]
		}
		END { print out }' | tr -d :)
	row queues ok "${text:-fixed}, $(nproc) CPUs"
}

check_receive_offloads()
{
	local lro gro_hw cure

	lro=$(feature large-receive-offload)
	gro_hw=$(feature rx-gro-hw)
	case "$lro, $gro_hw" in
	*'on [fixed]'*) cure="-m skb (it is fixed by the driver or the hypervisor)" ;;
	'on, on') cure="ethtool -K $IF lro off rx-gro-hw off" ;;
	'on, '*) cure="ethtool -K $IF lro off" ;;
	*', on') cure="ethtool -K $IF rx-gro-hw off" ;;
	*)
		row "receive offloads" ok "LRO $lro, GRO_HW $gro_hw"
		return
		;;
	esac
	row "receive offloads" warn \
		"LRO $lro, GRO_HW $gro_hw: drivers may refuse native XDP while one is on" "$cure"
}

check_offloads()
{
	local tx

	if ! have ethtool; then
		row offloads warn "unknown: no ethtool" "$SETUP"
		return
	fi
	FEATURES=$(ethtool -k "$IF" 2>/dev/null)
	check_receive_offloads
	tx=$(feature tx-checksumming)
	if [ "$tx" = on ] && [ "$KIND" = veth ]; then
		row "tx checksum" warn \
			"on: TCP from here is lost if native XDP on the other end rewrites or redirects it" \
			"ethtool -K $IF tx off"
	else
		row "tx checksum" ok "$tx"
	fi
}

check_master()
{
	local master

	if ! master=$(word_after master); then
		row master ok none
	elif [[ $LINK == *' bond_slave '* ]]; then
		row master warn "part of bond $master: native XDP belongs on the bond" "-i $master"
	elif [[ $LINK == *' bridge_slave '* ]]; then
		row master ok "port of bridge $master: XDP here sees packets before the bridge does"
	else
		row master ok "$master"
	fi
}

check_promisc()
{
	local n

	n=$(word_after promiscuity) || n=0
	if [ "$n" -gt 0 ]; then
		row promiscuous ok "on (count $n): packets for others are seen too"
	else
		row promiscuous ok off
	fi
}

check_ssh()
{
	local client

	if ! read -r client _ < <(ssh_connection); then
		row ssh ok "no ssh session to lose"
	elif carries_ssh "$IF"; then
		row ssh warn "carries this ssh session, from $client: do not drop it" \
			"try it in the lab, or with -d 30: it ends by itself"
	else
		row ssh ok "this ssh session comes by another interface"
	fi
}

# interface_name NAME-OR-INDEX: print the name of that interface; nothing if there is none.
# ip(8) also accepts alternative names.
interface_name()
{
	local line

	line=$(ip -o link show dev "$1" 2>/dev/null) ||
		line=$(ip -o link show | awk -F : -v it="$1" '$1 == it')
	awk -F '[:@ ]+' '{ print $2 }' <<<"$line"
}

check_interface()
{
	# ip(8) prints the kind of a virtual device as a word of its own, after the MTU limits.
	local kinds='veth|bridge|bond|vlan|tun|ifb|dummy|macvlan|ipvlan|vxlan|team|wireguard'

	group "interface $1"
	if ! have ip; then
		probe -i "$1"
		return
	fi
	IF=$(interface_name "$1")
	if [ -z "$IF" ]; then
		row interface fail "there is no $1 here" "ip link shows the names; -n NETNS for a namespace"
		return
	fi
	group "interface $IF"
	LINK=$(ip -d -o link show dev "$IF" | tr -s '\\\t ' ' ')
	KIND=
	[[ ! $LINK =~ \ ($kinds)\  ]] || KIND=${BASH_REMATCH[1]}
	check_link
	probe -i "$IF"
	check_mtu
	check_queues
	check_offloads
	check_master
	check_promisc
	check_ssh
}

# check_interfaces [INTERFACE...]: print rows about each INTERFACE. If none is given, print
# one row for each interface of the machine.
check_interfaces()
{
	local interface

	if [ $# -eq 0 ]; then
		group interfaces
		probe -a
	fi
	for interface; do
		check_interface "$interface"
	done
}
