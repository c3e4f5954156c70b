// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/ping_kern.c: which requests --src and --dst select.
 */
#include "ping_run.h"

/* @addr: IPv6, or IPv4 as ::ffff:a.b.c.d; @bits then counts the 96 bits in front, too. */
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
	/* IPv6 prefixes whose last 32 bits are the IPv4 source address: they must not match. */
	{ "::192.0.2.1", 128, false, false },
	{ "64:ff9b::192.0.2.1", 128, false, false },
};

/* Checks the counters of the old program, then opens a new one. */
static void reopen(struct __test_metadata *_metadata, struct _test_data_ping *self)
{
	check_counts(_metadata, self);
	test_ring_close(&self->ring);
	ping_kern__destroy(self->skel);
	self->skel = ping_kern__open();
	ASSERT_NE(NULL, self->skel);
	self->seen = 0;
	memset(self->want, 0, sizeof(self->want));
}

/* Each prefix needs a new program, because the prefix is a constant at load time. */
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

/* --src and --dst must both match. --every does not count requests that they exclude. */
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
		/* With code 1 this is no echo request: it counts as such, not as filtered. */
		self->pkt.data[self->pkt.l4_at + 1] = 1;
		expect(_metadata, self, PING_PASS_NO_ECHO);
	}
}

TEST_HARNESS_MAIN
