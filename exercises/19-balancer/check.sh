# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Exercise 19, on real connections: 500 of them, three clients with one port, and a list of
# backends that changes while connections are open.

# shellcheck source=exercises/lib/balance.sh
. "$LIVE_DIR/balance.sh"

lab_balance 4
attach eth0 eth1
balance "${BACKENDS[@]}"
clients requests 500 || exit 1
for backend in "${BACKENDS[@]}"; do
	[[ $ANSWER == *$backend=* ]] || wrong "of 500 connections, backend $backend has got none" \
		"each got: $ANSWER"
done
clients port && clients again || exit 1
clients open 30 || exit 1
balance "${BACKENDS[@]:2}"
clients again || exit 1
clients requests 20 || exit 1
for backend in "${BACKENDS[@]:0:2}"; do
	[[ $ANSWER != *$backend=* ]] ||
		wrong "new connections go to $backend, which is no longer in the list"
done
balance "${BACKENDS[@]}"
clients again || exit 1
detach
