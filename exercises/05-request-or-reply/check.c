// SPDX-License-Identifier: GPL-2.0
/* Exercise 5: echo requests and echo replies are counted, each in its entry of the map. */
#include <stdio.h>
#include "course.h"

enum { REQUESTS, REPLIES, KINDS, NEITHER = KINDS };

/* The value of the map, as the exercise gives it. */
struct echoes {
	__u32 packets;
	__u32 last;
};

/* A kind of packet, and the entry in which it must be counted. */
struct kind {
	const char *what;
	void (*build)(struct course *course, struct build *pkt);
	__u32 key;
};

static const char *const names[] = { [REQUESTS] = "requests", [REPLIES] = "replies" };

static void icmp(struct course *course, struct build *pkt, __u8 type)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_icmp_as(pkt, IPPROTO_ICMP, type, 0);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
}

static void request(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHO);
}

static void reply(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_ECHOREPLY);
}

static void unreachable(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_DEST_UNREACH);
}

static void time_exceeded(struct course *course, struct build *pkt)
{
	icmp(course, pkt, ICMP_TIME_EXCEEDED);
}

static void request6(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 6, 0);
}

static void udp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	build_payload(pkt, course_below(course, 200));
	build_finish(pkt);
	course_randomize(course, pkt);
	pkt->data[pkt->l4_at] = ICMP_ECHO;
	build_checksums(pkt);
}

static void fragment(struct course *course, struct build *pkt)
{
	request(course, pkt);
	build_frag4(pkt, 8 * (1 + course_below(course, 8000)), course_below(course, 2));
	build_checksums(pkt);
}

static void cut_off(struct course *course, struct build *pkt)
{
	reply(course, pkt);
	pkt->len = pkt->l4_at + course_below(course, 8);
}

static int find_map(struct course *course)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(course->obj, "echoes");

	if (map && bpf_map__type(map) == BPF_MAP_TYPE_ARRAY && bpf_map__max_entries(map) == KINDS &&
	    bpf_map__key_size(map) == sizeof(__u32) &&
	    bpf_map__value_size(map) == sizeof(struct echoes))
		return bpf_map__fd(map);
	course_wrong(course, "the map echoes is missing or has changed: keep it as it was given");
	return -1;
}

static void read_map(int fd, struct echoes *seen)
{
	__u32 key;

	for (key = 0; key < KINDS; key++)
		bpf_map_lookup_elem(fd, &key, &seen[key]);
}

/* True if each entry counts what it should count of one packet. */
static bool right_entry(struct course *course, const struct kind *kind,
			const struct echoes *before, const struct echoes *after)
{
	__u32 key, more;

	for (key = 0; key < KINDS; key++) {
		more = after[key].packets - before[key].packets;
		if (more && key != kind->key) {
			course_wrong(course, "%s is counted among the %s", kind->what, names[key]);
			return false;
		}
	}
	if (kind->key == NEITHER)
		return true;
	more = after[kind->key].packets - before[kind->key].packets;
	if (!more)
		course_wrong(course, "%s is not counted among the %s", kind->what,
			     names[kind->key]);
	else if (more > 1)
		course_wrong(course, "%s is counted %u times among the %s", kind->what, more,
			     names[kind->key]);
	return more == 1;
}

static void check_last(struct course *course, const struct kind *kind, const struct build *pkt,
		       const struct echoes *before, const struct echoes *after)
{
	__u32 sequence, key;

	for (key = 0; key < KINDS; key++) {
		if (key == kind->key || after[key].last == before[key].last)
			continue;
		course_wrong(course, "%s has changed last of the %s", kind->what, names[key]);
		return;
	}
	if (kind->key == NEITHER)
		return;
	sequence = build_get16(pkt, pkt->l4_at + 6);
	if (after[kind->key].last == sequence)
		return;
	course_wrong(course, "the sequence number of %s is not in last: %u is, and not %u",
		     kind->what, after[kind->key].last, sequence);
	if (after[kind->key].last == htons(sequence))
		printf("    the bytes are in network byte order: bpf_ntohs() turns them round\n");
	course_show(pkt, pkt->data, pkt->len, pkt->l4_at + 6, 2);
}

static void try_kind(struct course *course, int fd, const struct kind *kind)
{
	struct echoes before[KINDS] = { 0 }, after[KINDS] = { 0 };
	struct build pkt;

	kind->build(course, &pkt);
	read_map(fd, before);
	course_expect(course, &pkt, kind->what, XDP_PASS);
	read_map(fd, after);
	if (right_entry(course, kind, before, after))
		check_last(course, kind, &pkt, before, after);
}

static void packets(struct course *course)
{
	static const struct kind kinds[] = {
		{ "an echo request", request, REQUESTS },
		{ "an echo reply", reply, REPLIES },
		{ "a message \"destination unreachable\"", unreachable, NEITHER },
		{ "a message \"time exceeded\"", time_exceeded, NEITHER },
		{ "an IPv6 echo request", request6, NEITHER },
		{ "a UDP datagram", udp, NEITHER },
		{ "a later fragment with the bytes of an echo request", fragment, NEITHER },
		{ "an echo reply that is cut off", cut_off, NEITHER },
	};
	const unsigned int n = sizeof(kinds) / sizeof(*kinds);
	unsigned int start, try, i;
	int fd = find_map(course);

	if (fd < 0)
		return;
	for (try = 0; try < COURSE_TRIES && !course->wrong; try++) {
		start = course_below(course, n);
		for (i = 0; i < n && !course_enough(course); i++)
			try_kind(course, fd, &kinds[(start + i) % n]);
	}
}

const struct course_exercise exercise = {
	.prog = "request_or_reply",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "everything should be passed",
	.packets = packets,
};
