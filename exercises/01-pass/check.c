// SPDX-License-Identifier: GPL-2.0
/* Exercise 1: each frame passes, and is not changed. */
#include "course.h"

static void ping4(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 4, course_below(course, 3));
}

static void ping6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, course_below(course, 3));
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ip(pkt, course_below(course, 2) ? 4 : 6);
	build_tcp(pkt, 4 * course_below(course, 11));
	build_payload(pkt, course_below(course, 1400));
	build_finish(pkt);
	course_randomize(course, pkt);
}

/* Its EtherType is random, too, but not a length: those are below 0x600. */
static void unknown(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_next(pkt, 0x600 + course_below(course, 0xf000));
	build_payload(pkt, course_below(course, 1400));
	course_randomize(course, pkt);
}

static void arp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_next(pkt, ETH_P_ARP);
	build_grow(pkt, 28);
	course_randomize(course, pkt);
}

static void shortest(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_next(pkt, ETH_P_IP);
	course_randomize(course, pkt);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an IPv4 echo request", ping4, XDP_PASS },
		{ "an IPv6 echo request", ping6, XDP_PASS },
		{ "a TCP segment", tcp, XDP_PASS },
		{ "an ARP request", arp, XDP_PASS },
		{ "a frame of a random EtherType", unknown, XDP_PASS },
		{ "a frame with an Ethernet header and nothing else", shortest, XDP_PASS },
	};

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
}

const struct course_exercise exercise = {
	.prog = "pass",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "each frame should be passed",
	.packets = packets,
	.wrong_max = 1,
};
