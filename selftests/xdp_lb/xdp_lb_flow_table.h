/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests that look into the flow table of the load balancer, or change it.
 */
#ifndef _SELFTESTS_XDP_LB_FLOW_TABLE_H
#define _SELFTESTS_XDP_LB_FLOW_TABLE_H

#include "xdp_lb_packet.h"

static inline __u64 *lb_word_at(const struct _test_data_lb *self, __u32 slot)
{
	return &self->maps.buckets[slot / LB_BUCKET_LINES].word[slot % LB_BUCKET_LINES];
}

static inline struct lb_flow *lb_flow_at(const struct _test_data_lb *self, __u32 slot)
{
	return &self->maps.buckets[slot / LB_BUCKET_LINES].line[slot % LB_BUCKET_LINES];
}

static inline __u64 lb_hash_of(const struct _test_data_lb *self, const struct conn *conn)
{
	struct lb_key key = {
		.client = conn->client,
		.vip = conn->vip.key.addr,
		.cport = htons(conn->cport),
		.vport = htons(conn->vport),
		.proto = conn->vip.key.proto,
	};

	return lb_hash(&key, conn->vip.family == 4, self->maps.config->seed);
}

/* The first bucket of a connection, or, with @second 1, its second bucket. */
static inline struct lb_bucket *lb_bucket_of(const struct _test_data_lb *self,
					     const struct conn *conn, int second)
{
	return &self->maps.buckets[lb_hash_bucket(lb_hash_of(self, conn), second,
						  lb_slots / LB_BUCKET_LINES)];
}

/* Slot of a connection, or NOWHERE if it has none. */
static inline int lb_slot_of(const struct _test_data_lb *self, const struct conn *conn)
{
	__be16 cport = htons(conn->cport), vport = htons(conn->vport);
	__u32 i;

	for (i = 0; i < lb_slots; i++) {
		const struct lb_key *key = &lb_flow_at(self, i)->key;

		if (LB_WORD_STATE(*lb_word_at(self, i)) > LB_FLOW_CLAIMED && key->cport == cport &&
		    key->vport == vport && key->proto == conn->vip.key.proto &&
		    same_addr(&key->client, &conn->client) &&
		    same_addr(&key->vip, &conn->vip.key.addr))
			return i;
	}
	return NOWHERE;
}

/*
 * Pretend that the last packet of the connection in @slot came @age ticks ago and left the
 * connection in @state. The entry of its SNAT port is changed to match.
 */
static inline void lb_set_flow(const struct _test_data_lb *self, __u32 slot, __u8 state,
			       __u32 age)
{
	const struct lb_flow *flow = lb_flow_at(self, slot);
	__u64 *word = lb_word_at(self, slot);
	__u32 port = ntohs(flow->sport);

	*word = LB_WORD(-age, LB_WORD_TAG(*word), state);
	if (flow->forward == LB_NAT)
		self->maps.reverse[LB_REVERSE_INDEX(flow->snat, flow->key.proto == IPPROTO_UDP,
						    port)].port[port % LB_LINE_PORTS] =
			LB_PORT(lb_test_timeouts[state] - age, slot);
}

/* Pretend that the connection in @slot never existed. Does nothing for NOWHERE. */
static inline void lb_forget(const struct _test_data_lb *self, int slot)
{
	if (slot != NOWHERE)
		*lb_word_at(self, slot) = 0;
}

/* enum lb_flow_state of a connection; LB_FLOW_FREE if it is not in the table. */
static inline int lb_state_of(const struct _test_data_lb *self, const struct conn *conn)
{
	int slot = lb_slot_of(self, conn);

	return slot == NOWHERE ? LB_FLOW_FREE : LB_WORD_STATE(*lb_word_at(self, slot));
}

static inline __u32 lb_count_flows(const struct _test_data_lb *self)
{
	__u32 i, n = 0;

	for (i = 0; i < lb_slots; i++)
		n += LB_WORD_STATE(*lb_word_at(self, i)) != LB_FLOW_FREE;
	return n;
}

/* Pretend that the last packet of every connection came @ticks earlier. */
static inline void lb_age_all(const struct _test_data_lb *self, __u32 ticks)
{
	__u64 *port = self->maps.reverse->port;
	__u32 i;

	for (i = 0; i < lb_slots; i++)
		*lb_word_at(self, i) -= (__u64)ticks << 32;
	for (i = 0; i < LB_REVERSE_SIZE * LB_LINE_PORTS; i++)
		if (port[i])
			port[i] -= (__u64)ticks << 32;
}

#endif /* _SELFTESTS_XDP_LB_FLOW_TABLE_H */
