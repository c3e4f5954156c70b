# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The load balancer beside what people would use in its place: a client, two web servers,
# one bridge, and between them nothing, xdp_lb, nftables or haproxy. A new peer is a name
# in LB_PEERS and a function lb_NAME that starts it.

LB_PEERS=(direct nat_native nat_tc dsr_native dsr_tc ipip_native nftables haproxy)
LB_VIP=10.0.0.100 LB_A=10.0.0.2 LB_B=10.0.0.3
LB_IPERF_PORT=5201
LB_CONNECTIONS=16

about_lb()
{
	echo "the load balancer beside nftables and haproxy: HTTP and bulk"
}

part_lb()
{
	# A few seconds for each peer in each round: fewer rounds than of short ones.
	# shellcheck disable=SC2153 # of bench.sh
	local rounds=$((ROUNDS / 3)) round peer

	need ip nsenter unshare ethtool nginx wrk iperf3 nft haproxy
	built samples/xdp_lb >/dev/null
	LB_SECONDS=2
	[ -z "$QUICK" ] || LB_SECONDS=1
	lb_tables
	lb_up
	for ((round = 1; round <= rounds; round++)); do
		for peer in "${LB_PEERS[@]}"; do
			progress "lb: round $round of $rounds: ${peer/_/, }"
			LB_PROCESSES=()
			"lb_$peer"
			lb_measure "${peer/_/, }"
			lb_end
		done
	done
	lb_down
}

lb_tables()
{
	table lb.keepalive requests/s "HTTP requests, $LB_CONNECTIONS connections that stay" direct
	table lb.close requests/s "HTTP requests, each by a connection of its own" direct
	table lb.p50 us "Latency of requests on connections that stay, median" direct
	table lb.p99 us "Latency of requests on connections that stay, 99 % are faster" direct
	table lb.cpu us "CPU time of the whole machine for a request, connections that stay" direct
	table lb.bulk Gbit/s "One TCP connection, as fast as it goes" direct
	table lb.errors errors "Requests that failed"
}

# --- the lab ------------------------------------------------------------------------------

lb_on()
{
	nsenter "--net=/run/netns/netbpf-$LB_LAB-$1" -- "${@:2}"
}

# lb_up: the lab "lb", the service's address where DSR wants it, and iperf3. What it brings
# to let all ports take native XDP would slow down those that need none: it is ended.
# Connections that have ended are forgotten at once: of those of haproxy, which have other
# timestamps, a backend would remember ports that nftables uses next, and refuse them.
lb_up()
{
	local node dir pid name

	name=${DIR##*.}
	LB_LAB=bench-${name,,}
	undo lb_down
	"$NETBPF_TOP/scripts/lab.sh" up lb --name "$LB_LAB" >/dev/null
	dir=${NETBPF_RUN:-/run/netbpf}/$LB_LAB/nodes/switch
	for node in client lb backend-a backend-b; do
		read -r pid _ <"$dir/pass-veth-$node"
		kill "$pid"
		lb_on "$node" ethtool -K eth0 tx on >/dev/null
		lb_on "$node" sysctl -qw net.ipv4.tcp_max_tw_buckets=0
	done
	lb_on lb ip addr add "$LB_VIP/32" dev eth0
	lb_on lb sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.eth0.send_redirects=0
	for node in backend-a backend-b; do
		lb_on "$node" sysctl -qw net.ipv4.conf.all.arp_ignore=1 \
			net.ipv4.conf.all.arp_announce=2
		lb_on "$node" ip addr add "$LB_VIP/32" dev lo
	done
	start nsenter "--net=/run/netns/netbpf-$LB_LAB-backend-a" iperf3 -s >"$DIR/iperf3" 2>&1
	lb_direct_script >"$DIR/direct.lua"
}

lb_down()
{
	[ -n "$LB_LAB" ] || return 0
	"$NETBPF_TOP/scripts/lab.sh" down "$LB_LAB" >/dev/null 2>&1
	LB_LAB=
}

# Without a balancer, each of wrk's two threads has a server.
lb_direct_script()
{
	cat <<-END
		local threads = 0
		function setup(thread)
			threads = threads + 1
			local host = threads % 2 == 1 and "$LB_A" or "$LB_B"
			thread.addr = wrk.lookup(host, "80")[1]
		end
	END
}

# --- the peers ----------------------------------------------------------------------------

# lb_start READY COMMAND...: until lb_end; READY is a line of it that says that it is ready.
lb_start()
{
	local ready=$1 log=$DIR/lb.${#LB_PROCESSES[@]}

	shift
	: >"$log"
	start "$@" >"$log" 2>&1
	LB_PROCESSES+=("$PID")
	[ -z "$ready" ] || wait_until 20 grep -q "$ready" "$log" ||
		die 1 "$(basename "$1") does not start: $(<"$log")"
}

lb_end()
{
	local i node

	for ((i = ${#LB_PROCESSES[@]} - 1; i >= 0; i--)); do
		end_process "${LB_PROCESSES[i]}"
	done
	lb_on lb nft flush ruleset
	for node in client lb backend-a backend-b; do
		lb_on "$node" ethtool -K eth0 tx on >/dev/null
		lb_on "$node" sysctl -qw net.ipv4.tcp_max_tw_buckets=0
	done
}

# lb_xdp_lb FORWARD MODE: iperf3 has two connections that must meet: one backend. What is
# pinned is in a bpffs of its own, which goes with it.
# shellcheck disable=SC2016 # $ in single quotes is of sh
lb_xdp_lb()
{
	lb_start ^ready: unshare -m sh -c 'mount -t bpf none /sys/fs/bpf && exec "$@"' xdp_lb \
		"$NETBPF_OUT/samples/xdp_lb" run -n "netbpf-$LB_LAB-lb" \
		--name "$LB_LAB" -i eth0 -m "$2" --forward "$1" \
		--vip "tcp:$LB_VIP:80" --backend "$LB_A:80" --backend "$LB_B:80" \
		--vip "tcp:$LB_VIP:$LB_IPERF_PORT" --backend "$LB_A:$LB_IPERF_PORT"
}

# lb_native: what native XDP on veth asks for: complete checksums, and an XDP program on
# each port that it sends to.
lb_native()
{
	local node

	for node in client lb backend-a backend-b; do
		lb_on "$node" ethtool -K eth0 tx off >/dev/null
	done
	lb_start ^ready: "$NETBPF_OUT/samples/pass" -n "netbpf-$LB_LAB-switch" -m native \
		-i veth-client -i veth-lb -i veth-backend-a -i veth-backend-b
}

lb_direct()
{
	:
}

lb_nat_native()
{
	lb_native
	lb_xdp_lb nat native
}

lb_nat_tc()
{
	lb_xdp_lb nat tc
}

lb_dsr_native()
{
	lb_native
	lb_xdp_lb dsr native
}

lb_dsr_tc()
{
	lb_xdp_lb dsr tc
}

# A program of the selftests unpacks, in place of a tunnel device that not all kernels have.
lb_ipip_native()
{
	local node

	lb_native
	for node in backend-a backend-b; do
		lb_start ^ready: nsenter "--net=/run/netns/netbpf-$LB_LAB-$node" \
			"$NETBPF_OUT/selftests/xdp_lb/xdp_lb_decap" eth0
	done
	lb_xdp_lb ipip native
}

lb_nftables()
{
	lb_on lb nft -f - <<-END
		table ip bench {
			chain prerouting {
				type nat hook prerouting priority -100;
				ip daddr $LB_VIP tcp dport 80 dnat to numgen inc mod 2 map {
					0 : $LB_A, 1 : $LB_B }
				ip daddr $LB_VIP tcp dport $LB_IPERF_PORT dnat to $LB_A
			}
			chain postrouting {
				type nat hook postrouting priority 100;
				oif eth0 masquerade
			}
		}
	END
}

lb_listens()
{
	lb_on lb ss -Htln "src $LB_VIP:80" | grep -q .
}

lb_haproxy()
{
	cat >"$DIR/haproxy.cfg" <<-END
		defaults
			mode tcp
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		listen web
			bind $LB_VIP:80
			server a $LB_A:80
			server b $LB_B:80
		listen iperf
			bind $LB_VIP:$LB_IPERF_PORT
			server a $LB_A:$LB_IPERF_PORT
	END
	lb_start '' nsenter "--net=/run/netns/netbpf-$LB_LAB-lb" haproxy -db -f "$DIR/haproxy.cfg"
	wait_until 10 lb_listens || die 1 "haproxy does not start: $(<"$DIR/lb.0")"
}

# --- measuring ----------------------------------------------------------------------------

# lb_measure CASE
lb_measure()
{
	local host=$LB_VIP script=() cpu

	[ "$1" != direct ] || host=$LB_A script=(-s "$DIR/direct.lua")
	cpu=$(lb_cpu_us)
	lb_wrk "$host" "${script[@]}"
	sample lb.cpu "$1" "$(lb_divide "$(($(lb_cpu_us) - cpu))" "$(lb_of requests)")"
	sample lb.keepalive "$1" "$(lb_of rate)"
	sample lb.p50 "$1" "$(lb_of 50%)"
	sample lb.p99 "$1" "$(lb_of 99%)"
	LB_ERRORS=$(lb_of errors)
	lb_wrk "$host" "${script[@]}" -H 'Connection: close'
	sample lb.close "$1" "$(lb_of rate)"
	sample lb.errors "$1" $((LB_ERRORS + $(lb_of errors)))
	lb_bulk "$1" "$host"
}

# lb_cpu_us: what all CPUs have worked so far, in microseconds.
lb_cpu_us()
{
	awk -v hz="$(getconf CLK_TCK)" \
		'$1 == "cpu" { printf "%.0f", ($2 + $3 + $4 + $7 + $8) * 1000000 / hz }' /proc/stat
}

lb_divide()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b ? a / b : 0 }'
}

# lb_wrk HOST [OPTION...]: what it has to say goes to $DIR/wrk, as "KEY VALUE", with times in
# microseconds.
lb_wrk()
{
	run nsenter "--net=/run/netns/netbpf-$LB_LAB-client" wrk -t 2 -c "$LB_CONNECTIONS" \
		-d "$LB_SECONDS" --latency "${@:2}" "http://$1:80/" >"$DIR/wrk.out" 2>&1 ||
		die 1 "wrk: $(<"$DIR/wrk.out")"
	awk '
		function us(t) {
			return t * (t ~ /us$/ ? 1 : t ~ /ms$/ ? 1000 : 1000000)
		}
		$1 ~ /^[0-9]+%$/	{ print $1, us($2) }
		$1 == "Requests/sec:"	{ print "rate", $2 }
		$2 == "requests"	{ print "requests", $1 }
		/Socket errors|Non-2xx/	{
			gsub(/,/, "")
			for (i = 1; i <= NF; i++)
				errors += $i ~ /^[0-9]+$/ ? $i : 0
		}
		END { print "errors", errors + 0 }' "$DIR/wrk.out" >"$DIR/wrk"
	[ "$(lb_of requests)" -gt 0 ] || die 1 "no request was answered: $(<"$DIR/wrk.out")"
}

lb_of()
{
	awk -v key="$1" '$1 == key { print $2 }' "$DIR/wrk"
}

# lb_bulk CASE HOST
lb_bulk()
{
	run nsenter "--net=/run/netns/netbpf-$LB_LAB-client" iperf3 -J -c "$2" \
		-t "$LB_SECONDS" >"$DIR/iperf" 2>&1 ||
		die 1 "iperf3, $1: $(jq -r .error "$DIR/iperf")"
	sample lb.bulk "$1" "$(jq '.end.sum_received.bits_per_second / 1e9' "$DIR/iperf")"
}
