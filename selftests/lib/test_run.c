// SPDX-License-Identifier: GPL-2.0
/*
 * Runs BPF programs, and reads their maps: see test_run.h. In tests that run without BPF,
 * test_native.h is in the place of this file.
 */
#ifndef TEST_NATIVE
#include <errno.h>
#include "test_run.h"

int test_run(const struct bpf_program *prog, const void *data, __u32 len, struct test_out *out)
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

int test_run_skb(const struct bpf_program *prog, const void *data, __u32 len,
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

int test_sum(const struct bpf_map *map, const void *key, void *sum)
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

static int test_ring_take(void *ctx, void *data, size_t size)
{
	struct test_ring *ring = ctx;

	if (size != ring->size || ring->n == ring->max)
		return -E2BIG;
	memcpy(ring->events + ring->n++ * size, data, size);
	return 0;
}

int test_ring_open(struct test_ring *ring, const struct bpf_map *map)
{
	ring->ring = ring_buffer__new(bpf_map__fd(map), test_ring_take, ring, NULL);
	return ring->ring ? 0 : -errno;
}

int test_ring_read(struct test_ring *ring)
{
	int err;

	ring->n = 0;
	err = ring_buffer__consume(ring->ring);
	return err < 0 ? err : (int)ring->n;
}

void test_ring_close(struct test_ring *ring)
{
	ring_buffer__free(ring->ring);
	ring->ring = NULL;
}
#endif /* TEST_NATIVE */
