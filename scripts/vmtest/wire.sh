#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# wire.sh TAPS COMMAND...: make a bridge with TAPS tap devices, tap0, tap1 and so on, in this
# network namespace, and become COMMAND. vmtest.sh starts this in a new namespace, which ends
# together with COMMAND, and with it all devices, however COMMAND ends.
set -euo pipefail

taps=$1
shift
# The bridge passes frames on, at once, and has no address: it sends nothing of its own.
sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || :
ip link add wire type bridge stp_state 0 forward_delay 0 mcast_snooping 0
for ((i = 0; i < taps; i++)); do
	ip tuntap add "tap$i" mode tap multi_queue vnet_hdr
	ip link set "tap$i" master wire mtu 9000 up
done
ip link set wire up
exec "$@"
