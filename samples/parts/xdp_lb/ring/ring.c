// SPDX-License-Identifier: GPL-2.0
/*
 * Maglev consistent hashing (Eisenbud and others, "Maglev: A Fast and Reliable
 * Software Network Load Balancer", NSDI 2016, section 3.4), with weights.
 *
 * Each backend has an order of its own in which it likes the slots of the ring:
 * an offset and a step, two hashes of its address and port. The backends take turns,
 * each as often as its weight says. In its turn, a backend takes the first slot in its
 * order that is free. When one backend goes, the others keep their orders and their
 * turns, and so nearly all of their slots.
 *
 * The same members and seed make the same ring on any machine: members are
 * sorted first, and the hashes are of numbers, not of bytes in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include "parts/xdp_lb/ring/ring.h"

/**
 * struct turns - a member while the ring is filled
 * @member: the member
 * @pos: slot that the member tries next
 * @step: distance from a slot in its order to the next one
 * @quota: number of slots that the member gets
 * @rest: what its share has beyond whole slots, in fractions of a slot
 */
struct turns {
	const struct lb_ring_member *member;
	__u32 pos;
	__u32 step;
	__u32 quota;
	__u64 rest;
};

/* --- hashes -------------------------------------------------------------------------- */

/*
 * Stir 64 bits into a hash. For any one @value this maps hashes one to one, so
 * nothing is lost on the way. A product carries each bit upwards only; the shifts
 * bring the upper bits down, in front of the next product. Two rounds, and each
 * bit that goes in changes each bit that comes out about every other time. The
 * factors are the fractions of the square roots of 3 and 5.
 */
static __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0xbb67ae8584caa73bULL;
	hash = (hash ^ hash >> 32) * 0x3c6ef372fe94f82bULL;
	return hash ^ hash >> 29;
}

static __u64 addr_half(const struct lb_addr *addr, unsigned int i)
{
	return (__u64)ntohl(addr->a[i]) << 32 | ntohl(addr->a[i + 1]);
}

/**
 * lb_ring_hash() - the hash of a member
 * @member: its address and port are hashed, as numbers, so that all machines agree
 * @seed: seed of the ring
 * @purpose: keeps hashes for different uses apart
 *
 * Return: 64 bits, each of which depends on each bit of the member and of @seed.
 */
__u64 lb_ring_hash(const struct lb_ring_member *member, __u64 seed, unsigned int purpose)
{
	__u64 hash = mix(seed, purpose);

	hash = mix(hash, addr_half(&member->addr, 0));
	hash = mix(hash, addr_half(&member->addr, 2));
	return mix(hash, ntohs(member->port));
}

static void clear(__u32 *ring, __u32 size)
{
	__u32 i;

	for (i = 0; i < size; i++)
		ring[i] = LB_NO_BACKEND;
}

/* --- turns --------------------------------------------------------------------------- */

static int compare(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

/* By address and port. The rest only decides if a member is there twice, against the rules. */
static int by_member(const void *left, const void *right)
{
	const struct lb_ring_member *a = ((const struct turns *)left)->member;
	const struct lb_ring_member *b = ((const struct turns *)right)->member;
	int order;

	order = compare(addr_half(&a->addr, 0), addr_half(&b->addr, 0));
	if (!order)
		order = compare(addr_half(&a->addr, 2), addr_half(&b->addr, 2));
	if (!order)
		order = compare(ntohs(a->port), ntohs(b->port));
	if (!order)
		order = compare(a->weight, b->weight);
	if (!order)
		order = compare(a->backend, b->backend);
	return order;
}

/* The largest rest first. */
static int by_rest(const void *left, const void *right)
{
	const struct turns *a = left, *b = right;
	int order = compare(b->rest, a->rest);

	return order ?: by_member(left, right);
}

/*
 * Turns alone do not make shares right, because the ring is full in the middle of a
 * round. So each backend gets the whole slots of its share. The slots left over, fewer
 * than there are backends, go to the backends with the largest fractions.
 */
static void share_out(struct turns *turns, unsigned int n, __u64 total, __u32 size)
{
	__u32 left = size;
	unsigned int i;
	__u64 product;

	for (i = 0; i < n; i++) {
		product = (__u64)turns[i].member->weight * size;
		turns[i].quota = product / total;
		turns[i].rest = product % total;
		left -= turns[i].quota;
	}
	qsort(turns, n, sizeof(*turns), by_rest);
	for (i = 0; i < left; i++)
		turns[i].quota++;
	qsort(turns, n, sizeof(*turns), by_member);
}

/*
 * The round in which a member has its turn number @turn, both counted from 0. The heaviest
 * member has a turn in each round, the others have turns as often as their weights say. No
 * round is greater than @size, as (quota - 1) / weight is less than @size / total.
 */
static __u32 round_of(const struct turns *turns, __u32 turn, __u32 heaviest)
{
	__u32 weight = turns->member->weight;

	return ((__u64)turn * heaviest + weight - 1) / weight;
}

/* Sort all turns by round, then by member (a counting sort); @order gets their members. */
static void put_in_order(const struct turns *turns, unsigned int n, __u32 heaviest,
			 __u32 *order, __u32 *first, __u32 size)
{
	__u32 i, turn;

	for (i = 0; i < n; i++) {
		for (turn = 0; turn < turns[i].quota; turn++)
			first[round_of(&turns[i], turn, heaviest) + 1]++;
	}
	for (i = 1; i <= size; i++)
		first[i] += first[i - 1];
	for (i = 0; i < n; i++) {
		for (turn = 0; turn < turns[i].quota; turn++)
			order[first[round_of(&turns[i], turn, heaviest)]++] = i;
	}
}

static void take_slot(struct turns *turns, __u32 *ring, __u32 size)
{
	__u32 back = size - turns->step, pos;

	/* @size is a prime: the steps, modulo @size, visit all slots before they repeat. */
	do {
		pos = turns->pos;
		turns->pos = pos < back ? pos + turns->step : pos - back;
	} while (ring[pos] != LB_NO_BACKEND);
	ring[pos] = turns->member->backend;
}

static int fill(struct turns *turns, unsigned int n, __u32 heaviest, __u32 *ring, __u32 size)
{
	__u32 *order = malloc(size * sizeof(*order));
	__u32 *first = calloc((size_t)size + 2, sizeof(*first));
	int err = order && first ? 0 : -ENOMEM;
	__u32 i;

	if (!err) {
		put_in_order(turns, n, heaviest, order, first, size);
		clear(ring, size);
		for (i = 0; i < size; i++)
			take_slot(&turns[order[i]], ring, size);
	}
	free(first);
	free(order);
	return err;
}

/* --- interface ----------------------------------------------------------------------- */

/**
 * lb_ring_build() - set for each slot of a ring which backend it leads to
 * @members: backends that take new connections, in any order
 * @n: number of members; 0: all slots become LB_NO_BACKEND
 * @seed: seed of the hashes
 * @ring: takes the numbers of backends
 * @size: slots, a prime
 *
 * Each backend gets its exact share of the slots, rounded up or down to a whole number. If
 * that is 0, the backend has no slot: use more slots.
 *
 * Return: 0, -ENOMEM, or -EINVAL if @size is no prime; then @ring is as it was.
 */
int lb_ring_build(const struct lb_ring_member *members, unsigned int n, __u64 seed,
		  __u32 *ring, __u32 size)
{
	struct turns *turns;
	__u32 i, heaviest = 0;
	__u64 total = 0;
	int err;

	if (!lb_is_prime(size))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		total += members[i].weight;
		if (members[i].weight > heaviest)
			heaviest = members[i].weight;
	}
	if (!total) {
		clear(ring, size);
		return 0;
	}
	turns = calloc(n, sizeof(*turns));
	if (!turns)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		turns[i].member = &members[i];
		turns[i].pos = lb_ring_hash(&members[i], seed, 1) % size;
		turns[i].step = lb_ring_hash(&members[i], seed, 2) % (size - 1) + 1;
	}
	share_out(turns, n, total, size);
	err = fill(turns, n, heaviest, ring, size);
	free(turns);
	return err;
}

/**
 * lb_ring_digest() - a number that is the same for rings that lead to the same backends
 * @members: what the ring was built of
 * @n: number of members
 * @ring: the ring
 * @size: slots
 *
 * It is a hash of the addresses and ports that the slots lead to, not of the
 * numbers of backends, which differ from balancer to balancer. A slot that leads
 * to none of @members counts as one without backend.
 *
 * Return: the digest.
 */
__u64 lb_ring_digest(const struct lb_ring_member *members, unsigned int n,
		     const __u32 *ring, __u32 size)
{
	__u64 hashes[LB_BACKENDS_MAX] = {};
	__u64 digest = size;
	__u32 i;

	for (i = 0; i < n; i++) {
		if (members[i].backend < LB_BACKENDS_MAX)
			hashes[members[i].backend] = lb_ring_hash(&members[i], 0, 3);
	}
	for (i = 0; i < size; i++)
		digest = mix(digest, ring[i] < LB_BACKENDS_MAX ? hashes[ring[i]] : 0);
	return digest;
}

/**
 * lb_is_prime() - whether a ring can have that many slots
 * @n: number of slots
 *
 * Return: true for a prime.
 */
bool lb_is_prime(__u32 n)
{
	__u32 d;

	if (n < 4)
		return n >= 2;
	if (!(n % 2))
		return false;
	for (d = 3; (__u64)d * d <= n; d += 2) {
		if (!(n % d))
			return false;
	}
	return true;
}
