#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Finds what there is of the labs (their state below $RUN, their processes), and removes
# all of it. Sourced by lab.sh, which describes the state; it runs nothing by itself.

RUN=${NETBPF_RUN:-/run/netbpf}
NETNS=/run/netns

# owner_mark LAB: print a variable that is in the environment of each process of a lab.
# It tells these processes from all others, even if nothing else is left of the lab.
owner_mark()
{
	echo "NETBPF_LAB_OWNER=$RUN/$1"
}

# starttime PID: print when the process started (field 22 of stat). Fail if the process
# is gone, or is a zombie, which only waits to be reaped.
starttime()
{
	local stat fields

	{ read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
	# The name in field 2 may hold spaces and brackets.
	read -ra fields <<< "${stat##*) }"
	[ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

netns_of()
{
	readlink "/proc/$1/ns/net" 2>/dev/null
}

# recorded_pid FILE: print the pid noted in FILE, if it is still the same process.
recorded_pid()
{
	local pid='' start=''

	{ read -r pid start _ < "$1"; } 2>/dev/null || return 1
	[[ $pid =~ ^[0-9]+$ ]] && [ "$(starttime "$pid")" = "$start" ] && echo "$pid"
}

# node_pid NODE: print the pid of the holder of NODE of $LAB, if it still keeps that namespace.
# If it has more capabilities than we have, we cannot see its namespace, and trust the note.
node_pid()
{
	local pid netns='' now

	pid=$(recorded_pid "$RUN/$LAB/nodes/$1/holder") || return 1
	read -r _ _ netns < "$RUN/$LAB/nodes/$1/holder"
	now=$(netns_of "$pid") || now=$netns
	[ -n "$netns" ] && [ "$now" = "$netns" ] && echo "$pid"
}

# find_labs: put the names of the labs into LABS.
find_labs()
{
	local dir

	LABS=()
	for dir in "$RUN"/*/; do
		[ ! -d "$dir" ] || LABS+=("$(basename "$dir")")
	done
}

# is_ours PID: true if PID is in our pid namespace, and has our mounts or at least our $RUN. A
# container or a test beside us may have labs of its own, which "list" does not show.
is_ours()
{
	[ "/proc/$1/ns/pid" -ef /proc/self/ns/pid ] || return 1
	[ "/proc/$1/ns/mnt" -ef /proc/self/ns/mnt ] || [ "/proc/$1/root$RUN" -ef "$RUN" ]
}

# marked_pids MARK: print the pids of ours with an environment variable that starts with MARK.
marked_pids()
{
	local file pid

	grep -lzs -- "^$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid file; do
		[ "$file" != environ ] || ! is_ours "$pid" || echo "$pid"
	done
}

# link_lab NAME: print the lab to which a symlink NAME in /run/netns would belong.
link_lab()
{
	local node lab=${1#netbpf-}

	for node in $ALL_NODES; do
		[ "${lab%-"$node"}" = "$lab" ] || { echo "${lab%-"$node"}"; return 0; }
	done
	return 1
}

# stale_link LINK: true if LINK is a symlink of a lab, and nobody keeps its namespace any
# more: the process is gone, or a process that is not of a lab has its pid.
stale_link()
{
	local pid

	[ -L "$1" ] || return 1
	pid=$(readlink "$1")
	[[ $pid =~ ^/proc/([0-9]+)/ns/net$ ]] || return 1
	pid=${BASH_REMATCH[1]}
	! grep -qsz '^NETBPF_LAB_OWNER=' "/proc/$pid/environ" && ! is_hidden "$pid"
}

# is_hidden PID: true if the process lives, but has more capabilities than this one.
is_hidden()
{
	starttime "$1" > /dev/null && ! { : < "/proc/$1/environ"; } 2>/dev/null
}

# find_leftovers: find_labs, and add labs of which only processes or symlinks are left.
find_leftovers()
{
	local pid link lab

	find_labs
	for pid in $(marked_pids "$(owner_mark '')"); do
		# The process may have ended by now.
		lab=$({ tr '\0' '\n' < "/proc/$pid/environ"; } 2>/dev/null |
			sed -n "s|^$(owner_mark '')||p") || continue
		[ -z "$lab" ] || contains "$lab" "${LABS[@]}" || LABS+=("$lab")
	done
	for link in "$NETNS"/netbpf-*; do
		stale_link "$link" || continue
		lab=$(link_lab "$(basename "$link")") || continue
		contains "$lab" "${LABS[@]}" || LABS+=("$lab")
	done
}

# which_lab: exit, because several labs are up and the user has named none.
which_lab()
{
	note "which lab? ${#LABS[@]} are up: ${LABS[*]}"
	hint "say --name ${LABS[0]}"
	exit 2
}

# lab_load NAME: make NAME the lab that the rest works on.
lab_load()
{
	LAB=$1 TOPOLOGY=unknown NODES=()
	{ read -r TOPOLOGY < "$RUN/$LAB/topology"; } 2>/dev/null || true
	! topology_load "$TOPOLOGY" || load_cards
}

# choose_lab NAME: load the lab NAME, or the only lab if NAME is empty.
choose_lab()
{
	find_labs
	if [ ${#LABS[@]} -eq 0 ]; then
		die 1 "no lab is up" "$0 up"
	elif [ -n "$1" ]; then
		contains "$1" "${LABS[@]}" ||
			die 1 "no lab '$1': up are ${LABS[*]}" "$0 list"
		lab_load "$1"
	else
		[ ${#LABS[@]} -eq 1 ] || which_lab
		lab_load "${LABS[0]}"
	fi
	[ "$TOPOLOGY" != unknown ] ||
		die 1 "lab $LAB was never finished" "$0 down $LAB"
}

# lab_state: print starting, up or broken.
lab_state()
{
	local node

	if [ -e "$RUN/$LAB/maker" ]; then
		if recorded_pid "$RUN/$LAB/maker" > /dev/null; then
			echo starting
		else
			echo broken
		fi
		return 0
	fi
	for node in "${NODES[@]}"; do
		node_pid "$node" > /dev/null || { echo broken; return 0; }
	done
	[ ${#NODES[@]} -gt 0 ] && echo up || echo broken
}

# lab_pids LAB: print all processes of a lab: those that are noted, and those with its mark.
lab_pids()
{
	local file pid

	for file in "$RUN/$1"/nodes/*/{holder,nginx,pass-*}; do
		[ "${file%.log}" != "$file" ] || recorded_pid "$file" || true
	done
	for pid in $(marked_pids "$(owner_mark "$1")\$"); do
		! starttime "$pid" > /dev/null || echo "$pid"
	done
}

no_pids()
{
	[ -z "$(lab_pids "$1")" ]
}

# stop_maker LAB: end an "up" that is still at work; it cleans up by itself. If it was
# killed, its worker may still run: end the worker, too.
stop_maker()
{
	local pid file=$RUN/$1/maker

	if pid=$(recorded_pid "$file"); then
		kill -TERM "$pid" 2>/dev/null || true
		wait_until 10 eval "! recorded_pid '$file'" ||
			kill -KILL "$pid" 2>/dev/null || true
	fi
	file=$RUN/$1/worker
	if pid=$(recorded_pid "$file"); then
		kill -KILL -- "-$pid" 2>/dev/null || true
		wait_until 5 eval "! recorded_pid '$file'" || true
	fi
}

# tell_strangers NETNS...: report processes that still run in a namespace of the lab.
tell_strangers()
{
	local netns pid

	for netns; do
		find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/ns/net' \
			-lname "${netns//[\[\]]/?}" 2>/dev/null || true
	done | while IFS=/ read -r _ _ pid _; do
		note "still running in the network of the lab: pid $pid" \
		     "($(cat "/proc/$pid/comm" 2>/dev/null || true))"
	done
}

# lab_remove LAB: remove a lab, even if only parts of it are left.
lab_remove()
{
	local lab=$1 pid node fd spaces=() held=()

	stop_maker "$lab"
	give_back_cards "$lab"
	for pid in $(lab_pids "$lab"); do
		node=$(netns_of "$pid") || continue
		! contains "$node" "$(netns_of self)" "${spaces[@]}" || continue
		# Keep the namespace open, or somebody's new namespace may get the same number.
		{ exec {fd}< "/proc/$pid/ns/net"; } 2>/dev/null || continue
		spaces+=("$node") held+=("$fd")
	done
	for pid in $(lab_pids "$lab"); do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait_until 2 no_pids "$lab" || for pid in $(lab_pids "$lab"); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait_until 5 no_pids "$lab" ||
		note "these processes do not end: $(lab_pids "$lab" | tr '\n' ' ')"
	for node in $ALL_NODES; do
		remove_link "$lab" "$node"
	done
	rm -rf "${RUN:?}/${lab:?}"
	rmdir "$RUN" 2>/dev/null || true
	tell_strangers "${spaces[@]}"
	for fd in "${held[@]}"; do
		exec {fd}<&-
	done
}

# remove_link LAB NODE: remove a stale symlink, but never a file that is not ours, nor the
# symlink of a lab of the same name below another $RUN.
remove_link()
{
	local link=$NETNS/netbpf-$1-$2

	! stale_link "$link" || rm -f "$link"
}
