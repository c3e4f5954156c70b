/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Convert struct lb_addr to the 4 or 16 bytes of netlink attributes, and back. */
#ifndef _SAMPLES_XDP_LB_FAMILY_H
#define _SAMPLES_XDP_LB_FAMILY_H

#include <stddef.h>
#include "xdp_lb.h"

int lb_addr_family(const struct lb_addr *addr);
const void *lb_addr_bytes(const struct lb_addr *addr, size_t *len);
int lb_addr_take(struct lb_addr *addr, const void *bytes, size_t len);

#endif /* _SAMPLES_XDP_LB_FAMILY_H */
