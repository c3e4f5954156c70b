/* SPDX-License-Identifier: GPL-2.0 */
/* What pkt_echo_kern.c and pkt_echo_test.c share. */
#ifndef _SELFTESTS_PKT_ECHO_TEST_H
#define _SELFTESTS_PKT_ECHO_TEST_H

#include <linux/bpf.h>
#include "echo_event.h"

/**
 * struct echo_found - what include/pkt_echo.bpf.h says of a packet
 * @request: it is an echo request; the rest is zero if not
 * @unicast: from one host to one host
 * @ev: its description
 */
struct echo_found {
	__u32 request;
	__u32 unicast;
	struct echo_event ev;
};

/* echo_answer() answers a packet and keeps here what it found. */
extern struct echo_found found;
int echo_answer(struct xdp_md *ctx);

#endif /* _SELFTESTS_PKT_ECHO_TEST_H */
