#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vmtest.sh: what it refuses, what a guest sees, and that nothing is left
# of one, however it ends.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib/lib.sh"
# shellcheck source=selftests/lib/user.sh
. "$NBT_DIR/lib/user.sh"
not_in_guest

VMTEST=$NETBPF_TOP/scripts/vmtest.sh
KERNELS=$NETBPF_OUT/build/vmtest
[ -x "$VMTEST" ] || skip "scripts/vmtest.sh is not here"

# An idle machine boots a guest in 5 s; all takes longer when others use the CPUs.
readonly READY=120

# BARE: a directory with the tools that reading options takes, and no qemu.
setup()
{
	local tool

	BARE=$TMP/bare
	mkdir "$BARE"
	for tool in bash dirname readlink basename nproc uname cat; do
		ln -s "$(command -v "$tool")" "$BARE/"
	done
}

# need_guest: skip a test that boots a guest, if that is not possible here.
need_guest()
{
	local tool

	for tool in qemu-system-x86_64 busybox; do
		have "$tool" || skip "not installed: $tool"
	done
	[ -d "$KERNELS/6.1" ] || skip "Linux 6.1 is not here (scripts/setup.sh --all)"
	# vmtest.sh puts the files of a run there.
	TMPDIR=$(mktemp -d "$TMP/run.XXXXXX")
	export TMPDIR
}

# nothing_left: a run must have left no file. The kernels are kept elsewhere, in NETBPF_OUT.
nothing_left()
{
	expect_eq "left behind" "$(ls "$TMPDIR")" ""
}

GUEST_OPTIONS=()	# of start_guest

# start_guest VAR COMMAND...: start it in the background, and wait for its first line. VAR is
# the pid of vmtest.sh, QEMU that of qemu.
start_guest()
{
	local __var=$1 __guest

	shift
	start_bg __guest "$VMTEST" "${GUEST_OPTIONS[@]}" -- "$@"
	printf -v "$__var" %s "$__guest"
	eventually "$READY" grep -q . "$(sample_out "$__guest")"
	# The kernel keeps 15 characters of a name.
	QEMU=$(child_named "$__guest" qemu-system-x86)
	[ -n "$QEMU" ] || fail "no qemu runs"
}

test_help()
{
	local option

	expect_status 0 "$VMTEST" --help
	for option in -a --arch -k --kernel -m --modules -T --timeout -j --parallel --host --quick --shell \
		--memory --cpus --nic --cards; do
		expect_out "(^|[ ,])$option( |,|\$)"
	done
	expect_out '^Examples:'
	expect_eq "stderr" "$ERR" ""
}

# A bad command line is reported before a tool that is missing.
test_usage()
{
	local args

	while read -r args; do
		# shellcheck disable=SC2086 # words
		expect_status 2 env PATH="$BARE" "$VMTEST" $args
		expect_err "^  hint: $VMTEST --help\$"
	done <<-END
		--nonsense
		-k
		--arch
		--arch mips -- true
		--arch arm64 -k 5.10 -- true
		--arch arm64 --shell true
		-T
		-T 0 -- true
		-T soon -- true
		--cpus 0 -- true
		--memory 1 -- true
		-k 5.10 -- true
		-k 6.1 -m /tmp -- true
		-k all -m /tmp -- true
		--shell true
		-k all --shell
		--quick true
		--quick --shell
		-k 6.1 -j -- true
		-k 6.1 --host /dev/null -- true
		--nic
		--nic token-ring -- true
		--nic tap,mq -- true
		--nic virtio,mq=on,device -- true
		--nic virtio --cards 0 -- true
		--nic virtio --cards many -- true
		--cards 2 -- true
	END
}

# Tests and cases that --quick and the table of support name must exist.
test_quick_and_support_name_what_there_is()
{
	local line name cases case script

	"$NBT_DIR/run.sh" --no-build -l >"$TMP/tests"
	while IFS=: read -r name cases; do
		expect_match "$TMP/tests" "^$name\$"
		script=$(echo "$NBT_DIR"/*/"$name.sh")
		[ -x "$script" ] || continue
		"$script" -l >"$TMP/$name.cases"
		for case in ${cases//:/ }; do
			expect_match "$TMP/$name.cases" "^${case//_/ }\$"
		done
	done < <(grep -v '^#' "$NETBPF_TOP/scripts/vmtest/quick" | grep .)
	while IFS=$'\t' read -r _ _ line; do
		name=${line%%:*}
		expect_match "$TMP/$name.cases" "^${line#*: }\$"
	done < <(grep -v '^#' "$NETBPF_TOP/scripts/vmtest/support")
}

test_names_a_missing_tool()
{
	expect_status 3 env PATH="$BARE" "$VMTEST" -- true
	expect_err 'qemu-system-x86_64 is missing'
	expect_err 'hint: .*setup.sh --all \(package qemu-system-x86\)'
}

test_names_a_missing_tool_of_another_architecture()
{
	expect_status 3 env PATH="$BARE" "$VMTEST" --arch arm64 -- true
	expect_err 'qemu-system-aarch64 is missing'
	expect_err 'hint: .*setup.sh --all \(package qemu-system-arm\)'
}

# elf_of MACHINE FILE: write the start of an ELF file; MACHINE is its e_machine, in octal.
elf_of()
{
	mkdir -p "${2%/*}"
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0%b\0' "\\0$1" >"$2"
	chmod +x "$2"
}

# stand_in_arm64: make FAKE, an O= with a root and a kernel of arm64 that have the files that
# vmtest.sh looks at, and a qemu in $BIN that keeps its command line and the files of the run.
stand_in_arm64()
{
	local dir release kernel

	[ "$(uname -m)" != aarch64 ] || skip "arm64 is no other architecture here"
	FAKE=$TMP/fake
	dir=$FAKE/build/vmtest/arm64
	elf_of 267 "$dir/root/bin/bash"
	elf_of 267 "$dir/root/bin/busybox"
	for kernel in 6.1 6.12; do
		release=$kernel.0-9-arm64
		mkdir -p "$dir/$kernel/boot" "$dir/$kernel/lib/modules/$release"
		: >"$dir/$kernel/boot/vmlinuz-$release"
		: >"$dir/$kernel/lib/modules/$release/modules.dep"
		printf 'kernel/%s.ko\n' virtio_pci virtio_console 9pnet_virtio 9p overlay \
			>"$dir/$kernel/lib/modules/$release/modules.builtin"
	done
	BIN=$(mktemp -d "$TMP/bin.XXXXXX")
	cat >"$BIN/qemu-system-aarch64" <<-'END'
		#!/bin/bash
		here=$(dirname "$0")
		printf '%s\n' "$@" >"$here/arguments"
		grep -e vmlinuz "$here/arguments" >>"$here/starts"
		run=$(sed -n 's/.* vmtest=//p' "$here/arguments")
		cp "$run"/{config,command,visible,initrd} "$here/"
		exit 1
	END
	chmod +x "$BIN/qemu-system-aarch64"
}

# The guest has a root of its own, and the tree at the path that it has here.
test_command_line_of_another_architecture()
{
	stand_in_arm64
	expect_status 123 env O="$FAKE" PATH="$BIN:$PATH" "$VMTEST" --arch arm64 --cpus 3 -- uname -m
	expect_eq "machine" "$(grep -x -A 1 -e -M "$BIN/arguments" | tail -n 1)" virt,gic-version=3
	expect_eq "CPUs" "$(grep -x -A 1 -e -smp "$BIN/arguments" | tail -n 1)" 3
	expect_match "$BIN/arguments" '^max,pauth-impdef=on$'
	expect_match "$BIN/arguments" '^tcg,thread=multi$'
	expect_match "$BIN/arguments" '^console=ttyAMA0 '
	expect_match "$BIN/arguments" '/arm64/6\.1/boot/vmlinuz-6\.1\.0-9-arm64$'
	expect_match "$BIN/config" "^root=$FAKE/build/vmtest/arm64/root\$"
	expect_match "$BIN/config" "^modules=$FAKE/build/vmtest/arm64/6.1/lib/modules/"
	expect_match "$BIN/visible" "^$(realpath "$NETBPF_TOP")\$"
	expect_match "$BIN/command" "^export O=$FAKE\$"
	expect_match "$BIN/command" '^exec uname -m$'
	# The initramfs has the busybox of the guest.
	(cd "$BIN" && busybox cpio -id <initrd) 2>"$TMP/cpio" || fail "no initramfs"
	cmp "$BIN/bin/busybox" "$FAKE/build/vmtest/arm64/root/bin/busybox" >&2 ||
		fail "the busybox is another"
	expect_status 2 env O="$FAKE" VMTEST_ACCEL=kvm "$VMTEST" --arch arm64 -- true
	expect_err 'no KVM for arm64'
}

# Without O=, the programs are in build/arm64 of the tree, but kernels and root are not.
test_all_kernels_of_another_architecture()
{
	stand_in_arm64
	cp -r "$NETBPF_TOP/scripts" "$FAKE/"
	printf '#!/bin/sh\nexit 1\n' >"$BIN/apt-get"
	chmod +x "$BIN/apt-get"
	expect_status 123 env -u O PATH="$BIN:$PATH" "$FAKE/scripts/vmtest.sh" --arch arm64 -k all -- true
	expect_eq "kernels" "$(uniq "$BIN/starts" | sed 's|.*/vmlinuz-||')" \
		"$(printf '%s\n' 6.1.0-9-arm64 6.12.0-9-arm64)"
	expect_match "$BIN/command" "^export O=$FAKE/build/arm64\$"
	expect_out '^ +exit status 123 +exit status 123$'
	expect_match "$FAKE/build/vmtest/arm64/support.rst" \
		'^sample +what +Linux 6\.1 arm64 +Linux 6\.12 arm64$'
}

# The guests get the cards, and the table tells.
test_all_kernels_with_cards()
{
	stand_in_arm64
	printf '#!/bin/sh\nexit 1\n' >"$BIN/apt-get"
	chmod +x "$BIN/apt-get"
	expect_status 123 env O="$FAKE" PATH="$BIN:$PATH" "$VMTEST" --arch arm64 -k all \
		--nic vmxnet3 --cards 3 -- true
	expect_eq "cards" "$(grep -c '^vmxnet3,' "$BIN/arguments")" 3
	expect_match "$FAKE/build/vmtest/arm64/support.rst" \
		'^sample +what +Linux 6\.1 arm64 vmxnet3 +Linux 6\.12 arm64 vmxnet3$'
}

# Programs of this machine are not taken for those of the guest.
test_build_for_another_architecture()
{
	stand_in_arm64
	expect_status 1 env O="$FAKE" PATH="$BIN:$PATH" "$VMTEST" --arch arm64
	expect_err "nothing is built for arm64 in $FAKE"
	expect_err "hint: make .*ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- O=$FAKE\$"
	elf_of 76 "$FAKE/selftests/hello/hello_test"
	expect_status 1 env O="$FAKE" PATH="$BIN:$PATH" "$VMTEST" --arch arm64
	expect_err "nothing is built for arm64 in $FAKE"
	elf_of 267 "$FAKE/selftests/hello/hello_test"
	expect_status 123 env O="$FAKE" PATH="$BIN:$PATH" "$VMTEST" --arch arm64
	expect_match "$BIN/command" 'selftests/run\.sh --no-build$'
}

# The kernel's name for x86_64 is x86, which a Makefile of the kernel passes.
test_make_passes_the_architecture()
{
	expect_status 0 env -u MAKEFLAGS make -s -n -o all -C "$NETBPF_TOP" vmtest ARCH=arm64
	expect_out 'vmtest\.sh --arch arm64 -k all$'
	expect_status 3 env PATH="$BARE" "$VMTEST" --arch x86 -- true
	expect_err 'qemu-system-x86_64 is missing'
}

test_guest_of_another_architecture()
{
	local dir

	need_guest
	have qemu-system-aarch64 || skip "not installed: qemu-system-aarch64"
	for dir in 6.1 root; do
		[ -d "$KERNELS/arm64/$dir" ] || skip "no guest of arm64 is here (scripts/setup.sh --all)"
	done
	cd "$TMP"
	echo "a file of this machine" >file
	# shellcheck disable=SC2016 # for the shell in the guest
	expect_status 7 "$VMTEST" --arch arm64 -- sh -c 'uname -m; cat file; ip netns add a; exit 7'
	expect_eq "output" "$OUT" "$(printf '%s\n' aarch64 "a file of this machine")"
	nothing_left
}

test_bad_image()
{
	need_guest
	expect_status 1 "$VMTEST" -k "$TMP/none" -- true
	expect_err 'cannot read .*/none'
	expect_status 1 "$VMTEST" -k /bin/true -- true
	expect_err '/bin/true is no bzImage'
	cp "$KERNELS"/6.1/boot/vmlinuz-* "$TMP/vmlinuz"
	expect_status 1 "$VMTEST" -k "$TMP/vmlinuz" -- true
	expect_err 'no modules of 6\.1\.'
	expect_status 1 "$VMTEST" -k "$TMP/vmlinuz" -m "$TMP" -- true
	expect_err 'is 6\.1\..*, but .* is '
	nothing_left
}

test_status_and_output()
{
	need_guest
	# shellcheck disable=SC2016 # for the shell in the guest
	expect_status 7 "$VMTEST" -k 6.1 -- sh -c \
		'uname -r; id -u; echo "a  b"; echo on stderr >&2; echo $NETBPF_VM; exit 7' 'x y'
	# A guest may be lost while it boots, and is then told and booted again.
	[[ $ERR == 'vmtest: boot 1 of 3: the guest was not ready'* ]] ||
		expect_eq "stderr" "$ERR" ""
	expect_eq "output" "$OUT" "$(printf '%s\n' "$(ls "$KERNELS/6.1/lib/modules")" 0 "a  b" \
		"on stderr" "$(ls "$KERNELS/6.1/lib/modules")")"
	nothing_left
}

# The guest sees all files of this machine. What it changes, it changes for itself only.
test_files()
{
	local here=$TMP/here

	need_guest
	mkdir "$here"
	echo before >"$here/file"
	cd "$here"
	cat >check <<-'END'
		set -ex
		[ "$PWD" = "$1" ]
		[ "$(cat file)" = before ]
		echo after >file
		[ "$(cat file)" = after ]
		: >new
		: >/etc/vmtest-was-here
		[ -x "$2/selftests/run.sh" ]
		grep -q . <(echo x)
		modprobe dummy
		[ -d /sys/module/dummy ]
		# Loads a module by itself.
		ip link add tunnel type ipip remote 192.0.2.1
		ip netns add a
		mountpoint /sys/fs/bpf
		unshare -Ur true
	END
	expect_status 0 "$VMTEST" -- bash ./check "$here" "$NETBPF_TOP"
	expect_eq "the file" "$(cat file)" before
	if [ -e new ] || [ -e /etc/vmtest-was-here ]; then
		fail "the guest wrote here"
	fi
}

# An emulated guest runs each program at the same addresses: guest.sh says why.
test_programs_are_where_they_were_before()
{
	need_guest
	expect_status 0 env VMTEST_ACCEL=tcg "$VMTEST" -- cat /proc/sys/kernel/randomize_va_space
	expect_eq "randomize_va_space" "$OUT" 0
}

# cards_work MODEL DRIVER [OPTION...]: a guest has three cards of this model, and two of them reach
# each other.
cards_work()
{
	need_guest
	cd "$TMP"
	cat >check <<-'END'
		set -e
		echo "$NETBPF_NIC: $NETBPF_CARDS"
		for card in $NETBPF_CARDS; do
			ethtool -i "$card" | sed -n 's/^driver: //p'
		done
		set -- $NETBPF_CARDS
		ip netns add far
		ip link set "$2" netns far
		ip addr add 192.0.2.1/24 dev "$1"
		ip link set "$1" up
		ip -n far addr add 192.0.2.2/24 dev "$2"
		ip -n far link set "$2" up
		for try in {1..30}; do
			! ping -q -c 1 -W 1 192.0.2.2 >/dev/null || break
		done
		ping -q -c 2 192.0.2.2 | grep received
	END
	expect_status 0 "$VMTEST" --nic "$1" --cards 3 "${@:3}" -- bash ./check
	expect_out "^$1: eth0 eth1 eth2\$"
	expect_eq "drivers" "$(grep -cx "$2" <<<"$OUT")" 3
	expect_out ' 2 received'
	nothing_left
}

test_cards_virtio()
{
	cards_work virtio virtio_net
}

test_cards_vmxnet3()
{
	cards_work vmxnet3 vmxnet3
}

test_cards_e1000e()
{
	cards_work e1000e e1000e
}

# Cards on tap devices have queues and offloads, and the namespace of the taps ends with qemu.
test_cards_tap()
{
	cards_work tap virtio_net --cpus 2
	expect_status 0 "$VMTEST" --nic tap --cards 2 --cpus 2 -- \
		sh -c 'ethtool -l eth0; ethtool -k eth0; ethtool -k eth1'
	expect_out '^Combined:	*4$'
	expect_eq "cards with TSO" "$(grep -c '^tcp-segmentation-offload: on$' <<<"$OUT")" 2
	expect_eq "cards with tx checksum" "$(grep -c '^tx-checksumming: on$' <<<"$OUT")" 2
	expect_eq "cards with guest_tso" "$(grep -c '^rx-gro-hw: on$' <<<"$OUT")" 2
	# Only these processes hold the network namespace of the tap devices.
	no_process "vmtest=$TMPDIR"
}

test_tap_ends_with_the_guest()
{
	local pid

	need_guest
	GUEST_OPTIONS=(--nic tap --cards 2)
	start_guest pid sh -c 'echo here; sleep 1000'
	expect_match "/proc/$QEMU/net/dev" '^ *tap1:'
	[ ! -e /sys/class/net/tap1 ] || fail "a tap device is in this network namespace"
	STATUS=0
	stop_sample "$pid" INT || :
	expect_eq "exit status" "$STATUS" 130
	nothing_left
	no_process "vmtest=$TMPDIR"
}

# Each try to boot has a tap device of its own.
test_tap_of_a_failed_boot()
{
	need_guest
	stand_in_qemu <<-END
		ip -br link >>"\$(dirname "\$0")/links"
		exit 1
	END
	expect_status 123 env VMTEST_ACCEL=tcg PATH="$BIN:$PATH" "$VMTEST" --nic tap --cards 1 -- true
	expect_eq "boots with a tap" "$(grep -c '^tap0 ' "$BIN/links")" 3
	nothing_left
}

test_tap_needs_root()
{
	need_guest
	public_scripts
	expect_status 1 as_nobody "$PUBLIC/scripts/vmtest.sh" --nic tap -- true
	expect_err 'failed: --nic tap needs root'
	expect_err '^  hint: sudo '
}

test_tap_needs_tap_devices()
{
	need_guest
	mkdir "$TMP/bin"
	cat >"$TMP/bin/ip" <<-END
		#!/bin/sh
		[ "\$1" != tuntap ] || { echo "open: No such file" >&2; exit 1; }
		exec $(command -v ip) "\$@"
	END
	chmod +x "$TMP/bin/ip"
	expect_status 3 env PATH="$TMP/bin:$PATH" "$VMTEST" --nic tap -- true
	expect_err 'failed: this machine has no tap devices or no bridge'
	expect_err '^  hint: .*modprobe tun bridge'
}

test_property_of_a_card()
{
	need_guest
	expect_status 2 "$VMTEST" --nic virtio,wheels=4 -- true
	expect_err "the card virtio-net-pci has no property 'wheels'"
	expect_status 0 "$VMTEST" --nic tap,guest_tso4=off,guest_tso6=off --cards 2 -- \
		sh -c 'env; ethtool -k eth0'
	expect_out '^NETBPF_NIC=tap,guest_tso4=off,guest_tso6=off$'
	expect_out '^rx-gro-hw: off'
}

# The guest pulls out one of its cards, puts it in again, and stops its machine; it may do
# nothing else.
test_cards_are_pulled_out()
{
	need_guest
	cd "$TMP"
	cat >check <<-'END'
		set -e
		wish() { echo "$*" >&3; read -t 60 -r answer <&3; echo "$*: $answer"; }
		exec 3<>/dev/vmtest.machine
		wish unplug 1
		for try in {1..200}; do [ -e /sys/class/net/eth1 ] || break; sleep 0.1; done
		echo $(cd /sys/class/net && ls)
		wish plug 1
		for try in {1..200}; do [ ! -e /sys/class/net/eth1 ] || break; sleep 0.1; done
		echo $(cd /sys/class/net && ls)
		wish pause 1
		wish plug 1
		wish plug 7
		wish unplug 0,x
		wish quit
	END
	expect_status 0 "$VMTEST" --nic virtio --cards 2 -- bash ./check
	expect_out '^unplug 1: done$'
	expect_out '^eth0 lo$'
	expect_out '^plug 1: done$'
	expect_out '^eth0 eth1 lo$'
	expect_out '^pause 1: done$'
	expect_out "^plug 1: .*Duplicate device ID 'nic1'"
	expect_out '^plug 7: there is no card 7$'
	expect_out '^unplug 0,x: not a number: 0,x$'
	expect_out '^quit: not a number:'
	nothing_left
}

test_path_of_an_image()
{
	need_guest
	expect_status 0 "$VMTEST" -k "$KERNELS"/6.1/boot/vmlinuz-* -- uname -r
	expect_eq "uname" "$OUT" "$(ls "$KERNELS/6.1/lib/modules")"
}

test_output_is_live_and_sigint_ends_it()
{
	local pid

	need_guest
	start_guest pid sh -c 'echo here; sleep 1000'
	expect_match "$(sample_out "$pid")" '^here$'
	STATUS=0
	stop_sample "$pid" INT || :
	expect_eq "exit status" "$STATUS" 130
	pid_gone "$QEMU" || fail "qemu has not ended"
	nothing_left
}

test_sigkill_ends_the_guest()
{
	local pid

	need_guest
	start_guest pid sh -c 'echo here; sleep 1000'
	stop_sample "$pid" KILL || :
	eventually 5 pid_gone "$QEMU"
}

test_deadline()
{
	need_guest
	expect_status 122 "$VMTEST" -T 10 -- sh -c 'echo here; sleep 1000'
	expect_out '^here$'
	expect_err 'not ended after 10 s'
	nothing_left
}

test_reader_that_has_enough()
{
	need_guest
	# shellcheck disable=SC2016 # for the shell
	expect_status 141 bash -c '"$0" -- sh -c "echo here; yes" | head -n 1; exit "${PIPESTATUS[0]}"' \
		"$VMTEST"
	expect_eq "output" "$OUT" here
	nothing_left
}

test_panic()
{
	need_guest
	expect_status 123 "$VMTEST" -- sh -c 'echo here; echo c >/proc/sysrq-trigger'
	expect_out '^here$'
	expect_err 'ended without a status'
	expect_err 'Kernel panic'
	nothing_left
}

test_shell()
{
	need_guest
	# Stdin must not end before the guest does.
	# shellcheck disable=SC2016 # for the shell in the guest
	expect_status 5 script -qec "'$VMTEST' --shell" /dev/null < <(
		echo 'test -t 0 && echo kernel=$(uname -r); exit 5'
		exec sleep 1000)
	expect_out "kernel=$(ls "$KERNELS/6.1/lib/modules")"
	nothing_left
}

# stand_in_qemu: make a qemu in $BIN that notes its start, and runs the code on stdin.
stand_in_qemu()
{
	BIN=$(mktemp -d "$TMP/bin.XXXXXX")
	{
		printf '#!/bin/bash\necho started >>%q\n' "$BIN/starts"
		cat
	} >"$BIN/qemu-system-x86_64"
	chmod +x "$BIN/qemu-system-x86_64"
}

test_three_boots_at_most()
{
	need_guest
	stand_in_qemu <<<'echo a bad day >&2; exit 1'
	expect_status 123 env VMTEST_ACCEL=tcg PATH="$BIN:$PATH" "$VMTEST" -- true
	expect_eq "boots" "$(wc -l <"$BIN/starts")" 3
	expect_err 'boot 3 of 3: the guest was not ready'
	expect_err 'a bad day'
	nothing_left
}

test_a_lost_boot_is_made_good()
{
	need_guest
	stand_in_qemu <<-END
		[ \$(wc -l <\$(dirname "\$0")/starts) -gt 1 ] || exit 1
		exec $(command -v qemu-system-x86_64) "\$@"
	END
	expect_status 0 env VMTEST_ACCEL=tcg PATH="$BIN:$PATH" "$VMTEST" -- echo here
	expect_eq "output" "$OUT" here
	expect_eq "boots" "$(wc -l <"$BIN/starts")" 2
}

# two_kernels: make BIN, and TWO, an O= of our own with links to the kernels 6.1 and 6.12. An apt-get
# that fails keeps vmtest.sh from fetching others.
two_kernels()
{
	[ -d "$KERNELS/6.12" ] || skip "Linux 6.12 is not here (scripts/setup.sh --all)"
	TWO=$TMP/out
	mkdir -p "$TWO/build/vmtest"
	ln -sfn "$KERNELS"/6.* "$KERNELS/kvm" "$TWO/build/vmtest/"
	BIN=$(mktemp -d "$TMP/bin.XXXXXX")
	printf '#!/bin/sh\nexit 1\n' >"$BIN/apt-get"
	chmod +x "$BIN/apt-get"
}

# table [OPTION]: the table of -k all must be right. The guests are real, their results made up.
table()
{
	local rows

	need_guest
	two_kernels
	cat >"$TMP/ktap" <<-'END'
		KTAP version 1
		1..2
		  KTAP version 1
		  # Subtest: ping
		  1..3
		  ok 1 native mode
		  ok 2 skb mode # SKIP no such thing
		  not ok 3 vlan devices
		# took 71.9 s
		not ok 1 selftests: netbpf: ping
		# took 0.4 s
		ok 2 selftests: netbpf: pass # SKIP not here
		# failed: ping: vlan devices
		# skipped 1: no such thing (ping: skb mode)
	END
	cd "$TMP"
	expect_status 1 env O="$TWO" PATH="$BIN:$PATH" "$VMTEST" -k all --host ktap "$@" -- sh -c 'cat ktap; exit 1'
	expect_out '^ping( +1 +1 +1 +71){2}$'
	expect_out '^pass( +0 +0 +1 +[0-9]+){2}$'
	expect_out '^all( +1 +1 +2 +[0-9]+){2}$'
	expect_out '^skipped on 6\.1: no such thing \(ping: skb mode\)$'
	expect_out '^skipped on 6\.12: no such thing \(ping: skb mode\)$'
	expect_out '^ +exit status 1 +exit status 1$'
	nothing_left
	rows="$TWO/build/vmtest/support.rst"
	expect_match "$rows" '^sample +what +Linux 6\.1 +Linux 6\.12 +Linux [0-9.]+$'
	expect_match "$rows" '^ping +native XDP( +yes){3}$'
	expect_match "$rows" '^\\ +generic XDP( +no \(2\)){3}$'
	expect_match "$rows" '^\\ +VLAN devices( +FAILED){3}$'
	expect_match "$rows" '^pass +all( +no \(1\)){3}$'
	expect_match "$rows" '^hello +native XDP( +-){3}$'
	expect_match "$rows" '^\(2\) no such thing$'
	expect_match "$rows" '^\(1\) not here$'
}

test_table()
{
	table
	expect_out '^ok 2 selftests: netbpf: pass '
}

test_table_of_two_at_once()
{
	table --parallel
	expect_out '^6\.1: ok 2 selftests: netbpf: pass '
	expect_out '^6\.12: ok 2 selftests: netbpf: pass '
}

test_sigterm_ends_two_at_once()
{
	local pid

	need_guest
	two_kernels
	start_bg pid env O="$TWO" PATH="$BIN:$PATH" "$VMTEST" -k all -j -- sh -c 'echo here; sleep 1000'
	eventually "$READY" both_here "$(sample_out "$pid")"
	STATUS=0
	stop_sample "$pid" TERM || :
	expect_eq "exit status" "$STATUS" 143
	nothing_left
	no_process "vmtest=$TMPDIR"
}

both_here()
{
	grep -q '^6\.1: here' "$1" && grep -q '^6\.12: here' "$1"
}

run_tests test_help test_usage test_quick_and_support_name_what_there_is test_names_a_missing_tool \
	test_names_a_missing_tool_of_another_architecture test_command_line_of_another_architecture \
	test_all_kernels_of_another_architecture test_all_kernels_with_cards test_build_for_another_architecture \
	test_make_passes_the_architecture test_guest_of_another_architecture test_bad_image \
	test_status_and_output test_files test_programs_are_where_they_were_before test_path_of_an_image \
	test_cards_virtio test_cards_vmxnet3 test_cards_e1000e test_cards_tap test_cards_are_pulled_out \
	test_tap_ends_with_the_guest test_tap_of_a_failed_boot test_tap_needs_root \
	test_tap_needs_tap_devices test_property_of_a_card \
	test_output_is_live_and_sigint_ends_it test_sigkill_ends_the_guest test_deadline \
	test_reader_that_has_enough test_panic test_shell test_three_boots_at_most \
	test_a_lost_boot_is_made_good test_table test_table_of_two_at_once \
	test_sigterm_ends_two_at_once
