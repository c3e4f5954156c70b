# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 20, on real connections: one backend of five is lost, and the connections of the others
# go on.

# shellcheck source=exercises/lib/balance.sh
. "$LIVE_DIR/balance.sh"

lab_balance 5
attach eth0 eth1
balance "${BACKENDS[@]}"
clients requests 200 || exit 1
for backend in "${BACKENDS[@]}"; do
	[[ $ANSWER == *$backend=* ]] || wrong "of 200 connections, backend $backend has got none" \
		"each got: $ANSWER"
done
clients open 150 || exit 1
below 4 && lost=${BACKENDS[RANDOM_NUMBER]}
balance "${BACKENDS[@]/#$lost/}"
far ip addr del "$lost/24" dev eth0
clients lose "$lost" || exit 1
clients again || exit 1
clients requests 100 || exit 1
detach
