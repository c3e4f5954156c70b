# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The initramfs of a guest: busybox, the modules that reach the root of the
# host, and init.sh as /init. Sourced by vmtest.sh.

# The modules that mount the host's root, unless the kernel has them built in.
readonly BOOT_MODULES='virtio_pci virtio_console 9pnet_virtio 9p overlay'

# module_order MODULE: print MODULE and the modules that it needs, as paths below MODULES, in
# the order in which they are to be loaded. Return 1 if there is no such module.
module_order()
{
	local line

	line=$(grep -E "(^|/)$1\.ko(\.[a-z]+)?:" "$MODULES/modules.dep") || return 1
	# modules.dep lists the last one first.
	tr ' ' '\n' <<<"${line/:/}" | sed '/^$/d' | tac
}

# unpack_module FILE: write the module to stdout, uncompressed.
unpack_module()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# boot_modules DIR: put the modules into DIR, each once, and their order into DIR/order.
boot_modules()
{
	local dir=$1 module order file name

	for module in $BOOT_MODULES; do
		if ! order=$(module_order "$module"); then
			grep -q "/$module\.ko" "$MODULES/modules.builtin" ||
				die 1 "Linux $RELEASE lacks $module, the guest would not see this machine"
			continue
		fi
		for file in $order; do
			name=${file##*/}
			name=${name%%.ko*}.ko
			[ ! -e "$dir/$name" ] || continue
			unpack_module "$MODULES/$file" >"$dir/$name"
			echo "$name" >>"$dir/order"
		done
	done
}

# guest_busybox: print the path of a busybox that runs in the guest.
guest_busybox()
{
	if [ -n "$FOREIGN" ]; then
		echo "$GUEST_ROOT/bin/busybox"
	else
		command -v busybox
	fi
}

# make_initrd FILE: make the initramfs; not compressed, because each run makes a new one.
make_initrd()
{
	local dir=$RUN/root

	mkdir -p "$dir"/{bin,sbin,dev,proc,sys,host,rw,new,modules,lib/modules}
	cp "$(guest_busybox)" "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	ln -s ../bin/busybox "$dir/sbin/modprobe"
	: >"$dir/modules/order"
	boot_modules "$dir/modules"
	cp "$NETBPF_TOP/scripts/vmtest/init.sh" "$dir/init"
	chmod 755 "$dir/init"
	(cd "$dir" && find . | busybox cpio -o -H newc) >"$1" 2>"$RUN/cpio" || {
		cat "$RUN/cpio" >&2
		die 1 "cannot make the initramfs"
	}
	rm -rf "$dir"
}
