// SPDX-License-Identifier: GPL-2.0
/* Reads and changes the flow table of the load balancer: see xdp_lb_flow_table.h. */
#include "test_assert.h"
#include "xdp_lb_flow_table.h"

__u64 lb_hash_of(const struct _test_data_lb *self, const struct conn *conn)
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

struct lb_bucket *lb_bucket_of(const struct _test_data_lb *self, const struct conn *conn,
			       int second)
{
	return &self->maps.buckets[lb_hash_bucket(lb_hash_of(self, conn), second,
						  lb_slots / LB_BUCKET_LINES)];
}

int lb_slot_of(const struct _test_data_lb *self, const struct conn *conn)
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

void lb_set_flow(const struct _test_data_lb *self, __u32 slot, __u8 state, __u32 age)
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

int lb_state_of(const struct _test_data_lb *self, const struct conn *conn)
{
	int slot = lb_slot_of(self, conn);

	return slot == NOWHERE ? LB_FLOW_FREE : LB_WORD_STATE(*lb_word_at(self, slot));
}

__u32 lb_count_flows(const struct _test_data_lb *self)
{
	__u32 i, n = 0;

	for (i = 0; i < lb_slots; i++)
		n += LB_WORD_STATE(*lb_word_at(self, i)) != LB_FLOW_FREE;
	return n;
}

void lb_age_all(const struct _test_data_lb *self, __u32 ticks)
{
	__u64 *port = self->maps.reverse->port;
	__u32 i;

	for (i = 0; i < lb_slots; i++)
		*lb_word_at(self, i) -= (__u64)ticks << 32;
	for (i = 0; i < LB_REVERSE_SIZE * LB_LINE_PORTS; i++)
		if (port[i])
			port[i] -= (__u64)ticks << 32;
}
