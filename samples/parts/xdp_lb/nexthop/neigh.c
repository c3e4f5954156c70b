// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's table of neighbours. xdp_lb asks the kernel to find out a MAC address, and to
 * keep the entry up to date (NTF_EXT_MANAGED, Linux 5.16), which goes on when this process is
 * dead. Entries that xdp_lb has asked for carry its protocol number, so that a later process
 * finds them: "ip neigh" shows "managed ... proto 108".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/neigh.h"

enum {
	/* States in which an entry has its MAC address. */
	NUD_HAS_MAC = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT |
		      NUD_NOARP,
	/* States of entries that the administrator has set, or that need no MAC address. */
	NUD_FIXED = NUD_PERMANENT | NUD_NOARP,
	GROW_OURS = 64,
};

/**
 * lb_neigh_parse() - read a neighbour entry from a message
 * @nh: RTM_NEWNEIGH or RTM_DELNEIGH
 * @neigh: result; for a deleted entry, interface and address only
 *
 * Return: false if the entry cannot be a next hop.
 */
bool lb_neigh_parse(const struct nlmsghdr *nh, struct lb_neigh *neigh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nh);
	const struct nlattr *attrs[NDA_MAX + 1], *mac, *proto;
	bool fixed;

	memset(neigh, 0, sizeof(*neigh));
	if (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6)
		return false;
	sample_netlink_attrs(nh, sizeof(*ndm), attrs, NDA_MAX + 1);
	if (!attrs[NDA_DST] || lb_addr_take(&neigh->addr, mnl_attr_get_payload(attrs[NDA_DST]),
					    mnl_attr_get_payload_len(attrs[NDA_DST])))
		return false;
	neigh->ifindex = ndm->ndm_ifindex;
	if (nh->nlmsg_type != RTM_NEWNEIGH)
		return true;
	neigh->exists = true;
	mac = attrs[NDA_LLADDR];
	neigh->has_mac = mac && mnl_attr_get_payload_len(mac) == sizeof(neigh->mac) &&
			 ndm->ndm_state & NUD_HAS_MAC;
	if (neigh->has_mac)
		memcpy(neigh->mac, mnl_attr_get_payload(mac), sizeof(neigh->mac));
	/* To have the kernel manage these would overwrite what others have set. */
	fixed = ndm->ndm_state & NUD_FIXED || ndm->ndm_flags & NTF_EXT_LEARNED;
	neigh->is_kept = fixed || sample_netlink_u32(attrs[NDA_FLAGS_EXT]) & NTF_EXT_MANAGED;
	/* When the administrator replaces an entry of ours, our protocol number stays in it. */
	proto = attrs[NDA_PROTOCOL];
	neigh->is_ours = !fixed && proto && mnl_attr_get_payload_len(proto) == 1 &&
			 mnl_attr_get_u8(proto) == LB_NEIGH_PROTOCOL;
	return true;
}

static int on_neigh(const struct nlmsghdr *nh, void *ctx)
{
	struct lb_neigh *neigh = ctx;

	/* A new answer begins: lb_neigh_parse() will overwrite what an earlier one has left. */
	if (!nh)
		return 0;
	return lb_neigh_parse(nh, neigh) ? 0 : -EINVAL;
}

static struct nlmsghdr *start_neigh(struct sample_netlink *nl, int type, int flags, __u8 ndm_flags,
				    const struct lb_neigh *neigh)
{
	struct ndmsg ndm = {
		.ndm_family = lb_addr_family(&neigh->addr),
		.ndm_ifindex = neigh->ifindex,
		.ndm_flags = ndm_flags,
	};
	struct nlmsghdr *nh = sample_netlink_start(nl, type, flags, &ndm, sizeof(ndm));
	const void *bytes;
	size_t len;

	bytes = lb_addr_bytes(&neigh->addr, &len);
	mnl_attr_put(nh, NDA_DST, len, bytes);
	return nh;
}

/**
 * lb_neigh_get() - read an entry of the neighbour table
 * @nl: socket
 * @neigh: .addr and .ifindex are set; the other fields are filled if there is such an entry,
 *	and stay as they are if there is none
 *
 * Return: 0, or a negative errno.
 */
int lb_neigh_get(struct sample_netlink *nl, struct lb_neigh *neigh)
{
	int err;

	start_neigh(nl, RTM_GETNEIGH, 0, 0, neigh);
	err = sample_netlink_ask(nl, on_neigh, neigh);
	return err == -ENOENT ? 0 : err;
}

/**
 * lb_neigh_find() - ask the kernel to resolve a neighbour
 * @nl: socket
 * @neigh: .addr and .ifindex are set; must not be a neighbour that .is_kept
 * @keep: the kernel is to keep the entry up to date from now on; kernels before 5.16
 *	cannot do that, and resolve the neighbour once
 *
 * Return: 0, or a negative errno.
 */
int lb_neigh_find(struct sample_netlink *nl, const struct lb_neigh *neigh, bool keep)
{
	struct nlmsghdr *nh;

	nh = start_neigh(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, NTF_USE, neigh);
	if (keep) {
		mnl_attr_put_u32(nh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
		mnl_attr_put_u8(nh, NDA_PROTOCOL, LB_NEIGH_PROTOCOL);
	}
	return sample_netlink_ask(nl, NULL, NULL);
}

/* Our entries, as they are collected from a dump of the table. */
struct ours {
	struct lb_neigh *at;
	unsigned int n;
	unsigned int room;
};

static int on_ours(const struct nlmsghdr *nh, void *ctx)
{
	struct ours *ours = ctx;
	struct lb_neigh neigh, *more;

	if (!nh) {
		ours->n = 0;
		return 0;
	}
	if (!lb_neigh_parse(nh, &neigh) || !neigh.is_ours)
		return 0;
	if (ours->n == ours->room) {
		more = realloc(ours->at, (ours->room + GROW_OURS) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		ours->at = more;
		ours->room += GROW_OURS;
	}
	ours->at[ours->n++] = neigh;
	return 0;
}

static int forget_family(struct sample_netlink *nl, __u8 family)
{
	struct ndmsg ndm = { .ndm_family = family };
	struct ours ours = {};
	unsigned int i;
	int err, del;

	sample_netlink_start(nl, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	err = sample_netlink_ask(nl, on_ours, &ours);
	for (i = 0; i < ours.n && !err; i++) {
		start_neigh(nl, RTM_DELNEIGH, NLM_F_ACK, 0, &ours.at[i]);
		del = sample_netlink_ask(nl, NULL, NULL);
		/* The entry, or its interface, has gone since the dump. */
		err = del == -ENOENT || del == -ENODEV ? 0 : del;
	}
	free(ours.at);
	return err;
}

/**
 * lb_neigh_forget() - remove the entries that the kernel has made or keeps for xdp_lb
 * @nl: socket
 *
 * Return: 0, or a negative errno.
 */
int lb_neigh_forget(struct sample_netlink *nl)
{
	int err = forget_family(nl, AF_INET), err6 = forget_family(nl, AF_INET6);

	return err ? err : err6;
}

/* --- room in the table -------------------------------------------------------------------- */

static int on_table(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[NDTA_MAX + 1], *config;
	struct lb_neigh_table *table = ctx;
	struct ndt_config values;

	if (!nh) {
		memset(table, 0, sizeof(*table));
		return 0;
	}
	sample_netlink_attrs(nh, sizeof(struct ndtmsg), attrs, NDTA_MAX + 1);
	config = attrs[NDTA_CONFIG];
	/* Other messages have the parameters of a single interface. */
	if (!attrs[NDTA_THRESH3] || !config ||
	    mnl_attr_get_payload_len(config) < sizeof(values))
		return 0;
	memcpy(&values, mnl_attr_get_payload(config), sizeof(values));
	table->entries = values.ndtc_entries;
	table->most = sample_netlink_u32(attrs[NDTA_THRESH3]);
	return 0;
}

/**
 * lb_neigh_table_read() - read how full the table of neighbours is
 * @nl: socket
 * @family: AF_INET, AF_INET6
 * @table: result
 *
 * rtnetlink reports this in every network namespace; the sysctls gc_thresh1 to gc_thresh3
 * are in the initial one only.
 *
 * Return: 0, -ENOENT: there is no such table, or another negative errno.
 */
int lb_neigh_table_read(struct sample_netlink *nl, int family, struct lb_neigh_table *table)
{
	struct ndtmsg ndtm = { .ndtm_family = family };
	int err;

	sample_netlink_start(nl, RTM_GETNEIGHTBL, NLM_F_DUMP, &ndtm, sizeof(ndtm));
	err = sample_netlink_ask(nl, on_table, table);
	return err ?: table->most ? 0 : -ENOENT;
}

/* Round up to a power of two, so that the hint does not change with each neighbour more. */
static unsigned int round_up(unsigned int n)
{
	unsigned int power = 1024;

	while (power < n && power < 1U << 30)
		power *= 2;
	return power;
}

/**
 * lb_neigh_cure() - write how to make room in the table of neighbours
 * @family: AF_INET, AF_INET6
 * @n: number of neighbours that must find room
 * @buf: takes the text
 *
 * The text sets gc_thresh2, too: above it, the kernel drops entries that are idle, and ours
 * may be among these.
 *
 * Return: @buf.
 */
const char *lb_neigh_cure(int family, unsigned int n, char buf[LB_NEIGH_CURE])
{
	const char *name = family == AF_INET ? "net.ipv4.neigh.default" :
			   "net.ipv6.neigh.default";

	snprintf(buf, LB_NEIGH_CURE, "on the host: sysctl -w %s.gc_thresh3=%u %s.gc_thresh2=%u",
		 name, 2 * round_up(n), name, round_up(n));
	return buf;
}
