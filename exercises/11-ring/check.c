// SPDX-License-Identifier: GPL-2.0
/* Exercise 11: each UDP datagram makes an event, or is counted: received + lost = sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "course.h"

enum {
	RING = 64 * 1024,
	/* An event takes 8 bytes, and 8 of the ring buffer. */
	FULL = RING / 16,
	SENT_MAX = FULL + 2000,
};

struct event {
	__be32 saddr;
	__be16 sport;
	__u16 len;
};

/**
 * struct flood - datagrams that were sent, and the events that came of them
 * @course: loaded
 * @ring: the learner's ring
 * @sent: number of datagrams
 * @received: number of events
 * @want: the events that the datagrams should make
 */
struct flood {
	struct course *course;
	struct ring_buffer *ring;
	__u32 sent;
	__u32 received;
	struct event want[SENT_MAX];
};

static void say_event(const char *who, const struct event *ev)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &ev->saddr, addr, sizeof(addr));
	printf("    %-10s %s port %u, length %u\n", who, addr, ntohs(ev->sport), ev->len);
}

static int take(void *ctx, void *data, size_t size)
{
	struct flood *flood = ctx;
	const struct event *want = &flood->want[flood->received++];

	if (course_enough(flood->course))
		return 0;
	if (size != sizeof(*want)) {
		course_wrong(flood->course, "an event has %zu bytes, not %zu as struct event",
			     size, sizeof(*want));
	} else if (flood->received > flood->sent) {
		course_wrong(flood->course, "there are more events than UDP datagrams");
	} else if (memcmp(want, data, size)) {
		course_wrong(flood->course, "an event does not describe its datagram");
		say_event("your event", data);
		say_event("right", want);
	}
	return 0;
}

static void send_one(struct flood *flood, struct build *pkt)
{
	struct event *ev = &flood->want[flood->sent++];
	struct test_out out;

	memcpy(&ev->saddr, pkt->data + pkt->ip_at + 12, 4);
	memcpy(&ev->sport, pkt->data + pkt->l4_at, 2);
	ev->len = build_get16(pkt, pkt->l4_at + 4);
	if (course_run(flood->course, pkt, &out) && out.verdict != XDP_PASS)
		course_wrong(flood->course, "a UDP datagram got the verdict %u: all should pass",
			     out.verdict);
}

static void udp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_udp(pkt);
	build_payload(pkt, course_below(course, 100));
	build_finish(pkt);
	course_randomize(course, pkt);
}

/* Send @n datagrams; @read: read the ring now and then, so that it never gets full. */
static void send_many(struct flood *flood, __u32 n, bool read)
{
	struct build pkt;

	while (n-- && flood->sent < SENT_MAX && !course_enough(flood->course)) {
		udp(flood->course, &pkt);
		send_one(flood, &pkt);
		if (read && !course_below(flood->course, 8))
			ring_buffer__consume(flood->ring);
	}
	ring_buffer__consume(flood->ring);
}

static bool lost_of(struct course *course, __u64 *lost)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(course->obj, "lost");
	__u32 key = 0;

	if (map && bpf_map__value_size(map) == sizeof(*lost) && test_sum(map, &key, lost) >= 0)
		return true;
	course_wrong(course, "the map lost is not as it was given: a per-CPU array");
	return false;
}

/* received + lost = sent? @lost: what was lost before. */
static void balance(struct flood *flood, __u64 before, const char *when)
{
	struct course *course = flood->course;
	__u64 lost;

	if (course->wrong || !lost_of(course, &lost))
		return;
	lost -= before;
	if (flood->received + lost != flood->sent) {
		course_wrong(course, "%s, received and lost together are not what was sent", when);
		printf("    %u received + %llu lost = %llu, and %u UDP datagrams were sent\n",
		       flood->received, (unsigned long long)lost,
		       (unsigned long long)(flood->received + lost), flood->sent);
	}
}

static void tcp(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv4(pkt, 0);
	build_tcp(pkt, 0);
	build_finish(pkt);
	course_randomize(course, pkt);
}

static void udp6(struct course *course, struct build *pkt)
{
	build_start(pkt);
	build_ipv6(pkt);
	build_udp(pkt);
	build_finish(pkt);
	course_randomize(course, pkt);
}

static void ping(struct course *course, struct build *pkt)
{
	course_ping(course, pkt, 4, 0);
}

static void fragment(struct course *course, struct build *pkt)
{
	udp(course, pkt);
	build_frag4(pkt, 1480, 0);
	build_checksums(pkt);
}

/* Packets that make no event, and are not lost either. */
static void others(struct flood *flood)
{
	static const struct course_case cases[] = {
		{ "a TCP segment", tcp, XDP_PASS },
		{ "an IPv6 UDP datagram", udp6, XDP_PASS },
		{ "an echo request", ping, XDP_PASS },
		{ "a later fragment", fragment, XDP_PASS },
	};
	struct build pkt;

	course_cases(flood->course, cases, sizeof(cases) / sizeof(*cases));
	udp(flood->course, &pkt);
	pkt.len = pkt.l4_at + 8;
	course_truncated(flood->course, &pkt, "a UDP datagram", XDP_PASS);
	ring_buffer__consume(flood->ring);
}

/*
 * Three times: with a reader; without one, so that the ring gets full; and again with a reader,
 * because the count of the lost ones must stay.
 */
static void run(struct flood *flood)
{
	struct course *course = flood->course;
	__u64 lost = 0;

	others(flood);
	send_many(flood, 100 + course_below(course, 100), true);
	balance(flood, 0, "with a reader");
	if (course->wrong)
		return;
	flood->sent = 0;
	flood->received = 0;
	send_many(flood, FULL + 1 + course_below(course, 1000), false);
	balance(flood, 0, "without a reader, when the ring is full");
	if (course->wrong || !lost_of(course, &lost))
		return;
	flood->sent = 0;
	flood->received = 0;
	send_many(flood, 100 + course_below(course, 100), true);
	balance(flood, lost, "once there is room again");
}

static void packets(struct course *course)
{
	struct flood *flood = calloc(1, sizeof(*flood));
	int fd = course_map(course, "events");
	const struct bpf_map *map = bpf_object__find_map_by_name(course->obj, "events");

	if (flood && fd >= 0 && bpf_map__max_entries(map) == RING) {
		flood->course = course;
		flood->ring = ring_buffer__new(fd, take, flood, NULL);
	}
	if (flood && flood->ring)
		run(flood);
	else if (fd >= 0)
		course_wrong(course, "the map events is not as it was given: a ring of 64 KiB");
	if (flood)
		ring_buffer__free(flood->ring);
	free(flood);
}

const struct course_exercise exercise = {
	.prog = "ring",
	.type = BPF_PROG_TYPE_XDP,
	.rule = "all packets should be passed",
	.packets = packets,
	.typical = udp,
};
