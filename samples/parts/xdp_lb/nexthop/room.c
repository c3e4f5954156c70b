// SPDX-License-Identifier: GPL-2.0
/*
 * Room for the neighbours of a configuration in the kernel's table, which all network
 * namespaces share. When the table is full, the host loses its other neighbours as well.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include "lib/log.h"
#include "lib/netlink.h"
#include "lib/util.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/neigh.h"
#include "parts/xdp_lb/user.h"

/* A neighbour: an interface, and an address there. */
struct via {
	unsigned int ifindex;
	struct lb_addr addr;
};

static int by_via(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct via));
}

static unsigned int count_backends(const struct lb_conf *conf)
{
	unsigned int i, n = 0;

	for (i = 0; i < conf->n_vips; i++)
		n += conf->vips[i].n_backends;
	return n;
}

/* List the next hops of all backends, of one family. A gateway may be there several times. */
static unsigned int list_vias(const struct lb_conf *conf, struct lb_nexthops *hops, int family,
			      struct via *vias)
{
	const struct lb_backend_conf *backend;
	struct lb_nexthop hop;
	unsigned int i, n = 0;

	for (i = 0; i < conf->n_vips; i++) {
		backend = conf->vips[i].backends;
		for (; backend < conf->vips[i].backends + conf->vips[i].n_backends; backend++) {
			if (lb_nexthops_route(hops, &backend->addr, &hop) ||
			    lb_addr_family(&hop.via) != family)
				continue;
			vias[n].ifindex = hop.ifindex;
			vias[n++].addr = hop.via;
		}
	}
	return n;
}

/* Count the different neighbours, and how many of them the table already has. */
static void count_vias(struct sample_netlink *nl, struct via *vias, unsigned int n,
		       struct lb_room *room, unsigned int *present)
{
	struct lb_neigh neigh;
	unsigned int i;

	qsort(vias, n, sizeof(*vias), by_via);
	for (i = 0; i < n; i++) {
		if (i && !by_via(&vias[i - 1], &vias[i]))
			continue;
		room->needed++;
		neigh = (struct lb_neigh) { .ifindex = vias[i].ifindex, .addr = vias[i].addr };
		if (!lb_neigh_get(nl, &neigh))
			*present += neigh.exists;
	}
}

static int read_room(const struct lb_conf *conf, struct lb_nexthops *hops, int family,
		     struct sample_netlink *nl, struct lb_room *room)
{
	struct via *vias = calloc(count_backends(conf) + 1, sizeof(*vias));
	struct lb_neigh_table table;
	unsigned int present = 0;
	int err;

	if (!vias)
		return -ENOMEM;
	count_vias(nl, vias, list_vias(conf, hops, family, vias), room, &present);
	free(vias);
	err = lb_neigh_table_read(nl, family, &table);
	if (err)
		return err;
	room->most = table.most;
	room->others = table.entries > present ? table.entries - present : 0;
	return 0;
}

/**
 * lb_room_read() - how many neighbours a configuration needs, and how many there can be
 * @conf: the configuration
 * @hops: for questions about routes
 * @family: AF_INET, AF_INET6
 * @room: result
 *
 * The kernel is not asked to resolve neighbours.
 *
 * Return: 0, or a negative errno; nothing is printed.
 */
int lb_room_read(const struct lb_conf *conf, struct lb_nexthops *hops, int family,
		 struct lb_room *room)
{
	struct sample_netlink nl;
	int err = sample_netlink_open(&nl, NETLINK_ROUTE);

	memset(room, 0, sizeof(*room));
	if (err)
		return err;
	err = read_room(conf, hops, family, &nl, room);
	sample_netlink_close(&nl);
	return err;
}

/**
 * lb_room_refuse() - refuse a configuration with more neighbours than there can be
 * @conf: the configuration
 * @hops: for questions about routes
 *
 * If only the other entries in the table leave too little room, the configuration is tried:
 * some of these entries may be idle, and the kernel may drop them.
 *
 * Return: 0, or -ENOSPC, which was printed.
 */
int lb_room_refuse(const struct lb_conf *conf, struct lb_nexthops *hops)
{
	static const int families[] = { AF_INET, AF_INET6 };
	char cure[LB_NEIGH_CURE];
	struct lb_room room;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		/* If the table cannot be read, no limit is known. */
		if (lb_room_read(conf, hops, families[i], &room) || room.needed <= room.most)
			continue;
		pr_err("failed to make room for %u neighbours: the kernel's table, of all network namespaces, takes %u: gc_thresh3 of IPv%d",
		       room.needed, room.most, families[i] == AF_INET ? 4 : 6);
		pr_hint("%s", lb_neigh_cure(families[i], room.needed + room.others, cure));
		return -ENOSPC;
	}
	return 0;
}
