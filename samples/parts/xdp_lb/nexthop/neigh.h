/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The kernel's table of neighbours. */
#ifndef _SAMPLES_XDP_LB_NEIGH_H
#define _SAMPLES_XDP_LB_NEIGH_H

#include <stdbool.h>
#include "xdp_lb.h"

struct sample_netlink;
struct nlmsghdr;

enum {
	/* Who asked for an entry (NDA_PROTOCOL): a number that nobody else has. */
	LB_NEIGH_PROTOCOL = 108,
};

/**
 * struct lb_neigh - an entry of the kernel's table of neighbours
 * @ifindex: its interface
 * @addr: its address
 * @exists: the table has it
 * @has_mac: its MAC address is known
 * @is_kept: somebody keeps it up to date: the kernel, the administrator, a daemon
 * @is_ours: the kernel does, and we asked for that
 * @mac: its MAC address
 */
struct lb_neigh {
	unsigned int ifindex;
	struct lb_addr addr;
	bool exists;
	bool has_mac;
	bool is_kept;
	bool is_ours;
	__u8 mac[6];
};

bool lb_neigh_parse(const struct nlmsghdr *nh, struct lb_neigh *neigh);
int lb_neigh_get(struct sample_netlink *nl, struct lb_neigh *neigh);
int lb_neigh_find(struct sample_netlink *nl, const struct lb_neigh *neigh, bool keep);
int lb_neigh_forget(struct sample_netlink *nl);

enum {
	LB_NEIGH_CURE = 200,
};

/**
 * struct lb_neigh_table - the kernel's table of neighbours of one family
 * @entries: how many it has, those of all network namespaces
 * @most: how many it takes, gc_thresh3; permanent ones do not count
 */
struct lb_neigh_table {
	unsigned int entries;
	unsigned int most;
};

int lb_neigh_table_read(struct sample_netlink *nl, int family, struct lb_neigh_table *table);
const char *lb_neigh_cure(int family, unsigned int n, char buf[LB_NEIGH_CURE]);

#endif /* _SAMPLES_XDP_LB_NEIGH_H */
