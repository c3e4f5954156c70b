# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Compares the load balancer with what people would use in its place. A client and two web
# servers are on one bridge. The requests go straight to the servers, or through xdp_lb,
# nftables or haproxy. To add a peer, add its name to LB_PEERS and a function lb_NAME that
# starts it.

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
	# A round takes a few seconds for each peer: do a third of the rounds of other parts.
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

# lb_up: start the lab "lb" and iperf3, and add the service's address to lb and, for DSR, to
# the backends.
#
# The lab runs "pass" on the ports of the switch, so that the ports take packets from native
# XDP. "pass" would slow down the peers that do not use native XDP: end it.
#
# Set tcp_max_tw_buckets to 0, so that backends forget closed connections at once. Otherwise
# a backend would remember ports that haproxy used, and refuse new connections of nftables
# from these ports, because their timestamps are others.
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

# Without a balancer, wrk's two threads each use one of the servers.
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

# lb_start READY COMMAND...: run COMMAND until lb_end. Unless READY is empty, wait for a line
# of output that matches READY.
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

# lb_xdp_lb FORWARD MODE: iperf3 opens two connections, which must reach the same server: its
# service has one backend only. xdp_lb pins to a private bpffs, which goes away with xdp_lb.
# shellcheck disable=SC2016 # $ in single quotes is of sh
lb_xdp_lb()
{
	lb_start ^ready: unshare -m sh -c 'mount -t bpf none /sys/fs/bpf && exec "$@"' xdp_lb \
		"$NETBPF_OUT/samples/xdp_lb" run -n "netbpf-$LB_LAB-lb" \
		--name "$LB_LAB" -i eth0 -m "$2" --forward "$1" \
		--vip "tcp:$LB_VIP:80" --backend "$LB_A:80" --backend "$LB_B:80" \
		--vip "tcp:$LB_VIP:$LB_IPERF_PORT" --backend "$LB_A:$LB_IPERF_PORT"
}

# lb_native: set up what native XDP on veth needs: packets with complete checksums, and an XDP
# program on each port of the switch, because veth takes frames from XDP only then.
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

# A program of the selftests decapsulates the packets: not all kernels have tunnel devices.
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

# lb_measure CASE: measure the peer that runs, and record its values as CASE.
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

# lb_cpu_us: print the time that all CPUs together have been busy so far, in microseconds.
lb_cpu_us()
{
	awk -v hz="$(getconf CLK_TCK)" \
		'$1 == "cpu" { printf "%.0f", ($2 + $3 + $4 + $7 + $8) * 1000000 / hz }' /proc/stat
}

lb_divide()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b ? a / b : 0 }'
}

# lb_wrk HOST [OPTION...]: run wrk, and write its results to $DIR/wrk as "KEY VALUE", with
# times in microseconds.
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

# lb_bulk CASE HOST: measure one TCP connection to HOST with iperf3.
lb_bulk()
{
	run nsenter "--net=/run/netns/netbpf-$LB_LAB-client" iperf3 -J -c "$2" \
		-t "$LB_SECONDS" >"$DIR/iperf" 2>&1 ||
		die 1 "iperf3, $1: $(jq -r .error "$DIR/iperf")"
	sample lb.bulk "$1" "$(jq '.end.sum_received.bits_per_second / 1e9' "$DIR/iperf")"
}
