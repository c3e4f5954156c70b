/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maglev consistent hashing (ring/ring.c). */
#ifndef _SAMPLES_XDP_LB_RING_H
#define _SAMPLES_XDP_LB_RING_H

#include <stdbool.h>
#include "xdp_lb.h"

/**
 * struct lb_ring_member - a backend that takes new connections
 * @addr: address
 * @port: port
 * @weight: its share, at least 1
 * @backend: what the ring says for it
 */
struct lb_ring_member {
	struct lb_addr addr;
	__be16 port;
	__u32 weight;
	__u32 backend;
};

/*
 * Fill ring[size] (size: a prime) with @backend of members; the order of members
 * does not matter. No member: all LB_NO_BACKEND. Returns 0, -ENOMEM, or -EINVAL: no
 * prime; neither is printed.
 */
int lb_ring_build(const struct lb_ring_member *members, unsigned int n, __u64 seed,
		  __u32 *ring, __u32 size);

/*
 * The same on every balancer with the same services: of addresses and ports in
 * the ring's order, not of indexes.
 */
__u64 lb_ring_digest(const struct lb_ring_member *members, unsigned int n,
		     const __u32 *ring, __u32 size);

__u64 lb_ring_hash(const struct lb_ring_member *member, __u64 seed, unsigned int purpose);
bool lb_is_prime(__u32 n);

#endif /* _SAMPLES_XDP_LB_RING_H */
