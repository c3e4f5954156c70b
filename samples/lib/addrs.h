/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The own addresses of interfaces, in a map. */
#ifndef _SAMPLES_LIB_ADDRS_H
#define _SAMPLES_LIB_ADDRS_H

#include "lib/config.h"

struct bpf_map;

/**
 * struct sample_addrs - interfaces whose addresses are in a map
 * @fd: readable when they may have changed: sample_addrs_update()
 * @map_fd: the map
 * @n: number of interfaces
 * @ifindex: the interfaces
 * @n_own: addresses that they have
 */
struct sample_addrs {
	int fd;
	int map_fd;
	unsigned int n;
	unsigned int ifindex[SAMPLE_IFACE_MAX];
	unsigned int n_own;
};

int sample_addrs_open(struct sample_addrs *addrs, const struct bpf_map *map,
		      const unsigned int *ifindex, unsigned int n);
int sample_addrs_update(struct sample_addrs *addrs);
void sample_addrs_close(struct sample_addrs *addrs);

#endif /* _SAMPLES_LIB_ADDRS_H */
