/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow table: which backend a connection has. A connection may be in one of two
 * buckets of eight slots. A bucket is a cache line of words, each with the tag and
 * the age of a connection; the connection itself is another cache line. An
 * established connection costs no more than these two.
 *
 * A slot is claimed and given up by compare-and-exchange of its word. Connections
 * are found by one key, so there is one entry for each, in every mode: for LB_NAT
 * a port points back to it.
 */
#ifndef _XDP_LB_FLOW_BPF_H
#define _XDP_LB_FLOW_BPF_H

#include "xdp_lb_pkt.bpf.h"

enum {
	LB_NO_SLOT = 0xffffffff,
	/* Packets of new connections on several CPUs at once: see lb_lock(). */
	LB_LOCKS = 4096,
	/* Neighbouring ports that are tried, at each of two places. */
	LB_PORT_TRIES = 8,
};

static __always_inline __u64 *lb_word(__u32 slot)
{
	__u32 index = slot / LB_BUCKET_SLOTS & lb_bucket_mask;
	struct lb_bucket *bucket = bpf_map_lookup_elem(&lb_buckets, &index);

	return bucket ? &bucket->word[slot % LB_BUCKET_SLOTS] : NULL;
}

/*
 * 1 if a < b, of less than 2^63. No condition, on purpose: over eight slots the
 * verifier would walk each combination of them.
 */
static __always_inline __u64 lb_less(__u64 a, __u64 b)
{
	__u64 diff = a - b;

	barrier_var(diff);
	return diff >> 63;
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

static __always_inline struct lb_flow *lb_flow(__u32 slot)
{
	return bpf_map_lookup_elem(&lb_flows, &slot);
}

static __always_inline struct lb_flow *lb_find_in(struct lb_conn *conn, __u32 index)
{
	__u32 wanted = lb_hash_tag(conn->hash);
	struct lb_bucket *bucket;
	struct lb_flow *flow;
	__u32 i, slot;
	__u64 word;

	bucket = bpf_map_lookup_elem(&lb_buckets, &index);
	if (!bucket)
		return NULL;
	for (i = 0; i < LB_BUCKET_SLOTS; i++) {
		word = bucket->word[i];
		if (LB_WORD_TAG(word) != wanted || LB_WORD_STATE(word) < LB_FLOW_SYN)
			continue;
		slot = index * LB_BUCKET_SLOTS + i;
		flow = lb_flow(slot);
		if (!flow || !lb_same_key(&flow->key, &conn->key))
			continue;
		conn->slot = slot;
		conn->word = word;
		return flow;
	}
	return NULL;
}

/* The connection of a client's packet, NULL if there is none. Sets @slot and @word. */
static __always_inline struct lb_flow *lb_find(struct lb_conn *conn)
{
	struct lb_flow *flow = lb_find_in(conn, lb_hash_bucket(conn->hash, 0, lb_bucket_mask));

	return flow ?: lb_find_in(conn, lb_hash_bucket(conn->hash, 1, lb_bucket_mask));
}

/* The index of a SNAT address in the configuration, or -1. */
static __always_inline int lb_snat_index(const struct lb_config *conf,
					 const struct lb_addr *addr)
{
	int i;

	for (i = 0; i < LB_SNAT_MAX && i < (int)conf->n_snat; i++) {
		if (lb_same_addr(&conf->snat[i].addr, addr))
			return i;
	}
	return -1;
}

static __always_inline struct lb_backend *lb_backend(__u32 index)
{
	return bpf_map_lookup_elem(&lb_backends, &index);
}

/* What came from @addr and @port is of the backend of this connection. */
static __always_inline bool lb_is_from(const struct lb_flow *flow, const struct lb_addr *addr,
				       __be16 port)
{
	struct lb_backend *backend = lb_backend(flow->backend);

	return backend && backend->gen == flow->gen && lb_same_addr(&backend->addr, addr) &&
	       (backend->port ?: flow->key.vport) == port;
}

/*
 * LB_NAT: the connection that a packet of a backend is of, by the port of the SNAT
 * address that it is sent to. Sets @slot and @word.
 */
static __always_inline struct lb_flow *lb_find_port(struct lb_conn *conn,
						    const struct lb_config *conf)
{
	int snat = lb_snat_index(conf, &conn->key.vip);
	struct lb_flow *flow;
	__u32 index, *slot;
	__u64 *word;

	if (snat < 0)
		return NULL;
	index = LB_REVERSE_INDEX((__u32)snat, !lb_is_tcp(conn),
				 (__u32)bpf_ntohs(conn->key.vport));
	slot = bpf_map_lookup_elem(&lb_reverse, &index);
	if (!slot || !*slot)
		return NULL;
	conn->slot = *slot - 1;
	word = lb_word(conn->slot);
	flow = lb_flow(conn->slot);
	if (!word || !flow)
		return NULL;
	conn->word = *(volatile __u64 *)word;
	if (LB_WORD_STATE(conn->word) < LB_FLOW_SYN || flow->forward != LB_NAT ||
	    flow->sport != conn->key.vport || flow->snat != snat ||
	    flow->key.proto != conn->key.proto)
		return NULL;
	return lb_is_from(flow, &conn->key.client, conn->key.cport) ? flow : NULL;
}

/* These cannot do without an entry: replies are translated by it. */
static __always_inline bool lb_is_translated(__u8 forward)
{
	return forward == LB_NAT || forward == LB_DNAT;
}

/* --- states ----------------------------------------------------------------------- */

/*
 * RFC 9293, as far as one who looks on can follow. A reset may be forged: it only
 * shortens the time that an idle connection stays, and data undo it. The last ACK
 * behind a FIN does not.
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
	/* Replies do not come through here: what follows a SYN has to do. */
	if (state == LB_FLOW_SYN && !lb_is_translated(flow->forward))
		return LB_FLOW_ESTABLISHED;
	if (state == LB_FLOW_RESET && conn->has_data)
		return LB_FLOW_ESTABLISHED;
	return state;
}

static __always_inline __u8 lb_next_udp(const struct lb_flow *flow, __u8 state, bool reply)
{
	/* Where replies do not come through here, a second packet says as much. */
	if (reply || !lb_is_translated(flow->forward))
		return LB_FLOW_UDP_REPLIED;
	return state;
}

/*
 * A packet of the connection came. The word is written if something changed, at
 * most twice a second otherwise: other CPUs have the cache line too. By
 * compare-and-exchange, as another CPU may have given the slot away.
 */
static __always_inline void lb_touch(const struct lb_conn *conn, struct lb_flow *flow,
				     bool reply)
{
	__u8 state = LB_WORD_STATE(conn->word), next = state;
	__u64 *word;

	if (!lb_is_tcp(conn))
		next = lb_next_udp(flow, state, reply);
	else if (state != LB_FLOW_ESTABLISHED || conn->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		next = lb_next_tcp(conn, flow, state, reply);
	if (next == state && LB_WORD_LAST(conn->word) == conn->now)
		return;

	word = lb_word(conn->slot);
	if (word)
		__sync_val_compare_and_swap(word, conn->word,
					    LB_WORD(conn->now, LB_WORD_TAG(conn->word), next));
	/* The way back to the client may have changed. */
	if (!reply) {
		lb_set_mac(flow->cmac, conn->mac);
		flow->iface = conn->iface;
	}
}

/* --- entering a connection ----------------------------------------------------------- */

/* Two CPUs must not enter one connection twice. */
__u32 lb_locks[LB_LOCKS];

static __always_inline bool lb_lock(__u64 hash)
{
	return !__sync_lock_test_and_set(&lb_locks[hash % LB_LOCKS], 1);
}

static __always_inline void lb_unlock(__u64 hash)
{
	__sync_lock_test_and_set(&lb_locks[hash % LB_LOCKS], 0);
}

/**
 * enum lb_worth - how much it hurts to give a slot away, least first
 * @LB_WORTH_NONE: it is free or over
 * @LB_WORTH_CLOSED: closed lately: its port should rest (RFC 6191)
 * @LB_WORTH_UNPROVEN: one packet, which anyone may have sent
 * @LB_WORTH_KEEP: an established connection, never given away
 */
enum lb_worth {
	LB_WORTH_NONE,
	LB_WORTH_CLOSED,
	LB_WORTH_UNPROVEN,
	LB_WORTH_KEEP,
};

/* By state, two bits each. */
#define LB_WORTH(state, worth) ((__u32)(worth) << 2 * (state))
#define LB_WORTHS							\
	(LB_WORTH(LB_FLOW_FREE, LB_WORTH_NONE) |			\
	 LB_WORTH(LB_FLOW_CLAIMED, LB_WORTH_KEEP) |			\
	 LB_WORTH(LB_FLOW_SYN, LB_WORTH_UNPROVEN) |			\
	 LB_WORTH(LB_FLOW_SYNACK, LB_WORTH_UNPROVEN) |			\
	 LB_WORTH(LB_FLOW_ESTABLISHED, LB_WORTH_KEEP) |			\
	 LB_WORTH(LB_FLOW_FIN, LB_WORTH_CLOSED) |			\
	 LB_WORTH(LB_FLOW_RESET, LB_WORTH_CLOSED) |			\
	 LB_WORTH(LB_FLOW_UDP, LB_WORTH_UNPROVEN) |			\
	 LB_WORTH(LB_FLOW_UDP_REPLIED, LB_WORTH_KEEP))

/* enum lb_worth; a connection that is over has none. */
static __always_inline __u64 lb_worth(__u64 word, __u32 now)
{
	__u32 state = LB_WORD_STATE(word) & (LB_TIMEOUTS - 1);

	return (LB_WORTHS >> 2 * state & 3) * (1 - lb_is_over(word, now));
}

/**
 * struct lb_choice - a slot of a bucket that may be taken
 * @n_free: how many slots of the bucket hold nothing of worth
 * @score: of the best: enum lb_worth, then the youth, then its place
 */
struct lb_choice {
	__u64 n_free;
	__u64 score;
};

#define LB_SCORE_WORTH(score) ((score) >> 40)
#define LB_SCORE_PLACE(score) ((score) & (LB_BUCKET_SLOTS - 1))

static __always_inline struct lb_choice lb_choose(const struct lb_bucket *bucket, __u32 now)
{
	struct lb_choice best = { .score = (__u64)LB_WORTH_KEEP << 40 };
	__u64 i, word, worth, score;

	for (i = 0; i < LB_BUCKET_SLOTS; i++) {
		word = *(volatile __u64 *)&bucket->word[i];
		worth = lb_worth(word, now);
		score = worth << 40 | (0xffffffff - lb_age(word, now)) << 8 | i;
		best.n_free += lb_less(worth, 1);
		best.score -= (best.score - score) * lb_less(score, best.score);
	}
	return best;
}

/*
 * Claim a slot: of the first bucket, where it is found soonest, as long as that has
 * room; then of the emptier one. Returns it, or LB_NO_SLOT.
 */
static __always_inline __u32 lb_claim(const struct lb_conn *conn)
{
	__u32 index = lb_hash_bucket(conn->hash, 0, lb_bucket_mask);
	__u32 second = lb_hash_bucket(conn->hash, 1, lb_bucket_mask);
	struct lb_bucket *bucket = bpf_map_lookup_elem(&lb_buckets, &index);
	struct lb_bucket *other = bpf_map_lookup_elem(&lb_buckets, &second);
	struct lb_choice choice, choice2;
	__u64 *word, old;

	if (!bucket || !other)
		return LB_NO_SLOT;
	choice = lb_choose(bucket, conn->now);
	if (choice.n_free < LB_BUCKET_SLOTS / 2) {
		choice2 = lb_choose(other, conn->now);
		if (choice2.n_free > choice.n_free ||
		    LB_SCORE_WORTH(choice2.score) < LB_SCORE_WORTH(choice.score)) {
			choice = choice2;
			bucket = other;
			index = second;
		}
	}
	if (LB_SCORE_WORTH(choice.score) >= LB_WORTH_KEEP)
		return LB_NO_SLOT;
	word = &bucket->word[LB_SCORE_PLACE(choice.score)];
	old = *(volatile __u64 *)word;
	/* Another CPU may have been here since. */
	if (lb_worth(old, conn->now) > LB_SCORE_WORTH(choice.score))
		return LB_NO_SLOT;
	if (__sync_val_compare_and_swap(word, old, LB_WORD(conn->now, lb_hash_tag(conn->hash),
							   LB_FLOW_CLAIMED)) != old)
		return LB_NO_SLOT;
	return index * LB_BUCKET_SLOTS + LB_SCORE_PLACE(choice.score);
}

/* What is written with it is seen before it is: exchange is a full barrier. */
static __always_inline void lb_set_word(__u32 slot, __u64 value)
{
	__u64 *word = lb_word(slot);

	if (word)
		__sync_lock_test_and_set(word, value);
}

/* --- ports ------------------------------------------------------------------------- */

/* The connection that says, as its port does, that the port is its own; else NULL. */
static __always_inline __u64 *lb_port_owner(const struct lb_conn *conn, __u32 slot, __u32 snat,
					    __be16 port)
{
	struct lb_flow *flow = bpf_map_lookup_elem(&lb_flows, &slot);

	if (!flow || flow->forward != LB_NAT || flow->sport != port || flow->snat != snat ||
	    flow->key.proto != conn->key.proto)
		return NULL;
	return lb_word(slot);
}

/*
 * Take a port if the connection that has it is worth no more than @most. That one
 * ends: its slot is freed first, so that no two have one port.
 */
static __always_inline bool lb_take_port(const struct lb_conn *conn, __u32 slot, __u32 snat,
					 __u32 port, __u32 most)
{
	__u32 index = LB_REVERSE_INDEX(snat, !lb_is_tcp(conn), port);
	__u32 *entry = bpf_map_lookup_elem(&lb_reverse, &index);
	__u64 *owner = NULL, word;
	__u32 old;

	if (!entry)
		return false;
	old = *(volatile __u32 *)entry;
	if (old)
		owner = lb_port_owner(conn, old - 1, snat, bpf_htons(port));
	if (owner) {
		word = *(volatile __u64 *)owner;
		if (lb_worth(word, conn->now) > most)
			return false;
		if (LB_WORD_STATE(word) != LB_FLOW_FREE &&
		    __sync_val_compare_and_swap(owner, word, 0) != word)
			return false;
	}
	return __sync_val_compare_and_swap(entry, old, slot + 1) == old;
}

/**
 * lb_try_ports() - find a port in a place of the range
 * @conn: the connection that needs one; @slot is set
 * @snat: index of the address, less than LB_SNAT_MAX
 * @random: place, of 32 bits
 * @most: what the connection that has the port may be worth, enum lb_worth
 *
 * Neighbouring ports share a cache line.
 *
 * Return: the port, which is taken, or 0.
 */
__noinline int lb_try_ports(struct lb_conn *conn, __u32 snat, __u32 random, __u32 most)
{
	const struct lb_config *conf = lb_conf();
	const struct lb_ports *range;
	__u32 i, n, first, port;

	if (!conn || !conf)
		return 0;
	/* Linux 6.1 forgets a comparison of 32 bits when the number is used as 64. */
	barrier_var(snat);
	range = &conf->snat[snat & (LB_SNAT_MAX - 1)];
	n = range->max - range->min + 1;
	first = ((__u64)random * n >> 32) + range->min;
	/* Clang 14 enters the loop in its middle, which Linux 6.1 takes for an endless one. */
#pragma clang loop unroll(full)
	for (i = 0; i < LB_PORT_TRIES; i++) {
		port = first + i;
		port = (port - n * lb_less(range->max, port)) & 0xffff;
		if (lb_take_port(conn, conn->slot, snat, port, most))
			return port;
	}
	return 0;
}

/* A SNAT address of the service's family, by hash: the n-th replaces one in n times. */
static __always_inline int lb_choose_snat(const struct lb_conn *conn,
					  const struct lb_config *conf)
{
	bool want4 = lb_addr4(&conn->key.vip);
	int i, snat = -1;
	__u32 n = 0;

	for (i = 0; i < LB_SNAT_MAX && i < (int)conf->n_snat; i++) {
		if (lb_addr4(&conf->snat[i].addr) != want4)
			continue;
		n++;
		if (!((conn->hash >> 2 * i & 0xffffffff) * n >> 32))
			snat = i;
	}
	return snat;
}

static __always_inline bool lb_claim_port(struct lb_conn *conn,
					  const struct lb_config *conf,
					  struct lb_flow *flow)
{
	/* Changes with time: who found none finds one when it asks again. */
	__u32 other = (__u32)(conn->hash >> 16) ^ conn->now * 0x9e3779b1U;
	int snat = lb_choose_snat(conn, conf);
	__u32 port = 0, try;

	if (snat < 0 || snat >= LB_SNAT_MAX)
		return false;
	/* Free ones first, at two places; then those that rest; then the unproven. */
	for (try = 0; try < 4 && !port; try++) {
		__u32 most = try < 2 ? LB_WORTH_NONE : try - 1;

		port = lb_try_ports(conn, snat, try & 1 ? other : conn->hash, most);
	}
	flow->snat = snat;
	flow->sport = bpf_htons(port);
	return port;
}

#endif /* _XDP_LB_FLOW_BPF_H */
