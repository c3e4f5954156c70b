// SPDX-License-Identifier: GPL-2.0
/*
 * Find the addresses that sent the most packets. The map is a per-CPU hash, plain or LRU, of
 * address (16 bytes) to packets and bytes (two __u64).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include "lib/log.h"
#include "lib/top.h"

enum {
	/* Entries that one system call reads. */
	BATCH = 1024,
	ADDR_LEN = 16,
};

/**
 * sample_top_init() - allocate the buffers
 * @top: filled; call sample_top_free() also after a failure
 * @max: number of addresses to find
 *
 * Return: 0 or a negative errno.
 */
int sample_top_init(struct sample_top *top, unsigned int max)
{
	int n_cpus = libbpf_num_possible_cpus();

	if (n_cpus < 0)
		return n_cpus;
	top->max = max;
	top->n = 0;
	top->n_all = 0;
	top->n_cpus = n_cpus;
	top->at = calloc(max, sizeof(*top->at));
	top->keys = calloc(BATCH, ADDR_LEN);
	top->values = calloc(BATCH * n_cpus, 2 * sizeof(*top->values));
	return top->at && top->keys && top->values ? 0 : -ENOMEM;
}

/* Sort by packets, most first; with equal packets, the lower address first. */
static bool is_before(const struct sample_source *a, const struct sample_source *b)
{
	if (a->packets != b->packets)
		return a->packets > b->packets;
	return memcmp(a->addr, b->addr, sizeof(a->addr)) < 0;
}

/* Insert a source into the sorted list; if the list is full, the last one drops out. */
static void offer(struct sample_top *top, const struct sample_source *source)
{
	unsigned int i = top->n;

	if (top->n < top->max)
		top->n++;
	else if (is_before(source, &top->at[i - 1]))
		i--;
	else
		return;
	for (; i && is_before(source, &top->at[i - 1]); i--)
		top->at[i] = top->at[i - 1];
	top->at[i] = *source;
}

static void take_batch(struct sample_top *top, unsigned int n)
{
	const __u64 *value = top->values;
	struct sample_source source;
	unsigned int i, cpu;

	for (i = 0; i < n; i++) {
		memcpy(source.addr, top->keys + i * ADDR_LEN, ADDR_LEN);
		source.packets = 0;
		source.bytes = 0;
		for (cpu = 0; cpu < top->n_cpus; cpu++) {
			source.packets += *value++;
			source.bytes += *value++;
		}
		offer(top, &source);
	}
	top->n_all += n;
}

/**
 * sample_top_read() - read the map and find the addresses with the most packets
 * @top: from sample_top_init(); takes the result in at, n and n_all
 * @map: BPF_MAP_TYPE_PERCPU_HASH or BPF_MAP_TYPE_LRU_PERCPU_HASH
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_top_read(struct sample_top *top, const struct bpf_map *map)
{
	__u32 cursor, n = BATCH;
	void *in = NULL;
	int err = 0;

	top->n = 0;
	top->n_all = 0;
	for (; !err; in = &cursor, n = BATCH) {
		err = bpf_map_lookup_batch(bpf_map__fd(map), in, &cursor, top->keys,
					   top->values, &n, NULL);
		/* ENOENT comes with the last batch, which has n entries, too. */
		if (!err || err == -ENOENT)
			take_batch(top, n);
	}
	if (err == -ENOENT)
		return 0;
	pr_err("failed to read the addresses of %s: %s", bpf_map__name(map), strerror(-err));
	return err;
}

/**
 * sample_top_free() - free the buffers
 * @top: from sample_top_init(), or all zero
 */
void sample_top_free(struct sample_top *top)
{
	free(top->at);
	free(top->keys);
	free(top->values);
}
