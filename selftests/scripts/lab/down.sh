#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How a lab ends: by "down", when its processes are killed, when "up" is interrupted or fails.

test_down_twice()
{
	local l

	new_lab l
	expect_status 0 lab down "$l"
	expect_eq "messages" "$ERR" ""
	expect_status 0 lab down "$l"
	expect_err "nothing to do"
	expect_status 0 lab down
	expect_err "no lab is up"
	expect_status 0 lab down --all
	[ ! -e "$NETBPF_RUN" ] || fail "$NETBPF_RUN is left"
}

test_down_after_kill()
{
	local l victim

	for victim in host pingbox; do
		new_lab l
		kill -KILL "$(query "$l" ".nodes[] | select(.name == \"$victim\").pid")"
		eventually 5 eval "[ \$(query $l .state) = broken ]"
		expect_status 0 lab status
		expect_out 'gone: run .* down'
		expect_status 1 lab exec "$victim" true
		expect_err 'its process was killed'
		expect_status 0 lab down "$l"
		nothing_left "$l"
	done
}

# A lab that was made in another mount namespace, with a /run of its own, is not ours: "down" must
# not end it.
test_down_elsewhere()
{
	local l

	l=$(rand_name t-)
	mkdir -p "$NETBPF_RUN"
	# shellcheck disable=SC2016 # $ is of the other shell
	start_sample ELSEWHERE 20 unshare --mount --propagation private bash -c '
		mount -t tmpfs tmpfs "$3" && mount -t tmpfs tmpfs /run && mkdir /run/netns
		trap "\"$1\" down $2; exit" TERM
		"$1" up --name "$2" && echo ready: && sleep 600 & wait' sh "$LAB_SH" "$l" "$NETBPF_RUN"
	expect_status 0 lab down
	expect_err 'no lab is up'
	expect_status 0 lab down --all
	expect_status 0 lab down "$l"
	expect_err 'nothing to do'
	[ "$(marked "$l" | wc -l)" -ge 2 ] || fail "the other lab has lost processes"
}

# The processes of the lab are stopped, so they do not react to SIGTERM.
test_down_of_stopped()
{
	local l pid

	new_lab l
	for pid in $(marked "$l"); do
		kill -STOP "$pid"
	done
	expect_status 0 lab down "$l"
	nothing_left "$l"
}

test_down_without_state()
{
	local l

	new_lab l
	rm -r "$NETBPF_RUN/$l/nodes" "$NETBPF_RUN/$l/topology"
	expect_status 1 lab exec host true
	expect_err 'never finished'
	expect_status 0 lab down "$l"
	nothing_left "$l"
	new_lab l
	rm -r "${NETBPF_RUN:?}"
	expect_status 0 lab down "$l"
	nothing_left "$l"
	new_lab l
	: > "$NETBPF_RUN/$l/nodes/host/holder"
	echo rubbish > "$NETBPF_RUN/$l/nodes/pingbox/nginx"
	expect_status 0 lab down
	nothing_left "$l"
}

test_down_all()
{
	local a b c d pid other

	new_lab a
	new_lab b bridge
	new_lab c
	d=$(rand_name t-)
	other=$(rand_name t-)
	defer "NETBPF_RUN=$TMP/other lab down $other"
	NETBPF_RUN=$TMP/other lab up --name "$other" > /dev/null
	rm -r "${NETBPF_RUN:?}/$b"
	for pid in $(marked "$c"); do
		kill -KILL "$pid"
	done
	# A namespace name that points to no process any more.
	ln -s /proc/4194305/ns/net "/run/netns/netbpf-$d-host"
	expect_status 0 lab down --all
	nothing_left "$a"
	nothing_left "$b"
	nothing_left "$c"
	nothing_left "$d"
	[ ! -e "$NETBPF_RUN" ] || fail "$NETBPF_RUN is left"
	NETBPF_RUN=$TMP/other pings "$other" host pingbox
}

# A pid in the state of the lab now belongs to another process: "down" must not kill it.
test_pid_of_another()
{
	local l stranger file

	new_lab l
	start_bg stranger sleep 1000
	for file in holder nginx pass-eth0; do
		sed -i "s/^[0-9]*/$stranger/" "$NETBPF_RUN/$l/nodes/pingbox/$file"
	done
	ln -sfn "/proc/$stranger/ns/net" "/run/netns/netbpf-$l-pingbox"
	expect_status 1 lab exec pingbox true
	expect_status 0 lab down
	nothing_left "$l"
	! sample_ended "$stranger" || fail "a process that is not the lab's was killed"
}

# "down" reports processes that the user started in the lab, and does not kill them.
test_process_of_user()
{
	local l stranger

	new_lab l
	start_bg stranger nsenter --net="/run/netns/netbpf-$l-host" sleep 1000
	eventually 5 eval "[ /proc/$stranger/ns/net -ef /run/netns/netbpf-$l-host ]"
	expect_status 0 lab down
	expect_err "still running .* pid $stranger \(sleep\)"
	! sample_ended "$stranger" || fail "it was killed"
	nothing_left "$l"
}

# slow_pass: make a build directory, for O=, whose pass program never gets ready.
slow_pass()
{
	mkdir -p "$TMP/o/samples"
	printf '#!/bin/sh\nexec sleep 1000\n' > "$TMP/o/samples/pass"
	chmod +x "$TMP/o/samples/pass"
}

# "up" is interrupted as by Ctrl-C on a terminal: the whole process group gets the signal.
test_interrupted_up()
{
	local l pid point

	slow_pass
	for point in '' /nodes/host/holder /nodes/switch/pass-veth-lb /nodes/backend-b/nginx; do
		l=$(rand_name t-)
		start_bg pid setsid env O="$TMP/o" "$LAB_SH" up lb --name "$l"
		case $point in
		/nodes/host*) point=/nodes/switch/holder ;;
		esac
		eventually 10 test -e "$NETBPF_RUN/$l$point"
		kill -INT -- "-$pid"
		wait_sample "$pid" 20 || true
		expect_eq "exit status at '$point'" "$STATUS" 130
		nothing_left "$l"
	done
	[ ! -e "$NETBPF_RUN" ] || fail "$NETBPF_RUN is left"
}

# "up" is interrupted at any point. The delays do not wait for anything; they spread the signals.
test_interrupted_anywhere()
{
	local l pid delay signal

	for delay in 0 .04 .08 .12 .16 .2; do
		for signal in INT TERM; do
			l=$(rand_name t-)
			start_bg pid setsid "$LAB_SH" up --name "$l"
			sleep "$delay"
			kill "-$signal" -- "-$pid" 2>/dev/null || true
			wait_sample "$pid" 20 || true
			case $STATUS in
			0) lab down "$l" ;;
			130 | 143) ;;
			*) fail "status $STATUS after SIG$signal at $delay s" ;;
			esac
			nothing_left "$l"
		done
	done
}

test_down_of_unfinished()
{
	local l pid

	slow_pass
	l=$(rand_name t-)
	start_bg pid env O="$TMP/o" "$LAB_SH" up --name "$l"
	eventually 10 test -e "$NETBPF_RUN/$l/nodes/pingbox/nginx"
	expect_status 0 lab list
	expect_out "^$l +pair +starting"
	expect_status 0 lab down "$l"
	wait_sample "$pid" 10 || true
	expect_eq "status of up" "$STATUS" 143
	nothing_left "$l"
	# The same with an up that was killed.
	start_bg pid env O="$TMP/o" "$LAB_SH" up --name "$l"
	eventually 10 test -e "$NETBPF_RUN/$l/nodes/pingbox/nginx"
	kill -KILL "$pid"
	eventually 5 sample_ended "$pid"
	expect_status 0 lab list
	expect_out "^$l +pair +broken"
	# Stop the worker that the killed "up" has left: it does not end by itself then.
	pid=$(cut -d' ' -f1 "$NETBPF_RUN/$l/worker")
	kill -STOP "$pid"
	expect_status 0 lab down "$l"
	nothing_left "$l"
	eventually 5 eval "! grep -qs '^State:[[:space:]]*[^Z]' /proc/$pid/status"
}

test_failing_up()
{
	local l

	l=$(rand_name t-)
	expect_status 1 env O="$TMP/nothing" "$LAB_SH" up --name "$l"
	expect_err 'samples/pass is missing'
	expect_err 'hint: make -C .*/samples'
	nothing_left "$l"
	mkdir -p "$TMP/o/samples"
	printf '#!/bin/sh\necho no such thing >&2\nexit 1\n' > "$TMP/o/samples/pass"
	chmod +x "$TMP/o/samples/pass"
	expect_status 1 env O="$TMP/o" "$LAB_SH" up lb --name "$l"
	expect_err 'no such thing'
	expect_err 'no native XDP program on veth-client of switch'
	nothing_left "$l"
}

test_without_nginx()
{
	local l

	mkdir "$TMP/bin"
	cp -s /bin/* /sbin/* /usr/bin/* /usr/sbin/* "$TMP/bin/" 2>/dev/null || true
	rm "$TMP/bin/nginx"
	l=$(rand_name t-)
	defer "lab down $l"
	PATH=$TMP/bin expect_status 0 "$LAB_SH" up --name "$l"
	expect_err 'nginx is missing'
	pings "$l" host pingbox
	expect_eq serves "$(query "$l" '.nodes[1].serves')" false
}
