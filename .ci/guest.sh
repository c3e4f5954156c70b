#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh KERNEL [arm64|virtio]: run tests on another kernel, to see that it loads the programs
# and that they treat packets as they do on this kernel. The tests are in C: they have no races
# that a slow CPU could lose. With virtio, the guest has network cards instead, and the tests are
# two that run samples on them. A guest that does not boot, or runs out of time, says nothing about
# the tree: the script prints that and succeeds.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

readonly KERNEL=$1
readonly WHAT=$KERNEL${2:+ on $2}
readonly TIME=600	# seconds
TESTS=()
for name in hello_test ping_test tc_test tc_pingpong_test pktcount_test \
	sockfilter_test network_test tcpconnect_test xdp_lb_test:forwards_in_each_mode; do
	TESTS+=(-t "$name")
done
GUEST=()
case ${2:-} in
arm64)
	GUEST=(--arch arm64)
	# vmtest.sh takes the programs of another architecture from build/ARCH.
	make -s -j "$(nproc)" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- O="$PWD/build/arm64"
	;;
virtio)
	GUEST=(--nic virtio)
	TESTS=(-t nic:native_or_its_refusal:lb_auto)
	;;
esac
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

# Mark each line, so that nobody takes the guest's totals for those of the suite on this
# machine.
status=0
./scripts/vmtest.sh "${GUEST[@]}" -k "$KERNEL" -T "$TIME" -- \
	./selftests/run.sh --no-build "${TESTS[@]}" 2>&1 |
	tee "$LOG" | sed "s/^/$WHAT: /" || status=$?
if [[ $status = 12[23] ]] && ! grep -q '^not ok' "$LOG"; then
	echo "$WHAT: not done: the guest was lost, or needed more than $TIME s"
	exit 0
fi
exit "$status"
