#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures how many packets per second sockfilter and tcpdump capture, in turns on the same
# veth pair. The numbers in Documentation/sockfilter.rst come from here.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

ROUNDS=5
PACKETS=1000000
SIZE=60
TOOLS=('sockfilter' 'tcpdump' 'sockfilter -B 2048' 'tcpdump -B 2048' 'sockfilter -B 16384'
	'tcpdump -B 16384')

usage()
{
	cat <<USAGE
Usage: capture-rate.sh [-r ROUNDS] [-p PACKETS] [-s BYTES] [-h]

Sends UDP as fast as it can from one network namespace to another, while
sockfilter or tcpdump writes all of it to /dev/null: in turns, with the buffers
they have by themselves, and with 2 and 16 MiB (which are these).

  -r ROUNDS   how often each of them runs (default $ROUNDS)
  -p PACKETS  packets in each run (default $PACKETS)
  -s BYTES    UDP payload (default $SIZE)

Examples:
  sudo scripts/capture-rate.sh
  sudo scripts/capture-rate.sh -r 1 -s 1400

Exit status: 0 done, 1 failed, 2 usage, 3 a tool is missing.
USAGE
}

number()
{
	[[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || usage_error "$1 '$2': not a number from 1"
	echo "$2"
}

parse_options()
{
	local opt OPTARG OPTIND=1

	while getopts :r:p:s:h-: opt; do
		case $opt in
		r) ROUNDS=$(number -r "$OPTARG") ;;
		p) PACKETS=$(number -p "$OPTARG") ;;
		s) SIZE=$(number -s "$OPTARG") ;;
		h) usage; exit 0 ;;
		-) [ "$OPTARG" = help ] || usage_error "bad option --$OPTARG"
		   usage; exit 0 ;;
		*) usage_error "bad option -$OPTARG" ;;
		esac
	done
	[ "$OPTIND" -gt $# ] || usage_error "unexpected argument ${!OPTIND}"
}

cleanup()
{
	[ -z "$CAPTURE" ] || kill -KILL "$CAPTURE" 2>/dev/null || :
	ip netns del "$FROM" 2>/dev/null || :
	ip netns del "$TO" 2>/dev/null || :
	rm -rf "$DIR"
}

# Nobody has the destination address, so that no socket takes the packets, and no ICMP
# error comes back. A neighbour entry lets the kernel send them nevertheless.
setup()
{
	local mac

	CAPTURE=
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/capture-rate.XXXXXX")
	FROM=nb-${DIR##*.}-from TO=nb-${DIR##*.}-to
	trap cleanup EXIT
	trap 'exit 130' HUP INT TERM
	ip netns add "$FROM"
	ip netns add "$TO"
	ip link add left netns "$FROM" type veth peer name right netns "$TO"
	ip -n "$FROM" addr add 192.0.2.1/24 dev left
	ip -n "$FROM" link set left up
	ip -n "$TO" link set right up
	mac=$(ip -n "$TO" -o link show dev right | sed -n 's,.*link/ether \([^ ]*\).*,\1,p')
	ip -n "$FROM" neigh replace 192.0.2.2 lladdr "$mac" dev left nud permanent
}

# flood: send all packets; print how many seconds that took.
# shellcheck disable=SC2016 # $ in single quotes is of perl
flood()
{
	nsenter "--net=/run/netns/$FROM" perl -MSocket -MTime::HiRes=time -e '
		my ($n, $size) = @ARGV;
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
		connect($s, pack_sockaddr_in(9, inet_aton("192.0.2.2"))) or die "connect: $!";
		my $data = "x" x $size;
		my $start = time;
		for (my $sent = 0; $sent < $n; ) {
			$sent++ if defined send($s, $data, 0);
		}
		printf "%.6f\n", time - $start;' "$PACKETS" "$SIZE"
}

listens()
{
	grep -Eq '^ready:|listening on' "$DIR/out" && return
	! kill -0 "$CAPTURE" 2>/dev/null
}

# idle: true if the capture has used no CPU time since the last call.
idle()
{
	local before=$USED

	USED=$(awk '{ print $14 + $15 }' "/proc/$CAPTURE/stat")
	sleep 0.2
	[ "$before" = "$USED" ]
}

# run NAME [-B KIB]: one run; adds a line "captured/s lost" to the file "result NAME [-B KIB]".
run()
{
	local name="$*" seconds got cmd
	local options=(-i right -w /dev/null "${@:2}")

	case $1 in
	sockfilter) cmd=("$NETBPF_OUT/samples/sockfilter" -q --proto udp "${options[@]}") ;;
	tcpdump) cmd=(tcpdump -p -Z root "${options[@]}" udp) ;;
	esac
	nsenter "--net=/run/netns/$TO" "${cmd[@]}" >"$DIR/out" 2>&1 &
	CAPTURE=$!
	wait_until 10 listens || die 1 "$name does not start: $(<"$DIR/out")"
	seconds=$(flood)
	USED=
	wait_until 10 idle || :
	kill -INT "$CAPTURE"
	wait "$CAPTURE" || die 1 "$name: $(<"$DIR/out")"
	CAPTURE=
	got=$(sed -nE 's/^(summary: )?([0-9]+) packets captured.*/\2/p' "$DIR/out")
	[ -n "$got" ] || die 1 "$name: $(<"$DIR/out")"
	awk -v got="$got" -v n="$PACKETS" -v s="$seconds" \
		'BEGIN { printf "%d %d\n", got / s, n - got }' >>"$DIR/result $name"
}

# middle COLUMN FILE: print the column as "median (min to max)".
middle()
{
	sort -n -k "$1,$1" "$2" | awk -v c="$1" '
		{ v[NR] = $c }
		END {
			median = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "%d (%d to %d)\n", median, v[1], v[NR]
		}'
}

main()
{
	local i tool

	parse_options "$@"
	for tool in ip nsenter perl tcpdump; do
		have "$tool" || die 3 "$tool is missing" "scripts/setup.sh --all"
	done
	[ -x "$NETBPF_OUT/samples/sockfilter" ] || die 3 "samples/sockfilter is not built" make
	require_root "measuring" NET_ADMIN NET_RAW SYS_ADMIN
	setup
	for ((i = 0; i < ROUNDS; i++)); do
		for tool in "${TOOLS[@]}"; do
			# shellcheck disable=SC2086 # several words
			run $tool
		done
	done
	printf '%-20s %-28s %s\n' '' 'captured each second' lost
	for tool in "${TOOLS[@]}"; do
		printf '%-20s %-28s %s\n' "$tool" "$(middle 1 "$DIR/result $tool")" \
			"$(middle 2 "$DIR/result $tool")"
	done
}

main "$@"
