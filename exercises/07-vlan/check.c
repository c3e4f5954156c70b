// SPDX-License-Identifier: GPL-2.0
/* Exercise 7: IPv4 echo requests behind up to two VLAN tags are dropped; all else passes. */
#include "course.h"

/* Offset of the first EtherType. */
enum { ETHERTYPE = 12 };

/* Tags of random VLANs. @tpids: the EtherType of each; the first 0 ends the list. */
static void tags(struct course *course, struct build *pkt, const __u16 *tpids)
{
	build_start(pkt);
	for (; *tpids; tpids++) {
		build_vlan(pkt, *tpids);
		build_put16(pkt, pkt->len - 4, course_below(course, 0x10000));
	}
}

static void icmp(struct course *course, struct build *pkt, const __u16 *tpids, __u8 type)
{
	tags(course, pkt, tpids);
	build_ipv4(pkt, 0);
	build_icmp_as(pkt, IPPROTO_ICMP, type, 0);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	course_mark(course, ETHERTYPE, 2);
}

static void request(struct course *course, struct build *pkt, __u16 first, __u16 second)
{
	const __u16 tpids[] = { first, second, 0 };

	icmp(course, pkt, tpids, ICMP_ECHO);
}

static void no_tag(struct course *course, struct build *pkt)
{
	request(course, pkt, 0, 0);
}

static void one_q(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021Q, 0);
}

static void one_ad(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021AD, 0);
}

static void two(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021AD, ETH_P_8021Q);
}

static void two_q(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021Q, ETH_P_8021Q);
}

static void two_ad(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021AD, ETH_P_8021AD);
}

static void three(struct course *course, struct build *pkt)
{
	const __u16 tpids[] = { ETH_P_8021AD, ETH_P_8021Q, ETH_P_8021Q, 0 };

	icmp(course, pkt, tpids, ICMP_ECHO);
}

/* EtherType 0x88b5 is for experiments: no tag, whatever comes behind it. */
static void experiment(struct course *course, struct build *pkt)
{
	request(course, pkt, 0x88b5, 0);
}

static void experiment_behind_tag(struct course *course, struct build *pkt)
{
	request(course, pkt, ETH_P_8021Q, 0);
	build_put16(pkt, ETHERTYPE + 4, 0x88b5);
	course_mark(course, ETHERTYPE + 4, 2);
}

static void reply(struct course *course, struct build *pkt)
{
	static const __u16 tpids[] = { ETH_P_8021Q, 0 };

	icmp(course, pkt, tpids, ICMP_ECHOREPLY);
	course_mark(course, pkt->l4_at, 1);
}

static void tcp(struct course *course, struct build *pkt)
{
	static const __u16 tpids[] = { ETH_P_8021AD, ETH_P_8021Q, 0 };

	tags(course, pkt, tpids);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	pkt->data[pkt->l4_at] = ICMP_ECHO;
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 9, 1);
}

static void request6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, 1);
	course_mark(course, ETHERTYPE + 4, 2);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an echo request without a tag", no_tag, XDP_DROP },
		{ "an echo request behind an 802.1Q tag", one_q, XDP_DROP },
		{ "an echo request behind an 802.1ad tag", one_ad, XDP_DROP },
		{ "an echo request behind two tags, 802.1ad and 802.1Q,", two, XDP_DROP },
		{ "an echo request behind two 802.1Q tags", two_q, XDP_DROP },
		{ "an echo request behind two 802.1ad tags", two_ad, XDP_DROP },
		{ "an echo request behind three tags", three, XDP_PASS },
		{ "a frame of EtherType 0x88b5", experiment, XDP_PASS },
		{ "a frame of EtherType 0x88b5 behind a tag", experiment_behind_tag, XDP_PASS },
		{ "an echo reply behind a tag", reply, XDP_PASS },
		{ "a TCP segment behind two tags", tcp, XDP_PASS },
		{ "an IPv6 echo request behind a tag", request6, XDP_PASS },
	};
	struct build pkt;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	two(course, &pkt);
	pkt.len = pkt.l4_at + 8;
	course_truncated(course, &pkt, "an echo request behind two tags", XDP_PASS);
}

const struct course_exercise exercise = {
	.prog = "vlan",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "IPv4 echo requests behind up to two tags should be dropped, all else passed",
	.packets = packets,
	.typical = two,
};
