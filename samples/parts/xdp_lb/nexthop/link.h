/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Read the properties and abilities of an interface. */
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

/* What a driver can do in XDP: enum netdev_xdp_act, since Linux 6.3. */
enum {
	LB_XDP_BASIC = 1 << 0,
	LB_XDP_REDIRECT = 1 << 1,
	LB_XDP_NDO_XMIT = 1 << 2,
};

/**
 * struct lb_link - an interface
 * @name: its name
 * @ifindex: its index
 * @kind: "veth", "bridge", ...; empty for hardware and loopback
 * @type: ARPHRD_*
 * @flags: IFF_*
 * @mtu: its MTU
 * @has_mac: it has a MAC address
 * @mac: the MAC address
 * @master: index of its bridge or bond, or 0
 * @master_kind: "bridge", "bond", ... or empty
 * @link: index of the veth peer or of the lower device, or 0
 * @link_netns: nsid of the network namespace of @link; LB_NETNS_HERE if that is this one
 * @native_xdp: an XDP program is attached in native mode
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
bool lb_link_has_driver(int sock, const char *name, const char *driver);
bool lb_link_stays_on(int sock, const char *name, const char *feature);

#endif /* _SAMPLES_XDP_LB_LINK_H */
