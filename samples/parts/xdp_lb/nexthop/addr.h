/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Read the addresses of this host. */
#ifndef _SAMPLES_XDP_LB_ADDR_H
#define _SAMPLES_XDP_LB_ADDR_H

#include <stdbool.h>
#include "xdp_lb.h"

struct sample_netlink;

/**
 * struct lb_host_addr - an address of this host
 * @addr: the address
 * @ifindex: the interface that has it
 * @fit: usable as a source address: global, and not deprecated, temporary or a duplicate
 * @tentative: duplicate address detection is running; @fit may be true afterwards
 */
struct lb_host_addr {
	struct lb_addr addr;
	unsigned int ifindex;
	bool fit;
	bool tentative;
};

/**
 * struct lb_host_addrs - addresses of this host, of one family
 * @at: the addresses; lb_host_addrs_free() frees them
 * @n: number of addresses
 */
struct lb_host_addrs {
	struct lb_host_addr *at;
	unsigned int n;
};

int lb_host_addrs_read(struct sample_netlink *nl, int family, struct lb_host_addrs *addrs);
void lb_host_addrs_free(struct lb_host_addrs *addrs);
bool lb_host_addrs_have(const struct lb_host_addrs *addrs, const struct lb_addr *addr);
int lb_link_addr(struct sample_netlink *nl, unsigned int ifindex, int family, struct lb_addr *addr);

#endif /* _SAMPLES_XDP_LB_ADDR_H */
