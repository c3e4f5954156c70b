#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Samples that run in the background: how a test starts them, reads their output and stops
# them.

# sample_out PID, sample_err PID: path of the file with the stdout (stderr) of the process.
sample_out()
{
	echo "$TMP/sample.$1.out"
}

sample_err()
{
	echo "$TMP/sample.$1.err"
}

# sample_ended PID: true if the process has ended (or is no child of this shell).
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

# nbt_kill PID: end a process if it still runs; for defer.
nbt_kill()
{
	sample_ended "$1" && return
	kill -TERM "$1" 2>/dev/null
	wait_until "$NBT_GRACE" sample_ended "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# start_bg VAR COMMAND...: start COMMAND in the background and put its pid into VAR. The end
# of the test also ends COMMAND. COMMAND has to be a program, not a function, because env
# starts it: bash makes background processes ignore SIGINT, and env undoes this.
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

# start_sample VAR SECONDS COMMAND...: start_bg COMMAND and wait for its "ready:" line. Fails
# if the line does not come within SECONDS, or if COMMAND ends before.
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

# start_main SECONDS COMMAND...: start the sample that the test is about, by start_sample.
# PID is its pid; SAMPLE_OUT and SAMPLE_ERR are the files with its output.
# shellcheck disable=SC2034 # for the caller
start_main()
{
	start_sample PID "$@"
	SAMPLE_OUT=$(sample_out "$PID")
	SAMPLE_ERR=$(sample_err "$PID")
}

# wait_sample PID SECONDS: fail unless the process ends by itself within SECONDS. Returns
# its exit status and puts it into STATUS.
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

# stop_sample PID [SIGNAL]: send SIGNAL (default TERM) and wait until the process ends.
# Returns its exit status, 128 + N if signal N killed it, and puts it into STATUS.
stop_sample()
{
	if sample_ended "$1"; then
		show_sample "$1"
		fail "process $1 had ended before it was stopped"
	fi
	kill -s "${2:-TERM}" "$1"
	wait_sample "$1" "$NBT_GRACE"
}

# stop_main: stop the sample of start_main; fail unless its exit status is 0.
stop_main()
{
	stop_sample "$PID" || fail "status $STATUS"
}

# expect_gone IF [WHY]: fail unless the sample of start_main ends by itself, with status 1
# and the message that the interface IF "was removed". WHY replaces "was removed".
expect_gone()
{
	wait_sample "$PID" 10 2>/dev/null || :
	expect_eq status "$STATUS" 1
	expect_match "$SAMPLE_ERR" ": failed to go on with $1: the interface ${2:-was removed}\$"
}

# json FILTER [JQ-OPTION...]: run the jq FILTER on the array of all JSON lines in SAMPLE_OUT.
json()
{
	jq -rs "${@:2}" "$1" "$SAMPLE_OUT"
}

# expect_json FILTER [JQ-OPTION...]: fail unless json FILTER prints true.
expect_json()
{
	[ "$(json "$@")" = true ] && return
	show "stdout" "$SAMPLE_OUT"
	fail "not true: $1"
}

# bpf_objects PID: print "KIND ID" of each BPF object to which the process has a file
# descriptor.
bpf_objects()
{
	grep -hE '^(prog|map|link|btf)_id:' "/proc/$1/fdinfo/"* | sed 's/_id:\s*/ /' |
		sort -u
}

# bpf_object_gone KIND ID: true if the kernel has no such BPF object. Asks bpf(2) for a file
# descriptor of the ID.
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

# need_bpf_objects: skip where bpf_object_gone does not work.
need_bpf_objects()
{
	have perl || skip "not installed: perl"
	[[ $(uname -m) = @(x86_64|aarch64|riscv64) ]] || skip "bpf(2) has another number here"
}

# keep_bpf_objects PID: write the bpf_objects of the process to $TMP/objects, for
# expect_bpf_objects_gone. Fails unless there is a program among them that bpf_object_gone
# finds: otherwise the later check could not fail.
keep_bpf_objects()
{
	bpf_objects "$1" >"$TMP/objects"
	grep -q '^prog' "$TMP/objects" || fail "no program: $(<"$TMP/objects")"
	! bpf_object_gone prog "$(sed -n '/^prog /{s///p;q}' "$TMP/objects")" ||
		fail "the program is not found while it runs"
}

# expect_bpf_objects_gone: fail unless all objects in $TMP/objects disappear soon.
expect_bpf_objects_gone()
{
	local kind id

	while read -r kind id; do
		eventually 10 bpf_object_gone "$kind" "$id"
	done <"$TMP/objects"
}

# memory_cgroup MEGABYTES: make a cgroup with this memory limit, and set CGROUP to its
# directory. The memory of BPF maps counts towards the limit.
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

# in_cgroup COMMAND...: run COMMAND in the cgroup of memory_cgroup.
in_cgroup()
{
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" "$@"
}
