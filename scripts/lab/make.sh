#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How lab.sh makes a lab: lock, namespaces, links, XDP programs, servers.
# Sourced by lab.sh; it runs nothing by itself.

declare -A NODE_PID	# pid of the holder of each node of the lab that is being made
PENDING=0		# exit status for a signal that came during claim
MADE=0			# 1: the directory of the lab is ours
WORKER=			# the process that makes the lab

# in_node NODE COMMAND...: run COMMAND in the network namespace of a node that is being made.
in_node()
{
	local pid=${NODE_PID[$1]}

	shift
	nsenter --net="/proc/$pid/ns/net" -- "$@"
}

# up_exit STATUS: exit from an "up" that did not finish. If this "up" has made the directory of
# the lab, kill the worker with its process group, and remove what there is of the lab.
up_exit()
{
	trap '' INT TERM HUP
	trap - EXIT
	[ "$MADE" -eq 1 ] || exit "$1"
	if [ -n "$WORKER" ]; then
		kill -KILL -- "-$WORKER" 2>/dev/null || true
		wait "$WORKER" 2>/dev/null || true
		cat "$RUN/$LAB/messages" >&2 2>/dev/null || true
	fi
	rm -f "$RUN/$LAB/maker"
	lab_remove "$LAB"
	note "lab $LAB was not finished and has been removed"
	exit "$1"
}

# claim: make the directory of the lab, which is the lock against a second "up". A signal
# only sets PENDING until we know whether the directory is ours. There must be no command
# substitution here: bash cannot run a trap while it reads one.
claim()
{
	local start

	start=$(starttime $$)
	trap 'PENDING=130' INT
	trap 'PENDING=143' TERM
	trap 'PENDING=129' HUP
	trap 'up_exit $?' EXIT
	# A down of the last lab may remove $RUN at this moment: try again.
	for _ in 1 2 3 4 5; do
		mkdir -p "$RUN" "$NETNS"
		if (trap '' INT TERM HUP; exec mkdir "$RUN/$LAB") 2>/dev/null; then
			MADE=1
			break
		fi
		[ ! -d "$RUN/$LAB" ] || break
	done
	[ "$MADE" -eq 0 ] || echo "$$ $start" > "$RUN/$LAB/maker"
	trap 'up_exit 130' INT
	trap 'up_exit 143' TERM
	trap 'up_exit 129' HUP
	[ "$PENDING" -eq 0 ] || up_exit "$PENDING"
	[ "$MADE" -eq 1 ] ||
		die 1 "lab $LAB exists already" "$0 down $LAB, or another --name"
}

# spawn LOG COMMAND...: run COMMAND in the background as the leader of its own
# session. It inherits no open files from the caller, and no environment but PATH.
# owner_mark shows that the process belongs to the lab. $! is the pid of COMMAND.
spawn()
{
	local log=$1 fd

	shift
	(
		cd /
		for fd in "/proc/$BASHPID/fd/"*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec env -i PATH="$PATH" "$(owner_mark "$LAB")" setsid "$@"
	) < /dev/null > "$log" 2>&1 &
}

# record FILE PID: write process PID to FILE in the state of the lab.
record()
{
	echo "$2 $(starttime "$2" || echo 0)" > "$1"
}

# named PID NAME: true if process PID has become the holder called NAME, or has ended.
named()
{
	local first=''

	# The command line is empty while the process is in the middle of execve().
	{ read -r -d '' first < "/proc/$1/cmdline"; } 2>/dev/null || true
	[ "$first" = "$2" ] || ! starttime "$1"
}

make_nodes()
{
	local node pid name

	for node in "${NODES[@]}"; do
		name=$NETNS/netbpf-$LAB-$node
		if [ -e "$name" ]; then
			die 1 "$name exists and is in use" \
			    "another --name, or remove it: ip netns del netbpf-$LAB-$node"
		fi
		mkdir -p "$RUN/$LAB/nodes/$node"
		# shellcheck disable=SC2016	# $0 is of the inner shell
		spawn /dev/null unshare --net -- \
			bash -c 'exec -a "$0" sleep infinity' "netbpf-lab-$LAB-$node"
		NODE_PID[$node]=$!
		record "$RUN/$LAB/nodes/$node/holder" "${NODE_PID[$node]}"
	done
	for node in "${NODES[@]}"; do
		pid=${NODE_PID[$node]}
		wait_until 5 named "$pid" "netbpf-lab-$LAB-$node" || true
		starttime "$pid" > /dev/null ||
			die 3 "a new network namespace is refused (it needs CAP_SYS_ADMIN)" \
			    "run as root of the machine, or in a privileged container"
		echo "$pid $(starttime "$pid") $(netns_of "$pid")" \
			> "$RUN/$LAB/nodes/$node/holder"
		ln -sfn "/proc/$pid/ns/net" "$NETNS/netbpf-$LAB-$node"
	done
}

# set_node_sysctls NODE: the process that opens a file in /proc/sys/net sets the sysctl in its
# own network namespace. So the files are opened inside the node.
set_node_sysctls()
{
	# shellcheck disable=SC2016	# the variables are of the inner shell
	node_sysctls | in_node "$1" sh -c \
		'while read -r file value; do echo "$value" > "/proc/sys/net/$file"; done'
}

make_links()
{
	local node

	for node in "${NODES[@]}"; do
		set_node_sysctls "$node" ||
			die 1 "cannot set the sysctls of $node"
	done
	if [ ${#CARD[@]} -gt 0 ]; then
		move_cards
	else
		hub_commands | in_node "$HUB" ip -batch - ||
			die 1 "cannot make the links of $HUB"
	fi
	for node in "${SPOKES[@]}"; do
		spoke_commands "$node" | in_node "$node" ip -batch - ||
			die 1 "cannot set up eth0 of $node"
	done
	for node in "${TXOFF[@]}"; do
		in_node "$node" ethtool -K eth0 tx off > /dev/null ||
			die 1 "cannot turn off transmit checksum offload of $node"
	done
}

start_pass_programs()
{
	local end node dir

	for end in "${PASS[@]}"; do
		node=${end%/*}
		dir=$RUN/$LAB/nodes/$node
		spawn "$dir/pass-${end#*/}.log" "$PASS_BIN" \
			-n "$NETNS/netbpf-$LAB-$node" -i "${end#*/}" -m native
		record "$dir/pass-${end#*/}" $!
	done
}

# pass_ready BASE: true if the program noted in BASE says that it is attached, or has ended.
pass_ready()
{
	grep -q '^ready:' "$1.log" || ! recorded_pid "$1"
}

wait_pass_programs()
{
	local end base

	for end in "${PASS[@]}"; do
		base=$RUN/$LAB/nodes/${end%/*}/pass-${end#*/}
		wait_until 10 pass_ready "$base" || true
		if ! grep -q '^ready:' "$base.log"; then
			cat "$base.log" >&2
			die 1 "no native XDP program on ${end#*/} of ${end%/*}" \
			    "$(script_called doctor)"
		fi
	done
}

start_servers()
{
	local node dir

	if ! have nginx; then
		note "nginx is missing: nothing answers on port 80"
		hint "apt-get install nginx"
		return 0
	fi
	for node in "${SERVERS[@]}"; do
		dir=$RUN/$LAB/nodes/$node
		nginx_config "$node" "$dir" > "$dir/nginx.conf"
		spawn "$dir/nginx.out" nsenter --net="$NETNS/netbpf-$LAB-$node" -- \
			nginx -e "$dir/nginx.log" -p "$dir" -c "$dir/nginx.conf"
		record "$dir/nginx" $!
	done
}

# listens NODE: true if something listens on port 80 (0x50), or the server has ended.
listens()
{
	local family

	recorded_pid "$RUN/$LAB/nodes/$1/nginx" > /dev/null || return 0
	for family in tcp tcp6; do
		[ ! -e "/proc/${NODE_PID[$1]}/net/$family" ] ||
			grep -q ':0050 0*:0000 0A' "/proc/${NODE_PID[$1]}/net/$family" ||
			return 1
	done
}

wait_servers()
{
	local node dir

	have nginx || return 0
	for node in "${SERVERS[@]}"; do
		dir=$RUN/$LAB/nodes/$node
		if ! wait_until 5 listens "$node" ||
		   ! recorded_pid "$dir/nginx" > /dev/null; then
			cat "$dir/nginx.out" "$dir/nginx.log" >&2 2>/dev/null || true
			die 1 "nginx of $node does not start"
		fi
	done
}

# answers FROM TO FAMILY: true if TO answers a ping from FROM.
answers()
{
	in_node "$1" ping "-$3" -c 1 -W 1 "$(node_addr "$3" "$2")"
}

# wait_answers: wait until each spoke answers pings from the first node that has an address.
wait_answers()
{
	local node family first=${SPOKES[0]} families=4 time=5 cure

	[ ! -d /proc/sys/net/ipv6 ] || families='4 6'
	[ -z "$HUB" ] || [ -z "${HOSTNUM[$HUB]:-}" ] || first=$HUB
	cure="$0 up $TOPOLOGY, and look at the messages of the kernel: dmesg"
	if [ ${#CARD[@]} -gt 0 ]; then
		# A card may take seconds to find its link.
		time=15
		cure="are the cards on one wire, and is it plugged in? ethtool CARD"
	fi
	for node in "${SPOKES[@]}"; do
		[ "$node" != "$first" ] || continue
		for family in $families; do
			wait_until "$time" answers "$first" "$node" "$family" ||
				die 1 "$node does not answer ping -$family from $first" "$cure"
		done
	done
}

# make_lab: make the lab, in the worker. Its output is what "up" prints at the end.
make_lab()
{
	# Do not read BASHPID inside of $(): it would be the pid of the substitution.
	local pid=$BASHPID

	echo "$pid $(starttime "$pid")" > "$RUN/$LAB/worker"
	echo "$TOPOLOGY" > "$RUN/$LAB/topology"
	note_cards "${CARDS[@]}"
	make_nodes
	make_links
	start_pass_programs
	start_servers
	wait_pass_programs
	wait_servers
	wait_answers
	show_status up
	echo
	echo 'try:'
	find_labs
	try_commands "$TOPOLOGY" "$LAB" "$([ ${#LABS[@]} -eq 1 ] || echo " --name $LAB")" |
		sed 's/^/  /'
	rm "$RUN/$LAB/worker"
}

# run_worker: make the lab in a process group of its own, and wait. A terminal sends Ctrl-C
# to our group only, which ends the wait at once: up_exit then ends the worker.
run_worker()
{
	set -m
	make_lab < /dev/null > "$RUN/$LAB/text" 2> "$RUN/$LAB/messages" &
	WORKER=$!
	set +m
	wait "$WORKER" || up_exit $?
	# The lab is up. If a signal comes before the user is told so, up_exit removes the lab.
	WORKER=
	rm "$RUN/$LAB/maker"
	cat "$RUN/$LAB/messages" >&2 2>/dev/null || true
	cat "$RUN/$LAB/text" 2>/dev/null || true
	trap '' INT TERM HUP
	trap - EXIT
}
