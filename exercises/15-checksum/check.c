// SPDX-License-Identifier: GPL-2.0
/* Exercise 15: 10,000 random packets get another destination, and the checksums of a full sum. */
#include <string.h>
#include "course.h"

enum { PACKETS = 10000 };

static const __u8 new_dest[] = { 192, 0, 2, 1 };

static void start(struct course *course, struct build *pkt, int protocol)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	switch (protocol) {
	case IPPROTO_TCP:
		build_tcp(pkt, 4 * course_below(course, 11));
		break;
	case IPPROTO_UDP:
		build_udp(pkt);
		break;
	default:
		build_echo(pkt);
	}
	build_payload(pkt, course_below(course, 64));
	build_finish(pkt);
	course_randomize(course, pkt);
	/* Any address may be the old one. */
	build_put16(pkt, pkt->ip_at + 16, course_below(course, 0x10000));
	build_put16(pkt, pkt->ip_at + 18, course_below(course, 0x10000));
	build_put16(pkt, pkt->ip_at + 4, course_below(course, 0x10000));
	build_checksums(pkt);
}

/* The packet with the new destination, and checksums over all of its bytes. */
static void redirected(const struct build *pkt, struct build *want)
{
	*want = *pkt;
	memcpy(want->data + want->ip_at + 16, new_dest, sizeof(new_dest));
	build_checksums(want);
}

/*
 * Choose a field so that a checksum of @want becomes @check (with UDP, 0xffff for 0): the word at
 * @at, which that checksum at @check_at covers.
 */
static void make_checksum(struct build *pkt, struct build *want, __u32 at, __u32 check_at,
			  __u16 check)
{
	__u32 word;

	build_put16(pkt, at, 0);
	redirected(pkt, want);
	word = build_get16(want, check_at) + (__u16)~check;
	build_put16(pkt, at, word > 0xffff ? word - 0xffff : word);
	build_checksums(pkt);
	redirected(pkt, want);
}

static void compare(struct course *course, const struct build *pkt, const struct build *want,
		    const char *what)
{
	course_expect_packet(course, pkt, want, what, XDP_PASS);
}

static void one(struct course *course, int protocol, const char *what)
{
	struct build pkt, want;

	start(course, &pkt, protocol);
	redirected(&pkt, &want);
	compare(course, &pkt, &want, what);
}

static void tcp(struct course *course)
{
	one(course, IPPROTO_TCP, "a TCP segment");
}

static void udp(struct course *course)
{
	one(course, IPPROTO_UDP, "a UDP datagram");
}

static void icmp(struct course *course)
{
	one(course, IPPROTO_ICMP, "an echo request");
}

static void no_checksum(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, IPPROTO_UDP);
	redirected(&pkt, &want);
	build_put16(&pkt, build_check_at(&pkt), 0);
	build_put16(&want, build_check_at(&want), 0);
	compare(course, &pkt, &want, "a UDP datagram without a checksum");
}

static void ip_zero(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, course_below(course, 2) ? IPPROTO_TCP : IPPROTO_UDP);
	make_checksum(&pkt, &want, pkt.ip_at + 4, pkt.ip_at + 10, 0);
	compare(course, &pkt, &want, "a packet whose IPv4 checksum becomes 0");
}

/*
 * If the sum of the new checksum is 1, then mostly because adding the carry gives another carry:
 * 1 in the byte order in which the program adds.
 */
static void two_carries(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, course_below(course, 2) ? IPPROTO_TCP : IPPROTO_UDP);
	make_checksum(&pkt, &want, pkt.ip_at + 4, pkt.ip_at + 10,
		      course_below(course, 2) ? 0xfffe : 0xfeff);
	compare(course, &pkt, &want, "a packet in whose IPv4 sum the carry gives another carry");
}

static void tcp_zero(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, IPPROTO_TCP);
	make_checksum(&pkt, &want, pkt.l4_at + 4, build_check_at(&pkt), 0);
	compare(course, &pkt, &want, "a TCP segment whose checksum becomes 0");
}

static void udp_zero(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, IPPROTO_UDP);
	make_checksum(&pkt, &want, pkt.l4_at, build_check_at(&pkt), 0);
	compare(course, &pkt, &want, "a UDP datagram whose checksum becomes 0, which is 0xffff");
}

/* The transport checksum covers the whole datagram, of which the last bytes are elsewhere. */
static void first_fragment(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, course_below(course, 2) ? IPPROTO_TCP : IPPROTO_UDP);
	build_frag4(&pkt, 0, 1);
	build_checksums(&pkt);
	redirected(&pkt, &want);
	pkt.len = pkt.l4_at + (pkt.l4_proto == IPPROTO_TCP ? 20 : 8);
	want.len = pkt.len;
	compare(course, &pkt, &want, "a first fragment");
}

/* Its payload looks like a header: only the IPv4 header may change. */
static void later_fragment(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, course_below(course, 2) ? IPPROTO_TCP : IPPROTO_UDP);
	build_frag4(&pkt, 8 + 8 * course_below(course, 180), course_below(course, 2));
	build_checksums(&pkt);
	redirected(&pkt, &want);
	memcpy(want.data + want.l4_at, pkt.data + pkt.l4_at, pkt.len - pkt.l4_at);
	compare(course, &pkt, &want, "a later fragment, whose payload looks like a header");
}

static void cut_off(struct course *course)
{
	struct build pkt, want;

	start(course, &pkt, course_below(course, 2) ? IPPROTO_TCP : IPPROTO_UDP);
	redirected(&pkt, &want);
	memcpy(want.data + want.l4_at, pkt.data + pkt.l4_at, pkt.len - pkt.l4_at);
	pkt.len = pkt.l4_at + course_below(course, 6);
	want.len = pkt.len;
	compare(course, &pkt, &want, "a packet whose TCP or UDP header is cut off");
}

static void ipv6(struct course *course)
{
	struct build pkt;

	course_ping(course, &pkt, 6, 0);
	course_expect(course, &pkt, "an IPv6 echo request", XDP_PASS);
}

static void packets(struct course *course)
{
	static void (*const kinds[])(struct course *course) = {
		tcp, udp, icmp, no_checksum, ip_zero, two_carries, tcp_zero, udp_zero,
		first_fragment, later_fragment, cut_off, ipv6,
	};
	int i, n = sizeof(kinds) / sizeof(*kinds);

	/* The usual packets first: what is wrong with them should be said first. */
	for (i = 0; i < n && !course->wrong; i++)
		kinds[i](course);
	for (i = 0; i < PACKETS && !course->wrong; i++)
		kinds[course_below(course, n)](course);
}

static void typical(struct course *course, struct build *pkt)
{
	start(course, pkt, IPPROTO_TCP);
}

const struct course_exercise exercise = {
	.prog = "checksum",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "each packet should be passed, with the new destination and the right checksums",
	.packets = packets,
	.typical = typical,
};
