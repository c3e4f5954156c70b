#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A lab over network cards of this machine ("up --over"): checks the cards, moves them into
# the nodes, and gives them back. Sourced by lab.sh; it runs nothing by itself.
#
# The state of a lab over cards, in $RUN/LAB/:
#	cards	a line for each node: node, card, up or down (what the card was), driver
#	home	the network namespace from which the cards come, such as net:[4026531840]

declare -A CARD=()		# the card of each node; empty in a lab without cards
declare -A CARD_DRIVER=()	# the driver of the card of each node

# topology_over: change the topology that topology_load has set into one whose nodes are joined
# by a wire that the user provides: no hub, no programs of ours on the other end. The drivers of
# cards complete the checksums, so that the nodes may leave them to the card.
# shellcheck disable=SC2034	# for make.sh and draw.sh
topology_over()
{
	[ -z "${HOSTNUM[$HUB]:-}" ] || SPOKES=("$HUB" "${SPOKES[@]}")
	HUB='' BRIDGE='' BRIDGE_ADDRESSED=0 PASS=() TXOFF=()
	NODES=("${SPOKES[@]}")
}

# shellcheck disable=SC2034	# CARD_DRIVER is for draw.sh
#
# read_cards: set CARD and CARD_DRIVER to what was written down. Return 1 if the lab has no cards.
read_cards()
{
	local node card _ driver

	CARD=() CARD_DRIVER=()
	[ -e "$RUN/$LAB/cards" ] || return 1
	while read -r node card _ driver; do
		CARD[$node]=$card CARD_DRIVER[$node]=$driver
	done < "$RUN/$LAB/cards"
}

# load_cards: if the lab whose topology was loaded is over cards, change the topology.
load_cards()
{
	! read_cards || topology_over
}

# driver_of CARD: print the name of the driver of a card that is here.
driver_of()
{
	ethtool -i "$1" 2>/dev/null | sed -n 's/^driver: //p'
}

is_up()
{
	[[ $(ip -o link show dev "$1") =~ [\<,]UP[,\>] ]]
}

# refuse CARD WHY HINT: exit because the lab must not take this card.
refuse()
{
	die 1 "$1 $2" "$3"
}

# check_card CARD: exit unless the lab may take this card.
check_card()
{
	local other='choose a card that this machine does not need: ip -br link' link

	link=$(ip -o link show dev "$1" 2>/dev/null) ||
		refuse "$1" "is no interface here" "ip -br link"
	case $(ip -4 route show default table all dev "$1"; ip -6 route show default table all dev "$1") in
	*default*) refuse "$1" "has the default route: this machine would lose its network" "$other" ;;
	esac
	! carries_ssh "$1" || refuse "$1" "carries this ssh session, which would hang" "$other"
	[[ $link != *" master "* ]] || refuse "$1" "is part of another interface" \
		"ip link set dev $1 nomaster, or another card: ip -br link"
	[[ $link != *LOOPBACK* && $(ethtool -k "$1" 2>/dev/null) != *"netns-local: on"* ]] ||
		refuse "$1" "cannot be moved into a network namespace" "$other"
}

# check_cards CARD...: exit unless the lab may take these cards, one for each node.
check_cards()
{
	local card seen=()

	[ $# -eq ${#NODES[@]} ] ||
		usage_error "$TOPOLOGY has the nodes ${NODES[*]}: --over takes ${#NODES[@]} cards, not $#"
	for card; do
		! contains "$card" "${seen[@]}" || usage_error "--over names $card twice"
		seen+=("$card")
	done
	for card; do
		check_card "$card"
	done
}

# note_cards CARD...: write down which card is for which node, before any is moved.
note_cards()
{
	local node

	[ $# -gt 0 ] || return 0
	netns_of self > "$RUN/$LAB/home"
	for node in "${NODES[@]}"; do
		echo "$node $1 $(is_up "$1" && echo up || echo down) $(driver_of "$1")"
		shift
	done > "$RUN/$LAB/cards"
	read_cards
}

# move_cards: move each card into its node, as eth0.
move_cards()
{
	local node

	for node in "${!CARD[@]}"; do
		ip link set dev "${CARD[$node]}" netns "${NODE_PID[$node]}" name eth0 ||
			die 1 "cannot move ${CARD[$node]} into $node"
	done
}

# netns_path NETNS: print the path of a file that stands for this network namespace, such as
# net:[4026531840]. It is that of this process, or has a name, or a process is in it. The path
# must not go through "self": another program is to open it.
netns_path()
{
	local number=${1//[!0-9]/} path

	path=$(stat -Lc '%i %n' "/proc/$$/ns/net" "$NETNS"/* /proc/[0-9]*/ns/net 2>/dev/null |
		sed -n "s/^$number //p" | head -n 1) || true
	[ -n "$path" ] && echo "$path"
}

# give_back_cards LAB: move the cards of a lab back to where they come from, with their names.
# If a namespace ends with a card in it, the kernel moves a real card to the first namespace,
# but as eth0 or dev7, and removes a card that is made of software, such as a veth.
give_back_cards()
{
	local LAB=$1 home node card was pid

	[ -e "$RUN/$LAB/cards" ] || return 0
	{ read -r home < "$RUN/$LAB/home"; } 2>/dev/null || return 0
	home=$(netns_path "$home") || { note "the network of the cards of $LAB is gone"; return 0; }
	while read -r node card was _; do
		# Without its namespace, the kernel has the card already.
		if ! pid=$(node_pid "$node"); then
			[ ! -d "$RUN/$LAB/nodes/$node" ] ||
				note "$card was in $node, which is gone: the kernel may have renamed it (ip -br link)"
			continue
		fi
		nsenter --net="/proc/$pid/ns/net" -- ip link show dev eth0 >/dev/null 2>&1 ||
			continue
		if ! nsenter --net="/proc/$pid/ns/net" -- \
		     ip link set dev eth0 netns "$home" name "$card"; then
			note "cannot give back $card, which is eth0 of $node"
			continue
		fi
		# The kernel sets a card down that it moves.
		[ "$was" = down ] || nsenter --net="$home" -- ip link set dev "$card" up ||
			note "cannot set $card up again"
	done < "$RUN/$LAB/cards"
}
