// SPDX-License-Identifier: GPL-2.0
/* Exercise 12: the longest prefix decides, also after each change. */
#include <stdio.h>
#include <string.h>
#include "course.h"

enum { ALLOW, BLOCK };

enum {
	PREFIXES_MAX = 16,
	/* Changes of the map, and packets after each. */
	CHANGES = 60,
	PACKETS = 6,
};

struct key {
	__u32 prefixlen;
	__be32 addr;
};

/**
 * struct list - what is in the map
 * @fd: the learner's map
 * @base: an address; all others share bits with it
 * @n: number of prefixes
 * @addr: their addresses, in host byte order
 * @len: their lengths, in bits
 * @value: BLOCK or ALLOW
 */
struct list {
	int fd;
	__u32 base;
	int n;
	__u32 addr[PREFIXES_MAX];
	__u32 len[PREFIXES_MAX];
	__u32 value[PREFIXES_MAX];
};

static bool check_map(struct course *course, struct list *list)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	list->fd = course_map(course, "prefixes");
	if (list->fd < 0 || bpf_map_get_info_by_fd(list->fd, &info, &len))
		return false;
	if (info.type != BPF_MAP_TYPE_LPM_TRIE)
		course_wrong(course,
			     "the map prefixes finds only the same key: BPF_MAP_TYPE_LPM_TRIE finds the longest prefix");
	else if (info.key_size != sizeof(struct key) || info.value_size != 4)
		course_wrong(course,
			     "the map prefixes has keys of %u bytes and values of %u: they should be struct key and __u32",
			     info.key_size, info.value_size);
	else if (info.max_entries < PREFIXES_MAX)
		course_wrong(course, "the map prefixes has room for %u prefixes: keep 1024",
			     info.max_entries);
	return !course->wrong;
}

static __u32 mask(__u32 len)
{
	return len ? ~0U << (32 - len) : 0;
}

/* An address whose first @len bits are those of the base. */
static __u32 address(struct course *course, const struct list *list, __u32 len)
{
	return (list->base & mask(len)) | (test_rand(&course->rand) & ~mask(len));
}

static int find(const struct list *list, __u32 addr, __u32 len)
{
	int i;

	for (i = 0; i < list->n; i++)
		if (list->len[i] == len && list->addr[i] == (addr & mask(len)))
			return i;
	return -1;
}

/* Insert the prefix, or change its value; in the map and in the list. */
static void set(struct course *course, struct list *list, __u32 addr, __u32 len, __u32 value)
{
	struct key key = { len, htonl(addr & mask(len)) };
	int at = find(list, addr, len);

	if (at < 0 && list->n == PREFIXES_MAX)
		return;
	if (bpf_map_update_elem(list->fd, &key, &value, BPF_ANY))
		course_wrong(course, "the map prefixes takes no entries");
	if (at < 0)
		at = list->n++;
	list->addr[at] = addr & mask(len);
	list->len[at] = len;
	list->value[at] = value;
}

static void drop(struct list *list, int at)
{
	struct key key = { list->len[at], htonl(list->addr[at]) };

	bpf_map_delete_elem(list->fd, &key);
	list->n--;
	list->addr[at] = list->addr[list->n];
	list->len[at] = list->len[list->n];
	list->value[at] = list->value[list->n];
}

static void clear(struct list *list)
{
	while (list->n)
		drop(list, 0);
}

/* The longest prefix that holds the address, or -1: one after the other, so surely right. */
static int longest(const struct list *list, __u32 addr)
{
	int i, best = -1;

	for (i = 0; i < list->n; i++)
		if (list->addr[i] == (addr & mask(list->len[i])) &&
		    (best < 0 || list->len[i] > list->len[best]))
			best = i;
	return best;
}

static void build_between(struct course *course, struct build *pkt, __u32 from, __u32 to)
{
	build_start(pkt);
	build_ipv4(pkt, 4 * course_below(course, 3));
	build_udp(pkt);
	build_payload(pkt, course_below(course, 60));
	build_finish(pkt);
	course_randomize(course, pkt);
	from = htonl(from);
	to = htonl(to);
	memcpy(pkt->data + pkt->ip_at + 12, &from, sizeof(from));
	memcpy(pkt->data + pkt->ip_at + 16, &to, sizeof(to));
	build_checksums(pkt);
	course_mark(course, pkt->ip_at + 12, 4);
}

/* A packet from @from, to an address of which no prefix holds. */
static void expect(struct course *course, struct list *list, __u32 from, const char *what,
		   __u32 verdict)
{
	struct build pkt;

	build_between(course, &pkt, from, ~list->base);
	course_expect(course, &pkt, what, verdict);
}

/* The cases that have names, each with a map of its own. */
static void named_cases(struct course *course, struct list *list)
{
	__u32 base = list->base;
	struct build pkt;

	expect(course, list, base, "a packet, with no prefix in the map,", XDP_PASS);
	set(course, list, ~base, 32, BLOCK);
	expect(course, list, base, "a packet to a blocked address", XDP_PASS);
	set(course, list, base, 32, BLOCK);
	expect(course, list, base, "a packet from a blocked address", XDP_DROP);
	expect(course, list, base ^ 1, "a packet from the neighbour of a blocked address",
	       XDP_PASS);
	clear(list);
	set(course, list, base, 16, BLOCK);
	expect(course, list, base, "a packet from a blocked /16", XDP_DROP);
	set(course, list, base, 24, ALLOW);
	expect(course, list, base, "a packet from an allowed /24 within a blocked /16", XDP_PASS);
	set(course, list, base, 32, BLOCK);
	expect(course, list, base, "a packet from a blocked /32 within an allowed /24", XDP_DROP);
	clear(list);
	set(course, list, 0, 0, BLOCK);
	expect(course, list, base, "a packet, with 0.0.0.0/0 blocked,", XDP_DROP);
	course_ping(course, &pkt, 6, 0);
	course_expect(course, &pkt, "an IPv6 packet", XDP_PASS);
	build_between(course, &pkt, base, ~base);
	build_put16(&pkt, 12, ETH_P_ARP);
	course_expect(course, &pkt, "an ARP packet", XDP_PASS);
	build_between(course, &pkt, base, ~base);
	pkt.len = pkt.ip_at + sizeof(struct iphdr);
	course_truncated(course, &pkt, "an IPv4 packet", XDP_PASS);
	clear(list);
}

static void expect_longest(struct course *course, const struct list *list, __u32 from)
{
	int best = longest(list, from);
	char what[160], ip[2][INET_ADDRSTRLEN];
	__be32 addr = htonl(from);
	struct build pkt;

	inet_ntop(AF_INET, &addr, ip[0], sizeof(ip[0]));
	if (best < 0) {
		snprintf(what, sizeof(what), "a packet from %s, which no prefix holds,", ip[0]);
	} else {
		addr = htonl(list->addr[best]);
		inet_ntop(AF_INET, &addr, ip[1], sizeof(ip[1]));
		snprintf(what, sizeof(what),
			 "a packet from %s, whose longest prefix %s/%u says %s,",
			 ip[0], ip[1], list->len[best],
			 list->value[best] == BLOCK ? "BLOCK" : "ALLOW");
	}
	build_between(course, &pkt, from, address(course, list, course_below(course, 33)));
	course_expect(course, &pkt, what, best >= 0 && list->value[best] == BLOCK ?
		      XDP_DROP : XDP_PASS);
}

/* Insert, change and remove prefixes at random; packets in between. */
static void changes(struct course *course, struct list *list)
{
	__u32 len;
	int i, j;

	for (i = 0; i < CHANGES && !course->wrong; i++) {
		len = course_below(course, 33);
		if (list->n == PREFIXES_MAX || (list->n && !course_below(course, 3)))
			drop(list, course_below(course, list->n));
		else
			set(course, list, address(course, list, len), len, course_below(course, 2));
		for (j = 0; j < PACKETS; j++)
			expect_longest(course, list,
				       address(course, list, course_below(course, 33)));
	}
}

static void packets(struct course *course)
{
	/* In 10.0.0.0/8, and odd: no such address reads the same from both ends. */
	struct list list = { .base = 10 << 24 | test_rand(&course->rand) >> 8 | 1 };

	if (!check_map(course, &list))
		return;
	named_cases(course, &list);
	if (!course->wrong)
		changes(course, &list);
}

const struct course_exercise exercise = {
	.prog = "blocklist",
	.rule = "the longest prefix that holds the source should decide",
	.packets = packets,
};
