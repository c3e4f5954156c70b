/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The hash of a connection, for the program and for "ring --who". Parts of the one hash
 * select the first and the second bucket of the flow table, the tag of the slot, and the
 * slot of the ring.
 */
#ifndef _XDP_LB_HASH_H
#define _XDP_LB_HASH_H

#include "xdp_lb.h"

static __always_inline __u64 lb_hash_step(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
	return hash ^ hash >> 32;
}

static __always_inline __u64 lb_words(__be32 high, __be32 low)
{
	return (__u64)(__u32)high << 32 | (__u32)low;
}

/**
 * lb_hash() - hash of a connection
 * @key: addresses, ports and protocol
 * @is4: both addresses are IPv4
 * @seed: seed of the configuration
 *
 * Return: 64 bits; each depends on every bit of @key and @seed.
 */
static __always_inline __u64 lb_hash(const struct lb_key *key, int is4, __u64 seed)
{
	const __be32 *c = key->client.a, *v = key->vip.a;
	__u64 hash = seed;

	if (!is4) {
		hash = lb_hash_step(hash, lb_words(c[0], c[1]));
		hash = lb_hash_step(hash, lb_words(v[0], v[1]));
		hash = lb_hash_step(hash, lb_words(c[2], v[2]));
	}
	hash = lb_hash_step(hash, lb_words(c[3], v[3]));
	hash = lb_hash_step(hash, (__u64)(__u16)key->cport << 32 |
				  (__u32)(__u16)key->vport << 16 | key->proto);
	/* The high bits of a factor do not reach the low bits of the product: mix again. */
	return lb_hash_step(hash, hash >> 29);
}

/**
 * lb_ring_slot() - slot of a ring
 * @hash: result of lb_hash()
 * @size: slots of the ring
 *
 * Return: 0 to @size - 1, evenly spread, without a division.
 */
static __always_inline __u32 lb_ring_slot(__u64 hash, __u32 size)
{
	return (hash >> 32) * size >> 32;
}

/* The tag of a slot, 24 bits: a lookup compares the key only if the tag matches. */
static __always_inline __u32 lb_hash_tag(__u64 hash)
{
	return hash >> 40;
}

/**
 * lb_hash_bucket() - bucket of the flow table
 * @hash: result of lb_hash()
 * @second: 0: the first bucket of the connection, 1: the second
 * @n: number of buckets
 *
 * Return: 0 to @n - 1.
 */
static __always_inline __u32 lb_hash_bucket(__u64 hash, int second, __u32 n)
{
	__u32 part = second ? hash * 0x9e3779b97f4a7c15ULL >> 32 : hash;

	return (__u64)part * n >> 32;
}

#endif /* _XDP_LB_HASH_H */
