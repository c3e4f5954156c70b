#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the command of each row in the table of Documentation/privileges.rst.

# rows: print "COMMAND|CAPABILITY..." for each row. Capabilities that only some kernels need are
# in parentheses.
# shellcheck disable=SC2016 # ` and $ are of sed
rows()
{
	sed -nE '/^   \* - ``scripts\//d; /^   \* - ``/{
		s/^   \* - ``(.*)``$/\1/
		N
		s/\n     - (none|(\(?CAP_[A-Z_]+\)?(, )?)+)$/|\1/p
	}' "$PAGE" | sed 's/|none$/|/; s/, / /g'
}

# line COMMAND: set LINE to the command of a row, with values in place of IF, NETNS and so on.
# With -d it ends soon.
line()
{
	local word

	LINE=()
	for word in $1; do
		case $word in
		IF) word=lo ;;
		NETNS) word=$NS ;;
		LAB) word=/proc/$PLACE/ns/net ;;
		FILE) word=$TMP/lb.yaml ;;
		VIP) word=web ;;
		BACKEND) word=a ;;
		esac
		LINE+=("$word")
	done
	LINE[0]=$BIN/${LINE[0]}
	case $1 in
	'xdp_lb run '*) LINE+=(-d 0.05) ;;
	xdp_lb*) ;;
	*) LINE+=(-d 0.05) ;;
	esac
}

# prepare COMMAND: let root run an instance if COMMAND needs one; stop it if COMMAND makes one.
prepare()
{
	case $1 in
	'xdp_lb run '* | 'xdp_lb check '*) end_instance ;;
	xdp_lb*) have_instance ;;
	esac
}

INSTANCE=

# have_instance: start an instance of xdp_lb as root, unless it runs already.
have_instance()
{
	[ -z "$INSTANCE" ] || sample_ended "$INSTANCE" || return 0
	start_sample INSTANCE 20 "${HERE[@]}" "$BIN/xdp_lb" run -c "$TMP/lb.yaml" -q
}

end_instance()
{
	[ -n "$INSTANCE" ] || return 0
	sample_ended "$INSTANCE" || stop_sample "$INSTANCE"
	INSTANCE=
}

# row COMMAND CAPABILITY...: COMMAND works with these capabilities. If one of them is missing, or
# all are, the message names just what is missing. A capability in parentheses may be
# unnecessary with this kernel.
row()
{
	local command=$1 cap all may=

	shift
	# With unprivileged_bpf_disabled 0 everybody may make maps without CAP_BPF.
	[ "$UNPRIVILEGED" != 0 ] || may=CAP_BPF
	# Without mitigations, the verifier does not protect packet pointers from speculation.
	! grep -qw mitigations=off /proc/cmdline || may+=" CAP_PERFMON"
	all=$*
	for cap; do
		[[ $cap != \(* ]] || may+=" ${cap//[()]/}"
	done
	all=${all//[()]/}
	line "$command"
	prepare "$command"
	for cap in $all; do
		run as "$(without "$cap" "$all")" "${LINE[@]}"
		if [[ " $may " == *" $cap "* ]] && [ "$STATUS" -eq 0 ]; then
			diag "$command: $cap is not needed by this kernel"
			continue
		fi
		lacks "$cap"
	done
	if [ -n "$all" ]; then
		run as "" "${LINE[@]}"
		# The verifier checks these capabilities later, if at all, so the message may
		# not name them yet.
		for cap in $may; do
			[[ " $(missing) " == *" $cap "* ]] || all=$(without "$cap" "$all")
		done
		lacks "$all"
		all=$*
		all=${all//[()]/}
	fi
	run as "$all" "${LINE[@]}"
	[ "$STATUS" -eq 0 ] || fail "$command with '$all': status $STATUS: $OUT $ERR"
	diag "$command: ${all:-none}"
}

test_the_table()
{
	local command caps

	[ -r "$PAGE" ] || skip "no $PAGE"
	while IFS='|' read -r command caps <&3; do
		if [[ $command = hello* ]] && ! here mountpoint -q /sys/kernel/tracing; then
			diag "$command: no tracefs in this kernel"
			continue
		fi
		# shellcheck disable=SC2086 # several words
		row "$command" $caps
	done 3< <(rows)
	end_instance
}

# With the four capabilities that a careful administrator grants, each command works or names the
# ones that it needs besides. PATH is that of a plain user, without sbin.
test_four_capabilities()
{
	local few="CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_NET_RAW" command caps cap rest

	[ -r "$PAGE" ] || skip "no $PAGE"
	while IFS='|' read -r command caps <&3; do
		[[ $command != hello* ]] || here mountpoint -q /sys/kernel/tracing || continue
		rest=
		for cap in ${caps//[()]/}; do
			[[ " $few " == *" $cap "* ]] || rest+=" $cap"
		done
		line "$command"
		prepare "$command"
		run as "$few" env PATH=/usr/bin:/bin "${LINE[@]}"
		if [ -n "$rest" ]; then
			lacks "$rest"
		elif [ "$STATUS" -ne 0 ]; then
			fail "$command: status $STATUS: $ERR"
		fi
	done 3< <(rows)
	end_instance
}

# commands_of_xdp_lb: print the commands that the help of xdp_lb lists.
commands_of_xdp_lb()
{
	"$BIN/xdp_lb" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p' | sort -u
}

# The test can read every row of the page, and the page has a row for every program and every
# command of xdp_lb.
test_the_table_is_whole()
{
	local name

	[ -r "$PAGE" ] || skip "no $PAGE"
	expect_eq "rows that are read" "$(rows | wc -l)" "$(grep -c '^   \* - ``[^/]*``$' "$PAGE")"
	for name in $SAMPLES; do
		rows | grep -Eq "^$name( |\|)" || fail "no row of $name"
	done
	for name in $(commands_of_xdp_lb); do
		rows | grep -Eq "^xdp_lb $name( |\|)" || fail "no row of xdp_lb $name"
	done
}

# CAP_SYS_ADMIN replaces CAP_BPF, CAP_PERFMON and, for BPF, CAP_NET_ADMIN. It replaces neither
# CAP_NET_RAW nor the CAP_NET_ADMIN of rtnetlink.
test_stand_in()
{
	local name

	for name in ping pktcount; do
		line "$name -i IF"
		expect_status 0 as CAP_SYS_ADMIN "${LINE[@]}"
	done
	line "sockfilter -n NETNS -i IF"
	run as CAP_SYS_ADMIN "${LINE[@]}"
	lacks CAP_NET_RAW
	line "tc -n NETNS -i IF --attach clsact"
	run as "" "${LINE[@]}"
	lacks "CAP_SYS_ADMIN CAP_NET_ADMIN"
	run as CAP_SYS_ADMIN "${LINE[@]}"
	lacks CAP_NET_ADMIN
	expect_status 0 as "CAP_SYS_ADMIN CAP_NET_ADMIN" "${LINE[@]}"
	line "xdp_lb run -c FILE"
	run as "CAP_SYS_ADMIN CAP_DAC_OVERRIDE" "${LINE[@]}"
	lacks CAP_NET_ADMIN
}
