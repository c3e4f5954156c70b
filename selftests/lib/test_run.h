/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs BPF programs with BPF_PROG_TEST_RUN, reads their maps and ring buffers, and makes
 * random numbers that can be repeated. Include test_harness.h first.
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

/**
 * struct test_out - result of a program run
 * @verdict: return value of the program
 * @len: length of the packet after the run, in bytes
 * @pad: see BUILD_ALIGN
 * @data: packet after the run
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
 * test_run() - run an XDP or tc program on a packet
 * @prog: program, loaded
 * @data: packet, from its Ethernet header
 * @len: length of the packet, at least BUILD_MIN
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
 * test_run_skb() - run a tc program on a packet with metadata
 * @prog: program, loaded
 * @data: packet, from its Ethernet header
 * @len: length of the packet, at least BUILD_MIN
 * @skb: metadata of the packet; only the members that BPF_PROG_TEST_RUN accepts may be set
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
 * test_sum() - add up an entry of a per-CPU map over all CPUs
 * @map: per-CPU map whose values are arrays of 64-bit numbers
 * @key: key of the entry
 * @sum: sums, one for each number of the value
 *
 * Return: number of CPUs on which the entry is not all zero, or a negative errno.
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
 * struct test_ring - a ring buffer of a program that is read into an array
 * @ring: handle of libbpf
 * @events: array for the events
 * @size: size of an event, in bytes
 * @max: number of events for which the array has room
 * @n: number of events in the array
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
 * @ring: reader; the caller has set @events, @size and @max. libbpf keeps a pointer to it.
 * @map: ring buffer map of the program
 *
 * Return: 0, or a negative errno.
 */
static inline int test_ring_open(struct test_ring *ring, const struct bpf_map *map)
{
	ring->ring = ring_buffer__new(bpf_map__fd(map), test_ring_take, ring, NULL);
	return ring->ring ? 0 : -errno;
}

/**
 * test_ring_read() - read all new events into the array, over the old ones
 * @ring: reader, open
 *
 * Return: number of events, or a negative errno. -E2BIG: an event had another size than
 * @size, or the array was too small.
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

/* True if the program left the packet as it was. */
static inline bool test_unchanged(const struct test_out *out, const void *data, __u32 len)
{
	return out->len == len && !memcmp(out->data, data, len);
}

/*
 * Seed for random numbers. Each run of a test uses another seed, so that over time the
 * tests try more packets. The seed is printed; NETBPF_SEED=N repeats a run.
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

/* A random number from 0 to @n - 1. */
static inline __u32 test_below(__u64 *state, __u32 n)
{
	return test_rand(state) % n;
}

#endif /* _SELFTESTS_TEST_RUN_H */
