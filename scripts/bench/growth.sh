# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the load balancer costs as it grows: services, backends, connections. Each size has
# an instance of its own, in a network namespace of its own. All instances run at the same
# time, and are measured in turns.

GROWTH_VIPS=(1 10 100 1000)
GROWTH_BACKENDS=(2 10 100 1000)
GROWTH_FLOWS=(1 256 4096 65536 262144 1048576)

about_growth()
{
	echo "the load balancer against the number of services, backends, connections"
}

part_growth()
{
	local bench n

	need ip nsenter unshare
	bench=$(built selftests/bench/bench_growth)
	built samples/xdp_lb >/dev/null
	GROWTH_INSTANCES=()
	: >"$DIR/cases"
	table growth.vips ns "dsr, 1024 connections, 2 backends each: number of services"
	table growth.backends ns "dsr, 1024 connections, 1 service: number of backends"
	table growth.flows ns "dsr, 1 service, 1 million connections known: how many send"
	table growth.reload ms "A reload of an unchanged file"
	table growth.memory MiB "Memory: of the maps but the rings, and of the control program"
	undo growth_down
	for n in "${GROWTH_VIPS[@]}"; do
		growth_start "v$n" "$n" 2 65536
		growth_case growth.vips "$n services" "$n" 1024
	done
	for n in "${GROWTH_BACKENDS[@]}"; do
		growth_start "b$n" 1 "$n" 65536
		growth_case growth.backends "$n backends" 1 1024
	done
	growth_start flows 1 16 2097152
	for n in "${GROWTH_FLOWS[@]}"; do
		growth_case growth.flows "$n connections" 1 "$n"
	done
	harness growth "$bench" "$ROUNDS" "$DIR/cases"
	growth_reload
	growth_down
}

growth_down()
{
	local instance

	for instance in "${GROWTH_INSTANCES[@]}"; do
		end_process "${instance##* }"
		ip netns del "${instance%% *}" 2>/dev/null || :
	done
	GROWTH_INSTANCES=()
}

# growth_name NAME VIPS BACKENDS: print the name that the report has for this size.
growth_name()
{
	[ "$1" = flows ] && echo "1 service, $3 backends, 2M slots" ||
		echo "$2 services, $3 backends, 64k slots"
}

# growth_net NS BACKENDS: make a network namespace, with neighbour entries for backends that
# do not exist.
growth_net()
{
	local i

	ip netns add "$1"
	ip -n "$1" link add eth0 address 02:00:00:00:00:02 type veth peer name peer
	ip -n "$1" link set eth0 up
	ip -n "$1" link set peer up
	ip -n "$1" addr add 10.1.255.1/16 dev eth0
	for ((i = 0; i < $2; i++)); do
		echo "neigh add 10.1.$((i / 250)).$((i % 250 + 1)) lladdr 02:00:00:00:00:09 nud permanent dev eth0"
	done | ip -n "$1" -batch -
}

# growth_config VIPS BACKENDS CONNECTIONS: print a configuration file.
growth_config()
{
	local i

	echo "name: growth"
	echo "interfaces: [eth0]"
	echo "mode: native"
	echo "connections: $3"
	echo "vips:"
	for ((i = 0; i < $1; i++)); do
		echo "  - address: 10.9.$((i / 256)).$((i % 256))"
		echo "    port: 80"
		echo "    forward: dsr"
		echo "    check: { type: none }"
		[ "$i" -eq 0 ] || { echo "    backends: *all"; continue; }
		echo "    backends: &all"
		growth_backends "$2"
	done
}

growth_backends()
{
	local i

	for ((i = 0; i < $1; i++)); do
		echo "      - { address: 10.1.$((i / 250)).$((i % 250 + 1)) }"
	done
}

# growth_start NAME VIPS BACKENDS CONNECTIONS: start a balancer in a network namespace.
# shellcheck disable=SC2016 # $ in single quotes is of sh
growth_start()
{
	local name=$1 ns

	ns=nb-${DIR##*.}-$name
	progress "growth: starting $2 services with $3 backends"
	GROWTH_INSTANCES+=("$ns 0")
	growth_net "$ns" "$3"
	growth_config "$2" "$3" "$4" >"$DIR/$name.yaml"
	start unshare -m sh -c 'mount -t bpf none /sys/fs/bpf && exec "$@"' xdp_lb \
		"$NETBPF_OUT/samples/xdp_lb" run -n "$ns" -c "$DIR/$name.yaml" \
		>"$DIR/$name.out" 2>&1
	GROWTH_INSTANCES[-1]="$ns $(growth_name "$1" "$2" "$3") $PID"
	wait_until 180 grep -q ^ready: "$DIR/$name.out" ||
		die 1 "xdp_lb with $2 services, $3 backends: $(tail -n 3 "$DIR/$name.out")"
	GROWTH_NS=$ns
	GROWTH_ID=$(ip -n "$ns" -d -j link show eth0 | jq '.[0].xdp.prog.id')
}

# growth_case TABLE CASE VIPS FLOWS: add a case, for the balancer that was started last.
growth_case()
{
	echo "$1	$2	$GROWTH_NS	$GROWTH_ID	$3	$4" >>"$DIR/cases"
}

# growth_reload: measure a reload of each instance, in turns, and its memory.
growth_reload()
{
	local round instance pid name

	for ((round = 0; round < ROUNDS / 3; round++)); do
		for instance in "${GROWTH_INSTANCES[@]}"; do
			# b2 has the same size as v1.
			[[ $instance != *-b2\ * ]] || continue
			pid=${instance##* } name=${instance#* }
			name=${name% *}
			sample growth.reload "$name" "$(growth_time "$pid")"
			sample growth.memory "maps, $name" "$(growth_maps "$pid")"
			sample growth.memory "program, $name" "$(growth_rss "$pid")"
		done
	done
}

# growth_time PID: print the milliseconds that a reload takes.
growth_time()
{
	local start=${EPOCHREALTIME/./}

	nsenter -m -t "$1" "$NETBPF_OUT/samples/xdp_lb" reload >"$DIR/reload" 2>&1 ||
		die 1 "reload: $(<"$DIR/reload")"
	awk -v us=$((${EPOCHREALTIME/./} - start)) 'BEGIN { printf "%.2f", us / 1000 }'
}

growth_maps()
{
	cat "/proc/$1/fdinfo/"* | awk '
		$1 == "memlock:" { size = $2 }
		$1 == "map_id:" && !seen[$2]++ { sum += size }
		END { printf "%.1f", sum / 1048576 }'
}

growth_rss()
{
	awk '$1 == "VmRSS:" { printf "%.1f", $2 / 1024 }' "/proc/$1/status"
}
