/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What nexthop/nexthop.c remembers; parts/xdp_lb/user.h has its functions. */
#ifndef _SAMPLES_XDP_LB_NEXTHOP_H
#define _SAMPLES_XDP_LB_NEXTHOP_H

#include <stdbool.h>
#include "parts/xdp_lb/nexthop/netlink.h"
#include "parts/xdp_lb/nexthop/told.h"

enum {
	/* More news than that at once leave the rest to the next call. */
	LB_NEWS_MAX = 256,
};

/**
 * struct lb_nexthops - sockets, and what was asked for
 * @ask: for questions
 * @news: of changes
 * @look_only: nothing is kept up to date, and no error told
 * @neighs: those that next hops were given for
 * @n_neighs: how many
 * @tolds: errors
 */
struct lb_nexthops {
	struct lb_netlink ask;
	struct mnl_socket *news;
	bool look_only;
	struct lb_neigh *neighs;
	unsigned int n_neighs;
	struct lb_tolds tolds;
};

#endif /* _SAMPLES_XDP_LB_NEXTHOP_H */
