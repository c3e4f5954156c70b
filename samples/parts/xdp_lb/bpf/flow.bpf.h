/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow table: connection -> backend. The hash of a connection selects two buckets of
 * seven slots. The first cache line of a bucket has a word for each slot, with the tag, the
 * last use and the state of a connection; struct lb_flow is another cache line of the same
 * page. A packet of an established connection reads these two lines. It reads the second
 * bucket only if the first one says that connections had to go there (lb_has_spilled()).
 *
 * A CPU claims and frees a slot by compare-and-exchange of its word. A connection has one
 * entry in every mode. In LB_NAT, each connection gets a port of a SNAT address, to which the
 * backend replies; lb_find_port() maps that port to the slot of the connection.
 */
#ifndef _XDP_LB_FLOW_BPF_H
#define _XDP_LB_FLOW_BPF_H

#include "addr4.h"
#include "once.bpf.h"
#include "parts/xdp_lb/bpf/pkt.bpf.h"

enum {
	LB_NO_SLOT = 0xffffffff,
	/* No enum lb_reason: the packet goes on, or its sender gets an error (lb_too_big()). */
	LB_GO = -1,
	LB_ANSWER = -2,
};

/* A slot whose state is less than LB_FLOW_SYN has no connection; a word of 0 is free. */
_Static_assert(LB_FLOW_FREE == 0 && LB_FLOW_CLAIMED == 1 && LB_FLOW_SYN == 2,
	       "LB_FLOW_FREE and LB_FLOW_CLAIMED come first");
_Static_assert((LB_TIMEOUTS & (LB_TIMEOUTS - 1)) == 0 && __LB_FLOW_STATE_MAX <= LB_TIMEOUTS,
	       "a state is masked by LB_TIMEOUTS - 1");
_Static_assert(sizeof(struct lb_key) == 5 * sizeof(__u64), "lb_same_key() compares five words");

static __always_inline struct lb_bucket *lb_bucket_at(__u32 index)
{
	return bpf_map_lookup_elem(&lb_buckets, &index);
}

static __always_inline __u64 *lb_word_at(__u32 slot)
{
	struct lb_bucket *bucket = lb_bucket_at(slot / LB_BUCKET_LINES);

	if (!bucket)
		return NULL;
	/* Clang 19 would add to the pointer before the test for NULL; the verifier refuses. */
	barrier_var(bucket);
	return &bucket->word[slot % LB_BUCKET_LINES];
}

static __always_inline struct lb_flow *lb_flow_at(__u32 slot)
{
	struct lb_bucket *bucket = lb_bucket_at(slot / LB_BUCKET_LINES);

	if (!bucket)
		return NULL;
	barrier_var(bucket);
	return &bucket->line[slot % LB_BUCKET_LINES];
}

/*
 * Words of slots change only in this way: by compare-and-exchange with the word that this
 * CPU has read, which is a full barrier. False: another CPU has changed the word, and the
 * slot may belong to another connection now.
 */
static __always_inline bool lb_replace_word(__u32 slot, __u64 old, __u64 new)
{
	__u64 *word = lb_word_at(slot);

	return word && __sync_val_compare_and_swap(word, old, new) == old;
}

/* Claim a slot: no other CPU finds or takes it until lb_publish() or lb_give_back(). */
static __always_inline bool lb_hold(struct lb_conn *conn, __u32 slot, __u64 old)
{
	__u64 word = LB_WORD(conn->now, lb_hash_tag(conn->hash), LB_FLOW_CLAIMED);

	if (!lb_replace_word(slot, old, word))
		return false;
	conn->slot = slot;
	conn->word = word;
	return true;
}

static __always_inline bool lb_publish(struct lb_conn *conn, __u8 state)
{
	__u64 word = LB_WORD(conn->now, lb_hash_tag(conn->hash), state);
	bool ours = lb_replace_word(conn->slot, conn->word, word);

	conn->word = word;
	return ours;
}

static __always_inline void lb_give_back(struct lb_conn *conn)
{
	lb_replace_word(conn->slot, conn->word, 0);
	conn->slot = LB_NO_SLOT;
}

static __always_inline __u64 lb_age(__u64 word, __u32 now)
{
	return (__u32)(now - LB_WORD_LAST(word));
}

static __always_inline __u64 lb_is_over(__u64 word, __u32 now)
{
	return lb_less(lb_timeouts[LB_WORD_STATE(word) & (LB_TIMEOUTS - 1)],
		       lb_age(word, now));
}

static __always_inline bool lb_same_key(const struct lb_key *a, const struct lb_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		 (x[4] ^ y[4]));
}

static __always_inline bool lb_find_in(struct lb_conn *conn, __u32 index)
{
	__u32 wanted = lb_hash_tag(conn->hash), i;
	struct lb_bucket *bucket = lb_bucket_at(index);
	__u64 word;

	if (!bucket)
		return false;
	for (i = 1; i < LB_BUCKET_LINES; i++) {
		word = READ_ONCE(bucket->word[i]);
		if (LB_WORD_TAG(word) != wanted || LB_WORD_STATE(word) < LB_FLOW_SYN)
			continue;
		if (!lb_same_key(&bucket->line[i].key, &conn->key))
			continue;
		conn->slot = index * LB_BUCKET_LINES + i;
		conn->word = word;
		return true;
	}
	return false;
}

/*
 * True if a connection of this first bucket may be in its second bucket. No state times out
 * later than LB_FLOW_ESTABLISHED, so an older mark is of connections that are over.
 */
static __always_inline bool lb_has_spilled(__u32 index, __u32 now)
{
	struct lb_bucket *bucket = lb_bucket_at(index);

	return bucket &&
	       now - LB_WORD_LAST(READ_ONCE(bucket->word[0])) <= lb_timeouts[LB_FLOW_ESTABLISHED];
}

/**
 * lb_look_up() - find the connection of a client's packet
 * @conn: connection of the packet; @slot and @word are set
 *
 * This function and lb_look_up_port() are global: what they loop over is checked once, and not
 * on each path to them. The verifier forgets what it knew about @conn, and so walks the rest of
 * the path less often.
 *
 * Return: 1, or 0 if there is none.
 */
__noinline int lb_look_up(struct lb_conn *conn)
{
	__u32 index;

	if (!conn)
		return 0;
	index = lb_hash_bucket(conn->hash, 0, lb_n_buckets);
	if (lb_find_in(conn, index))
		return 1;
	if (!lb_has_spilled(index, conn->now))
		return 0;
	return lb_find_in(conn, lb_hash_bucket(conn->hash, 1, lb_n_buckets));
}

/* Find the connection of a client's packet, or NULL. Sets @slot and @word. */
static __always_inline struct lb_flow *lb_find(struct lb_conn *conn)
{
	return lb_look_up(conn) ? lb_flow_at(conn->slot) : NULL;
}

/* The index of a SNAT address in the configuration, or -1. */
static __always_inline int lb_snat_index(const struct lb_kern_conf *conf,
					 const struct lb_addr *addr)
{
	int i;

	for (i = 0; i < LB_SNAT_MAX && i < (int)conf->n_snat; i++) {
		if (lb_same_addr(&conf->snat[i].addr, addr))
			return i;
	}
	return -1;
}

static __always_inline struct lb_backend *lb_backend_at(__u32 index)
{
	return bpf_map_lookup_elem(&lb_backends, &index);
}

/* True if addr:port is this flow's backend. */
static __always_inline bool lb_is_from(const struct lb_flow *flow, const struct lb_addr *addr,
				       __be16 port)
{
	struct lb_backend *backend = lb_backend_at(flow->backend);

	return backend && backend->gen == flow->gen && lb_same_addr(&backend->addr, addr) &&
	       (backend->port ?: flow->key.vport) == port;
}

/* LB_NAT: the line of eight ports that has @port (host byte order). */
static __always_inline struct lb_port_line *lb_port_line_at(const struct lb_conn *conn, __u32 snat,
							    __u32 port)
{
	__u32 index = LB_REVERSE_INDEX(snat, !lb_is_tcp(conn), port);

	return bpf_map_lookup_elem(&lb_reverse, &index);
}

/* LB_NAT: the LB_PORT() entry of @port. */
static __always_inline __u64 *lb_port_entry(const struct lb_conn *conn, __u32 snat, __be16 port)
{
	__u32 number = bpf_ntohs(port);
	struct lb_port_line *line = lb_port_line_at(conn, snat, number);

	if (!line)
		return NULL;
	barrier_var(line);
	return &line->port[number % LB_LINE_PORTS];
}

/**
 * lb_look_up_port() - LB_NAT: find the connection of a backend's packet by its destination
 * @conn: connection of the packet; @slot and @word are set
 *
 * Return: 1, or 0 if the destination is no port of a SNAT address that a connection has.
 */
__noinline int lb_look_up_port(struct lb_conn *conn)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	struct lb_flow *flow;
	__u64 *entry, *word, owner;
	int snat;

	if (!conn || !conf)
		return 0;
	snat = lb_snat_index(conf, &conn->key.vip);
	if (snat < 0)
		return 0;
	entry = lb_port_entry(conn, snat, conn->key.vport);
	owner = entry ? READ_ONCE(*entry) : 0;
	if (!owner)
		return 0;
	conn->slot = LB_PORT_SLOT(owner);
	word = lb_word_at(conn->slot);
	flow = lb_flow_at(conn->slot);
	if (!word || !flow)
		return 0;
	conn->word = READ_ONCE(*word);
	if (LB_WORD_STATE(conn->word) < LB_FLOW_SYN || flow->forward != LB_NAT ||
	    flow->sport != conn->key.vport || flow->snat != snat ||
	    flow->key.proto != conn->key.proto)
		return 0;
	return lb_is_from(flow, &conn->key.client, conn->key.cport);
}

/* LB_NAT: find the connection of a backend's packet, or NULL. Sets @slot and @word. */
static __always_inline struct lb_flow *lb_find_port(struct lb_conn *conn)
{
	return lb_look_up_port(conn) ? lb_flow_at(conn->slot) : NULL;
}

/* In these modes a connection needs an entry, which tells how to translate its replies. */
static __always_inline bool lb_is_translated(__u8 forward)
{
	return forward == LB_NAT || forward == LB_DNAT;
}

/* --- states ----------------------------------------------------------------------- */

static __always_inline __u8 lb_first_state(const struct lb_conn *conn)
{
	if (!lb_is_tcp(conn))
		return LB_FLOW_UDP;
	return lb_is_syn(conn) ? LB_FLOW_SYN : LB_FLOW_ESTABLISHED;
}

/*
 * The next TCP state (RFC 9293), as far as packets in the middle show it. A reset may be
 * forged: it only shortens the timeout, and a packet with data undoes it. The last ACK
 * after a FIN has no data, and does not.
 */
static __always_inline __u8 lb_next_tcp(const struct lb_conn *conn, const struct lb_flow *flow,
					__u8 state, bool reply)
{
	if (conn->flags & TCP_RST)
		return LB_FLOW_RESET;
	if (conn->flags & TCP_FIN)
		return LB_FLOW_FIN;
	if (conn->flags & TCP_SYN) {
		if (reply)
			return state == LB_FLOW_SYN ? LB_FLOW_SYNACK : state;
		return state == LB_FLOW_FIN || state == LB_FLOW_RESET ? LB_FLOW_SYN : state;
	}
	if (state == LB_FLOW_SYNACK && !reply)
		return LB_FLOW_ESTABLISHED;
	/* Replies bypass this host: the client's packet after the SYN is the only sign. */
	if (state == LB_FLOW_SYN && !lb_is_translated(flow->forward))
		return LB_FLOW_ESTABLISHED;
	if (state == LB_FLOW_RESET && conn->has_data)
		return LB_FLOW_ESTABLISHED;
	return state;
}

static __always_inline __u8 lb_next_udp(const struct lb_flow *flow, __u8 state, bool reply)
{
	/* In the other modes replies bypass this host: a second packet stands for a reply. */
	if (reply || !lb_is_translated(flow->forward))
		return LB_FLOW_UDP_REPLIED;
	return state;
}

/* LB_PORT() of a connection in @state: the port is taken until the state times out. */
static __always_inline __u64 lb_port_until(const struct lb_conn *conn, __u8 state)
{
	return LB_PORT(conn->now + lb_timeouts[state & (LB_TIMEOUTS - 1)], conn->slot);
}

/*
 * LB_NAT: keep the port for as long as the connection may last now. False if the connection
 * was idle for so long that another one has taken the port.
 */
static __always_inline bool lb_keep_port(const struct lb_conn *conn, const struct lb_flow *flow,
					 __u8 state)
{
	__u64 *entry = lb_port_entry(conn, flow->snat % LB_SNAT_MAX, flow->sport);
	__u64 old;

	if (!entry)
		return false;
	old = READ_ONCE(*entry);
	return LB_PORT_SLOT(old) == conn->slot &&
	       __sync_val_compare_and_swap(entry, old, lb_port_until(conn, state)) == old;
}

/**
 * union lb_return - the word of struct lb_flow that says where replies go to
 * @iface: lb_flow.iface
 * @spilled: lb_flow.spilled
 * @cmac: lb_flow.cmac
 * @whole: the three fields as one aligned word, which changes atomically
 */
union lb_return {
	struct {
		__u8 iface;
		__u8 spilled;
		__u8 cmac[ETH_ALEN];
	};
	__u64 whole;
};

/* The offsetof() of bpf_helpers.h is not a constant expression: use the builtin. */
_Static_assert(!(__builtin_offsetof(struct lb_flow, iface) % sizeof(union lb_return)) &&
	       __builtin_offsetof(struct lb_flow, cmac[ETH_ALEN]) ==
	       __builtin_offsetof(struct lb_flow, iface) + sizeof(__u64) &&
	       sizeof(union lb_return) == sizeof(__u64),
	       "union lb_return is an aligned word of struct lb_flow");

static __always_inline __u64 *lb_return_word(struct lb_flow *flow)
{
	return (__u64 *)&flow->iface;
}

/* Send replies where this packet came from, unless the word has changed since @old. */
static __always_inline void lb_set_return(const struct lb_conn *conn, struct lb_flow *flow,
					  __u64 old)
{
	union lb_return new = { .whole = old };

	new.iface = conn->iface;
	lb_set_mac(new.cmac, conn->mac);
	if (new.whole != old)
		__sync_val_compare_and_swap(lb_return_word(flow), old, new.whole);
}

/* Note in the first bucket of a connection that the connection is in its second one. */
static __always_inline void lb_mark_spilled(__u64 hash, __u32 now)
{
	struct lb_bucket *bucket = lb_bucket_at(lb_hash_bucket(hash, 0, lb_n_buckets));

	if (bucket)
		WRITE_ONCE(bucket->word[0], LB_WORD(now, 0, LB_FLOW_FREE));
}

/**
 * lb_outlive() - prolong the port and the mark of the first bucket with the connection
 * @conn: connection of the packet; @slot is set
 * @state: its next state, enum lb_flow_state
 *
 * Return: 1, or 0 if the connection has lost its port and is over.
 */
__noinline int lb_outlive(struct lb_conn *conn, __u32 state)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	struct lb_flow *flow;

	if (!conn || !conf)
		return 0;
	flow = lb_flow_at(conn->slot);
	if (!flow)
		return 0;
	if (flow->spilled)
		lb_mark_spilled(lb_hash(&flow->key, addr_is4(flow->key.vip.a), conf->seed),
				conn->now);
	return flow->forward != LB_NAT || lb_keep_port(conn, flow, state);
}

/*
 * Note a packet of the connection. The word is written if the state changes, else once in a
 * tick at most, because other CPUs have the cache line, too. False if the connection is over.
 */
static __always_inline bool lb_touch(struct lb_conn *conn, struct lb_flow *flow, bool reply)
{
	__u8 state = LB_WORD_STATE(conn->word), next = state;
	__u64 way;

	if (!lb_is_tcp(conn))
		next = lb_next_udp(flow, state, reply);
	else if (state != LB_FLOW_ESTABLISHED || conn->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		next = lb_next_tcp(conn, flow, state, reply);
	if (next == state && LB_WORD_LAST(conn->word) == conn->now)
		return true;

	if (!lb_outlive(conn, next))
		return false;
	way = READ_ONCE(*lb_return_word(flow));
	/* Another CPU has noted a packet, or has given the slot to another connection. */
	if (!lb_replace_word(conn->slot, conn->word,
			     LB_WORD(conn->now, LB_WORD_TAG(conn->word), next)))
		return true;
	/* The way back to the client may have changed. */
	if (!reply)
		lb_set_return(conn, flow, way);
	return true;
}

#endif /* _XDP_LB_FLOW_BPF_H */
