// SPDX-License-Identifier: GPL-2.0
/*
 * Exercise 18: IPv4 packets are forwarded along the routes; those that cannot be forwarded pass.
 *
 * BPF_PROG_TEST_RUN looks up routes in the network namespace of this process, where packets come
 * in on lo. So the check makes a namespace with routes of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "course.h"

enum { LINKS = 2, MTU = 700 };

/**
 * struct link - an interface of the router, with a router of the next network behind it
 * @net: its network: 10.@net.0.0/16 is on the link, 172.@net.0.0/16 is behind the next router,
 *	and 192.@net.0.0/16 too, with an MTU of its own
 * @next: last byte of the address of the next router
 * @mac: MAC address of the interface
 * @next_mac: MAC address of the next router
 */
static struct link {
	__u8 net;
	__u8 next;
	__u8 mac[ETH_ALEN];
	__u8 next_mac[ETH_ALEN];
} links[LINKS];

static void random_mac(struct course *course, __u8 mac[ETH_ALEN])
{
	int i;

	mac[0] = 2;
	for (i = 1; i < ETH_ALEN; i++)
		mac[i] = course_below(course, 256);
}

static const char *mac_text(const __u8 mac[ETH_ALEN], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}

static void lay_link(FILE *ip, struct course *course, int i)
{
	struct link *link = &links[i];
	char text[18];

	link->net = 1 + i * 100 + course_below(course, 100);
	link->next = 2 + course_below(course, 200);
	random_mac(course, link->mac);
	random_mac(course, link->next_mac);
	fprintf(ip, "link add l%d address %s type veth peer name p%d\n", i,
		mac_text(link->mac, text), i);
	fprintf(ip, "link set p%d up\nlink set l%d up\n", i, i);
	fprintf(ip, "addr add 10.%d.0.1/16 dev l%d\n", link->net, i);
	fprintf(ip, "neigh add 10.%d.0.%d lladdr %s nud permanent dev l%d\n", link->net,
		link->next, mac_text(link->next_mac, text), i);
	fprintf(ip, "route add 172.%d.0.0/16 via 10.%d.0.%d\n", link->net, link->net, link->next);
	fprintf(ip, "route add 192.%d.0.0/16 via 10.%d.0.%d mtu lock %d\n", link->net, link->net,
		link->next, MTU);
}

static bool forwarding_on(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	bool on = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return on;
}

static void broken(const char *what)
{
	printf("the check cannot %s: %s\n", what, strerror(errno));
	exit(2);
}

static void lay_routes(struct course *course)
{
	FILE *ip;
	int i;

	if (links[0].net)
		return;
	if (unshare(CLONE_NEWNET) || !forwarding_on())
		broken("make a network namespace");
	ip = popen("ip -batch -", "w");
	if (!ip)
		broken("start ip");
	fprintf(ip, "link set lo up\n");
	for (i = 0; i < LINKS; i++)
		lay_link(ip, course, i);
	fprintf(ip, "route add unreachable 198.18.0.0/15\n");
	if (pclose(ip))
		broken("lay routes");
}

/* A packet with a random transport header and these first bytes of its destination. */
static void packet_to(struct course *course, struct build *pkt, __u8 first, __u8 second,
		      __u32 payload)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	switch (course_below(course, 3)) {
	case 0:
		build_echo(pkt);
		break;
	case 1:
		build_udp(pkt);
		break;
	default:
		build_tcp(pkt, 0);
	}
	build_payload(pkt, payload);
	build_finish(pkt);
	course_randomize(course, pkt);
	pkt->data[pkt->ip_at + 16] = first;
	pkt->data[pkt->ip_at + 17] = second;
	build_checksums(pkt);
}

static void set_ttl(struct build *pkt, __u8 ttl)
{
	pkt->data[pkt->ip_at + 8] = ttl;
	build_checksums(pkt);
}

static struct link *any_link(struct course *course)
{
	return &links[course_below(course, LINKS)];
}

static void expect_forwarded(struct course *course, const struct build *pkt,
			     const struct link *link, const char *what)
{
	struct build want = *pkt;

	memcpy(want.data, link->next_mac, ETH_ALEN);
	memcpy(want.data + ETH_ALEN, link->mac, ETH_ALEN);
	want.data[want.ip_at + 8]--;
	build_checksums(&want);
	course_mark(course, pkt->ip_at + 16, 4);
	course_expect_packet(course, pkt, &want, what, XDP_REDIRECT);
}

static void routed(struct course *course, struct build *pkt)
{
	lay_routes(course);
	packet_to(course, pkt, 172, any_link(course)->net, course_below(course, MTU));
}

static void try_routes(struct course *course)
{
	struct link *link = any_link(course);
	struct build pkt;

	packet_to(course, &pkt, 172, link->net, course_below(course, 1200));
	expect_forwarded(course, &pkt, link, "a packet to a network behind the next router");
	packet_to(course, &pkt, 192, link->net, course_below(course, MTU - 60));
	expect_forwarded(course, &pkt, link, "a packet that just fits into the MTU of its route");
	packet_to(course, &pkt, 10, link->net, 20);
	build_put16(&pkt, pkt.ip_at + 18, link->next);
	build_checksums(&pkt);
	expect_forwarded(course, &pkt, link, "a packet to a neighbour");
	packet_to(course, &pkt, 172, link->net, 20);
	set_ttl(&pkt, 2);
	expect_forwarded(course, &pkt, link, "a packet whose TTL is 2");
	/* One more TTL of 256 is added to the checksum, and must carry over its upper end. */
	packet_to(course, &pkt, 172, link->net, 20);
	while (build_get16(&pkt, pkt.ip_at + 10) < 0xff00) {
		build_put16(&pkt, pkt.ip_at + 4, course_below(course, 65536));
		build_checksums(&pkt);
	}
	expect_forwarded(course, &pkt, link, "a packet whose checksum carries over");
}

static void ttl_1(struct course *course, struct build *pkt)
{
	packet_to(course, pkt, 172, any_link(course)->net, 20);
	set_ttl(pkt, 1);
	course_mark(course, pkt->ip_at + 8, 1);
}

static void to_router(struct course *course, struct build *pkt)
{
	packet_to(course, pkt, 10, any_link(course)->net, 20);
	build_put16(pkt, pkt->ip_at + 18, 1);
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 16, 4);
}

static void unknown_neighbour(struct course *course, struct build *pkt)
{
	packet_to(course, pkt, 10, any_link(course)->net, 20);
	build_put16(pkt, pkt->ip_at + 18, 256 + course_below(course, 60000));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 16, 4);
}

static void unreachable(struct course *course, struct build *pkt)
{
	packet_to(course, pkt, 198, 18, 20);
	course_mark(course, pkt->ip_at + 16, 4);
}

static void too_large(struct course *course, struct build *pkt)
{
	packet_to(course, pkt, 192, any_link(course)->net, MTU + course_below(course, 400));
	course_mark(course, pkt->ip_at + 2, 2);
}

static void ping6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, 0);
	course_mark(course, 12, 2);
}

static void arp(struct course *course, struct build *pkt)
{
	struct build ip;

	/* The bytes of a packet that would be forwarded, under another protocol. */
	routed(course, &ip);
	build_start(pkt);
	build_next(pkt, ETH_P_ARP);
	memcpy(pkt->data + build_grow(pkt, 28), ip.data + ETH_HLEN, 28);
	course_mark(course, 12, 2);
}

static void packets(struct course *course)
{
	static const struct course_case passed[] = {
		{ "a packet whose TTL is 1", ttl_1, XDP_PASS },
		{ "a packet to an address of the router", to_router, XDP_PASS },
		{ "a packet to a neighbour whose MAC address is not known", unknown_neighbour,
		  XDP_PASS },
		{ "a packet to a network that is unreachable", unreachable, XDP_PASS },
		{ "a packet that is larger than the MTU of its route", too_large, XDP_PASS },
		{ "an IPv6 packet", ping6, XDP_PASS },
		{ "an ARP request", arp, XDP_PASS },
	};
	struct build pkt;
	int try;

	lay_routes(course);
	course_cases(course, passed, sizeof(passed) / sizeof(*passed));
	for (try = 0; try < COURSE_TRIES && !course->wrong; try++)
		try_routes(course);
	routed(course, &pkt);
	pkt.len = pkt.l4_at;
	course_truncated(course, &pkt, "an IPv4 packet", XDP_PASS);
}

const struct course_exercise exercise = {
	.prog = "forward",
	.rule = "a route, a neighbour and a TTL above 1: redirect it, pass the rest",
	.packets = packets,
	.typical = routed,
};
