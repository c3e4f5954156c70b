#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Samples mount bpffs and tracefs if nobody has done so yet, say so once, and leave them mounted.
# If they cannot mount them, they say why. Each test has a mount and a network namespace of its
# own, with a /sys in which nothing is mounted.
#
# shellcheck disable=SC2016 # $ in single quotes is of another shell

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"

need_root
require_tools flock ip nsenter setpriv unshare

PROBE=$NETBPF_OUT/build/doctor_probe
SERVICE=(--forward dsr --vip tcp:192.0.2.9:80 --backend 192.0.2.2:80)

setup()
{
	LB=$(sample xdp_lb)
	HELLO=$(sample hello)
}

# bare: make these namespaces, with a veth pair v0 - v1. "${IN[@]}" COMMAND runs COMMAND there.
bare()
{
	local holder

	start_bg holder unshare --mount --net --propagation private bash -ec '
		umount --lazy /sys
		mount -t sysfs none /sys
		ip link set lo up
		ip link add v0 type veth peer v1
		ip link set v0 up
		ip link set v1 up
		ip addr add 192.0.2.1/24 dev v0
		ip addr add 192.0.2.9/32 dev v0
		ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent
		echo ready:
		exec sleep 600'
	eventually 10 sample_is_ready "$holder"
	IN=(nsenter --target="$holder" --mount --net --root --)
}

mounts()
{
	# Cut off the mount IDs and peer groups: they differ in each namespace.
	"${IN[@]}" sed -E 's/^[0-9]+ [0-9]+ [^ ]+ //; s/ (shared|master):[0-9]+//' \
		/proc/self/mountinfo
}

# mounted TYPE DIR: print how many file systems of TYPE are mounted at DIR.
mounted()
{
	local all

	all=$(mounts)
	grep -c "^[^-]* $2 [^-]* - $1 " <<<"$all" || :
}

# nothing_mounted: neither bpffs nor tracefs is mounted.
nothing_mounted()
{
	expect_eq "bpffs" "$(mounted bpf /sys/fs/bpf)" 0
	expect_eq "tracefs" "$(mounted tracefs /sys/kernel/tracing)" 0
}

# lb_run NAME IF: set LB_RUN to the command that runs the instance NAME on IF.
lb_run()
{
	LB_RUN=("$LB" run --name "$1" -i "$2" "${SERVICE[@]}")
}

# told FILE...: print how many "mounted" messages are in these files.
told()
{
	cat "$@" | grep -c ': mounted ' || :
}

# ---------------------------------------------------------------------------

test_bpffs_is_mounted_once_and_left()
{
	local pid

	bare
	lb_run one v0
	start_sample pid 20 "${IN[@]}" "${LB_RUN[@]}"
	expect_match "$(sample_err "$pid")" '^xdp_lb: mounted bpffs on /sys/fs/bpf$'
	expect_eq "told" "$(told "$(sample_err "$pid")")" 1
	"${IN[@]}" test -e /sys/fs/bpf/xdp_lb/one/lb_meta || fail "nothing is pinned"
	mounts | grep -q ' /sys/fs/bpf [^-]*nosuid,nodev,noexec.* - bpf .*mode=700' ||
		fail "$(mounts | grep bpf)"
	stop_sample "$pid"

	start_sample pid 20 "${IN[@]}" "${LB_RUN[@]}"
	expect_eq "told again" "$(told "$(sample_err "$pid")")" 0
	stop_sample "$pid"
	expect_eq "mounts" "$(mounted bpf /sys/fs/bpf)" 1
}

test_tracefs_is_mounted_once_and_left()
{
	bare
	expect_status 0 "${IN[@]}" "$HELLO" -i lo -d 0.1
	expect_err '^hello: mounted tracefs on /sys/kernel/tracing$'
	expect_eq "told" "$(told "$ERR_FILE")" 1
	expect_status 0 "${IN[@]}" "$HELLO" -i lo -d 0.1
	expect_eq "told again" "$(told "$ERR_FILE")" 0
	expect_eq "mounts" "$(mounted tracefs /sys/kernel/tracing)" 1
}

# On old systems tracefs is in debugfs, where the kernel mounts it on first access.
test_tracefs_in_debugfs_is_taken()
{
	bare
	"${IN[@]}" mount -t debugfs none /sys/kernel/debug || skip "this kernel has no debugfs"
	"${IN[@]}" test -e /sys/kernel/debug/tracing/instances ||
		skip "this kernel has no tracefs in debugfs"
	expect_status 0 "${IN[@]}" "$HELLO" -i lo -d 0.1
	expect_err '^hello: reading /sys/kernel/debug/tracing/instances/'
	expect_eq "told" "$(told "$ERR_FILE")" 0
	expect_eq "mounts" "$(mounted tracefs /sys/kernel/tracing)" 0
}

# keep_locked DIR: start a process that holds the lock of DIR; its pid is PID.
keep_locked()
{
	start_bg PID "${IN[@]}" bash -ec 'exec 9<"$1"; flock 9; echo ready:; exec sleep 600' x "$1"
	eventually 10 sample_is_ready "$PID"
}

# waits_for PID DIR: true if the process has DIR open, which means that it waits for the lock.
waits_for()
{
	"${IN[@]}" sh -c 'ls -l /proc/$1/fd' x "$1" 2>/dev/null | grep -q -- "-> $2\$"
}

# Two samples mount bpffs at the same time. A second bpffs on top would hide the pins in the first
# one. A lock makes both wait after they have seen that none is mounted.
test_two_at_once()
{
	local one two

	bare
	keep_locked /sys/fs/bpf
	lb_run one v0
	start_bg one "${IN[@]}" "${LB_RUN[@]}"
	lb_run two v1
	start_bg two "${IN[@]}" "${LB_RUN[@]}"
	eventually 8 waits_for "$one" /sys/fs/bpf
	eventually 8 waits_for "$two" /sys/fs/bpf
	nothing_mounted
	kill "$PID"
	eventually 20 sample_is_ready "$one"
	eventually 20 sample_is_ready "$two"
	expect_eq "mounts" "$(mounted bpf /sys/fs/bpf)" 1
	expect_eq "instances" "$("${IN[@]}" ls /sys/fs/bpf/xdp_lb | paste -sd ' ')" 'one two'
	expect_eq "told" "$(told "$(sample_err "$one")" "$(sample_err "$two")")" 1
	expect_status 0 "${IN[@]}" "$LB" stop --name one
	expect_status 0 "${IN[@]}" "$LB" stop --name two
	wait_sample "$one" 10
	wait_sample "$two" 10
}

# Any user can lock a directory that he can read, so a sample must not wait for ever.
test_lock_is_not_waited_for_without_end()
{
	bare
	keep_locked /sys/fs/bpf
	lb_run one v0
	expect_status 1 timeout 60 "${IN[@]}" "${LB_RUN[@]}"
	expect_err '^xdp_lb: failed to pin in /sys/fs/bpf: .* somebody keeps the directory locked'
	nothing_mounted
}

# --- where mounting is impossible ---------------------------------------------

# bpffs_cannot WHY CURE [COMMAND...]: "xdp_lb run", "xdp_lb check" and the doctor, each run by
# COMMAND, print WHY and CURE, and mount nothing.
bpffs_cannot()
{
	local why=$1 cure=$2 before

	shift 2
	before=$(mounts)
	lb_run one v0
	expect_status 1 timeout 20 "${IN[@]}" "$@" "${LB_RUN[@]}"
	expect_err "^xdp_lb: failed to pin in /sys/fs/bpf: bpffs is $why"
	expect_err "^  hint: $cure"
	expect_no_match "$OUT_FILE" '^ready'
	expect_status 1 "${IN[@]}" "$@" "$LB" check -i v0 "${SERVICE[@]}"
	expect_out "^  fail  bpffs  *$why"
	expect_out "^ *cure: $cure"
	expect_status 0 "${IN[@]}" "$@" "$PROBE" -m bpffs
	expect_out "^bpffs	warn	$why.* \(xdp_lb needs it\)	$cure"
	expect_eq "mounts" "$(mounts)" "$before"
}

# tracefs_cannot WHY CURE [COMMAND...]: the same for tracefs, with hello and the doctor.
tracefs_cannot()
{
	local why=$1 cure=$2 before

	shift 2
	before=$(mounts)
	expect_status 1 "${IN[@]}" "$@" "$HELLO" -i lo -d 0.1
	expect_err "^hello: failed to read the trace in /sys/kernel/tracing: tracefs is $why"
	expect_err "^  hint: $cure"
	expect_no_match "$OUT_FILE" '^ready'
	expect_status 0 "${IN[@]}" "$@" "$PROBE" -m tracefs
	expect_out "^tracefs	warn	$why.* \(hello needs it\)	$cure"
	expect_eq "mounts" "$(mounts)" "$before"
}

test_read_only_sys()
{
	bare
	"${IN[@]}" mount -o remount,ro,bind /sys
	bpffs_cannot 'not mounted, and /sys is read-only' 'mount -t bpf none /sys/fs/bpf'
	tracefs_cannot 'not mounted, and /sys is read-only' \
		'mount -t tracefs none /sys/kernel/tracing'
}

test_without_CAP_SYS_ADMIN()
{
	local why='not mounted, and mounting it needs CAP_SYS_ADMIN'

	bare
	bpffs_cannot "$why" 'sudo mount -t bpf none /sys/fs/bpf' \
		setpriv --bounding-set=-sys_admin
	tracefs_cannot "$why" 'sudo mount -t tracefs none /sys/kernel/tracing' \
		setpriv --bounding-set=-sys_admin
}

# Only bpffs: hello fails earlier in a user namespace.
test_in_a_user_namespace()
{
	need_user_namespaces
	bare
	bpffs_cannot 'not mounted, and cannot be in a user namespace' \
		'run it outside of the container' unshare --user --map-root-user --mount
}

test_another_file_system_is_there()
{
	bare
	"${IN[@]}" mount -t tmpfs none /sys/fs/bpf
	bpffs_cannot 'not mounted: another file system is there' 'umount /sys/fs/bpf'
}

test_bpffs_is_read_only()
{
	bare
	"${IN[@]}" mount -t bpf -o ro none /sys/fs/bpf
	bpffs_cannot 'mounted read-only' 'mount -o remount,rw /sys/fs/bpf'
}

test_without_sysfs()
{
	bare
	"${IN[@]}" mount -t tmpfs none /sys
	bpffs_cannot 'not mounted, and there is no sysfs on /sys' 'mount -t sysfs none /sys'
	tracefs_cannot 'not mounted, and there is no sysfs on /sys' 'mount -t sysfs none /sys'
}

# "ip netns exec" gives each command a /sys of its own: pins in a bpffs there end with the command,
# and no other command sees them.
test_ip_netns_exec()
{
	local ns why='hidden: "ip netns exec" gives each command a /sys of its own'

	ns_add ns
	IN=(ip netns exec "$ns")
	bpffs_cannot "$why" "run it without \"ip netns exec\", with -n $ns"
	expect_status 1 "${IN[@]}" "$LB" stop
	expect_err "^xdp_lb: failed to find instance .*: bpffs is $why"
	expect_err "^  hint: run it without \"ip netns exec\", with -n $ns\$"
	# hello may mount tracefs there: its trace instance need not outlive it.
	expect_status 0 "${IN[@]}" "$HELLO" -i lo -d 0.1
	expect_err '^hello: mounted tracefs on /sys/kernel/tracing$'
}

# --- commands that mount nothing ----------------------------------------------

test_other_commands_mount_nothing()
{
	local command before

	bare
	before=$(mounts)
	for command in show stats conns 'ring web' backend vip reload stop; do
		# shellcheck disable=SC2086 # two words
		expect_status 1 "${IN[@]}" "$LB" $command
		expect_err '^xdp_lb: failed to find instance .*: none runs, nothing is pinned in'
	done
	expect_status 0 "${IN[@]}" "$LB" check -i v0 "${SERVICE[@]}"
	expect_out '^  ok    bpffs +not mounted: run mounts it on /sys/fs/bpf$'
	expect_eq "mounts" "$(mounts)" "$before"
	"${IN[@]}" mount -t bpf none /sys/fs/bpf
	expect_status 0 "${IN[@]}" "$LB" check -i v0 "${SERVICE[@]}"
	expect_out '^  ok    bpffs +mounted on /sys/fs/bpf$'
}

test_doctor_mounts_nothing()
{
	local before

	bare
	before=$(mounts)
	expect_status 0 "${IN[@]}" "$PROBE"
	expect_out '^bpf_printk	ok	its line was read from a private trace instance'
	expect_status 0 "${IN[@]}" "$PROBE" -m bpffs
	expect_out '^bpffs	ok	not mounted: xdp_lb mounts it on /sys/fs/bpf when it pins'
	expect_status 0 "${IN[@]}" "$PROBE" -m tracefs
	expect_out '^tracefs	ok	not mounted: hello mounts it on /sys/kernel/tracing when'
	expect_eq "mounts" "$(mounts)" "$before"
	expect_status 2 "$PROBE" -m nonsense
}

# --- a chroot ----------------------------------------------------------------

# make_root DIR: make a root directory that is no mount point and has all that "/" has.
make_root()
{
	"${IN[@]}" bash -ec '
		mkdir "$1"
		for path in /*; do
			if [ -L "$path" ]; then
				cp -P "$path" "$1/"
			elif [ -d "$path" ]; then
				mkdir "$1$path"
				mount --rbind "$path" "$1$path"
			fi
		done' x "$1"
}

test_root_is_no_mount_point()
{
	local root=$TMP/root pid

	bare
	make_root "$root"
	# Status 32: the directory is no mount point; other errors have another status.
	expect_status 32 "${IN[@]}" mountpoint -q "$root"
	expect_status 0 "${IN[@]}" chroot "$root" "$PROBE"
	expect_out '^bpf_printk	ok	its line was read from a private trace instance'
	expect_no_line tracefs mounts
	expect_status 0 "${IN[@]}" chroot "$root" "$HELLO" -i lo -d 0.1
	expect_err '^hello: mounted tracefs on /sys/kernel/tracing$'
	lb_run one v0
	start_sample pid 20 "${IN[@]}" chroot "$root" "${LB_RUN[@]}"
	expect_match "$(sample_err "$pid")" '^xdp_lb: mounted bpffs on /sys/fs/bpf$'
	expect_status 0 "${IN[@]}" chroot "$root" "$LB" stop
	wait_sample "$pid" 10
}

run_tests test_bpffs_is_mounted_once_and_left test_tracefs_is_mounted_once_and_left	\
	test_tracefs_in_debugfs_is_taken test_two_at_once				\
	test_lock_is_not_waited_for_without_end test_read_only_sys			\
	test_without_CAP_SYS_ADMIN test_in_a_user_namespace				\
	test_another_file_system_is_there test_bpffs_is_read_only test_without_sysfs	\
	test_ip_netns_exec test_other_commands_mount_nothing				\
	test_doctor_mounts_nothing test_root_is_no_mount_point
