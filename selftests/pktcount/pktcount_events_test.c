// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/pktcount_kern.c: what an event contains, and that --sample is exact.
 */
#include "pktcount_run.h"

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* The event that the packet in self->pkt should cause. */
static struct pktcount_event make_event(struct _test_data_pktcount *self, int class, int protocol)
{
	struct pktcount_event ev = {
		.ifindex = 1,
		.len = self->pkt.len,
		.class = class,
		.protocol = protocol == NONE ? 0 : protocol,
		.vlan = build_get16(&self->pkt, 12) == ETH_P_8021Q,
		.ethertype = htons(class == PKTCOUNT_IPV4 ? ETH_P_IP :
				   class == PKTCOUNT_IPV6 ? ETH_P_IPV6 : ETH_P_ARP),
	};
	bool v4 = class == PKTCOUNT_IPV4;

	if (class != PKTCOUNT_IPV4 && class != PKTCOUNT_IPV6)
		return ev;
	ev.has_ip = 1;
	ev.ip_proto = self->pkt.l4_proto;
	inet_pton(AF_INET6, v4 ? "::ffff:" BUILD_SADDR4 : BUILD_SADDR6, ev.saddr);
	inet_pton(AF_INET6, v4 ? "::ffff:" BUILD_DADDR4 : BUILD_DADDR6, ev.daddr);
	if (protocol == PKTCOUNT_TCP || protocol == PKTCOUNT_UDP) {
		ev.sport = htons(BUILD_SPORT);
		ev.dport = htons(BUILD_DPORT);
	}
	return ev;
}

static void expect_event(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			 struct pktcount_event want_ev, int protocol)
{
	__u64 before = monotonic_ns();

	expect(_metadata, self, want_ev.class, protocol);
	ASSERT_EQ(1, get_events(_metadata, self));
	EXPECT_LE(before, self->events[0].ts_ns);
	EXPECT_GE(monotonic_ns(), self->events[0].ts_ns);
	want_ev.ts_ns = self->events[0].ts_ns;
	EXPECT_EQ(0, memcmp(&want_ev, &self->events[0], sizeof(want_ev))) {
		build_dump(&want_ev, sizeof(want_ev));
		build_dump(&self->events[0], sizeof(want_ev));
	}
}

TEST_F(pktcount, event)
{
	struct pktcount_event ev;
	int family, class;

	self->skel->rodata->events = true;
	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		class = ip_class(family);
		start(self, family, 0);
		build_tcp(&self->pkt, 0);
		build_finish(&self->pkt);
		expect_event(_metadata, self, make_event(self, class, PKTCOUNT_TCP), PKTCOUNT_TCP);

		start(self, family, 1);
		build_udp(&self->pkt);
		build_payload(&self->pkt, 6000);
		build_finish(&self->pkt);
		expect_event(_metadata, self, make_event(self, class, PKTCOUNT_UDP), PKTCOUNT_UDP);

		/* A later fragment has no ports, whatever its bytes are. */
		start(self, family, 0);
		build_frag(&self->pkt, 800, 1);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		expect_event(_metadata, self, make_event(self, class, PKTCOUNT_FRAGMENT),
			     PKTCOUNT_FRAGMENT);
	}
	build_ping(&self->pkt, 4, 0);
	expect_event(_metadata, self, make_event(self, PKTCOUNT_IPV4, PKTCOUNT_ICMP),
		     PKTCOUNT_ICMP);

	build_put16(&self->pkt, 12, ETH_P_ARP);
	expect_event(_metadata, self, make_event(self, PKTCOUNT_ARP, NONE), NONE);

	/* A bad IP header: no addresses. */
	build_ping(&self->pkt, 4, 0);
	self->pkt.data[self->pkt.ip_at] = 0x44;
	ev = make_event(self, PKTCOUNT_ARP, PKTCOUNT_MALFORMED);
	ev.class = PKTCOUNT_IPV4;
	ev.ethertype = htons(ETH_P_IP);
	expect_event(_metadata, self, ev, PKTCOUNT_MALFORMED);
}

TEST_F(pktcount, sample)
{
	__u32 i;

	self->skel->rodata->events = true;
	self->skel->rodata->sample_every = 7;
	load(_metadata, self);
	for (i = 1; i <= 1000; i++) {
		build_ping(&self->pkt, 4, 0);
		build_put16(&self->pkt, self->pkt.ip_at + 14, i);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_ICMP);
	}
	ASSERT_EQ(1000 / 7, get_events(_metadata, self));
	for (i = 0; i < self->ring.n; i++)
		EXPECT_EQ((i + 1) * 7, ntohl(self->events[i].saddr[3]) & 0xffff);
}

/* --sample takes each Nth of all packets, not each Nth per CPU. */
TEST_F(pktcount, sample_on_several_cpus)
{
	struct pktcount_cpu have;
	__u32 n;

	if (!has_two_cpus())
		SKIP(return, "needs CPU 0 and 1");
	self->skel->rodata->events = true;
	self->skel->rodata->sample_every = 100;
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	send_on_two_cpus(_metadata, self, 100050);
	want(self, 200101, self->pkt.len, PKTCOUNT_IPV4, PKTCOUNT_ICMP, false);
	n = get_events(_metadata, self);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(2001, have.events);
	EXPECT_EQ(2001, n + have.lost);
}

TEST_F(pktcount, lost_events)
{
	__u32 i, n, room = RING_SIZE / RING_ENTRY;
	struct pktcount_cpu have;

	self->skel->rodata->events = true;
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	for (i = 0; i < EVENTS_MAX; i++)
		ASSERT_EQ(0, test_run(self->skel->progs.pktcount, self->pkt.data, self->pkt.len,
				      &self->out));
	want(self, EVENTS_MAX, self->pkt.len, PKTCOUNT_IPV4, PKTCOUNT_ICMP, false);
	n = get_events(_metadata, self);
	EXPECT_LE(room - 1, n);
	EXPECT_GE(room, n);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(EVENTS_MAX, have.events);
	EXPECT_EQ(EVENTS_MAX - n, have.lost);
}

TEST_HARNESS_MAIN
