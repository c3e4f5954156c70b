#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The hints on how to get missing capabilities.

# hint N: print the Nth hint of the last command.
hint()
{
	sed -n 's/^  hint: //p' "$ERR_FILE" | sed -n "$1p"
}

# with_sudo COMMAND...: run COMMAND with a "sudo" in PATH that only runs its arguments: the test
# is root already.
with_sudo()
{
	mkdir -p "$TMP/sudo"
	# shellcheck disable=SC2016 # $ is of the script
	printf '#!/bin/sh\nexec "$@"\n' >"$TMP/sudo/sudo"
	chmod 755 "$TMP/sudo/sudo"
	PATH=$TMP/sudo:$PATH "$@"
}

# The command in the hint has all arguments, quoted, and works as root.
test_command_to_paste()
{
	local line

	run as "" "$BIN/sockfilter" -i lo -d 0.05 -w "$TMP/it's" 'tcp and port 80'
	lacks "CAP_BPF CAP_NET_RAW"
	line=$(hint 1)
	expect_eq hint "$line" \
		"sudo $BIN/sockfilter -i lo -d 0.05 -w '$TMP/it'\\''s' 'tcp and port 80'"
	expect_status 0 with_sudo here bash -c "$line"
	[ -s "$TMP/it's" ] || fail "no pcap file was written"
	# A program that was found in PATH gets its full path: sudo has another PATH.
	PATH=$BIN:$PATH run as "" tc -i lo -d 0.05
	expect_eq hint "$(hint 1)" "sudo $BIN/tc -i lo -d 0.05"
	expect_status 0 with_sudo here bash -c "$(hint 1)"
}

# fit_for_a_file NAME CAPABILITIES: the second hint offers setcap(8), and this command works.
fit_for_a_file()
{
	local line

	run as "" "$BIN/$1" -i lo -d 0.05
	line=$(hint 2)
	expect_eq hint "$line" "or, for all who may run it: sudo setcap $2+ep $BIN/$1"
	have setcap || return 0
	expect_status 0 with_sudo bash -c "${line#*: }"
	expect_status 0 as "" "$BIN/$1" -i lo -d 0.05
	setcap -r "$BIN/$1"
}

test_file_with_capabilities()
{
	run as "" "$BIN/ping" -i lo -d 0.05
	[ -n "$(hint 2)" ] || skip "$TMP is on a file system without set-user-ID"
	fit_for_a_file ping cap_bpf,cap_net_admin,cap_perfmon
	fit_for_a_file pass cap_bpf,cap_net_admin
	fit_for_a_file network cap_bpf,cap_net_admin,cap_perfmon,cap_net_raw
	# No setcap hint for capabilities that are as powerful as root: everybody could use them.
	run as "" "$BIN/ping" -i lo -d 0.05 -n "$NS"
	lacks CAP_SYS_ADMIN
	expect_eq "second hint" "$(hint 2)" ""
	run as "" "$BIN/xdp_lb" run -c "$TMP/lb.yaml"
	expect_eq "second hint" "$(hint 2)" ""
}

# If the bounding set or no_new_privs rules a capability out, neither sudo nor setcap helps.
test_out_of_reach()
{
	run here setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-all "$BIN/ping" -i lo -d 0.05
	lacks CAP_BPF
	expect_eq hint "$(hint 1)" \
		"no program started here can have more; for a container: docker run --cap-add=BPF"
	run here setpriv --reuid 65534 --clear-groups --no-new-privs "$BIN/pass" -i lo -d 0.05
	lacks "CAP_BPF CAP_NET_ADMIN"
	[[ $(hint 1) == *'docker run --cap-add=BPF --cap-add=NET_ADMIN' ]] || fail "$ERR"
	expect_eq "second hint" "$(hint 2)" ""
}

# In a user namespace root has all capabilities, but the kernel does not accept them here.
test_user_namespace()
{
	local name args

	need_user_namespaces
	for name in ping tc sockfilter tcpconnect network; do
		args=(-i lo)
		[ "$name" != tcpconnect ] || args=()
		expect_status 1 here unshare -Ur "$BIN/$name" "${args[@]}" -d 0.05
		expect_err "^$name: failed to .*: the kernel wants CAP_BPF.* outside of user namespaces\$"
		expect_err '^  hint: run it outside of the container'
	done
	expect_status 1 here unshare -Ur "$BIN/pass" -n "$NS" -i lo -d 0.05
	expect_err '^pass: failed to enter .*: the kernel wants CAP_SYS_ADMIN outside of user namespaces$'
}

test_root_without_capabilities()
{
	local name

	for name in ping sockfilter network; do
		run here setpriv --bounding-set=-all --inh-caps=-all "$BIN/$name" -i lo -d 0.05
		[ "$STATUS" -eq 1 ] || fail "status $STATUS: $ERR"
		[[ $(missing) == CAP_BPF* ]] || fail "$name names $(missing): $ERR"
	done
}

# If loading fails for lack of capabilities, no message of libbpf may blame the memory limit.
test_no_guess_of_libbpf()
{
	local name

	for name in pass sockfilter; do
		run as "" "$BIN/$name" -i lo -d 0.05 -vv
		[ "$STATUS" -eq 1 ] || fail "status $STATUS"
		expect_err '^libbpf: '
		expect_no_match "$ERR_FILE" 'ulimit|MEMLOCK'
	done
}
