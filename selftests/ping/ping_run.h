/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of samples/ping_kern.c: loads the program, runs it on packets, and checks
 * the verdict, the counters and the events.
 */
#ifndef _SELFTESTS_PING_RUN_H
#define _SELFTESTS_PING_RUN_H

#include "test_harness.h"
#include "test_root.h"
#include "test_run.h"
#include "ping.h"
#include "ping.skel.h"

enum {
	EVENTS_MAX = 5000,
	/* Size of the ring buffer in ping_kern.c, and bytes that one event takes in it. */
	RING_SIZE = 256 * 1024,
	RING_ENTRY = 8 + sizeof(struct ping_event),
};

FIXTURE(ping)
{
	struct ping_kern *skel;
	struct test_ring ring;
	struct build pkt;
	struct test_out out;
	__u64 seen;
	__u64 want[__PING_COUNT_MAX];
	struct ping_event events[EVENTS_MAX];
};

FIXTURE_SETUP(ping)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = ping_kern__open();
	ASSERT_NE(NULL, self->skel);
}

static inline void get_counts(struct __test_metadata *_metadata, struct _test_data_ping *self,
			      __u64 counts[__PING_COUNT_MAX])
{
	__u32 i;

	for (i = 0; i < __PING_COUNT_MAX; i++)
		ASSERT_LE(0, test_sum(self->skel->maps.ping_counts, &i, &counts[i]));
}

/* Each packet was counted once, under the right reason. */
static inline void check_counts(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	__u64 counts[__PING_COUNT_MAX], sum = 0;
	int i;

	get_counts(_metadata, self, counts);
	for (i = 0; i < __PING_COUNT_MAX; i++) {
		EXPECT_EQ(self->want[i], counts[i])
			TH_LOG("counter %d", i);
		sum += i == PING_LOST ? 0 : counts[i];
	}
	EXPECT_EQ(self->seen, sum);
}

FIXTURE_TEARDOWN(ping)
{
	if (self->ring.ring)
		check_counts(_metadata, self);
	test_ring_close(&self->ring);
	ping_kern__destroy(self->skel);
}

/* Loads the program with the constants that the test has set in skel->rodata. */
static inline void load(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	self->ring = (struct test_ring) {
		.events = self->events, .size = sizeof(self->events[0]), .max = EVENTS_MAX,
	};
	ASSERT_EQ(0, ping_kern__load(self->skel));
	ASSERT_EQ(0, test_ring_open(&self->ring, self->skel->maps.ping_events));
}

/* Reads the events since the last call into self->events; returns their number. */
static inline __u32 get_events(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	ASSERT_LE(0, test_ring_read(&self->ring));
	return self->ring.n;
}

/*
 * Runs the program on the first @len bytes of the packet. The packet must stay unchanged, and
 * the verdict must fit @reason.
 */
static inline void run_len(struct __test_metadata *_metadata, struct _test_data_ping *self,
			   __u32 len, __u32 reason)
{
	__u32 verdict = reason == PING_DROP_ECHO ? XDP_DROP : XDP_PASS;

	ASSERT_EQ(0, test_run(self->skel->progs.ping, self->pkt.data, len, &self->out));
	self->seen++;
	self->want[reason]++;
	EXPECT_EQ(verdict, self->out.verdict)
		build_dump(self->pkt.data, len);
	EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));
}

static inline bool is_match(__u32 reason)
{
	return reason == PING_DROP_ECHO || reason == PING_PASS_ACTION ||
	       reason == PING_PASS_EVERY;
}

/* Like run_len(), and there must be an event if, and only if, the packet matched. */
static inline void expect_len(struct __test_metadata *_metadata, struct _test_data_ping *self,
			      __u32 len, __u32 reason)
{
	run_len(_metadata, self, len, reason);
	EXPECT_EQ(is_match(reason), get_events(_metadata, self))
		build_dump(self->pkt.data, len);
	if (self->ring.n)
		EXPECT_EQ(reason, self->events[0].reason);
}

static inline void expect(struct __test_metadata *_metadata, struct _test_data_ping *self,
			  __u32 reason)
{
	expect_len(_metadata, self, self->pkt.len, reason);
}

#endif /* _SELFTESTS_PING_RUN_H */
