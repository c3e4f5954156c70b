// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tc_kern.c: which packets count as echo requests, what each action does
 * with them, that other packets stay unchanged, and what the events contain.
 */
#include "tc_run.h"

/* --- all actions: what is an echo request ------------------------------------------------- */

TEST_F(tc, other_types)
{
	int family, type, code;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		__u8 echo = family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;

		for (type = 0; type < 256; type++) {
			for (code = 0; code < 256; code += type == echo ? 1 : 51) {
				request(self, family, 0, 5);
				self->pkt.data[self->pkt.l4_at] = type;
				self->pkt.data[self->pkt.l4_at + 1] = code;
				build_checksums(&self->pkt);
				if (type == echo && !code)
					expect_answer(_metadata, self);
				else
					expect(_metadata, self, TC_PASS_NO_ECHO);
			}
		}
	}
}

static bool is_ext(int proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

TEST_F(tc, other_protocols)
{
	int family, proto;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		__u8 icmp = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

		for (proto = 0; proto < 256; proto++) {
			request(self, family, 0, 0);
			if (proto == icmp || (family == 6 && is_ext(proto)))
				continue;
			self->pkt.data[self->pkt.next_at] = proto;
			expect(_metadata, self, TC_PASS_NO_ECHO);
		}
	}
}

/*
 * Sends an echo request, another ICMP packet, a packet that is not IP, and one with a broken
 * IP header. They must be counted under @reasons, in this order.
 */
static void each_kind(struct __test_metadata *_metadata, struct _test_data_tc *self,
		      const __u32 reasons[4])
{
	int family, vlans;

	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			request(self, family, vlans, 56);
			expect(_metadata, self, reasons[0]);
			self->pkt.data[self->pkt.l4_at] = 255;
			expect(_metadata, self, reasons[1]);
			request(self, family, vlans, 56);
			build_put16(&self->pkt, self->pkt.ip_at - 2, ETH_P_ARP);
			expect(_metadata, self, reasons[2]);
			request(self, family, vlans, 56);
			self->pkt.data[self->pkt.ip_at] ^= 0x30;
			expect(_metadata, self, reasons[3]);
		}
	}
}

TEST_F(tc, pass)
{
	static const __u32 reasons[] = {
		TC_PASS_ACTION, TC_PASS_NO_ECHO, TC_PASS_NOT_IP, TC_PASS_BAD,
	};

	load(_metadata, self, TC_PASS);
	each_kind(_metadata, self, reasons);
}

TEST_F(tc, drop_ping)
{
	static const __u32 reasons[] = {
		TC_DROP_ECHO, TC_PASS_NO_ECHO, TC_PASS_NOT_IP, TC_PASS_BAD,
	};

	load(_metadata, self, TC_DROP_PING);
	each_kind(_metadata, self, reasons);
	/* Only the first fragment is dropped: without it, the others cannot be reassembled. */
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_frag(&self->pkt, 0, true);
	build_echo(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, TC_DROP_ECHO);
}

TEST_F(tc, drop)
{
	static const __u32 reasons[] = {
		TC_DROP_ECHO, TC_DROP_OTHER, TC_DROP_OTHER, TC_DROP_OTHER,
	};
	__u32 len;

	load(_metadata, self, TC_DROP);
	each_kind(_metadata, self, reasons);
	request(self, 4, 0, 0);
	for (len = BUILD_MIN; len < self->pkt.l4_at + 8; len++)
		expect_len(_metadata, self, len, TC_DROP_OTHER);
}

/* --- events ---------------------------------------------------------------------------------- */

/* The event describes the request, although the program has turned it into the reply. */
TEST_F(tc, event)
{
	static const char *const addrs[][2] = {
		{ "::ffff:" BUILD_SADDR4, "::ffff:" BUILD_DADDR4 },
		{ BUILD_SADDR6, BUILD_DADDR6 },
	};
	const struct echo_event *ev = &self->events[0];
	struct echo_event want;
	int i;

	load_pingpong(_metadata, self);
	for (i = 0; i < 2; i++) {
		memset(&want, 0, sizeof(want));
		inet_pton(AF_INET6, addrs[i][0], want.saddr);
		inet_pton(AF_INET6, addrs[i][1], want.daddr);
		want.ifindex = LO;
		want.id = htons(BUILD_ID);
		want.seq = htons(BUILD_SEQ);
		want.reason = TC_ANSWER;
		want.family = i ? 6 : 4;
		want.verdict = ECHO_ANSWER;
		request(self, want.family, i, 5);
		expect_answer(_metadata, self);
		EXPECT_LT(0, ev->ts_ns);
		want.ts_ns = ev->ts_ns;
		EXPECT_EQ(0, memcmp(&want, ev, sizeof(want)));
	}
}

TEST_F(tc, no_events)
{
	self->skel->rodata->events = false;
	load_pingpong(_metadata, self);
	request(self, 4, 0, 5);
	run_len(_metadata, self, self->pkt.len, TC_ANSWER);
	EXPECT_EQ(0, get_events(_metadata, self));
}

TEST_F(tc, lost_events)
{
	__u32 i, events, room = RING_SIZE / RING_ENTRY;

	load(_metadata, self, TC_DROP_PING);
	request(self, 4, 0, 5);
	for (i = 0; i < EVENTS_MAX; i++)
		run_len(_metadata, self, self->pkt.len, TC_DROP_ECHO);
	events = get_events(_metadata, self);
	EXPECT_LE(room - 1, events);
	EXPECT_GE(room, events);
	self->want[TC_LOST] = EVENTS_MAX - events;
	expect(_metadata, self, TC_DROP_ECHO);
}

TEST_HARNESS_MAIN
