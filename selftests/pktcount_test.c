// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/pktcount_kern.c: each packet is counted once, in the right
 * class and protocol, with its length, on whatever CPU; all of them pass as they
 * came; sources, events and --sample are exact.
 */
#include <pthread.h>
#include <sched.h>
#include <kselftest_harness.h>
#include "test_run.h"
#include "../samples/pktcount.h"
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
	struct ring_buffer *ring;
	struct build pkt;
	struct test_out out;
	struct pktcount_counts want;
	bool loaded;
	__u32 n_events;
	struct pktcount_event events[EVENTS_MAX];
};

FIXTURE_SETUP(pktcount)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->skel = pktcount_kern__open();
	ASSERT_NE(NULL, self->skel);
}

/* Sums over all CPUs; *cpus, if asked for, is how many have counted. */
static void get_counts(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
		       struct pktcount_counts *sum, int *cpus)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	struct pktcount_counts values[n_cpus];
	__u64 *to = (__u64 *)sum, *from, any;
	__u32 zero = 0;
	size_t i;

	ASSERT_EQ(0, bpf_map__lookup_elem(self->skel->maps.pktcount_counts, &zero, sizeof(zero),
					  values, sizeof(values), 0));
	memset(sum, 0, sizeof(*sum));
	if (cpus)
		*cpus = 0;
	for (cpu = 0; cpu < n_cpus; cpu++) {
		from = (__u64 *)&values[cpu];
		any = 0;
		for (i = 0; i < sizeof(*sum) / sizeof(*to); i++) {
			to[i] += from[i];
			any |= from[i];
		}
		if (cpus)
			*cpus += !!any;
	}
}

static struct pktcount_cell sum_cells(const struct pktcount_cell *cells, int n)
{
	struct pktcount_cell sum = {};
	int i;

	for (i = 0; i < n; i++) {
		sum.packets += cells[i].packets;
		sum.bytes += cells[i].bytes;
	}
	return sum;
}

static void expect_cells(struct __test_metadata *_metadata, const char *what,
			 const struct pktcount_cell *want, const struct pktcount_cell *have, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		EXPECT_EQ(want[i].packets, have[i].packets)
			TH_LOG("packets of %s %d", what, i);
		EXPECT_EQ(want[i].bytes, have[i].bytes)
			TH_LOG("bytes of %s %d", what, i);
	}
}

/* Each counter is right, and protocols add up to the two IP classes. */
static void check_counts(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	struct pktcount_cell ip, protocols;
	struct pktcount_counts have;

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
	ring_buffer__free(self->ring);
	pktcount_kern__destroy(self->skel);
}

static int take_event(void *ctx, void *data, size_t size)
{
	struct _test_data_pktcount *self = ctx;

	if (size != sizeof(struct pktcount_event) || self->n_events == EVENTS_MAX)
		return -E2BIG;
	memcpy(&self->events[self->n_events++], data, size);
	return 0;
}

/* Load it with what the test has set in skel->rodata, and the maps for that. */
static void load(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	bool events = self->skel->rodata->events;

	bpf_map__set_autocreate(self->skel->maps.pktcount_sources, self->skel->rodata->top);
	bpf_map__set_autocreate(self->skel->maps.pktcount_events, events);
	ASSERT_EQ(0, pktcount_kern__load(self->skel));
	self->loaded = true;
	if (!events)
		return;
	self->ring = ring_buffer__new(bpf_map__fd(self->skel->maps.pktcount_events), take_event,
				      self, NULL);
	ASSERT_NE(NULL, self->ring);
}

static __u32 get_events(struct __test_metadata *_metadata, struct _test_data_pktcount *self)
{
	self->n_events = 0;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	return self->n_events;
}

static void add(struct pktcount_cell *cell, __u64 packets, __u64 len)
{
	cell->packets += packets;
	cell->bytes += packets * len;
}

/* @n packets of this length are to be counted. */
static void want(struct _test_data_pktcount *self, __u64 n, __u32 len, int class, int protocol,
		 bool vlan)
{
	add(&self->want.classes[class], n, len);
	if (vlan)
		add(&self->want.classes[PKTCOUNT_VLAN], n, len);
	if (protocol != NONE)
		add(&self->want.protocols[protocol], n, len);
}

/* The first @len bytes pass, unchanged, and are counted there. */
static void expect_len(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
		       __u32 len, int class, int protocol)
{
	struct pktcount_counts before, after;
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

static void expect(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
		   int class, int protocol)
{
	expect_len(_metadata, self, self->pkt.len, class, protocol);
}

static int ip_class(int family)
{
	return family == 4 ? PKTCOUNT_IPV4 : PKTCOUNT_IPV6;
}

static void start(struct _test_data_pktcount *self, int family, int vlans)
{
	build_start(&self->pkt);
	build_vlans(&self->pkt, vlans);
	build_ip(&self->pkt, family);
}

/* --- classes and protocols --------------------------------------------------------- */

TEST_F(pktcount, zero_on_start)
{
	struct pktcount_counts have, zero = {};

	load(_metadata, self);
	get_counts(_metadata, self, &have, NULL);
	EXPECT_EQ(0, memcmp(&zero, &have, sizeof(zero)));
}

TEST_F(pktcount, classes)
{
	int family, vlans;

	load(_metadata, self);
	for (vlans = 0; vlans <= 2; vlans++) {
		for (family = 4; family <= 6; family += 2) {
			build_ping(&self->pkt, family, vlans);
			expect(_metadata, self, ip_class(family),
			       family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_ICMPV6);
		}
		build_start(&self->pkt);
		build_vlans(&self->pkt, vlans);
		build_next(&self->pkt, ETH_P_ARP);
		build_payload(&self->pkt, 28);
		build_pad(&self->pkt, 60);
		expect(_metadata, self, PKTCOUNT_ARP, NONE);
		build_next(&self->pkt, ETH_P_LLDP);
		expect(_metadata, self, PKTCOUNT_OTHER, NONE);
		/* A length, as in IEEE 802.3. */
		build_next(&self->pkt, 46);
		expect(_metadata, self, PKTCOUNT_OTHER, NONE);
	}
	/* A third tag is not looked behind. */
	build_ping(&self->pkt, 4, 3);
	expect(_metadata, self, PKTCOUNT_OTHER, NONE);
}

/* Without a transport header, or with one that is checked elsewhere. */
static int plain_protocol(int family, int proto)
{
	switch (proto) {
	case IPPROTO_GRE:
		return PKTCOUNT_GRE;
	case IPPROTO_ESP:
		return PKTCOUNT_ESP;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return PKTCOUNT_IPIP;
	case IPPROTO_UDP:
		return PKTCOUNT_UDP;
	case IPPROTO_SCTP:
		return PKTCOUNT_SCTP;
	case IPPROTO_TCP:
		/* Its data offset is 0 here. */
		return PKTCOUNT_MALFORMED;
	case IPPROTO_ICMP:
		return family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_IP_OTHER;
	case IPPROTO_IGMP:
		return family == 4 ? PKTCOUNT_IGMP : PKTCOUNT_IP_OTHER;
	case IPPROTO_ICMPV6:
		return family == 6 ? PKTCOUNT_ICMPV6 : PKTCOUNT_IP_OTHER;
	default:
		return PKTCOUNT_IP_OTHER;
	}
}

static bool is_ext(int proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

TEST_F(pktcount, every_protocol)
{
	int family, proto;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (proto = 0; proto < 256; proto++) {
			if (family == 6 && is_ext(proto))
				continue;
			start(self, family, proto % 3);
			build_l4(&self->pkt, proto, 20);
			build_finish(&self->pkt);
			expect(_metadata, self, ip_class(family), plain_protocol(family, proto));
		}
	}
}

TEST_F(pktcount, headers_in_front)
{
	__u32 opt_len;

	load(_metadata, self);
	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, opt_len);
		build_tcp(&self->pkt, opt_len);
		build_finish(&self->pkt);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_TCP);
	}
	start(self, 6, 1);
	build_ext(&self->pkt, IPPROTO_HOPOPTS, 16);
	build_ext(&self->pkt, IPPROTO_ROUTING, 24);
	build_frag6(&self->pkt, 0, 1);
	build_ext(&self->pkt, IPPROTO_AH, 28);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_UDP);
}

/* Only the first fragment has a transport header; payload is no header. */
TEST_F(pktcount, fragments)
{
	int family;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		start(self, family, 0);
		build_frag(&self->pkt, 0, 1);
		build_udp(&self->pkt);
		build_payload(&self->pkt, 1400);
		build_finish(&self->pkt);
		expect(_metadata, self, ip_class(family), PKTCOUNT_UDP);

		start(self, family, 0);
		build_frag(&self->pkt, 1408, 0);
		build_tcp(&self->pkt, 0);
		build_finish(&self->pkt);
		expect(_metadata, self, ip_class(family), PKTCOUNT_FRAGMENT);
	}
}

/* --- malformed ----------------------------------------------------------------------- */

/* A TCP packet at every length: it is one only with the whole TCP header. */
static void cut(struct __test_metadata *_metadata, struct _test_data_pktcount *self, int family)
{
	__u32 len, ip_at = self->pkt.ip_at, l4_end = self->pkt.l4_at + 20;

	for (len = BUILD_MIN; len <= self->pkt.len; len++) {
		if (len < ip_at)
			expect_len(_metadata, self, len, PKTCOUNT_OTHER, NONE);
		else
			expect_len(_metadata, self, len, ip_class(family),
				   len < l4_end ? PKTCOUNT_MALFORMED : PKTCOUNT_TCP);
	}
}

TEST_F(pktcount, cut_short)
{
	int family, vlans;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			start(self, family, vlans);
			build_tcp(&self->pkt, 0);
			build_payload(&self->pkt, 10);
			build_finish(&self->pkt);
			cut(_metadata, self, family);
		}
	}
}

TEST_F(pktcount, bad_ip_header)
{
	__u8 *ip;
	int i;

	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	ip = self->pkt.data + self->pkt.ip_at;
	ip[0] = 0x44;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	ip[0] = 0x65;
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);
	ip[0] = 0x4f;
	build_put16(&self->pkt, self->pkt.ip_at + 2, 59);
	expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_MALFORMED);

	build_ping(&self->pkt, 6, 0);
	self->pkt.data[self->pkt.ip_at] = 0x40;
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_MALFORMED);

	/* More extension headers than are looked through. */
	start(self, 6, 0);
	for (i = 0; i < 7; i++)
		build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, PKTCOUNT_IPV6, PKTCOUNT_MALFORMED);
}

/* The frame is long enough (Ethernet pads), the IP packet is not. */
static void short_transport(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			    int family, __u8 proto, __u32 need, int protocol)
{
	__u32 len;

	for (len = 0; len <= 20; len += len % 4 ? 1 : 3) {
		start(self, family, 0);
		build_l4(&self->pkt, proto, len);
		if (proto == IPPROTO_TCP && len == 20)
			self->pkt.data[self->pkt.l4_at + 12] = 0x50;
		self->pkt.l4_proto = 0;
		build_finish(&self->pkt);
		build_pad(&self->pkt, 100);
		expect(_metadata, self, ip_class(family), len < need ? PKTCOUNT_MALFORMED :
		       protocol);
	}
}

TEST_F(pktcount, bad_transport_header)
{
	int family, words;

	load(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		short_transport(_metadata, self, family, IPPROTO_TCP, 20, PKTCOUNT_TCP);
		short_transport(_metadata, self, family, IPPROTO_UDP, 8, PKTCOUNT_UDP);
		short_transport(_metadata, self, family, IPPROTO_SCTP, 12, PKTCOUNT_SCTP);
		short_transport(_metadata, self, family, family == 4 ? IPPROTO_ICMP :
				IPPROTO_ICMPV6, 8, family == 4 ? PKTCOUNT_ICMP : PKTCOUNT_ICMPV6);
		for (words = 0; words <= 15; words++) {
			start(self, family, 0);
			build_tcp(&self->pkt, 20);
			self->pkt.data[self->pkt.l4_at + 12] = words << 4;
			build_finish(&self->pkt);
			expect(_metadata, self, ip_class(family), words < 5 || words > 10 ?
			       PKTCOUNT_MALFORMED : PKTCOUNT_TCP);
		}
	}
}

/* --- lengths, many packets, several CPUs ------------------------------------------------ */

/* From Ethernet to the last byte, padding too, in one buffer or in several. */
TEST_F(pktcount, bytes)
{
	static const __u32 payloads[] = { 0, 1, 17, 18, 1472, 3000, 4000, 4096, 8972, 12000 };
	size_t i;

	EXPECT_STREQ("xdp.frags", bpf_program__section_name(self->skel->progs.pktcount));
	load(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(payloads); i++) {
		start(self, 4, i % 2);
		build_udp(&self->pkt);
		build_payload(&self->pkt, payloads[i]);
		build_finish(&self->pkt);
		build_pad(&self->pkt, 60);
		expect(_metadata, self, PKTCOUNT_IPV4, PKTCOUNT_UDP);
	}
}

struct sender {
	pthread_t thread;
	int prog_fd;
	int cpu;
	__u32 n;
	const struct build *pkt;
	int err;
};

static void *send_many(void *arg)
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

/* The packet @n times on CPU 0 and @n + 1 times on CPU 1, at the same time. */
static void send_on_two_cpus(struct __test_metadata *_metadata, struct _test_data_pktcount *self,
			     __u32 n)
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

static void need_cpus(struct __test_metadata *_metadata)
{
	cpu_set_t set;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(set), &set));
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set))
		SKIP(return, "needs CPU 0 and 1");
}

TEST_F(pktcount, repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 100000);

	load(_metadata, self);
	build_ping(&self->pkt, 6, 1);
	opts.data_in = self->pkt.data;
	opts.data_size_in = self->pkt.len;
	ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(self->skel->progs.pktcount), &opts));
	want(self, 100000, self->pkt.len, PKTCOUNT_IPV6, PKTCOUNT_ICMPV6, true);
}

TEST_F(pktcount, several_cpus)
{
	struct pktcount_counts have;
	int cpus;

	need_cpus(_metadata);
	load(_metadata, self);
	build_ping(&self->pkt, 4, 0);
	send_on_two_cpus(_metadata, self, 300000);
	want(self, 600001, self->pkt.len, PKTCOUNT_IPV4, PKTCOUNT_ICMP, false);
	get_counts(_metadata, self, &have, &cpus);
	EXPECT_EQ(2, cpus);
}

/* --- --top ------------------------------------------------------------------------------ */

static struct pktcount_cell get_source(struct __test_metadata *_metadata,
				       struct _test_data_pktcount *self, const char *addr)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	struct pktcount_cell values[n_cpus], sum = {};
	struct pktcount_source source;

	inet_pton(AF_INET6, addr, source.addr);
	if (bpf_map__lookup_elem(self->skel->maps.pktcount_sources, &source, sizeof(source),
				 values, sizeof(values), 0))
		return sum;
	for (cpu = 0; cpu < n_cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.bytes += values[cpu].bytes;
	}
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
	struct pktcount_counts have;
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
	/* Two more sources; a bad transport header has one, a bad IP header none. */
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

/* One source on both CPUs at once: added to the map once, no packet is missing. */
TEST_F(pktcount, source_on_several_cpus)
{
	struct pktcount_counts have;

	need_cpus(_metadata);
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
	/* Races that this one and the other one have come to. */
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

/* New sources, each from both CPUs at once: one of the two adds it. */
TEST_F(pktcount, new_sources_on_several_cpus)
{
	struct racer *racers = calloc(CPUS, sizeof(*racers));
	struct pktcount_counts have;
	char addr[32];
	int i;

	need_cpus(_metadata);
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

/* A full map pushes sources out, which shows; the counters are exact all the same. */
TEST_F(pktcount, too_many_sources)
{
	struct pktcount_counts have;
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

/* --- events ------------------------------------------------------------------------------- */

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* An event as the packet in self->pkt should give it. */
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
	for (i = 0; i < self->n_events; i++)
		EXPECT_EQ((i + 1) * 7, ntohl(self->events[i].saddr[3]) & 0xffff);
}

/* Each Nth of all packets, not of each CPU's. */
TEST_F(pktcount, sample_on_several_cpus)
{
	struct pktcount_counts have;
	__u32 n;

	need_cpus(_metadata);
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
	struct pktcount_counts have;

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
