// SPDX-License-Identifier: GPL-2.0
/*
 * The way to a backend. The kernel knows the route, and the MAC address of the neighbour that
 * the route leads to, and sends messages when they change.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/netlink.h"
#include "lib/refused.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/link.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/nexthop/nexthop.h"
#include "parts/xdp_lb/nexthop/told.h"
#include "parts/xdp_lb/user.h"

enum {
	GROW = 64,
};

/* Make room for one more entry behind @n entries. NULL: there is no memory. */
static void *make_room(void *at, unsigned int n, size_t size)
{
	return n % GROW ? at : realloc(at, (n + GROW) * size);
}

/* --- routes ----------------------------------------------------------------------- */

struct route {
	bool found;
	unsigned int type;
	unsigned int ifindex;
	bool has_gateway;
	struct lb_addr gateway;
	struct lb_addr src;
	unsigned int mtu;
};

/* Read the gateway: RTA_GATEWAY if it is of the route's family, else RTA_VIA (struct rtvia). */
static void take_gateway(struct route *route, const struct nlattr *same, const struct nlattr *via)
{
	const size_t family = offsetof(struct rtvia, rtvia_addr);

	if (same)
		route->has_gateway = !lb_addr_take(&route->gateway, mnl_attr_get_payload(same),
						   mnl_attr_get_payload_len(same));
	else if (via && mnl_attr_get_payload_len(via) > family)
		route->has_gateway = !lb_addr_take(&route->gateway,
						   mnl_attr_get_payload(via) + family,
						   mnl_attr_get_payload_len(via) - family);
}

static int on_route(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[RTA_MAX + 1], *metrics[RTAX_MAX + 1], *src;
	struct route *route = ctx;

	if (!nh) {
		memset(route, 0, sizeof(*route));
		return 0;
	}
	if (nh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	route->found = true;
	route->type = ((struct rtmsg *)mnl_nlmsg_get_payload(nh))->rtm_type;
	sample_netlink_attrs(nh, sizeof(struct rtmsg), attrs, RTA_MAX + 1);
	sample_netlink_nested(attrs[RTA_METRICS], metrics, RTAX_MAX + 1);
	route->ifindex = sample_netlink_u32(attrs[RTA_OIF]);
	route->mtu = sample_netlink_u32(metrics[RTAX_MTU]);
	take_gateway(route, attrs[RTA_GATEWAY], attrs[RTA_VIA]);
	src = attrs[RTA_PREFSRC];
	if (src)
		lb_addr_take(&route->src, mnl_attr_get_payload(src),
			     mnl_attr_get_payload_len(src));
	return 0;
}

/* Ask for a route without naming an interface: then routing rules apply as to a packet. */
static int get_route(struct lb_nexthops *hops, const struct lb_addr *addr, struct route *route)
{
	struct rtmsg rtm = { .rtm_family = lb_addr_family(addr) };
	const void *bytes;
	size_t len;
	int err;

	bytes = lb_addr_bytes(addr, &len);
	rtm.rtm_dst_len = len * 8;
	mnl_attr_put(sample_netlink_start(&hops->ask, RTM_GETROUTE, 0, &rtm, sizeof(rtm)), RTA_DST,
		     len, bytes);
	err = sample_netlink_ask(&hops->ask, on_route, route);
	/* The answers for routes of the types unreachable, prohibit and blackhole. */
	if (err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL)
		return -ENETUNREACH;
	if (err)
		return err;
	if (route->found && route->type == RTN_LOCAL)
		return -EADDRNOTAVAIL;
	return route->found && route->type == RTN_UNICAST && route->ifindex ? 0 : -ENETUNREACH;
}

/* --- neighbours -------------------------------------------------------------------- */

static struct lb_neigh *find_neigh(const struct lb_nexthops *hops, const struct lb_neigh *like)
{
	unsigned int i;

	for (i = 0; i < hops->n_neighs; i++) {
		if (hops->neighs[i].ifindex == like->ifindex &&
		    !memcmp(&hops->neighs[i].addr, &like->addr, sizeof(like->addr)))
			return &hops->neighs[i];
	}
	return NULL;
}

/* Remember a neighbour: from now on neigh_changed() reports its changes. */
static int watch_neigh(struct lb_nexthops *hops, const struct lb_neigh *neigh)
{
	struct lb_neigh *known = find_neigh(hops, neigh), *more;

	if (!known) {
		more = make_room(hops->neighs, hops->n_neighs, sizeof(*more));
		if (!more)
			return -ENOMEM;
		hops->neighs = more;
		known = &more[hops->n_neighs++];
	}
	*known = *neigh;
	return 0;
}

static int resolve(struct lb_nexthops *hops, struct lb_neigh *neigh)
{
	int err = lb_neigh_get(&hops->ask, neigh);

	if (!err)
		err = watch_neigh(hops, neigh);
	if (err)
		return err;
	if (!neigh->is_kept && !(hops->look_only && neigh->has_mac))
		err = lb_neigh_find(&hops->ask, neigh, !hops->look_only);
	watch_neigh(hops, neigh);
	/* A known MAC address will do. A command that only looks may not be allowed to ask. */
	return neigh->has_mac || hops->look_only ? 0 : err;
}

/* --- next hops --------------------------------------------------------------------- */

static int get_iface(struct lb_nexthops *hops, unsigned int ifindex, struct lb_link *link)
{
	int err = lb_link_read(&hops->ask, ifindex, LB_NETNS_HERE, link);

	/* The interface has gone after the route was read, and the route with it. */
	if (err == -ENODEV)
		return -ENETUNREACH;
	if (err)
		return err;
	return link->has_mac && link->type == ARPHRD_ETHER ? 0 : -EOPNOTSUPP;
}

static int find_hop(struct lb_nexthops *hops, const struct lb_addr *addr, struct lb_nexthop *hop)
{
	struct lb_neigh neigh = {};
	struct lb_link link;
	struct route route;
	int err;

	err = get_route(hops, addr, &route);
	if (err == -EADDRNOTAVAIL)
		hop->ifindex = if_nametoindex("lo");
	if (!err)
		err = get_iface(hops, route.ifindex, &link);
	if (err)
		return err;
	hop->ifindex = route.ifindex;
	hop->gateway = route.has_gateway;
	hop->src = route.src;
	hop->mtu = route.mtu && route.mtu < link.mtu ? route.mtu : link.mtu;
	memcpy(hop->smac, link.mac, sizeof(hop->smac));
	hop->via = route.has_gateway ? route.gateway : *addr;
	neigh.ifindex = route.ifindex;
	neigh.addr = hop->via;
	err = resolve(hops, &neigh);
	hop->resolved = !err && neigh.has_mac;
	memcpy(hop->dmac, neigh.mac, sizeof(hop->dmac));
	return err;
}

/**
 * lb_nexthops_get() - get the way to an address, as the kernel would send a packet now
 * @hops: from lb_nexthops_open()
 * @addr: the address
 * @hop: result; what is not known is zero
 *
 * lb_nexthops_tell() prints an error, once for each address until the error changes.
 *
 * Return: 0, also if the MAC address is not known yet: lb_nexthops_fd() becomes
 * readable when it is. -ENETUNREACH: no route, or one that says blackhole,
 * unreachable, prohibit; -EADDRNOTAVAIL: an address of this host; -EOPNOTSUPP:
 * the way out has no Ethernet header; or another negative errno.
 */
int lb_nexthops_get(struct lb_nexthops *hops, const struct lb_addr *addr,
		    struct lb_nexthop *hop)
{
	int err;

	memset(hop, 0, sizeof(*hop));
	err = find_hop(hops, addr, hop);
	if (!hops->look_only)
		lb_told_note(&hops->tolds, addr, err);
	return err;
}

/**
 * lb_nexthops_tell() - print the errors that are new
 * @hops: from lb_nexthops_open()
 *
 * Call it after lb_nexthops_get() for all addresses: errors with one cause are one message.
 */
void lb_nexthops_tell(struct lb_nexthops *hops)
{
	lb_told_print(&hops->tolds, &hops->ask);
}

/**
 * lb_nexthops_route() - get the way to an address without its MAC address
 * @hops: from lb_nexthops_open()
 * @addr: the address
 * @hop: result: .ifindex, .gateway, .via and .src
 *
 * The kernel is not asked to resolve a neighbour, and no error is printed.
 *
 * Return: as lb_nexthops_get().
 */
int lb_nexthops_route(struct lb_nexthops *hops, const struct lb_addr *addr,
		      struct lb_nexthop *hop)
{
	struct route route;
	int err = get_route(hops, addr, &route);

	memset(hop, 0, sizeof(*hop));
	if (err)
		return err;
	hop->ifindex = route.ifindex;
	hop->gateway = route.has_gateway;
	hop->via = route.has_gateway ? route.gateway : *addr;
	hop->src = route.src;
	return 0;
}

/**
 * lb_nexthops_lose_redirects() - whether an interface drops what native XDP redirects to it
 * @hops: from lb_nexthops_open()
 * @ifindex: the interface
 *
 * Such packets vanish: no error reaches the program, and no counter of ours counts them. Before
 * Linux 6.3, only bridges are known to drop them.
 *
 * Return: true if so; false also if the kernel does not tell.
 */
bool lb_nexthops_lose_redirects(struct lb_nexthops *hops, unsigned int ifindex)
{
	struct lb_link link;
	int takes;

	if (lb_link_read(&hops->ask, ifindex, LB_NETNS_HERE, &link))
		return false;
	takes = lb_link_takes_redirect(&link);
	return !takes || (takes < 0 && !strcmp(link.kind, "bridge"));
}

/* --- news -------------------------------------------------------------------------- */

#define GROUP(name) (1U << (RTNLGRP_##name - 1))

/*
 * Messages after which a route may lead elsewhere: besides routes and links, also addresses,
 * routing rules and nexthop objects decide.
 */
static const __u32 groups = GROUP(NEIGH) | GROUP(LINK) | GROUP(NEXTHOP) |
			    GROUP(IPV4_ROUTE) | GROUP(IPV4_IFADDR) | GROUP(IPV4_RULE) |
			    GROUP(IPV6_ROUTE) | GROUP(IPV6_IFADDR) | GROUP(IPV6_RULE);

/* True if a neighbour that was looked up for a next hop has changed. */
static bool neigh_changed(const struct lb_nexthops *hops, const struct nlmsghdr *nh)
{
	struct lb_neigh neigh, *known;

	known = lb_neigh_parse(nh, &neigh) ? find_neigh(hops, &neigh) : NULL;
	if (!known)
		return false;
	/* If the kernel does not keep the neighbour, a failed one has to be asked for again. */
	return known->has_mac != neigh.has_mac || known->is_kept != neigh.is_kept ||
	       memcmp(known->mac, neigh.mac, sizeof(neigh.mac)) ||
	       (!neigh.has_mac && !neigh.is_kept);
}

static bool link_changed(struct lb_nexthops *hops, const struct nlmsghdr *nh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nh);
	unsigned int i;

	/* Other families have messages about links, too: AF_BRIDGE about ports of a bridge. */
	if (ifi->ifi_family != AF_UNSPEC)
		return false;
	for (i = 0; nh->nlmsg_type == RTM_DELLINK && i < hops->n_neighs;) {
		if (hops->neighs[i].ifindex == (unsigned int)ifi->ifi_index)
			hops->neighs[i] = hops->neighs[--hops->n_neighs];
		else
			i++;
	}
	return true;
}

static bool is_change(struct lb_nexthops *hops, const struct nlmsghdr *nh)
{
	switch (nh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neigh_changed(hops, nh);
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_changed(hops, nh);
	default:
		return true;
	}
}

struct news {
	struct lb_nexthops *hops;
	bool changed;
};

static int on_news(const struct nlmsghdr *nh, void *ctx)
{
	struct news *news = ctx;

	/* Some were lost: they may have been of a change. */
	if (!nh || is_change(news->hops, nh))
		news->changed = true;
	return 0;
}

/**
 * lb_nexthops_read() - read the messages about changes
 * @hops: from lb_nexthops_open()
 *
 * Return: 1: a next hop may have changed, ask for each again; 0: none has; or a
 * negative errno.
 */
int lb_nexthops_read(struct lb_nexthops *hops)
{
	struct news news = { .hops = hops };
	int err = sample_netlink_news(&hops->news, on_news, &news);

	return err ? err : news.changed;
}

/**
 * lb_nexthops_fd() - the file descriptor to wait for
 * @hops: from lb_nexthops_open()
 *
 * Return: the file descriptor, readable when lb_nexthops_read() has messages to read.
 */
int lb_nexthops_fd(const struct lb_nexthops *hops)
{
	return mnl_socket_get_fd(hops->news.sock);
}

/* --- opening and closing ----------------------------------------------------------- */

/**
 * lb_nexthops_open() - open sockets in the current network namespace
 * @hops: result
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_nexthops_open(struct lb_nexthops **hops)
{
	struct lb_nexthops *new = calloc(1, sizeof(*new));
	int err = -ENOMEM;

	/* Open the socket for messages first, so that no change after a request is missed. */
	if (new)
		err = sample_netlink_listen(&new->news, groups);
	if (!err)
		err = sample_netlink_open(&new->ask, NETLINK_ROUTE);
	*hops = new;
	if (!err)
		return 0;
	pr_err("failed to open rtnetlink: %s", strerror(-err));
	pr_hint_doctor();
	lb_nexthops_close(new);
	*hops = NULL;
	return err;
}

/**
 * lb_nexthops_look() - only look from now on
 * @hops: from lb_nexthops_open()
 *
 * For "check", which may run beside "run": the kernel is asked to resolve neighbours, but not
 * to keep them up to date, and no error is printed.
 */
void lb_nexthops_look(struct lb_nexthops *hops)
{
	hops->look_only = true;
}

/**
 * lb_nexthops_forget() - remove the neighbours that the kernel keeps for us
 * @hops: from lb_nexthops_open()
 *
 * For "stop". Removes the neighbour entries of this network namespace that
 * lb_nexthops_get() has made or taken over, in this process or in one that was killed.
 * Entries that the administrator has fixed, or has let the kernel keep, stay. Another
 * instance in this network namespace sees the removal, and asks for its neighbours again.
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_nexthops_forget(struct lb_nexthops *hops)
{
	int err = lb_neigh_forget(&hops->ask);

	if (!err || sample_refused(err, SAMPLE_NEED_NETLINK, "remove neighbour entries"))
		return err;
	pr_err("failed to remove neighbour entries: %s", strerror(-err));
	pr_hint("ip neigh show proto %u", LB_NEIGH_PROTOCOL);
	return err;
}

/**
 * lb_nexthops_close() - close the sockets
 * @hops: from lb_nexthops_open(), may be NULL
 *
 * The kernel goes on to keep neighbours up to date: lb_nexthops_forget() ends that.
 */
void lb_nexthops_close(struct lb_nexthops *hops)
{
	if (!hops)
		return;
	sample_netlink_close(&hops->news);
	sample_netlink_close(&hops->ask);
	free(hops->neighs);
	lb_told_free(&hops->tolds);
	free(hops);
}

/**
 * lb_iface_addr() - first global address of an interface
 * @hops: from lb_nexthops_open()
 * @ifindex: the interface
 * @family: 4 or 6
 * @addr: result
 *
 * Addresses that are link-local, deprecated, temporary or tentative do not count.
 *
 * Return: 0, -ENOENT if there is none, or another negative errno.
 */
int lb_iface_addr(struct lb_nexthops *hops, unsigned int ifindex, int family,
		  struct lb_addr *addr)
{
	return lb_link_addr(&hops->ask, ifindex, family == 6 ? AF_INET6 : AF_INET, addr);
}

/**
 * lb_iface_addrs() - read all addresses of one family that this host has
 * @hops: from lb_nexthops_open()
 * @family: 4 or 6
 * @addrs: result; lb_host_addrs_free() frees it, also after an error
 *
 * Return: 0, or a negative errno.
 */
int lb_iface_addrs(struct lb_nexthops *hops, int family, struct lb_host_addrs *addrs)
{
	return lb_host_addrs_read(&hops->ask, family == 6 ? AF_INET6 : AF_INET, addrs);
}
