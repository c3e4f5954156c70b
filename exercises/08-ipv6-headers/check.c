// SPDX-License-Identifier: GPL-2.0
/* Exercise 8: echo requests behind 0 to 6 extension headers are dropped, all else passes. */
#include <stdio.h>
#include <string.h>
#include "course.h"

enum {
	HEADERS_MAX = 6,
	ESP = 50,
	NO_NEXT = 59,
};

/* Extension headers, in words for the learner. */
static const struct {
	__u8 proto;
	const char *name;
} kinds[] = {
	{ IPPROTO_HOPOPTS, "Hop-by-hop" },
	{ IPPROTO_ROUTING, "Routing" },
	{ IPPROTO_DSTOPTS, "Destination" },
	{ IPPROTO_FRAGMENT, "Fragment" },
	{ IPPROTO_AH, "AH" },
};

enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static void start(struct build *pkt)
{
	build_start(pkt);
	build_ipv6(pkt);
}

/*
 * An extension header with random content, which the program should not look at: the number of
 * ICMPv6 misleads a program that counts wrongly. There is no 128 in it: who lands there by
 * mistake does not find an echo request.
 */
static void add_header(struct course *course, struct build *pkt, __u8 proto)
{
	__u32 at = pkt->len, i;

	if (proto == IPPROTO_FRAGMENT)
		build_frag6(pkt, 0, course_below(course, 2));
	else if (proto == IPPROTO_AH)
		build_ext(pkt, proto, 12 + 4 * course_below(course, 6));
	else
		build_ext(pkt, proto, 8 * (1 + course_below(course, 5)));
	if (proto == IPPROTO_FRAGMENT) {
		/* Reserved: the receiver ignores it (RFC 8200). */
		pkt->data[at + 1] = 1 + course_below(course, 255);
		return;
	}
	for (i = at + 2; i < pkt->len; i++)
		pkt->data[i] = course_below(course, 2) ? IPPROTO_ICMPV6 : 0;
}

static void add_headers(struct course *course, struct build *pkt, int n)
{
	while (n--)
		add_header(course, pkt, kinds[course_below(course, N_KINDS)].proto);
}

/* Ends the packet; the byte at @mark decides, 0: the first byte behind the headers. */
static void finish(struct course *course, struct build *pkt, __u32 mark)
{
	build_payload(pkt, 8 + course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
	course_mark(course, mark ? mark : pkt->l4_at, 1);
}

/* An echo request; identifier and sequence number have no 128 in them, either. */
static void finish_request(struct course *course, struct build *pkt)
{
	__u32 at;

	build_echo(pkt);
	finish(course, pkt, 0);
	for (at = pkt->l4_at + 4; at < pkt->l4_at + 8; at++)
		pkt->data[at] &= 0x7f;
	build_checksums(pkt);
}

static void behind(struct course *course, int headers)
{
	struct build pkt;
	char text[80];

	start(&pkt);
	add_headers(course, &pkt, headers);
	finish_request(course, &pkt);
	snprintf(text, sizeof(text), "an echo request with %d extension header%s", headers,
		 headers == 1 ? "" : "s");
	course_expect(course, &pkt, text, XDP_DROP);
}

/* No header, one of each kind alone, and 1 to 6 of them. */
static void requests(struct course *course)
{
	struct build pkt;
	char text[80];
	int i;

	behind(course, 0);
	for (i = 0; i < N_KINDS; i++) {
		start(&pkt);
		add_header(course, &pkt, kinds[i].proto);
		finish_request(course, &pkt);
		snprintf(text, sizeof(text), "an echo request behind one header (%s)",
			 kinds[i].name);
		course_expect(course, &pkt, text, XDP_DROP);
	}
	for (i = 1; i <= HEADERS_MAX; i++)
		behind(course, i);
}

static void seven(struct course *course, struct build *pkt)
{
	start(pkt);
	add_headers(course, pkt, HEADERS_MAX + 1);
	build_echo(pkt);
	finish(course, pkt, 0);
}

static void many(struct course *course, struct build *pkt)
{
	start(pkt);
	add_headers(course, pkt, HEADERS_MAX + 2 + course_below(course, 3));
	build_echo(pkt);
	finish(course, pkt, 0);
}

static void reply(struct course *course, struct build *pkt)
{
	start(pkt);
	add_headers(course, pkt, course_below(course, HEADERS_MAX + 1));
	build_icmp_as(pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REPLY, 0);
	finish(course, pkt, 0);
}

static void solicitation(struct course *course, struct build *pkt)
{
	start(pkt);
	build_icmp_as(pkt, IPPROTO_ICMPV6, 135, 0);
	finish(course, pkt, 0);
}

/* The first byte of a source port may have the number of an echo request, too. */
static void udp(struct course *course, struct build *pkt)
{
	start(pkt);
	add_headers(course, pkt, course_below(course, HEADERS_MAX + 1));
	build_udp(pkt);
	finish(course, pkt, pkt->next_at);
	pkt->data[pkt->l4_at] = ICMPV6_ECHO_REQUEST;
	build_checksums(pkt);
}

/* ICMPv6 lies behind, but the chain has ended. */
static void end_of_chain(struct course *course, struct build *pkt, __u8 proto)
{
	__u32 mark;

	start(pkt);
	add_headers(course, pkt, course_below(course, 3));
	mark = pkt->next_at;
	build_ext(pkt, proto, 8);
	build_echo(pkt);
	finish(course, pkt, mark);
}

static void no_next(struct course *course, struct build *pkt)
{
	end_of_chain(course, pkt, NO_NEXT);
}

static void esp(struct course *course, struct build *pkt)
{
	end_of_chain(course, pkt, ESP);
}

static void fragment(struct course *course, struct build *pkt)
{
	__u32 mark;

	start(pkt);
	add_headers(course, pkt, course_below(course, 3));
	mark = pkt->len + 2;
	build_frag6(pkt, 8 * (1 + course_below(course, 180)), course_below(course, 2));
	build_echo(pkt);
	finish(course, pkt, mark);
	course_mark(course, mark, 2);
}

/* ICMPv6 within IPv4 means nothing. */
static void ipv4(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 20);
	build_icmp_as(pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, 0);
	finish(course, pkt, 12);
	/* Where an IPv6 header has its next header. */
	pkt->data[20] = IPPROTO_ICMPV6;
	pkt->data[54] = ICMPV6_ECHO_REQUEST;
}

/* Cut off in the middle of the chain, and in the middle of ICMPv6. */
static void truncated(struct course *course)
{
	struct build pkt;

	start(&pkt);
	add_headers(course, &pkt, 2);
	build_echo(&pkt);
	build_finish(&pkt);
	course_randomize(course, &pkt);
	course_truncated(course, &pkt, "an echo request behind two extension headers", XDP_PASS);
}

static void packets(struct course *course)
{
	static const struct course_case cases[] = {
		{ "an echo reply", reply, XDP_PASS },
		{ "a neighbour solicitation", solicitation, XDP_PASS },
		{ "a UDP packet whose source port begins with 128", udp, XDP_PASS },
		{ "a packet with \"no next header\"", no_next, XDP_PASS },
		{ "an ESP packet, which is encrypted", esp, XDP_PASS },
		{ "a later fragment, whose payload looks like an echo request", fragment,
		  XDP_PASS },
		{ "an IPv4 packet", ipv4, XDP_PASS },
		{ "an echo request behind seven extension headers", seven, XDP_PASS },
		{ "an echo request behind eight or more extension headers", many, XDP_PASS },
	};
	int i;

	for (i = 0; i < COURSE_TRIES && !course->wrong; i++)
		requests(course);
	if (course->wrong)
		return;
	course_cases(course, cases, sizeof(cases) / sizeof(*cases));
	truncated(course);
}

static void typical(struct course *course, struct build *pkt)
{
	start(pkt);
	add_headers(course, pkt, 2);
	build_echo(pkt);
	finish(course, pkt, 0);
}

const struct course_exercise exercise = {
	.prog = "ipv6_headers",
	.rule =
		"ICMPv6 echo requests behind 0 to 6 extension headers should be dropped, all else passed",
	.packets = packets,
	.typical = typical,
};
