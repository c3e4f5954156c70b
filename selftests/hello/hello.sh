#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/hello: it prints "Hello ping" for ICMP packets only, reads the lines from a trace
# instance of its own, and leaves nothing behind.
#
# bpf_printk() of every program on the machine reaches every trace instance. If another hello
# runs on this machine, its lines appear here, too. So the tests check for a minimum number
# of lines. A test that allows no further lines runs a copy of hello with a unique text.
#
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck disable=SC2016 # $ in single quotes is of jq or another shell

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/pair.sh
. "$NBT_DIR/lib/pair.sh"

need_root
require_tools ip jq nsenter ping unshare

TRACEFS=/sys/kernel/tracing

setup()
{
	HELLO=$(sample hello) SAMPLE=$HELLO
	instances >/dev/null || skip "no tracefs with instances in this kernel"
	pair_add
	pair_answers
}

# instances: list the trace instances of this machine. If tracefs is not mounted, mount it
# in a new mount namespace.
instances()
{
	unshare -m sh -c '
		[ -e "$1/instances" ] || mount -t tracefs tracefs "$1" || exit 1
		ls "$1/instances"' x "$TRACEFS"
}

has_instance()
{
	instances | grep -qx "netbpf-hello-$1"
}

no_instance()
{
	local all

	all=$(instances) || return
	! grep -qx "netbpf-hello-$1" <<<"$all"
}

# stop_swept: stop the sample; its trace instance must disappear.
stop_swept()
{
	stop
	eventually 5 no_instance "$PID"
}

# lines [FILE]: print how many lines of the BPF program the sample has shown so far.
lines()
{
	grep -Ec 'bpf_trace_printk: Hello ping$|"text":"Hello ping"' "${1:-$SAMPLE_OUT}" || :
}

lines_at_least()
{
	[ "$(lines "${2:-$SAMPLE_OUT}")" -ge "$1" ]
}

# ---------------------------------------------------------------------------

test_v4()
{
	start
	expect_answers 5 "$S4"
	eventually 5 lines_at_least 5
	stop_swept
	# task-pid [cpu] flags time: the text
	expect_match "$SAMPLE_OUT" \
		'^ *[^ ].*-[0-9]+ +\[[0-9]+\] .* [0-9]+\.[0-9]+: bpf_trace_printk: Hello ping$'
	expect_match "$SAMPLE_OUT" '^summary: [0-9]+ lines traced, 0 lost$'
}

test_v6()
{
	start
	expect_answers 5 "$S6"
	eventually 5 lines_at_least 5
	stop_swept
}

test_v4_and_v6()
{
	start
	expect_answers 3 "$S4"
	expect_answers 3 "$S6"
	eventually 5 lines_at_least 6
	stop_swept
	expect_eq "lines in the summary" \
		"$(sed -n 's/^summary: \([0-9]*\) lines traced, 0 lost$/\1/p' "$SAMPLE_OUT")" "$(lines)"
}

# own_hello: make OWN_HELLO, a copy of hello that prints OWN_TEXT instead of "Hello ping". Its
# trace instance accepts only OWN_TEXT. Both strings are replaced in the binary by strings
# of the same length.
own_hello()
{
	local tag

	tag=$(od -An -N3 -tx1 /dev/urandom | tr -d ' ')
	tag=${tag:0:5}
	OWN_TEXT=Hello$tag OWN_HELLO=$TMP/hello
	sed -e "s/Hello ping/$OWN_TEXT/g" -e "s/Hello\*/*$tag/g" "$HELLO" >"$OWN_HELLO"
	chmod +x "$OWN_HELLO"
	# The filter must be a C string of its own: zero bytes around it.
	grep -aqP "\0\*$tag\0" "$OWN_HELLO" || fail "no filter \"Hello*\" in $HELLO"
}

# 20 datagrams come in, then a ping, and nothing else: IPv6 is off, and ARP is done before.
# The kernel handles the frames in this order, and the sample shows lines in order. So when
# the line of the ping is there, lines of the datagrams would be there, too.
test_nothing_but_icmp()
{
	local ns1 ns2 pid out

	ns_add ns1 ns2
	no_ipv6 "$ns1"
	no_ipv6 "$ns2"
	veth_pair "$ns1" near "$ns2" far
	addr_add "$ns1" near 192.0.2.1/24
	addr_add "$ns2" far 192.0.2.2/24
	expect_status 0 in_ns "$ns1" ping -n -c 1 -W 5 192.0.2.2
	own_hello
	start_sample pid 20 "$OWN_HELLO" -n "$ns2" -i far
	in_ns "$ns1" bash -c 'for ((i = 0; i < 20; i++)); do echo x >/dev/udp/192.0.2.2/9; done'
	expect_status 0 in_ns "$ns1" ping -n -c 1 -W 5 192.0.2.2
	out=$(sample_out "$pid")
	eventually 5 grep -q ": $OWN_TEXT\$" "$out"
	stop_sample "$pid"
	expect_eq "lines for one ping and 20 datagrams" "$(grep -c ": $OWN_TEXT\$" "$out")" 1
}

test_count()
{
	start -c 3
	expect_answers 10 "$S4"
	wait_sample "$PID" 10
	expect_eq lines "$(lines)" 3
	expect_match "$SAMPLE_OUT" '^summary: 3 lines traced, 0 lost$'
	no_instance "$PID" || fail "the instance is still there"
}

test_json()
{
	local now

	start -j
	now=$(date +%s)
	expect_answers 3 "$S4"
	eventually 5 lines_at_least 3
	stop_swept
	expect_eq "objects" "$(jq -c . "$SAMPLE_OUT" | wc -l)" "$(wc -l <"$SAMPLE_OUT")"
	jq -es '.[0].event == "ready" and .[0].tool == "hello" and
		.[0].attached[0].ifname == "right" and .[-1].event == "summary" and
		.[-1].lines == length - 2 and
		all(.[1:-1][]; .event == "trace" and .text == "Hello ping" and
			(.ts_ns | type == "number") and (.cpu | type == "number"))' \
		"$SAMPLE_OUT" >/dev/null || fail "$(<"$SAMPLE_OUT")"
	# The sample converts the time of the trace to the time of day.
	jq -es --argjson now "$now" 'all(.[1:-1][];
		.ts_ns / 1e9 - $now | . > -1 and . < 5)' "$SAMPLE_OUT" >/dev/null ||
		fail "it was $now: $(<"$SAMPLE_OUT")"
	jq -es --argjson n "$(nproc --all)" 'all(.[1:-1][]; .cpu < $n)' "$SAMPLE_OUT" \
		>/dev/null || fail "odd cpu: $(<"$SAMPLE_OUT")"
}

# -q shows no lines, as text and as JSON, but still prints the summary.
test_quiet()
{
	local form

	for form in '' -j; do
		# shellcheck disable=SC2086
		start -q $form
		expect_answers 3 "$S4"
		stop_swept
		expect_eq "lines with -q $form" "$(lines)" 0
		expect_match "$SAMPLE_OUT" '^summary: |"event":"summary"'
	done
}

test_default_interface_is_lo()
{
	start_main 20 "$HELLO" -n "$SERVER"
	expect_match "$SAMPLE_OUT" '^ready: lo \(xdp, skb mode\)$'
	xdp_is "$SERVER" lo skb
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 5 127.0.0.1
	eventually 5 lines_at_least 4		# the requests and the replies
	stop_swept
	xdp_is "$SERVER" lo none
}

test_native_mode()
{
	start -m native
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, native mode\)$'
	xdp_is "$SERVER" right native
	expect_answers 1 "$S4"
	eventually 5 lines_at_least 1
	stop_swept
	xdp_is "$SERVER" right none
}

test_skb_mode()
{
	start -m skb
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, skb mode\)$'
	xdp_is "$SERVER" right skb
	expect_answers 1 "$S4"
	eventually 5 lines_at_least 1
	stop_swept
}

# The sample says which trace instance it reads. The instance exists only while it runs.
test_private_instance()
{
	start
	expect_match "$SAMPLE_ERR" "^hello: reading .*/instances/netbpf-hello-$PID/trace_pipe$"
	has_instance "$PID" || fail "no instance netbpf-hello-$PID"
	stop_swept
}

# The sample enables only the event that it needs, and only in its own trace instance.
test_other_readers_lose_nothing()
{
	local enabled

	start
	enabled=$(unshare -m sh -c '
		[ -e "$1/instances" ] || mount -t tracefs tracefs "$1"
		cat "$1/instances/netbpf-hello-$2/set_event"' x "$TRACEFS" "$PID")
	expect_eq "events of the instance" "$enabled" bpf_trace:bpf_trace_printk
	expect_answers 2 "$S4"
	eventually 5 lines_at_least 2
	stop_swept
}

# After kill -9 the trace instance stays. The next start removes it, but does not remove
# instances that are in use.
test_stale_instance_is_swept()
{
	local dead other

	start
	dead=$PID
	stop_sample "$dead" KILL 2>/dev/null || :
	start
	other=$PID
	no_instance "$dead" || fail "netbpf-hello-$dead is still there"
	start_sample PID 20 "$HELLO" -n "$SERVER" -i lo
	has_instance "$other" || fail "the instance of the other one is gone"
	stop_sample "$PID"
	expect_answers 1 "$S4"
	eventually 5 lines_at_least 1
	PID=$other
	stop_swept
}

# in_container NS IF: start the sample as process 1 of a new pid namespace. INSIDE is its pid
# as seen from here, INSTANCE the name of its trace instance.
in_container()
{
	start_main 20 unshare --pid --fork "$HELLO" -n "$1" -i "$2"
	INSIDE=$(child_named "$PID" hello)
	INSTANCE=$(sed -n 's,^hello: reading .*/instances/\(.*\)/trace_pipe$,\1,p' "$SAMPLE_ERR")
	[[ $INSTANCE = netbpf-hello-*1 ]] || fail "odd instance $INSTANCE"
}

# In two containers the sample has the same pid. The two instances must have different names,
# and an instance that a killed sample left behind must not stop the next start.
test_same_pid_in_two_containers()
{
	local one outside inside

	in_container "$SERVER" lo
	one=$INSTANCE outside=$PID inside=$INSIDE
	in_container "$SERVER" right
	[ "$INSTANCE" != "$one" ] || fail "both have $one"
	expect_answers 1 "$S4"
	eventually 5 lines_at_least 1
	kill -KILL "$INSIDE"
	wait_sample "$PID" 10 2>/dev/null || :
	one=$INSTANCE
	in_container "$SERVER" right
	expect_eq instance "$INSTANCE" "$one"
	kill "$INSIDE" "$inside"
	wait_sample "$PID" 10
	wait_sample "$outside" 10
}

test_kill_9_leaves_no_program()
{
	start
	stop_sample "$PID" KILL 2>/dev/null || :
	eventually 5 xdp_is "$SERVER" right none
	expect_status 0 "$HELLO" -n "$SERVER" -d 0.01	# sweeps its instance
}

# A trace line does not say which program printed it, so both samples show all lines.
test_two_at_once()
{
	local one two

	start
	one=$SAMPLE_OUT two=$PID
	start_on "$CLIENT" -i left
	expect_answers 3 "$S4"			# requests on right, replies on left
	eventually 5 lines_at_least 6 "$one"
	eventually 5 lines_at_least 6 "$SAMPLE_OUT"
	stop_swept
	stop_sample "$two"
}

test_two_interfaces()
{
	start -i lo
	expect_match "$SAMPLE_OUT" '^ready: right \(xdp, native mode\), lo \(xdp, skb mode\)$'
	expect_answers 2 "$S4"
	expect_status 0 in_ns "$SERVER" ping -n -c 2 -i 0.02 -W 5 127.0.0.1
	eventually 5 lines_at_least 6
	stop_swept
}

test_interface_deleted()
{
	near_far 1500
	start_on "$FAR" -i far
	expect_answers_from "$NEAR" 2 "$S4"
	eventually 5 lines_at_least 2
	ip -n "$FAR" link del far
	expect_gone far
	expect_match "$SAMPLE_OUT" '^summary: [0-9]+ lines traced, 0 lost$'
	eventually 5 no_instance "$PID"
}

# If the reader of the output ends, as in "hello | head -1", the next line ends the sample.
test_reader_goes_away()
{
	start_into_head
	expect_answers 1 "$S4"
	eventually 10 sample_ended "$PID"
	no_instance "$PID" || fail "the instance is still there"
	xdp_is "$SERVER" right none
}

run_tests test_v4 test_v6 test_v4_and_v6 test_nothing_but_icmp test_count test_json \
	test_quiet test_default_interface_is_lo test_native_mode test_skb_mode \
	test_private_instance test_other_readers_lose_nothing test_stale_instance_is_swept \
	test_same_pid_in_two_containers test_kill_9_leaves_no_program test_two_at_once \
	test_two_interfaces test_interface_deleted test_reader_goes_away
