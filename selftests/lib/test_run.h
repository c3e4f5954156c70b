/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs BPF programs with BPF_PROG_TEST_RUN, and reads their maps and ring buffers. A test that
 * also runs without BPF includes test_harness.h first.
 */
#ifndef _SELFTESTS_TEST_RUN_H
#define _SELFTESTS_TEST_RUN_H

#include <stdbool.h>
#include <string.h>
#ifndef TEST_NATIVE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#endif
#include "pkt_build.h"
#include "test_rand.h"

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
int test_run(const struct bpf_program *prog, const void *data, __u32 len, struct test_out *out);

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
int test_run_skb(const struct bpf_program *prog, const void *data, __u32 len,
		 const struct __sk_buff *skb, struct test_out *out);

/**
 * test_sum() - add up an entry of a per-CPU map over all CPUs
 * @map: per-CPU map whose values are arrays of 64-bit numbers
 * @key: key of the entry
 * @sum: sums, one for each number of the value
 *
 * Return: number of CPUs on which the entry is not all zero, or a negative errno.
 */
int test_sum(const struct bpf_map *map, const void *key, void *sum);

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

/**
 * test_ring_open() - begin to read a ring buffer
 * @ring: reader; the caller has set @events, @size and @max. libbpf keeps a pointer to it.
 * @map: ring buffer map of the program
 *
 * Return: 0, or a negative errno.
 */
int test_ring_open(struct test_ring *ring, const struct bpf_map *map);

/**
 * test_ring_read() - read all new events into the array, over the old ones
 * @ring: reader, open
 *
 * Return: number of events, or a negative errno. -E2BIG: an event had another size than
 * @size, or the array was too small.
 */
int test_ring_read(struct test_ring *ring);

void test_ring_close(struct test_ring *ring);
#endif /* TEST_NATIVE */

/* True if the program left the packet as it was. */
static inline bool test_unchanged(const struct test_out *out, const void *data, __u32 len)
{
	return out->len == len && !memcmp(out->data, data, len);
}

#endif /* _SELFTESTS_TEST_RUN_H */
