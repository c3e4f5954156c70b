#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The table of Documentation/privileges.rst: each row is run.

# rows: "COMMAND|CAPABILITY...", those that depend on the kernel in parentheses.
# shellcheck disable=SC2016 # ` and $ are of sed
rows()
{
	sed -nE '/^   \* - ``scripts\//d; /^   \* - ``/{
		s/^   \* - ``(.*)``$/\1/
		N
		s/\n     - (none|(\(?CAP_[A-Z_]+\)?(, )?)+)$/|\1/p
	}' "$PAGE" | sed 's/|none$/|/; s/, / /g'
}

# line COMMAND: what it is here, in LINE; it ends soon.
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

# prepare COMMAND: an instance of root for those that want one, none for one that makes it.
prepare()
{
	case $1 in
	'xdp_lb run '* | 'xdp_lb check '*) end_instance ;;
	xdp_lb*) have_instance ;;
	esac
}

INSTANCE=

# have_instance: root runs one.
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

# row COMMAND CAPABILITY...: with these it works; without one of them, or any, just that is
# named. One in parentheses may be needed, or not.
row()
{
	local command=$1 cap all may=

	shift
	# Then everybody may make maps.
	[ "$UNPRIVILEGED" != 0 ] || may=CAP_BPF
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
		# The verifier asks later, if it does.
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

# What a careful administrator gives, for all of them: each works, or names the rest. The
# directories sbin are not in PATH.
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

# commands_of_xdp_lb: as its help has them.
commands_of_xdp_lb()
{
	"$BIN/xdp_lb" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p' | sort -u
}

# Each row of the page is one that the test reads, and nothing is left out.
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

# CAP_SYS_ADMIN is asked for in place of three others, but not by rtnetlink.
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
