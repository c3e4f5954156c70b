#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The doctor on machines that the tests break, and its reports of what labs and samples left behind.

test_without_clang()
{
	as_json 1 env PATH="$(path_without clang)" "$DOCTOR"
	row_is clang fail 'no clang'
	cure_is clang setup.sh
	as_json 1 env CLANG=/bin/false "$DOCTOR"
	row_is clang fail 'makes no BPF objects'
}

test_without_the_tools_of_the_lab()
{
	as_json 1 env PATH="$(path_without ip ethtool tcpdump)" "$DOCTOR" -i lo
	row_is ip fail
	row_is ethtool warn
	row_is tcpdump warn
	row_is ping ok
	# Without ip(8) the probe still reports on the interface.
	row_is "XDP features" "$(features_or warn ok)"
}

test_without_a_kernel_tree()
{
	as_json 1 env KSRC=/nonexistent "$DOCTOR"
	row_is "kernel tree" fail
	cure_is "kernel tree" setup.sh
}

test_without_the_probe()
{
	as_json 0 env O="$TMP/empty" "$DOCTOR"
	row_is probes warn 'not built'
	cure_is probes '^make -C '
	! jq -e '.checks[] | select(.name | startswith("attach"))' "$TMP/rows" ||
		fail "rows of a probe that did not run"
}

# If the kernel tree is missing, too, the cure starts with setup.sh, because the build needs it.
test_without_the_probe_and_set_up()
{
	as_json 1 env O="$TMP/empty" KSRC=/nonexistent "$DOCTOR"
	row_is probes warn 'not built'
	cure_is probes '/setup.sh && make -C '
}

test_without_a_capability()
{
	local cap

	as_json 1 setpriv --bounding-set=-net_admin "$DOCTOR"
	row_is CAP_NET_ADMIN fail missing
	row_is CAP_BPF ok
	row_is CAP_NET_RAW ok
	row_is "network namespace" ok
	row_is veth fail
	cure_is veth '^CAP_NET_ADMIN missing: for a container: docker run --cap-add=NET_ADMIN$'
	as_json 1 setpriv --bounding-set=-net_raw "$DOCTOR"
	row_is CAP_NET_RAW fail missing
	row_is "attach socket filter" fail
	cure_is "attach socket filter" '^CAP_NET_RAW missing: '
	row_is "attach XDP native" ok
	as_json 1 setpriv --bounding-set=-sys_admin "$DOCTOR"
	row_is CAP_SYS_ADMIN fail missing
	row_is "program XDP" ok
	row_is "network namespace" fail
	cure_is "network namespace" '^CAP_SYS_ADMIN missing: '
	# CAP_SYS_ADMIN replaces these two capabilities; the rows say so, too.
	for cap in bpf perfmon; do
		as_json 0 setpriv "--bounding-set=-$cap" "$DOCTOR"
		row_is "CAP_${cap^^}" ok 'through CAP_SYS_ADMIN'
		row_is "program XDP" ok
		row_is tcpconnect ok
	done
	as_json 1 setpriv --bounding-set=-sys_admin,-bpf "$DOCTOR"
	row_is CAP_BPF fail missing
	row_is "program XDP" fail
	cure_is "program XDP" '^CAP_BPF missing: '
	as_json 1 setpriv --bounding-set=-sys_admin,-perfmon "$DOCTOR"
	row_is "program XDP" ok
	for cap in "helpers tracing" bpf_printk "attach raw_tp" tcpconnect; do
		cure_is "$cap" '^CAP_PERFMON missing: '
	done
	as_json 0 setpriv --bounding-set=-sys_resource "$DOCTOR"
	row_is CAP_SYS_RESOURCE ok 'not needed'
}

test_without_privileges()
{
	local dir=$TMP/user cap

	public_scripts
	install -d -o 65534 "$dir"
	as_json 1 as_nobody env TMPDIR="$dir" "$PUBLIC/scripts/doctor.sh" -i lo
	[ ! -s "$ERR_FILE" ] || fail "says on stderr: $ERR"
	row_is user warn 'uid 65534'
	for cap in BPF NET_ADMIN PERFMON NET_RAW SYS_ADMIN; do
		row_is "CAP_$cap" fail missing
	done
	row_is "program XDP" fail
	row_is "helpers XDP" fail 'not probed'
	row_is "network namespace" fail
	row_is BTF ok
	cure_is "program XDP" \
		"^CAP_BPF and CAP_NET_ADMIN missing: sudo $PUBLIC/scripts/doctor.sh .*-i lo"
	cure_is "network namespace" '^CAP_SYS_ADMIN missing: sudo '
	cure_is CAP_BPF "^sudo $PUBLIC/scripts/doctor.sh "
	! grep -q 'ulimit -l.*current' "$OUT_FILE" || fail "libbpf's hint about ulimit"
}

test_in_a_user_namespace()
{
	need_user_namespaces
	as_json 1 unshare -Ur "$DOCTOR"
	row_is "user namespace" fail
	row_is "program XDP" fail
	cure_is "program XDP" 'outside of the container'
}

# Shell code for private(): unmount bpffs, tracefs and debugfs from their usual places.
UNMOUNT='
	while umount -l /sys/fs/bpf 2>/dev/null; do :; done
	while umount -l /sys/kernel/tracing 2>/dev/null; do :; done
	! mountpoint -q /sys/kernel/debug || umount -lR /sys/kernel/debug
'

test_mounts()
{
	as_json 0 private '"$@"'
	row_is bpffs ok '/sys/fs/bpf'
	row_is tracefs ok "$TRACEFS"
	as_json 0 private '
		echo 0 >/run/off
		mount --bind /run/off /sys/kernel/tracing/tracing_on
		"$@"'
	row_is tracing_on warn off
	as_json 0 private "$UNMOUNT"' "$@"'
	row_is bpffs ok 'not mounted: xdp_lb mounts it on /sys/fs/bpf'
	row_is tracefs ok "not mounted: hello mounts it on $TRACEFS"
}

# Without the probe the doctor cannot know whether a sample could mount the file system.
test_mounts_that_cannot_be()
{
	as_json 0 private "$UNMOUNT"' O=/nonexistent "$@"'
	row_is bpffs warn '^not mounted$'
	cure_is bpffs '^mount -t bpf '
	row_is tracefs warn '^not mounted$'
	cure_is tracefs '^mount -t tracefs '
	as_json 1 private "$UNMOUNT"' exec setpriv --bounding-set=-sys_admin "$@"'
	row_is bpffs warn 'needs CAP_SYS_ADMIN'
	cure_is bpffs '^sudo mount -t bpf '
	row_is tracefs warn 'needs CAP_SYS_ADMIN'
	cure_is tracefs '^sudo mount -t tracefs '
}

test_nothing_is_left_and_that_is_said()
{
	local name

	as_json 0 private '"$@"'
	for name in namespaces labs pins; do
		row_is "$name" ok none
	done
}

test_leftovers_of_labs()
{
	as_json 0 private '
		ln -s /proc/0/ns/net /run/netns/netbpf-gone-host
		mkdir /run/netbpf/gone
		"$@"'
	row_is namespaces warn netbpf-gone-host
	row_is labs warn gone
	cure_is labs 'lab.sh down --all$'
	# A namespace that a live process holds belongs to a lab that is up.
	as_json 0 private '
		ln -s /proc/$$/ns/net /run/netns/netbpf-here-host
		mkdir /run/netbpf/here
		"$@"; exit $?'
	row_is namespaces ok netbpf-here-host
	row_is labs ok 'up: here'
}

test_leftovers_of_programs()
{
	local id pid gone

	id=$(rand_name netbpf-)
	# No process can have this pid: it is above the limit of the kernel (4194304).
	gone=4194305
	start_bg pid sleep 60
	# Keep the trace instance open: otherwise a hello of another test would remove it.
	# shellcheck disable=SC2016
	as_json 0 private '
		id=$2 gone=$3 lives=$4
		clean() { exec 9<&-; rmdir /sys/kernel/tracing/instances/$id-* || :; }
		trap clean EXIT
		mkdir /sys/kernel/tracing/instances/$id-$gone \
			/sys/kernel/tracing/instances/$id-$lives /sys/fs/bpf/netbpf_lb
		exec 9</sys/kernel/tracing/instances/$id-$gone/trace_pipe
		"$1" --json; exit $?' "$id" "$gone" "$pid"
	row_is "trace instances" warn "$id-$gone"
	[[ $(field "trace instances" text) != *"$id-$pid"* ]] || fail "its owner lives"
	cure_is "trace instances" "^rmdir.*$id-$gone"
	row_is pins warn /sys/fs/bpf/netbpf_lb
	[ ! -e "$TRACEFS/instances/$id-$gone" ] || fail "the test has left an instance"
}

# rows FILE: like as_json, but read the rows from a file that code of private_net has written.
rows()
{
	jq -e . "$1" >"$TMP/rows" || fail "not JSON: $1"
}

# The doctor reports an instance that runs, then one whose control process was killed. The command
# in the cure removes that one.
test_instances_of_xdp_lb()
{
	# shellcheck disable=SC2016
	private_net '
		ip link set lo up
		"$3" run --name lb9 -i lo -m skb --forward dsr --vip tcp:192.0.2.1:80 \
			--backend 192.0.2.2:80 >"$2/ready" 2>/dev/null &
		await_ready "$2/ready"
		"$1" --json >"$2/running"
		kill -9 $!
		wait $! 2>/dev/null || :
		"$1" --json >"$2/killed"
		bash -c "$(jq -r ".checks[] | select(.name == \"xdp_lb\") | .cure" "$2/killed")"
		"$1" --json >"$2/stopped"' "$TMP" "$(sample xdp_lb)"
	rows "$TMP/running"
	row_is xdp_lb ok '^running: lb9$'
	rows "$TMP/killed"
	row_is xdp_lb warn '^without a control program: lb9$'
	cure_is xdp_lb '/xdp_lb stop --name lb9$'
	rows "$TMP/stopped"
	row_is xdp_lb ok none
}

test_instances_that_cannot_be_seen()
{
	local dir=$TMP/user

	public_scripts
	install -d -o 65534 "$dir"
	# shellcheck disable=SC2016
	as_json 1 private '
		chmod 755 /sys/fs/bpf
		mkdir -m 700 /sys/fs/bpf/xdp_lb
		exec env TMPDIR="$2" setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$3" --json' "$dir" "$PUBLIC/scripts/doctor.sh"
	row_is xdp_lb ok 'cannot be seen'
}

# The same for the clsact filters of tc and network. The doctor does not report foreign filters.
test_filters_that_outlive_their_process()
{
	local each

	for each in 'tc -a pass' 'network --tc pass'; do
		# shellcheck disable=SC2016
		private_net '
			ip link add v0 type veth peer name v1
			tc qdisc add dev v1 clsact
			tc filter add dev v1 egress bpf bytecode "1,6 0 0 0,"
			$3 -i v0 --attach clsact >"$2/ready" 2>/dev/null &
			await_ready "$2/ready"
			"$1" --json >"$2/running"
			kill -9 $!
			wait $! 2>/dev/null || :
			"$1" --json >"$2/killed"
			setpriv --bounding-set=-sys_ptrace "$1" --json >"$2/blind"
			bash -c "$(jq -r ".checks[] | select(.name == \"filters\") | .cure" "$2/killed")"
			"$1" --json >"$2/removed"' "$TMP" "$(sample "${each%% *}") ${each#* }"
		rows "$TMP/running"
		row_is filters ok '^in use: v0 ingress \((netbpf|net)_tc\)$'
		rows "$TMP/killed"
		row_is filters warn '^of processes that are gone: v0 ingress \((netbpf|net)_tc, id [0-9]+\)$'
		cure_is filters '^tc filter del dev v0 ingress pref [0-9]+ handle 0x1 bpf$'
		rows "$TMP/blind"
		row_is filters warn '^whose these are cannot be seen: v0 ingress '
		rows "$TMP/removed"
		row_is filters ok none
	done
}

# Whatever bytes a name has, the JSON is valid, and no control characters reach the terminal.
test_odd_bytes_in_names()
{
	local bad=$'\xef\xbf\xbd'	# U+FFFD
	local odd=$'netbpf-\x01\x1b[31m"\\\n\t\x7f\xffé€😀\xed\xa0\x80\xc0\xaf\xf0\x9f'

	# shellcheck disable=SC2016
	as_json 0 private 'ln -s /proc/0/ns/net "/run/netns/$2"; "$1" --json; exit $?' "$odd"
	iconv -f utf-8 -t utf-8 "$OUT_FILE" >/dev/null || fail "not UTF-8"
	row_is namespaces warn
	expect_eq text "$(field namespaces text)" \
		$'left in /run/netns: netbpf-\x01\x1b[31m"\\\n\t\x7f'"${bad}é€😀$bad$bad$bad$bad$bad$bad$bad"
	# shellcheck disable=SC2016
	expect_status 0 private 'ln -s /proc/0/ns/net "/run/netns/$2"; "$1"; exit $?' "$odd"
	expect_no_match "$OUT_FILE" $'[\001\033\177]'
}
