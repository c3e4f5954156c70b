/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Keep the addresses of interfaces in a BPF map. */
#ifndef _SAMPLES_LIB_ADDRS_H
#define _SAMPLES_LIB_ADDRS_H

#include "lib/config.h"
#include "lib/netlink.h"

struct bpf_map;

/**
 * struct sample_addrs - interfaces whose addresses are in a map
 * @fd: readable when addresses may have changed; then call sample_addrs_update()
 * @news: socket that receives the messages about addresses; owns @fd
 * @map_fd: the map
 * @n: number of interfaces
 * @ifindex: indices of the interfaces
 * @n_own: number of unicast addresses that the interfaces have, without those whose scope is the
 *	link: each IPv6 interface has one of these
 */
struct sample_addrs {
	int fd;
	struct sample_netlink news;
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
