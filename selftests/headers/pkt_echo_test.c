// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of include/pkt_echo.bpf.h: which packets are echo requests, what is said
 * of them, and each byte of the reply, against one that is built anew.
 */
#include "test_harness.h"
#include "test_root.h"
#include "test_run.h"
#include "pkt_echo_test.h"
#ifndef TEST_NATIVE
#include "pkt_echo.skel.h"
#endif

#define ROUNDS	2000
#define PASS	2	/* XDP_PASS */
#define TX	3	/* XDP_TX */

FIXTURE(echo)
{
	struct pkt_echo_kern *skel;
	struct build pkt;
	struct test_out out;
};

FIXTURE_VARIANT(echo)
{
	int family;
};

FIXTURE_VARIANT_ADD(echo, ipv4) { .family = 4 };
FIXTURE_VARIANT_ADD(echo, ipv6) { .family = 6 };

FIXTURE_SETUP(echo)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = test_load(pkt_echo_kern);
	ASSERT_NE(NULL, self->skel);
}

FIXTURE_TEARDOWN(echo)
{
	test_unload(pkt_echo_kern, self->skel);
}

static const struct echo_found *answer(struct __test_metadata *_metadata,
				       struct _test_data_echo *self, __u32 verdict)
{
	ASSERT_EQ(0, test_run(test_prog(self->skel, echo_answer), self->pkt.data, self->pkt.len,
			      &self->out));
	ASSERT_EQ(verdict, self->out.verdict) build_dump(self->pkt.data, self->pkt.len);
	return &test_var(self->skel, found);
}

/* No request: nothing is said of it, no byte is changed. */
static void expect_none(struct __test_metadata *_metadata, struct _test_data_echo *self)
{
	static const struct echo_found none;

	ASSERT_EQ(0, memcmp(&none, answer(_metadata, self, PASS), sizeof(none)));
	ASSERT_TRUE(test_unchanged(&self->out, self->pkt.data, self->pkt.len));
}

/* Bytes of an address, as the event has them. */
static void text_to_addr(int family, const char *text, __u8 to[16])
{
	memset(to, 0, 16);
	if (family == 6) {
		inet_pton(AF_INET6, text, to);
		return;
	}
	memset(to + 10, 0xff, 2);
	inet_pton(AF_INET, text, to + 12);
}

TEST_F(echo, event)
{
	const struct echo_found *got;
	__u8 saddr[16], daddr[16];
	int vlans;

	text_to_addr(variant->family, variant->family == 4 ? BUILD_SADDR4 : BUILD_SADDR6, saddr);
	text_to_addr(variant->family, variant->family == 4 ? BUILD_DADDR4 : BUILD_DADDR6, daddr);
	for (vlans = 0; vlans <= 2; vlans++) {
		build_ping(&self->pkt, variant->family, vlans);
		got = answer(_metadata, self, TX);
		EXPECT_EQ(1, got->request);
		EXPECT_EQ(1, got->unicast);
		EXPECT_EQ(variant->family, got->ev.family);
		EXPECT_EQ(BUILD_ID, ntohs(got->ev.id));
		EXPECT_EQ(BUILD_SEQ, ntohs(got->ev.seq));
		EXPECT_EQ(0, memcmp(got->ev.saddr, saddr, 16));
		EXPECT_EQ(0, memcmp(got->ev.daddr, daddr, 16));
	}
}

/* Every type but the request's, every code but zero, the other family's ICMP. */
TEST_F(echo, not_a_request)
{
	__u8 proto = variant->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	__u8 type = variant->family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
	int i;

	for (i = 0; i < 512; i++) {
		if (i == type)
			continue;
		build_start(&self->pkt);
		build_ip(&self->pkt, variant->family);
		build_icmp_as(&self->pkt, proto, i < 256 ? i : type, i < 256 ? 0 : i - 255);
		build_finish(&self->pkt);
		if (i - 255 < 256)
			expect_none(_metadata, self);
	}
	build_start(&self->pkt);
	build_ip(&self->pkt, variant->family);
	build_icmp_as(&self->pkt, variant->family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, type, 0);
	build_finish(&self->pkt);
	expect_none(_metadata, self);
}

/* Cut short within the headers, and in a later fragment, it is none. */
TEST_F(echo, not_whole)
{
	build_ping(&self->pkt, variant->family, 1);
	for (self->pkt.len = self->pkt.l4_at + 7; self->pkt.len >= BUILD_MIN; self->pkt.len--)
		expect_none(_metadata, self);

	build_start(&self->pkt);
	build_ip(&self->pkt, variant->family);
	build_frag(&self->pkt, 8, 0);
	build_echo(&self->pkt);
	build_finish(&self->pkt);
	expect_none(_metadata, self);
}

struct unicast_case {
	int family;
	const char *addr;
	__u32 unicast;
};

static const struct unicast_case unicast_cases[] = {
	{ 4, "0.0.0.0", 0 }, { 4, "0.255.255.255", 0 }, { 4, "1.0.0.0", 1 },
	{ 4, "10.0.0.255", 1 }, { 4, "127.0.0.1", 1 }, { 4, "223.255.255.255", 1 },
	{ 4, "224.0.0.0", 0 }, { 4, "239.255.255.255", 0 }, { 4, "240.0.0.1", 1 },
	{ 4, "255.255.255.254", 1 }, { 4, "255.255.255.255", 0 },
	{ 6, "::", 0 }, { 6, "::1", 1 }, { 6, "::fffe:1.2.3.4", 1 }, { 6, "::ffff:1.2.3.4", 0 },
	{ 6, "::1:0:0", 1 }, { 6, "fe80::1", 1 }, { 6, "feff::1", 1 }, { 6, "ff00::", 0 },
	{ 6, "ff02::1", 0 }, { 6, "0:1::", 1 }, { 6, "ff::1", 1 },
};

/* An address in either place, and the bit of group addresses in either MAC. */
TEST_F(echo, unicast)
{
	__u32 at, size = variant->family == 4 ? 4 : 16;
	const struct unicast_case *c;
	unsigned int i, place;

	for (i = 0; i < 2 * ARRAY_SIZE(unicast_cases); i++) {
		c = &unicast_cases[i / 2];
		if (c->family != variant->family)
			continue;
		build_ping(&self->pkt, variant->family, 0);
		at = self->pkt.ip_at + (variant->family == 4 ? 12 : 8) + i % 2 * size;
		inet_pton(variant->family == 4 ? AF_INET : AF_INET6, c->addr, self->pkt.data + at);
		build_finish(&self->pkt);
		EXPECT_EQ(c->unicast, answer(_metadata, self, TX)->unicast)
			TH_LOG("%s as %s", c->addr, i % 2 ? "destination" : "source");
	}
	for (place = 0; place < 2; place++) {
		build_ping(&self->pkt, variant->family, 0);
		self->pkt.data[place * ETH_ALEN] |= 1;
		EXPECT_EQ(0, answer(_metadata, self, TX)->unicast);
	}
}

static void swap(__u8 *a, __u8 *b, __u32 len)
{
	__u8 byte;

	for (; len; len--) {
		byte = *a;
		*a++ = *b;
		*b++ = byte;
	}
}

/* The reply as RFC 792 and RFC 4443 want it, built from the request. */
static void build_reply(struct build *pkt)
{
	__u32 size = pkt->family == 4 ? 4 : 16;
	__u8 *addr = pkt->data + pkt->ip_at + (pkt->family == 4 ? 12 : 8);

	swap(pkt->data, pkt->data + ETH_ALEN, ETH_ALEN);
	swap(addr, addr + size, size);
	pkt->data[pkt->ip_at + (pkt->family == 4 ? 8 : 7)] = 64;
	pkt->data[pkt->l4_at] = pkt->family == 4 ? 0 : 129;
	build_checksums(pkt);
}

TEST_F(echo, reply)
{
	struct build *pkt = &self->pkt;
	__u64 rnd = test_seed();
	__u32 i, k, addr_at, len;

	for (i = 0; i < ROUNDS; i++) {
		build_start(pkt);
		build_vlans(pkt, test_below(&rnd, 3));
		if (variant->family == 4)
			build_ipv4(pkt, 4 * test_below(&rnd, 11));
		else
			build_ipv6(pkt);
		addr_at = pkt->ip_at + (variant->family == 4 ? 12 : 8);
		for (k = 0; k < (variant->family == 4 ? 8 : 32); k++)
			pkt->data[addr_at + k] = test_rand(&rnd);
		pkt->data[pkt->ip_at + (variant->family == 4 ? 8 : 7)] = test_rand(&rnd);
		if (variant->family == 6 && test_below(&rnd, 2))
			build_ext(pkt, IPPROTO_DSTOPTS, 16);
		build_echo(pkt);
		len = test_below(&rnd, 100);
		k = build_grow(pkt, len);
		while (len--)
			pkt->data[k++] = test_rand(&rnd);
		build_finish(pkt);
		answer(_metadata, self, TX);

		build_reply(pkt);
		ASSERT_TRUE(test_unchanged(&self->out, pkt->data, pkt->len)) {
			build_dump(self->out.data, self->out.len);
			build_dump(pkt->data, pkt->len);
		}
	}
}

TEST_HARNESS_MAIN
