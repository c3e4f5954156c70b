#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows a lab: as one JSON object, and as a picture that is made from the object.
# Sourced by lab.sh; it runs nothing by itself.

# node_links NODE: print what ip(8) says about the links of NODE, [] if NODE is gone.
node_links()
{
	local pid

	if pid=$(node_pid "$1"); then
		nsenter --net="/proc/$pid/ns/net" -- ip -j -d addr show 2>/dev/null ||
			echo '[]'
	else
		echo '[]'
	fi
}

# node_facts NODE: print a JSON object with what the state of the lab says about NODE, and
# with the links of NODE.
node_facts()
{
	local pid='' dir=$RUN/$LAB/nodes/$1 serves=false tx=null file pass=''

	pid=$(node_pid "$1") || pid=null
	if [ "$pid" != null ]; then
		! recorded_pid "$dir/nginx" > /dev/null || serves=true
		! contains "$1" "${TXOFF[@]}" || tx=$(tx_checksum "$pid")
		for file in "$dir"/pass-*.log; do
			! recorded_pid "${file%.log}" > /dev/null ||
				pass="$pass \"$(basename "${file%.log}" | cut -c6-)\""
		done
	fi
	pass=${pass# }
	printf '{"name":"%s","netns":"%s","pid":%s,"serves":%s,"tx":%s,"card":"%s","pass":[%s],"links":' \
		"$1" "netbpf-$LAB-$1" "$pid" "$serves" "$tx" "${CARD[$1]:-}" "${pass// /,}"
	node_links "$1"
	echo '}'
}

# tx_checksum PID: print whether eth0 has transmit checksum offload: true, false or null.
tx_checksum()
{
	case $(nsenter --net="/proc/$1/ns/net" -- ethtool -k eth0 2>/dev/null) in
	*tx-checksumming:\ on*) echo true ;;
	*tx-checksumming:\ off*) echo false ;;
	*) echo null ;;
	esac
}

# status_json: print the lab as one JSON object, from the state of the kernel now. Two
# interfaces are a veth pair if each has the other's index as its peer.
status_json()
{
	local node

	for node in "${NODES[@]}"; do
		node_facts "$node"
	done | jq -c -s --arg name "$LAB" --arg topology "$TOPOLOGY" \
		--arg state "$(lab_state)" '
	. as $nodes |
	def peer($n; $l):
		[$nodes[] | select(.name != $n) | .name as $m | .links[] |
		 select(.link_index == $l.ifindex and .ifindex == $l.link_index) |
		 {node: $m, ifname}][0];
	def xdp($n; $l):
		if $l.xdp.prog then
			{prog_id: $l.xdp.prog.id,
			 mode: (["none", "native", "skb", "hw", "multi"][$l.xdp.mode]),
			 name: $l.xdp.prog.name,
			 lab: any($n.pass[]; . == $l.ifname)}
		else null end;
	{name: $name, topology: $topology, state: $state,
	 nodes: [.[] | . as $n | {name, netns, pid,
		interfaces: [.links[] | select(.ifname != "lo") | . as $l |
			{name: .ifname, kind: .linkinfo.info_kind,
			 peer: (if .link_index then peer($n.name; $l) else null end),
			 card: (if .ifname == "eth0" and $n.card != "" then $n.card else null end),
			 addrs: [.addr_info[] | select(.scope == "global") |
				"\(.local)/\(.prefixlen)"],
			 mac: .address, xdp: xdp($n; $l),
			 tx_checksum_offload: (if .ifname == "eth0" then $n.tx else null end)}],
		serves}]}'
}

# status_rows: turn the JSON object into lines for the picture, one for each interface:
# node|netns|serves|interface|kind|addresses|xdp|tx. The separator is not white space,
# because read would take several white spaces for one, and lose empty fields.
status_rows()
{
	jq -r '.nodes[] | . as $n | ((.interfaces | map(select(.name))) | if . == [] then [{}] else . end)[] |
		[$n.name, $n.netns, $n.serves, .name, .kind, ((.addrs // []) | join(" ")),
		 (if .xdp then "XDP " +
			(if .xdp.lab then "pass" else (.xdp.name // "program") + " id \(.xdp.prog_id)" end) +
			" (\(.xdp.mode))" else "" end),
		 (if .tx_checksum_offload == false then "tx checksum offload off" else "" end)]
		| map(. // "" | tostring) | join("|")'
}

# box_lines NODE ROWS: fill BOX with the lines of NODE: its name, interfaces and web server.
box_lines()
{
	local node serves ifname addrs xdp tx line

	BOX=()
	while IFS='|' read -r node _ _ ifname _ addrs xdp tx; do
		[ "$node" = "$1" ] || continue
		if [ -z "$ifname" ]; then
			BOX+=("gone: run $0 down $LAB")
			continue
		fi
		BOX+=("$ifname${xdp:+  $xdp}")
		for line in $addrs; do
			BOX+=("  $line")
		done
		[ -z "$tx" ] || BOX+=("  $tx")
	done <<< "$2"
	while IFS='|' read -r node _ serves _; do
		[ "$node" = "$1" ] || continue
		[ "$serves" != true ] || BOX+=("  http on port 80")
		BOX=("$node" "${BOX[@]}")
		return 0
	done <<< "$2"
}

# card_lines: fill HUB_TOP and PORT as hub_lines does, for a lab over cards: the box on the left
# stands for the wire, and names the card that each node has got.
card_lines()
{
	local node

	HUB_TOP=("cards on one wire")
	for node in "${NODES[@]}"; do
		PORT[${CARD[$node]}]="${CARD[$node]}  (${CARD_DRIVER[$node]})"$'\n'
	done
}

# hub_lines ROWS: split the lines of the hub into HUB_TOP (its name, and the
# bridge) and PORT[interface] (the lines of that port).
hub_lines()
{
	local line current=''

	declare -gA PORT=()
	HUB_TOP=()
	if [ ${#CARD[@]} -gt 0 ]; then
		card_lines
		return
	fi
	box_lines "$HUB" "$1"
	HUB_TOP=("${BOX[0]}")
	for line in "${BOX[@]:1}"; do
		case $line in
		\ *) ;;
		*) current=${line%% *} ;;
		esac
		if [ -n "$BRIDGE" ] && [ "$current" = "$BRIDGE" ] || [ -z "$current" ]; then
			[ "$line" != "$BRIDGE" ] || line="$BRIDGE  (bridge)"
			HUB_TOP+=("$line")
		else
			PORT[$current]+="$line"$'\n'
		fi
	done
}

# show_status STATE: print the picture, and explain it.
show_status()
{
	local rows spoke line n

	rows=$(status_json | status_rows)
	LEFT=() RIGHT=() WIRE=()
	hub_lines "$rows"
	# The hub's box starts higher, so that its first port and the spoke's eth0 are on one line.
	LEFT=(- "${HUB_TOP[@]}")
	for ((n = 2; n < ${#LEFT[@]}; n++)); do
		RIGHT+=(.)
	done
	for spoke in "${SPOKES[@]}"; do
		box_lines "$spoke" "$rows"
		RIGHT+=(- "${BOX[0]}")
		n=${#RIGHT[@]}
		while [ "${#LEFT[@]}" -lt "$n" ]; do
			LEFT+=('')
		done
		while IFS= read -r line; do
			LEFT+=("$line")
		done <<< "${PORT[$(port_of "$spoke")]:-$(port_of "$spoke") is gone}"
		case ${BOX[1]:-}${LEFT[n]} in
		*gone*) ;;
		*) WIRE[n]=1 ;;
		esac
		RIGHT+=("${BOX[@]:1}" -)
	done
	while [ "${#LEFT[@]}" -lt $((${#RIGHT[@]} - 1)) ]; do
		LEFT+=('')
	done
	LEFT+=(-)
	echo "lab $LAB: topology $TOPOLOGY, $1"
	echo "namespaces: netbpf-$LAB-NODE, NODE one of: ${NODES[*]}"
	echo
	draw
	echo
	sees "$TOPOLOGY"
}

# repeat N CHARACTER: print CHARACTER N times.
repeat()
{
	local s

	printf -v s '%*s' "$1" ''
	echo "${s// /$2}"
}

# box_row LEFT RIGHT MIDDLE: print one line of the picture; WIDTH_L and WIDTH_R are
# the inner widths of the columns. An empty LEFT or RIGHT is inside a box, "-"
# is a border, "." is outside of every box.
box_row()
{
	local left right

	case $1 in
	-) left="+$(repeat $((WIDTH_L + 2)) -)+" ;;
	.) left=$(repeat $((WIDTH_L + 4)) ' ') ;;
	*) printf -v left '| %-*s |' "$WIDTH_L" "$1" ;;
	esac
	case $2 in
	-) right="+$(repeat $((WIDTH_R + 2)) -)+" ;;
	.) right='' ;;
	*) printf -v right '| %-*s |' "$WIDTH_R" "$2" ;;
	esac
	printf -v left '  %s%s%s' "$left" "$3" "$right"
	echo "${left%"${left##*[! ]}"}"
}

# draw: print the picture, from the arrays LEFT (lines of the hub), RIGHT (lines of
# the spokes, one after the other) and WIRE (non-empty where a veth pair, or
# the wire of the cards, joins LEFT[i] and RIGHT[i]).
draw()
{
	local i middle line='---veth---' rows=${#RIGHT[@]}

	[ ${#CARD[@]} -eq 0 ] || line='----------'

	[ "${#LEFT[@]}" -le "$rows" ] || rows=${#LEFT[@]}
	WIDTH_L=0 WIDTH_R=0
	for ((i = 0; i < rows; i++)); do
		middle=${LEFT[i]:-}
		[ "${#middle}" -le "$WIDTH_L" ] || WIDTH_L=${#middle}
		middle=${RIGHT[i]:-}
		[ "${#middle}" -le "$WIDTH_R" ] || WIDTH_R=${#middle}
	done
	for ((i = 0; i < rows; i++)); do
		middle='          '
		[ -z "${WIRE[i]:-}" ] || middle=$line
		box_row "${LEFT[i]-.}" "${RIGHT[i]-.}" "$middle"
	done
}
