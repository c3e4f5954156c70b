// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/ping_kern.c: which packets it drops, that it changes none,
 * that its counters add up, and what its events say.
 */
#include <kselftest_harness.h>
#include "echo_event.h"
#include "test_run.h"
#include "../samples/ping.h"
#include "ping.skel.h"

enum {
	EVENTS_MAX = 5000,
	/* Ring buffer of ping_kern.c, and what one event takes in it. */
	RING_SIZE = 256 * 1024,
	RING_ENTRY = 8 + sizeof(struct echo_event),
};

FIXTURE(ping)
{
	struct ping_kern *skel;
	struct ring_buffer *ring;
	struct build pkt;
	struct test_out out;
	__u64 seen;
	__u64 want[__PING_COUNT_MAX];
	__u32 n_events;
	struct echo_event events[EVENTS_MAX];
};

FIXTURE_SETUP(ping)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->skel = ping_kern__open();
	ASSERT_NE(NULL, self->skel);
}

static void get_counts(struct __test_metadata *_metadata, struct _test_data_ping *self,
		       __u64 counts[__PING_COUNT_MAX])
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	__u64 values[n_cpus];
	__u32 i;

	for (i = 0; i < __PING_COUNT_MAX; i++) {
		ASSERT_EQ(0, bpf_map__lookup_elem(self->skel->maps.ping_counts, &i, sizeof(i),
						  values, sizeof(values), 0));
		counts[i] = 0;
		for (cpu = 0; cpu < n_cpus; cpu++)
			counts[i] += values[cpu];
	}
}

/* One reason for each packet, and each the right one. */
static void check_counts(struct __test_metadata *_metadata, struct _test_data_ping *self)
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
	if (self->ring)
		check_counts(_metadata, self);
	ring_buffer__free(self->ring);
	ping_kern__destroy(self->skel);
}

static int take_event(void *ctx, void *data, size_t size)
{
	struct _test_data_ping *self = ctx;

	if (size != sizeof(struct echo_event) || self->n_events == EVENTS_MAX)
		return -E2BIG;
	memcpy(&self->events[self->n_events++], data, size);
	return 0;
}

/* Load it with what the test has set in skel->rodata. */
static void load(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	struct ring_buffer *ring;

	ASSERT_EQ(0, ping_kern__load(self->skel));
	ring = ring_buffer__new(bpf_map__fd(self->skel->maps.ping_events), take_event, self,
				NULL);
	ASSERT_NE(NULL, ring);
	self->ring = ring;
}

/* Events since the last call, in self->events. */
static __u32 get_events(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	self->n_events = 0;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	return self->n_events;
}

/* The first @len bytes: unchanged, with the verdict that @reason calls for. */
static void run_len(struct __test_metadata *_metadata, struct _test_data_ping *self,
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

static bool is_match(__u32 reason)
{
	return reason == PING_DROP_ECHO || reason == PING_PASS_ACTION ||
	       reason == PING_PASS_EVERY;
}

/* The same, and there is an event if the packet matched. */
static void expect_len(struct __test_metadata *_metadata, struct _test_data_ping *self,
		       __u32 len, __u32 reason)
{
	run_len(_metadata, self, len, reason);
	EXPECT_EQ(is_match(reason), get_events(_metadata, self))
		build_dump(self->pkt.data, len);
	if (self->n_events) {
		EXPECT_EQ(reason, self->events[0].reason);
		EXPECT_EQ(reason == PING_DROP_ECHO ? ECHO_DROP : ECHO_PASS,
			  self->events[0].verdict);
	}
}

static void expect(struct __test_metadata *_metadata, struct _test_data_ping *self, __u32 reason)
{
	expect_len(_metadata, self, self->pkt.len, reason);
}

/* --- which packets ---------------------------------------------------------------- */

TEST_F(ping, echo_requests)
{
	int family, vlans;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_ping(&self->pkt, family, vlans);
			expect(_metadata, self, PING_DROP_ECHO);
		}
		build_ping(&self->pkt, family, 3);
		expect(_metadata, self, PING_PASS_BAD);
	}
}

TEST_F(ping, long_headers)
{
	__u32 opt_len;
	int n;

	load(_metadata, self);
	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, opt_len);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		expect(_metadata, self, PING_DROP_ECHO);
	}
	for (n = 0; n <= 8; n++) {
		int i;

		build_start(&self->pkt);
		build_ipv6(&self->pkt);
		for (i = 0; i < n; i++)
			build_ext(&self->pkt, i % 2 ? IPPROTO_AH : IPPROTO_DSTOPTS, 16);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		expect(_metadata, self, n > 6 ? PING_PASS_BAD : PING_DROP_ECHO);
	}
}

/* Each type and code but that of the echo request. */
TEST_F(ping, other_types)
{
	int family, type, code;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		__u8 request = family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;

		for (type = 0; type < 256; type++) {
			for (code = 0; code < 256; code += type == request ? 1 : 51) {
				build_ping(&self->pkt, family, 0);
				self->pkt.data[self->pkt.l4_at] = type;
				self->pkt.data[self->pkt.l4_at + 1] = code;
				expect(_metadata, self, type == request && !code ?
				       PING_DROP_ECHO : PING_PASS_NO_ECHO);
			}
		}
	}
}

/* ICMP in IPv6, ICMPv6 in IPv4: neither is an echo request. */
TEST_F(ping, other_family)
{
	static const __u8 protos[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };
	static const __u8 types[] = { ICMP_ECHO, ICMPV6_ECHO_REQUEST };
	int family, i;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < 4; i++) {
			bool echo = i == (family == 4 ? 0 : 3);

			build_start(&self->pkt);
			build_ip(&self->pkt, family);
			build_icmp_as(&self->pkt, protos[i & 1], types[i >> 1], 0);
			build_finish(&self->pkt);
			expect(_metadata, self, echo ? PING_DROP_ECHO : PING_PASS_NO_ECHO);
		}
	}
}

/* Transport of any other protocol, with the bytes of an echo request. */
TEST_F(ping, other_protocols)
{
	int proto;

	load(_metadata, self);
	for (proto = 0; proto < 256; proto++) {
		build_ping(&self->pkt, 4, 0);
		self->pkt.data[self->pkt.ip_at + 9] = proto;
		expect(_metadata, self, proto == IPPROTO_ICMP ?
		       PING_DROP_ECHO : PING_PASS_NO_ECHO);
	}
}

TEST_F(ping, not_ip)
{
	int vlans;

	load(_metadata, self);
	for (vlans = 0; vlans <= 2; vlans++) {
		build_ping(&self->pkt, 4, vlans);
		build_put16(&self->pkt, self->pkt.ip_at - 2, ETH_P_ARP);
		expect(_metadata, self, PING_PASS_NOT_IP);
		expect_len(_metadata, self, self->pkt.ip_at, PING_PASS_NOT_IP);
	}
}

/* tot_len leaves 4 bytes of ICMP; what stands behind is Ethernet padding. */
TEST_F(ping, padding_is_no_echo)
{
	__u32 len;

	load(_metadata, self);
	for (len = 0; len <= 8; len++) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, 0);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		build_pad(&self->pkt, 60);
		build_put16(&self->pkt, 14 + 2, 20 + len);
		expect(_metadata, self, len < 8 ? PING_PASS_NO_ECHO : PING_DROP_ECHO);

		build_start(&self->pkt);
		build_ipv6(&self->pkt);
		build_echo(&self->pkt);
		build_finish(&self->pkt);
		build_pad(&self->pkt, 80);
		build_put16(&self->pkt, 14 + 4, len);
		expect(_metadata, self, len < 8 ? PING_PASS_NO_ECHO : PING_DROP_ECHO);
	}
}

/* The first fragment holds the ICMP header; in the others nothing is one. */
TEST_F(ping, fragments)
{
	static const struct {
		__u32 offset;
		bool more;
		__u32 reason;
	} frags[] = {
		{ 0, false, PING_DROP_ECHO },
		{ 0, true, PING_DROP_ECHO },
		{ 8, true, PING_PASS_NO_ECHO },
		{ 1480, true, PING_PASS_NO_ECHO },
		{ 2960, false, PING_PASS_NO_ECHO },
		{ 65528, false, PING_PASS_NO_ECHO },
	};
	unsigned int i;
	int family;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < ARRAY_SIZE(frags); i++) {
			build_start(&self->pkt);
			build_ip(&self->pkt, family);
			build_frag(&self->pkt, frags[i].offset, frags[i].more);
			build_echo(&self->pkt);
			build_payload(&self->pkt, 24);
			build_finish(&self->pkt);
			expect(_metadata, self, frags[i].reason);
		}
	}
}

/* Each beginning of a request: dropped only with all of the ICMP header. */
TEST_F(ping, cut_short)
{
	int family, vlans;
	__u32 len, reason;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_ping(&self->pkt, family, vlans);
			for (len = BUILD_MIN; len <= self->pkt.len; len++) {
				reason = PING_DROP_ECHO;
				if (len < self->pkt.l4_at)
					reason = PING_PASS_BAD;
				else if (len < self->pkt.l4_at + 8)
					reason = PING_PASS_NO_ECHO;
				expect_len(_metadata, self, len, reason);
			}
		}
	}
}

/* Broken headers are the kernel's to drop, and to count. */
TEST_F(ping, broken)
{
	int family, i;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < 16; i++) {
			if (i == family)
				continue;
			build_ping(&self->pkt, family, 0);
			self->pkt.data[14] = i << 4 | (self->pkt.data[14] & 0xf);
			expect(_metadata, self, PING_PASS_BAD);
		}
	}
	for (i = 0; i < 5; i++) {
		build_ping(&self->pkt, 4, 0);
		self->pkt.data[14] = 0x40 | i;
		expect(_metadata, self, PING_PASS_BAD);
	}
	for (i = 0; i < 20; i++) {
		build_ping(&self->pkt, 4, 0);
		build_put16(&self->pkt, 14 + 2, i);
		expect(_metadata, self, PING_PASS_BAD);
	}
}

/* A jumbo frame, in several buffers. */
TEST_F(ping, multi_buffer)
{
	int family;

	/* BPF_PROG_TEST_RUN does not ask for it; drivers do. */
	EXPECT_STREQ("xdp.frags", bpf_program__section_name(self->skel->progs.ping));
	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		build_start(&self->pkt);
		build_ip(&self->pkt, family);
		build_echo(&self->pkt);
		build_payload(&self->pkt, 8900);
		build_finish(&self->pkt);
		expect(_metadata, self, PING_DROP_ECHO);
	}
}

/* --- what to do with them ------------------------------------------------------------ */

TEST_F(ping, pass)
{
	int family;

	self->skel->rodata->drop = false;
	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		build_ping(&self->pkt, family, 0);
		expect(_metadata, self, PING_PASS_ACTION);
	}
}

/* The third, sixth, ... of those that match; others do not count. */
TEST_F(ping, every)
{
	int i;

	self->skel->rodata->every = 3;
	load(_metadata, self);
	for (i = 1; i <= 30; i++) {
		build_ping(&self->pkt, i % 2 ? 4 : 6, 0);
		expect(_metadata, self, i % 3 ? PING_PASS_EVERY : PING_DROP_ECHO);
		self->pkt.data[self->pkt.l4_at + 1] = 1;
		expect(_metadata, self, PING_PASS_NO_ECHO);
	}
	EXPECT_EQ(30, self->skel->bss->matched);
}

TEST_F(ping, every_and_pass)
{
	int i;

	self->skel->rodata->every = 2;
	self->skel->rodata->drop = false;
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	for (i = 1; i <= 4; i++)
		expect(_metadata, self, i % 2 ? PING_PASS_EVERY : PING_PASS_ACTION);
}

/* --- --src and --dst -------------------------------------------------------------------- */

/* @text: ADDRESS/BITS, IPv4 too as IPv6. */
static void set_prefix(struct ping_prefix *prefix, const char *addr, int bits)
{
	__u8 *byte = (void *)prefix->addr, *mask = (void *)prefix->mask;
	int i;

	inet_pton(AF_INET6, addr, prefix->addr);
	prefix->family = strncmp(addr, "::ffff:", 7) ? 6 : 4;
	for (i = 0; i < 128; i++) {
		if (i < bits)
			mask[i / 8] |= 0x80 >> i % 8;
		else
			byte[i / 8] &= ~(0x80 >> i % 8);
	}
}

struct prefix_try {
	const char *addr;
	int bits;
	bool match4;
	bool match6;
};

static const struct prefix_try src_tries[] = {
	{ "::", 0, false, true },
	{ "::ffff:192.0.2.1", 128, true, false },
	{ "::ffff:192.0.2.0", 128, false, false },
	{ "::ffff:192.0.2.0", 127, true, false },
	{ "::ffff:192.0.2.2", 127, false, false },
	{ "::ffff:192.0.2.0", 120, true, false },
	{ "::ffff:192.0.3.0", 120, false, false },
	{ "::ffff:0.0.0.0", 96, true, false },
	{ "::ffff:128.0.0.0", 97, true, false },
	{ "::ffff:0.0.0.0", 97, false, false },
	{ "2001:db8:1::1", 128, false, true },
	{ "2001:db8:1::2", 128, false, false },
	{ "2001:db8:1::", 48, false, true },
	{ "2001:db8:2::", 48, false, false },
	{ "2001:db8::", 46, false, true },
	{ "2001:db8:1:0:8000::", 65, false, false },
	{ "2000::", 3, false, true },
	{ "::", 3, false, false },
	/* The last word alone must not decide. */
	{ "::192.0.2.1", 128, false, false },
	{ "64:ff9b::192.0.2.1", 128, false, false },
};

/* A new program; the old one's counters are checked first. */
static void reopen(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	check_counts(_metadata, self);
	ring_buffer__free(self->ring);
	self->ring = NULL;
	ping_kern__destroy(self->skel);
	self->skel = ping_kern__open();
	ASSERT_NE(NULL, self->skel);
	self->seen = 0;
	memset(self->want, 0, sizeof(self->want));
}

/* Each prefix needs a program of its own: it is fixed at load time. */
static void each_prefix(struct __test_metadata *_metadata, struct _test_data_ping *self,
			const struct prefix_try *tries, unsigned int n, bool dst)
{
	struct ping_prefix *prefix;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (i)
			reopen(_metadata, self);
		prefix = dst ? &self->skel->rodata->dst_prefix : &self->skel->rodata->src_prefix;
		set_prefix(prefix, tries[i].addr, tries[i].bits);
		load(_metadata, self);

		build_ping(&self->pkt, 4, 0);
		expect(_metadata, self, tries[i].match4 ? PING_DROP_ECHO : PING_PASS_FILTER);
		build_ping(&self->pkt, 6, 1);
		expect(_metadata, self, tries[i].match6 ? PING_DROP_ECHO : PING_PASS_FILTER);
		ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
			TH_LOG("prefix %s/%d", tries[i].addr, tries[i].bits);
	}
}

TEST_F(ping, src)
{
	each_prefix(_metadata, self, src_tries, ARRAY_SIZE(src_tries), false);
}

TEST_F(ping, dst)
{
	static const struct prefix_try tries[] = {
		{ "::ffff:198.51.100.2", 128, true, false },
		{ "::ffff:192.0.2.1", 128, false, false },
		{ "::ffff:198.51.100.0", 120, true, false },
		{ "2001:db8:2::2", 128, false, true },
		{ "2001:db8:1::1", 128, false, false },
		{ "2001:db8::", 32, false, true },
	};

	each_prefix(_metadata, self, tries, ARRAY_SIZE(tries), true);
}

/* Both must match; a request that is filtered is none for --every. */
TEST_F(ping, src_and_dst_and_every)
{
	int i;

	set_prefix(&self->skel->rodata->src_prefix, "::ffff:192.0.2.0", 120);
	set_prefix(&self->skel->rodata->dst_prefix, "::ffff:198.51.100.2", 128);
	self->skel->rodata->every = 2;
	load(_metadata, self);
	for (i = 1; i <= 6; i++) {
		build_ping(&self->pkt, 4, 0);
		expect(_metadata, self, i % 2 ? PING_PASS_EVERY : PING_DROP_ECHO);
		self->pkt.data[14 + 19] = 3;
		expect(_metadata, self, PING_PASS_FILTER);
		build_ping(&self->pkt, 4, 0);
		self->pkt.data[14 + 12] = 10;
		expect(_metadata, self, PING_PASS_FILTER);
		build_ping(&self->pkt, 6, 0);
		expect(_metadata, self, PING_PASS_FILTER);
		/* Only an echo request is ever filtered. */
		self->pkt.data[self->pkt.l4_at + 1] = 1;
		expect(_metadata, self, PING_PASS_NO_ECHO);
	}
}

/* --- events ------------------------------------------------------------------------------- */

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

TEST_F(ping, event)
{
	static const char *const addrs[][2] = {
		{ "::ffff:" BUILD_SADDR4, "::ffff:" BUILD_DADDR4 },
		{ BUILD_SADDR6, BUILD_DADDR6 },
	};
	const struct echo_event *ev = &self->events[0];
	struct echo_event want;
	__u64 before, after;
	int i;

	load(_metadata, self);
	for (i = 0; i < 2; i++) {
		memset(&want, 0, sizeof(want));
		inet_pton(AF_INET6, addrs[i][0], want.saddr);
		inet_pton(AF_INET6, addrs[i][1], want.daddr);
		/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
		want.ifindex = 1;
		want.id = htons(BUILD_ID);
		want.seq = htons(BUILD_SEQ);
		want.reason = PING_DROP_ECHO;
		want.verdict = ECHO_DROP;
		want.family = i ? 6 : 4;

		build_ping(&self->pkt, want.family, i);
		before = monotonic_ns();
		expect(_metadata, self, PING_DROP_ECHO);
		after = monotonic_ns();
		ASSERT_EQ(1, self->n_events);
		EXPECT_LE(before, ev->ts_ns);
		EXPECT_GE(after, ev->ts_ns);
		want.ts_ns = ev->ts_ns;
		EXPECT_EQ(0, memcmp(&want, ev, sizeof(want))) {
			build_dump(&want, sizeof(want));
			build_dump(ev, sizeof(*ev));
		}
	}
}

/* In order, each with its own number. */
TEST_F(ping, event_order)
{
	__u32 i;

	self->skel->rodata->every = 2;
	load(_metadata, self);
	for (i = 0; i < 100; i++) {
		build_ping(&self->pkt, 4, 0);
		build_put16(&self->pkt, self->pkt.l4_at + 6, i);
		run_len(_metadata, self, self->pkt.len, i % 2 ? PING_DROP_ECHO : PING_PASS_EVERY);
	}
	ASSERT_EQ(100, get_events(_metadata, self));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(i, ntohs(self->events[i].seq));
		EXPECT_EQ(i % 2 ? PING_DROP_ECHO : PING_PASS_EVERY, self->events[i].reason);
	}
}

TEST_F(ping, no_events)
{
	self->skel->rodata->events = false;
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	run_len(_metadata, self, self->pkt.len, PING_DROP_ECHO);
	EXPECT_EQ(0, get_events(_metadata, self));
}

/* The ring buffer is full: the verdict stays, and what is lost is counted. */
TEST_F(ping, lost_events)
{
	__u32 i, events, room = RING_SIZE / RING_ENTRY;

	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	for (i = 0; i < EVENTS_MAX; i++)
		run_len(_metadata, self, self->pkt.len, PING_DROP_ECHO);
	events = get_events(_metadata, self);
	EXPECT_LE(room - 1, events);
	EXPECT_GE(room, events);
	self->want[PING_LOST] = EVENTS_MAX - events;

	/* There is room again. */
	expect(_metadata, self, PING_DROP_ECHO);
}

TEST_HARNESS_MAIN
