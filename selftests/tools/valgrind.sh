#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each sample starts, sees packets and ends under valgrind: no error, no leak.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"
need_root
require_tools ip ping valgrind

setup()
{
	! grep -q __asan_init "$(sample hello)" ||
		skip "the samples have sanitizers, which do what valgrind does"
	pair_add
}

# clean NAME ARG...: the sample must end with 0; valgrind ends with 99 if it has found
# something. valgrind warns of bpf() commands that it does not know, and does not check them.
clean()
{
	local program

	program=$(sample "$1")
	start_sample PID 120 valgrind -q --leak-check=full --errors-for-leak-kinds=definite \
		--show-leak-kinds=definite --error-exitcode=99 --child-silent-after-fork=yes \
		--suppressions="$NBT_DIR/tools/valgrind.supp" "$program" "${@:2}"
	in_ns "$CLIENT" ping -n -c 2 -i 0.05 -W 1 192.0.2.2 >/dev/null || :
	in_ns "$CLIENT" ping -n -c 2 -i 0.05 -W 1 2001:db8::2 >/dev/null || :
	stop_sample "$PID" INT || fail "status $STATUS"
}

test_hello() { clean hello -n "$SERVER" -i right; }
test_pass() { clean pass -n "$SERVER" -i right; }
test_ping() { clean ping -n "$SERVER" -i right --every 2; }
test_tc() { clean tc -n "$SERVER" -i right; }
test_pktcount() { clean pktcount -n "$SERVER" -i right --top 5 --interval 1; }
test_sockfilter() { clean sockfilter -n "$SERVER" -i right -X 'icmp or icmp6'; }
test_sockfilter_json() { clean sockfilter -n "$SERVER" -i right -j --proto icmp -w "$TMP/out.pcap"; }
test_tcpconnect() { clean tcpconnect; }
test_network() { clean network -n "$SERVER" -i right; }

# With a health check by HTTP running, which uses libcurl.
test_xdp_lb()
{
	local name

	name=v$(rand_name l)
	cat >"$TMP/lb.yaml" <<-END
		name: $name
		interfaces: [right]
		connections: 1024
		vips:
		  - address: 192.0.2.2
		    port: 80
		    protocol: tcp
		    check: { type: http, path: /, interval_ms: 200, timeout_ms: 100 }
		    backends:
		      - { address: 192.0.2.1, port: 80 }
	END
	defer "\"$(sample xdp_lb)\" stop -n $SERVER --name $name >/dev/null 2>&1 || :"
	clean xdp_lb run -n "$SERVER" -c "$TMP/lb.yaml"
}

run_tests test_hello test_pass test_ping test_tc test_pktcount test_sockfilter	\
	test_sockfilter_json test_tcpconnect test_network test_xdp_lb
