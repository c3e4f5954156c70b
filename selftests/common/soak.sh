#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer under mixed load, while all changes that users make happen, in an order
# that depends on the seed. No request is lost that a live backend could have served, memory
# stays flat, tables stay within their limits, and nothing is left behind. Takes one minute;
# scripts/fuzz.sh --soak takes longer.
# shellcheck disable=SC2317 # events are called by their names

# shellcheck source=selftests/xdp_lb/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/../xdp_lb/xdp_lb_lib.sh"

SOAK=${NETBPF_SOAK:-60}
SEED=${NETBPF_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
# So few table entries that new connections replace ended ones all the time.
CONNECTIONS=4096
# Generous timeouts, and two failures: a busy machine must not look like a dead backend.
CHECK='type: http, path: /, interval_ms: 500, timeout_ms: 500, rise: 1, fall: 2'
SERVICES=(web4 web6 udp4 udp6)
# How much the memory of a control process may grow after warm_up, in kB: anonymous
# memory, and all memory. The latter includes pages of the program and of libraries that are
# used for the first time.
ANON_GROWTH=128
RSS_GROWTH=1024
# Make glibc return freed memory. By default it may keep up to twice the size of the largest
# block so far, depending on where free blocks are: up to 290 kB more or less at the next look.
# And when glibc returns memory, it keeps top_pad (128 kB).
GLIBC_TUNABLES=glibc.malloc.trim_threshold=65536:glibc.malloc.mmap_threshold=65536
export GLIBC_TUNABLES=$GLIBC_TUNABLES:glibc.malloc.top_pad=0
# A sanitizer keeps freed memory, to detect later use of it. It reports leaks itself at the end.
[ -z "${NETBPF_SAN:-}" ] || ANON_GROWTH=1000000 RSS_GROWTH=1000000

# Finds the program in a build and where kselftests are installed.
LOAD=$(test_program soak_load) || skip "soak_load is not built"

declare -A NGINX ECHO		# pids of the servers, by node
declare -A DID			# how often each event has happened
RELOADS=0 CONTROLS=0		# reloads; control processes so far
SLOTS=0				# size of the flow table
SLOWEST=0			# longest time until a backend was known to be down, in ms

# ---------------------------------------------------------------------------
# Processes

# config A B [WITHOUT]: write the configuration, with four services and these weights of the two
# backends, perhaps without one backend.
config()
{
	local service a b vip protocol

	{
		printf 'name: %s\ninterfaces: [eth0]\ntable_size: 4093\n' "$NAME"
		printf 'connections: %s\nvips:\n' "$CONNECTIONS"
		for service in "${SERVICES[@]}"; do
			a=$A b=$B vip=$VIP protocol=tcp
			[[ $service != *6 ]] || a=$A6 b=$B6 vip=$VIP6
			[[ $service != udp* ]] || protocol=udp
			cat <<-END
				  - name: $service
				    address: "$vip"
				    port: 80
				    protocol: $protocol
				    forward: nat
				    check: { $CHECK }
				    backends:
				      - { name: backend-a, address: "$a", weight: $1 }
				      - { name: backend-b, address: "$b", weight: $2 }
			END
		done
	} >"$TMP/lb.yaml"
	[ $# -lt 3 ] || sed -i "/name: $3,/d" "$TMP/lb.yaml"
}

# start_servers NODE: start the UDP server, and nginx with the configuration of the lab. Both
# answer with the name of the node.
start_servers()
{
	local dir=${NETBPF_RUN:-/run/netbpf}/$LAB/nodes/$1

	start_sample "ECHO[$1]" 10 nsenter --net="/run/netns/netbpf-$LAB-$1" -- \
		"$LOAD" serve "$1" 80
	start_bg "NGINX[$1]" nsenter --net="/run/netns/netbpf-$LAB-$1" -- \
		nginx -e "$dir/nginx.log" -p "$dir" -c "$dir/nginx.conf"
}

# kill_servers NODE: like a crash of the host, except that its kernel still refuses connections.
kill_servers()
{
	kill -9 "${NGINX[$1]}" "${ECHO[$1]}"
	wait "${NGINX[$1]}" "${ECHO[$1]}" 2>/dev/null || :
}

start_control()
{
	start -c "$TMP/lb.yaml"
	CONTROLS=$((CONTROLS + 1))
	warm_up
	look
}

# warm_up: the first reloads and the first health checks of a process allocate memory that later
# ones use again, so reload for two intervals of the checks.
warm_up()
{
	local begin=${EPOCHREALTIME//[.,]/}

	while [ $((${EPOCHREALTIME//[.,]/} - begin)) -lt 1000000 ]; do
		reload
	done
}

kill_control()
{
	kill -9 "$PID"
	wait "$PID" 2>/dev/null || :
}

restart_control()
{
	start_control
	expect_match "$(sample_out "$PID")" '^ready: .*, adopted'
}

start_load()
{
	start_bg ASKING nsenter --net="/run/netns/netbpf-$LAB-client" -- \
		"$LOAD" ask "$SEED" 80 "$VIP" "$VIP6"
	REQUESTS=$(sample_out "$ASKING")
	eventually 10 turned_over 0
}

# ---------------------------------------------------------------------------
# Questions

# are STATE NODE: true if the backend NODE has this state in all services.
are()
{
	[ "$(stats "[.vips[].backends[] | select(.name == \"$2\").state] | unique[]")" = "$1" ]
}

# turned_over TIME: true if all six workers of soak_load have made a new connection after TIME.
turned_over()
{
	tail -n 2000 "$REQUESTS" |
		awk -v time="$1" '$2 > time { new[$1] } END { for (i in new) n++; exit n < 6 }'
}

# note_event WORD NODE FROM: record for judge.awk what NODE was from FROM until now.
note_event()
{
	echo "$1 $2 $3 $EPOCHREALTIME" >>"$TMP/events"
}

# random N: set R to a random number from 0 to N - 1. Not printed: $(random N) would be a subshell,
# and the next call would give the same number.
random()
{
	R=$((RANDOM % $1))
}

random_node()
{
	random 2
	NODE=backend-a
	[ "$R" -eq 0 ] || NODE=backend-b
}

# for_each_service COMMAND ARG...: run "xdp_lb backend COMMAND" for NODE in each service.
for_each_service()
{
	local service

	for service in "${SERVICES[@]}"; do
		lb backend "$1" "$service" "$NODE" "${@:2}"
	done
}

# ---------------------------------------------------------------------------
# Events. After each one both backends are up and have a weight, and a control process runs.

reload()
{
	local a

	random 5
	a=$((R + 1))
	random 5
	config "$a" $((R + 1)) "$@"
	lb reload
	RELOADS=$((RELOADS + 1))
}

event_reload()
{
	local i

	for ((i = 0; i < 10; i++)); do
		reload
	done
}

# empty COMMAND...: let NODE get no new connections, by this backend command, and wait until the
# old connections are over. OUT is the time of the command.
empty()
{
	for_each_service "$@"
	OUT=$EPOCHREALTIME
	eventually 60 turned_over "$OUT"
}

fill()
{
	note_event out "$NODE" "$OUT"
	for_each_service "$@"
}

# A backend stays drained after a reload, and after the control process was killed.
event_drain()
{
	empty drain
	reload
	if [ -n "$MAY_KILL" ]; then
		kill_control
		restart_control
		eventually 60 turned_over "$EPOCHREALTIME"
	fi
	are drained "$NODE" || fail "$NODE is not drained any more"
	fill enable
}

event_weight()
{
	empty weight 0
	random 5
	fill weight $((R + 1))
}

event_replace()
{
	empty drain
	reload "$NODE"
	eventually 60 turned_over "$EPOCHREALTIME"
	note_event out "$NODE" "$OUT"
	reload
	# The backend counts as new: not drained, and up until a check fails.
	are up "$NODE" || fail "$NODE is not up"
}

# Maintenance in the right order, draining first: no request may be lost.
event_maintain()
{
	empty drain
	kill_servers "$NODE"
	# The backend is drained and down; "down" takes precedence.
	eventually 20 are down "$NODE"
	start_servers "$NODE"
	eventually 20 are drained "$NODE"
	fill enable
}

# lose: wait until all services know that NODE is down. Requests to NODE since KILLED may be lost.
lose()
{
	local ms

	eventually 30 are down "$NODE"
	note_event dead "$NODE" "$KILLED"
	OUT=$EPOCHREALTIME
	ms=$(((${OUT/./} - ${KILLED/./}) / 1000))
	[ "$ms" -lt "$SLOWEST" ] || SLOWEST=$ms
	eventually 60 turned_over "$OUT"
	note_event out "$NODE" "$OUT"
}

event_crash()
{
	KILLED=$EPOCHREALTIME
	kill_servers "$NODE"
	lose
	start_servers "$NODE"
	eventually 20 are up "$NODE"
}

# Packets to the backend vanish without any error, and its connections go on afterwards.
event_unplug()
{
	KILLED=$EPOCHREALTIME
	ip -n "netbpf-$LAB-switch" link set "veth-$NODE" down
	defer "ip -n netbpf-$LAB-switch link set veth-$NODE up"
	lose
	ip -n "netbpf-$LAB-switch" link set "veth-$NODE" up
	eventually 20 are up "$NODE"
}

event_control()
{
	kill_control
	restart_control
}

# A backend dies while no control process runs.
event_blind()
{
	kill_control
	KILLED=$EPOCHREALTIME
	kill_servers "$NODE"
	restart_control
	lose
	start_servers "$NODE"
	eventually 20 are up "$NODE"
}

# ---------------------------------------------------------------------------
# The test

# status_of FIELD: print a number of /proc/PID/status.
status_of()
{
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$PID/status"
}

# objects_now: write the BPF objects of the control process to $TMP/objects.now. A file descriptor
# of a health check may be closed meanwhile, so ignore errors.
objects_now()
{
	bpf_objects "$PID" >"$TMP/objects.now" 2>/dev/null || [ -s "$TMP/objects.now" ]
}

# objects_are_settled: true if the control process holds the same BPF objects as at the last call.
# While it replaces a ring, it holds one map more.
objects_are_settled()
{
	mv "$TMP/objects.now" "$TMP/objects.before" 2>/dev/null || : >"$TMP/objects.before"
	objects_now
	cmp -s "$TMP/objects.before" "$TMP/objects.now"
}

# look: check the limits after an event, and record numbers for judge_process.
look()
{
	local used

	! sample_ended "$PID" || fail "the control process has ended"
	eventually 10 objects_are_settled
	cat "$TMP/objects.now" >>"$TMP/objects"
	echo "$CONTROLS" "$(status_of VmRSS)" "$(status_of RssAnon)" "$(find "/proc/$PID/fd" -mindepth 1 | wc -l)" \
		"$(grep -c '^map' "$TMP/objects.now")" "$(find "/sys/fs/bpf/xdp_lb/$NAME" | wc -l)" \
		>>"$TMP/process"
	read -r used SLOTS < <(stats '"\(.table.used) \(.table.size)"')
	[ "$used" -le "$SLOTS" ] || fail "$used connections, of $SLOTS"
	echo "$used" >>"$TMP/used"
}

# do_round EVENT...: run each event once, in random order.
do_round()
{
	local events=("$@") i event

	for ((i = $#; i > 0; i--)); do
		random "$i"
		event=${events[R]}
		events[R]=${events[i - 1]}
		random_node
		echo "$EPOCHREALTIME $event $NODE" >>"$TMP/done"
		"event_$event"
		echo "$EPOCHREALTIME done" >>"$TMP/done"
		DID[$event]=$((${DID[$event]:-0} + 1))
		look
	done
}

# judge_process: neither the memory nor the open files of a control process grow, except for one
# socket per health check. All control processes have the same number of maps and pins.
judge_process()
{
	awk -v anon_growth="$ANON_GROWTH" -v rss_growth="$RSS_GROWTH" \
		-v checks=$((2 * ${#SERVICES[@]})) '
		function bad(what) { print "control process " $1 ": " what; failed = 1 }
		NR == 1 { maps = $5; pins = $6 }
		!($1 in rss) { rss[$1] = $2; anon[$1] = $3; fds[$1] = $4 }
		$2 > rss[$1] + rss_growth { bad("VmRSS was " rss[$1] " kB, is " $2) }
		$3 > anon[$1] + anon_growth { bad("RssAnon was " anon[$1] " kB, is " $3) }
		$4 > fds[$1] + checks { bad($4 " files, were " fds[$1]) }
		$5 != maps { bad($5 " maps, were " maps) }
		$6 != pins { bad($6 " pins, were " pins) }
		END {
			print "  memory of the last control process, first and last:"
			printf "    VmRSS %d, %d kB; RssAnon %d, %d kB\n", rss[$1], $2, anon[$1], $3
			printf "  %d files open, %d maps, %d pins\n", $4, $5, $6
			exit failed
		}' "$TMP/process" >>"$TMP/report"
}

report()
{
	local crashed=$((${DID[crash]:-0} + ${DID[blind]:-0}))

	cat <<-END
		soak: $((SECONDS - BEGAN)) s; again: NETBPF_SEED=$SEED NETBPF_SOAK=$SOAK selftests/common/soak.sh
		  reloads: $RELOADS, control process killed: $((CONTROLS - 1)) times
		  backends drained: ${DID[drain]}, weight 0: ${DID[weight]}, replaced: ${DID[replace]}, maintained: ${DID[maintain]}
		  backends crashed: $crashed, unplugged: ${DID[unplug]}; known to be down after at most $SLOWEST ms
		  connections: at most $(sort -n "$TMP/used" | tail -n 1) of $SLOTS
	END
}

# nothing_is_left: nothing is left of all that the control processes have held.
nothing_is_left()
{
	local kind id

	[ ! -e "/sys/fs/bpf/xdp_lb/$NAME" ] || fail "there are pins"
	expect_no_line managed on lb ip neigh show
	expect_no_line 'prog/xdp' on lb ip -d link show dev eth0
	while read -r kind id; do
		[ "$kind" = btf ] || eventually 10 bpf_object_gone "$kind" "$id"
	done < <(sort -u "$TMP/objects")
}

judge()
{
	awk -f "$NBT_DIR/common/soak/judge.awk" "$1" "$2" >>"$TMP/report"
}

test_soak()
{
	local failed=''

	# shellcheck disable=SC2016
	defer 'cat "$TMP/report"; [ -e "$TMP/passed" ] || tail -n 20 "$TMP/done"'
	RANDOM=$SEED
	MAY_KILL=1
	BEGAN=$SECONDS
	touch "$TMP/events" "$TMP/report" "$TMP/done"
	for NODE in backend-a backend-b; do
		kill -9 "$(cut -d ' ' -f 1 "${NETBPF_RUN:-/run/netbpf}/$LAB/nodes/$NODE/nginx")"
		start_servers "$NODE"
	done
	config 1 1
	start_control
	start_load
	do_round reload drain weight replace maintain crash unplug control blind
	while [ $((SECONDS - BEGAN)) -lt $((SOAK / 2)) ]; do
		do_round reload drain weight replace maintain crash unplug control blind
	done
	# The last control process runs for the second half of the time.
	MAY_KILL=
	event_control
	do_round reload
	while [ $((SECONDS - BEGAN)) -lt "$SOAK" ]; do
		do_round reload reload drain weight replace maintain crash unplug
	done
	stop_sample "$ASKING"
	stop
	report >"$TMP/report"
	judge "$TMP/events" "$REQUESTS" || failed=requests
	judge_process || failed="${failed:+$failed and }the control process"
	[ -z "$failed" ] || fail "$failed"
	nothing_is_left
	: >"$TMP/passed"
}

# verdict N LINE...: judge.awk finds N bad requests among these lines. The backends a and b were
# killed or drained meanwhile. N is 0 or 1, and also the exit status.
verdict()
{
	local kind

	printf '%s\n' 'out a 50 60' 'dead a 100 101' 'dead b 200 203' 'out b 203 205' >"$TMP/events"
	{
		printf '%s\n' "${@:2}"
		# There must be a request of each kind.
		for kind in {close,keep,udp}-{4,6}; do
			echo "$kind 1 1 1.1 a"
		done
	} >"$TMP/requests"
	: >"$TMP/report"
	expect_status "$1" judge "$TMP/events" "$TMP/requests"
	expect_eq "lines of those that are bad" "$(grep -cE '^(lost|sent)' "$TMP/report" || :)" "$1"
}

test_judge_forgives_what_was_sent_to_the_dead()
{
	verdict 0 "close-4 100.5 100.5 100.6 lost:Connection refused"
	# The SYN was lost, and its retransmission, too.
	verdict 0 "close-4 100.5 100.5 103.5 lost:Connection timed out"
	verdict 0 "keep-4 99 99 99.1 a" "keep-4 99 99.9 100.2 lost:closed"
	verdict 0 "udp-6 90 90 90.1 b" "udp-6 90 201 206 lost:again"
}

test_judge_finds_what_is_lost()
{
	verdict 1 "close-4 99 99 99.5 lost:Connection refused"
	verdict 1 "close-6 101.1 101.1 101.2 lost:Connection refused"
	# Another backend, not the dead one, has answered on this connection before.
	verdict 1 "keep-4 99 99 99.1 b" "keep-4 99 100.2 100.3 lost:closed"
	# UDP flows move to another backend as soon as the backend is known to be down.
	verdict 1 "udp-4 99 101.1 106.1 lost:again"
}

test_judge_finds_what_goes_to_those_that_take_none()
{
	verdict 0 "close-4 49 49 52 a" "close-4 52 52 52.1 b" "keep-4 49 55 55.1 a"
	verdict 1 "close-4 51 51 51.1 a"
	verdict 1 "udp-6 203.5 203.6 203.7 b"
}

run_tests test_soak test_judge_forgives_what_was_sent_to_the_dead	\
	test_judge_finds_what_is_lost test_judge_finds_what_goes_to_those_that_take_none
