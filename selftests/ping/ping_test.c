// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/ping_kern.c: which packets it drops, that it changes no packet, that its
 * counters add up, and what its events contain.
 */
#include <time.h>
#include "ping_run.h"

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

/* Every other ICMP type and code passes. */
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

/* Packets of any other protocol pass, even with the bytes of an echo request. */
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

/*
 * The length in the IP header leaves @len bytes for ICMP; the rest is Ethernet padding. Less
 * than the 8 bytes of the ICMP header are no echo request.
 */
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

/* Only the first fragment has an ICMP header; later fragments pass whatever they contain. */
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

/* A request is cut after each byte: it is dropped only if the ICMP header is complete. */
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

/* Packets with broken IP headers pass: the kernel drops them and counts them as errors. */
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

/* A jumbo frame takes several buffers. */
TEST_F(ping, multi_buffer)
{
	int family;

	/* BPF_PROG_TEST_RUN accepts the frame without "frags"; drivers do not. */
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

/* With every = 3, the third, sixth, ... matching packet is dropped; others do not count. */
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
	const struct ping_event *ev = &self->events[0];
	struct ping_event want;
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
		want.family = i ? 6 : 4;

		build_ping(&self->pkt, want.family, i);
		before = monotonic_ns();
		expect(_metadata, self, PING_DROP_ECHO);
		after = monotonic_ns();
		ASSERT_EQ(1, self->ring.n);
		EXPECT_LE(before, ev->ts_ns);
		EXPECT_GE(after, ev->ts_ns);
		want.ts_ns = ev->ts_ns;
		EXPECT_EQ(0, memcmp(&want, ev, sizeof(want))) {
			build_dump(&want, sizeof(want));
			build_dump(ev, sizeof(*ev));
		}
	}
}

/* Events come in the order of the packets, each with the sequence number of its packet. */
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

/* With a full ring buffer the verdict stays the same, and lost events are counted. */
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

	/* Reading has made room for a new event. */
	expect(_metadata, self, PING_DROP_ECHO);
}

TEST_HARNESS_MAIN
