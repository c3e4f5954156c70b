// SPDX-License-Identifier: GPL-2.0
/* Exercise 14: IPv4 echo requests are answered, all else passes unchanged. */
#include <string.h>
#include <linux/pkt_cls.h>
#include "course.h"

enum { PINGS = 32 };

/* An echo request with this checksum: its identifier makes up for the rest. */
static void ping_with_checksum(struct course *course, struct build *pkt, __u16 checksum)
{
	__u32 at;

	course_ping(course, pkt, 4, 0);
	at = pkt->l4_at;
	build_put16(pkt, at + 2, checksum);
	build_put16(pkt, at + 4, 0);
	build_put16(pkt, at + 4, ~build_sum(pkt->data + at, pkt->len - at, 0));
}

static void reply_of(const struct build *pkt, struct build *reply)
{
	*reply = *pkt;
	memcpy(reply->data, pkt->data + 6, 6);
	memcpy(reply->data + 6, pkt->data, 6);
	memcpy(reply->data + pkt->ip_at + 12, pkt->data + pkt->ip_at + 16, 4);
	memcpy(reply->data + pkt->ip_at + 16, pkt->data + pkt->ip_at + 12, 4);
	reply->data[pkt->l4_at] = ICMP_ECHOREPLY;
	build_checksums(reply);
}

/*
 * Also checksums from 0xf8ff to 0xfeff: adding 8 to the first byte carries into the second one,
 * and from there into the first one again.
 */
static void requests(struct course *course)
{
	struct build pkt, reply;
	int i;

	for (i = 0; i < PINGS && !course_enough(course); i++) {
		if (i % 2)
			ping_with_checksum(course, &pkt, 0xf8ff + 0x100 * course_below(course, 7));
		else
			course_ping(course, &pkt, 4, 0);
		reply_of(&pkt, &reply);
		course_expect_packet(course, &pkt, &reply, "an IPv4 echo request",
				     TC_ACT_REDIRECT);
	}
}

static void request6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, 0);
	course_mark(course, 12, 2);
}

static void icmp(struct course *course, struct build *pkt, __u8 type)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_icmp_as(pkt, IPPROTO_ICMP, type, 0);
	build_payload(pkt, course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
	course_mark(course, pkt->l4_at, 1);
}

static void reply(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHOREPLY);
}

static void timestamp(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_TIMESTAMP);
}

static void udp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	build_payload(pkt, course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
	pkt->data[pkt->l4_at] = ICMP_ECHO;
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 9, 1);
}

static void fragment(struct course *course, struct build *pkt, __u32 offset, int more)
{
	course_ping(course, pkt, 4, 0);
	build_frag4(pkt, offset, more);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void first_fragment(struct course *course, struct build *pkt)
{
	fragment(course, pkt, 0, 1);
}

static void later_fragment(struct course *course, struct build *pkt)
{
	fragment(course, pkt, 1480, course_below(course, 2));
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an echo reply", reply, TC_ACT_UNSPEC },
		{ "an ICMP timestamp request", timestamp, TC_ACT_UNSPEC },
		{ "a UDP datagram", udp, TC_ACT_UNSPEC },
		{ "an IPv6 echo request", request6, TC_ACT_UNSPEC },
		{ "the first fragment of an echo request", first_fragment, TC_ACT_UNSPEC },
		{ "a later fragment, whose payload looks like an echo request", later_fragment,
		  TC_ACT_UNSPEC },
	};
	struct build pkt;

	requests(course);
	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	course_ping(course, &pkt, 4, 0);
	pkt.len = pkt.l4_at + 4;
	course_truncated(course, &pkt, "an echo request", TC_ACT_UNSPEC);
}

const struct course_exercise exercise = {
	.prog = "tc_answer",
	.type = BPF_PROG_TYPE_SCHED_CLS,
	.rule = "whole IPv4 echo requests should be answered (bpf_redirect()), all else passed",
	.packets = packets,
};
