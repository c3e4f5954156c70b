// SPDX-License-Identifier: GPL-2.0
/* "xdp_lb check": what would make packets vanish. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/fs.h"
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/neigh.h"

enum {
	/* Longest wait for neighbours; one that is there answers sooner. */
	WAIT_MS = 1000,
	IPIP_MTU_MIN = 1280,
	ETHERNET_MTU = 1500,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
};

/* --- backends -------------------------------------------------------------------- */

static void note_way(struct lb_checker *c, const struct lb_vip_conf *vip, unsigned int ifindex)
{
	bool replies = vip->forward == LB_NAT || vip->forward == LB_DNAT;
	unsigned int i;

	for (i = 0; i < c->n_ways && c->ways[i].ifindex != ifindex; i++)
		;
	if (i == LB_WAYS_MAX)
		return;
	if (i == c->n_ways)
		c->ways[c->n_ways++] = (struct lb_way){ .ifindex = ifindex };
	c->ways[i].replies |= replies;
}

static unsigned int header_len(const struct lb_addr *addr)
{
	return lb_addr_family(addr) == AF_INET ? IPV4_HEADER : IPV6_HEADER;
}

static void check_tunnel(struct lb_checker *c, const struct lb_vip_conf *vip,
			 const struct lb_backend_conf *backend, unsigned int mtu)
{
	unsigned int header = header_len(&backend->addr);
	unsigned int inner = mtu > header ? mtu - header : 0;
	char name[LB_NAME_MAX + 8];

	snprintf(name, sizeof(name), "%s, MTU", backend->name);
	if (inner < IPIP_MTU_MIN)
		lb_row(c, LB_FAIL, name,
		       "%u leaves %u for the client's packets: %u is the least\n"
		       "raise the MTU of the way to it to at least %u", mtu, inner, IPIP_MTU_MIN,
		       IPIP_MTU_MIN + header);
	else if (inner < ETHERNET_MTU)
		lb_row(c, LB_WARN, name,
		       "%u: clients' packets above %u bytes are answered with \"too big\"\n"
		       "raise the MTU of the way to it to %u, or on the backend: ip route change ... advmss %u",
		       mtu, inner, ETHERNET_MTU + header,
		       inner - TCP_HEADER - header_len(&vip->addr));
	else
		lb_row(c, LB_OK, name, "%u: clients' packets of up to %u bytes pass", mtu, inner);
}

static void check_no_way(struct lb_checker *c, const struct lb_backend_conf *backend,
			 const char *addr, int err)
{
	if (err == -EADDRNOTAVAIL)
		lb_row(c, LB_FAIL, backend->name, "%s is an address of this host\n"
		       "a backend is another host, or a container with an address of its own",
		       addr);
	else if (err == -EOPNOTSUPP)
		lb_row(c, LB_FAIL, backend->name,
		       "the way to %s has no Ethernet header\nip route get %s", addr, addr);
	else
		lb_row(c, LB_FAIL, backend->name, "no route to %s: %s\nip route get %s", addr,
		       strerror(-err), addr);
}

static void check_backend(struct lb_checker *c, const struct lb_vip_conf *vip,
			  const struct lb_backend_conf *backend)
{
	struct lb_nexthop hop;
	char addr[INET6_ADDRSTRLEN];
	int err = lb_nexthops_get(c->hops, &backend->addr, &hop);
	const __u8 *m = hop.dmac;

	sample_addr(backend->addr.a, addr);
	if (err) {
		check_no_way(c, backend, addr, err);
		return;
	}
	note_way(c, vip, hop.ifindex);
	if (hop.resolved)
		lb_row(c, LB_OK, backend->name, "%s by %s, %s%02x:%02x:%02x:%02x:%02x:%02x", addr,
		       sample_ifname(hop.ifindex), hop.gateway ? "gateway " : "", m[0], m[1],
		       m[2], m[3], m[4], m[5]);
	else
		lb_row(c, hop.gateway ? LB_FAIL : LB_WARN, backend->name,
		       "%s by %s: %s has not answered in %u s\nis it up? ip neigh show dev %s",
		       addr, sample_ifname(hop.ifindex), hop.gateway ? "the gateway" : "it",
		       WAIT_MS / 1000, sample_ifname(hop.ifindex));
	if (vip->forward == LB_IPIP)
		check_tunnel(c, vip, backend, hop.mtu);
	else
		lb_check_mtus(c, vip, backend->name, hop.mtu);
}

static bool all_resolved(struct lb_checker *c)
{
	const struct lb_vip_conf *vip;
	struct lb_nexthop hop;
	bool all = true;
	unsigned int i, b;

	for (i = 0; i < c->conf->n_vips; i++) {
		vip = &c->conf->vips[i];
		for (b = 0; b < vip->n_backends; b++) {
			if (!lb_nexthops_get(c->hops, &vip->backends[b].addr, &hop) &&
			    !hop.resolved)
				all = false;
		}
	}
	return all;
}

static long now_ms(void)
{
	return sample_now() / 1000000;
}

/*
 * Returns false if the table has no room for the neighbours. The check must not ask for them
 * then: the host would lose its other neighbours.
 */
static bool check_room(struct lb_checker *c, int family)
{
	char cure[LB_NEIGH_CURE];
	struct lb_room room;

	if (lb_room_read(c->conf, c->hops, family, &room))
		return true;
	lb_neigh_cure(family, room.needed + room.others, cure);
	if (room.needed > room.most)
		lb_row(c, LB_FAIL, "neighbours",
		       "%u, and the kernel's table, of all network namespaces, takes %u: gc_thresh3 of IPv%d\n%s",
		       room.needed, room.most, family == AF_INET ? 4 : 6, cure);
	else if (room.needed && room.needed + room.others > room.most)
		lb_row(c, LB_WARN, "neighbours",
		       "%u, beside %u of others, and the kernel's table takes %u, but for permanent ones: gc_thresh3 of IPv%d\n%s",
		       room.needed, room.others, room.most, family == AF_INET ? 4 : 6, cure);
	return room.needed <= room.most;
}

/* Ask all backends at once, so that the check takes as long as the slowest one. */
static void wait_resolved(struct lb_checker *c)
{
	struct pollfd pfd = { .fd = lb_nexthops_fd(c->hops), .events = POLLIN };
	long end = now_ms() + WAIT_MS, left;

	while (!all_resolved(c)) {
		do {
			left = end - now_ms();
			if (left <= 0 || poll(&pfd, 1, left) <= 0)
				return;
		} while (!lb_nexthops_read(c->hops));
	}
}

/* --- all of it -------------------------------------------------------------------- */

static void check_vip(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	unsigned int i;

	lb_group(c, "service %s", vip->name);
	lb_check_vip_addr(c, vip);
	for (i = 0; i < vip->n_backends && c->has_room; i++)
		check_backend(c, vip, &vip->backends[i]);
}

static void check_mode(struct lb_checker *c)
{
	enum lb_mode choice;
	char why[LB_ROW_MAX / 2];

	choice = lb_choose_mode(c->conf, why, sizeof(why));
	if (c->mode == LB_MODE_AUTO)
		c->mode = choice;
	if (c->conf->mode != LB_MODE_AUTO)
		return;
	lb_group(c, "mode");
	lb_row(c, LB_OK, "auto", "%s: %s", lb_mode_name(choice), why);
}

/* Check bpffs, where the maps are pinned. */
static void check_bpffs(struct lb_checker *c)
{
	struct sample_fs_report report;

	sample_fs_look(&sample_bpffs, &report);
	lb_group(c, "pins");
	if (report.state == SAMPLE_FS_THERE)
		lb_row(c, LB_OK, "bpffs", "mounted on %s", sample_bpffs.dir);
	else if (report.state == SAMPLE_FS_ABSENT)
		lb_row(c, LB_OK, "bpffs", "not mounted: run mounts it on %s", sample_bpffs.dir);
	else
		lb_row(c, LB_FAIL, "bpffs", "%s\n%s", report.why, report.cure);
}

static void check_all(struct lb_checker *c)
{
	unsigned int i;

	lb_nexthops_look(c->hops);
	check_bpffs(c);
	check_mode(c);
	for (i = 0; i < c->conf->n_ifnames; i++)
		lb_check_iface(c, c->conf->ifnames[i]);
	lb_check_sources(c);
	lb_check_nft(c);
	lb_check_instances(c);
	lb_group(c, "backends");
	c->has_room = check_room(c, AF_INET) && check_room(c, AF_INET6);
	if (c->has_room)
		wait_resolved(c);
	for (i = 0; i < c->conf->n_vips; i++)
		check_vip(c, &c->conf->vips[i]);
	for (i = 0; i < c->n_ways; i++)
		lb_check_way(c, &c->ways[i]);
	lb_rows_end(c);
}

/**
 * lb_host_check() - look for what would make packets vanish
 * @conf: configuration
 * @mode: the hook; LB_MODE_AUTO: what lb_choose_mode() says
 * @json: rows as JSON
 *
 * Nothing is changed, except that the kernel asks for the MAC addresses of backends.
 *
 * Return: number of findings that are bad, or a negative errno, which was printed.
 */
int lb_host_check(const struct lb_conf *conf, enum lb_mode mode, bool json)
{
	struct lb_checker *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c) {
		c->conf = conf;
		c->mode = mode;
		c->json = json;
		ret = sample_netlink_open(&c->nl, NETLINK_ROUTE);
	}
	if (ret)
		pr_err("failed to open rtnetlink: %s", strerror(-ret));
	else
		ret = lb_nexthops_open(&c->hops);
	if (!ret) {
		check_all(c);
		ret = c->n[LB_FAIL];
	}
	if (c) {
		lb_nexthops_close(c->hops);
		sample_netlink_close(&c->nl);
	}
	free(c);
	return ret;
}
