// SPDX-License-Identifier: GPL-2.0
/* Exercise 6: IPv4 echo requests are dropped, with and without options; all else passes. */
#include "course.h"

/* Offset of the options in the IPv4 header. */
enum { OPTIONS = 20 };

static const char units[] =
	"mind the units: ihl counts words of 4 bytes; a struct iphdr * counts structs of 20 bytes";

/* Random options. The first byte, where ICMP would be without options, is @bait. */
static void options(struct course *course, struct build *pkt, __u8 bait)
{
	__u32 at;

	for (at = pkt->ip_at + OPTIONS; at < pkt->l4_at; at++)
		pkt->data[at] = course_below(course, 256);
	pkt->data[pkt->ip_at + OPTIONS] = bait;
	build_checksums(pkt);
	course_mark(course, pkt->ip_at, 1);
}

static __u32 option_length(struct course *course)
{
	return 4 * (1 + course_below(course, 10));
}

static void icmp(struct course *course, struct build *pkt, __u8 type, __u32 opt_len)
{
	build_start(pkt);
	build_ipv4(pkt, opt_len);
	build_icmp_as(pkt, IPPROTO_ICMP, type, 0);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	course_mark(course, pkt->l4_at, 1);
}

static void plain(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHO, 0);
}

static void request(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHO, option_length(course));
	options(course, pkt, ICMP_ECHOREPLY);
	course->hint = units;
}

static void most_options(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHO, 40);
	options(course, pkt, ICMP_ECHOREPLY);
	course->hint = units;
}

static void reply(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHOREPLY, option_length(course));
	options(course, pkt, ICMP_ECHO);
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, option_length(course));
	build_tcp(pkt, 0);
	build_payload(pkt, course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
	pkt->data[pkt->l4_at] = ICMP_ECHO;
	options(course, pkt, ICMP_ECHO);
	course_mark(course, pkt->ip_at + 9, 1);
}

/*
 * A header length of 1 to 4 words. The byte behind these words, in the header itself, is the
 * number of an echo request; so is the byte behind 20 bytes.
 */
static void too_short(struct course *course, struct build *pkt, __u32 words)
{
	plain(course, pkt);
	pkt->data[pkt->ip_at] = 0x40 | words;
	pkt->data[pkt->ip_at + 4 * words] = ICMP_ECHO;
	course_mark(course, pkt->ip_at, 1);
}

static void fragment(struct course *course, struct build *pkt)
{
	request(course, pkt);
	course->hint = NULL;
	build_frag4(pkt, 8 * (1 + course_below(course, 8000)), course_below(course, 2));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 6, 2);
}

static void request6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, 0);
	course_mark(course, 12, 2);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an echo request without IP options", plain, XDP_DROP },
		{ "an echo request with IP options", request, XDP_DROP },
		{ "an echo request with 40 bytes of IP options", most_options, XDP_DROP },
		{ "an echo reply with IP options", reply, XDP_PASS },
		{ "a TCP segment with IP options", tcp, XDP_PASS },
		{ "a later fragment with IP options", fragment, XDP_PASS },
		{ "an IPv6 echo request", request6, XDP_PASS },
	};
	struct build pkt;
	__u32 words;

	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	for (words = 1; words < 5; words++) {
		too_short(course, &pkt, words);
		course_expect(course, &pkt, "a header that claims to have less than 20 bytes",
			      XDP_PASS);
	}
	request(course, &pkt);
	pkt.len = pkt.l4_at + 8;
	course_truncated(course, &pkt, "an echo request with IP options", XDP_PASS);
}

const struct course_exercise exercise = {
	.prog = "ip_options",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "IPv4 echo requests should be dropped, all else passed",
	.packets = packets,
	.typical = request,
};
