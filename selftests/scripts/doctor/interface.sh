#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the doctor says about an interface.

# features_or STATUS [OLD]: print what a row about XDP features must say: STATUS, or OLD before
# Linux 6.3, where the kernel does not report these features.
features_or()
{
	local major minor

	IFS=.- read -r major minor _ < <(uname -r)
	if [ $((major * 1000 + minor)) -ge 6003 ]; then
		echo "$1"
	else
		echo "${2:-does not tell}"
	fi
}

test_an_interface_that_is_not_there()
{
	local name

	name=$(rand_name nbt)
	as_json 1 "$DOCTOR" -i "$name"
	row_is interface fail "no $name"
	expect_eq "fail" "$(jq .fail "$TMP/rows")" 1
}

test_a_veth_in_a_namespace()
{
	local ns

	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	ip -n "$ns" link set v0 mtu 1400
	as_json 0 "$DOCTOR" -n "$ns" -i v0
	row_is link ok 'driver veth, up'
	row_is MTU ok '^1400 '
	row_is "XDP features" ok "$(features_or basic)"
	row_is "XDP program" ok none
	row_is "veth peer" warn '^v1 has no native XDP'
	row_is "tx checksum" warn
	row_is master ok none
	# -i also takes the index of an interface. The doctor prints the name.
	as_json 0 "$DOCTOR" -n "$ns" \
		-i "$(ip -n "$ns" -o link show v0 | cut -d: -f1)"
	expect_eq group "$(field MTU group)" "interface v0"
}

# An alternative name may be longer than the name of an interface.
test_an_alternative_name()
{
	local ns

	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	alternative_name "$ns" v0
	as_json 0 "$DOCTOR" -n "$ns" -i "$ALTNAME"
	expect_eq group "$(field MTU group)" "interface v0"
	row_is "veth peer" warn '^v1 has no native XDP'
	# Without ip(8) the probe finds it.
	as_json 1 env PATH="$(path_without ip)" "$DOCTOR" -n "$ns" -i "$ALTNAME"
	row_is "veth peer" warn '^v1 has no native XDP'
}

test_state_of_an_interface()
{
	local ns

	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link set v0 master br0
	ip -n "$ns" link set v0 mtu 9000
	ip -n "$ns" link set v1 mtu 9000
	as_json 0 "$DOCTOR" -n "$ns" -i v0
	row_is MTU warn '^9000'
	row_is "peer MTU" warn '^v1 has 9000'
	row_is master ok 'port of bridge br0'
	row_is promiscuous ok '^on'
	ip -n "$ns" link set v1 down
	as_json 0 "$DOCTOR" -n "$ns" -i v1 -i br0
	row_is link warn down
	jq -e --arg status "$(features_or warn ok)" \
		'.checks[] | select(.group == "interface br0" and .name == "XDP features") |
		.status == $status' "$TMP/rows" >/dev/null
}

# The row MTU says up to which MTU native XDP works. The kernel must have the same limit.
test_the_limit_of_the_MTU_is_the_limit_of_the_kernel()
{
	local ns limit

	# A program without "frags": unlike pass, it does not accept frames larger than a page.
	"${CLANG:-clang}" -target bpf -O2 -g -c -x c - -o "$TMP/pass.o" <<-'C'
		__attribute__((section("xdp"))) int pass(void *ctx) { return ctx ? 2 : 1; }
		char _license[] __attribute__((section("license"))) = "GPL";
	C
	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	as_json 0 "$DOCTOR" -n "$ns" -i v0
	limit=$(field MTU text | sed -n 's/.*up to about \([0-9]*\).*/\1/p')
	ip -n "$ns" link set v0 mtu "$limit"
	ip -n "$ns" link set v1 mtu "$limit"
	ip -n "$ns" link set v0 xdpdrv obj "$TMP/pass.o" sec xdp
	ip -n "$ns" link set v0 xdpdrv off
	ip -n "$ns" link set v1 mtu $((limit + 1))
	! ip -n "$ns" link set v0 xdpdrv obj "$TMP/pass.o" sec xdp || fail "the limit is higher"
	as_json 0 "$DOCTOR" -n "$ns" -i v1
	row_is MTU warn
}

test_the_program_and_its_owner()
{
	local one two pid

	ns_add one two
	veth_pair "$one" v0 "$two" v1
	as_json 0 "$DOCTOR" -n "$one" -i v0
	row_is "veth peer" warn '^v1 in the namespace with id [0-9]+ has no native'

	start_sample pid 5 "$(sample pass)" -n "$two" -i v1 -m native
	as_json 0 "$DOCTOR" -n "$one" -i v0
	row_is "veth peer" ok '^v1 in the namespace with id [0-9]+ has a native'
	as_json 0 "$DOCTOR" -n "$two" -i v1
	row_is "XDP program" warn "^native mode, id [0-9]+, name [a-z_]+, held by pid $pid \(pass\)"
	stop_sample "$pid"

	start_sample pid 5 "$(sample pass)" -n "$two" -i v1 -m skb
	as_json 0 "$DOCTOR" -n "$two" -i v1
	row_is "XDP program" warn "^generic mode"
	as_json 0 "$DOCTOR" -n "$one" -i v0
	row_is "veth peer" warn	# its generic mode does not help
}

test_the_interface_of_the_ssh_session()
{
	local ns

	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	addr_add "$ns" v0 192.0.2.1/24 2001:db8::1/64
	export SSH_CONNECTION="192.0.2.9 4711 192.0.2.1 22"
	as_json 0 "$DOCTOR" -n "$ns" -i v0
	row_is ssh warn 'from 192.0.2.9'
	as_json 0 "$DOCTOR" -n "$ns" -i v1
	row_is ssh ok another
	# sudo removes SSH_CONNECTION; the doctor finds the variable in an ancestor process.
	# shellcheck disable=SC2016
	as_json 0 bash -c 'env -u SSH_CONNECTION "$@"; exit $?' - "$DOCTOR" -n "$ns" -i v0
	row_is ssh warn 'from 192.0.2.9'
	SSH_CONNECTION="2001:db8::9 4711 2001:db8::1 22"
	as_json 0 "$DOCTOR" -n "$ns" -i v0
	row_is ssh warn 'from 2001:db8::9'
}
