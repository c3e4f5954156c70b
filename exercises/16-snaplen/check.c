// SPDX-License-Identifier: GPL-2.0
/* Exercise 16: of UDP packets the socket gets as many bytes as the limit says, of others none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "course.h"

enum { ROUNDS = 40 };

/*
 * BPF_PROG_TEST_RUN gives a socket filter the packet from its IP header, and returns it with an
 * empty Ethernet header: so look at what the program returns, not at the packet.
 */
static bool returned(struct course *course, const struct build *pkt, __u32 *bytes)
{
	struct test_out out;

	if (course_enough(course) || !course_run(course, pkt, &out))
		return false;
	*bytes = out.verdict;
	return true;
}

static __u32 least(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static void expect_none(struct course *course, const struct build *pkt, const char *what)
{
	__u32 bytes;

	if (!returned(course, pkt, &bytes) || !bytes)
		return;
	course_wrong(course,
		     "the socket should get no copy of %s: the program should return 0, and returned %u",
		     what, bytes);
	course_show(pkt, pkt->data, pkt->len, course->mark, course->mark_len);
}

static void expect_cut(struct course *course, const struct build *pkt, __u32 limit)
{
	__u32 bytes, len = pkt->len - ETH_HLEN, want = least(limit, len);

	if (!returned(course, pkt, &bytes) || least(bytes, len) == want)
		return;
	if (!bytes)
		course_wrong(course,
			     "the socket gets no copy of a UDP packet: the program returned 0\n"
			     "    is the protocol read at the right place? count from the IP header, with BPF_HDR_START_NET");
	else if (bytes == 1)
		course_wrong(course,
			     "the socket gets 1 byte of a UDP packet: the return value is a number of bytes, no yes or no");
	else
		course_wrong(course,
			     "the copy of a UDP packet should have %u bytes (limit %u), and has %u: the program returned %u",
			     want, limit, least(bytes, len), bytes);
	course_show(pkt, pkt->data, pkt->len, course->mark, course->mark_len);
}

static void finish(struct course *course, struct build *pkt)
{
	build_payload(pkt, course_below(course, 1200));
	build_finish(pkt);
	course_randomize(course, pkt);
}

static void udp(struct course *course, struct build *pkt, int family)
{
	build_start(pkt);
	if (family == 4)
		build_ipv4(pkt, 4 * course_below(course, 4));
	else
		build_ipv6(pkt);
	build_udp(pkt);
	finish(course, pkt);
	course_mark(course, family == 4 ? pkt->ip_at + 9 : 12, family == 4 ? 1 : 2);
	/* Where an IPv4 header has its protocol, this IPv6 address has the number of UDP. */
	if (family == 6)
		pkt->data[pkt->ip_at + 9] = IPPROTO_UDP;
	build_checksums(pkt);
}

/* TCP: all bytes behind the IP header that a wrong offset may hit have the number of UDP. */
static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	finish(course, pkt);
	course_mark(course, pkt->ip_at + 9, 1);
	memset(pkt->data + pkt->l4_at, IPPROTO_UDP, 4);
	build_checksums(pkt);
}

static void others(struct course *course)
{
	struct build pkt;

	tcp(course, &pkt);
	expect_none(course, &pkt, "a TCP segment");
	course_ping(course, &pkt, 4, 0);
	course_mark(course, pkt.ip_at + 9, 1);
	expect_none(course, &pkt, "an echo request");
	udp(course, &pkt, 6);
	expect_none(course, &pkt, "an IPv6 packet, even with UDP");
	udp(course, &pkt, 4);
	build_put16(&pkt, 12, ETH_P_ARP);
	course_mark(course, 12, 2);
	expect_none(course, &pkt, "an ARP packet");
}

static void packets(struct course *course)
{
	int fd = course_map(course, "settings"), i;
	__u32 key = 0, limit;
	struct build pkt;

	for (i = 0; i < ROUNDS && !course->wrong; i++) {
		/* Longer than the packet, too. */
		limit = 2 + course_below(course, i % 2 ? 100 : 1500);
		if (bpf_map_update_elem(fd, &key, &limit, BPF_ANY)) {
			course_wrong(course,
				     "the map settings takes no limit: it should have an entry 0, of the type __u32");
			return;
		}
		udp(course, &pkt, 4);
		expect_cut(course, &pkt, limit);
		others(course);
		/* A later fragment: what it carries is in its IP header, too. */
		udp(course, &pkt, 4);
		build_frag4(&pkt, 1480, course_below(course, 2));
		build_checksums(&pkt);
		expect_cut(course, &pkt, limit);
	}
}

static void typical(struct course *course, struct build *pkt)
{
	udp(course, pkt, 4);
}

const struct course_exercise exercise = {
	.prog = "snaplen",
	.rule = "of IPv4 packets with UDP, the socket should get as many bytes as the limit says",
	.packets = packets,
	.typical = typical,
};
