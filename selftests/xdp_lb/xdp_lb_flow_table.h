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

__u64 lb_hash_of(const struct _test_data_lb *self, const struct conn *conn);

/* The first bucket of a connection, or, with @second 1, its second bucket. */
struct lb_bucket *lb_bucket_of(const struct _test_data_lb *self, const struct conn *conn,
			       int second);

/* Slot of a connection, or NOWHERE if it has none. */
int lb_slot_of(const struct _test_data_lb *self, const struct conn *conn);

/*
 * Pretend that the last packet of the connection in @slot came @age ticks ago and left the
 * connection in @state. The entry of its SNAT port is changed to match.
 */
void lb_set_flow(const struct _test_data_lb *self, __u32 slot, __u8 state, __u32 age);

/* Pretend that the connection in @slot never existed. Does nothing for NOWHERE. */
static inline void lb_forget(const struct _test_data_lb *self, int slot)
{
	if (slot != NOWHERE)
		*lb_word_at(self, slot) = 0;
}

/* enum lb_flow_state of a connection; LB_FLOW_FREE if it is not in the table. */
int lb_state_of(const struct _test_data_lb *self, const struct conn *conn);

__u32 lb_count_flows(const struct _test_data_lb *self);

/* Pretend that the last packet of every connection came @ticks earlier. */
void lb_age_all(const struct _test_data_lb *self, __u32 ticks);

#endif /* _SELFTESTS_XDP_LB_FLOW_TABLE_H */
