# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Measures how many packets and connections a second the samples can handle, on veth pairs.

WIRE_XDP=('pass' 'ping -q' 'ping' 'pktcount' 'pktcount --top 10')
WIRE_CONNECT=('nobody' 'tcpconnect' 'tcpconnect -j' 'tcpconnect -c')

about_wire()
{
	echo "packets a second in XDP, captured packets, connections that are told of"
}

part_wire()
{
	# shellcheck disable=SC2153 # of bench.sh
	local rounds=$((ROUNDS / 3)) round case

	need ip nsenter tcpdump perl
	built samples/ping >/dev/null
	built selftests/bench/bench_traffic >/dev/null
	WIRE_SECONDS=1
	table wire.xdp packets/s "Small packets through veth, to native XDP" pass
	table wire.capture packets/s "Captured from a flood of UDP"
	table wire.capture_lost packets "of which that were not captured"
	table wire.connect connections/s "Connections opened while they are told of" nobody
	table wire.connect_lost events "of which that were not told of"
	wire_up
	for ((round = 1; round <= rounds; round++)); do
		progress "wire: round $round of $rounds"
		for case in "${WIRE_XDP[@]}"; do
			wire_xdp "$case"
		done
		for case in "${WIRE_CONNECT[@]}"; do
			wire_connect "$case"
		done
	done
	wire_down
	wire_capture "$rounds"
}

wire_up()
{
	local name=${DIR##*.}

	WIRE_FROM=nb-$name-from WIRE_TO=nb-$name-to
	undo wire_down
	ip netns add "$WIRE_FROM"
	ip netns add "$WIRE_TO"
	ip -n "$WIRE_FROM" link set lo up
	ip link add left netns "$WIRE_FROM" type veth peer name right netns "$WIRE_TO"
	ip -n "$WIRE_FROM" link set left up
	ip -n "$WIRE_TO" link set right up
}

wire_down()
{
	ip netns del "$WIRE_FROM" 2>/dev/null
	ip netns del "$WIRE_TO" 2>/dev/null
	return 0
}

# wire_start SAMPLE [OPTION...]: start a sample with its output in the file $DIR/wire, and
# wait until the sample is ready.
wire_start()
{
	: >"$DIR/wire"
	start "$NETBPF_OUT/samples/$1" "${@:2}" >"$DIR/wire" 2>"$DIR/wire.err"
	wait_until 20 grep -Eq '^ready:|"event": *"ready"' "$DIR/wire" ||
		die 1 "$1 does not start: $(<"$DIR/wire.err")"
}

# wire_traffic ARG...: send; set WIRE_TOOK to the seconds it took, WIRE_SENT to the number of
# packets or connections.
wire_traffic()
{
	run nsenter "--net=/run/netns/$WIRE_FROM" "$NETBPF_OUT/selftests/bench/bench_traffic" "$@" \
		>"$DIR/traffic" || die 1 "no traffic"
	read -r WIRE_TOOK WIRE_SENT <"$DIR/traffic"
}

# wire_rate N: print N divided by the seconds of the last wire_traffic.
wire_rate()
{
	awk -v n="$1" -v s="$WIRE_TOOK" 'BEGIN { printf "%.1f", n / s }'
}

wire_received()
{
	ip -n "$WIRE_TO" -s -j link show right | jq '.[0].stats64.rx.packets'
}

# wire_xdp CASE: measure a sample with its options. ping and pktcount report how many packets
# they have seen; for pass, take the counter of the interface.
wire_xdp()
{
	local words kind=udp before got

	read -ra words <<<"$1"
	[ "${words[0]}" != ping ] || kind=ping
	wire_start "${words[@]}" -j -m native -n "$WIRE_TO" -i right
	before=$(wire_received)
	wire_traffic "$kind" "$WIRE_SECONDS" left
	got=$(($(wire_received) - before))
	end_process "$PID"
	case ${words[0]} in
	ping) got=$(wire_summary .dropped) ;;
	pktcount) got=$(wire_summary .packets) ;;
	esac
	sample wire.xdp "$1" "$(wire_rate "$got")"
}

wire_summary()
{
	tail -n 1 "$DIR/wire" | jq "select(.event == \"summary\") | $1"
}

# wire_connect CASE: measure opening connections while CASE, a sample and its options, runs.
wire_connect()
{
	local words

	read -ra words <<<"$1"
	[ "$1" = nobody ] || wire_start "${words[@]}" -n "$WIRE_FROM"
	wire_traffic connect "$WIRE_SECONDS"
	sample wire.connect "$1" "$(wire_rate "$WIRE_SENT")"
	[ "$1" != nobody ] || return 0
	end_process "$PID"
	sample wire.connect_lost "$1" $((WIRE_SENT - $(wire_told)))
}

# wire_told: print the number of connections that tcpconnect has reported, from its summary as
# text or as JSON.
wire_told()
{
	tail -n 1 "$DIR/wire" | sed -nE 's/^(summary: |.*"ok":)([0-9]+).*/\2/p'
}

# wire_capture ROUNDS: measure with scripts/capture-rate.sh, which alternates the programs.
wire_capture()
{
	progress "wire: capture, $1 rounds"
	run "$NETBPF_TOP/scripts/capture-rate.sh" -r "$1" -p $((QUICK ? 100000 : 1000000)) \
		>"$DIR/capture" || die 1 "capture-rate.sh"
	# A line of the table: "tcpdump -B 2048   123 (100 to 150)   4 (0 to 9)"
	sed -nE 's/^((sockfilter|tcpdump)( -B [0-9]+)?) +([0-9]+) \(([0-9]+) to ([0-9]+)\) +([0-9]+) \(([0-9]+) to ([0-9]+)\)$/stat\twire.capture\t\1\t\4\t\5\t\6\nstat\twire.capture_lost\t\1\t\7\t\8\t\9/p' \
		"$DIR/capture" >>"$RECORDS"
	grep -q '^stat	wire.capture' "$RECORDS" || die 1 "capture-rate.sh printed no table"
}
