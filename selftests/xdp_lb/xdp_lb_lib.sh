# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the live tests of the load balancer, which source it instead of lib.sh. The lab
# is that of the course (scripts/lab.sh up lb): a client, the balancer (lb) and two nginx
# backends on one bridge.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"

need_root
require_tools ip curl nginx jq ethtool ping perl ss

# shellcheck disable=SC2034 # some tests use only some of these
LAB_SH=$NETBPF_TOP/scripts/lab.sh
VIP=10.0.0.5 VIP6=fd00::5
# shellcheck disable=SC2034
A=10.0.0.2 B=10.0.0.3 A6=fd00::2 B6=fd00::3 CLIENT=10.0.0.4
# A server that is down refuses connections at once. A server that is up may answer late on
# a busy machine: "fall: 2" keeps one late answer from marking that server down.
CHECK='type: http, path: /, interval_ms: 500, timeout_ms: 500, rise: 1, fall: 2'

setup()
{
	LB=$(sample xdp_lb)
	LAB=$(rand_name l)
	NAME=t$LAB
	"$LAB_SH" up lb --name "$LAB" >/dev/null
	defer "$LAB_SH down $LAB >/dev/null"
}

# on NODE COMMAND...: run COMMAND in a node of the lab, with the mounts of the caller.
on()
{
	local node=$1

	shift
	in_ns "netbpf-$LAB-$node" "$@"
}

# lb COMMAND [ARG...]: run an xdp_lb command on the instance under test.
lb()
{
	"$LB" "$1" -n "netbpf-$LAB-lb" --name "$NAME" "${@:2}"
}

# start ARG...: start the balancer; sets PID. The instance is stopped when the test ends.
start()
{
	defer "\"$LB\" stop -n netbpf-$LAB-lb --name $NAME >/dev/null 2>&1 || :"
	start_sample PID 20 "$LB" run -n "netbpf-$LAB-lb" --name "$NAME" "$@"
}

# start_web [ARG...]: start the balancer with the course's service.
start_web()
{
	start -i eth0 --vip "tcp:$VIP:80" --backend "$A:80" --backend "$B:80" "$@"
}

start_web6()
{
	start -i eth0 --vip "tcp:[$VIP6]:80" --backend "[$A6]:80" --backend "[$B6]:80" "$@"
}

stop()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# fetch N [URL]: make N connections; the answers of the servers go to $TMP/answers.
fetch()
{
	on client curl -sS -m 20 -H 'Connection: close' \
		"${2:-http://$VIP/}?[1-$1]" >"$TMP/answers" 2>"$TMP/errors" || {
		show answers "$TMP/errors"
		fail "curl: some of $1 requests failed"
	}
	expect_eq "answers" "$(grep -c '^Server name:' "$TMP/answers")" "$1"
}

# answers NODE: print how many of the answers came from that backend.
answers()
{
	grep -c "^Server name: $1" "$TMP/answers" || :
}

# expect_between WHAT GOT LEAST MOST
expect_between()
{
	if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
		fail "$1: $2, not $3 to $4"
	fi
}

# both_served: fail if one of the backends has answered nothing.
both_served()
{
	local node

	for node in backend-a backend-b; do
		[ "$(answers "$node")" -eq 0 ] || continue
		# The statistics show whether the balancer took the backend for down.
		lb stats >"$TMP/stats" 2>&1 || :
		show stats "$TMP/stats"
		fail "$node got nothing"
	done
}

# stats FILTER: print a value of the statistics; FILTER is for jq.
stats()
{
	"$LB" stats --name "$NAME" -j | jq -r "$1"
}

# stat_is FILTER OPERATOR VALUE: compare a statistic, by an operator of test(1).
stat_is()
{
	test "$(stats "$1")" "$2" "$3"
}

reason()
{
	stats ".reasons.$1"
}

# lb_config CHECK: write $TMP/lb.yaml: the course's service with this health check. The
# backends come from stdin, one per line.
lb_config()
{
	{
		cat <<-END
			name: $NAME
			interfaces: [eth0]
			connections: 4096
			vips:
			  - name: web
			    address: $VIP
			    port: 80
			    protocol: tcp
			    forward: nat
			    check: { $1 }
			    backends:
		END
		sed 's/.*/      - { & }/'
	} >"$TMP/lb.yaml"
}

# web_config [WEIGHT-OF-A [WEIGHT-OF-B [CHECK]]]: write the course's service to $TMP/lb.yaml.
web_config()
{
	lb_config "${3:-$CHECK}" <<-END
		name: a, address: $A, port: 80, weight: ${1:-1}
		name: b, address: $B, port: 80, weight: ${2:-1}
	END
}

# is_down NAME, is_up NAME: whether the balancer reports this backend as down, or as up.
is_down()
{
	[ "$(stats ".vips[0].backends[] | select(.name == \"$1\").state")" = down ]
}

is_up()
{
	[ "$(stats ".vips[0].backends[] | select(.name == \"$1\").state")" = up ]
}

# hold [HOST]: open a connection from the client that stays open; sets PORT to its local port.
# shellcheck disable=SC2034 # PORT is for the caller
hold()
{
	# shellcheck disable=SC2016
	start_bg HOLDER nsenter --net="/run/netns/netbpf-$LAB-client" bash -c '
		exec 3<>"/dev/tcp/$1/80"; read -r <&3' x "${1:-$VIP}"
	eventually 5 holds "${1:-$VIP}"
	PORT=${LOCAL##*:}
}

holds()
{
	LOCAL=$(on client ss -Htn state established dst "[$1]" dport = :80 | awk '{ print $3 }')
	[ -n "$LOCAL" ]
}

# decap NODE [DEVICE]: remove outer IP headers in a node, as a tunnel device would.
decap()
{
	local decap

	decap=$(test_program xdp_lb_decap) || skip "xdp_lb_decap is not built"
	start_sample DECAP 10 nsenter --net="/run/netns/netbpf-$LAB-$1" -- "$decap" "${2:-eth0}"
}
