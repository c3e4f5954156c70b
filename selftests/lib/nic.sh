#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lab "lb" over four network cards on one wire, for tests in a guest of "vmtest.sh --nic". A
# test sources this file after lib.sh, and calls need_cards.
#
# shellcheck disable=SC2034 # not each test uses each variable

LAB_SH=$NETBPF_TOP/scripts/lab.sh
LAB=nic
A=10.0.0.2 B=10.0.0.3 CLIENT=10.0.0.4 BALANCER=10.0.0.5

# need_cards N: skip everything unless there are N cards, at least four; set CARDS to their names.
need_cards()
{
	[ -z "$NBT_LIST" ] || return 0
	[ -n "${NETBPF_NIC:-}" ] ||
		skip "needs cards that nobody else uses: scripts/vmtest.sh --nic virtio"
	# shellcheck disable=SC2153 # vmtest.sh sets it
	read -ra CARDS <<<"$NETBPF_CARDS"
	[ ${#CARDS[@]} -ge "$1" ] || skip "needs $1 cards, not ${#CARDS[@]}"
}

# cards_lab: make the lab. Called in setup, it is there for all tests.
cards_lab()
{
	defer "$LAB_SH down $LAB >/dev/null"
	first_ns "$LAB_SH" up lb --name "$LAB" --over "${CARDS[@]:0:4}" >/dev/null
}

# first_ns COMMAND...: run COMMAND in the first network namespace, where the cards come from.
# run.sh gives each test a network namespace of its own.
first_ns()
{
	nsenter --net=/proc/1/ns/net -- "$@"
}

# on NODE COMMAND...: run COMMAND in a node of the lab.
on()
{
	in_ns "netbpf-$LAB-$1" "${@:2}"
}

# has_native: true if the driver has native XDP in this kernel: virtio_net since 4.10, vmxnet3
# since 6.6, e1000e not yet. virtio_net refuses it if it cannot switch off guest_tso.
has_native()
{
	case $NETBPF_NIC in
	tap,ctrl_guest_offloads=off) false ;;
	virtio* | tap*) true ;;
	vmxnet3) printf '6.6\n%s\n' "$(uname -r)" | sort -VC ;;
	*) false ;;
	esac
}

# keeps_native: true if the driver has native XDP, and a program stays while the card is set up anew:
# samples/lib/native.c tells about vmxnet3.
keeps_native()
{
	has_native && [[ $NETBPF_NIC != vmxnet3* ]]
}

# replies SIZE [ADDRESS]: ping the balancer five times from the client; print the number of
# replies.
replies()
{
	{ on client ping -n -q -c 5 -i 0.2 -W 2 -M "do" -s "$1" "${2:-$BALANCER}" 2>&1 || :; } |
		sed -n 's/.* \([0-9]*\) received.*/\1/p'
}
