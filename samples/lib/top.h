/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Find the addresses that sent the most packets. */
#ifndef _SAMPLES_LIB_TOP_H
#define _SAMPLES_LIB_TOP_H

#include <linux/types.h>

struct bpf_map;

/**
 * struct sample_source - a source address and its traffic
 * @addr: IPv6, or IPv4 as ::ffff:a.b.c.d
 * @packets: packets from this address
 * @bytes: bytes of these packets
 */
struct sample_source {
	__be32 addr[4];
	__u64 packets;
	__u64 bytes;
};

/**
 * struct sample_top - the addresses that sent the most packets
 * @at: these addresses, most packets first
 * @n: number of entries in @at, at most @max
 * @n_all: number of addresses in the map
 * @max: number of addresses to find
 * @n_cpus: number of possible CPUs; a map entry has one value for each
 * @keys: buffer for the keys of one batch
 * @values: buffer for the values of one batch: packets and bytes on each CPU
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
