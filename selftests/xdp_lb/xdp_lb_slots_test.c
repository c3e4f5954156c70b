// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: the slots of the flow table. What keeps a connection in
 * its slot, and when another connection gets the slot.
 *
 * "#16" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

static const struct shape data = { .payload = 100 };

/* A packet updates the last use, and the MAC address that replies are sent to. */
TEST_F(lb, use_keeps_a_connection)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);
		__u64 *word;

		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, &data);
		word = lb_word_at(self, lb_slot_of(self, &conn));
		*word -= 5ULL << 32;
		ASSERT_EQ((__u32)-5, LB_WORD_LAST(*word));
		conn.mac[5] ^= 0x80;
		lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(0, LB_WORD_LAST(*word));
		if (!lb_translates(kind->forward))
			continue;
		lb_reply(_metadata, self, &conn, ACK, &data);
		*word -= 5ULL << 32;
		lb_reply(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(0, LB_WORD_LAST(*word));
	}
}

/*
 * Fill both buckets of a connection with established connections. Only line 5 of bucket
 * @second gets @state and @age; returns the number of that slot.
 */
static __u32 fill_slots(const struct _test_data_lb *self, const struct conn *conn, __u8 state,
			__u32 age, int second)
{
	struct lb_bucket *bucket;
	int i;

	for (i = 0; i < 2 * LB_BUCKET_LINES; i++)
		if (i % LB_BUCKET_LINES)
			lb_bucket_of(self, conn, i / LB_BUCKET_LINES)->word[i % LB_BUCKET_LINES] =
				LB_WORD(0, 0xabcdef, LB_FLOW_ESTABLISHED);
	bucket = lb_bucket_of(self, conn, second);
	bucket->word[5] = LB_WORD(-age, 0xabcdef, state);
	return (bucket - self->maps.buckets) * LB_BUCKET_LINES + 5;
}

/* #18: a slot is free when its timeout is over. #16: before that only if it is @stealable. */
static void check_slot(LB_ARGS, struct kind kind, __u8 state, bool stealable)
{
	struct service vip = lb_add(_metadata, self, kind, 1);
	__u32 slot, timeout = lb_test_timeouts[state];
	int second;

	for (second = 0; second < 2; second++) {
		struct conn conn = lb_conn_n(&vip, state * 2 + second);

		slot = fill_slots(self, &conn, state, timeout, second);
		lb_build_request(self, &conn, kind.proto == IPPROTO_TCP ? SYN : 0, NULL);
		if (!stealable) {
			lb_run_stopped(_metadata, self, LB_DROP_TABLE_FULL);
			*lb_word_at(self, slot) -= 1ULL << 32;
		}
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		ASSERT_EQ((int)slot, lb_slot_of(self, &conn));
		lb_empty_flows();
	}
}

TEST_F(lb, slots_are_given_away_in_time)
{
	int i;

	lb_add_snats(self);
	for (i = 0; i < 4; i++) {
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_CLAIMED, false);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_ESTABLISHED, false);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_UDP_REPLIED, false);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_SYN, true);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_SYNACK, true);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_FIN, true);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_RESET, true);
		check_slot(_metadata, self, lb_kinds[i], LB_FLOW_UDP, true);
		self->n_backends = 0;
		self->n_vips = 0;
	}
}

/*
 * A first bucket without room notes that a connection is in its second bucket, for as long as
 * that connection is used. Otherwise lookups would skip the second bucket.
 */
TEST_F(lb, second_bucket)
{
	const __u32 longest = lb_test_timeouts[LB_FLOW_ESTABLISHED];
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);
		struct lb_bucket *first = lb_bucket_of(self, &conn, 0);
		int slot;

		slot = fill_slots(self, &conn, LB_FLOW_FREE, 0, 1);
		first->word[0] = LB_WORD(-longest - 1, 0, 0);
		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(slot, lb_slot_of(self, &conn));
		ASSERT_EQ(LB_WORD(0, 0, 0), first->word[0]);

		first->word[0] = LB_WORD(-longest, 0, 0);
		*lb_word_at(self, slot) -= 1ULL << 32;
		if (lb_translates(kind->forward))
			lb_reply(_metadata, self, &conn, ACK, &data);
		else
			lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(LB_WORD(0, 0, 0), first->word[0]);
		lb_empty_flows();
	}
}

/* If the first bucket does not note such a connection, lookups skip the second bucket. */
TEST_F(lb, second_bucket_is_not_looked_at)
{
	const struct kind kind = { LB_DSR, 4, 4, IPPROTO_TCP };
	struct service vip = lb_add_first(_metadata, self, kind, 2);
	struct conn conn = lb_conn_n(&vip, 3);
	struct lb_bucket *first = lb_bucket_of(self, &conn, 0);
	int slot;

	slot = fill_slots(self, &conn, LB_FLOW_FREE, 0, 1);
	lb_open(_metadata, self, &conn);
	lb_request(_metadata, self, &conn, ACK, &data);
	ASSERT_EQ(slot, lb_slot_of(self, &conn));
	lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
	lb_request(_metadata, self, &conn, ACK, &data);
	first->word[0] = LB_WORD(-lb_test_timeouts[LB_FLOW_ESTABLISHED] - 1, 0, 0);
	conn.backend = vip.first + 1;
	lb_request(_metadata, self, &conn, ACK, &data);
}

/* Without translation, a full table does no harm: the hash chooses the backend. */
TEST_F(lb, full_table_without_translation)
{
	const struct kind *kind;

	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		if (lb_translates(kind->forward))
			continue;
		fill_slots(self, &conn, LB_FLOW_ESTABLISHED, 0, 0);
		lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(1, self->info);
		lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(1, self->info);
		ASSERT_EQ(NOWHERE, lb_slot_of(self, &conn));
	}
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
