// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the ring of samples/xdp_lb: shares of backends, which slots move when a backend
 * goes, and that each balancer has the same ring. No BPF, no root.
 */
#include "test_harness.h"
#include <net/if.h>
#include <time.h>
#include "test_run.h"
#include "parts/xdp_lb/ring/ring.h"

enum {
	/* The default number of slots, and a small one. */
	SIZE = 65537,
	SMALL = 4093,
	MEMBERS_MAX = LB_BACKENDS_MAX,
	SEED = 20261122,
	UNTOUCHED = 0x12345678,
};

FIXTURE(ring)
{
	struct lb_ring_member members[MEMBERS_MAX];
	__u32 ring[SIZE];
	__u32 other[SIZE];
	__u32 count[MEMBERS_MAX];
	__u64 rand;
};

FIXTURE_SETUP(ring)
{
	self->rand = test_seed();
}

FIXTURE_TEARDOWN(ring)
{
}

/* Members 10.0.0.1 and so on; every third one is IPv6. */
static void make_members(struct _test_data_ring *self, __u32 n, __u32 weight)
{
	struct lb_ring_member *m;
	__u32 i;

	memset(self->members, 0, sizeof(self->members));
	for (i = 0; i < n; i++) {
		m = &self->members[i];
		m->addr.a[i % 3 ? 2 : 0] = htonl(i % 3 ? 0xffff : 0xfd000000);
		m->addr.a[3] = htonl((i % 3 ? 0x0a000001 : 1) + i);
		m->port = htons(8080);
		m->weight = weight;
		m->backend = i;
	}
}

static void swap_members(struct lb_ring_member *a, struct lb_ring_member *b)
{
	struct lb_ring_member tmp = *a;

	*a = *b;
	*b = tmp;
}

static void shuffle(struct _test_data_ring *self, __u32 n)
{
	__u32 i;

	for (i = n; i > 1; i--)
		swap_members(&self->members[i - 1], &self->members[test_below(&self->rand, i)]);
}

/* Build a ring, and check that each share is exact, rounded up or down. */
static void build_exact(struct __test_metadata *_metadata, struct _test_data_ring *self, __u32 n,
			__u32 size)
{
	__u64 total = 0, product;
	__u32 i;

	ASSERT_EQ(0, lb_ring_build(self->members, n, SEED, self->ring, size));
	memset(self->count, 0, sizeof(self->count));
	for (i = 0; i < size; i++) {
		ASSERT_LT(self->ring[i], MEMBERS_MAX);
		self->count[self->ring[i]]++;
	}
	for (i = 0; i < n; i++)
		total += self->members[i].weight;
	for (i = 0; i < n; i++) {
		product = (__u64)size * self->members[i].weight;
		EXPECT_LE(product / total, self->count[self->members[i].backend])
			TH_LOG("member %u of %u, %u slots", i, n, size);
		EXPECT_GE((product + total - 1) / total, self->count[self->members[i].backend])
			TH_LOG("member %u of %u, %u slots", i, n, size);
	}
}

/* --- shares -------------------------------------------------------------------------- */

TEST_F(ring, shares_1_2_4)
{
	__u32 i;

	make_members(self, 3, 1);
	for (i = 0; i < 3; i++)
		self->members[i].weight = 1 << i;
	build_exact(_metadata, self, 3, SIZE);
	EXPECT_EQ(9362, self->count[0]);
	EXPECT_EQ(18725, self->count[1]);
	EXPECT_EQ(37450, self->count[2]);
}

TEST_F(ring, shares_of_equals)
{
	static const __u32 numbers[] = { 1, 2, 10, 100, 1000, MEMBERS_MAX };
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		make_members(self, numbers[i], 7);
		build_exact(_metadata, self, numbers[i], SIZE);
		build_exact(_metadata, self, numbers[i], SMALL);
	}
}

TEST_F(ring, shares_1_65535)
{
	make_members(self, 2, 1);
	self->members[1].weight = 65535;
	build_exact(_metadata, self, 2, SIZE);
	EXPECT_EQ(1, self->count[0]);
	build_exact(_metadata, self, 2, SMALL);
	EXPECT_EQ(0, self->count[0]);
}

/* The ring is full long before the light members would have had a turn by their weight. */
TEST_F(ring, shares_of_one_heavy_and_many_light)
{
	make_members(self, 101, 1);
	self->members[50].weight = 100;
	build_exact(_metadata, self, 101, 151);
	EXPECT_LE(75, self->count[50]);
	EXPECT_GE(76, self->count[50]);
	make_members(self, MEMBERS_MAX, 1);
	self->members[0].weight = 65535;
	build_exact(_metadata, self, MEMBERS_MAX, SIZE);
	self->members[0].weight = UINT32_MAX;
	build_exact(_metadata, self, MEMBERS_MAX, SIZE);
}

TEST_F(ring, shares_of_any)
{
	static const __u32 sizes[] = { 2, 3, 5, 101, SMALL, 16381, SIZE };
	__u32 i, k, n;

	for (i = 0; i < 300; i++) {
		n = 1 + test_below(&self->rand, i % 2 ? 200 : 5);
		make_members(self, n, 1);
		for (k = 0; k < n; k++)
			self->members[k].weight = 1 + test_below(&self->rand, i % 3 ? 65535 : 10);
		build_exact(_metadata, self, n, sizes[i % ARRAY_SIZE(sizes)]);
		ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
			TH_LOG("ring %u, %u members", i, n);
	}
}

TEST_F(ring, more_backends_than_slots)
{
	static const __u32 sizes[] = { 2, 3, 101 };
	__u32 i, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_members(self, MEMBERS_MAX, 65535);
		build_exact(_metadata, self, MEMBERS_MAX, sizes[i]);
		for (k = 0; k < MEMBERS_MAX; k++)
			self->members[k].weight = 1 + test_below(&self->rand, 65535);
		build_exact(_metadata, self, MEMBERS_MAX, sizes[i]);
	}
}

/* --- no ring ------------------------------------------------------------------------- */

TEST_F(ring, no_backend)
{
	__u32 i;

	ASSERT_EQ(0, lb_ring_build(NULL, 0, SEED, self->ring, SIZE));
	make_members(self, 3, 0);
	ASSERT_EQ(0, lb_ring_build(self->members, 3, SEED, self->other, SIZE));
	for (i = 0; i < SIZE; i++) {
		ASSERT_EQ(LB_NO_BACKEND, self->ring[i]);
		ASSERT_EQ(LB_NO_BACKEND, self->other[i]);
	}
	/* Beside other members, a weight of 0 is a share of 0. */
	self->members[1].weight = 1;
	build_exact(_metadata, self, 3, SIZE);
}

TEST_F(ring, size_must_be_a_prime)
{
	static const __u32 bad[] = { 0, 1, 4, 65536, 65535 };
	__u32 i;

	make_members(self, 10, 1);
	self->ring[0] = UNTOUCHED;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, lb_ring_build(self->members, 10, SEED, self->ring, bad[i]));
	EXPECT_EQ(UNTOUCHED, self->ring[0]);
}

TEST(primes)
{
	__u8 *composite = calloc(1, 200000);
	__u32 i, k;

	ASSERT_NE(NULL, composite);
	EXPECT_FALSE(lb_is_prime(0));
	EXPECT_FALSE(lb_is_prime(1));
	for (i = 2; i < 200000; i++) {
		for (k = 2 * i; k < 200000; k += i)
			composite[k] = 1;
		ASSERT_EQ(!composite[i], lb_is_prime(i))
			TH_LOG("%u", i);
	}
	EXPECT_TRUE(lb_is_prime(4294967291));
	EXPECT_FALSE(lb_is_prime(4294967295));
	/* 65521 squared. */
	EXPECT_FALSE(lb_is_prime(4293001441));
	free(composite);
}

/* --- what moves ---------------------------------------------------------------------- */

/* Percentage of the slots of all other members that now lead to a different member. */
static double collateral(const struct _test_data_ring *self, __u32 changed)
{
	__u32 i, moved = 0, others = 0;

	for (i = 0; i < SIZE; i++) {
		if (self->ring[i] == changed)
			continue;
		others++;
		moved += self->ring[i] != self->other[i];
	}
	return 100.0 * moved / others;
}

static void remove_each(struct __test_metadata *_metadata, struct _test_data_ring *self, __u32 n,
			const char *weights)
{
	double percent, most = 0;
	__u32 gone;

	ASSERT_EQ(0, lb_ring_build(self->members, n, SEED, self->ring, SIZE));
	for (gone = 0; gone < n; gone++) {
		swap_members(&self->members[gone], &self->members[n - 1]);
		ASSERT_EQ(0, lb_ring_build(self->members, n - 1, SEED, self->other, SIZE));
		percent = collateral(self, self->members[n - 1].backend);
		most = percent > most ? percent : most;
		swap_members(&self->members[gone], &self->members[n - 1]);
	}
	EXPECT_GT(1, most);
	printf("# one of %u goes, %s weights: at most %.2f %% of the others' slots move\n", n,
	       weights, most);
}

TEST_F(ring, removal_moves_few_others)
{
	static const __u32 numbers[] = { 2, 3, 10, 33, 100 };
	__u32 i, k;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		make_members(self, numbers[i], 1);
		remove_each(_metadata, self, numbers[i], "equal");
		for (k = 0; k < numbers[i]; k++)
			self->members[k].weight = 1 + k % 5;
		remove_each(_metadata, self, numbers[i], "different");
	}
}

/* A share of 1/10 becomes 1/19: 4.7 % of all slots must move, and few slots of the others. */
TEST_F(ring, half_the_weight_moves_few_others)
{
	__u32 i, now = 0, stayed = 0;

	make_members(self, 10, 2);
	build_exact(_metadata, self, 10, SIZE);
	self->members[4].weight = 1;
	ASSERT_EQ(0, lb_ring_build(self->members, 10, SEED, self->other, SIZE));
	for (i = 0; i < SIZE; i++) {
		now += self->other[i] == 4;
		stayed += self->other[i] == 4 && self->ring[i] == 4;
	}
	EXPECT_GT(1, collateral(self, 4));
	/* The slots that the member has now it had before, too. */
	EXPECT_LT(0.99 * now, stayed);
	printf("# half the weight: %.2f %% of the others' slots move\n", collateral(self, 4));
}

/* --- the same everywhere ------------------------------------------------------------- */

TEST_F(ring, order_of_members_does_not_matter)
{
	__u32 i, k;

	for (i = 0; i < 20; i++) {
		make_members(self, 50, 1);
		for (k = 0; k < 50; k++)
			self->members[k].weight = 1 + test_below(&self->rand, i % 2 ? 1 : 100);
		/* Two members have the same address: the port tells them apart. */
		self->members[7].addr = self->members[8].addr;
		self->members[7].port = htons(81);
		ASSERT_EQ(0, lb_ring_build(self->members, 50, SEED, self->ring, SMALL));
		shuffle(self, 50);
		ASSERT_EQ(0, lb_ring_build(self->members, 50, SEED, self->other, SMALL));
		EXPECT_EQ(0, memcmp(self->ring, self->other, SMALL * sizeof(__u32)));
	}
}

TEST_F(ring, numbers_of_backends_do_not_matter)
{
	__u64 digest;
	__u32 i;

	make_members(self, 50, 3);
	ASSERT_EQ(0, lb_ring_build(self->members, 50, SEED, self->ring, SIZE));
	digest = lb_ring_digest(self->members, 50, self->ring, SIZE);
	for (i = 0; i < 50; i++)
		self->members[i].backend = LB_BACKENDS_MAX - 1 - 7 * i;
	shuffle(self, 50);
	ASSERT_EQ(0, lb_ring_build(self->members, 50, SEED, self->other, SIZE));
	EXPECT_EQ(digest, lb_ring_digest(self->members, 50, self->other, SIZE));
	for (i = 0; i < SIZE; i++)
		ASSERT_EQ(LB_BACKENDS_MAX - 1 - 7 * self->ring[i], self->other[i]);
}

static __u64 digest_of(struct __test_metadata *_metadata, struct _test_data_ring *self, __u32 n,
		       __u64 seed, __u32 size)
{
	EXPECT_EQ(0, lb_ring_build(self->members, n, seed, self->other, size));
	return lb_ring_digest(self->members, n, self->other, size);
}

TEST_F(ring, digest_tells_of_each_change)
{
	__u64 digest;

	make_members(self, 10, 1);
	digest = digest_of(_metadata, self, 10, SEED, SMALL);
	EXPECT_NE(digest, digest_of(_metadata, self, 10, SEED + 1, SMALL));
	EXPECT_NE(digest, digest_of(_metadata, self, 10, SEED, SMALL + 6));
	EXPECT_NE(digest, digest_of(_metadata, self, 9, SEED, SMALL));
	EXPECT_NE(digest, digest_of(_metadata, self, 0, SEED, SMALL));
	self->members[3].port = htons(8081);
	EXPECT_NE(digest, digest_of(_metadata, self, 10, SEED, SMALL));
	self->members[3].port = htons(8080);
	self->members[3].weight = 2;
	EXPECT_NE(digest, digest_of(_metadata, self, 10, SEED, SMALL));
	self->members[3].weight = 1;
	EXPECT_EQ(digest, digest_of(_metadata, self, 10, SEED, SMALL));
	/* One slot leads to another member, then to none. */
	self->other[5] = (self->other[5] + 1) % 10;
	EXPECT_NE(digest, lb_ring_digest(self->members, 10, self->other, SMALL));
	EXPECT_EQ(digest, digest_of(_metadata, self, 10, SEED, SMALL));
	self->other[5] = LB_NO_BACKEND;
	EXPECT_NE(digest, lb_ring_digest(self->members, 10, self->other, SMALL));
}

/* The values come from another program, which computes with numbers and has no byte order. */
TEST_F(ring, same_on_every_machine)
{
	static const __u32 first[] = { 5, 3, 9, 5, 6, 1, 7, 9, 4, 6, 6, 5, 3, 9, 5, 7 };
	__u64 digest;
	__u32 i;

	make_members(self, 10, 1);
	for (i = 0; i < 10; i++)
		self->members[i].weight = 1 + i;
	digest = digest_of(_metadata, self, 10, SEED, SIZE);
	EXPECT_EQ(0xbd24bc7e757f1b9dULL, digest);
	for (i = 0; i < ARRAY_SIZE(first); i++)
		EXPECT_EQ(first[i], self->other[i]);
}

/* Two multiplications; in between and at the end, high bits are mixed into low ones. */
static __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0xbb67ae8584caa73bULL;
	hash = (hash ^ hash >> 32) * 0x3c6ef372fe94f82bULL;
	return hash ^ hash >> 29;
}

/* The hash of a member, by arithmetic on its bytes in network byte order. */
static __u64 hash_of_bytes(const struct lb_ring_member *member, __u64 seed)
{
	const __u8 *addr = (const void *)&member->addr, *port = (const void *)&member->port;
	__u64 hash = mix(seed, 1), half;
	int i, k;

	for (i = 0; i < 2; i++) {
		for (half = 0, k = 0; k < 8; k++)
			half = half * 256 + addr[8 * i + k];
		hash = mix(hash, half);
	}
	return mix(hash, port[0] * 256 + port[1]);
}

TEST_F(ring, hash_is_of_numbers)
{
	__u32 i;

	make_members(self, 1000, 1);
	for (i = 0; i < 1000; i++) {
		self->members[i].addr.a[i % 4] = test_rand(&self->rand);
		self->members[i].port = test_rand(&self->rand);
		EXPECT_EQ(hash_of_bytes(&self->members[i], i),
			  lb_ring_hash(&self->members[i], i, 1));
	}
}

/* Each bit of address, port and seed changes each bit of the hash in half of all cases. */
TEST_F(ring, hash_spreads)
{
	static __u32 changed[210][64];
	struct lb_ring_member flipped;
	__u32 i, bit, out, rounds = 2000;
	__u64 seed, diff;

	for (i = 0; i < rounds; i++) {
		make_members(self, 1, 1);
		self->members[0].addr.a[3] = test_rand(&self->rand);
		seed = test_rand(&self->rand);
		for (bit = 0; bit < 208; bit++) {
			flipped = self->members[0];
			if (bit < 128)
				((__u8 *)&flipped.addr)[bit / 8] ^= 1 << bit % 8;
			else if (bit < 144)
				flipped.port ^= 1 << (bit - 128);
			diff = lb_ring_hash(self->members, seed, 1) ^
			       lb_ring_hash(&flipped, bit < 144 ? seed : seed ^ 1ULL << (bit - 144),
					    1);
			for (out = 0; out < 64; out++)
				changed[bit][out] += diff >> out & 1;
		}
	}
	/* 1000 ± 22 is usual. Of 13,000 numbers, none is further off than eight times 22. */
	for (bit = 0; bit < 208; bit++) {
		for (out = 0; out < 64; out++) {
			EXPECT_GT(180, abs((int)changed[bit][out] - 1000))
				TH_LOG("bit %u, %u: %u", bit, out, changed[bit][out]);
		}
	}
}

/* --- time ---------------------------------------------------------------------------- */

/* Shortest time of five builds, in milliseconds. */
static double build_ms(struct _test_data_ring *self, __u32 n)
{
	struct timespec start, end;
	double ms, least = 1e9;
	int i;

	for (i = 0; i < 5; i++) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		lb_ring_build(self->members, n, SEED, self->ring, SIZE);
		clock_gettime(CLOCK_MONOTONIC, &end);
		ms = (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6;
		least = ms < least ? ms : least;
	}
	return least;
}

/* Printed, not tested: machines differ. */
TEST_F(ring, time)
{
	make_members(self, MEMBERS_MAX, 1);
	printf("# %u slots, 10 backends: %.1f ms\n", SIZE, build_ms(self, 10));
	printf("# %u slots, 1000 backends: %.1f ms\n", SIZE, build_ms(self, 1000));
	self->members[0].weight = 65535;
	printf("# %u slots, %u backends, one of weight 65535: %.1f ms\n", SIZE, MEMBERS_MAX,
	       build_ms(self, MEMBERS_MAX));
}

TEST_HARNESS_MAIN
