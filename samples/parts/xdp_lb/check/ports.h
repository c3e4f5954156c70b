/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Source addresses of LB_NAT and their ports, for state/snat.c, which uses them, and
 * check/addr.c, which reports on them.
 */
#ifndef _SAMPLES_XDP_LB_PORTS_H
#define _SAMPLES_XDP_LB_PORTS_H

#include "parts/xdp_lb/user.h"

enum {
	LB_PORTS_FIRST = 1024,
	LB_PORTS_LAST = 65535,
};

int lb_free_ports(unsigned int range[2], __u16 *min, __u16 *max);
int lb_own_addr(const struct lb_conf *conf, const struct lb_host_addrs *addrs, bool services,
		struct lb_addr *addr);
int lb_snat_ports(const struct lb_addr *addr, bool own, __u16 *min, __u16 *max);

#endif /* _SAMPLES_XDP_LB_PORTS_H */
