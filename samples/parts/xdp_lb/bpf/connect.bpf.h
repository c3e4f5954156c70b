/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only new connections, replies of LB_DNAT, ICMP errors and fragments need: the lookup
 * of the service, and the choice of a backend; bpf/enter.bpf.h enters the connection. The
 * functions without "static" are global functions for the verifier: it checks each once,
 * however many callers there are.
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

/* True if a service has this address and protocol, with any port. */
static __always_inline bool lb_is_vip_addr(const struct lb_conn *conn)
{
	struct lb_vip_key key = { .addr = conn->key.vip, .proto = conn->key.proto, .marker = 1 };

	return bpf_map_lookup_elem(&lb_vips, &key);
}

/* The backend that the hash selects: the same one on every balancer. */
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
 * In LB_DSR and LB_IPIP the hash selects the backend; an entry only keeps the connection
 * there when the ring changes. A SYN makes no entry, so a SYN flood cannot fill the table.
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

/* Claim a slot and a port, and publish the connection. Returns LB_GO or enum lb_reason. */
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
	/* Fails if this CPU was stopped for seconds: the claim timed out, the slot was taken. */
	if (!lb_publish(conn, lb_first_state(conn)))
		return LB_DROP_BUSY;
	lb_account_connection(conn->backend);
	return LB_GO;
}

/* Move a claimed connection to another backend. False if it has lost its port. */
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

/* Another CPU changes the entry. Without translation the packet can go by the hash alone. */
static __always_inline int lb_busy(struct lb_conn *conn)
{
	conn->slot = LB_NO_SLOT;
	return lb_is_translated(conn->forward) ? LB_DROP_BUSY : LB_GO;
}

/**
 * lb_connect() - choose a backend for a packet without usable connection
 * @conn: @slot is LB_NO_SLOT, or the slot of a connection that is not usable; @backend,
 *	@forward and @slot are set, @slot to LB_NO_SLOT if there is no entry
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
		/* The entry has lost its port, or is of another mode: enter the connection anew. */
		lb_give_back(conn);
	}
	if (!lb_is_translated(conn->forward) && !lb_worth_entering(conn))
		return LB_GO;
	err = lb_enter(conn, backend->gen);
	if (err == LB_GO || lb_is_translated(conn->forward))
		return err;
	/* Without entry, the next packet goes by the hash to the same backend. */
	lb_count(LB_INFO_STATELESS);
	return LB_GO;
}

/* --- replies ------------------------------------------------------------------------ */

/**
 * lb_find_dnat() - LB_DNAT: find the connection of a backend's packet
 * @conn: @key.client is the backend, @key.vip the client; @slot and @word are set
 *
 * Return: 1 if there is a connection, else 0.
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

/* --- connections that ICMP errors quote -------------------------------------------------- */

/**
 * lb_find_quoted_reply() - find the connection of a quoted packet to a backend
 * @conn: the quoted packet in reverse, as if the backend had sent it; @slot and @word are set
 *
 * Return: 1 if there is a connection, else 0.
 */
__noinline int lb_find_quoted_reply(struct lb_conn *conn)
{
	const struct lb_kern_conf *conf = lb_get_conf();

	if (!conn || !conf)
		return 0;
	if (lb_look_up_port(conn))
		return 1;
	return conf->has_dnat ? lb_find_dnat(conn) : 0;
}

/**
 * lb_find_quoted_request() - find the backend that sent a quoted packet to a client
 * @conn: the quoted packet in reverse, as if the client had sent it; @slot, @word, @backend
 *	and @forward are set
 *
 * No connection is entered.
 *
 * Return: 1 if there is a backend.
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
 * lb_fragment() - keep the ports of a first fragment, or give them to a later one
 * @conn: connection of the fragment; the ports are set in a later one
 * @id: identification, network byte order
 * @first: 1: it is the first fragment
 *
 * Return: LB_GO, or enum lb_reason if the first fragment has not been seen.
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
