#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A lab over network cards ("up --over"). The cards are ends of veth pairs, whose other ends are
# ports of a bridge: the wire. selftests/tools/nic.sh does the same with drivers of real cards.

# cards N: make N cards c1, c2 and so on, on one wire. HOME_NS is the namespace they are in.
cards()
{
	local i

	ns_add HOME_NS
	ip -n "$HOME_NS" link add wire type bridge
	ip -n "$HOME_NS" link set wire up
	for ((i = 1; i <= $1; i++)); do
		ip -n "$HOME_NS" link add "c$i" type veth peer name "port$i"
		ip -n "$HOME_NS" link set "port$i" master wire up
	done
}

# home_lab ARGUMENTS...: run lab.sh in the namespace of the cards.
home_lab()
{
	in_ns "$HOME_NS" "$LAB_SH" "$@"
}

# links NS: print the interfaces of a namespace: name, "up" or "down", MAC address.
links()
{
	ip -n "$1" -j link show | jq -r '.[] |
		"\(.ifname) \(if any(.flags[]; . == "UP") then "up" else "down" end) \(.address)"' |
		sort
}

# new_lab_over VAR TOPOLOGY CARD...: make a lab over cards, and set VAR to its name.
new_lab_over()
{
	local __lab

	__lab=$(rand_name t-)
	defer "home_lab down $__lab"
	expect_status 0 home_lab up "$2" --name "$__lab" --over "${@:3}"
	printf -v "$1" %s "$__lab"
}

test_pair_over_cards()
{
	local l before

	cards 3
	ip -n "$HOME_NS" link set c2 up
	before=$(links "$HOME_NS")
	new_lab_over l pair c2 c1
	expect_out 'cards on one wire'
	expect_out 'c2  \(veth\) +\|-+\| eth0'
	expect_eq "cards left at home" "$(links "$HOME_NS" | grep -c '^c')" 1
	pings "$l" host pingbox
	pings "$l" pingbox host
	serves "$l" host pingbox
	expect_eq "programs of the lab" "$(passing "$l")" ""
	expect_eq "cards" "$(query "$l" '[.nodes[] | .name, (.interfaces[] | .name, .card, .addrs[0])] |
		join(" ")')" "host eth0 c2 10.0.1.1/24 pingbox eth0 c1 10.0.1.2/24"
	home_lab down "$l"
	nothing_left "$l"
	expect_eq "what came back" "$(links "$HOME_NS")" "$before"
}

test_lb_over_cards()
{
	local l before

	cards 4
	before=$(links "$HOME_NS")
	new_lab_over l lb c1 c2 c3 c4
	expect_out 'back into the wire'
	expect_status 0 lab list
	expect_out "^$l +lb +up +client lb backend-a backend-b\$"
	pings "$l" client lb backend-a backend-b
	serves "$l" client backend-b
	# From another namespace, they go back to where they come from all the same.
	lab down "$l"
	nothing_left "$l"
	expect_eq "what came back" "$(links "$HOME_NS")" "$before"
}

# A lab that fails, because the cards are not on one wire, gives back what it has taken.
test_cards_without_a_wire()
{
	local l before

	cards 2
	ip -n "$HOME_NS" link set port2 nomaster
	before=$(links "$HOME_NS")
	l=$(rand_name t-)
	expect_status 1 home_lab up --name "$l" --over c1 c2
	expect_err 'pingbox does not answer ping -4 from host'
	expect_err 'hint: are the cards on one wire'
	nothing_left "$l"
	expect_eq "what came back" "$(links "$HOME_NS")" "$before"
}

# If a node was killed, its card is gone, as it is a veth; the others come back.
test_card_of_a_killed_node()
{
	local l

	cards 2
	new_lab_over l pair c1 c2
	kill -KILL "$(cut -d' ' -f1 "$NETBPF_RUN/$l/nodes/host/holder")"
	eventually 5 eval "query $l .state | grep -qx broken"
	expect_status 0 home_lab down "$l"
	expect_err 'c1 was in host, which is gone: the kernel may have renamed it'
	nothing_left "$l"
	links "$HOME_NS" >"$TMP/links"
	expect_match "$TMP/links" '^c2 down '
}

# Each refusal comes before anything is moved or made.
test_refused_cards()
{
	local l before status text args

	cards 3
	ip -n "$HOME_NS" addr add 192.0.2.1/24 dev c3
	ip -n "$HOME_NS" link set c3 up
	ip -n "$HOME_NS" route add default via 192.0.2.2
	before=$(links "$HOME_NS")
	l=$(rand_name t-)
	while IFS='|' read -r args status text; do
		# shellcheck disable=SC2086	# words are meant
		expect_status "$status" home_lab up --name "$l" $args
		expect_err "$text"
		expect_err '  hint: .+'
		expect_eq "links after: $args" "$(links "$HOME_NS")" "$before"
		nothing_left "$l"
	done <<-'EOF'
		--over|2|--over takes 2 cards, not 0
		--over c1|2|pair has the nodes host pingbox: --over takes 2 cards, not 1
		lb --over c1 c2 c3|2|--over takes 4 cards, not 3
		--over c1 c1|2|--over names c1 twice
		bridge --over c1 c2 c3|2|--over is for pair and lb
		--over c1 c9|1|c9 is no interface here
		--over c1 lo|1|lo cannot be moved into a network namespace
		--over c1 port2|1|port2 is part of another interface
		--over c1 c3|1|c3 has the default route
	EOF
	ip -n "$HOME_NS" route del default
	expect_status 1 in_ns "$HOME_NS" env SSH_CONNECTION="192.0.2.9 1000 192.0.2.1 22" \
		"$LAB_SH" up --name "$l" --over c1 c3
	expect_err 'c3 carries this ssh session'
	expect_eq "links after ssh" "$(links "$HOME_NS")" "$before"
}
