/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Questions to the kernel over netlink, with libmnl: for nexthop/nexthop.c,
 * nexthop/link.c, nexthop/addr.c and check/check.c.
 */
#ifndef _SAMPLES_XDP_LB_NETLINK_H
#define _SAMPLES_XDP_LB_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <net/if.h>
#include <libmnl/libmnl.h>
#include "xdp_lb.h"

enum {
	/* The kernel fills no more than 32 KiB at once. */
	LB_NETLINK_ANSWER = 32 * 1024,
	LB_NETLINK_REQUEST = 512,
};

/**
 * struct lb_netlink - a socket for questions
 * @sock: of libmnl
 * @seq: number of the last question
 * @request: it
 * @answer: part of its answer
 */
struct lb_netlink {
	struct mnl_socket *sock;
	__u32 seq;
	__u32 request[LB_NETLINK_REQUEST / sizeof(__u32)];
	__u32 answer[LB_NETLINK_ANSWER / sizeof(__u32)];
};

/* Takes a message of the answer; NULL: an answer starts, forget what came before. */
typedef int lb_netlink_fn(const struct nlmsghdr *nh, void *ctx);

int lb_netlink_open(struct lb_netlink *nl, int bus);
void lb_netlink_close(struct lb_netlink *nl);
struct nlmsghdr *lb_netlink_start(struct lb_netlink *nl, int type, int flags, const void *head,
				  size_t size);
int lb_netlink_ask(struct lb_netlink *nl, lb_netlink_fn *fn, void *ctx);
void lb_netlink_attrs(const struct nlmsghdr *nh, size_t head, const struct nlattr **attrs,
		      unsigned int n);
void lb_netlink_nested(const struct nlattr *nest, const struct nlattr **attrs, unsigned int n);
__u32 lb_netlink_u32(const struct nlattr *attr);

/* Addresses: the family, the bytes that netlink wants, and back from these. */
int lb_addr_family(const struct lb_addr *addr);
const void *lb_addr_bytes(const struct lb_addr *addr, size_t *len);
int lb_addr_take(struct lb_addr *addr, const void *bytes, size_t len);

/* --- neighbours (nexthop/neigh.c) -------------------------------------------- */

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
int lb_neigh_get(struct lb_netlink *nl, struct lb_neigh *neigh);
int lb_neigh_find(struct lb_netlink *nl, const struct lb_neigh *neigh, bool keep);
int lb_neigh_forget(struct lb_netlink *nl);

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

int lb_neigh_table_read(struct lb_netlink *nl, int family, struct lb_neigh_table *table);
const char *lb_neigh_cure(int family, unsigned int n, char buf[LB_NEIGH_CURE]);

/* --- interfaces (nexthop/link.c) ------------------------------------------------- */

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

int lb_link_read(struct lb_netlink *nl, unsigned int ifindex, int netns, struct lb_link *link);
int lb_link_features(unsigned int ifindex, __u64 *features);
int lb_link_takes_redirect(const struct lb_link *link);
bool lb_link_is_veth(const struct lb_link *link);
int lb_link_socket(struct lb_netlink *nl, int netns);
int lb_link_tx_checksum(int sock, const char *name);
int lb_link_lro(int sock, const char *name);

/* --- addresses of this host (nexthop/addr.c) --------------------------------- */

/**
 * struct lb_host_addr - an address of this host
 * @addr: the address
 * @ifindex: the interface that has it
 * @fit: to be sent from: global, and neither deprecated nor temporary nor a duplicate
 * @tentative: it may be @fit in a moment: whether it is a duplicate is being asked
 */
struct lb_host_addr {
	struct lb_addr addr;
	unsigned int ifindex;
	bool fit;
	bool tentative;
};

/**
 * struct lb_host_addrs - some of them
 * @at: these
 * @n: how many
 */
struct lb_host_addrs {
	struct lb_host_addr *at;
	unsigned int n;
};

int lb_host_addrs_read(struct lb_netlink *nl, int family, struct lb_host_addrs *addrs);
void lb_host_addrs_free(struct lb_host_addrs *addrs);
bool lb_host_addrs_have(const struct lb_host_addrs *addrs, const struct lb_addr *addr);
int lb_link_addr(struct lb_netlink *nl, unsigned int ifindex, int family, struct lb_addr *addr);

/* --- addresses that this host sends from (check/guard.c) --------------------- */

unsigned int lb_sending_iface(struct lb_netlink *nl, const struct lb_addr *addr);

#endif /* _SAMPLES_XDP_LB_NETLINK_H */
