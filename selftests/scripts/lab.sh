#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lab (scripts/lab.sh): topologies, isolation from the host, clean removal.
#
# The labs have random names, and their state is below $TMP (NETBPF_RUN). So the tests never see,
# count or remove other labs.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/scripts/lab/host.sh
. "$NBT_DIR/scripts/lab/host.sh"
# shellcheck source=selftests/scripts/lab/down.sh
. "$NBT_DIR/scripts/lab/down.sh"
# shellcheck source=selftests/scripts/lab/over.sh
. "$NBT_DIR/scripts/lab/over.sh"

need_root
require_tools ip nsenter unshare setsid ethtool ping curl jq nft nginx tcpdump setpriv

LAB_SH=$NETBPF_TOP/scripts/lab.sh
export NETBPF_RUN=$TMP/run

lab()
{
	"$LAB_SH" "$@"
}

setup()
{
	defer "lab down --all"
	sample pass
}

# new_lab VAR [TOPOLOGY]: make a lab with a random name, and set VAR to the name. The end of the
# test removes the lab.
new_lab()
{
	local __lab __start=${EPOCHREALTIME/./}

	__lab=$(rand_name t-)
	defer "lab down $__lab"
	expect_status 0 lab up "${2:-pair}" --name "$__lab"
	diag "up ${2:-pair}: $(((${EPOCHREALTIME/./} - __start) / 1000)) ms"
	printf -v "$1" %s "$__lab"
}

# marked LAB: print the pids of the processes of a lab, without zombies. The processes have
# NETBPF_LAB_OWNER in their environment.
marked()
{
	local pid stat

	{ grep -lzs "^NETBPF_LAB_OWNER=$NETBPF_RUN/$1\$" /proc/[0-9]*/environ || true; } |
		cut -d/ -f3 |
		while read -r pid; do
			stat=$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null || true)
			[ -z "$stat" ] || [ "$stat" = Z ] || echo "$pid"
		done
}

# nothing_left LAB: no process, no namespace name and no state is left of the lab.
nothing_left()
{
	local pids

	pids=$(marked "$1")
	[ -z "$pids" ] || fail "processes left of lab $1: $pids"
	! compgen -G "/run/netns/netbpf-$1-*" >&2 || fail "names left"
	[ ! -e "$NETBPF_RUN/$1" ] || fail "state left of lab $1"
	no_process "^netbpf-lab-$1-"
}

# query LAB FILTER: print the result of a jq FILTER on "lab status -j".
query()
{
	lab status "$1" -j | jq -r "$2"
}

# pings LAB FROM TO...: the node FROM can ping each node TO, with both families.
pings()
{
	local lab=$1 from=$2 to

	shift 2
	for to; do
		expect_status 0 lab ping --name "$lab" "$from" "$to" -c 1
		expect_eq "families that answered" "$(grep -c ' 0% packet loss' <<< "$OUT")" 2
	done
}

# serves LAB FROM NODE: curl on FROM gets the page of NODE, with both families.
serves()
{
	local addr shown

	for addr in $(query "$1" ".nodes[] | select(.name == \"$3\").interfaces[].addrs[]"); do
		addr=${addr%/*}
		[[ $addr != *:* ]] || addr="[$addr]"
		shown="$addr:80"
		expect_status 0 lab exec --name "$1" "$2" curl -sS -m 5 "http://$addr/some?x=1"
		expect_eq "Server address" "$(sed -n 's/^Server address: //p' <<< "$OUT")" "$shown"
		expect_eq "Server name" "$(sed -n 's/^Server name: //p' <<< "$OUT")" "$3"
		expect_eq "URI" "$(sed -n 's/^URI: //p' <<< "$OUT")" "/some?x=1"
		expect_out '^Date: .+'
		expect_out '^Request ID: [0-9a-f]{32}$'
	done
}

# passing LAB: print the interfaces of the lab that have a native XDP program, according to the
# kernel, not to the status command.
passing()
{
	local node

	for node in $(query "$1" '.nodes[].name'); do
		ip -n "netbpf-$1-$node" -j -d link show |
			jq -r ".[] | select(.xdp.mode == 1) | \"$node/\(.ifname)\""
	done | sort | tr '\n' ' '
}

# documented LAB TOPOLOGY: the documentation has the same picture as "lab status".
documented()
{
	local text rst=$NETBPF_TOP/Documentation/lab.rst

	[ -r "$rst" ] || return 0	# installed, without the documentation
	text=$(lab status "$1" | sed -e "s/$1/$2/" -e '/./s/^/    /')
	[[ $(<"$rst") == *"$text"* ]] || fail "lab.rst has another picture of $2"
}

test_pair()
{
	local l

	new_lab l
	pings "$l" host pingbox
	pings "$l" pingbox host
	serves "$l" host pingbox
	expect_eq "native programs" "$(passing "$l")" "pingbox/eth0 "
	expect_eq "status" "$(query "$l" '[.name, .topology, .state,
		(.nodes[] | .name, .netns, (.interfaces[] | .name, .addrs[], .peer.node,
		 .peer.ifname, .xdp.mode), .serves)] | join(" ")')" \
		"$l pair up host netbpf-$l-host eth0 10.0.1.1/24 fd00:1::1/64 pingbox eth0  false \
pingbox netbpf-$l-pingbox eth0 10.0.1.2/24 fd00:1::2/64 host eth0 native true"
	expect_eq "id of the program" \
		"$(query "$l" '.nodes[1].interfaces[0].xdp.prog_id | type')" number
	documented "$l" pair
	lab down "$l"
	nothing_left "$l"
}

test_bridge()
{
	local l

	new_lab l bridge
	pings "$l" host pingbox webbox
	pings "$l" pingbox host webbox
	serves "$l" host pingbox
	serves "$l" pingbox webbox
	expect_eq "native programs" "$(passing "$l")" "pingbox/eth0 webbox/eth0 "
	expect_eq "bridge" "$(query "$l" '.nodes[0].interfaces[] | select(.kind == "bridge") |
		"\(.name) \(.addrs | join(" "))"')" "docker0 172.17.0.1/24 fd00:17::1/64"
	expect_eq "ports" "$(query "$l" '.nodes[0].interfaces[] | select(.peer) |
		"\(.name)=\(.peer.node)/\(.peer.ifname)"' | sort | tr '\n' ' ')" \
		"veth-pingbox=pingbox/eth0 veth-webbox=webbox/eth0 "
	documented "$l" bridge
	lab down "$l"
	nothing_left "$l"
}

test_lb()
{
	local l node

	new_lab l lb
	pings "$l" client lb backend-a backend-b
	pings "$l" lb client backend-a backend-b
	pings "$l" backend-a backend-b
	serves "$l" client backend-a
	serves "$l" client backend-b
	expect_eq "native programs" "$(passing "$l")" \
		"switch/veth-backend-a switch/veth-backend-b switch/veth-client switch/veth-lb "
	for node in client lb backend-a backend-b; do
		lab exec --name "$l" "$node" ethtool -k eth0 > "$TMP/features"
		expect_match "$TMP/features" '^tx-checksumming: off'
	done
	expect_eq "status of offload" "$(query "$l" '[.nodes[1:][].interfaces[].tx_checksum_offload]
		| tostring')" "[false,false,false,false]"
	expect_eq "addresses" "$(query "$l" '[.nodes[1:][].interfaces[].addrs[0]] | join(" ")')" \
		"10.0.0.4/24 10.0.0.5/24 10.0.0.2/24 10.0.0.3/24"
	documented "$l" lb
	lab down "$l"
	nothing_left "$l"
}

test_picture()
{
	local l text

	new_lab l
	cp "$OUT_FILE" "$TMP/up"
	expect_status 0 lab status
	for text in '^lab '"$l"': topology pair, up' '---veth---' '  10\.0\.1\.1/24 ' \
		    '  fd00:1::2/64 ' 'eth0  XDP pass \(native\)' 'http on port 80' \
		    'XDP/TC ingress on eth0 of host sees what pingbox sends'; do
		expect_out "$text"
		expect_match "$TMP/up" "$text"
	done
	expect_match "$TMP/up" '^try:'
	# The picture shows the present state, not the state after "up".
	ip -n "netbpf-$l-host" addr add 10.9.8.7/32 dev eth0
	kill "$(cut -d' ' -f1 "$NETBPF_RUN/$l/nodes/pingbox/pass-eth0")"
	eventually 5 eval "[ -z \"\$(passing $l)\" ]"
	expect_status 0 lab status
	expect_out '10\.9\.8\.7/32'
	expect_no_match "$OUT_FILE" 'XDP pass'
}

test_commands_of_try()
{
	local l

	new_lab l
	# Run the printed commands, except samples and captures, which do not end by themselves.
	sed '1,/^try:/d' "$OUT_FILE" | grep -v -e /samples/ -e capture > "$TMP/try"
	expect_match "$TMP/try" ' ping pingbox host$'
	expect_status 0 bash -e "$TMP/try"
	nothing_left "$l"
}

test_several_labs()
{
	local a b

	new_lab a
	new_lab b
	expect_status 2 lab exec host true
	expect_err "$a"
	expect_err "$b"
	expect_status 2 lab down
	expect_err "2 are up"
	expect_status 2 lab status
	expect_status 0 lab list
	expect_out "^$a +pair +up +host pingbox"
	expect_out "^$b +pair +up +host pingbox"
	lab exec --name "$b" pingbox ip link set eth0 down
	expect_status 1 lab ping --name "$b" host pingbox -4 -c 1
	pings "$a" host pingbox
	lab down "$b"
	nothing_left "$b"
	# Only one lab is left, so its name is not needed.
	expect_status 0 lab ping host pingbox -c 1
	expect_status 1 lab exec --name "$b" host true
	expect_err "no lab '$b'"
}

test_same_name_twice()
{
	local l first second ok=0

	new_lab l
	expect_status 1 lab up lb --name "$l"
	expect_err "lab $l exists already"
	expect_err "hint: .* down $l"
	pings "$l" host pingbox
	lab down "$l"
	# If two start at the same time, one of them wins, and its lab is complete.
	start_bg first "$LAB_SH" up --name "$l"
	start_bg second "$LAB_SH" up --name "$l"
	wait_sample "$first" 30 && ok=$((ok + 1))
	wait_sample "$second" 30 && ok=$((ok + 1))
	expect_eq "labs made" "$ok" 1
	pings "$l" host pingbox
}

# A lab with the same name, but another NETBPF_RUN, is refused: it would take over the names in
# /run/netns.
test_same_name_elsewhere()
{
	local l

	new_lab l
	expect_status 1 env NETBPF_RUN="$TMP/elsewhere" "$LAB_SH" up --name "$l"
	expect_err "exists and is in use"
	[ ! -e "$TMP/elsewhere" ] || fail "the refused lab has left something"
	env NETBPF_RUN="$TMP/elsewhere" "$LAB_SH" down "$l"
	expect_status 0 ip -n "netbpf-$l-host" link show eth0
	pings "$l" host pingbox
}

test_exec()
{
	local l

	new_lab l
	expect_status 7 lab exec host sh -c 'exit 7'
	expect_status 127 lab exec host /nonexistent
	expect_status 143 lab exec host sh -c 'kill -TERM $$'
	expect_status 0 lab exec host printf '<%s>' 'a  b' '*' -j --name
	expect_eq arguments "$OUT" '<a  b><*><-j><--name>'
	expect_eq input "$(echo hello | lab exec host cat)" hello
	# exec changes only the network namespace. The mounts, such as bpffs and tracefs, stay.
	expect_eq "mount namespace" "$(lab exec host readlink /proc/self/ns/mnt)" \
		"$(readlink /proc/self/ns/mnt)"
	[ "$(lab exec host readlink /proc/self/ns/net)" != "$(readlink /proc/self/ns/net)" ] ||
		fail "exec stays in the network of the host"
	# shellcheck disable=SC2016
	expect_eq bpffs "$(unshare --mount sh -c '
		mount -t bpf none /sys/fs/bpf && mkdir /sys/fs/bpf/seen && exec "$@"' x \
		"$LAB_SH" exec host ls -d /sys/fs/bpf/seen)" /sys/fs/bpf/seen
	expect_eq shell "$(echo 'cat /sys/class/net/eth0/address /proc/net/dev | grep -c eth0
		ip -br -4 addr show eth0' | lab shell host | tail -n 1 | grep -o '10[0-9./]*')" \
		10.0.1.1/24
}

test_ping()
{
	local l

	new_lab l
	expect_status 0 lab ping host pingbox -6 -c 2
	expect_out '^2 packets transmitted'
	expect_no_match "$OUT_FILE" '10\.0\.1'
	expect_status 0 lab ping pingbox 10.0.1.1 -c 1
	expect_status 1 lab ping pingbox 10.0.1.99 -c 1
	expect_status 0 lab ping pingbox fd00:1::1 -c 1
	# Fails if one of the two families does not work.
	lab exec pingbox ip -6 addr del fd00:1::2/64 dev eth0
	expect_status 1 lab ping host pingbox -c 1
	lab exec pingbox ip -6 addr add fd00:1::2/64 dev eth0 nodad
	pings "$l" host pingbox
	lab exec pingbox ip -4 addr del 10.0.1.2/24 dev eth0
	expect_status 1 lab ping host pingbox -c 1
}

test_capture()
{
	local l pid

	new_lab l
	start_bg pid "$LAB_SH" capture host -c 2 icmp
	eventually 10 grep -q 'listening on eth0' "$(sample_err "$pid")"
	lab ping pingbox host -4 -c 1 > /dev/null
	wait_sample "$pid" 10
	expect_match "$(sample_out "$pid")" '10\.0\.1\.2 > 10\.0\.1\.1: ICMP echo request'
	expect_match "$(sample_out "$pid")" '10\.0\.1\.1 > 10\.0\.1\.2: ICMP echo reply'
}

test_command_line()
{
	local l bad

	new_lab l
	while read -r bad; do
		# shellcheck disable=SC2086	# words are meant
		expect_status 2 lab $bad
		expect_err 'hint: .*--help'
	done <<-'EOF'

		frob
		--frob
		up nonsense
		up pair bridge
		up --frob
		up --name
		up --name Upper
		up --name -dash
		up --name a/b
		up --name ..
		up --name=
		up --name aaaaaaaaaabbbbbbbbbbccccccccccddd
		up --all
		down a b
		down a --all
		down ../x
		down -j
		list x
		status --frob
		status a b
		exec
		exec host
		exec nobox true
		exec --frob host true
		shell
		shell host x
		shell nobox
		ping host
		ping host nobox
		ping nobox host
		capture
		capture nobox
	EOF
	lab down "$l"
	expect_status 1 lab exec host true
	expect_err 'no lab is up'
	expect_status 0 lab list
	for bad in --help -h 'up --help' 'exec -h'; do
		# shellcheck disable=SC2086
		expect_status 0 lab $bad
		expect_out '^examples:'
		expect_eq "messages" "$ERR" ""
	done
}

test_not_root()
{
	public_scripts
	expect_status 0 as_nobody "$PUBLIC/scripts/lab.sh" --help
	expect_status 1 as_nobody "$PUBLIC/scripts/lab.sh" up
	expect_err 'needs root'
}

# Root lacks CAP_SYS_ADMIN, as in a container.
test_no_capability()
{
	local l

	l=$(rand_name t-)
	expect_status 3 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \
		"$LAB_SH" up --name "$l"
	expect_err 'CAP_SYS_ADMIN'
	nothing_left "$l"
}

run_tests test_pair test_bridge test_lb test_picture test_commands_of_try \
	test_several_labs test_same_name_twice test_same_name_elsewhere \
	test_host_unchanged test_real_host_unchanged test_default_place \
	test_down_twice test_down_elsewhere test_down_after_kill test_down_of_stopped \
	test_down_without_state test_down_all \
	test_pid_of_another test_process_of_user test_interrupted_up \
	test_interrupted_anywhere test_down_of_unfinished test_failing_up \
	test_without_nginx test_exec test_ping test_capture test_command_line \
	test_not_root test_no_capability \
	test_pair_over_cards test_lb_over_cards test_cards_without_a_wire \
	test_card_of_a_killed_node test_refused_cards
