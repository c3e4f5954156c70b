/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What established connections do not need: the lookup of the service, and the choice
 * of a backend; bpf/enter.bpf.h enters what was chosen. These functions are global
 * ones in the sense of the verifier: it looks at each once, without knowing who calls it.
 */
#ifndef _XDP_LB_CONNECT_BPF_H
#define _XDP_LB_CONNECT_BPF_H

#include "addr4.h"
#include "parts/xdp_lb/bpf/enter.bpf.h"

/* --- services ----------------------------------------------------------------------- */

static __always_inline struct lb_vip *lb_find_vip(const struct lb_conn *conn)
{
	struct lb_vip_key key = {
		.addr = conn->key.vip,
		.port = conn->key.vport,
		.proto = conn->key.proto,
	};
	struct lb_vip *vip;

	vip = bpf_map_lookup_elem(&lb_vips, &key);
	if (vip)
		return vip;
	key.port = 0;
	return bpf_map_lookup_elem(&lb_vips, &key);
}

/* Some service has this address, and this protocol. */
static __always_inline bool lb_is_vip_addr(const struct lb_conn *conn)
{
	struct lb_vip_key key = { .addr = conn->key.vip, .proto = conn->key.proto, .marker = 1 };

	return bpf_map_lookup_elem(&lb_vips, &key);
}

/* By hash alone: the same on every balancer. */
static __always_inline __u32 lb_pick(const struct lb_conn *conn, __u32 vip)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	__u32 *backend, slot;
	void *ring;

	ring = bpf_map_lookup_elem(&lb_rings, &vip);
	if (!ring || !conf)
		return LB_NO_BACKEND;
	slot = lb_ring_slot(conn->hash, conf->table_size);
	backend = bpf_map_lookup_elem(ring, &slot);
	return backend ? *backend : LB_NO_BACKEND;
}

/* --- entering a connection ------------------------------------------------------------- */

/*
 * Where the hash decides, an entry only remembers. A SYN leaves none: a flood of
 * them finds nothing to fill.
 */
static __always_inline bool lb_worth_entering(const struct lb_conn *conn)
{
	struct lb_rate *rate;

	if (lb_is_tcp(conn) && conn->flags & (TCP_SYN | TCP_RST | TCP_FIN))
		return false;
	rate = lb_this_tick(conn->now);
	if (rate && rate->flows++ < lb_flow_limit)
		return true;
	lb_count(LB_INFO_STATELESS);
	return false;
}

static __always_inline void lb_fill(const struct lb_conn *conn, struct lb_flow *flow, __u16 gen)
{
	flow->key = conn->key;
	flow->backend = conn->backend;
	flow->gen = gen;
	flow->forward = conn->forward;
	flow->iface = conn->iface;
	flow->spilled = conn->spilled;
	lb_set_mac(flow->cmac, conn->mac);
}

/* Returns LB_GO, or a reason. */
static __always_inline int lb_enter(struct lb_conn *conn, __u16 gen)
{
	struct lb_flow *flow;
	int err;

	err = lb_claim(conn);
	if (err != LB_GO)
		return err;
	flow = lb_flow_at(conn->slot);
	if (!flow)
		return LB_DROP_ERROR;
	if (conn->forward == LB_NAT && !lb_claim_port(conn, flow)) {
		lb_give_back(conn);
		return LB_DROP_NO_PORT;
	}
	lb_fill(conn, flow, gen);
	/* It was held for seconds: this CPU stood still. */
	if (!lb_publish(conn, lb_first_state(conn)))
		return LB_DROP_BUSY;
	lb_account_connection(conn->backend);
	return LB_GO;
}

/* A connection that is there, and held, gets another backend; false: it lost its port. */
static __always_inline bool lb_move(struct lb_conn *conn, struct lb_flow *flow, __u16 gen)
{
	if (flow->spilled)
		lb_mark_spilled(conn->hash, conn->now);
	if (conn->forward == LB_NAT && !lb_keep_port(conn, flow, lb_first_state(conn)))
		return false;
	flow->backend = conn->backend;
	flow->gen = gen;
	if (lb_publish(conn, lb_first_state(conn)))
		lb_account_connection(conn->backend);
	return true;
}

/* Another CPU changes the entry. Where the hash says the same, it is not needed. */
static __always_inline int lb_busy(struct lb_conn *conn)
{
	conn->slot = LB_NO_SLOT;
	return lb_is_translated(conn->forward) ? LB_DROP_BUSY : LB_GO;
}

/**
 * lb_connect() - a packet without usable connection
 * @conn: @slot is LB_NO_SLOT, or that of a connection whose backend is gone; takes
 *	the backend, and the slot of the connection if it has one
 *
 * Return: LB_GO, or enum lb_reason.
 */
__noinline int lb_connect(struct lb_conn *conn)
{
	struct lb_backend *backend;
	struct lb_flow *flow;
	struct lb_vip *vip;
	int err;

	if (!conn)
		return LB_DROP_ERROR;
	vip = lb_find_vip(conn);
	if (!vip)
		return LB_PASS_OTHER;
	if (vip->forward == LB_NAT)
		lb_fetch_ports(conn);
	if (lb_is_translated(vip->forward) && lb_is_tcp(conn) && !lb_is_syn(conn))
		return LB_DROP_NO_CONNECTION;
	conn->forward = vip->forward;
	conn->backend = lb_pick(conn, vip->id);
	backend = lb_backend_at(conn->backend);
	if (!backend || backend->state == LB_BACKEND_UNUSED)
		return LB_DROP_NO_BACKEND;

	flow = conn->slot == LB_NO_SLOT ? NULL : lb_flow_at(conn->slot);
	if (flow) {
		if (!lb_hold(conn, conn->slot, conn->word))
			return lb_busy(conn);
		if (flow->forward == conn->forward && lb_move(conn, flow, backend->gen))
			return LB_GO;
		/* Without port, or of a service that was of another kind: as if there was none. */
		lb_give_back(conn);
	}
	if (!lb_is_translated(conn->forward) && !lb_worth_entering(conn))
		return LB_GO;
	err = lb_enter(conn, backend->gen);
	if (err == LB_GO || lb_is_translated(conn->forward))
		return err;
	/* The hash says the same for the next packet. */
	lb_count(LB_INFO_STATELESS);
	return LB_GO;
}

/* --- replies ------------------------------------------------------------------------ */

/**
 * lb_find_dnat() - LB_DNAT: the connection that a packet of a backend is of
 * @conn: its packet: @key.client is the backend, @key.vip the client; takes @slot, @word
 *
 * Return: 1 if there is one.
 */
__noinline int lb_find_dnat(struct lb_conn *conn)
{
	struct lb_vip_key from = {}, *vip;
	struct lb_key own;
	struct lb_flow *flow;
	const struct lb_kern_conf *conf = lb_get_conf();

	if (!conn || !conf)
		return 0;
	from.addr = conn->key.client;
	from.port = conn->key.cport;
	from.proto = conn->key.proto;
	vip = bpf_map_lookup_elem(&lb_dnat, &from);
	if (!vip) {
		from.port = 0;
		vip = bpf_map_lookup_elem(&lb_dnat, &from);
	}
	if (!vip)
		return 0;
	own = conn->key;
	conn->key.client = own.vip;
	conn->key.cport = own.vport;
	conn->key.vip = vip->addr;
	conn->key.vport = vip->port ?: own.cport;
	conn->hash = lb_hash(&conn->key, addr_is4(conn->key.vip.a), conf->seed);
	flow = lb_find(conn);
	conn->key = own;
	return flow && flow->forward == LB_DNAT && lb_is_from(flow, &own.client, own.cport);
}

/* --- what ICMP errors are about --------------------------------------------------------- */

/**
 * lb_find_quoted_reply() - as for a packet of a backend
 * @conn: takes @slot, @word
 *
 * Return: 1 if it is of a connection.
 */
__noinline int lb_find_quoted_reply(struct lb_conn *conn)
{
	const struct lb_kern_conf *conf = lb_get_conf();

	if (!conn || !conf)
		return 0;
	if (lb_find_port(conn, conf))
		return 1;
	return conf->has_dnat ? lb_find_dnat(conn) : 0;
}

/**
 * lb_find_quoted_request() - as for a packet of a client, but opening nothing
 * @conn: takes @slot, @word, @backend, @forward
 *
 * Return: 1 if it has a backend.
 */
__noinline int lb_find_quoted_request(struct lb_conn *conn)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	struct lb_backend *backend;
	struct lb_flow *flow;
	struct lb_vip *vip;

	if (!conn || !conf)
		return 0;
	conn->slot = LB_NO_SLOT;
	conn->hash = lb_hash(&conn->key, addr_is4(conn->key.vip.a), conf->seed);
	flow = lb_find(conn);
	if (flow) {
		conn->backend = flow->backend;
		conn->forward = flow->forward;
		backend = lb_backend_at(flow->backend);
		return backend && backend->gen == flow->gen;
	}
	vip = lb_find_vip(conn);
	if (!vip || lb_is_translated(vip->forward))
		return 0;
	conn->forward = vip->forward;
	conn->backend = lb_pick(conn, vip->id);
	backend = lb_backend_at(conn->backend);
	return backend && backend->state != LB_BACKEND_UNUSED;
}

/* --- fragments ------------------------------------------------------------------------ */

/**
 * lb_fragment() - ports of a fragment
 * @conn: of the first fragment: they are kept; of a later one: takes them
 * @id: identification
 * @first: it is the first
 *
 * Return: LB_GO, or enum lb_reason: the first one is not known.
 */
__noinline int lb_fragment(struct lb_conn *conn, __be32 id, __u32 first)
{
	struct lb_frag_ports *known, ports = {};
	struct lb_frag_key key = {};

	if (!conn)
		return LB_DROP_ERROR;
	key.src = conn->key.client;
	key.dst = conn->key.vip;
	key.id = id;
	key.proto = conn->key.proto;
	if (first) {
		ports.sport = conn->key.cport;
		ports.dport = conn->key.vport;
		bpf_map_update_elem(&lb_frags, &key, &ports, BPF_ANY);
		return LB_GO;
	}
	known = bpf_map_lookup_elem(&lb_frags, &key);
	if (!known)
		return lb_is_vip_addr(conn) ? LB_DROP_FRAGMENT : LB_PASS_OTHER;
	conn->key.cport = known->sport;
	conn->key.vport = known->dport;
	return LB_GO;
}

#endif /* _XDP_LB_CONNECT_BPF_H */
