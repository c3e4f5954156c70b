// SPDX-License-Identifier: GPL-2.0
/* Exercise 3: UDP datagrams to port 9 are dropped; frames that are cut off anywhere pass. */
#include "course.h"

enum { DISCARD = 9 };

static void datagram(struct course *course, struct build *pkt, __u16 dport, __u32 payload)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	build_payload(pkt, payload);
	build_finish(pkt);
	course_randomize(course, pkt);
	build_put16(pkt, pkt->l4_at + 2, dport);
	build_checksums(pkt);
	course_mark(course, pkt->l4_at + 2, 2);
}

static void discard(struct course *course, struct build *pkt)
{
	datagram(course, pkt, DISCARD, 1 + course_below(course, 500));
}

static void no_payload(struct course *course, struct build *pkt)
{
	datagram(course, pkt, DISCARD, 0);
}

/* 0x0900 is port 9 in the wrong byte order. */
static void other_port(struct course *course, struct build *pkt)
{
	datagram(course, pkt, course_below(course, 2) ? 0x0900 : 1024 + course_below(course, 9000),
		 course_below(course, 500));
}

static void from_port(struct course *course, struct build *pkt)
{
	datagram(course, pkt, 1024 + course_below(course, 9000), course_below(course, 500));
	build_put16(pkt, pkt->l4_at, DISCARD);
	build_checksums(pkt);
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	build_finish(pkt);
	course_randomize(course, pkt);
	build_put16(pkt, pkt->l4_at + 2, DISCARD);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 9, 1);
}

static void fragment(struct course *course, struct build *pkt)
{
	discard(course, pkt);
	build_frag4(pkt, 8 * (1 + course_below(course, 8000)), course_below(course, 2));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void experiment(struct course *course, struct build *pkt)
{
	discard(course, pkt);
	build_put16(pkt, 12, 0x88b5);
	course_mark(course, 12, 2);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "a datagram to port 9", discard, XDP_DROP },
		{ "a datagram to port 9 without payload", no_payload, XDP_DROP },
		{ "a datagram to another port", other_port, XDP_PASS },
		{ "a datagram from port 9 to another port", from_port, XDP_PASS },
		{ "a TCP segment to port 9", tcp, XDP_PASS },
		{ "a later fragment with the bytes of a datagram to port 9", fragment, XDP_PASS },
		{ "a frame of EtherType 0x88b5", experiment, XDP_PASS },
	};
	struct build pkt;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	no_payload(course, &pkt);
	course_truncated(course, &pkt, "a datagram to port 9", XDP_PASS);
}

const struct course_exercise exercise = {
	.prog = "bounds",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "complete UDP datagrams to port 9 should be dropped, all else passed",
	.packets = packets,
	.wrong_max = 1,
	.typical = no_payload,
};
