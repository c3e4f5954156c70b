/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and BPF_PROG_TEST_RUN for the tests, and random numbers that can be
 * had again. Include kselftest_harness.h first.
 */
#ifndef _SELFTESTS_TEST_RUN_H
#define _SELFTESTS_TEST_RUN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifndef TEST_NATIVE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#endif
#include "pkt_build.h"

/* FIXTURE_SETUP() and FIXTURE_TEARDOWN() make functions that are not static. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/**
 * struct test_out - what a run of a program gave
 * @verdict: its return value
 * @len: length of the packet afterwards
 * @pad: see BUILD_ALIGN
 * @data: its bytes
 */
struct test_out {
	__u32 verdict;
	__u32 len;
	__u8 pad[BUILD_ALIGN];
	__u8 data[BUILD_MAX];
};

#ifdef TEST_NATIVE
#include "test_native.h"
#else
/*
 * For tests that also run without BPF, where there is no skeleton: load it, unload it, take
 * one of its programs or variables.
 */
#define test_load(name)		name##__open_and_load()
#define test_unload(name, skel)	name##__destroy(skel)
#define test_prog(skel, name)	((skel)->progs.name)
#define test_var(skel, name)	((skel)->bss->name)

/**
 * test_run() - give a packet to an XDP or tc program
 * @prog: program, loaded
 * @data: packet, from its Ethernet header
 * @len: its length, at least BUILD_MIN
 * @out: result
 *
 * Return: 0, or the negative errno of the kernel.
 */
static inline int test_run(const struct bpf_program *prog, const void *data, __u32 len,
			   struct test_out *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = data,
		    .data_size_in = len,
		    .data_out = out->data,
		    .data_size_out = sizeof(out->data),
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	out->verdict = opts.retval;
	out->len = opts.data_size_out;
	return err;
}

/**
 * test_run_skb() - give a packet to a tc program
 * @prog: program, loaded
 * @data: packet, from its Ethernet header
 * @len: its length, at least BUILD_MIN
 * @skb: what the kernel says of it: those members that BPF_PROG_TEST_RUN takes
 * @out: result
 *
 * Return: 0, or the negative errno of the kernel.
 */
static inline int test_run_skb(const struct bpf_program *prog, const void *data, __u32 len,
			       const struct __sk_buff *skb, struct test_out *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = data,
		    .data_size_in = len,
		    .data_out = out->data,
		    .data_size_out = sizeof(out->data),
		    .ctx_in = skb,
		    .ctx_size_in = sizeof(*skb),
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	out->verdict = opts.retval;
	out->len = opts.data_size_out;
	return err;
}

/**
 * test_sum() - add up an entry of a per-CPU table of numbers of 64 bits
 * @map: table
 * @key: of the entry
 * @sum: as many numbers as an entry has
 *
 * Return: on how many CPUs there is anything, or a negative errno.
 */
static inline int test_sum(const struct bpf_map *map, const void *key, void *sum)
{
	__u32 i, words = bpf_map__value_size(map) / sizeof(__u64);
	int cpu, n_cpus = libbpf_num_possible_cpus(), used = 0;
	__u64 values[n_cpus * words], *to = sum, any;

	if (bpf_map__lookup_elem(map, key, bpf_map__key_size(map), values, sizeof(values), 0))
		return -errno;
	memset(to, 0, words * sizeof(*to));
	for (cpu = 0; cpu < n_cpus; cpu++) {
		for (any = 0, i = 0; i < words; i++) {
			to[i] += values[cpu * words + i];
			any |= values[cpu * words + i];
		}
		used += !!any;
	}
	return used;
}

/**
 * struct test_ring - the ring buffer of a program, read into an array
 * @ring: libbpf's
 * @events: array
 * @size: of an event
 * @max: how many it has room for
 * @n: how many were read
 */
struct test_ring {
	struct ring_buffer *ring;
	void *events;
	size_t size;
	__u32 max;
	__u32 n;
};

static inline int test_ring_take(void *ctx, void *data, size_t size)
{
	struct test_ring *ring = ctx;

	if (size != ring->size || ring->n == ring->max)
		return -E2BIG;
	memcpy(ring->events + ring->n++ * size, data, size);
	return 0;
}

/**
 * test_ring_open() - begin to read a ring buffer
 * @ring: of which @events, @size and @max are set; it stays where it is
 * @map: map of the program
 *
 * Return: 0, or a negative errno.
 */
static inline int test_ring_open(struct test_ring *ring, const struct bpf_map *map)
{
	ring->ring = ring_buffer__new(bpf_map__fd(map), test_ring_take, ring, NULL);
	return ring->ring ? 0 : -errno;
}

/**
 * test_ring_read() - put all that is new into the array, from its beginning on
 * @ring: open
 *
 * Return: how many there are, or a negative errno: one was odd, or too many came.
 */
static inline int test_ring_read(struct test_ring *ring)
{
	int err;

	ring->n = 0;
	err = ring_buffer__consume(ring->ring);
	return err < 0 ? err : (int)ring->n;
}

static inline void test_ring_close(struct test_ring *ring)
{
	ring_buffer__free(ring->ring);
	ring->ring = NULL;
}
#endif /* TEST_NATIVE */

/* Whether the packet came out as it went in. */
static inline bool test_unchanged(const struct test_out *out, const void *data, __u32 len)
{
	return out->len == len && !memcmp(out->data, data, len);
}

/*
 * Random numbers: each run of a test has others, so that over time more is
 * tried; the seed is printed, and NETBPF_SEED=N brings the same ones back.
 */
static inline __u64 test_seed(void)
{
	const char *text = getenv("NETBPF_SEED");
	struct timespec now;
	__u64 seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (__u64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (text)
		seed = strtoull(text, NULL, 0);
	fprintf(stderr, "# seed: NETBPF_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static inline __u32 test_rand(__u64 *state)
{
	__u64 x;

	*state += 0x9e3779b97f4a7c15ULL;
	x = (*state ^ (*state >> 29)) * 0xd6e8feb86659fd93ULL;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
	return x >> 32;
}

/* 0 to @n - 1. */
static inline __u32 test_below(__u64 *state, __u32 n)
{
	return test_rand(state) % n;
}

#endif /* _SELFTESTS_TEST_RUN_H */
