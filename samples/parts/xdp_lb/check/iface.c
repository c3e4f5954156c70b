// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb check": what interfaces do to packets in each mode, and what "mode: auto"
 * stands for.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <net/if.h>
#include "lib/native.h"
#include "lib/net.h"
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/nexthop/link.h"

enum {
	/* Largest frame in a page, beside XDP's headroom and the kernel's skb_shared_info. */
	XDP_MTU_MAX = 3500,
};

/* --- interfaces ------------------------------------------------------------------ */

static const char *what_is(const struct lb_link *link)
{
	if (link->type == ARPHRD_LOOPBACK)
		return "loopback";
	return *link->kind ? link->kind : "hardware";
}

/* True if packets come from a local sender, which may not have filled in their checksums. */
static bool is_local(const struct lb_link *link)
{
	return lb_link_is_veth(link) || !strcmp(link->kind, "tun");
}

static void check_up(struct lb_checker *c, const struct lb_link *link)
{
	if (link->type != ARPHRD_ETHER && link->type != ARPHRD_LOOPBACK)
		lb_row(c, LB_FAIL, "link",
		       "%s without Ethernet header: packets would be misread\n"
		       "ip -br link; those with link/ether will do", what_is(link));
	else if (!(link->flags & IFF_UP))
		lb_row(c, LB_FAIL, "link", "%s, down: no packet arrives\nip link set dev %s up",
		       what_is(link), link->name);
	else if (!(link->flags & IFF_RUNNING))
		lb_row(c, LB_WARN, "link", "%s, up, without carrier: no packet arrives\n"
		       "is its other end up, its cable plugged in?", what_is(link));
	else
		lb_row(c, LB_OK, "link", "%s, up", what_is(link));
}

/* XDP_TX on a veth needs an XDP program on the other end: GRO there is not enough. */
static void check_peer(struct lb_checker *c, const struct lb_link *link)
{
	enum lb_status bad;
	struct lb_link peer;

	if (!link->link || lb_link_read(&c->nl, link->link, link->link_netns, &peer)) {
		lb_row(c, LB_WARN, "other end",
		       "cannot be seen: without an XDP program there, packets sent back vanish\n"
		       "mode: tc");
		return;
	}
	/* With another interface, most packets leave by that, and only some are sent back. */
	bad = c->conf->n_ifnames > 1 && lb_link_takes_redirect(link) > 0 ? LB_WARN : LB_FAIL;
	if (peer.native_xdp)
		lb_row(c, LB_OK, "other end", "%s has an XDP program in native mode", peer.name);
	else
		lb_row(c, bad, "other end",
		       "%s has no XDP program in native mode: packets sent back vanish\n"
		       "mode: tc, or samples/pass -i %s -m native there", peer.name, peer.name);
	if (peer.mtu > XDP_MTU_MAX)
		lb_row(c, LB_FAIL, "MTU of other end",
		       "%u: native XDP on a veth takes up to about %u\n"
		       "ip link set dev %s mtu 1500 there, or mode: tc", peer.mtu, XDP_MTU_MAX,
		       peer.name);
}

/* The other end may leave checksums to a device: then packets arrive without. */
static void check_checksums(struct lb_checker *c, const struct lb_link *link)
{
	struct lb_link peer = {};
	int on = -ENOENT, sock;

	if (link->link && !lb_link_read(&c->nl, link->link, link->link_netns, &peer)) {
		sock = lb_link_socket(&c->nl, link->link_netns);
		on = sock < 0 ? sock : lb_link_tx_checksum(sock, peer.name);
		if (sock >= 0)
			close(sock);
	}
	if (!on)
		lb_row(c, LB_OK, "tx checksum", "%s, the other end, has it off", peer.name);
	else if (on > 0)
		lb_row(c, LB_FAIL, "tx checksum",
		       "%s, the other end, has it on: TCP and UDP arrive with wrong checksums\n"
		       "ethtool -K %s tx off on every host that sends here, or mode: tc",
		       peer.name, peer.name);
	else
		lb_row(c, LB_WARN, "tx checksum",
		       "of the other end cannot be seen: if it is on, TCP and UDP arrive with wrong checksums\n"
		       "ethtool -K DEV tx off on every host that sends here, or mode: tc");
}

/*
 * A virtual machine's host passes on packets of its other guests with unfinished checksums. For
 * native XDP, virtio_net has the host finish them.
 */
static void check_unfinished(struct lb_checker *c, const struct lb_link *link)
{
	int sock = lb_link_socket(&c->nl, LB_NETNS_HERE);

	if (sock < 0)
		return;
	if (lb_link_has_driver(sock, link->name, "virtio_net"))
		lb_row(c, LB_WARN, "rx checksum",
		       "virtio_net: TCP and UDP from machines on the same host may get wrong checksums\n"
		       "mode: native, or mode: tc");
	close(sock);
}

static void check_native(struct lb_checker *c, const struct lb_link *link)
{
	char reason[SAMPLE_REASON_LEN];
	__u64 features;
	int sock;

	if (sample_native_forgotten(link->ifindex, reason))
		lb_row(c, LB_WARN, "native XDP", "%s\nmode: tc", reason);
	else if (!strcmp(link->master_kind, "bond") || !strcmp(link->master_kind, "team"))
		lb_row(c, LB_WARN, "native XDP", "part of a %s: the program belongs on that\n"
		       "interfaces: [%s]", link->master_kind, sample_ifname(link->master));
	else if (lb_link_features(link->ifindex, &features))
		lb_row(c, LB_OK, "native XDP",
		       "the kernel does not tell whether the driver has it; mode: auto tries it");
	else if (features & LB_XDP_BASIC)
		lb_row(c, LB_OK, "native XDP", "the driver has it");
	else
		lb_row(c, LB_FAIL, "native XDP", "the driver does not have it\nmode: tc");
	if (link->mtu > XDP_MTU_MAX && link->type == ARPHRD_ETHER)
		lb_row(c, lb_link_is_veth(link) ? LB_FAIL : LB_WARN, "MTU",
		       "%u: native XDP without fragments takes up to about %u\n"
		       "ip link set dev %s mtu 1500, or mode: tc", link->mtu, XDP_MTU_MAX,
		       link->name);
	sock = lb_link_socket(&c->nl, LB_NETNS_HERE);
	if (sock >= 0 && lb_link_stays_on(sock, link->name, "rx-gro-hw"))
		lb_row(c, LB_FAIL, "GRO_HW",
		       "on and fixed: joined packets do not fit in native XDP, the driver refuses it\n"
		       "mode: tc, or guest_tso off in the hypervisor");
	if (sock >= 0 && lb_link_lro(sock, link->name) > 0)
		lb_row(c, LB_FAIL, "LRO", "on: joined packets do not fit in native XDP\n"
		       "ethtool -K %s lro off", link->name);
	if (sock >= 0)
		close(sock);
	if (lb_link_is_veth(link))
		check_peer(c, link);
}

/**
 * lb_check_iface() - check an interface that the program is to be attached to
 * @c: the run
 * @name: the interface
 */
void lb_check_iface(struct lb_checker *c, const char *name)
{
	unsigned int ifindex = if_nametoindex(name);
	struct lb_link link;

	lb_group(c, "interface %s", name);
	if (!ifindex || lb_link_read(&c->nl, ifindex, LB_NETNS_HERE, &link)) {
		lb_row(c, LB_FAIL, "interface",
		       "there is no %s here: a run that was on it attaches when it comes\n"
		       "ip -br link; -n NETNS for one elsewhere", name);
		return;
	}
	check_up(c, &link);
	if (c->mode == LB_MODE_NATIVE)
		check_native(c, &link);
	if (c->mode != LB_MODE_TC && is_local(&link))
		check_checksums(c, &link);
	if (c->mode == LB_MODE_SKB)
		check_unfinished(c, &link);
	lb_check_hooks(c, ifindex);
}

/**
 * lb_is_iface() - whether the program is to be attached to an interface
 * @conf: configuration
 * @ifindex: the interface
 *
 * Return: whether it is one of "interfaces".
 */
bool lb_is_iface(const struct lb_conf *conf, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < conf->n_ifnames; i++) {
		if (if_nametoindex(conf->ifnames[i]) == ifindex)
			return true;
	}
	return false;
}

/**
 * lb_check_mtus() - warn if an interface and the way to a backend have different MTUs
 * @c: the run
 * @vip: the service, of LB_NAT, LB_DNAT or LB_DSR
 * @backend: name of the backend
 * @mtu: MTU of the way to the backend
 *
 * Larger packets from the side with the larger MTU are answered with "too big". With LB_DSR, only
 * packets of clients come through here, so only their direction is checked.
 */
void lb_check_mtus(struct lb_checker *c, const struct lb_vip_conf *vip, const char *backend,
		   unsigned int mtu)
{
	static const char answered[] =
		"%u, that of %s is %u: larger packets of %s are answered with \"too big\"\n"
		"the same MTU on both sides, where that can be";
	char name[LB_NAME_MAX + 8];
	struct lb_link link;
	unsigned int i;

	snprintf(name, sizeof(name), "%s, MTU", backend);
	for (i = 0; i < c->conf->n_ifnames; i++) {
		if (lb_link_read(&c->nl, if_nametoindex(c->conf->ifnames[i]), LB_NETNS_HERE, &link))
			continue;
		if (link.mtu > mtu)
			lb_row(c, LB_WARN, name, answered, mtu, link.name, link.mtu, "clients");
		else if (link.mtu < mtu && vip->forward != LB_DSR)
			lb_row(c, LB_WARN, name, answered, mtu, link.name, link.mtu, "the backend");
	}
}

/* True if frames of a bridge or a VLAN device pass an interface with our program before. */
static bool is_above(struct lb_checker *c, const struct lb_link *upper)
{
	struct lb_link link;
	unsigned int i;

	if (upper->link_netns == LB_NETNS_HERE && upper->link && !lb_link_is_veth(upper) &&
	    lb_is_iface(c->conf, upper->link))
		return true;
	for (i = 0; i < c->conf->n_ifnames; i++) {
		if (!lb_link_read(&c->nl, if_nametoindex(c->conf->ifnames[i]), LB_NETNS_HERE,
				  &link) && link.master == upper->ifindex)
			return true;
	}
	return false;
}

/**
 * lb_check_way() - check an interface that backends are behind
 * @c: the run
 * @way: the interface
 */
void lb_check_way(struct lb_checker *c, const struct lb_way *way)
{
	static const char no_peer[] =
		"the other end has neither an XDP program nor GRO: packets for it vanish\n"
		"mode: tc, or ethtool -K DEV gro on there";
	static const char no_driver[] =
		"the driver does not take packets from other interfaces\n"
		"mode: tc, or add it to interfaces";
	bool here = lb_is_iface(c->conf, way->ifindex);
	struct lb_link link;
	int takes;

	if (lb_link_read(&c->nl, way->ifindex, LB_NETNS_HERE, &link))
		return;
	lb_group(c, "interface %s", link.name);
	if (!here && way->replies && !is_above(c, &link))
		lb_row(c, LB_FAIL, "replies", "of backends come in here, and are not seen\n"
		       "interfaces: [..., %s]", link.name);
	/* A driver of hardware takes redirected packets as soon as it has a program itself. */
	if (c->mode != LB_MODE_NATIVE ||
	    (here && (c->conf->n_ifnames == 1 || !*link.kind)))
		return;
	takes = lb_link_takes_redirect(&link);
	if (takes > 0)
		lb_row(c, LB_OK, "redirect", "the driver takes packets from other interfaces");
	else if (!takes)
		lb_row(c, LB_FAIL, "redirect", "%s",
		       lb_link_is_veth(&link) ? no_peer : no_driver);
	else if (*link.kind)
		lb_row(c, LB_WARN, "redirect", "a %s may not take packets from other interfaces\n"
		       "mode: tc", what_is(&link));
}

/* --- the mode --------------------------------------------------------------------- */

/* Native XDP is for frames that come from a wire, and for drivers that have it; else TC. */
static bool wants_tc(const struct lb_link *link, char *why, size_t size)
{
	char reason[SAMPLE_REASON_LEN];
	__u64 features;

	if (is_local(link))
		snprintf(why, size, "%s is a %s: native XDP would cost checksum offload and GSO",
			 link->name, link->kind);
	else if (link->type == ARPHRD_LOOPBACK || !strcmp(link->kind, "bridge"))
		snprintf(why, size, "%s is a %s, which has no native XDP", link->name,
			 what_is(link));
	else if (*link->kind)
		snprintf(why, size, "%s is a %s: its frames come from another interface",
			 link->name, link->kind);
	else if (!lb_link_features(link->ifindex, &features) && !(features & LB_XDP_BASIC))
		snprintf(why, size, "the driver of %s has no native XDP", link->name);
	else if (sample_native_forgotten(link->ifindex, reason))
		snprintf(why, size, "%s: %s", link->name, reason);
	else
		return false;
	return true;
}

/* True if native XDP cannot redirect packets to this interface, which backends are behind. */
static bool way_wants_tc(struct sample_netlink *nl, unsigned int ifindex, char *why, size_t size)
{
	struct lb_link link;
	int takes;

	if (lb_link_read(nl, ifindex, LB_NETNS_HERE, &link))
		return false;
	takes = lb_link_takes_redirect(&link);
	if (takes > 0 || (takes < 0 && !*link.kind))
		return false;
	snprintf(why, size, "backends are behind %s, which does not take packets from native XDP",
		 link.name);
	return true;
}

static bool ways_want_tc(const struct lb_conf *conf, struct sample_netlink *nl, char *why,
			 size_t size)
{
	struct lb_nexthops *hops;
	struct lb_nexthop hop;
	bool tc = false;
	unsigned int i, b;

	if (lb_nexthops_open(&hops))
		return false;
	for (i = 0; i < conf->n_vips; i++) {
		for (b = 0; b < conf->vips[i].n_backends && !tc; b++) {
			if (lb_nexthops_route(hops, &conf->vips[i].backends[b].addr, &hop) ||
			    lb_is_iface(conf, hop.ifindex))
				continue;
			tc = way_wants_tc(nl, hop.ifindex, why, size);
		}
	}
	lb_nexthops_close(hops);
	return tc;
}

static enum lb_mode choose(const struct lb_conf *conf, struct sample_netlink *nl, char *why,
			   size_t size)
{
	struct lb_link link;
	unsigned int i;

	for (i = 0; i < conf->n_ifnames; i++) {
		if (!lb_link_read(nl, if_nametoindex(conf->ifnames[i]), LB_NETNS_HERE, &link) &&
		    wants_tc(&link, why, size))
			return LB_MODE_TC;
	}
	if (ways_want_tc(conf, nl, why, size))
		return LB_MODE_TC;
	snprintf(why, size, "frames come from a wire");
	return LB_MODE_NATIVE;
}

/**
 * lb_choose_mode() - choose the mode that "mode: auto" stands for
 * @conf: configuration
 * @why: takes the reason
 * @size: size of @why
 *
 * Before Linux 6.3, drivers do not tell whether they have native XDP: then native XDP is
 * chosen, and "run" tries it before it relies on that (sample_native_refused()).
 *
 * Return: the mode of @conf if it has one, else LB_MODE_NATIVE or LB_MODE_TC.
 */
enum lb_mode lb_choose_mode(const struct lb_conf *conf, char *why, size_t size)
{
	enum lb_mode mode = LB_MODE_TC;
	struct sample_netlink *nl;

	snprintf(why, size, "as configured");
	if (conf->mode != LB_MODE_AUTO)
		return conf->mode;
	snprintf(why, size, "the interfaces cannot be looked at");
	nl = calloc(1, sizeof(*nl));
	if (nl && !sample_netlink_open(nl, NETLINK_ROUTE)) {
		mode = choose(conf, nl, why, size);
		sample_netlink_close(nl);
	}
	free(nl);
	return mode;
}
