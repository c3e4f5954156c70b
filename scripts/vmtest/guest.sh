# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs one guest: starts qemu, reads the guest's output and exit status, and ends qemu.
# Sourced by vmtest.sh.

# Seconds in which a guest must be ready. An idle machine needs 3 to 6 s, a busy one more.
readonly BOOT_TIME=120
readonly BOOTS=3

# Exit statuses of vmtest.sh itself, which no command is expected to have.
readonly STATUS_DEADLINE=122
readonly STATUS_LOST=123

QEMU_PID=		# the process of the guest
READER=			# the process that prints the guest's output

# kvm_works: true if a guest starts with KVM. /dev/kvm is no proof: in a virtual machine it may
# exist, and qemu wait for ever. So start a guest, and see whether its kernel prints anything.
# The answer is kept until this machine boots again.
kvm_works()
{
	local answer=$KERNEL_DIR/kvm boot pid

	[ -z "$FOREIGN" ] && [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	boot=$(</proc/sys/kernel/random/boot_id)
	if ! grep -qs "^$boot " "$answer"; then
		setpriv --pdeathsig KILL "$QEMU_SYSTEM" -M "$MACHINE" -accel kvm -cpu host -m 256 \
			-nodefaults -no-user-config -display none -no-reboot \
			-kernel "$IMAGE" -append "console=$CONSOLE panic=-1" \
			-serial "file:$RUN/kvm" </dev/null >/dev/null 2>&1 &
		pid=$!
		# Do not wait for it: it may not even die. disown keeps bash from printing how it
		# ended.
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

# choose_accel: set ACCEL to qemu's arguments, KERNEL_ARGS to the kernel's arguments that go
# with them, and SLOW to NETBPF_SLOW in the guest. An emulated CPU takes five to ten times as
# long. norandmaps: qemu finds translated code by its virtual address. If each program had
# other addresses, qemu would translate ld.so and libc again for each program.
choose_accel()
{
	local wanted=${VMTEST_ACCEL:-}

	if [ -z "$wanted" ]; then
		wanted=tcg
		! kvm_works || wanted=kvm
	fi
	[ "$wanted" != kvm ] || [ -z "$FOREIGN" ] || usage_error "no KVM for $FOREIGN on this machine"
	case $wanted in
	kvm) ACCEL=(-accel kvm -cpu host); KERNEL_ARGS=; SLOW=2 ;;
	tcg) ACCEL=(-accel "tcg,thread=multi" -cpu "$CPU"); KERNEL_ARGS=norandmaps; SLOW=5 ;;
	*) usage_error "VMTEST_ACCEL=$wanted is neither kvm nor tcg" ;;
	esac
	SLOW=$((SLOW * NETBPF_SLOW))
}

# visible_dirs: print the directories that the guest needs but that its fresh /tmp, /run or
# /var/tmp would hide, or that a root of its own does not have. A directory below another of
# them comes with that one.
visible_dirs()
{
	local dir ksrc last=

	ksrc=$("$NETBPF_TOP/scripts/ksrc.sh" 2>/dev/null) || ksrc=
	for dir in "$NETBPF_TOP" "$NETBPF_OUT" "$ksrc" "$PWD"; do
		[ -d "$dir" ] || continue
		dir=$(realpath "$dir")
		[ "$dir" != / ] || continue
		case ${FOREIGN:+/run}$dir in
		/tmp/* | /run/* | /var/tmp/*) echo "$dir" ;;
		esac
	done | sort -u | while read -r dir; do
		[[ $dir/ == "$last"/* ]] && [ -n "$last" ] && continue
		echo "$dir"
		last=$dir
	done
}

# guest_command COMMAND...: print the script that the guest runs.
guest_command()
{
	local name rows cols

	printf 'export HOME=/root PATH=%q LANG=C.UTF-8 TERM=%q\n' "$PATH" "${TERM:-dumb}"
	printf 'export NETBPF_VM=%q NETBPF_SLOW=%q\n' "$RELEASE" "$SLOW"
	for name in KSRC O NO_COLOR NO_INSTALL kselftest_override_timeout; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	[ -z "$NIC" ] || nic_command "$NIC" "$CARDS"
	if [ -n "$SHELL_WANTED" ] && [ -t 0 ]; then
		read -r rows cols < <(stty size)
		printf 'stty rows %s cols %s\n' "$rows" "$cols"
	fi
	printf 'cd %q || exit\n' "$PWD"
	printf 'exec'
	printf ' %q' "$@"
	printf '\n'
}

# prepare_run COMMAND...: write all files that the guest reads when it boots.
prepare_run()
{
	guest_command "$@" >"$RUN/command"
	visible_dirs >"$RUN/visible"
	printf 'root=%q\nrelease=%q\nmodules=%q\nboot=%q\n' \
		"${GUEST_ROOT%/}" "$RELEASE" "$MODULES" "${IMAGE%/*}" >"$RUN/config"
	make_initrd "$RUN/initrd"
}

# qemu_arguments: set QEMU to the command line that starts the guest.
qemu_arguments()
{
	# shellcheck disable=SC2054 # the commas are qemu's
	QEMU=("$QEMU_SYSTEM" "${ACCEL[@]}" -M "$MACHINE" -smp "$CPUS" -m "$MEMORY"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel "$IMAGE" -initrd "$RUN/initrd" -serial "file:$RUN/console"
		-append "console=$CONSOLE loglevel=4 panic=-1 oops=panic mitigations=off no_timer_check $KERNEL_ARGS vmtest=$RUN"
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-object rng-random,id=rng -device virtio-rng-pci,rng=rng
		-device virtio-serial-pci
		-chardev "file,id=status,path=$RUN/status"
		-device virtserialport,chardev=status,name=status)
	if [ -n "$NIC" ]; then
		nic_arguments "$NIC" "$CARDS"
		machine_arguments
	fi
	if [ -n "$SHELL_WANTED" ]; then
		# signal=off: Ctrl-C goes to the shell in the guest.
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

# end_guest: kill the guest. If this script is killed, setpriv's --pdeathsig does that.
end_guest()
{
	end_machine
	[ -n "$QEMU_PID" ] || return 0
	kill -KILL "$QEMU_PID" 2>/dev/null || :
	wait "$QEMU_PID" 2>/dev/null || :
	QEMU_PID=
}

# start_qemu: start qemu in the background. With --shell it gets the terminal as stdin.
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
	# Keep the fifo open until the guest has ended: the reader then sees one end of file, and
	# sees it even if qemu has never opened the fifo.
	mkfifo "$RUN/output"
	exec {FIFO}<>"$RUN/output"
	cat <"$RUN/output" {FIFO}>&- &
	READER=$!
	"${pdeathsig[@]}" "${QEMU[@]}" </dev/null >/dev/null 2>"$RUN/qemu" {FIFO}>&- &
	QEMU_PID=$!
}

# end_reader: let the reader print the rest of the output, and wait for it.
end_reader()
{
	[ -n "$READER" ] || return 0
	exec {FIFO}>&-
	wait "$READER" 2>/dev/null || :
	READER=
}

# boot: start the guest; return 1 if it does not come up. Under load a boot may fail, in a
# panic or a stall before /init. No command has run by then, so that we can try again.
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

# guest_over: true if there is nothing more to wait for: the guest has ended, or the reader
# has, because nobody takes the output any more ("vmtest.sh | head").
guest_over()
{
	child_ended "$QEMU_PID" || { [ -n "$READER" ] && child_ended "$READER"; }
}

# The caller reads STATUS, and has set DEADLINE.
# shellcheck disable=SC2034,SC2153
#
# run_guest COMMAND...: boot, run COMMAND, print its output; set STATUS to the status of
# COMMAND, to STATUS_DEADLINE or to STATUS_LOST.
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
	[ -z "$NIC" ] || start_machine
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

# wait_exactly SECONDS COMMAND...: like wait_until, but NETBPF_SLOW does not extend the time,
# and a wait of hours costs little.
wait_exactly()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}
