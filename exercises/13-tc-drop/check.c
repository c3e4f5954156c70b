// SPDX-License-Identifier: GPL-2.0
/* Exercise 13: IPv4 UDP datagrams to the ports 4000 to 4999 are dropped, all else passes. */
#include <linux/pkt_cls.h>
#include "course.h"

enum { FIRST = 4000, PORTS = 1000 };

static __u16 port_inside(struct course *course)
{
	return FIRST + course_below(course, PORTS);
}

/* A port that is not inside; in the wrong byte order it may be. */
static __u16 port_outside(struct course *course)
{
	__u16 port = course_below(course, 0x10000);

	if (course_below(course, 2))
		port = htons(port_inside(course));
	return port >= FIRST && port < FIRST + PORTS ? port + PORTS : port;
}

static void finish(struct course *course, struct build *pkt, __u16 source, __u16 dest)
{
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	build_put16(pkt, pkt->l4_at, source);
	build_put16(pkt, pkt->l4_at + 2, dest);
	build_checksums(pkt);
}

static void udp(struct course *course, struct build *pkt, __u32 opt_len, __u16 dest)
{
	build_start(pkt);
	build_ipv4(pkt, opt_len);
	build_udp(pkt);
	finish(course, pkt, port_outside(course), dest);
	course_mark(course, pkt->l4_at + 2, 2);
}

static void inside(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, port_inside(course));
}

static void first(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, FIRST);
}

static void last(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, FIRST + PORTS - 1);
}

static void options(struct course *course, struct build *pkt)
{
	udp(course, pkt, 4 + 4 * course_below(course, 10), port_inside(course));
	course_mark(course, pkt->ip_at, 1);
}

static void outside(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, port_outside(course));
}

static void before_first(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, FIRST - 1);
}

static void behind_last(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, FIRST + PORTS);
}

static void from_inside(struct course *course, struct build *pkt)
{
	udp(course, pkt, 0, port_outside(course));
	build_put16(pkt, pkt->l4_at, port_inside(course));
	build_checksums(pkt);
}

/* The options hold what would be the ports of a UDP header without options. */
static void options_like_ports(struct course *course, struct build *pkt)
{
	udp(course, pkt, 8, port_outside(course));
	build_put16(pkt, pkt->ip_at + 22, port_inside(course));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at, 1);
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	finish(course, pkt, port_outside(course), port_inside(course));
	course_mark(course, pkt->ip_at + 9, 1);
}

static void udp6(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv6(pkt);
	build_udp(pkt);
	finish(course, pkt, port_outside(course), port_inside(course));
	course_mark(course, 12, 2);
}

static void first_fragment(struct course *course, struct build *pkt)
{
	inside(course, pkt);
	build_frag4(pkt, 0, 1);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void later_fragment(struct course *course, struct build *pkt)
{
	inside(course, pkt);
	build_frag4(pkt, 1480, course_below(course, 2));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

/* The bytes of an IPv4 datagram behind the EtherType of ARP. */
static void arp(struct course *course, struct build *pkt)
{
	inside(course, pkt);
	build_put16(pkt, 12, ETH_P_ARP);
	course_mark(course, 12, 2);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "a UDP datagram to a port from 4000 to 4999", inside, TC_ACT_SHOT },
		{ "a UDP datagram to port 4000", first, TC_ACT_SHOT },
		{ "a UDP datagram to port 4999", last, TC_ACT_SHOT },
		{ "a UDP datagram behind IPv4 options", options, TC_ACT_SHOT },
		{ "the first fragment of a UDP datagram", first_fragment, TC_ACT_SHOT },
		{ "a UDP datagram to another port", outside, TC_ACT_UNSPEC },
		{ "a UDP datagram to port 3999", before_first, TC_ACT_UNSPEC },
		{ "a UDP datagram to port 5000", behind_last, TC_ACT_UNSPEC },
		{ "a UDP datagram from such a port, to another one", from_inside, TC_ACT_UNSPEC },
		{ "a UDP datagram whose IPv4 options look like ports", options_like_ports,
		  TC_ACT_UNSPEC },
		{ "a TCP segment to such a port", tcp, TC_ACT_UNSPEC },
		{ "an IPv6 UDP datagram", udp6, TC_ACT_UNSPEC },
		{ "a later fragment, whose payload looks like ports", later_fragment,
		  TC_ACT_UNSPEC },
		{ "a frame that is not IPv4 (EtherType 0806)", arp, TC_ACT_UNSPEC },
	};
	struct build pkt;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	inside(course, &pkt);
	pkt.len = pkt.l4_at + 4;
	course_truncated(course, &pkt, "a UDP datagram", TC_ACT_UNSPEC);
}

const struct course_exercise exercise = {
	.prog = "tc_drop",
	.type = BPF_PROG_TYPE_SCHED_CLS,
	.rule = "IPv4 UDP datagrams to the ports 4000 to 4999 should be dropped, all else passed",
	.packets = packets,
	.typical = inside,
};
