#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/ping refuses to drop pings on the interface through which the user's SSH session
# comes in.
#
# shellcheck disable=SC2016 # $ in single quotes is of another shell

expect_refused()
{
	expect_status 1 "$@"
	expect_eq stdout "$OUT" ""
	expect_err '^ping: failed to attach to .*SSH'
	expect_err '^  hint: .*--force'
}

test_ssh_interface_is_refused()
{
	expect_refused from_ssh 127.0.0.1 -i lo
	expect_refused from_ssh ::1 -i lo
	expect_refused from_ssh "$S4" -i right
	expect_refused from_ssh "$S6" -i right
	expect_refused from_ssh "::ffff:$S4" -i right
	expect_refused from_ssh "$S4" -i lo -i right
	expect_refused from_ssh 127.0.0.1 -i 1
	expect_refused from_ssh "$S4" -i right --every 2 --src 10.0.0.0/8
	expect_eq mode "$(xdp_mode "$SERVER" right)" none
}

# In SSH_CONNECTION a link-local address is followed by its interface: fe80::1%eth0.
test_ssh_link_local()
{
	local addr

	addr=$(ip -n "$SERVER" -j -6 addr show dev right scope link |
		jq -r '[.[].addr_info[]?.local | strings][0]')
	[[ $addr = fe80:* ]] || fail "no link-local address: $addr"
	expect_refused from_ssh "$addr%right" -i right
	expect_status 0 from_ssh "$addr%right" -i right2
}

test_ssh_other_interface_is_allowed()
{
	expect_status 0 from_ssh "$S4" -i right2
	expect_out '^ready: right2 '
	expect_status 0 from_ssh 192.0.2.200 -i right	# no address of this host
	expect_status 0 from_ssh nonsense -i right
}

test_ssh_force()
{
	expect_status 0 from_ssh "$S4" -i right --force
	expect_out '^ready: right '
}

test_ssh_pass_is_allowed()
{
	expect_status 0 from_ssh "$S4" -i right -a pass
	expect_out '^ready: right '
}

test_ssh_other_namespace_is_allowed()
{
	expect_status 0 from_ssh 127.0.0.1 -i lo -n "$CLIENT"
	expect_out '^ready: lo '
}

# -n with the name of the current namespace does not disable the check.
test_ssh_own_namespace_by_name()
{
	expect_refused from_ssh "$S4" -i right -n "$SERVER"
}

# sudo removes SSH_CONNECTION from the environment. The sample finds the variable in the
# environment of an ancestor process.
test_ssh_found_in_an_ancestor()
{
	expect_refused in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" \
		bash -c 'env -u SSH_CONNECTION bash -c "\"$1\" -i right -d 0.05; exit \$?" x "$1"
			exit $?' x "$PING"
}

# The process name in /proc/PID/stat may contain spaces and parentheses; the search for
# ancestors must cope with this.
test_ssh_behind_an_odd_name()
{
	local odd="$TMP/a) (b c"

	cp "$(command -v bash)" "$odd"
	expect_refused in_ns "$SERVER" env SSH_CONNECTION="192.0.2.99 50000 $S4 22" \
		bash -c 'env -u SSH_CONNECTION "$2" -c "\"\$1\" -i right -d 0.05; exit \$?" x "$1"
			exit $?' x "$PING" "$odd"
}

# The address of the session is on a bridge or a macvlan, but its packets also pass through
# the devices below: the bridge port, the base of the macvlan.
test_ssh_below_a_bridge()
{
	local ns

	ns_add ns
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link add port type veth peer name far
	ip -n "$ns" link set port master br0 up
	ip -n "$ns" link set br0 up
	addr_add "$ns" br0 203.0.113.1/24
	expect_refused ssh_inside "$ns" 203.0.113.1 -i port
	expect_refused ssh_inside "$ns" 203.0.113.1 -i br0
	expect_status 0 ssh_inside "$ns" 203.0.113.1 -i far
}

test_ssh_two_devices_below()
{
	local ns

	ns_add ns
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link add port type veth peer name far
	ip -n "$ns" link set port master br0 up
	ip -n "$ns" link add link br0 name top type macvlan mode bridge ||
		skip "no macvlan in this kernel"
	addr_add "$ns" top 203.0.113.1/24
	expect_refused ssh_inside "$ns" 203.0.113.1 -i top
	expect_refused ssh_inside "$ns" 203.0.113.1 -i br0
	expect_refused ssh_inside "$ns" 203.0.113.1 -i port
	expect_status 0 ssh_inside "$ns" 203.0.113.1 -i far
}

# ssh_inside NETNS ADDRESS OPTION...: like from_ssh, but in NETNS and with the /sys of that
# namespace, which shows its devices, as on a real host.
ssh_inside()
{
	ip netns exec "$1" env SSH_CONNECTION="192.0.2.99 50000 $2 22" \
		"$PING" -d 0.05 "${@:3}"
}
