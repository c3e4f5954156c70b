// SPDX-License-Identifier: GPL-2.0
/* Exercise 2: every frame is dropped. */
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
		{ "an IPv4 echo request", ping4, XDP_DROP },
		{ "an IPv6 echo request", ping6, XDP_DROP },
		{ "a TCP segment", tcp, XDP_DROP },
		{ "an ARP request", arp, XDP_DROP },
		{ "a frame of a random EtherType", unknown, XDP_DROP },
		{ "a frame with an Ethernet header and nothing else", shortest, XDP_DROP },
	};
	struct build pkt;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	course_ping(course, &pkt, 4, 0);
	course_truncated(course, &pkt, "an echo request", XDP_DROP);
}

const struct course_exercise exercise = {
	.prog = "drop",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "every frame should be dropped",
	.packets = packets,
	.wrong_max = 1,
};
