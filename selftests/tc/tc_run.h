/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of samples/tc_kern.c: builds requests and the expected replies, runs the
 * program, and checks verdicts, counters and events.
 */
#ifndef _SELFTESTS_TC_RUN_H
#define _SELFTESTS_TC_RUN_H

#include "test_harness.h"
#include <linux/pkt_cls.h>
#include "own_addr.h"
#include "echo_event.h"
#include "test_root.h"
#include "test_run.h"
#include "tc.h"
#include "tc.skel.h"

enum {
	EVENTS_MAX = 5000,
	RING_SIZE = 256 * 1024,
	RING_ENTRY = 8 + sizeof(struct echo_event),
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	LO = 1,
	UNSPEC = (__u32)TC_ACT_UNSPEC,
};

FIXTURE(tc)
{
	struct tc_kern *skel;
	struct test_ring ring;
	struct build pkt;
	struct build reply;
	struct test_out out;
	__u64 seen;
	__u64 want[__TC_COUNT_MAX];
	struct echo_event events[EVENTS_MAX];
};

FIXTURE_SETUP(tc)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = tc_kern__open();
	ASSERT_NE(NULL, self->skel);
}

/* Each packet was counted once, under the right reason. */
static inline void check_counts(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	__u64 count, sum = 0;
	__u32 i;

	for (i = 0; i < __TC_COUNT_MAX; i++) {
		ASSERT_LE(0, test_sum(self->skel->maps.tc_counts, &i, &count));
		EXPECT_EQ(self->want[i], count)
			TH_LOG("counter %u", i);
		sum += i == TC_LOST ? 0 : count;
	}
	EXPECT_EQ(self->seen, sum);
}

FIXTURE_TEARDOWN(tc)
{
	if (self->ring.ring)
		check_counts(_metadata, self);
	test_ring_close(&self->ring);
	tc_kern__destroy(self->skel);
}

static inline void load(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 action)
{
	self->ring = (struct test_ring) {
		.events = self->events, .size = sizeof(self->events[0]), .max = EVENTS_MAX,
	};
	self->skel->rodata->action = action;
	ASSERT_EQ(0, tc_kern__load(self->skel));
	ASSERT_EQ(0, test_ring_open(&self->ring, self->skel->maps.tc_events));
}

static inline void set_addr(struct __test_metadata *_metadata, struct _test_data_tc *self,
			    __u32 ifindex, const char *addr, __u32 kind)
{
	struct own_addr key = { .ifindex = ifindex };

	ASSERT_EQ(1, inet_pton(AF_INET6, addr, key.addr));
	ASSERT_EQ(0, bpf_map__update_elem(self->skel->maps.own_addrs, &key, sizeof(key), &kind,
					  sizeof(kind), BPF_ANY));
}

/* Loads the program for pingpong; "lo" owns the destination addresses of pkt_build.h. */
static inline void load_pingpong(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	load(_metadata, self, TC_PINGPONG);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST);
	set_addr(_metadata, self, LO, BUILD_DADDR6, OWN_ADDR_UNICAST);
}

static inline __u32 get_events(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	ASSERT_LE(0, test_ring_read(&self->ring));
	return self->ring.n;
}

/* --- requests ------------------------------------------------------------------------ */

/* Sets the destination to the MAC address of "lo", which is all zero. */
static inline void to_us(struct build *pkt)
{
	memset(pkt->data, 0, ETH_ALEN);
}

static inline void request(struct _test_data_tc *self, int family, int vlans, __u32 payload)
{
	build_start(&self->pkt);
	build_vlans(&self->pkt, vlans);
	build_ip(&self->pkt, family);
	build_echo(&self->pkt);
	build_payload(&self->pkt, payload);
	build_finish(&self->pkt);
	to_us(&self->pkt);
}

static inline void swap(__u8 *a, __u8 *b, __u32 len)
{
	__u8 tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

/* Turns a request into its reply, except for the checksums. */
static inline void turn(struct build *pkt)
{
	__u8 *ip = pkt->data + pkt->ip_at;

	swap(pkt->data, pkt->data + ETH_ALEN, ETH_ALEN);
	if (pkt->family == 4) {
		swap(ip + 12, ip + 16, 4);
		ip[8] = 64;
		pkt->data[pkt->l4_at] = ICMP_ECHOREPLY;
	} else {
		swap(ip + 8, ip + 24, 16);
		ip[7] = 64;
		pkt->data[pkt->l4_at] = ICMPV6_ECHO_REPLY;
	}
}

/* --- expected results ---------------------------------------------------------------- */

static inline __u32 verdict_of(__u32 reason)
{
	if (reason == TC_ANSWER)
		return TC_ACT_REDIRECT;
	return reason == TC_DROP_ECHO || reason == TC_DROP_OTHER ? TC_ACT_SHOT : UNSPEC;
}

static inline __u8 event_verdict_of(__u32 reason)
{
	if (reason == TC_ANSWER)
		return ECHO_ANSWER;
	return reason == TC_DROP_ECHO ? ECHO_DROP : ECHO_PASS;
}

static inline bool is_match(__u32 reason)
{
	return reason >= TC_PASS_ACTION && reason != TC_DROP_OTHER;
}

/* Newer kernels refuse BPF_PROG_TEST_RUN with less than an IP header. */
static inline bool is_refused(const struct _test_data_tc *self, __u32 len, int err)
{
	__u32 ip_len = self->pkt.family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	return err == -EINVAL && len < self->pkt.ip_at + ip_len;
}

/*
 * Runs the program on the first @len bytes of the packet; the verdict must fit @reason.
 * Returns false if the kernel refused such a short packet.
 */
static inline bool run_len(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 len,
			   __u32 reason)
{
	int err = test_run(self->skel->progs.netbpf_tc, self->pkt.data, len, &self->out);

	if (is_refused(self, len, err))
		return false;
	EXPECT_EQ(0, err);
	self->seen++;
	self->want[reason]++;
	EXPECT_EQ(verdict_of(reason), self->out.verdict)
		build_dump(self->pkt.data, len);
	return true;
}

/*
 * Like run_len(); the packet must also stay unchanged, and there must be an event if, and
 * only if, the packet matched.
 */
static inline void expect_len(struct __test_metadata *_metadata, struct _test_data_tc *self,
			      __u32 len, __u32 reason)
{
	if (!run_len(_metadata, self, len, reason))
		return;
	EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));
	EXPECT_EQ(is_match(reason), get_events(_metadata, self))
		build_dump(self->pkt.data, len);
	if (self->ring.n) {
		EXPECT_EQ(reason, self->events[0].reason);
		EXPECT_EQ(event_verdict_of(reason), self->events[0].verdict);
	}
}

static inline void expect(struct __test_metadata *_metadata, struct _test_data_tc *self,
			  __u32 reason)
{
	expect_len(_metadata, self, self->pkt.len, reason);
}

/* The program answers the packet, and each byte of the answer is that of @reply. */
static inline void expect_reply(struct __test_metadata *_metadata, struct _test_data_tc *self,
				const struct build *reply)
{
	run_len(_metadata, self, self->pkt.len, TC_ANSWER);
	EXPECT_TRUE(test_unchanged(&self->out, reply->data, reply->len)) {
		build_dump(self->pkt.data, self->pkt.len);
		build_dump(self->out.data, self->out.len);
		build_dump(reply->data, reply->len);
	}
	EXPECT_EQ(1, get_events(_metadata, self));
	EXPECT_EQ(ECHO_ANSWER, self->events[0].verdict);
}

/*
 * Sets the checksums of a reply. Where the ICMP checksum would be 0, the program writes
 * 0xffff. Both mean the same, except for a message of only zeros: there only 0xffff is valid.
 */
static inline void reply_checksums(struct build *reply)
{
	build_checksums(reply);
	if (reply->family == 4 && !build_get16(reply, reply->l4_at + 2))
		build_put16(reply, reply->l4_at + 2, 0xffff);
}

static inline void expect_answer(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	self->reply = self->pkt;
	turn(&self->reply);
	reply_checksums(&self->reply);
	expect_reply(_metadata, self, &self->reply);
}

#endif /* _SELFTESTS_TC_RUN_H */
