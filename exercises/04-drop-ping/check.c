// SPDX-License-Identifier: GPL-2.0
/* Exercise 4: IPv4 echo requests are dropped; replies, other ICMP, ARP, IPv6 and TCP are not. */
#include "course.h"

static void request(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 4, 0);
	course_mark(course, pkt->l4_at, 1);
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

/* The kernel sets DF, "don't fragment", in most packets: it is no sign of a fragment. */
static void request_df(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 4, 0);
	build_put16(pkt, pkt->ip_at + 6, 0x4000);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

/* EtherType 0x88b5 is for experiments. What looks like IPv4 behind it is none. */
static void experiment(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 4, 0);
	build_put16(pkt, 12, 0x88b5);
	course_mark(course, 12, 2);
}

static void reply(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHOREPLY);
}

static void unreachable(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_DEST_UNREACH);
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	build_payload(pkt, course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
	/* The first byte of a TCP header may have the number of an echo request, too. */
	pkt->data[pkt->l4_at] = ICMP_ECHO;
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 9, 1);
}

static void arp(struct course *course, struct build *pkt)
{
	__u32 at;

	build_start(pkt);
	build_next(pkt, ETH_P_ARP);
	at = build_grow(pkt, 28);
	pkt->data[at + 9] = IPPROTO_ICMP;
	pkt->data[at + 20] = ICMP_ECHO;
	course_randomize(course, pkt);
	course_mark(course, 12, 2);
}

static void first_fragment(struct course *course, struct build *pkt)
{
	request(course, pkt);
	build_frag4(pkt, 0, 1);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void fragment(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_echo(pkt);
	build_payload(pkt, 64);
	build_finish(pkt);
	course_randomize(course, pkt);
	build_frag4(pkt, 8 * (1 + course_below(course, 8000)), course_below(course, 2));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an IPv4 echo request", request, XDP_DROP },
		{ "an echo request with the flag DF", request_df, XDP_DROP },
		{ "the first fragment of an echo request", first_fragment, XDP_DROP },
		{ "an echo reply", reply, XDP_PASS },
		{ "a message \"destination unreachable\"", unreachable, XDP_PASS },
		{ "a TCP segment", tcp, XDP_PASS },
		{ "an ARP request", arp, XDP_PASS },
		{ "an IPv6 echo request", request6, XDP_PASS },
		{ "a frame of EtherType 0x88b5", experiment, XDP_PASS },
		{ "a later fragment with the bytes of an echo request", fragment, XDP_PASS },
	};
	struct build pkt;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	course_ping(course, &pkt, 4, 0);
	pkt.len = pkt.l4_at + 8;
	course_truncated(course, &pkt, "an echo request", XDP_PASS);
}

const struct course_exercise exercise = {
	.prog = "drop_ping",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "IPv4 echo requests should be dropped, all else passed",
	.packets = packets,
	.wrong_max = 1,
};
