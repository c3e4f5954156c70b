#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The back ends of samples/tcpconnect: which one it uses, and that all report the same.

# doctor_says BACKEND: print "yes" or "no": whether this kernel has what the back end needs.
# doctor.sh tries it with a program of its own, not with this sample. It exits with 1 if any row
# is "fail", for example because no compiler is installed.
doctor_says()
{
	if [ ! -e "$TMP/doctor" ]; then
		"$NETBPF_TOP/scripts/doctor.sh" --json >"$TMP/doctor.json" 2>/dev/null || :
		jq -r '.checks[] | select(.name == "tcpconnect") | .text' "$TMP/doctor.json" \
			>"$TMP/doctor"
	fi
	sed -nE "s/.*\b$1 (yes|no)\b.*/\1/p" "$TMP/doctor"
}

# back_end NAME REASON: the sample works with this back end. If the kernel lacks it, the sample
# exits with status 3 and prints REASON.
back_end()
{
	case $(doctor_says "$1") in
	yes)
		expect_status 0 "$TCPCONNECT" --backend "$1" -d 0.05
		expect_out "^ready: outgoing TCP connections \\($1 on "
		expect_eq stderr "$ERR" ""
		;;
	no)
		expect_status 3 "$TCPCONNECT" --backend "$1" -d 0.05
		expect_eq stdout "$OUT" ""
		expect_err "^tcpconnect: failed to use the back end $1: $2"
		expect_err '^  hint: --backend auto'
		;;
	*)
		fail "the doctor does not know $1"
		;;
	esac
}

test_back_end_kprobe()
{
	back_end kprobe 'this kernel has no kprobes \(CONFIG_KPROBE_EVENTS\)$'
}

test_back_end_fentry()
{
	back_end fentry 'this kernel takes no fentry programs \('
	# arm64 before Linux 6.4 refuses it with an errno that libc does not know.
	expect_no_match "$TMP/doctor.json" 'Unknown error'
}

test_back_end_tracepoint()
{
	back_end tracepoint .
}

# auto takes the first back end that works, and prints why the ones before it do not work.
test_back_end_auto()
{
	local backend first=

	expect_status 0 "$TCPCONNECT" -d 0.05
	for backend in kprobe fentry tracepoint; do
		if [ "$(doctor_says "$backend")" = yes ]; then
			first=$backend
			break
		fi
		expect_err "^tcpconnect: not by $backend: this kernel "
	done
	expect_out "^ready: .*\\($first on "
}

# attempts_of BACKEND: make a list of connections. Write what the sample reports with this
# back end to $TMP/BACKEND, without the fields that differ from run to run.
attempts_of()
{
	BACKEND=$1 start -j
	peer "$S4" "$PORT" bind=6001
	peer "$S6" "$PORT" bind=6002 nonblock=1
	peer "::ffff:$S4" "$PORT" bind=6003 comm=mapped
	peer "$S4" "$CLOSED" bind=6004 uid=65534
	peer "$S6" "$CLOSED" bind=6005
	peer 198.51.100.1 "$PORT"
	peer 2001:db8:ffff::1 "$PORT" nonblock=1
	peer ::ffff:198.51.100.1 "$PORT" bind=6006
	peer 255.255.255.255 "$PORT"
	peer ff02::1 "$PORT" bind=6007
	peer 0.0.0.0 "$CLOSED" bind=6008
	peer "$HOLE" "$PORT" bind=6009 nonblock=1 leave=1
	hold "$HOLE" "$PORT" bind=6010
	stop
	nbt_kill "$HOLDER" || :
	json '.[] | select(.event == "connect") | del(.ts_ns, .lat_us, .pid)' >"$TMP/$1"
	json '.[-1] | del(.filtered_out)' >>"$TMP/$1"
}

# agrees BACKEND REASON: this back end reports the same as the tracepoint. REASON is for the
# skip if the kernel lacks the back end.
agrees()
{
	[ "$(doctor_says "$1")" = yes ] || skip "$2"
	attempts_of tracepoint
	[ "$(grep -c '"ret"' "$TMP/tracepoint")" -eq 13 ] || fail "$(<"$TMP/tracepoint")"
	attempts_of "$1"
	diff "$TMP/tracepoint" "$TMP/$1"
}

test_kprobe_agrees()
{
	[ ! -e /sys/kernel/tracing/kprobe_events ] || [ "$(doctor_says kprobe)" = yes ] ||
		fail "this kernel has kprobes, and the doctor says no"
	agrees kprobe "no kprobes in this kernel"
}

test_fentry_agrees()
{
	agrees fentry "this kernel takes no fentry programs"
}
