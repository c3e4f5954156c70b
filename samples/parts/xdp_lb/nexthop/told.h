/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Errors of next hops: each is printed once, errors with one cause in one message. */
#ifndef _SAMPLES_XDP_LB_TOLD_H
#define _SAMPLES_XDP_LB_TOLD_H

#include <stdbool.h>
#include "xdp_lb.h"

struct sample_netlink;

/**
 * struct lb_told - the error of an address
 * @addr: the address
 * @err: negative errno
 * @fresh: the error was not printed yet
 */
struct lb_told {
	struct lb_addr addr;
	int err;
	bool fresh;
};

/**
 * struct lb_tolds - the errors of all addresses
 * @at: the errors
 * @n: number of entries of @at
 * @full_ns: times, CLOCK_MONOTONIC, before which a full neighbour table is not reported again:
 *	that of IPv4, that of IPv6
 */
struct lb_tolds {
	struct lb_told *at;
	unsigned int n;
	__u64 full_ns[2];
};

void lb_told_note(struct lb_tolds *tolds, const struct lb_addr *addr, int err);
void lb_told_print(struct lb_tolds *tolds, struct sample_netlink *nl);
void lb_told_free(struct lb_tolds *tolds);

#endif /* _SAMPLES_XDP_LB_TOLD_H */
