/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of samples/pktcount_kern.c: loads the program, runs it on packets, and
 * compares each counter with the expected value.
 */
#ifndef _SELFTESTS_PKTCOUNT_RUN_H
#define _SELFTESTS_PKTCOUNT_RUN_H

#include <pthread.h>
#include <sched.h>
#include "test_harness.h"
#include "test_root.h"
#include "test_run.h"
#include "pktcount.h"
#include "pktcount.skel.h"

enum {
	EVENTS_MAX = 20000,
	RING_SIZE = 1024 * 1024,
	RING_ENTRY = 8 + sizeof(struct pktcount_event),
	CPUS = 2,
	/* No protocol: the packet is not IP. */
	NONE = __PKTCOUNT_PROTOCOL_MAX,
};

FIXTURE(pktcount)
{
	struct pktcount_kern *skel;
	struct test_ring ring;
	struct build pkt;
	struct test_out out;
	struct pktcount_cpu want;
	bool loaded;
	struct pktcount_event events[EVENTS_MAX];
};

FIXTURE_SETUP(pktcount)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = pktcount_kern__open();
	ASSERT_NE(NULL, self->skel);
}

/* Adds up the counters of all CPUs; *@cpus, unless NULL, is how many CPUs have counted. */
static inline void get_counts(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			      struct pktcount_cpu *sum, int *cpus)
{
	__u32 zero = 0;
	int used;

	used = test_sum(self->skel->maps.pktcount_counts, &zero, sum);
	ASSERT_LE(0, used);
	if (cpus)
		*cpus = used;
}

static inline struct pktcount_cell sum_cells(const struct pktcount_cell *cells, int n)
{
	struct pktcount_cell sum = {};
	int i;

	for (i = 0; i < n; i++) {
		sum.packets += cells[i].packets;
		sum.bytes += cells[i].bytes;
	}
	return sum;
}

static inline void expect_cells(struct __test_metadata *_metadata, const char *what,
				const struct pktcount_cell *want, const struct pktcount_cell *have,
				int n)
{
	int i;

	for (i = 0; i < n; i++) {
		EXPECT_EQ(want[i].packets, have[i].packets)
			TH_LOG("packets of %s %d", what, i);
		EXPECT_EQ(want[i].bytes, have[i].bytes)
			TH_LOG("bytes of %s %d", what, i);
	}
}

/* Each counter is right, and the protocols add up to the two IP classes. */
static inline void check_counts(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	struct pktcount_cell ip, protocols;
	struct pktcount_cpu have;

	get_counts(_metadata, self, &have, NULL);
	expect_cells(_metadata, "class", self->want.classes, have.classes, __PKTCOUNT_CLASS_MAX);
	expect_cells(_metadata, "protocol", self->want.protocols, have.protocols,
		     __PKTCOUNT_PROTOCOL_MAX);
	ip = sum_cells(&have.classes[PKTCOUNT_IPV4], 2);
	protocols = sum_cells(have.protocols, __PKTCOUNT_PROTOCOL_MAX);
	EXPECT_EQ(ip.packets, protocols.packets);
	EXPECT_EQ(ip.bytes, protocols.bytes);
}

FIXTURE_TEARDOWN(pktcount)
{
	if (self->loaded)
		check_counts(_metadata, self);
	test_ring_close(&self->ring);
	pktcount_kern__destroy(self->skel);
}

/* Loads the program with the constants in skel->rodata, and only the maps that they need. */
static inline void load(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	bool events = self->skel->rodata->events;

	bpf_map__set_autocreate(self->skel->maps.pktcount_sources, self->skel->rodata->top);
	bpf_map__set_autocreate(self->skel->maps.pktcount_events, events);
	ASSERT_EQ(0, pktcount_kern__load(self->skel));
	self->loaded = true;
	if (!events)
		return;
	self->ring = (struct test_ring) {
		.events = self->events, .size = sizeof(self->events[0]), .max = EVENTS_MAX,
	};
	ASSERT_EQ(0, test_ring_open(&self->ring, self->skel->maps.pktcount_events));
}

static inline __u32 get_events(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	ASSERT_LE(0, test_ring_read(&self->ring));
	return self->ring.n;
}

static inline void add(struct pktcount_cell *cell, __u64 packets, __u64 len)
{
	cell->packets += packets;
	cell->bytes += packets * len;
}

/* Adds @n packets of @len bytes to the expected counters. */
static inline void want(struct _test_data_pktcount *self, __u64 n, __u32 len, int class,
			int protocol, bool vlan)
{
	add(&self->want.classes[class], n, len);
	if (vlan)
		add(&self->want.classes[PKTCOUNT_VLAN], n, len);
	if (protocol != NONE)
		add(&self->want.protocols[protocol], n, len);
}

/* The first @len bytes of the packet pass unchanged, and count in @class and @protocol. */
static inline void expect_len(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			      __u32 len, int class, int protocol)
{
	struct pktcount_cpu before, after;
	bool vlan = build_get16(&self->pkt, 12) == ETH_P_8021Q ||
		    build_get16(&self->pkt, 12) == ETH_P_8021AD;

	get_counts(_metadata, self, &before, NULL);
	ASSERT_EQ(0, test_run(self->skel->progs.pktcount, self->pkt.data, len, &self->out));
	EXPECT_EQ(XDP_PASS, self->out.verdict);
	EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));
	want(self, 1, len, class, protocol, vlan);
	get_counts(_metadata, self, &after, NULL);
	EXPECT_EQ(before.classes[class].packets + 1, after.classes[class].packets)
		build_dump(self->pkt.data, len);
	if (protocol != NONE)
		EXPECT_EQ(before.protocols[protocol].packets + 1,
			  after.protocols[protocol].packets)
			build_dump(self->pkt.data, len);
}

static inline void expect(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			  int class, int protocol)
{
	expect_len(_metadata, self, self->pkt.len, class, protocol);
}

static inline int ip_class(int family)
{
	return family == 4 ? PKTCOUNT_IPV4 : PKTCOUNT_IPV6;
}

static inline void start(struct _test_data_pktcount *self, int family, int vlans)
{
	build_start(&self->pkt);
	build_vlans(&self->pkt, vlans);
	build_ip(&self->pkt, family);
}

struct sender {
	pthread_t thread;
	int prog_fd;
	int cpu;
	__u32 n;
	const struct build *pkt;
	int err;
};

static inline void *send_many(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct sender *sender = arg;
	cpu_set_t set;

	opts.data_in = sender->pkt->data;
	opts.data_size_in = sender->pkt->len;
	opts.repeat = sender->n;
	CPU_ZERO(&set);
	CPU_SET(sender->cpu, &set);
	sender->err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (!sender->err)
		sender->err = bpf_prog_test_run_opts(sender->prog_fd, &opts);
	return NULL;
}

/* Runs the packet @n times on CPU 0 and @n + 1 times on CPU 1, at the same time. */
static inline void send_on_two_cpus(struct __test_metadata *_metadata,
				    struct _test_data_pktcount *self, __u32 n)
{
	struct sender senders[CPUS] = {};
	int i;

	for (i = 0; i < CPUS; i++) {
		senders[i].prog_fd = bpf_program__fd(self->skel->progs.pktcount);
		senders[i].cpu = i;
		senders[i].n = n + i;
		senders[i].pkt = &self->pkt;
		ASSERT_EQ(0, pthread_create(&senders[i].thread, NULL, send_many, &senders[i]));
	}
	for (i = 0; i < CPUS; i++) {
		ASSERT_EQ(0, pthread_join(senders[i].thread, NULL));
		ASSERT_EQ(0, senders[i].err);
	}
}

/* send_on_two_cpus() needs this. The test has to call it, because SKIP() returns from there. */
static inline bool has_two_cpus(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_ISSET(0, &set) &&
	       CPU_ISSET(1, &set);
}

#endif /* _SELFTESTS_PKTCOUNT_RUN_H */
