#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The capabilities that each program needs: a user without privileges can run it with those of
# Documentation/privileges.rst. If some are missing, the message names just these.
#
# The tests mount bpffs and tracefs in a mount namespace of their own, where only root may
# enter them.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/common/privs/table.sh
. "$NBT_DIR/common/privs/table.sh"
# shellcheck source=selftests/common/privs/hints.sh
. "$NBT_DIR/common/privs/hints.sh"
# shellcheck source=selftests/common/privs/others.sh
. "$NBT_DIR/common/privs/others.sh"
# shellcheck source=selftests/common/privs/scripts.sh
. "$NBT_DIR/common/privs/scripts.sh"

need_root
require_tools ip setpriv nsenter unshare

PAGE=$NETBPF_TOP/Documentation/privileges.rst
UNPRIVILEGED=$(cat /proc/sys/kernel/unprivileged_bpf_disabled 2>/dev/null || :)
# The capabilities in the order in which messages name them.
ORDER=(CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_NET_RAW CAP_DAC_OVERRIDE CAP_KILL CAP_SYS_ADMIN
	CAP_SYS_PTRACE)

# setup: copy the samples to $BIN, where a user without privileges can run them, wherever the
# tree is.
setup()
{
	local name

	SAMPLES=$(sample_names | xargs)
	[ -n "$SAMPLES" ] || fail "no SAMPLES in samples/Makefile"
	BIN=$TMP/bin
	mkdir "$BIN"
	for name in $SAMPLES; do
		cp "$(sample "$name")" "$BIN/"
	done
	chmod 755 "$TMP" "$BIN" "$BIN"/*
	ns_add NS
	make_place
}

# make_place: start a process that holds a mount and a network namespace for the tests. PLACE is
# its pid; "${HERE[@]}" COMMAND... runs COMMAND in these namespaces.
# shellcheck disable=SC2016 # the inner shell expands $
make_place()
{
	start_sample PLACE 10 unshare --mount --net bash -euc '
		mount -t bpf -o mode=0700 bpf /sys/fs/bpf
		mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing ||
			echo "no tracefs" >&2
		ip link set lo up
		ip link add veth0 type veth peer name veth1
		ip link set veth0 up
		ip link set veth1 up
		ip addr add 10.9.0.5/24 dev veth0
		ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev veth0
		echo "ready: it"
		exec sleep infinity'
	# --root: if this test runs in a chroot, nsenter would otherwise leave the chroot.
	HERE=(nsenter --target="$PLACE" --mount --net --root --)
	cat >"$TMP/lb.yaml" <<-CONFIG
		interfaces: [veth0]
		mode: tc
		vips:
		  - name: web
		    address: 10.9.0.5
		    port: 80
		    check: { type: none }
		    backends: [{ name: a, address: 10.9.0.2 }]
	CONFIG
	chmod 644 "$TMP/lb.yaml"
}

# here COMMAND...: run COMMAND in the namespaces of PLACE, as root.
here()
{
	"${HERE[@]}" "$@"
}

# as "CAPABILITY..." COMMAND...: run COMMAND in the namespaces of PLACE, as a plain user with
# just these capabilities.
as()
{
	local caps=-all cap

	for cap in $1; do
		cap=${cap,,}
		caps+=",+${cap#cap_}"
	done
	here setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps="$caps" \
		--ambient-caps="$caps" -- "${@:2}"
}

# run COMMAND...: like expect_status, but accepts any exit status.
run()
{
	STATUS=0
	"$@" >"$OUT_FILE" 2>"$ERR_FILE" || STATUS=$?
	OUT=$(<"$OUT_FILE") ERR=$(<"$ERR_FILE")
}

# missing: print the capabilities that are missing according to the last message.
missing()
{
	sed -nE 's/^[a-z_]+: failed to .*: (.*) missing$/\1/p' "$ERR_FILE" | head -n 1 |
		sed 's/, / /g; s/ and / /'
}

# without CAPABILITY "CAPABILITY...": print the list without this capability.
without()
{
	local cap others=

	for cap in $2; do
		[ "$cap" = "$1" ] || others+=" $cap"
	done
	echo "${others# }"
}

# in_order "CAPABILITY...": print the list in the order of messages.
in_order()
{
	local cap sorted=

	for cap in "${ORDER[@]}"; do
		[[ " $1 " != *" $cap "* ]] || sorted+=" $cap"
	done
	echo "${sorted# }"
}

# lacks "CAPABILITY...": the last command failed, and its message names just these as missing.
lacks()
{
	[ "$STATUS" -eq 1 ] || fail "status $STATUS, wanted 1, and $1 named: $ERR"
	expect_eq "capabilities in: $ERR" "$(missing)" "$(in_order "$1")"
	expect_eq "stdout" "$OUT" ""
	expect_eq "failures in: $ERR" "$(grep -c ': failed to ' "$ERR_FILE")" 1
}

run_tests test_the_table_is_whole test_the_table test_four_capabilities test_stand_in test_command_to_paste \
	test_file_with_capabilities test_out_of_reach test_user_namespace \
	test_root_without_capabilities test_no_guess_of_libbpf test_instance_of_another \
	test_own_instance test_stop_removes_all_or_nothing \
	test_refused_drain_changes_nothing test_program_of_another \
	test_filter_of_another test_scripts test_lab_of_more_capabilities \
	test_scripts_as_a_plain_user
