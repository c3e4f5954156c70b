#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A lab of network namespaces and veth pairs, in place of containers.
# Documentation/lab.rst describes it.
#
# A node is a network namespace that a holder process keeps alive. Unlike "ip netns
# add", the lab makes no mount for it, so that the mounts of the host stay as they
# are. A symlink in /run/netns makes the name known to ip(8) and the samples.
#
# State of a lab, in $RUN/LAB/:
#	topology		name of the topology
#	cards, home		only of a lab over network cards: lab/cards.sh
#	maker, worker		"up" and its child, while they make the lab
#	nodes/NODE/holder	process that keeps the namespace, and the namespace
#	nodes/NODE/nginx	web server of the node
#	nodes/NODE/pass-IF	XDP program that passes on interface IF
# A process is noted as "pid starttime", so that a later process with the same pid is
# never taken for ours.

set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
# shellcheck source=scripts/lab/topology.sh
. "$here/lab/topology.sh"
# shellcheck source=scripts/lab/state.sh
. "$here/lab/state.sh"
# shellcheck source=scripts/lab/cards.sh
. "$here/lab/cards.sh"
# shellcheck source=scripts/lab/make.sh
. "$here/lab/make.sh"
# shellcheck source=scripts/lab/draw.sh
. "$here/lab/draw.sh"

PASS_BIN=$NETBPF_OUT/samples/pass

usage()
{
	cat <<-EOF
	usage: $0 COMMAND [OPTION...] [ARGUMENT...]

	A network lab made of namespaces. The host's own network is not touched.

	  up [TOPOLOGY] [--name NAME]   make a lab: pair (default), bridge or lb
	     [--over CARDS]             with these network cards in place of veth pairs
	  down [NAME] [--all]           remove it; --all: every lab and leftover
	  list                          labs that are up
	  status [NAME] [-j]            picture with addresses and XDP programs; -j: JSON
	  exec NODE COMMAND...          run COMMAND in the network of NODE
	  shell NODE                    a shell there
	  ping FROM TO [ping options]   ping a node (or an address) from a node
	  capture NODE [tcpdump args]   tcpdump on a node

	  --name NAME    which lab; may be left out if there is one, or for up if the
	                 name of the topology will do
  --over CARDS   up: a network card for each node of pair or lb, separated by
                 blanks, all on one wire; "down" gives them back
	  -h, --help     this text

	topologies:
	  pair      host --- pingbox
	  bridge    host with bridge docker0; pingbox and webbox behind it
	  lb        client, lb, backend-a, backend-b around a switch

	Node NODE of lab NAME is the network namespace netbpf-NAME-NODE.

	exit status: 0 done, 1 failed, 2 bad command line, 3 this machine cannot;
	exec, shell, ping and capture end as the command they run.

	examples:
	  $0 up
	  $0 ping pingbox host
	  $0 exec host curl http://10.0.1.2/
	  $0 up lb --name second
	  $0 status --name second -j | jq .nodes
	  $0 up pair --over eth1 eth2
	  $0 down --all
	EOF
}

# require_tool TOOL: exit if TOOL is missing. An installed lab has no setup.sh to name.
require_tool()
{
	local setup=$here/setup.sh

	have "$1" && return
	[ -x "$setup" ] || setup="install the package that has $1"
	die 3 "$1 is missing" "$setup"
}

# may_see WHAT NODE...: exit unless the namespaces of the nodes can be seen. The kernel hides
# processes with more capabilities than ours, such as those of the machine's own root.
may_see()
{
	local node pid

	for node in "${@:2}"; do
		pid=$(node_pid "$node") || continue
		netns_of "$pid" >/dev/null || require_caps "$1" SYS_PTRACE
	done
}

# ------------------------------------------------------------------ up, down

cmd_up()
{
	local tool need='ip nsenter unshare setsid ping jq'

	parse operands "--name --over" "$@"
	[ ${#ARGS[@]} -le 1 ] || usage_error "up takes one topology"
	TOPOLOGY=${ARGS[0]:-pair}
	topology_load "$TOPOLOGY" ||
		usage_error "no topology '$TOPOLOGY': there are $TOPOLOGIES"
	LAB=${OPT_NAME:-$TOPOLOGY}
	check_name "$LAB"
	require_root "making a lab" "${NETBPF_LAB_CAPS[@]}"
	[ ${#TXOFF[@]} -eq 0 ] && [ -z "$OPT_OVER" ] || need="$need ethtool"
	for tool in $need; do
		require_tool "$tool"
	done
	if [ -n "$OPT_OVER" ]; then
		[ "$TOPOLOGY" != bridge ] || usage_error "--over is for pair and lb"
		topology_over
		check_cards "${CARDS[@]}"
	fi
	[ -x "$PASS_BIN" ] || die 1 "$PASS_BIN is missing" \
		"make -C $NETBPF_TOP/samples${O:+ O=$O}"
	claim
	run_worker
}

cmd_down()
{
	local name

	parse operands "--name --all" "$@"
	[ ${#ARGS[@]} -le 1 ] || usage_error "down takes one name"
	name=${OPT_NAME:-${ARGS[0]:-}}
	[ -z "$name" ] || check_name "$name"
	[ -z "$name" ] || [ "$OPT_ALL" -eq 0 ] ||
		usage_error "down takes a name or --all, not both"
	require_root "removing a lab"
	find_leftovers
	if [ -n "$name" ]; then
		contains "$name" "${LABS[@]}" || note "no lab $name: nothing to do"
		LABS=("$name")
	elif [ ${#LABS[@]} -eq 0 ]; then
		note "no lab is up: nothing to do"
		rmdir "$RUN" 2>/dev/null || true
		return 0
	elif [ "$OPT_ALL" -eq 0 ] && [ ${#LABS[@]} -gt 1 ]; then
		which_lab
	fi
	for name in "${LABS[@]}"; do
		lab_remove "$name"
	done
}

# ---------------------------------------------------------------- looking at

cmd_list()
{
	local lab

	parse operands "" "$@"
	[ ${#ARGS[@]} -eq 0 ] || usage_error "list takes no argument"
	find_labs
	if [ ${#LABS[@]} -eq 0 ]; then
		note "no lab is up"
		hint "$0 up"
		return 0
	fi
	printf '%-20s %-9s %-9s %s\n' NAME TOPOLOGY STATE NODES
	for lab in "${LABS[@]}"; do
		lab_load "$lab"
		printf '%-20s %-9s %-9s %s\n' "$lab" "$TOPOLOGY" "$(lab_state)" "${NODES[*]}"
	done
}

cmd_status()
{
	parse operands "--name --json" "$@"
	[ ${#ARGS[@]} -le 1 ] || usage_error "status takes one name"
	require_root "looking into a lab" SYS_ADMIN
	require_tool jq
	choose_lab "${OPT_NAME:-${ARGS[0]:-}}"
	may_see "looking into a lab" "${NODES[@]}"
	if [ "$OPT_JSON" -eq 1 ]; then
		status_json
	else
		show_status "$(lab_state)"
	fi
}

# ------------------------------------------------------------- working in it

# enter COMMAND NODE: choose the lab, check NODE, set ENTER_PID.
enter()
{
	[ -n "$2" ] || usage_error "$1: which node?"
	require_root "entering a lab" SYS_ADMIN
	choose_lab "$OPT_NAME"
	contains "$2" "${NODES[@]}" ||
		usage_error "lab $LAB has no node '$2': it has ${NODES[*]}"
	may_see "entering a lab" "$2"
	ENTER_PID=$(node_pid "$2") ||
		die 1 "node $2 of lab $LAB is gone (its process was killed)" "$0 down $LAB"
}

cmd_exec()
{
	parse node "--name" "$@"
	[ ${#ARGS[@]} -ge 2 ] || usage_error "exec needs a node and a command"
	enter exec "${ARGS[0]}"
	exec nsenter --net="/proc/$ENTER_PID/ns/net" -- "${ARGS[@]:1}"
}

cmd_shell()
{
	local rc

	parse operands "--name" "$@"
	[ ${#ARGS[@]} -le 1 ] || usage_error "shell takes a node"
	enter shell "${ARGS[0]:-}"
	# shellcheck disable=SC2016	# $PS1 is of the new shell
	rc='[ ! -r ~/.bashrc ] || . ~/.bashrc; PS1="(%s) $PS1"\n'
	# shellcheck disable=SC2059	# the format is the line above
	exec nsenter --net="/proc/$ENTER_PID/ns/net" -- \
		bash --rcfile <(printf "$rc" "netbpf-$LAB-${ARGS[0]}")
}

cmd_ping()
{
	local families='' option status=0 worst=0 family address

	parse node "--name" "$@"
	[ ${#ARGS[@]} -ge 2 ] || usage_error "ping needs two nodes"
	enter ping "${ARGS[0]}"
	address=${ARGS[1]}
	for option in "${ARGS[@]:2}"; do
		case $option in
		-4 | -6) families=${option#-} ;;
		esac
	done
	if contains "$address" "${NODES[@]}"; then
		[ -n "$(node_addr 4 "$address")" ] || usage_error "$address has no address"
		families=${families:-4 6}
	elif [[ $address == *:* ]]; then
		families=6
	elif [[ $address =~ ^[0-9.]+$ ]]; then
		families=4
	else
		usage_error "lab $LAB has no node '$address': it has ${NODES[*]}"
	fi
	for family in $families; do
		address=$(node_addr "$family" "${ARGS[1]}")
		# The user's options come last, so that they override these.
		nsenter --net="/proc/$ENTER_PID/ns/net" -- ping "-$family" -c 3 -i 0.2 -W 1 \
			"${ARGS[@]:2}" "${address:-${ARGS[1]}}" || status=$?
		[ "$status" -le "$worst" ] || worst=$status
	done
	return "$worst"
}

cmd_capture()
{
	local interface=() arg

	parse node "--name" "$@"
	[ ${#ARGS[@]} -ge 1 ] || usage_error "capture needs a node"
	enter capture "${ARGS[0]}"
	require_tool tcpdump
	interface=(-i "$(main_interface "${ARGS[0]}")")
	for arg in "${ARGS[@]:1}"; do
		case $arg in
		-i* | --interface* | -r*) interface=() ;;
		esac
	done
	note "what native XDP drops here is not seen here: it never reaches the tap"
	exec nsenter --net="/proc/$ENTER_PID/ns/net" -- \
		tcpdump -n -l "${interface[@]}" "${ARGS[@]:1}"
}

# ------------------------------------------------------------- command line

# check_name NAME: exit unless a lab may have this name.
check_name()
{
	[[ $1 =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] ||
		usage_error "bad lab name '$1': a-z, 0-9 and -, at most 32, no - first"
}

# parse HOW ALLOWED ARGUMENT...: put options into OPT_*, and the rest into ARGS. With HOW
# "node", all that follows the first operand belongs to another command. The operands after
# --over are put into CARDS.
parse()
{
	local how=$1 allowed=$2 option

	OPT_NAME='' OPT_ALL=0 OPT_JSON=0 OPT_OVER='' ARGS=() CARDS=()
	shift 2
	while [ $# -gt 0 ]; do
		option=${1%%=*}
		[ "$option" != -j ] || option=--json
		case $1 in
		-h | --help) usage; exit 0 ;;
		--) shift; break ;;
		-*) [[ " $allowed " == *" $option "* ]] ||
			usage_error "unknown option '$1'" ;;
		esac
		case $1 in
		--name)
			[ $# -ge 2 ] || usage_error "--name needs a name"
			OPT_NAME=$2; shift; check_name "$OPT_NAME" ;;
		--name=*) OPT_NAME=${1#*=}; check_name "$OPT_NAME" ;;
		--all) OPT_ALL=1 ;;
		--over) OPT_OVER=1 ;;
		-j | --json) OPT_JSON=1 ;;
		-*) usage_error "unknown option '$1'" ;;
		*)
			[ "$how" != node ] || break
			if [ -n "$OPT_OVER" ]; then CARDS+=("$1"); else ARGS+=("$1"); fi ;;
		esac
		shift
	done
	ARGS+=("$@")
}

main()
{
	local command=${1:-}

	case $command in
	-h | --help | help) usage ;;
	'') usage_error "which command?" ;;
	up | down | list | status | exec | shell | ping | capture)
		shift
		"cmd_$command" "$@"
		;;
	*) usage_error "unknown command '$command'" ;;
	esac
}

main "$@"
