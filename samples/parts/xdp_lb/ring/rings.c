// SPDX-License-Identifier: GPL-2.0
/*
 * What changes while packets flow: rings, as backends come and go, and the MAC
 * addresses of next hops.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "lib/caps.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "parts/xdp_lb/state/state.h"

enum {
	/* Rings that are replaced together, and wait for the same RCU grace period. */
	RINGS_AT_ONCE = 128,
	/* Slots in the memory of a ring are two __u32 apart: array maps align values to 8 bytes. */
	LB_RING_STRIDE = 2,
};

/* True if a backend takes new connections as long as it is healthy. */
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
 * If the checks of all backends have failed, all are taken: either the checks are wrong, or
 * it does not matter.
 *
 * Return: how many.
 */
unsigned int lb_ring_members(const struct lb_state *state, unsigned int vip,
			     struct lb_ring_member *members)
{
	unsigned int n = collect(state, vip, true, members);

	return n ?: collect(state, vip, false, members);
}

/* --- what packets see -------------------------------------------------------------------- */

/**
 * struct new_ring - a ring that is to be published, so that packets see it
 * @state: the instance
 * @vip: number of the service
 * @fd: the map of the ring; -1: remove the ring of the service
 * @thread: the thread that publishes the ring
 * @err: result of the thread
 */
struct new_ring {
	const struct lb_state *state;
	unsigned int vip;
	int fd;
	pthread_t thread;
	int err;
};

static size_t ring_bytes(const struct lb_state *state)
{
	return (size_t)state->conf->table_size * LB_RING_STRIDE * sizeof(__u32);
}

/* Map the memory of a ring: a system call for each slot takes much longer. */
static __u32 *map_ring(const struct lb_state *state, int fd, int prot)
{
	void *at = mmap(NULL, ring_bytes(state), prot, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/**
 * lb_ring_create() - create a map for a ring
 * @size: slots
 *
 * All rings have the same flags and size: else the kernel refuses them for lb_rings.
 *
 * Return: its fd, or a negative errno.
 */
int lb_ring_create(__u32 size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_ring", sizeof(__u32), sizeof(__u32), size,
			      &opts);
}

/* Create a map with these slots; packets do not see it yet. Returns its fd or a negative errno. */
static int make_ring(const struct lb_state *state, const __u32 *slots)
{
	__u32 *at, i;
	int fd, err;

	fd = lb_ring_create(state->conf->table_size);
	if (fd < 0)
		return fd;
	at = map_ring(state, fd, PROT_READ | PROT_WRITE);
	if (!at) {
		err = -errno;
		close(fd);
		return err;
	}
	for (i = 0; i < state->conf->table_size; i++)
		at[i * LB_RING_STRIDE] = slots[i];
	munmap(at, ring_bytes(state));
	return fd;
}

/* Publish or remove a ring. Returns when no packet uses the old ring any more. */
static void *put_in_place(void *arg)
{
	struct new_ring *ring = arg;
	int fd = ring->state->rings_fd, err;

	if (ring->fd >= 0)
		err = bpf_map_update_elem(fd, &ring->vip, &ring->fd, BPF_ANY);
	else
		err = bpf_map_delete_elem(fd, &ring->vip);
	ring->err = err && errno != ENOENT ? -errno : 0;
	return NULL;
}

/*
 * For each ring the kernel waits until no packet uses the old ring any more, 10 to 30 ms (an
 * RCU grace period). Threads that wait at the same time share a grace period.
 */
static void put_all_in_place(struct new_ring *rings, unsigned int n)
{
	bool started[RINGS_AT_ONCE] = {};
	unsigned int i;

	for (i = 1; i < n; i++)
		started[i] = !pthread_create(&rings[i].thread, NULL, put_in_place, &rings[i]);
	for (i = 0; i < n; i++) {
		if (started[i])
			pthread_join(rings[i].thread, NULL);
		else
			put_in_place(&rings[i]);
	}
}

/* Publish rings, and close their maps. Returns the first error. */
static int publish_all(struct lb_state *state, struct new_ring *rings, unsigned int n)
{
	unsigned int i;
	int err = 0;

	put_all_in_place(rings, n);
	for (i = 0; i < n; i++) {
		if (rings[i].fd >= 0)
			close(rings[i].fd);
		if (rings[i].err && !err) {
			err = rings[i].err;
			pr_err("failed to publish the ring of %s: %s",
			       state->vip_infos[rings[i].vip].name, strerror(-err));
		}
	}
	return err;
}

/* List the next services of @which, from number @at on. Returns how many. */
static unsigned int take_some(struct lb_state *state, const bool which[LB_VIPS_MAX],
			      unsigned int *at, struct new_ring rings[RINGS_AT_ONCE])
{
	unsigned int n = 0;

	for (; *at < LB_VIPS_MAX && n < RINGS_AT_ONCE; (*at)++) {
		if (which[*at])
			rings[n++] = (struct new_ring){ .state = state, .vip = *at, .fd = -1 };
	}
	return n;
}

/**
 * lb_drop_rings() - remove the rings of services
 * @state: the instance
 * @which: the services; packets do not find them any more
 */
void lb_drop_rings(struct lb_state *state, const bool which[LB_VIPS_MAX])
{
	struct new_ring rings[RINGS_AT_ONCE];
	unsigned int at = 0, n;

	while ((n = take_some(state, which, &at, rings)))
		publish_all(state, rings, n);
}

/**
 * lb_read_ring() - read the ring that packets see
 * @state: the instance
 * @vip: number of the service
 * @ring: takes its slots
 *
 * Return: 0 or a negative errno.
 */
int lb_read_ring(const struct lb_state *state, unsigned int vip, __u32 *ring)
{
	__u32 id, *at, i;
	int fd, err = 0;

	if (bpf_map_lookup_elem(state->rings_fd, &vip, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	at = map_ring(state, fd, PROT_READ);
	if (!at)
		err = -errno;
	for (i = 0; at && i < state->conf->table_size; i++)
		ring[i] = at[i * LB_RING_STRIDE];
	if (at)
		munmap(at, ring_bytes(state));
	close(fd);
	return err;
}

/* --- building --------------------------------------------------------------------------- */

/* Backends that are kept out of the ring because they are unhealthy are down, others are up. */
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

/* Memory for building rings, one after the other. */
struct workshop {
	struct lb_ring_member *members;
	__u32 *slots;
};

static int build_one(struct lb_state *state, struct workshop *shop, struct new_ring *ring)
{
	unsigned int n = lb_ring_members(state, ring->vip, shop->members);
	int err = lb_ring_build(shop->members, n, state->conf->seed, shop->slots,
				state->conf->table_size);

	ring->fd = err ?: make_ring(state, shop->slots);
	if (ring->fd >= 0)
		return 0;
	if (!sample_refused(ring->fd, SAMPLE_NEED_BPF, "build the ring of %s",
			    state->vip_infos[ring->vip].name))
		pr_err("failed to build the ring of %s: %s", state->vip_infos[ring->vip].name,
		       strerror(-ring->fd));
	return ring->fd;
}

static int build_and_publish(struct lb_state *state, struct workshop *shop,
			     struct new_ring *rings, unsigned int n)
{
	unsigned int i, built;
	int err = 0, failed;

	for (built = 0; built < n; built++) {
		err = build_one(state, shop, &rings[built]);
		if (err)
			break;
	}
	failed = publish_all(state, rings, built);
	for (i = 0; i < built; i++) {
		if (rings[i].err)
			continue;
		set_states(state, rings[i].vip,
			   collect(state, rings[i].vip, true, shop->members));
		state->vip_infos[rings[i].vip].ring_stale = 0;
	}
	return err ?: failed;
}

/**
 * lb_ring_is_stale() - note that a service needs a new ring
 * @state: the instance
 * @vip: number of the service
 *
 * Call it before you write anything that the ring depends on. The note is in a pinned map: if
 * this process is killed before lb_build_rings(), the next one builds the ring.
 */
void lb_ring_is_stale(struct lb_state *state, unsigned int vip)
{
	__atomic_store_n(&state->vip_infos[vip].ring_stale, 1, __ATOMIC_SEQ_CST);
}

/**
 * lb_build_rings() - build new rings for the services that need one
 * @state: the instance
 *
 * Packets of a service see its new ring in one step.
 *
 * Return: 0, or a negative errno, which was printed; then some services keep their old rings,
 * and still need new ones.
 */
int lb_build_rings(struct lb_state *state)
{
	bool which[LB_VIPS_MAX];
	struct workshop shop = {
		.members = calloc(LB_BACKENDS_MAX, sizeof(*shop.members)),
		.slots = calloc(state->conf->table_size, sizeof(*shop.slots)),
	};
	struct new_ring rings[RINGS_AT_ONCE];
	unsigned int at = 0, n, i;
	int err = 0;

	for (i = 0; i < LB_VIPS_MAX; i++)
		which[i] = state->vip_infos[i].used && state->vip_infos[i].ring_stale;
	if (!shop.members || !shop.slots) {
		err = -ENOMEM;
		pr_err("failed to build a ring: out of memory");
	}
	while (!err && (n = take_some(state, which, &at, rings)))
		err = build_and_publish(state, &shop, rings, n);
	free(shop.members);
	free(shop.slots);
	return err;
}

/* --- next hops ------------------------------------------------------------------------ */

/*
 * Packets see these fields change word by word, not all at once. The interface is written
 * last, because it makes a new entry valid.
 */
static bool set_nexthop(struct lb_backend *backend, const struct lb_nexthop *hop)
{
	struct lb_backend new = *backend;

	new.ifindex = hop->resolved ? hop->ifindex : 0;
	new.mtu = hop->mtu > LB_MTU_MAX ? LB_MTU_MAX : hop->mtu;
	new.tunnel_src = hop->src;
	memcpy(new.dmac, hop->dmac, sizeof(new.dmac));
	memcpy(new.smac, hop->smac, sizeof(new.smac));
	/* Keep the old MAC address while the kernel asks for it again. */
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
 * lb_follow_nexthops() - update the ways to backends from the kernel's routes and neighbours
 * @state: the instance
 * @hops: for questions to the kernel
 * @vip: number of a service, -1: all services
 *
 * Return: true if all neighbours are known; the kernel has been asked to resolve the others.
 * A backend without a route does not count: only news of a change can help there.
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
			/* No route: packets would go nowhere. */
			__atomic_store_n(&backend->ifindex, 0, __ATOMIC_RELEASE);
			continue;
		}
		complete = set_nexthop(backend, &hop) && complete;
	}
	/* Errors of a single service are printed together with those of the others. */
	if (vip < 0)
		lb_nexthops_tell(hops);
	return complete;
}

/* --- health --------------------------------------------------------------------------- */

/**
 * lb_set_health() - note that a backend goes up or down
 * @state: the instance
 * @backend: its index
 * @up: true: up, false: down
 *
 * Packets see it after lb_build_rings().
 */
void lb_set_health(struct lb_state *state, unsigned int backend, bool up)
{
	if (state->backends[backend].state == LB_BACKEND_UNUSED ||
	    state->backend_infos[backend].unhealthy == !up)
		return;
	lb_ring_is_stale(state, state->backends[backend].vip);
	state->backend_infos[backend].unhealthy = !up;
}
