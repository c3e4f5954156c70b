// SPDX-License-Identifier: GPL-2.0
/*
 * What changes while packets flow: rings, as backends come and go, and the MAC
 * addresses of next hops.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "sample.h"
#include "xdp_lb_state.h"

/* It takes new connections, if its health is left out of account. */
static bool is_offered(const struct lb_state *state, unsigned int i, unsigned int vip)
{
	const struct lb_backend_info *info = &state->backend_infos[i];

	return state->backends[i].state != LB_BACKEND_UNUSED && state->backends[i].vip == vip &&
	       info->weight && !info->drained;
}

static unsigned int collect(const struct lb_state *state, unsigned int vip, bool healthy,
			    struct lb_ring_member *members)
{
	unsigned int i, n = 0;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (!is_offered(state, i, vip) ||
		    (healthy && state->backend_infos[i].unhealthy))
			continue;
		members[n].addr = state->backends[i].addr;
		members[n].port = state->backends[i].port;
		members[n].weight = state->backend_infos[i].weight;
		members[n].backend = i;
		n++;
	}
	return n;
}

/**
 * lb_ring_members() - the backends of a service that take new connections
 * @state: the instance
 * @vip: number of the service
 * @members: takes up to LB_BACKENDS_MAX of them
 *
 * If the checks of all have failed, the checks are more likely to be wrong, or it
 * does not matter: all are taken.
 *
 * Return: how many.
 */
unsigned int lb_ring_members(const struct lb_state *state, unsigned int vip,
			     struct lb_ring_member *members)
{
	unsigned int n = collect(state, vip, true, members);

	return n ?: collect(state, vip, false, members);
}

/**
 * lb_publish_ring() - let packets see a new ring, in one step
 * @state: the instance
 * @vip: number of the service
 * @ring: its slots
 *
 * Return: 0, or a negative errno, which was printed; then the old one stays.
 */
int lb_publish_ring(struct lb_state *state, unsigned int vip, const __u32 *ring)
{
	__u32 n = state->conf->table_size, i, *keys = calloc(n, sizeof(*keys));
	int fd, err = keys ? 0 : -ENOMEM;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_ring", sizeof(__u32), sizeof(__u32), n,
			    NULL);
	if (!err && fd < 0)
		err = -errno;
	for (i = 0; i < n && !err; i++)
		keys[i] = i;
	if (!err && bpf_map_update_batch(fd, keys, (void *)ring, &n, NULL))
		err = -errno;
	/* Returns when no packet sees the old one any more. */
	if (!err && bpf_map_update_elem(state->rings_fd, &vip, &fd, BPF_ANY))
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(keys);
	if (err)
		pr_err("failed to publish the ring of %s: %s", state->vip_infos[vip].name,
		       strerror(-err));
	return err;
}

/**
 * lb_read_ring() - the ring that packets see
 * @state: the instance
 * @vip: number of the service
 * @ring: takes its slots
 *
 * Return: 0 or a negative errno.
 */
int lb_read_ring(const struct lb_state *state, unsigned int vip, __u32 *ring)
{
	__u32 id, next, n = state->conf->table_size, *keys;
	int fd, err = 0;

	if (bpf_map_lookup_elem(state->rings_fd, &vip, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	keys = calloc(n, sizeof(*keys));
	if (!keys)
		err = -ENOMEM;
	else if (bpf_map_lookup_batch(fd, NULL, &next, keys, ring, &n, NULL))
		err = -errno;
	free(keys);
	close(fd);
	return err;
}

/* Backends that are not in the ring for their health; the others are as good as any. */
static void set_states(struct lb_state *state, unsigned int vip, bool any_healthy)
{
	unsigned int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED || backend->vip != vip)
			continue;
		backend->state = any_healthy && state->backend_infos[i].unhealthy ?
				 LB_BACKEND_DOWN : LB_BACKEND_UP;
	}
}

/**
 * lb_build_ring() - a new ring for the backends as they are now
 * @state: the instance
 * @vip: number of the service
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_build_ring(struct lb_state *state, unsigned int vip)
{
	struct lb_ring_member *members = calloc(LB_BACKENDS_MAX, sizeof(*members));
	__u32 *ring = calloc(state->conf->table_size, sizeof(*ring));
	unsigned int n;
	int err = -ENOMEM;

	if (members && ring) {
		n = lb_ring_members(state, vip, members);
		err = lb_ring_build(members, n, state->conf->seed, ring,
				    state->conf->table_size);
	}
	if (err == -ENOMEM)
		pr_err("failed to build a ring: out of memory");
	if (!err)
		err = lb_publish_ring(state, vip, ring);
	if (!err)
		set_states(state, vip, collect(state, vip, true, members));
	free(members);
	free(ring);
	return err;
}

/* --- next hops ------------------------------------------------------------------------ */

/* One word at a time is all that a packet sees change; the interface comes last. */
static bool set_nexthop(struct lb_backend *backend, const struct lb_nexthop *hop)
{
	struct lb_backend new = *backend;

	new.ifindex = hop->resolved ? hop->ifindex : 0;
	new.mtu = hop->mtu > 65535 ? 65535 : hop->mtu;
	new.tunnel_src = hop->src;
	memcpy(new.dmac, hop->dmac, sizeof(new.dmac));
	memcpy(new.smac, hop->smac, sizeof(new.smac));
	/* What was known is better than nothing while it is asked for anew. */
	if (!new.ifindex || !memcmp(&new, backend, sizeof(new)))
		return backend->ifindex;
	backend->tunnel_src = new.tunnel_src;
	backend->mtu = new.mtu;
	memcpy(backend->dmac, new.dmac, sizeof(new.dmac));
	memcpy(backend->smac, new.smac, sizeof(new.smac));
	__atomic_store_n(&backend->ifindex, new.ifindex, __ATOMIC_RELEASE);
	return true;
}

/**
 * lb_follow_nexthops() - the ways to backends, as the kernel knows them now
 * @state: the instance
 * @hops: who to ask
 * @vip: number of a service, -1: of all
 *
 * Return: true if all neighbours are known; the kernel has been asked to resolve the
 * others. Where there is no route, only news can change that.
 */
bool lb_follow_nexthops(struct lb_state *state, struct lb_nexthops *hops, int vip)
{
	struct lb_nexthop hop;
	bool complete = true;
	unsigned int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED || (vip >= 0 && backend->vip != vip))
			continue;
		memset(&hop, 0, sizeof(hop));
		if (lb_nexthops_get(hops, &backend->addr, &hop)) {
			/* No route, which was printed: packets would go nowhere. */
			__atomic_store_n(&backend->ifindex, 0, __ATOMIC_RELEASE);
			continue;
		}
		complete = set_nexthop(backend, &hop) && complete;
	}
	return complete;
}

/* --- health --------------------------------------------------------------------------- */

/**
 * lb_set_health() - a backend goes up or down
 * @state: the instance, locked
 * @backend: its index
 * @up: it goes up
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_set_health(struct lb_state *state, unsigned int backend, bool up)
{
	if (state->backends[backend].state == LB_BACKEND_UNUSED ||
	    state->backend_infos[backend].unhealthy == !up)
		return 0;
	state->backend_infos[backend].unhealthy = !up;
	return lb_build_ring(state, state->backends[backend].vip);
}
