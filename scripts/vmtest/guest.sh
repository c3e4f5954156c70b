# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One guest: qemu, its two ways out (output, status), and its end. Sourced by
# vmtest.sh.

# Seconds until a guest is ready: 3 to 6 here, more where others use the CPUs.
readonly BOOT_TIME=120
readonly BOOTS=3

# What this and no command ends with.
readonly STATUS_DEADLINE=122
readonly STATUS_LOST=123

QEMU_PID=		# the guest
READER=			# who prints its output

# kvm_works: a guest starts with KVM. A /dev/kvm is no proof: where machines are
# nested, it may be there and qemu wait for ever. So start one, and see whether
# its kernel says a word; the answer is kept until the next boot.
kvm_works()
{
	local answer=$KERNEL_DIR/kvm boot pid

	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	boot=$(</proc/sys/kernel/random/boot_id)
	if ! grep -qs "^$boot " "$answer"; then
		setpriv --pdeathsig KILL qemu-system-x86_64 -accel kvm -cpu host -m 256 \
			-nodefaults -no-user-config -display none -no-reboot \
			-kernel "$IMAGE" -append "console=ttyS0 panic=-1" \
			-serial "file:$RUN/kvm" </dev/null >/dev/null 2>&1 &
		pid=$!
		# Not waited for: it may not even die. Nor does bash tell how it ends.
		disown "$pid"
		mkdir -p "$KERNEL_DIR"
		if wait_until 5 grep -qs 'Linux version' "$RUN/kvm"; then
			echo "$boot yes" >"$answer"
		else
			echo "$boot no" >"$answer"
		fi
		kill -KILL "$pid" 2>/dev/null || :
	fi
	grep -q "^$boot yes" "$answer"
}

# choose_accel: set ACCEL to qemu's arguments, KERNEL_ARGS to those of the kernel that
# go with them, and SLOW to what NETBPF_SLOW is in the guest. An emulated CPU takes five
# to ten times the time. What qemu has translated it knows by its virtual address: with
# each program at another one, it would translate the loader and libc anew each time.
choose_accel()
{
	local wanted=${VMTEST_ACCEL:-}

	if [ -z "$wanted" ]; then
		wanted=tcg
		! kvm_works || wanted=kvm
	fi
	case $wanted in
	kvm) ACCEL=(-accel kvm -cpu host); KERNEL_ARGS=; SLOW=2 ;;
	tcg) ACCEL=(-accel "tcg,thread=multi" -cpu max); KERNEL_ARGS=norandmaps; SLOW=5 ;;
	*) usage_error "VMTEST_ACCEL=$wanted is neither kvm nor tcg" ;;
	esac
	SLOW=$((SLOW * NETBPF_SLOW))
}

# visible_dirs: directories that the guest needs, of those that are hidden by a
# fresh /tmp, /run or /var/tmp. What is below another one comes with it.
visible_dirs()
{
	local dir ksrc last=

	ksrc=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null) || ksrc=
	for dir in "$NETBPF_TOP" "$NETBPF_OUT" "$ksrc" "$PWD"; do
		[ -d "$dir" ] || continue
		dir=$(realpath "$dir")
		case $dir in
		/tmp/* | /run/* | /var/tmp/*) echo "$dir" ;;
		esac
	done | sort -u | while read -r dir; do
		[[ $dir/ == "$last"/* ]] && [ -n "$last" ] && continue
		echo "$dir"
		last=$dir
	done
}

# guest_command COMMAND...: the script that the guest runs.
guest_command()
{
	local name rows cols

	printf 'export HOME=/root PATH=%q LANG=C.UTF-8 TERM=%q\n' "$PATH" "${TERM:-dumb}"
	printf 'export NETBPF_VM=%q NETBPF_SLOW=%q\n' "$RELEASE" "$SLOW"
	for name in KSRC O NO_COLOR NO_INSTALL kselftest_override_timeout; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	if [ -n "$SHELL_WANTED" ] && [ -t 0 ]; then
		read -r rows cols < <(stty size)
		printf 'stty rows %s cols %s\n' "$rows" "$cols"
	fi
	printf 'cd %q || exit\n' "$PWD"
	printf 'exec'
	printf ' %q' "$@"
	printf '\n'
}

# prepare_run COMMAND...: all that a boot reads.
prepare_run()
{
	guest_command "$@" >"$RUN/command"
	visible_dirs >"$RUN/visible"
	printf 'release=%q\nmodules=%q\nboot=%q\n' "$RELEASE" "$MODULES" "${IMAGE%/*}" \
		>"$RUN/config"
	make_initrd "$RUN/initrd"
}

# qemu_arguments: set QEMU.
qemu_arguments()
{
	# shellcheck disable=SC2054 # the commas are qemu's
	QEMU=(qemu-system-x86_64 "${ACCEL[@]}" -M q35 -smp "$CPUS" -m "$MEMORY"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel "$IMAGE" -initrd "$RUN/initrd" -serial "file:$RUN/console"
		-append "console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off no_timer_check $KERNEL_ARGS vmtest=$RUN"
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-object rng-random,id=rng -device virtio-rng-pci,rng=rng
		-device virtio-serial-pci
		-chardev "file,id=status,path=$RUN/status"
		-device virtserialport,chardev=status,name=status)
	if [ -n "$SHELL_WANTED" ]; then
		# Ctrl-C is for the shell.
		QEMU+=(-chardev "stdio,id=shell,signal=off"
			-device "virtconsole,chardev=shell")
	else
		QEMU+=(-chardev "file,id=output,path=$RUN/output"
			-device "virtserialport,chardev=output,name=output")
	fi
}

guest_ready()
{
	grep -aqs 'vmtest: ready' "$RUN/console"
}

guest_ready_or_ended()
{
	guest_ready || child_ended "$QEMU_PID"
}

show_console()
{
	note "the end of its console:"
	tail -n "$1" "$RUN/console" >&2
}

# end_guest: now. setpriv does it when this script is killed.
end_guest()
{
	[ -n "$QEMU_PID" ] || return 0
	kill -KILL "$QEMU_PID" 2>/dev/null || :
	wait "$QEMU_PID" 2>/dev/null || :
	QEMU_PID=
}

# start_qemu: in the background; a shell keeps the terminal.
start_qemu()
{
	local pdeathsig=(setpriv --pdeathsig KILL)

	: >"$RUN/console"
	rm -f "$RUN/status" "$RUN/output"
	if [ -n "$SHELL_WANTED" ]; then
		"${pdeathsig[@]}" "${QEMU[@]}" <&0 &
		QEMU_PID=$!
		return
	fi
	# Open until the guest has ended, so that the reader sees one end of file,
	# and sees it even if qemu has never opened the fifo.
	mkfifo "$RUN/output"
	exec {FIFO}<>"$RUN/output"
	cat <"$RUN/output" {FIFO}>&- &
	READER=$!
	"${pdeathsig[@]}" "${QEMU[@]}" </dev/null >/dev/null 2>"$RUN/qemu" {FIFO}>&- &
	QEMU_PID=$!
}

# end_reader: it prints what is left of the output.
end_reader()
{
	[ -n "$READER" ] || return 0
	exec {FIFO}>&-
	wait "$READER" 2>/dev/null || :
	READER=
}

# boot: 1 if the guest did not come up. Under load a boot may be lost, in a
# panic or a stall before /init; no command has run by then.
boot()
{
	local try

	for ((try = 1; try <= BOOTS; try++)); do
		start_qemu
		wait_exactly "$BOOT_TIME" guest_ready_or_ended || :
		! guest_ready || return 0
		end_guest
		end_reader
		note "boot $try of $BOOTS: the guest was not ready"
		[ ! -s "$RUN/qemu" ] || cat "$RUN/qemu" >&2
		show_console 15
	done
	return 1
}

# guest_over: nothing more to wait for. No reader: nobody takes the output (a
# pipe to head has ended).
guest_over()
{
	child_ended "$QEMU_PID" || { [ -n "$READER" ] && child_ended "$READER"; }
}

# The caller reads STATUS, and has set DEADLINE.
# shellcheck disable=SC2034,SC2153
#
# run_guest COMMAND...: boot, run it, print its output; STATUS becomes its
# status, or STATUS_DEADLINE or STATUS_LOST.
run_guest()
{
	local late=

	prepare_run "$@"
	qemu_arguments
	STATUS=$STATUS_LOST
	if ! boot; then
		note "failed: Linux $RELEASE did not come up in $BOOTS boots"
		return
	fi
	wait_exactly "$DEADLINE" guest_over || late=1
	if [ -n "$READER" ] && child_ended "$READER"; then
		STATUS=141	# SIGPIPE
		end_guest
		return
	fi
	end_guest
	end_reader
	if [ -s "$RUN/status" ]; then
		read -r STATUS <"$RUN/status"
	elif [ -n "$late" ]; then
		note "failed: the command has not ended after $DEADLINE s (-T)"
		STATUS=$STATUS_DEADLINE
	else
		note "failed: Linux $RELEASE ended without a status"
		show_console 80
	fi
}

# wait_exactly SECONDS COMMAND...: wait_until, where the time is the user's own:
# it is not stretched, and costs little for hours.
wait_exactly()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}
