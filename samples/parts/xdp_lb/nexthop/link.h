/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What interfaces are and can. */
#ifndef _SAMPLES_XDP_LB_LINK_H
#define _SAMPLES_XDP_LB_LINK_H

#include <stdbool.h>
#include <linux/types.h>
#include <net/if.h>

struct sample_netlink;

enum {
	LB_KIND_MAX = 16,
	LB_NETNS_HERE = -1,
};

/* What a driver says of XDP: enum netdev_xdp_act of Linux 6.3. */
enum {
	LB_XDP_BASIC = 1 << 0,
	LB_XDP_REDIRECT = 1 << 1,
	LB_XDP_NDO_XMIT = 1 << 2,
};

/**
 * struct lb_link - an interface
 * @name: its name
 * @ifindex: its number
 * @kind: "veth", "bridge", ... or empty: hardware, or loopback
 * @type: ARPHRD_*
 * @flags: IFF_*
 * @mtu: its MTU
 * @has_mac: it has a MAC address
 * @mac: that
 * @master: bridge or bond that it belongs to, or 0
 * @master_kind: "bridge", "bond", ... or empty
 * @link: the other end, or the device below; 0: none
 * @link_netns: number of the network namespace of @link, LB_NETNS_HERE: this one
 * @native_xdp: a program is attached in native mode
 */
struct lb_link {
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	char kind[LB_KIND_MAX];
	unsigned int type;
	unsigned int flags;
	unsigned int mtu;
	bool has_mac;
	__u8 mac[6];
	unsigned int master;
	char master_kind[LB_KIND_MAX];
	unsigned int link;
	int link_netns;
	bool native_xdp;
};

int lb_link_read(struct sample_netlink *nl, unsigned int ifindex, int netns, struct lb_link *link);
int lb_link_features(unsigned int ifindex, __u64 *features);
int lb_link_takes_redirect(const struct lb_link *link);
bool lb_link_is_veth(const struct lb_link *link);
int lb_link_socket(struct sample_netlink *nl, int netns);
int lb_link_tx_checksum(int sock, const char *name);
int lb_link_lro(int sock, const char *name);

#endif /* _SAMPLES_XDP_LB_LINK_H */
