/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maglev consistent hashing (ring/ring.c). */
#ifndef _SAMPLES_XDP_LB_RING_H
#define _SAMPLES_XDP_LB_RING_H

#include <stdbool.h>
#include "xdp_lb.h"

/**
 * struct lb_ring_member - a backend that takes new connections
 * @addr: address of the backend
 * @port: port of the backend, network byte order
 * @weight: its share, at least 1
 * @backend: index of the backend, which its slots of the ring hold
 */
struct lb_ring_member {
	struct lb_addr addr;
	__be16 port;
	__u32 weight;
	__u32 backend;
};

/*
 * Fill ring[size] (size: a prime) with @backend of members, in proportion to their weights.
 * The order of members does not matter. Without members, all slots are LB_NO_BACKEND.
 * Returns 0, -ENOMEM, or -EINVAL: size is not a prime; nothing is printed.
 */
int lb_ring_build(const struct lb_ring_member *members, unsigned int n, __u64 seed,
		  __u32 *ring, __u32 size);

/*
 * A hash of the addresses and ports that the slots lead to, in the order of the ring. Indexes
 * of backends do not matter, so all balancers with the same services get the same digest.
 */
__u64 lb_ring_digest(const struct lb_ring_member *members, unsigned int n,
		     const __u32 *ring, __u32 size);

__u64 lb_ring_hash(const struct lb_ring_member *member, __u64 seed, unsigned int purpose);
bool lb_is_prime(__u32 n);

#endif /* _SAMPLES_XDP_LB_RING_H */
