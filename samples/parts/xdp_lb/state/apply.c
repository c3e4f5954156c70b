// SPDX-License-Identifier: GPL-2.0
/*
 * Bring the maps into line with a configuration, by differences: a service is known by its
 * address, port, protocol and forwarding mode, a backend by its address and port. What stays
 * keeps its number, its counters and its connections.
 *
 * The order of the changes keeps packets from seeing half of them: what a service needs is
 * there before the service, and goes after the service.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include "lib/log.h"
#include "lib/net.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/state/state.h"

static struct lb_vip_key key_of(const struct lb_vip_conf *vip)
{
	struct lb_vip_key key = { .addr = vip->addr, .port = htons(vip->port),
				  .proto = vip->proto };

	return key;
}

static bool same_key(const struct lb_vip_key *a, const struct lb_vip_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* --- what is there --------------------------------------------------------------------- */

/* The number of a service with the same key and forwarding mode; -1: there is none. */
static int find_vip(const struct lb_state *state, const struct lb_vip_conf *vip)
{
	struct lb_vip_key key = key_of(vip);
	int i;

	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (state->vip_infos[i].used && same_key(&state->vip_infos[i].key, &key) &&
		    state->vip_infos[i].forward == vip->forward)
			return i;
	}
	return -1;
}

static int find_backend(const struct lb_state *state, unsigned int vip,
			const struct lb_backend_conf *conf)
{
	int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state != LB_BACKEND_UNUSED && backend->vip == vip &&
		    backend->port == htons(conf->port) &&
		    !memcmp(&backend->addr, &conf->addr, sizeof(conf->addr)))
			return i;
	}
	return -1;
}

static const struct lb_vip_conf *conf_of(const struct lb_conf *conf,
					 const struct lb_vip_info *info)
{
	struct lb_vip_key key;
	unsigned int i;

	for (i = 0; i < conf->n_vips; i++) {
		key = key_of(&conf->vips[i]);
		if (same_key(&key, &info->key) && conf->vips[i].forward == info->forward)
			return &conf->vips[i];
	}
	return NULL;
}

static bool is_configured(const struct lb_vip_conf *vip, const struct lb_backend *backend)
{
	unsigned int i;

	for (i = 0; i < vip->n_backends; i++) {
		if (backend->port == htons(vip->backends[i].port) &&
		    !memcmp(&backend->addr, &vip->backends[i].addr, sizeof(backend->addr)))
			return true;
	}
	return false;
}

/* --- backends ----------------------------------------------------------------------- */

static void clear_stats(const struct lb_state *state, __u32 index)
{
	struct lb_backend_stats *zero = calloc(libbpf_num_possible_cpus(), sizeof(*zero));

	if (zero)
		bpf_map_update_elem(state->stats_fd, &index, zero, BPF_ANY);
	free(zero);
}

static int add_backend(struct lb_state *state, unsigned int vip,
		       const struct lb_backend_conf *conf)
{
	struct lb_backend new = { .addr = conf->addr, .port = htons(conf->port), .vip = vip };
	int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		if (state->backends[i].state == LB_BACKEND_UNUSED)
			break;
	}
	if (i == LB_BACKENDS_MAX)
		return -ENOSPC;
	/* Connections of the backend that had the entry before do not match the new generation. */
	new.gen = state->backends[i].gen + 1;
	clear_stats(state, i);
	memset(&state->backend_infos[i], 0, sizeof(state->backend_infos[i]));
	state->backends[i] = new;
	__atomic_store_n(&state->backends[i].state, LB_BACKEND_UP, __ATOMIC_RELEASE);
	return i;
}

static void remove_backend(struct lb_state *state, unsigned int i)
{
	__u16 gen = state->backends[i].gen;

	__atomic_store_n(&state->backends[i].state, LB_BACKEND_UNUSED, __ATOMIC_RELEASE);
	memset(&state->backends[i], 0, sizeof(state->backends[i]));
	state->backends[i].gen = gen;
}

/* Add or change backends. Returns how many changed, or a negative errno. */
static int apply_backends(struct lb_state *state, unsigned int vip,
			  const struct lb_vip_conf *conf)
{
	int i, changed = 0;
	unsigned int k;

	for (k = 0; k < conf->n_backends; k++) {
		struct lb_backend_info *info;

		i = find_backend(state, vip, &conf->backends[k]);
		if (i < 0) {
			i = add_backend(state, vip, &conf->backends[k]);
			changed++;
		}
		if (i < 0)
			return i;
		info = &state->backend_infos[i];
		changed += info->weight != conf->backends[k].weight;
		info->weight = conf->backends[k].weight;
		memcpy(info->name, conf->backends[k].name, sizeof(info->name));
	}
	return changed;
}

/* Remove backends that are not configured, all without @conf: the ring no longer has them. */
static void remove_backends(struct lb_state *state, unsigned int vip,
			    const struct lb_vip_conf *conf)
{
	unsigned int i;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state != LB_BACKEND_UNUSED && backend->vip == vip &&
		    (!conf || !is_configured(conf, backend)))
			remove_backend(state, i);
	}
}

/* Backends that are not configured get weight 0: the ring is built without. Returns how many. */
static int retire_backends(struct lb_state *state, unsigned int vip,
			   const struct lb_vip_conf *conf)
{
	int i, changed = 0;

	for (i = 0; i < LB_BACKENDS_MAX; i++) {
		const struct lb_backend *backend = &state->backends[i];

		if (backend->state == LB_BACKEND_UNUSED || backend->vip != vip ||
		    is_configured(conf, backend))
			continue;
		state->backend_infos[i].weight = 0;
		changed++;
	}
	return changed;
}

/* --- services ----------------------------------------------------------------------- */

static int write_dnat(const struct lb_state *state, const struct lb_vip_conf *conf, bool add)
{
	struct lb_vip_key to = key_of(conf), from = { .proto = conf->proto };
	unsigned int i;

	for (i = 0; i < conf->n_backends && conf->forward == LB_DNAT; i++) {
		from.addr = conf->backends[i].addr;
		from.port = htons(conf->backends[i].port);
		if (add && bpf_map_update_elem(state->dnat_fd, &from, &to, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Remove backends that are gone from lb_dnat, which says to which service replies belong. */
static void clean_dnat(const struct lb_state *state, const struct lb_conf *conf)
{
	struct lb_vip_key from, next, to, *at = NULL;
	const struct lb_vip_conf *vip;
	unsigned int i, k;
	bool keep;

	while (!bpf_map_get_next_key(state->dnat_fd, at, &next)) {
		keep = false;
		for (i = 0; i < conf->n_vips && !keep; i++) {
			vip = &conf->vips[i];
			to = key_of(vip);
			for (k = 0; k < vip->n_backends && vip->forward == LB_DNAT; k++) {
				if (next.port == htons(vip->backends[k].port) &&
				    next.proto == to.proto &&
				    !memcmp(&next.addr, &vip->backends[k].addr, sizeof(next.addr)))
					keep = true;
			}
		}
		if (!keep)
			bpf_map_delete_elem(state->dnat_fd, &next);
		from = next;
		/* The kernel cannot go on from a key that was deleted: begin again. */
		at = keep ? &from : NULL;
	}
}

static int free_vip(const struct lb_state *state)
{
	int i;

	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (!state->vip_infos[i].used)
			return i;
	}
	return -ENOSPC;
}

/* Enter a service into lb_vips: from here on packets see it. */
static int announce_vip(struct lb_state *state, unsigned int id, const struct lb_vip_conf *conf)
{
	struct lb_vip_key key = key_of(conf), marker = key;
	struct lb_vip vip = { .id = id, .forward = conf->forward };

	marker.port = 0;
	marker.marker = 1;
	if (bpf_map_update_elem(state->vips_fd, &key, &vip, BPF_ANY) ||
	    bpf_map_update_elem(state->vips_fd, &marker, &vip, BPF_ANY))
		return -errno;
	return 0;
}

/* False for a service whose process was killed after prepare_vip(), before announce_vip(). */
static bool is_announced(const struct lb_state *state, const struct lb_vip_conf *conf)
{
	struct lb_vip_key key = key_of(conf);
	struct lb_vip vip;

	return !bpf_map_lookup_elem(state->vips_fd, &key, &vip);
}

/* Remove a service; the marker stays if another service has the same address and protocol. */
static void forget_vip(struct lb_state *state, unsigned int id)
{
	struct lb_vip_info *info = &state->vip_infos[id];
	struct lb_vip_key marker = info->key;
	unsigned int i;
	bool shared = false;

	bpf_map_delete_elem(state->vips_fd, &info->key);
	for (i = 0; i < LB_VIPS_MAX && !shared; i++)
		shared = i != id && state->vip_infos[i].used &&
			 state->vip_infos[i].key.proto == marker.proto &&
			 !memcmp(&state->vip_infos[i].key.addr, &marker.addr,
				 sizeof(marker.addr));
	marker.port = 0;
	marker.marker = 1;
	if (!shared)
		bpf_map_delete_elem(state->vips_fd, &marker);
	remove_backends(state, id, NULL);
	/* Last: if this process is killed before, the next one removes the service again. */
	info->used = 0;
}

static void forget_vips(struct lb_state *state, const bool which[LB_VIPS_MAX])
{
	unsigned int i;

	for (i = 0; i < LB_VIPS_MAX; i++) {
		if (which[i])
			forget_vip(state, i);
	}
	lb_drop_rings(state, which);
}

static void remove_vips(struct lb_state *state, const struct lb_conf *conf)
{
	bool gone[LB_VIPS_MAX];
	unsigned int i;

	for (i = 0; i < LB_VIPS_MAX; i++)
		gone[i] = state->vip_infos[i].used && !conf_of(conf, &state->vip_infos[i]);
	forget_vips(state, gone);
}

/**
 * struct plan - what is to be done with the services, by number
 * @conf: configuration of the service; NULL: it is not configured
 * @is_new: packets do not see the service yet
 * @retired: the service has backends to be removed when its new ring is in place
 */
struct plan {
	const struct lb_vip_conf *conf[LB_VIPS_MAX];
	bool is_new[LB_VIPS_MAX];
	bool retired[LB_VIPS_MAX];
};

/* Prepare all that a service needs, except its ring. */
static int prepare_vip(struct lb_state *state, const struct lb_vip_conf *conf,
		       struct lb_nexthops *hops, struct plan *plan)
{
	int id = find_vip(state, conf), changed;
	bool is_new = id < 0 || !is_announced(state, conf);
	struct lb_vip_info *info;
	bool was_stale;

	if (id < 0)
		id = free_vip(state);
	if (id < 0)
		return id;
	info = &state->vip_infos[id];
	was_stale = is_new || info->ring_stale;
	lb_ring_is_stale(state, id);
	memcpy(info->name, conf->name, sizeof(info->name));
	info->key = key_of(conf);
	info->forward = conf->forward;
	info->check = conf->check;
	info->used = 1;
	plan->conf[id] = conf;
	plan->is_new[id] = is_new;
	changed = apply_backends(state, id, conf);
	if (changed < 0)
		return changed;
	plan->retired[id] = retire_backends(state, id, conf);
	info->ring_stale = was_stale || changed || plan->retired[id];
	lb_follow_nexthops(state, hops, id);
	return write_dnat(state, conf, true);
}

/* Let packets see what was prepared. After an error, @is_new marks what they do not see. */
static int finish_vips(struct lb_state *state, struct plan *plan)
{
	unsigned int id;
	int err = 0;

	for (id = 0; id < LB_VIPS_MAX && !err; id++) {
		if (plan->is_new[id])
			err = announce_vip(state, id, plan->conf[id]);
		if (!err && plan->retired[id])
			remove_backends(state, id, plan->conf[id]);
		plan->is_new[id] = plan->is_new[id] && err;
	}
	return err;
}

static int apply_vips(struct lb_state *state, const struct lb_conf *conf,
		      struct lb_nexthops *hops)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	unsigned int i;
	int err = plan ? 0 : -ENOMEM;

	if (err)
		return err;
	for (i = 0; i < conf->n_vips && !err; i++)
		err = prepare_vip(state, &conf->vips[i], hops, plan);
	/* Build all rings at once, as it is the rings that take long. */
	if (!err)
		err = lb_build_rings(state);
	if (!err)
		err = finish_vips(state, plan);
	/* Remove the new services that were not announced. */
	if (err)
		forget_vips(state, plan->is_new);
	free(plan);
	return err;
}

/* --- what else the program must know ---------------------------------------------------- */

static void make_filter(const struct lb_state *state, const struct lb_conf *conf,
			struct lb_addr_filter *filter)
{
	unsigned int i, k;

	memset(filter, 0, sizeof(*filter));
	for (i = 0; i < state->conf->n_snat; i++)
		lb_filter_add(filter, &state->conf->snat[i].addr);
	for (i = 0; i < conf->n_vips; i++) {
		lb_filter_add(filter, &conf->vips[i].addr);
		for (k = 0; k < conf->vips[i].n_backends; k++) {
			if (conf->vips[i].forward == LB_DNAT)
				lb_filter_add(filter, &conf->vips[i].backends[k].addr);
		}
	}
}

static bool has_forward(const struct lb_conf *conf, unsigned int forward)
{
	unsigned int i;

	for (i = 0; i < conf->n_vips; i++) {
		if (conf->vips[i].forward == forward)
			return true;
	}
	return false;
}

/* Ask the kernel about an interface: @what is SIOCGIF..., the answer is in @req. */
static int ask_iface(const char *ifname, unsigned long what, struct ifreq *req)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, what, req))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_mac(const char *ifname, __u8 mac[ETH_ALEN])
{
	struct ifreq req = {};
	int err = ask_iface(ifname, SIOCGIFHWADDR, &req);

	if (err)
		pr_err("failed to read the MAC address of %s: %s", ifname, strerror(-err));
	else
		memcpy(mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	return err;
}

/* Read what may change while the program is attached to an interface: its MTU, its MAC address. */
static void follow_iface(struct lb_iface *iface, const char *ifname)
{
	struct ifreq req;

	if (!ask_iface(ifname, SIOCGIFMTU, &req))
		iface->mtu = req.ifr_mtu > LB_MTU_MAX ? LB_MTU_MAX : req.ifr_mtu;
	if (!ask_iface(ifname, SIOCGIFHWADDR, &req))
		memcpy(iface->mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
}

/**
 * lb_follow_ifaces() - read the MTU and the MAC address of each interface again
 * @state: the instance, locked
 *
 * The entry of an interface that is gone stays as it is.
 */
void lb_follow_ifaces(struct lb_state *state)
{
	char name[IF_NAMESIZE];
	unsigned int i;

	for (i = 0; i < state->conf->n_ifaces; i++) {
		if (if_indextoname(state->conf->iface[i].ifindex, name))
			follow_iface(&state->conf->iface[i], name);
	}
}

/**
 * lb_apply_iface() - tell the program about an interface
 * @state: the instance, locked
 * @i: its index in lb_kern_conf.iface, which connections refer to
 * @ifname: its name
 *
 * Return: 0, or -ENODEV, which was printed; then nothing is changed.
 */
int lb_apply_iface(struct lb_state *state, unsigned int i, const char ifname[LB_IFNAME_MAX])
{
	unsigned int ifindex = sample_ifindex(ifname);

	if (!ifindex || read_mac(ifname, state->conf->iface[i].mac))
		return -ENODEV;
	/* memmove(), because @ifname may be this very entry. */
	memmove(state->meta->ifnames[i], ifname, LB_IFNAME_MAX);
	__atomic_store_n(&state->conf->iface[i].ifindex, ifindex, __ATOMIC_RELEASE);
	return 0;
}

static int apply_ifaces(struct lb_state *state, const struct lb_conf *conf)
{
	unsigned int i;
	int err;

	for (i = 0; i < conf->n_ifnames; i++) {
		err = lb_apply_iface(state, i, conf->ifnames[i]);
		if (err)
			return err;
	}
	state->conf->n_ifaces = conf->n_ifnames;
	lb_follow_ifaces(state);
	return 0;
}

/* Say which instances were not looked at: another version of this program has made them. */
static void tell_unknown(const struct lb_instances *all)
{
	unsigned int i;

	for (i = 0; i < all->n; i++) {
		if (!all->at[i].known)
			pr_info("instance %s was made by another version of this program: what it has in common with this one cannot be told",
				all->at[i].name);
	}
}

static int apply_beside(struct lb_state *state, const struct lb_conf *conf,
			struct lb_nexthops *hops, const struct lb_instances *all)
{
	struct lb_addr_filter filter;
	struct lb_clash clash;
	int err;

	if (lb_conf_clashes(all, conf, state->meta->mode, &clash))
		return lb_refuse_clash(&clash);
	err = apply_ifaces(state, conf);
	if (err)
		return err;
	err = lb_apply_snat(state, conf, hops, all);
	if (err)
		return err;
	remove_vips(state, conf);
	err = apply_vips(state, conf, hops);
	if (err) {
		pr_err("failed to apply the configuration: %s", strerror(-err));
		return err;
	}
	state->conf->has_dnat = has_forward(conf, LB_DNAT);
	clean_dnat(state, conf);
	make_filter(state, conf, &filter);
	memcpy(state->filter, &filter, sizeof(filter));
	state->meta->generation++;
	return 0;
}

/**
 * lb_apply() - bring an instance into line with a configuration
 * @state: the instance, locked
 * @conf: valid configuration
 * @hops: next hops
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_apply(struct lb_state *state, const struct lb_conf *conf, struct lb_nexthops *hops)
{
	struct lb_instances all;
	int err;

	err = lb_room_refuse(conf, hops);
	if (err)
		return err;
	err = lb_instances_read(&all, true);
	if (err)
		pr_err("failed to look for other instances: %s", strerror(-err));
	else
		tell_unknown(&all);
	if (!err)
		err = apply_beside(state, conf, hops, &all);
	lb_instances_free(&all);
	return err;
}
