#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Samples in the background: their start, what they print, their end.

# sample_out PID, sample_err PID: files with what it has printed so far.
sample_out()
{
	echo "$TMP/sample.$1.out"
}

sample_err()
{
	echo "$TMP/sample.$1.err"
}

# sample_ended PID: the process has ended (or was not started by this shell).
sample_ended()
{
	child_ended "$1"
}

sample_is_ready()
{
	grep -Eq '^ready:|"event": *"ready"' "$(sample_out "$1")"
}

nbt_ready_or_ended()
{
	sample_is_ready "$1" || sample_ended "$1"
}

show_sample()
{
	show "stdout of $1" "$(sample_out "$1")"
	show "stderr of $1" "$(sample_err "$1")"
}

# nbt_kill PID: the deferred end of a process that may be gone.
nbt_kill()
{
	sample_ended "$1" && return
	kill -TERM "$1" 2>/dev/null
	wait_until "$NBT_GRACE" sample_ended "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# start_bg VAR COMMAND...: start it in the background, its pid goes into VAR. It
# is ended with the test. COMMAND is a program, not a function: env undoes the
# SIG_IGN that a script gives to its background processes for SIGINT.
start_bg()
{
	local __var=$1 __tmp=$TMP/sample.new __pid

	shift
	{
		exec {NBT_FD}>&-
		exec env --default-signal=INT,QUIT "$@"
	} </dev/null >"$__tmp.out" 2>"$__tmp.err" &
	__pid=$!
	defer "nbt_kill $__pid"
	eventually 5 test -e "$__tmp.err"
	mv "$__tmp.out" "$(sample_out "$__pid")"
	mv "$__tmp.err" "$(sample_err "$__pid")"
	printf -v "$__var" %s "$__pid"
}

# start_sample VAR SECONDS COMMAND...: start_bg, then wait for its ready line,
# at most SECONDS; fail when that does not come, or when it ends before.
start_sample()
{
	local __var=$1 __deadline=$2 __new

	shift 2
	start_bg __new "$@"
	printf -v "$__var" %s "$__new"
	wait_until "$__deadline" nbt_ready_or_ended "$__new" || :
	! sample_is_ready "$__new" || return 0
	show_sample "$__new"
	! sample_ended "$__new" || fail "ended before it was ready: $*"
	fail "not ready after $__deadline s: $*"
}

# start_main SECONDS COMMAND...: start_sample of what the test is about: its pid is in
# PID, what it prints in the files SAMPLE_OUT and SAMPLE_ERR.
# shellcheck disable=SC2034 # for the caller
start_main()
{
	start_sample PID "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# wait_sample PID SECONDS: it ends by itself in that time; returns (and puts in
# STATUS) its exit status.
wait_sample()
{
	if ! wait_until "$2" sample_ended "$1"; then
		show_sample "$1"
		fail "process $1 has not ended after $2 s"
	fi
	STATUS=0
	wait "$1" 2>/dev/null || STATUS=$?
	[ "$STATUS" -eq 0 ] || show_sample "$1"
	return "$STATUS"
}

# stop_sample PID [SIGNAL]: send SIGNAL (TERM) and wait for its end; returns
# (and puts in STATUS) its exit status, 128 + N when killed by signal N.
stop_sample()
{
	if sample_ended "$1"; then
		show_sample "$1"
		fail "process $1 had ended before it was stopped"
	fi
	kill -s "${2:-TERM}" "$1"
	wait_sample "$1" "$NBT_GRACE"
}

# stop_main: stop_sample of what start_main has started; it ends with status 0.
stop_main()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# expect_gone IF [WHY]: what start_main has started ends by itself, with status 1, and says
# that the interface IF "was removed", or else WHY.
expect_gone()
{
	wait_sample "$PID" 10 2>/dev/null || :
	expect_eq status "$STATUS" 1
	expect_match "$SAMPLE_ERR" ": failed to go on with $1: the interface ${2:-was removed}\$"
}

# json FILTER [JQ-OPTION...]: over all JSON lines in the file $SAMPLE_OUT, as an array.
json()
{
	jq -rs "${@:2}" "$1" "$SAMPLE_OUT"
}

# expect_json FILTER [JQ-OPTION...]: it yields true.
expect_json()
{
	[ "$(json "$@")" = true ] && return
	show "stdout" "$SAMPLE_OUT"
	fail "not true: $1"
}

# bpf_objects PID: "kind id" of the BPF objects it holds.
bpf_objects()
{
	grep -hE '^(prog|map|link|btf)_id:' "/proc/$1/fdinfo/"* | sed 's/_id:\s*/ /' |
		sort -u
}

# bpf_object_gone KIND ID: no object of the kernel has it (bpf(2)).
# shellcheck disable=SC2016 # $ in single quotes is of perl
bpf_object_gone()
{
	perl -e '
		my %nr = (x86_64 => 321, aarch64 => 280, riscv64 => 280);
		my %cmd = (prog => 13, map => 14, btf => 19, link => 30);
		my ($kind, $id, $arch) = @ARGV;
		my $attr = pack("L32", $id);
		my $fd = syscall($nr{$arch}, $cmd{$kind}, $attr, length $attr);
		exit($fd < 0 && $!{ENOENT} ? 0 : 1);' "$1" "$2" "$(uname -m)"
}

# need_bpf_objects: skip where bpf_object_gone cannot tell.
need_bpf_objects()
{
	have perl || skip "not installed: perl"
	[[ $(uname -m) = @(x86_64|aarch64|riscv64) ]] || skip "bpf(2) has another number here"
}

# keep_bpf_objects PID: those it holds, for expect_bpf_objects_gone, in $TMP/objects. A
# program is among them, and bpf_object_gone finds it.
keep_bpf_objects()
{
	bpf_objects "$1" >"$TMP/objects"
	grep -q '^prog' "$TMP/objects" || fail "no program: $(<"$TMP/objects")"
	! bpf_object_gone prog "$(sed -n '/^prog /{s///p;q}' "$TMP/objects")" ||
		fail "the program is not found while it runs"
}

# expect_bpf_objects_gone: all of them, soon.
expect_bpf_objects_gone()
{
	local kind id

	while read -r kind id; do
		eventually 10 bpf_object_gone "$kind" "$id"
	done <"$TMP/objects"
}

# memory_cgroup MEGABYTES: a cgroup of so much memory, which that of BPF maps counts in,
# into CGROUP.
memory_cgroup()
{
	local name limit

	name=$(rand_name nbt-)
	if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
		CGROUP=/sys/fs/cgroup/memory/$name
		limit=memory.limit_in_bytes
	elif grep -qsw memory /sys/fs/cgroup/cgroup.subtree_control; then
		CGROUP=/sys/fs/cgroup/$name
		limit=memory.max
	else
		skip "no cgroup counts memory here"
	fi
	mkdir "$CGROUP" || skip "no cgroup can be made here"
	defer "wait_until 5 rmdir $CGROUP"
	echo "${1}M" >"$CGROUP/$limit"
}

# in_cgroup COMMAND...: in that of memory_cgroup.
in_cgroup()
{
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" "$@"
}
