#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A lab does not change the network of the host.

# snapshot: print what must be the same before, during and after a lab. Counters are left out.
snapshot()
{
	echo "links:"; ip -o link show | sed 's/ qlen.*//'
	echo "addresses:"; ip -j addr show | jq -c '.[] | [.ifname, [.addr_info[] | .local, .prefixlen]]'
	echo "routes:"; ip route show table all; ip -6 route show table all | sed 's/ expires.*//'
	echo "rules:"; ip rule; ip -6 rule
	echo "sysctls:"; sysctl -a 2>/dev/null | grep '^net\.' |
		grep -v -e nf_conntrack_count -e 'stable_secret'
	echo "nft:"; nft list ruleset
	# Leave out the names of other tests.
	echo "mounts:"; grep -v ' /run/netns/nbt-' /proc/self/mountinfo
}

# private_host TOPOLOGY: a new network and mount namespace plays the host. Nobody else changes it,
# so every difference, and every message of "ip monitor", comes from the lab.
private_host()
{
	local l monitor

	# Namespace names of other tests come and go, also in this copy of the mounts. Cover them.
	while umount -l -R /run/netns 2>/dev/null; do :; done
	mount -t tmpfs tmpfs /run/netns
	mount -t tmpfs tmpfs "$TMP/private"
	ip link set lo up
	ip link add hostlink type veth peer name hostpeer
	ip addr add 192.0.2.1/24 dev hostlink
	ip addr add 2001:db8::1/64 dev hostlink nodad
	# Do this before the interfaces are up: otherwise the kernel gives them link-local
	# addresses, and adds routes seconds later.
	ip link set hostlink addrgenmode none
	ip link set hostpeer addrgenmode none
	ip link set hostlink up
	ip link set hostpeer up
	wait_until 5 eval "ip link show hostlink | grep -q ' state UP '"
	l=$(rand_name t-)
	# Both "ip monitor" and this shell append to the file, so that none overwrites the other.
	ip monitor all >> "$TMP/private/monitor" &
	monitor=$!
	# Change a route until the monitor reports it: then the monitor listens.
	wait_until 5 eval "ip route replace 192.0.2.128/25 dev hostlink;
		ip route del 192.0.2.128/25 dev hostlink; [ -s $TMP/private/monitor ]"
	snapshot > "$TMP/private/before"
	echo mark >> "$TMP/private/monitor"
	"$LAB_SH" up "$1" --name "$l" > /dev/null
	snapshot > "$TMP/private/during"
	"$LAB_SH" down "$l"
	snapshot > "$TMP/private/after"
	kill "$monitor"
	diff "$TMP/private/before" "$TMP/private/during" || fail "the host differs while $1 is up"
	diff "$TMP/private/before" "$TMP/private/after" || fail "the host differs after $1"
	[ "$(grep -c . "$TMP/private/before")" -gt 100 ] || fail "the snapshot is too small"
	grep -q '^mark$' "$TMP/private/monitor" || fail "no mark"
	if sed '1,/^mark$/d' "$TMP/private/monitor" | grep -v hostlink | grep .; then
		fail "the host's network saw events of $1"
	fi
}

test_host_unchanged()
{
	local topology

	mkdir -p "$TMP/private" /run/netns
	export -f private_host snapshot rand_name wait_until fail
	export LAB_SH TMP NBT_STATE
	for topology in pair bridge lb; do
		unshare --net --mount bash -euo pipefail -c "private_host $topology" ||
			fail "$topology changes its host"
	done
}

# The same on the real host. Others may change it meanwhile, so allow five attempts.
test_real_host_unchanged()
{
	local l try

	for try in 1 2 3 4 5; do
		snapshot > "$TMP/before"
		new_lab l bridge
		snapshot > "$TMP/during"
		lab down "$l"
		snapshot > "$TMP/after"
		cmp -s "$TMP/before" "$TMP/during" && cmp -s "$TMP/before" "$TMP/after" && return 0
		diag "attempt $try:"
		diff "$TMP/before" "$TMP/during" >&2 || true
		diff "$TMP/during" "$TMP/after" >&2 || true
	done
	fail "the host was not the same before, during and after"
}

# Without NETBPF_RUN the state is in /run/netbpf.
test_default_place()
{
	local l

	l=$(rand_name t-)
	unset NETBPF_RUN
	defer "lab down $l"
	expect_status 0 lab up --name "$l"
	[ -d "/run/netbpf/$l" ] || fail "no /run/netbpf/$l"
	expect_status 0 ip -n "netbpf-$l-host" link show eth0
	lab down "$l"
	[ ! -e "/run/netbpf/$l" ] || fail "/run/netbpf/$l is left"
}
