#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the doctor says about this machine is true, and the doctor changes nothing.

# A kprobe can be made by hand if, and only if, the row says so.
test_the_kprobe_row_is_true()
{
	local can=no name

	name=$(rand_name nbt)
	if private "
		cd $TRACEFS
		echo p:$name tcp_v4_connect >>kprobe_events
		echo -:$name >>kprobe_events"; then
		can=yes
	fi
	as_json 0 "$DOCTOR"
	diag "kprobe by hand: $can"
	if [ "$can" = yes ]; then
		row_is "attach kprobe" ok
		row_is tcpconnect ok 'use the kprobe'
	else
		row_is "attach kprobe" warn
		row_is tcpconnect ok 'kprobe no'
	fi
	[ -r /proc/config.gz ] || return 0
	zcat /proc/config.gz >"$TMP/config"
	expect_eq "CONFIG_KPROBES" "$(grep -c '^CONFIG_KPROBES=y' "$TMP/config" || :)" \
		"$([ "$can" = no ] || echo 1; [ "$can" = yes ] || echo 0)"
}

test_the_rows_of_attaching_are_true()
{
	local ns pid

	as_json 0 "$DOCTOR"
	ns_add ns
	veth_pair "$ns" v0 "$ns" v1
	row_is "attach XDP native" ok
	start_sample pid 5 "$(sample pass)" -n "$ns" -i v0 -m native
	stop_sample "$pid"
	row_is "attach XDP generic" ok
	start_sample pid 5 "$(sample pass)" -n "$ns" -i v0 -m skb
	stop_sample "$pid"
	row_is "attach XDP on lo" ok 'generic mode only'
	expect_status 3 "$(sample pass)" -n "$ns" -i lo -m native -d 1
	row_is "attach clsact" ok
	ip netns exec "$ns" tc qdisc add dev v0 clsact
}

test_the_rows_of_files_are_true()
{
	local jit

	as_json 0 "$DOCTOR"
	row_is BTF ok
	[ -s /sys/kernel/btf/vmlinux ] || fail "there is no BTF"
	row_is "kernel version" ok
	expect_eq release "$(field "kernel version" text)" "$(uname -r) on $(uname -m)"
	row_is unprivileged_bpf ok "^$(cat /proc/sys/kernel/unprivileged_bpf_disabled):"
	row_is JIT ok
	# Only the first network namespace has this file. In a container there may be none.
	if jit=$(nsenter --net=/proc/1/ns/net -- cat /proc/sys/net/core/bpf_jit_enable); then
		expect_eq bpf_jit_enable "$jit" 1
	fi
}

# The line that the doctor prints to try bpf_printk() does not appear in the trace of others. This
# also holds in a container, where the pid of a process differs from the one in the trace.
test_its_line_is_in_no_trace_of_others()
{
	# shellcheck disable=SC2016
	as_json 0 private '
		event=/sys/kernel/tracing/events/bpf_trace/bpf_trace_printk/enable
		lines() { grep -c ": netbpf$" /sys/kernel/tracing/trace || :; }
		read -r was <$event
		trap "echo $was >$event" EXIT
		echo 1 >$event
		before=$(lines)
		status=0
		unshare --pid --fork "$1" "$2" || status=$?
		[ "$(lines)" = "$before" ] || status=99
		exit $status'
	row_is bpf_printk ok 'private trace instance'
}

# no_doctor: true if no doctor runs, not even one of another test.
no_doctor()
{
	! grep -qs '/doctor_[p]robe' /proc/[0-9]*/cmdline && ! grep -q netbpf_doctor /proc/kallsyms
}

# snapshot: print everything that the doctor could change. Other tests may run at the same time, so
# leave out what they change: their namespaces, labs and pins.
snapshot()
{
	ip -d link show
	ip addr show
	tc qdisc show
	grep -v ' /run/netns' /proc/self/mounts
	find /sys/fs/bpf -name '*doctor*' 2>/dev/null || :
	private "
		cat $TRACEFS/events/bpf_trace/bpf_trace_printk/filter
		ls $TRACEFS/instances | grep netbpf-doctor || :"
	ls "$TMP/tmp"
}

# same_as_before: no doctor runs, and nothing has changed. The kernel frees programs, namespaces and
# instances a little later, so wait for this.
same_as_before()
{
	snapshot >"$TMP/after"
	no_doctor && cmp -s "$TMP/before" "$TMP/after"
}

expect_same_as_before()
{
	wait_until 30 same_as_before && return
	diff -u "$TMP/before" "$TMP/after" || :
	fail "something has changed, or a program is left"
}

test_nothing_is_left_behind()
{
	local pid

	mkdir "$TMP/tmp"
	export TMPDIR=$TMP/tmp
	eventually 30 no_doctor
	snapshot >"$TMP/before"
	expect_status 0 "$DOCTOR" -i lo
	expect_same_as_before

	start_bg pid "$DOCTOR"
	eventually 5 compgen -G "$TMPDIR/tmp.*"
	stop_sample "$pid" || expect_eq "status after SIGTERM" "$STATUS" 143
	expect_same_as_before
}
