#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The filters of samples/tcpconnect. Most tests make two attempts, of which only the second
# matches the filter.
#
# shellcheck disable=SC2016 # $ in single quotes is of jq or perl

# wanted_is_second OPTION...: with these options, the sample reports the attempt of the second
# peer only. PEER1 and PEER2 are the arguments of the two peers.
wanted_is_second()
{
	local first second

	start -j "$@"
	peer "${PEER1[@]}"
	first=$P_PID
	peer "${PEER2[@]}"
	second=$P_PID
	eventually 5 has_events 1 "$second"
	stop
	expect_eq "events of the first one with $*" "$(events_of "$first")" 0
	expect_eq "events of the second one with $*" "$(events_of "$second")" 1
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 1'
}

test_filter_family()
{
	PEER1=("$S6" "$PORT") PEER2=("$S4" "$PORT")
	wanted_is_second -4
	PEER1=("$S4" "$PORT") PEER2=("$S6" "$PORT")
	wanted_is_second -6
	PEER1=("$S6" "$PORT") PEER2=("::ffff:$S4" "$PORT")
	wanted_is_second -4
	# -4 and -6 together report both families.
	start -4 -6 -j
	peer "$S4" "$PORT"
	peer "$S6" "$PORT"
	stop
	expect_json '.[-1].attempts == 2'
}

# The filter also applies to attempts that fail at once or are refused.
test_filter_port()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$CLOSED")
	wanted_is_second -P "$CLOSED"
	wanted_is_second -P "80,443,$CLOSED"
	wanted_is_second -P 80 -P "$CLOSED"
	PEER1=(198.51.100.1 "$PORT") PEER2=(198.51.100.1 "$CLOSED")
	wanted_is_second -P "$CLOSED"
	PEER1=("$S4" "$CLOSED") PEER2=("$S4" "$PORT")
	wanted_is_second -P "$(seq -s, 1 63),$PORT"
}

test_filter_comm()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$PORT" comm=fetch)
	wanted_is_second --comm fetch
	PEER1=("$S4" "$PORT" comm=fetch) PEER2=("$S4" "$PORT" comm=fetch2)
	wanted_is_second --comm fetch2
	PEER1=(198.51.100.1 "$PORT") PEER2=(198.51.100.1 "$PORT" comm=fetch)
	wanted_is_second --comm fetch
	# The kernel keeps only the first 15 bytes of a process name.
	PEER1=("$S4" "$PORT" comm=network-manage) PEER2=("$S4" "$PORT" comm=network-manager-2)
	wanted_is_second --comm network-manager-2
}

test_filter_uid()
{
	PEER1=("$S4" "$PORT") PEER2=("$S4" "$PORT" uid=65534)
	wanted_is_second -u 65534
	expect_json '.[1].uid == 65534'
	PEER1=("$S4" "$PORT" uid=65534) PEER2=("$S4" "$PORT")
	wanted_is_second -u 0
	PEER1=("$S4" "$CLOSED") PEER2=("$S4" "$CLOSED" uid=65534)
	wanted_is_second -u 65534
}

# The test must know the pid before the connection. So a shell waits, and then execs the peer.
test_filter_pid()
{
	local mine

	mkfifo "$TMP/go"
	start_bg mine nsenter "--net=/run/netns/$CLIENT" sh -c \
		'read -r _ <"$1"; shift; exec "$@"' sh "$TMP/go" perl "$TMP/peer.pl" "$S4" "$PORT"
	start -j -p "$mine"
	peer "$S4" "$PORT"
	echo >"$TMP/go"
	wait_sample "$mine" 10
	eventually 5 has_events 1 "$mine"
	stop
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 1'
}

# In a pid namespace of its own, as in a container, the sample reports the pids of that
# namespace. A process outside of the namespace has no pid there: 0.
test_pid_namespace()
{
	local inside

	start_main 30 unshare --pid --fork "$TCPCONNECT" --backend "$BACKEND" -n "$CLIENT" -j
	inside=$(child_named "$PID" tcpconnect)
	peer "$S4" "$PORT"
	read_peer "$(in_ns "$CLIENT" nsenter "--pid=/proc/$inside/ns/pid" perl "$TMP/peer.pl" \
		"$S4" "$PORT")"
	eventually 5 has_events 1 "$P_PID"
	kill "$inside"
	wait_sample "$PID" 10
	[ "$P_PID" -lt 10 ] || fail "the peer has the number $P_PID in a new pid namespace"
	expect_json '[.[] | select(.event == "connect").pid] == [0, $pid]' --argjson pid "$P_PID"
}

test_filter_netns()
{
	local other

	ns_add other
	start_all -j -n "/run/netns/$other"
	peer "$S4" "$PORT"
	peer_in "$other" 127.0.0.1 "$CLOSED"
	expect_event '.netns == $inode' --argjson inode "$(stat -Lc %i "/run/netns/$other")"
	peer "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 1 and .filtered_out >= 2'
}

# Without -n the sample shows all network namespaces, by their inode numbers.
test_all_namespaces()
{
	local other

	ns_add other
	start_all -j
	peer_in "$other" 127.0.0.1 "$CLOSED"
	expect_event '.netns == $inode' --argjson inode "$(stat -Lc %i "/run/netns/$other")"
	peer "$S4" "$PORT"
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	stop
}

test_filter_cgroup()
{
	local root dir

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip "cgroup v2 is mounted nowhere"
	dir=$root/$(rand_name nbt-)
	mkdir -p "$dir/below" 2>/dev/null || skip "cannot make a cgroup in $root"
	defer "rmdir $dir/below $dir"
	start -j --cgroup "$dir"
	peer "$S4" "$PORT"
	peer_in_cgroup "$dir" "$S4" "$PORT"
	expect_attempt OK 4 "$C4" "$S4" "$PORT"
	# Processes in a cgroup below match, too.
	peer_in_cgroup "$dir/below" 198.51.100.1 "$PORT"
	expect_attempt ENETUNREACH 4 0.0.0.0 198.51.100.1 "$PORT"
	stop
	expect_json '.[-1] | .attempts == 2 and .filtered_out >= 1'
	start -j --cgroup "$dir/below"
	peer_in_cgroup "$dir" "$S4" "$PORT"
	stop
	expect_json '.[-1] | .attempts == 0 and .filtered_out >= 1'
}

peer_in_cgroup()
{
	read_peer "$(in_ns "$CLIENT" sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh \
		"$1" perl "$TMP/peer.pl" "${@:2}")"
}

test_bad_cgroup()
{
	expect_status 1 "$TCPCONNECT" --cgroup /nonexistent/cgroup
	expect_err '^tcpconnect: failed to open the cgroup /nonexistent/cgroup: No such file'
	expect_status 1 "$TCPCONNECT" --cgroup "$TMP"
	expect_err '^tcpconnect: failed to use the cgroup .*: not a directory of cgroup v2$'
	expect_err '^  hint: .*cgroup2'
	expect_eq stdout "$OUT" ""
}

test_bad_options()
{
	local bad

	for bad in '' 0 65536 -1 1x '80,' ,80 80,,443 80,x ' 80' '80 443'; do
		expect_status 2 "$TCPCONNECT" -P "$bad"
		expect_err '^tcpconnect: --port .*: not ports from 1 to 65535'
	done
	expect_status 2 "$TCPCONNECT" -P "$(seq -s, 1 65)"
	expect_err 'at most 64 ports'
	for bad in '' 0 -1 x 1x 2147483648; do
		expect_status 2 "$TCPCONNECT" -p "$bad"
	done
	for bad in '' -1 x 4294967296; do
		expect_status 2 "$TCPCONNECT" -u "$bad"
	done
	expect_status 2 "$TCPCONNECT" --comm ''
	expect_status 2 "$TCPCONNECT" --cgroup ''
	for bad in '' kprobes KPROBE raw; do
		expect_status 2 "$TCPCONNECT" --backend "$bad"
		expect_err 'not auto, kprobe, fentry or tracepoint'
	done
}
