// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how samples/network puts paths together from the events of the hooks. The tests
 * need no BPF and no root.
 */
#include "test_harness.h"
#include "pkt_build.h"
#include "test_rand.h"
#include "parts/network/path.h"

#define BIT(n) (1U << (n))

enum {
	PATHS_MAX = 40000,
	XDP = BIT(NETWORK_XDP),
	SOCK = BIT(NETWORK_SOCKFILTER),
	TC = BIT(NETWORK_TC),
	ALL = XDP | SOCK | TC,
	IFINDEX = 7,
};

FIXTURE(path)
{
	struct network_paths paths;
	struct build pkt;
	__u64 now;
	__u32 n_done;
	struct network_path done[PATHS_MAX];
};

static void take_path(void *ctx, const struct network_path *path)
{
	struct _test_data_path *self = ctx;

	if (self->n_done < PATHS_MAX)
		self->done[self->n_done] = *path;
	self->n_done++;
}

FIXTURE_SETUP(path)
{
	ASSERT_EQ(0, network_paths_init(&self->paths, take_path, self));
	self->now = 1000;
	build_ping(&self->pkt, 4, 0);
}

FIXTURE_TEARDOWN(path)
{
	network_paths_free(&self->paths);
}

/* Marks @hooks as attached since before the first event. */
static void attach(struct _test_data_path *self, __u8 hooks)
{
	int i;

	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (hooks & BIT(i))
			network_paths_on(&self->paths, i, 1, 2);
	}
}

/* Feeds the event of @hook, which has seen the packet in self->pkt. */
static void meet(struct _test_data_path *self, __u8 hook, __u8 verdict)
{
	struct network_event ev = {
		.ts_ns = self->now++,
		.ifindex = IFINDEX,
		.len = self->pkt.len,
		.hook = hook,
		.verdict = verdict,
	};

	ev.n_headers = ev.len < NETWORK_HEADERS ? ev.len : NETWORK_HEADERS;
	memcpy(ev.headers, self->pkt.data, ev.n_headers);
	network_paths_event(&self->paths, &ev);
}

static void pass(struct _test_data_path *self, __u8 hook)
{
	meet(self, hook, hook == NETWORK_SOCKFILTER ? NETWORK_COPY : NETWORK_PASS);
}

static void pass_all(struct _test_data_path *self, __u8 hooks)
{
	int i;

	for (i = 0; i < __NETWORK_HOOK_MAX; i++) {
		if (hooks & BIT(i))
			pass(self, i);
	}
}

static void expire_all(struct _test_data_path *self)
{
	network_paths_expire(&self->paths, UINT64_MAX, false);
}

#define EXPECT_PATH(n, wanted_met, wanted_end) do {			\
	const struct network_path *__path = &self->done[n];		\
									\
	EXPECT_EQ(wanted_met, __path->met);				\
	EXPECT_EQ(wanted_end, __path->end);				\
} while (0)

/* --- one packet ------------------------------------------------------------ */

TEST_F(path, each_set_of_hooks)
{
	__u8 hooks;

	for (hooks = 1; hooks <= ALL; hooks++) {
		struct network_paths *paths = &self->paths;

		paths->hooks = 0;
		attach(self, hooks);
		self->n_done = 0;
		pass_all(self, hooks);
		ASSERT_EQ(1, self->n_done);
		EXPECT_PATH(0, hooks, NETWORK_END_STACK);
		EXPECT_EQ(0, network_path_unmet(&self->done[0]));
		EXPECT_EQ(NULL, paths->oldest);
	}
}

TEST_F(path, not_before_the_last_hook)
{
	attach(self, ALL);
	pass(self, NETWORK_XDP);
	EXPECT_EQ(0, self->n_done);
	pass(self, NETWORK_SOCKFILTER);
	EXPECT_EQ(0, self->n_done);
	pass(self, NETWORK_TC);
	EXPECT_EQ(1, self->n_done);
}

TEST_F(path, dropped_in_xdp)
{
	attach(self, ALL);
	meet(self, NETWORK_XDP, NETWORK_DROP);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, XDP, NETWORK_END_DROPPED);
	EXPECT_EQ(SOCK | TC, network_path_unmet(&self->done[0]));
}

TEST_F(path, dropped_in_tc)
{
	attach(self, ALL);
	pass_all(self, XDP | SOCK);
	meet(self, NETWORK_TC, NETWORK_DROP);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, ALL, NETWORK_END_DROPPED);
	EXPECT_EQ(NETWORK_DROP, self->done[0].verdict[NETWORK_TC]);
	EXPECT_EQ(NETWORK_COPY, self->done[0].verdict[NETWORK_SOCKFILTER]);
	EXPECT_EQ(0, network_path_unmet(&self->done[0]));
}

TEST_F(path, answered)
{
	attach(self, ALL);
	pass_all(self, XDP | SOCK);
	meet(self, NETWORK_TC, NETWORK_ANSWER);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, ALL, NETWORK_END_ANSWERED);
}

/* A path that gets no further event ends at a deadline; it says which hooks it missed. */
TEST_F(path, not_seen_again)
{
	__u64 at = self->now;

	attach(self, ALL);
	pass(self, NETWORK_XDP);
	network_paths_expire(&self->paths, at, false);
	EXPECT_EQ(0, self->n_done);
	network_paths_expire(&self->paths, at + 1, false);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, XDP, NETWORK_END_UNSEEN);
	EXPECT_EQ(SOCK | TC, network_path_unmet(&self->done[0]));

	pass_all(self, XDP | SOCK);
	network_paths_expire(&self->paths, UINT64_MAX, true);
	ASSERT_EQ(2, self->n_done);
	EXPECT_PATH(1, XDP | SOCK, NETWORK_END_UNKNOWN);
	EXPECT_EQ(TC, network_path_unmet(&self->done[1]));
}

/* A packet that was redirected to the interface has not passed XDP. */
TEST_F(path, from_the_middle)
{
	attach(self, ALL);
	pass_all(self, SOCK | TC);
	pass(self, NETWORK_TC);
	ASSERT_EQ(2, self->n_done);
	EXPECT_PATH(0, SOCK | TC, NETWORK_END_STACK);
	EXPECT_PATH(1, TC, NETWORK_END_STACK);
}

/* --- which packet is which ------------------------------------------------- */

/* XDP sees a VLAN tag that the other hooks do not see: the kernel has taken the tag out. */
TEST_F(path, vlan_tag_taken_out)
{
	int family;

	attach(self, ALL);
	for (family = 4; family <= 6; family += 2) {
		self->n_done = 0;
		build_ping(&self->pkt, family, 1);
		pass(self, NETWORK_XDP);
		build_ping(&self->pkt, family, 0);
		pass_all(self, SOCK | TC);
		ASSERT_EQ(1, self->n_done);
		EXPECT_PATH(0, ALL, NETWORK_END_STACK);
		EXPECT_EQ(BUILD_ID, self->done[0].pkt.key.sport);
		EXPECT_EQ(BUILD_SEQ, self->done[0].pkt.key.dport);
	}
}

static void build_kind(struct build *pkt, int family, int proto)
{
	build_start(pkt);
	build_ip(pkt, family);
	if (proto == IPPROTO_TCP)
		build_tcp(pkt, 12);
	else if (proto == IPPROTO_UDP)
		build_udp(pkt);
	else
		build_echo(pkt);
	build_payload(pkt, 40);
	build_finish(pkt);
}

/*
 * Packets that differ in the byte at @at are different packets. The second packet passes the
 * hooks while the first one is between two hooks. This must hold for each byte that no hook
 * changes.
 */
static void other_byte(struct __test_metadata *_metadata, struct _test_data_path *self,
		       __u32 at)
{
	struct build first = self->pkt;

	self->n_done = 0;
	pass(self, NETWORK_XDP);
	self->pkt.data[at] ^= 1;
	pass_all(self, ALL);
	ASSERT_EQ(1, self->n_done)
		TH_LOG("byte %u", at);
	EXPECT_PATH(0, ALL, NETWORK_END_STACK);
	EXPECT_NE(NULL, self->paths.oldest);
	self->pkt = first;
	pass_all(self, SOCK | TC);
	ASSERT_EQ(2, self->n_done);
	EXPECT_PATH(1, ALL, NETWORK_END_STACK);
	EXPECT_EQ(NULL, self->paths.oldest);
	EXPECT_LT(self->done[1].ts_ns, self->done[0].ts_ns);
}

TEST_F(path, other_packets)
{
	static const int protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	int family;
	__u32 i, at;

	attach(self, ALL);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < ARRAY_SIZE(protos); i++) {
			build_kind(&self->pkt, family, protos[i]);
			/* Addresses, then ports (or identifier and sequence number). */
			at = self->pkt.ip_at + (family == 4 ? 12 : 8);
			for (; at < self->pkt.l4_at; at++)
				other_byte(_metadata, self, at);
			at += protos[i] == IPPROTO_ICMP ? 4 : 0;
			other_byte(_metadata, self, at);
			other_byte(_metadata, self, at + 1);
			other_byte(_metadata, self, at + 2);
			other_byte(_metadata, self, at + 3);
			/* IPv4: identification. IPv6: flow label. */
			at = self->pkt.ip_at + (family == 4 ? 4 : 2);
			other_byte(_metadata, self, at);
			other_byte(_metadata, self, at + 1);
		}
		build_kind(&self->pkt, family, IPPROTO_TCP);
		for (i = 4; i < 12; i++)
			other_byte(_metadata, self, self->pkt.l4_at + i);
	}
}

/* If only the TTL, TCP flags or checksums differ, it is the same packet. */
TEST_F(path, same_packet)
{
	attach(self, ALL);
	build_kind(&self->pkt, 4, IPPROTO_TCP);
	pass(self, NETWORK_XDP);
	self->pkt.data[self->pkt.l4_at + 13] |= 8;
	self->pkt.data[self->pkt.l4_at + 16] ^= 0xff;
	pass_all(self, SOCK | TC);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, ALL, NETWORK_END_STACK);
}

TEST_F(path, other_interface)
{
	struct network_event ev = { .ts_ns = 5000, .ifindex = IFINDEX + 1, .len = 14 };

	attach(self, XDP | TC);
	network_paths_event(&self->paths, &ev);
	ev.hook = NETWORK_TC;
	ev.ifindex = IFINDEX;
	network_paths_event(&self->paths, &ev);
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, TC, NETWORK_END_STACK);
}

/* Of identical packets (retransmissions), an event belongs to the oldest one. */
TEST_F(path, twins)
{
	int i;

	attach(self, ALL);
	for (i = 0; i < 3; i++)
		pass(self, NETWORK_XDP);
	pass(self, NETWORK_SOCKFILTER);
	pass(self, NETWORK_TC);
	pass(self, NETWORK_SOCKFILTER);
	pass(self, NETWORK_TC);
	ASSERT_EQ(2, self->n_done);
	EXPECT_PATH(0, ALL, NETWORK_END_STACK);
	EXPECT_PATH(1, ALL, NETWORK_END_STACK);
	EXPECT_LT(self->done[0].ts_ns, self->done[1].ts_ns);
	expire_all(self);
	ASSERT_EQ(3, self->n_done);
	EXPECT_PATH(2, XDP, NETWORK_END_UNSEEN);
}

TEST_F(path, fragments)
{
	static const __u32 offsets[] = { 0, 1480, 2960 };
	unsigned int i, round;

	attach(self, XDP | TC);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			build_start(&self->pkt);
			build_ipv4(&self->pkt, 0);
			build_frag(&self->pkt, offsets[i], i < 2);
			build_echo(&self->pkt);
			build_payload(&self->pkt, 24);
			build_finish(&self->pkt);
			pass(self, round ? NETWORK_TC : NETWORK_XDP);
		}
	}
	ASSERT_EQ(3, self->n_done);
	for (i = 0; i < 3; i++) {
		EXPECT_PATH(i, XDP | TC, NETWORK_END_STACK);
		EXPECT_TRUE(self->done[i].pkt.frag);
		EXPECT_EQ(!i, self->done[i].pkt.has_l4);
	}
}

/* Packets that are not IP, malformed, or cut after any byte have a path, too. */
TEST_F(path, odd_packets)
{
	__u32 len;

	attach(self, ALL);
	build_kind(&self->pkt, 4, IPPROTO_TCP);
	for (len = 0; len < self->pkt.len; len++) {
		struct build whole = self->pkt;

		self->n_done = 0;
		self->pkt.len = len;
		pass_all(self, ALL);
		self->pkt = whole;
		ASSERT_EQ(1, self->n_done)
			TH_LOG("length %u", len);
		EXPECT_PATH(0, ALL, NETWORK_END_STACK);
		EXPECT_EQ(len < self->pkt.l4_at, self->done[0].pkt.bad);
	}
}

TEST_F(path, nonsense_is_no_event)
{
	struct network_event ev = { .hook = __NETWORK_HOOK_MAX, .len = 60 };

	network_paths_event(&self->paths, &ev);
	ev.hook = NETWORK_XDP;
	ev.n_headers = NETWORK_HEADERS + 1;
	network_paths_event(&self->paths, &ev);
	expire_all(self);
	EXPECT_EQ(0, self->n_done);
}

/* --- GRO ------------------------------------------------------------------- */

static void build_segment(struct build *pkt, __u32 seq, __u32 len, __u16 id, __u16 sport)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_put16(pkt, pkt->ip_at + 4, id);
	build_tcp(pkt, 12);
	build_put16(pkt, pkt->l4_at, sport);
	build_put16(pkt, pkt->l4_at + 4, seq >> 16);
	build_put16(pkt, pkt->l4_at + 6, seq & 0xffff);
	build_payload(pkt, len);
	build_finish(pkt);
}

/* XDP sees four segments; GRO merges the first three into one packet for the other hooks. */
static void gro(struct __test_metadata *_metadata, struct _test_data_path *self, __u32 seq)
{
	__u32 i;

	self->n_done = 0;
	for (i = 0; i < 4; i++) {
		build_segment(&self->pkt, seq + i * 1000, 1000, i, 40000);
		pass(self, NETWORK_XDP);
	}
	/* A segment of another connection, and an acknowledgment without data. */
	build_segment(&self->pkt, seq + 1000, 1000, 1, 40001);
	pass(self, NETWORK_XDP);
	build_segment(&self->pkt, seq + 1000, 0, 9, 40000);
	pass(self, NETWORK_XDP);

	build_segment(&self->pkt, seq, 3000, 0, 40000);
	pass(self, NETWORK_SOCKFILTER);
	ASSERT_EQ(2, self->n_done);
	for (i = 0; i < 2; i++) {
		EXPECT_PATH(i, XDP, NETWORK_END_MERGED);
		EXPECT_EQ(seq + (i + 1) * 1000, self->done[i].pkt.key.seq);
		EXPECT_EQ(40000, self->done[i].pkt.key.sport);
	}
	pass(self, NETWORK_TC);
	ASSERT_EQ(3, self->n_done);
	EXPECT_PATH(2, ALL, NETWORK_END_STACK);
	EXPECT_EQ(1000, self->done[2].pkt.payload);

	expire_all(self);
	ASSERT_EQ(6, self->n_done);
	for (i = 3; i < 6; i++)
		EXPECT_PATH(i, XDP, NETWORK_END_UNSEEN);
}

TEST_F(path, merged_by_gro)
{
	attach(self, ALL);
	gro(_metadata, self, 1);
	gro(_metadata, self, 0xffffffff - 1500);
	gro(_metadata, self, 0x7fffffff - 500);
}

/* --- switching ------------------------------------------------------------- */

TEST_F(path, hook_switched_off)
{
	attach(self, ALL);
	pass(self, NETWORK_XDP);
	build_ping(&self->pkt, 6, 0);
	pass_all(self, XDP | SOCK);
	network_paths_off(&self->paths, NETWORK_TC);
	/* The second packet waited for TC only, so its path ends. */
	ASSERT_EQ(1, self->n_done);
	EXPECT_PATH(0, XDP | SOCK, NETWORK_END_STACK);
	EXPECT_EQ(6, self->done[0].pkt.key.family);
	build_ping(&self->pkt, 4, 0);
	pass(self, NETWORK_SOCKFILTER);
	ASSERT_EQ(2, self->n_done);
	EXPECT_PATH(1, XDP | SOCK, NETWORK_END_STACK);
	pass_all(self, XDP | SOCK);
	ASSERT_EQ(3, self->n_done);
	EXPECT_EQ(0, network_path_unmet(&self->done[2]));
}

/*
 * A packet before the hook is attached must not meet it; a packet while it is being attached
 * may meet it; a later packet must meet it.
 */
TEST_F(path, hook_switched_on)
{
	struct network_path *path = self->done;

	attach(self, XDP | SOCK);
	network_paths_on(&self->paths, NETWORK_TC, 2000, 3000);
	self->now = 1990;
	pass_all(self, XDP | SOCK);
	ASSERT_EQ(1, self->n_done);

	self->now = 2500;
	pass_all(self, XDP | SOCK);
	EXPECT_EQ(1, self->n_done);
	expire_all(self);
	self->now = 2600;
	pass_all(self, ALL);
	ASSERT_EQ(3, self->n_done);
	EXPECT_EQ(NETWORK_END_STACK, path[1].end);
	EXPECT_EQ(0, network_path_unmet(&path[1]));
	EXPECT_PATH(2, ALL, NETWORK_END_STACK);

	self->now = 3000;
	pass_all(self, XDP | SOCK);
	EXPECT_EQ(3, self->n_done);
	expire_all(self);
	ASSERT_EQ(4, self->n_done);
	EXPECT_EQ(NETWORK_END_UNSEEN, path[3].end);
	EXPECT_EQ(TC, network_path_unmet(&path[3]));
}

/* --- many ------------------------------------------------------------------ */

/* If more packets are on their way than the table has room for, the oldest ones are dropped. */
TEST_F(path, no_room)
{
	const __u32 more = 100;
	__u32 i;

	attach(self, XDP | TC);
	for (i = 0; i < NETWORK_PATHS_MAX + more; i++) {
		build_put16(&self->pkt, self->pkt.ip_at + 4, i);
		pass(self, NETWORK_XDP);
	}
	ASSERT_EQ(more, self->n_done);
	EXPECT_PATH(0, XDP, NETWORK_END_UNKNOWN);
	EXPECT_EQ(1000, self->done[0].ts_ns);
	expire_all(self);
	EXPECT_EQ(NETWORK_PATHS_MAX + more, self->n_done);
}

/* Random events: each event must be in exactly one path. */
TEST_F(path, random_events)
{
	__u32 i, n = 30000;
	__u64 sum = 0, rnd = test_seed();

	attach(self, ALL);
	for (i = 0; i < n; i++) {
		build_kind(&self->pkt, test_below(&rnd, 2) ? 4 : 6,
			   test_below(&rnd, 2) ? IPPROTO_TCP : IPPROTO_ICMP);
		build_put16(&self->pkt, self->pkt.l4_at + 4, test_below(&rnd, 8));
		if (!test_below(&rnd, 4))
			self->pkt.data[test_below(&rnd, self->pkt.len)] = test_rand(&rnd);
		if (!test_below(&rnd, 4))
			self->pkt.len = test_below(&rnd, self->pkt.len);
		meet(self, test_below(&rnd, 3), test_below(&rnd, 3));
		if (!test_below(&rnd, 500))
			network_paths_expire(&self->paths, self->now - 50, false);
	}
	expire_all(self);
	ASSERT_LE(self->n_done, PATHS_MAX);
	for (i = 0; i < self->n_done; i++)
		sum += __builtin_popcount(self->done[i].met);
	EXPECT_EQ(n, sum);
	EXPECT_EQ(NULL, self->paths.newest);
}

TEST_HARNESS_MAIN
