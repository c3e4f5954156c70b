/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The addresses that send most. */
#ifndef _SAMPLES_LIB_TOP_H
#define _SAMPLES_LIB_TOP_H

#include <linux/types.h>

struct bpf_map;

/**
 * struct sample_source - an address and what it sent
 * @addr: IPv6, or IPv4 as ::ffff:a.b.c.d
 * @packets: how many
 * @bytes: and how long in sum
 */
struct sample_source {
	__be32 addr[4];
	__u64 packets;
	__u64 bytes;
};

/**
 * struct sample_top - the addresses of most packets
 * @at: these addresses, most packets first
 * @n: how many, at most max
 * @n_all: addresses in the map
 * @max: how many are wanted
 * @n_cpus: CPUs that have a value each
 * @keys: what was just read
 * @values: packets and bytes of these keys, on each CPU
 */
struct sample_top {
	struct sample_source *at;
	unsigned int n;
	__u64 n_all;
	unsigned int max;
	unsigned int n_cpus;
	char *keys;
	__u64 *values;
};

int sample_top_init(struct sample_top *top, unsigned int max);
int sample_top_read(struct sample_top *top, const struct bpf_map *map);
void sample_top_free(struct sample_top *top);

#endif /* _SAMPLES_LIB_TOP_H */
