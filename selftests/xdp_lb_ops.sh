#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The load balancer as its operators use it: what commands say, and leave out.
# shellcheck disable=SC2317 # functions are called by run_tests

# shellcheck source=selftests/xdp_lb_lib.sh
. "$(dirname "$(readlink -f "$0")")/xdp_lb_lib.sh"

# What only run finds is told where it was asked for.
test_reload_that_fails_says_why()
{
	web_config 1
	start -c "$TMP/lb.yaml"
	sed -i 's/^connections: .*/connections: 8192/' "$TMP/lb.yaml"
	expect_status 2 lb reload
	expect_err "^xdp_lb: failed to reload $TMP/lb.yaml: another connections needs a new instance\$"
	expect_err "^  hint: $LB stop --name $NAME, then run it again\$"
	sed -i -e 's/^connections: .*/connections: 4096/' -e 's/eth0/nosuch0/' "$TMP/lb.yaml"
	expect_status 1 lb reload
	expect_err "^xdp_lb: failed to reload $TMP/lb.yaml: failed to find the interface nosuch0"
	sed -i 's/nosuch0/eth0/' "$TMP/lb.yaml"
	expect_status 0 lb reload
	stop
}

run_tests test_reload_that_fails_says_why
