# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Network cards of a guest: several cards of one model, on one emulated wire.
# Sourced by vmtest.sh.

# The models that --nic knows.
readonly NIC_MODELS='virtio vmxnet3 e1000e tap'

# The caller reads NIC_DEVICE and NIC_MODULE.
# shellcheck disable=SC2034
#
# nic_model MODEL: set NIC_DEVICE to qemu's name of this card, and NIC_MODULE to the module of
# its driver. Return 1 if there is no such model.
nic_model()
{
	case $1 in
	virtio | tap) NIC_DEVICE=virtio-net-pci NIC_MODULE=virtio_net ;;
	vmxnet3) NIC_DEVICE=vmxnet3 NIC_MODULE=vmxnet3 ;;
	e1000e) NIC_DEVICE=e1000e NIC_MODULE=e1000e ;;
	*) return 1 ;;
	esac
}

# nic_properties NIC: print the properties of the card that follow its model, as ",NAME=VALUE".
nic_properties()
{
	[[ $1 != *,* ]] || echo ",${1#*,}"
}

# check_nic NIC CARDS: exit if the options --nic and --cards make no sense. NIC or CARDS is
# empty if the user has not given the option.
check_nic()
{
	[ -n "$1" ] || [ -z "$2" ] || usage_error "--cards is for --nic"
	[ -n "$1" ] || return 0
	nic_model "${1%%,*}" || usage_error "unknown card '${1%%,*}' (known: $NIC_MODELS)"
	[[ $1 =~ ^[a-z0-9]+(,[a-z0-9_-]+=[A-Za-z0-9]+)*$ ]] ||
		usage_error "--nic wants MODEL,PROPERTY=VALUE, not '$1'"
}

# need_nic NIC: exit if this machine cannot connect the cards, or qemu does not know a property.
need_nic()
{
	local tap_hint='load the modules tun and bridge (modprobe tun bridge), or use --nic virtio'

	if [ "${1%%,*}" = tap ]; then
		require_root "--nic tap" NET_ADMIN SYS_ADMIN
		unshare --net -- "$NETBPF_TOP/scripts/vmtest/wire.sh" 1 true ||
			die 3 "this machine has no tap devices or no bridge" "$tap_hint"
	fi
	[[ $1 != *,* ]] || "$QEMU_SYSTEM" -M none -accel tcg -display none \
		-device "$NIC_DEVICE,help" | nic_knows "${1#*,}"
}

# nic_knows PROPERTIES: exit unless qemu's list of properties, on stdin, has all of them.
nic_knows()
{
	local list names name

	list=$(cat)
	IFS=, read -ra names <<<"$1"
	for name in "${names[@]%%=*}"; do
		grep -q "^ *$name=" <<<"$list" ||
			usage_error "the card $NIC_DEVICE has no property '$name'"
	done
}

# nic_in_slot I PROPERTIES: add qemu's arguments for card I. A card is behind a root port, because
# it cannot be pulled out of the root bus (machine.sh).
nic_in_slot()
{
	QEMU+=(-device "pcie-root-port,id=slot$1,chassis=$(($1 + 1))"
		-device "$NIC_DEVICE,netdev=card$1,mac=$(nic_mac "$1"),id=nic$1,bus=slot$1$2")
}

# hub_arguments CARDS PROPERTIES: add qemu's arguments for cards on a hub to QEMU. A hub copies
# each frame to all other ports, as an old Ethernet hub does. qemu gives a port of a hub one queue,
# and no header for offloads: a virtio card then has one queue, and neither checksum offload nor
# TSO.
hub_arguments()
{
	local i

	for ((i = 0; i < $1; i++)); do
		QEMU+=(-netdev "hubport,hubid=0,id=card$i")
		nic_in_slot "$i" "$2"
	done
}

# tap_arguments CARDS PROPERTIES: add qemu's arguments for cards on tap devices to QEMU, and start
# it in a network namespace that has them. A tap device passes on unfinished checksums and
# segments, and has several queues: two for each CPU, since native XDP wants one for itself. A
# queue takes two interrupts (vectors); the card has two more.
tap_arguments()
{
	local i queues=$((CPUS * 2))

	QEMU=(unshare --net -- "$NETBPF_TOP/scripts/vmtest/wire.sh" "$1" "${QEMU[@]}")
	for ((i = 0; i < $1; i++)); do
		QEMU+=(-netdev "tap,id=card$i,ifname=tap$i,queues=$queues,script=no,downscript=no")
		nic_in_slot "$i" ",mq=on,vectors=$((queues * 2 + 2))$2"
	done
}

# nic_mac NUMBER: print the address of this card.
nic_mac()
{
	printf '52:54:00:00:00:%02x' $(($1 + 1))
}

# nic_arguments NIC CARDS: add qemu's arguments for the cards to QEMU.
nic_arguments()
{
	local properties

	properties=$(nic_properties "$1")
	case $1 in
	tap*) tap_arguments "$2" "$properties" ;;
	*) hub_arguments "$2" "$properties" ;;
	esac
}

# nic_command NIC CARDS: print the lines of the guest's script that load the driver, and that
# tell the command which cards there are. No udev renames the cards: they are eth0, eth1 and so on.
nic_command()
{
	local i cards=

	for ((i = 0; i < $2; i++)); do
		cards+=" eth$i"
	done
	printf 'modprobe %q || exit\n' "$NIC_MODULE"
	printf 'export NETBPF_NIC=%q NETBPF_CARDS=%q\n' "$1" "${cards# }"
}
