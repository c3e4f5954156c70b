# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Network cards of a guest: several cards of one model, on one emulated wire.
# Sourced by vmtest.sh.

# The models that --nic knows.
readonly NIC_MODELS='virtio vmxnet3 e1000e'

# The caller reads NIC_DEVICE and NIC_MODULE.
# shellcheck disable=SC2034
#
# nic_model MODEL: set NIC_DEVICE to qemu's name of this card, and NIC_MODULE to the module of
# its driver. Return 1 if there is no such model.
nic_model()
{
	case $1 in
	virtio) NIC_DEVICE=virtio-net-pci NIC_MODULE=virtio_net ;;
	vmxnet3) NIC_DEVICE=vmxnet3 NIC_MODULE=vmxnet3 ;;
	e1000e) NIC_DEVICE=e1000e NIC_MODULE=e1000e ;;
	*) return 1 ;;
	esac
}

# check_nic MODEL CARDS: exit if the options --nic and --cards make no sense. MODEL or CARDS is
# empty if the user has not given the option.
check_nic()
{
	[ -n "$1" ] || [ -z "$2" ] || usage_error "--cards is for --nic"
	[ -z "$1" ] || nic_model "$1" ||
		usage_error "unknown card '$1' (known: $NIC_MODELS)"
}

# nic_arguments CARDS: add qemu's arguments for the cards to QEMU. A hub copies each frame to all
# other ports, as an old Ethernet hub does. qemu gives a port of a hub one queue, and no header
# for offloads: a virtio card then has one queue, and neither checksum offload nor TSO.
nic_arguments()
{
	local i mac

	for ((i = 0; i < $1; i++)); do
		printf -v mac '52:54:00:00:00:%02x' $((i + 1))
		QEMU+=(-netdev "hubport,hubid=0,id=card$i"
			-device "$NIC_DEVICE,netdev=card$i,mac=$mac")
	done
}

# nic_command MODEL CARDS: print the lines of the guest's script that load the driver, and that
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
