/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Read and change the kernel's neighbour tables. */
#ifndef _SAMPLES_XDP_LB_NEIGH_H
#define _SAMPLES_XDP_LB_NEIGH_H

#include <stdbool.h>
#include "xdp_lb.h"

struct sample_netlink;
struct nlmsghdr;

enum {
	/* Marks the entries that xdp_lb made (NDA_PROTOCOL); no other program uses this number. */
	LB_NEIGH_PROTOCOL = 108,
};

/**
 * struct lb_neigh - an entry of a neighbour table
 * @ifindex: index of the interface
 * @addr: address of the neighbour
 * @exists: the table has this entry
 * @has_mac: @mac is known
 * @is_kept: the kernel, the administrator or a daemon keeps the entry up to date
 * @is_ours: xdp_lb asked the kernel to keep the entry up to date
 * @mac: MAC address of the neighbour
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
 * struct lb_neigh_table - fill level of the neighbour table of one family
 * @entries: number of entries, those of all network namespaces together
 * @most: limit of @entries, gc_thresh3; permanent entries do not count
 */
struct lb_neigh_table {
	unsigned int entries;
	unsigned int most;
};

int lb_neigh_table_read(struct sample_netlink *nl, int family, struct lb_neigh_table *table);
const char *lb_neigh_cure(int family, unsigned int n, char buf[LB_NEIGH_CURE]);

#endif /* _SAMPLES_XDP_LB_NEIGH_H */
