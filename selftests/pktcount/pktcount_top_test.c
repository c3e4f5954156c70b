// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/pktcount_kern.c: packets are counted by source. The counts are exact as
 * long as the map has room, even if several CPUs count at the same time.
 */
#include "pktcount_run.h"

static struct pktcount_cell get_source(struct __test_metadata *_metadata,
				       struct _test_data_pktcount *self, const char *addr)
{
	struct pktcount_source source;
	struct pktcount_cell sum = {};

	inet_pton(AF_INET6, addr, source.addr);
	test_sum(self->skel->maps.pktcount_sources, &source, &sum);
	return sum;
}

static void expect_source(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			  const char *addr, __u64 packets, __u64 bytes)
{
	struct pktcount_cell cell = get_source(_metadata, self, addr);

	EXPECT_EQ(packets, cell.packets)
		TH_LOG("packets of %s", addr);
	EXPECT_EQ(bytes, cell.bytes)
		TH_LOG("bytes of %s", addr);
}

static __u32 count_sources(struct _test_data_pktcount *self)
{
	struct pktcount_source key, *prev = NULL;
	int fd = bpf_map__fd(self->skel->maps.pktcount_sources);
	__u32 n = 0;

	for (; !bpf_map_get_next_key(fd, prev, &key); prev = &key)
		n++;
	return n;
}

TEST_F(pktcount, sources)
{
	struct pktcount_cpu have;
	__u32 len;
	int i;

	self->skel->rodata->top = true;
	load(_metadata, self);
	for (i = 0; i < 7; i++) {
		build_ping(&self->pkt, 4, i % 3);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_ICMP);
	}
	for (i = 0; i < 5; i++) {
		build_ping(&self->pkt, 6, 0);
		expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_ICMPV6);
	}
	len = self->pkt.len;
	/*
	 * Two more sources. A packet with a bad transport header counts for its source; one with
	 * a bad IP header has no source.
	 */
	self->pkt.data[self->pkt.ip_at + 23]++;
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_ICMPV6);
	build_ping(&self->pkt, 4, 0);
	self->pkt.data[self->pkt.ip_at + 15]++;
	self->pkt.data[self->pkt.ip_at + 9] = IPPROTO_TCP;
	self->pkt.data[self->pkt.l4_at + 12] = 0;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	self->pkt.data[self->pkt.ip_at] = 0x44;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	build_put16(&self->pkt, 12, ETH_P_ARP);
	expect(_metadata, self, PKTCOUNT_ARP, NONE);

	expect_source(_metadata, self, "::ffff:" BUILD_SADDR4, 7, 7 * 98 + 2 * (4 + 8));
	expect_source(_metadata, self, BUILD_SADDR6, 5, 5 * len);
	expect_source(_metadata, self, "2001:db8:1::2", 1, len);
	expect_source(_metadata, self, "::ffff:192.0.2.2", 1, 98);
	EXPECT_EQ(4, count_sources(self));
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(4, have.sources);
}

/*
 * One source on both CPUs at the same time: the map gets one entry, and every packet is
 * counted.
 */
TEST_F(pktcount, source_on_several_cpus)
{
	struct pktcount_cpu have;

	if (!has_two_cpus())
		SKIP(return, "needs CPU 0 and 1");
	self->skel->rodata->top = true;
	load(_metadata, self);
	build_ping(&self->pkt, 6, 0);
	send_on_two_cpus(_metadata, self, 200000);
	want(self, 400001, self->pkt.len, PKTCOUNT_IPV6, PKTCOUNT_ICMPV6, false);
	expect_source(_metadata, self, BUILD_SADDR6, 400001, 400001ULL * self->pkt.len);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(1, have.sources);
}

enum {
	RACES = 3000,
};

struct racer {
	pthread_t thread;
	const struct bpf_program *prog;
	int cpu;
	/* Number of the race that this thread, and the other thread, has reached. */
	int at;
	const int *other;
	struct build pkt;
	struct test_out out;
	int err;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	CPU_SET(racer->cpu, &set);
	racer->err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	build_ping(&racer->pkt, 4, 0);
	for (i = 1; i <= RACES; i++) {
		build_put16(&racer->pkt, racer->pkt.ip_at + 14, i);
		__atomic_store_n(&racer->at, i, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(racer->other, __ATOMIC_SEQ_CST) < i)
			sched_yield();
		racer->err |= test_run(racer->prog, racer->pkt.data, racer->pkt.len, &racer->out);
	}
	return NULL;
}

/* Both CPUs see each new source at the same time: only one of them adds it to the map. */
TEST_F(pktcount, new_sources_on_several_cpus)
{
	struct racer *racers = calloc(CPUS, sizeof(*racers));
	struct pktcount_cpu have;
	char addr[32];
	int i;

	if (!has_two_cpus())
		SKIP(return, "needs CPU 0 and 1");
	self->skel->rodata->top = true;
	load(_metadata, self);
	for (i = 0; i < CPUS; i++) {
		racers[i].cpu = i;
		racers[i].prog = self->skel->progs.pktcount;
		racers[i].other = &racers[!i].at;
		ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL, race, &racers[i]));
	}
	for (i = 0; i < CPUS; i++) {
		ASSERT_EQ(0, pthread_join(racers[i].thread, NULL));
		ASSERT_EQ(0, racers[i].err);
	}
	want(self, CPUS * RACES, racers[0].pkt.len, PKTCOUNT_IPV4, PKTCOUNT_ICMP, false);
	free(racers);
	for (i = 1; i <= RACES; i++) {
		snprintf(addr, sizeof(addr), "::ffff:192.0.%d.%d", i >> 8, i & 0xff);
		expect_source(_metadata, self, addr, CPUS, CPUS * 98);
	}
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(RACES, have.sources);
	EXPECT_EQ(RACES, count_sources(self));
}

/* A full map pushes out old sources. The number of added sources and the counters stay exact. */
TEST_F(pktcount, too_many_sources)
{
	struct pktcount_cpu have;
	__u32 i, n;

	self->skel->rodata->top = true;
	ASSERT_EQ(0, bpf_map__set_max_entries(self->skel->maps.pktcount_sources, 100));
	load(_metadata, self);
	for (i = 0; i < 1000; i++) {
		build_ping(&self->pkt, 4, 0);
		build_put16(&self->pkt, self->pkt.ip_at + 14, i);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_ICMP);
	}
	n = count_sources(self);
	EXPECT_LT(0, n);
	EXPECT_GE(100, n);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(1000, have.sources);
}

TEST_HARNESS_MAIN
