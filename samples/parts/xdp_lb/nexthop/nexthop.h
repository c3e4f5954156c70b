/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The data of nexthop/nexthop.c; parts/xdp_lb/user.h has its functions. */
#ifndef _SAMPLES_XDP_LB_NEXTHOP_H
#define _SAMPLES_XDP_LB_NEXTHOP_H

#include <stdbool.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/nexthop/told.h"

/**
 * struct lb_nexthops - sockets to the kernel, and what next hops were asked for
 * @ask: socket for requests
 * @news: socket for messages about changes
 * @look_only: the kernel is not to keep neighbours up to date, and no error is printed
 * @neighs: neighbours that were looked up for next hops
 * @n_neighs: number of entries of @neighs
 * @tolds: errors of next hops
 */
struct lb_nexthops {
	struct sample_netlink ask;
	struct sample_netlink news;
	bool look_only;
	struct lb_neigh *neighs;
	unsigned int n_neighs;
	struct lb_tolds tolds;
};

#endif /* _SAMPLES_XDP_LB_NEXTHOP_H */
