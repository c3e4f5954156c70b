/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entering a connection into the flow table: which slot it gets, which connection it evicts
 * for that, and, for LB_NAT, its SNAT address and port. Packets of connections that are in
 * the table need none of this.
 */
#ifndef _XDP_LB_ENTER_BPF_H
#define _XDP_LB_ENTER_BPF_H

#include "addr4.h"
#include "once.bpf.h"
#include "parts/xdp_lb/bpf/flow.bpf.h"

enum {
	/* A first bucket with so many free slots is taken without a look at the second one. */
	LB_ROOM = 3,
	/* Lines of eight ports that are searched for a free port. */
	LB_PORT_PLACES = 4,
};

/* --- a slot --------------------------------------------------------------------------- */

/**
 * enum lb_worth - how bad it is to evict the connection of a slot, least first
 * @LB_WORTH_NONE: the slot is free, or its connection is over
 * @LB_WORTH_CLOSED: closed a short time ago: its port should rest (RFC 6191)
 * @LB_WORTH_UNPROVEN: there was one packet, which anyone may have sent
 * @LB_WORTH_KEEP: an established connection, never evicted
 */
enum lb_worth {
	LB_WORTH_NONE,
	LB_WORTH_CLOSED,
	LB_WORTH_UNPROVEN,
	LB_WORTH_KEEP,
};

/* enum lb_worth of each state: a table of two bits per state in one number. */
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

_Static_assert(2 * __LB_FLOW_STATE_MAX <= 32, "LB_WORTHS has two bits for each state");
_Static_assert(LB_WORTH_NONE == 0 && LB_WORTH_NONE < LB_WORTH_CLOSED &&
	       LB_WORTH_CLOSED < LB_WORTH_UNPROVEN && LB_WORTH_UNPROVEN < LB_WORTH_KEEP &&
	       LB_WORTH_KEEP <= 3, "enum lb_worth is compared, multiplied, kept in two bits");

/* enum lb_worth of the slot with this word. Branch-free, as lb_less() is. */
static __always_inline __u64 lb_worth_of(__u64 word, __u32 now)
{
	__u32 state = LB_WORD_STATE(word) & (LB_TIMEOUTS - 1);

	return (LB_WORTHS >> 2 * state & 3) * (1 - lb_is_over(word, now));
}

/**
 * struct lb_choice - the best slot of a bucket for a new connection
 * @n_free: number of slots with LB_WORTH_NONE
 * @score: least score of a slot: enum lb_worth, then the age (the oldest has the least),
 *	then the number of its line
 */
struct lb_choice {
	__u64 n_free;
	__u64 score;
};

#define LB_SCORE_WORTH(score) ((score) >> 40)
#define LB_SCORE_PLACE(score) ((score) & (LB_BUCKET_LINES - 1))

static __always_inline struct lb_choice lb_choose(const struct lb_bucket *bucket, __u32 now)
{
	struct lb_choice best = { .score = (__u64)LB_WORTH_KEEP << 40 };
	__u64 i, word, worth, score;

	for (i = 1; i < LB_BUCKET_LINES; i++) {
		word = READ_ONCE(bucket->word[i]);
		worth = lb_worth_of(word, now);
		score = worth << 40 | (0xffffffff - lb_age(word, now)) << 8 | i;
		best.n_free += lb_less(worth, 1);
		best.score = lb_min(best.score, score);
	}
	return best;
}

/*
 * Claim a slot of the first bucket, where lookups begin, while that has room. Else claim one
 * of the second bucket if that has more free slots, or a slot of less worth.
 */
static __always_inline bool lb_claim_slot(struct lb_conn *conn)
{
	__u32 index = lb_hash_bucket(conn->hash, 0, lb_n_buckets);
	struct lb_bucket *bucket = lb_bucket_at(index), *other;
	struct lb_choice choice, choice2;
	__u64 old;

	if (!bucket)
		return false;
	conn->spilled = 0;
	choice = lb_choose(bucket, conn->now);
	if (choice.n_free < LB_ROOM) {
		__u32 second = lb_hash_bucket(conn->hash, 1, lb_n_buckets);

		other = lb_bucket_at(second);
		if (!other)
			return false;
		choice2 = lb_choose(other, conn->now);
		if (choice2.n_free > choice.n_free ||
		    LB_SCORE_WORTH(choice2.score) < LB_SCORE_WORTH(choice.score)) {
			lb_mark_spilled(conn->hash, conn->now);
			conn->spilled = 1;
			choice = choice2;
			bucket = other;
			index = second;
		}
	}
	if (LB_SCORE_WORTH(choice.score) >= LB_WORTH_KEEP)
		return false;
	old = READ_ONCE(bucket->word[LB_SCORE_PLACE(choice.score)]);
	/* Another CPU may have changed the word since lb_choose(). */
	if (lb_worth_of(old, conn->now) > LB_SCORE_WORTH(choice.score))
		return false;
	return lb_hold(conn, index * LB_BUCKET_LINES + LB_SCORE_PLACE(choice.score), old);
}

/* True if another slot of the bucket has this connection, or may be getting it. */
static __always_inline bool lb_has_rival_in(const struct lb_conn *conn, __u32 index)
{
	__u32 wanted = lb_hash_tag(conn->hash), i;
	struct lb_bucket *bucket = lb_bucket_at(index);
	__u64 word;

	for (i = 1; bucket && i < LB_BUCKET_LINES; i++) {
		word = READ_ONCE(bucket->word[i]);
		if (LB_WORD_TAG(word) != wanted || LB_WORD_STATE(word) == LB_FLOW_FREE ||
		    index * LB_BUCKET_LINES + i == conn->slot)
			continue;
		if (LB_WORD_STATE(word) == LB_FLOW_CLAIMED ||
		    lb_same_key(&bucket->line[i].key, &conn->key))
			return true;
	}
	return false;
}

/*
 * Two CPUs must not both enter the same connection. Each claims a slot, which is a full
 * barrier, and then looks for a slot that the other one has claimed: at least one of them
 * sees the other.
 */
static __always_inline bool lb_has_rival(const struct lb_conn *conn)
{
	__u32 index = lb_hash_bucket(conn->hash, 0, lb_n_buckets);

	return lb_has_rival_in(conn, index) ||
	       (lb_has_spilled(index, conn->now) &&
		lb_has_rival_in(conn, lb_hash_bucket(conn->hash, 1, lb_n_buckets)));
}

/**
 * lb_claim() - claim a slot for a connection that has none
 * @conn: the connection; @slot and @spilled are set
 *
 * Return: LB_GO, or enum lb_reason.
 */
__noinline int lb_claim(struct lb_conn *conn)
{
	if (!conn)
		return LB_DROP_ERROR;
	if (!lb_claim_slot(conn)) {
		conn->slot = LB_NO_SLOT;
		return LB_DROP_TABLE_FULL;
	}
	if (lb_has_rival(conn)) {
		lb_give_back(conn);
		return LB_DROP_BUSY;
	}
	return LB_GO;
}

/* --- ports ------------------------------------------------------------------------- */

/* True if the connection in @slot names the port as its source port. */
static __always_inline bool lb_owns_port(const struct lb_conn *conn, __u32 slot, __u32 snat,
					 __be16 port)
{
	struct lb_flow *flow = lb_flow_at(slot);

	return flow && flow->forward == LB_NAT && flow->sport == port && flow->snat == snat &&
	       flow->key.proto == conn->key.proto;
}

/*
 * Make sure that the connection in @slot does not use the port: end it if it is worth no
 * more than @most. Its slot is freed before the port is taken, so that no two connections
 * have the same port. A slot that is being filled does not name its port yet: leave it. If
 * @slot is our own slot, the connection that had the port is gone.
 */
static __always_inline bool lb_evict_owner(const struct lb_conn *conn, __u32 slot, __u32 snat,
					   __u32 port, __u32 most)
{
	__u64 *owner = lb_word_at(slot), word;

	if (!owner || slot == conn->slot)
		return true;
	word = READ_ONCE(*owner);
	if (LB_WORD_STATE(word) == LB_FLOW_CLAIMED)
		return false;
	if (LB_WORD_STATE(word) == LB_FLOW_FREE ||
	    !lb_owns_port(conn, slot, snat, bpf_htons(port)))
		return true;
	return lb_worth_of(word, conn->now) <= most &&
	       __sync_val_compare_and_swap(owner, word, 0) == word;
}

/* Ticks since the port became free; negative, as a number of 32 bits, while it is taken. */
static __always_inline __u32 lb_port_age(const struct lb_conn *conn, __u64 entry)
{
	return conn->now - LB_PORT_EXPIRES(entry) - 1 + lb_less(entry, 1);
}

static __always_inline bool lb_take_port(const struct lb_conn *conn, __u64 *entry, __u64 old)
{
	return __sync_val_compare_and_swap(entry, old,
					   lb_port_until(conn, lb_first_state(conn))) == old;
}

/* First port of a line of the range; @random, of 32 bits, selects the line. */
static __always_inline __u32 lb_port_place(const struct lb_ports *range, __u32 random)
{
	__u32 first = range->min / LB_LINE_PORTS, last = range->max / LB_LINE_PORTS;

	return (first + ((__u64)random * (last - first + 1) >> 32)) * LB_LINE_PORTS;
}

/* Branch-free: 1 if the port is outside the range. */
static __always_inline __u64 lb_is_outside(const struct lb_ports *range, __u32 port)
{
	return lb_less(port, range->min) | lb_less(range->max, port);
}

/**
 * lb_free_port() - take the port of a line that is free for the longest time
 * @conn: the connection that needs a port; @slot is set
 * @snat: index of the SNAT address, less than LB_SNAT_MAX
 * @random: 32 bits that select the line
 *
 * The search is branch-free, as that of lb_choose() is.
 *
 * Return: the port, host byte order, or 0 if the line has no free port.
 */
__noinline int lb_free_port(struct lb_conn *conn, __u32 snat, __u32 random)
{
	__u64 best = 1ULL << 40, entry, age, score;
	const struct lb_kern_conf *conf = lb_get_conf();
	const struct lb_ports *range;
	struct lb_port_line *line;
	__u32 place, i;

	if (!conn || !conf)
		return 0;
	/* The verifier of Linux 6.1 forgets a 32-bit comparison of a number used as 64-bit. */
	barrier_var(snat);
	range = &conf->snat[snat & (LB_SNAT_MAX - 1)];
	place = lb_port_place(range, random);
	line = lb_port_line_at(conn, snat & (LB_SNAT_MAX - 1), place);
	if (!line)
		return 0;
	for (i = 0; i < LB_LINE_PORTS; i++) {
		entry = READ_ONCE(line->port[i]);
		age = lb_port_age(conn, entry);
		score = (age >> 31 | lb_is_outside(range, place + i)) << 40 |
			(0x7fffffff - (age & 0x7fffffff)) << 8 | i;
		best = lb_min(best, score);
	}
	if (best >> 40)
		return 0;
	i = best % LB_LINE_PORTS;
	entry = READ_ONCE(line->port[i]);
	/* Another CPU may have taken the port since the search. */
	if (lb_port_age(conn, entry) >> 31)
		return 0;
	return lb_take_port(conn, &line->port[i], entry) ? place + i : 0;
}

/**
 * lb_evict_port() - take a port from another connection
 * @conn: the connection that needs a port; @slot is set
 * @snat: index of the SNAT address, less than LB_SNAT_MAX
 * @random: 32 bits that select the line
 * @most: evict a connection up to this worth, enum lb_worth
 *
 * Return: the port, host byte order, or 0.
 */
__noinline int lb_evict_port(struct lb_conn *conn, __u32 snat, __u32 random, __u32 most)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	struct lb_port_line *line;
	__u32 place, i;
	__u64 old;

	if (!conn || !conf)
		return 0;
	/* The verifier of Linux 6.1 forgets a 32-bit comparison of a number used as 64-bit. */
	barrier_var(snat);
	snat &= LB_SNAT_MAX - 1;
	place = lb_port_place(&conf->snat[snat], random);
	line = lb_port_line_at(conn, snat, place);
	/* Clang 14 jumps into the middle of the loop; Linux 6.1 takes that for an endless loop. */
#pragma clang loop unroll(full)
	for (i = 0; line && i < LB_LINE_PORTS; i++) {
		old = READ_ONCE(line->port[i]);
		if (!lb_is_outside(&conf->snat[snat], place + i) &&
		    lb_evict_owner(conn, LB_PORT_SLOT(old), snat, place + i, most) &&
		    lb_take_port(conn, &line->port[i], old))
			return place + i;
	}
	return 0;
}

/*
 * Choose a SNAT address of the service's family by the hash. The n-th address replaces the
 * choice with probability 1/n, so that all are equally likely.
 */
static __always_inline __u32 lb_choose_snat(const struct lb_conn *conn,
					    const struct lb_kern_conf *conf)
{
	bool want4 = addr_is4(conn->key.vip.a);
	__u32 i, n = 0, snat = LB_SNAT_MAX;

	for (i = 0; i < LB_SNAT_MAX && i < conf->n_snat; i++) {
		if (addr_is4(conf->snat[i].addr.a) != want4)
			continue;
		n++;
		if (!((conn->hash >> 2 * i & 0xffffffff) * n >> 32))
			snat = i;
	}
	return snat;
}

/*
 * Read the line of ports that a new connection will search, so that it is in the cache when
 * a backend is chosen and a slot is claimed. BPF has no prefetch. Sets @snat.
 */
static __always_inline void lb_fetch_ports(struct lb_conn *conn)
{
	const struct lb_kern_conf *conf = lb_get_conf();
	struct lb_port_line *line;
	__u32 snat;

	if (!conf)
		return;
	snat = lb_choose_snat(conn, conf);
	conn->snat = snat;
	if (snat >= LB_SNAT_MAX)
		return;
	line = lb_port_line_at(conn, snat, lb_port_place(&conf->snat[snat], conn->hash));
	if (line)
		(void)READ_ONCE(line->port[0]);
}

static __always_inline bool lb_claim_port(struct lb_conn *conn, struct lb_flow *flow)
{
	/* Mix in the tick, so that a retransmitted SYN probes other ports. */
	__u32 step = (__u32)(conn->hash >> 16) ^ conn->now * 0x9e3779b1U;
	__u32 snat = conn->snat, place = conn->hash, i;
	int port = 0;

	if (snat >= LB_SNAT_MAX)
		return false;
	/* First free ports, then ports of closed connections, then of unproven ones. */
	for (i = 0; i < LB_PORT_PLACES && !port; i++, place += step)
		port = lb_free_port(conn, snat, place);
	if (!port)
		port = lb_evict_port(conn, snat, conn->hash, LB_WORTH_CLOSED);
	if (!port)
		port = lb_evict_port(conn, snat, conn->hash + step, LB_WORTH_UNPROVEN);
	flow->snat = snat;
	flow->sport = bpf_htons(port);
	return port;
}

#endif /* _XDP_LB_ENTER_BPF_H */
