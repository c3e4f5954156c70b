#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzzing and stress tests: random packets through all BPF programs, compared with a
# model. Documentation/fuzz.rst tells how it works.
set -euo pipefail

# shellcheck source=scripts/common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

SELFTESTS=$NETBPF_OUT/selftests
DIR=$NETBPF_OUT/build/fuzz
FIXTURES=$NETBPF_TOP/selftests/fuzz/fixtures

usage()
{
	cat <<USAGE
Usage: fuzz.sh [--list | --packets | --lb | --user | --replay FILE|HEX PROGRAM |
                --soak [SEC] | --san [TEST...]] [-h]

Runs all of it: random packets through the programs of the samples, and through
the load balancer, which has a model of its own; random text and packets through
the parsers and writers of the loaders, under libFuzzer with ASan and UBSan.

  --packets      the first only
  --lb           the second only
  --user         the last only
  --replay PACKET PROGRAM
                 one packet, of a file (hex or pcap) or given as hex
  --soak [SEC]   nothing of it, but the load balancer under load for so long (600),
                 while backends die, configurations change and so on
  --san [TEST...]
                 nothing of it, but the tests (all that run what is built) with
                 loaders and test programs that were compiled with ASan and UBSan,
                 in build/san/
  --list         list the programs
  -h, --help     this text

A packet that fails is printed as hex and kept as build/fuzz/PROGRAM.pcap.

Environment:
  NETBPF_FUZZ=N  so many packets (default: 1000000, and 100000 in each test of
                 the load balancer)
  NETBPF_FUZZ_SECONDS=N
                 so long with each parser (default: 5)
  NETBPF_SEED=N  the packets, or the events, of the run that has printed this seed

Examples:
  sudo scripts/fuzz.sh
  sudo NETBPF_FUZZ=100000000 scripts/fuzz.sh --packets
  sudo scripts/fuzz.sh --soak 3600
  sudo scripts/fuzz.sh --san ping sockfilter
  sudo scripts/fuzz.sh --replay build/fuzz/tc-pingpong.pcap tc-pingpong

Exit status: 0 all as the model says, no request lost, no finding, 1 not, 2 usage, 3 it is not built.
USAGE
}

# run_target NAME: run a target of libFuzzer. build/fuzz/NAME/ collects inputs that reach new
# code, beside the seeds of the tree. An input that fails is kept in build/fuzz/; to run it
# again, give it to the target as an argument.
run_target()
{
	local name=$1 corpus=$DIR/$1 log=$DIR/$1.log

	mkdir -p "$corpus"
	if ! "$NETBPF_OUT/build/fuzzers/$name" -max_total_time="${NETBPF_FUZZ_SECONDS:-5}" \
		-timeout=20 -rss_limit_mb=2048 -close_fd_mask=1 -print_final_stats=1 \
		-artifact_prefix="$DIR/$name-" "$corpus" "$NETBPF_TOP/selftests/fuzz/user/$name" \
		>"$log" 2>&1; then
		echo "not ok $name: see $log"
		tail -n 40 "$log" >&2
		return 1
	fi
	printf 'ok %-8s %8s inputs, %4s of them reached new code\n' "$name" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
		"$(sed -n 's/^stat::new_units_added: *//p' "$log")"
}

user_side()
{
	local target failed=0

	mkdir -p "$DIR"
	make -s -j "$(nproc)" -C "$NETBPF_TOP/selftests" fuzzers O="${O:-}" ||
		die 3 "the targets of libFuzzer cannot be built" "scripts/setup.sh --all"
	for target in config args expr show; do
		run_target "$target" || failed=1
	done
	return "$failed"
}

# may_load: exit unless BPF programs can be loaded. CAP_SYS_ADMIN can replace CAP_BPF,
# CAP_NET_ADMIN and CAP_PERFMON.
may_load()
{
	require_root "running BPF programs"
	has_cap SYS_ADMIN || require_caps "running BPF programs" BPF NET_ADMIN PERFMON
}

need_built()
{
	[ -x "$SELFTESTS/$1" ] || die 3 "$SELFTESTS/$1 is not built" "make"
	may_load
}

packets()
{
	need_built fuzz/fuzz_packets
	mkdir -p "$DIR"
	"$SELFTESTS/fuzz/fuzz_packets" -d "$DIR" "$@"
}

random_packets()
{
	packets -f "$FIXTURES" -n "${NETBPF_FUZZ:-1000000}"
}

load_balancer()
{
	need_built xdp_lb/xdp_lb_fuzz_test
	"$SELFTESTS/xdp_lb/xdp_lb_fuzz_test"
}

# soak [SEC]: run the load balancer under load for SEC seconds.
soak()
{
	local seconds=${1:-600}

	[[ $seconds =~ ^[1-9][0-9]{0,6}$ ]] || usage_error "--soak takes seconds, not $seconds"
	need_built soak_load
	NETBPF_SOAK=$seconds "$NETBPF_TOP/selftests/common/soak.sh" -t soak
}

# san [TEST...]: run tests with sanitizers. A finding ends the program, with a status that no
# test expects. Not every test looks at each exit status: print all findings at the end.
san()
{
	local out=$NETBPF_OUT/build/san name options=() failed=0

	may_load
	make -s -C "$NETBPF_TOP" O="$out" SAN=1 >&2 ||
		die 3 "the programs cannot be built" "scripts/setup.sh --all"
	rm -rf "$out/reports"
	# All users may write there: some tests run programs as nobody.
	install -d -m 1777 "$out/reports"
	for name; do
		options+=(-t "$name")
	done
	NETBPF_SLOW=${NETBPF_SLOW:-5} NETBPF_SAN=1				\
	ASAN_OPTIONS=exitcode=86:log_path=$out/reports/found			\
	UBSAN_OPTIONS=exitcode=86:print_stacktrace=1:log_path=$out/reports/found	\
	O=$out "$NETBPF_TOP/selftests/run.sh" --no-build "${options[@]}" || failed=1
	for name in "$out"/reports/*; do
		[ -e "$name" ] || continue
		cat "$name" >&2
		failed=1
	done
	return "$failed"
}

main()
{
	case ${1:-} in
	--replay) [ $# -eq 3 ] || usage_error "--replay takes a packet and a program" ;;
	--san) ;;
	--soak) [ $# -le 2 ] || usage_error "unexpected argument: $3" ;;
	*) [ $# -le 1 ] || usage_error "unexpected argument: $2" ;;
	esac
	case ${1:-} in
	'') random_packets; load_balancer; user_side ;;
	--packets) random_packets ;;
	--lb) load_balancer ;;
	--user) user_side ;;
	--soak) soak "${2:-}" ;;
	--san) san "${@:2}" ;;
	--replay) packets -r "$2" "$3" ;;
	--list) packets -l ;;
	-h | --help) usage ;;
	*) usage_error "unknown argument: $1" ;;
	esac
}

main "$@"
