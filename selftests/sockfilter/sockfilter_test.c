// SPDX-License-Identifier: GPL-2.0
/* Tests of samples/sockfilter_kern.c: which packets the filter copies, and how it counts. */
#include "test_harness.h"
#include "test_root.h"
#include "test_run.h"
#include "sockfilter_test.h"
#include "parts/sockfilter/user.h"
#include "sockfilter.skel.h"

/* --- the filter -------------------------------------------------------------------- */

FIXTURE(sockfilter)
{
	struct sockfilter_kern *skel;
	struct build pkt;
	__u64 want[__SOCKFILTER_COUNT_MAX];
	__u64 seen;
	bool loaded;
};

static void open_skel(struct __test_metadata *_metadata, struct _test_data_sockfilter *self)
{
	self->skel = sockfilter_kern__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->snaplen = SNAPLEN;
	self->seen = 0;
	self->loaded = false;
	memset(self->want, 0, sizeof(self->want));
}

FIXTURE_SETUP(sockfilter)
{
	if (test_lacks(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON))
		SKIP(return, "%s", test_lacked);
	open_skel(_metadata, self);
}

static __u64 get_count(struct __test_metadata *_metadata, struct _test_data_sockfilter *self,
		       __u32 slot)
{
	__u64 sum = 0;

	EXPECT_LE(0, test_sum(self->skel->maps.sockf_counts, &slot, &sum));
	return sum;
}

/* The filter counted each packet once by verdict, rightly, and once by protocol. */
static void check_counts(struct __test_metadata *_metadata, struct _test_data_sockfilter *self)
{
	__u64 n, verdicts = 0, protos = 0;
	__u32 i;

	for (i = 0; i < __SOCKFILTER_COUNT_MAX; i++) {
		n = get_count(_metadata, self, i);
		if (i <= SOCKFILTER_SKIP_DIRECTION) {
			verdicts += n;
			EXPECT_EQ(self->want[i], n)
				TH_LOG("counter %d", i);
		} else if (i != SOCKFILTER_LOST) {
			protos += n;
		}
	}
	EXPECT_EQ(self->seen, verdicts);
	EXPECT_EQ(self->seen, protos);
}

FIXTURE_TEARDOWN(sockfilter)
{
	if (self->loaded)
		check_counts(_metadata, self);
	sockfilter_kern__destroy(self->skel);
}

static void load_skel(struct __test_metadata *_metadata, struct _test_data_sockfilter *self)
{
	ASSERT_EQ(0, sockfilter_kern__load(self->skel));
	self->loaded = true;
}

/*
 * Checks the counters of the old program, then opens a new one. Returns its match, for the
 * test to set.
 */
static struct sock_match *again(struct __test_metadata *_metadata,
				struct _test_data_sockfilter *self)
{
	if (self->loaded)
		check_counts(_metadata, self);
	sockfilter_kern__destroy(self->skel);
	open_skel(_metadata, self);
	return (struct sock_match *)&self->skel->rodata->match;
}

static void expect_len(struct __test_metadata *_metadata, struct _test_data_sockfilter *self,
		       __u32 len, enum sock_verdict verdict)
{
	__u32 retval;

	ASSERT_EQ(0, run_filter(bpf_program__fd(self->skel->progs.sockfilter), self->pkt.data,
				len, &retval));
	self->seen++;
	self->want[SOCKFILTER_VERDICT + verdict]++;
	EXPECT_EQ(verdict == SOCK_MATCHED ? SNAPLEN : 0, retval) {
		TH_LOG("wanted verdict %d", verdict);
		build_dump(self->pkt.data, len);
	}
}

static void expect(struct __test_metadata *_metadata, struct _test_data_sockfilter *self,
		   enum sock_verdict verdict)
{
	expect_len(_metadata, self, self->pkt.len, verdict);
}

TEST_F(sockfilter, protocols)
{
	unsigned int want, have;
	int family, vlans;

	for (want = 0; want < ARRAY_SIZE(some_protos) - 1; want++) {
		again(_metadata, self)->proto = some_protos[want];
		load_skel(_metadata, self);
		for (family = 4; family <= 6; family += 2) {
			for (vlans = 0; vlans <= 3; vlans++) {
				for (have = 0; have < ARRAY_SIZE(some_protos); have++) {
					build_packet(&self->pkt, family, vlans, some_protos[have]);
					expect(_metadata, self, vlans == 3 ? SOCK_SKIP_BAD :
					       want == have ? SOCK_MATCHED : SOCK_SKIP_PROTO);
				}
			}
		}
		build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
		build_put16(&self->pkt, 12, ETH_P_ARP);
		expect(_metadata, self, SOCK_SKIP_NOT_IP);
	}
}

/* ICMPv6 in IPv4 and ICMP in IPv6 do not count as ICMP. */
TEST_F(sockfilter, icmp_of_the_other_family)
{
	again(_metadata, self)->proto = IPPROTO_ICMP;
	load_skel(_metadata, self);
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_icmp_as(&self->pkt, IPPROTO_ICMPV6, 128, 0);
	build_finish(&self->pkt);
	expect(_metadata, self, SOCK_SKIP_PROTO);
	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_icmp_as(&self->pkt, IPPROTO_ICMP, 8, 0);
	build_finish(&self->pkt);
	expect(_metadata, self, SOCK_SKIP_PROTO);
}

/* Without conditions every packet is copied, even a malformed one. */
TEST_F(sockfilter, everything)
{
	__u32 len;

	load_skel(_metadata, self);
	build_packet(&self->pkt, 4, 1, IPPROTO_TCP);
	for (len = 1; len <= self->pkt.len; len++)
		expect_len(_metadata, self, len, SOCK_MATCHED);
	build_packet(&self->pkt, 6, 3, IPPROTO_UDP);
	expect(_metadata, self, SOCK_MATCHED);
}

TEST_F(sockfilter, ports)
{
	static const struct {
		__u16 port;
		bool match;
	} tries[] = {
		{ BUILD_SPORT, true }, { BUILD_DPORT, true }, { 1, false }, { 65535, false },
		{ BUILD_SPORT + 1, false }, { 0x409c, false /* 40000 the other way round */ },
	};
	unsigned int i, p;
	int family;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		again(_metadata, self)->port = tries[i].port;
		load_skel(_metadata, self);
		for (family = 4; family <= 6; family += 2) {
			for (p = 0; p < ARRAY_SIZE(some_protos); p++) {
				build_packet(&self->pkt, family, family == 6, some_protos[p]);
				expect(_metadata, self, tries[i].match && p < 2 ? SOCK_MATCHED :
				       SOCK_SKIP_PORT);
			}
		}
	}
}

/* A later fragment has no ports, whatever its bytes are. */
TEST_F(sockfilter, fragments)
{
	static const struct {
		__u32 offset;
		bool more;
	} frags[] = { { 0, true }, { 8, true }, { 1480, false }, { 65528, true } };
	enum sock_verdict verdict;
	unsigned int i, port;
	int family;

	for (port = 0; port < 2; port++) {
		struct sock_match *match = again(_metadata, self);

		match->proto = IPPROTO_UDP;
		match->port = port ? BUILD_DPORT : 0;
		load_skel(_metadata, self);
		for (family = 4; family <= 6; family += 2) {
			for (i = 0; i < ARRAY_SIZE(frags); i++) {
				build_start(&self->pkt);
				build_ip(&self->pkt, family);
				build_frag(&self->pkt, frags[i].offset, frags[i].more);
				build_transport(&self->pkt, family, IPPROTO_UDP);
				verdict = port && frags[i].offset ? SOCK_SKIP_PORT : SOCK_MATCHED;
				expect(_metadata, self, verdict);
			}
		}
	}
}

TEST_F(sockfilter, long_headers)
{
	struct sock_match *match = again(_metadata, self);
	__u32 opt_len;
	int i, n;

	match->proto = IPPROTO_TCP;
	match->port = BUILD_DPORT;
	load_skel(_metadata, self);
	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_ipv4(&self->pkt, opt_len);
		build_transport(&self->pkt, 4, IPPROTO_TCP);
		expect(_metadata, self, SOCK_MATCHED);
	}
	for (n = 0; n <= 8; n++) {
		build_start(&self->pkt);
		build_ipv6(&self->pkt);
		for (i = 0; i < n; i++)
			build_ext(&self->pkt, i % 2 ? IPPROTO_AH : IPPROTO_DSTOPTS, 16);
		build_transport(&self->pkt, 6, IPPROTO_TCP);
		expect(_metadata, self, n > 6 ? SOCK_SKIP_BAD : SOCK_MATCHED);
	}
}

/* The packet is cut after each byte: it matches a port only if both ports are complete. */
TEST_F(sockfilter, cut_short)
{
	struct sock_match *match = again(_metadata, self);
	enum sock_verdict verdict;
	int family, vlans;
	__u32 len;

	match->proto = IPPROTO_TCP;
	match->port = BUILD_SPORT;
	load_skel(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_packet(&self->pkt, family, vlans, IPPROTO_TCP);
			for (len = 1; len <= self->pkt.len; len++) {
				verdict = SOCK_MATCHED;
				if (len < self->pkt.l4_at)
					verdict = SOCK_SKIP_BAD;
				else if (len < self->pkt.l4_at + 4)
					verdict = SOCK_SKIP_PORT;
				expect_len(_metadata, self, len, verdict);
			}
		}
	}
}

/* If the options or the extension header are cut, the packet counts as malformed. */
TEST_F(sockfilter, options_cut_short)
{
	__u32 len;

	again(_metadata, self)->proto = IPPROTO_TCP;
	load_skel(_metadata, self);
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 40);
	build_transport(&self->pkt, 4, IPPROTO_TCP);
	for (len = 14 + 20; len <= self->pkt.len; len++)
		expect_len(_metadata, self, len,
			   len < self->pkt.l4_at ? SOCK_SKIP_BAD : SOCK_MATCHED);

	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_ext(&self->pkt, IPPROTO_DSTOPTS, 64);
	build_transport(&self->pkt, 6, IPPROTO_TCP);
	for (len = 14 + 40; len <= self->pkt.len; len++)
		expect_len(_metadata, self, len,
			   len < self->pkt.l4_at ? SOCK_SKIP_BAD : SOCK_MATCHED);
}

/* Padding behind a short IP packet must not be read as its TCP header. */
TEST_F(sockfilter, padding_has_no_ports)
{
	struct sock_match *match = again(_metadata, self);
	__u32 len;

	match->port = BUILD_SPORT;
	load_skel(_metadata, self);
	for (len = 0; len <= 20; len++) {
		build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
		build_put16(&self->pkt, 14 + 2, 20 + len);
		expect(_metadata, self, len < 20 ? SOCK_SKIP_PORT : SOCK_MATCHED);
	}
}

TEST_F(sockfilter, broken_headers)
{
	int i;

	again(_metadata, self)->proto = IPPROTO_TCP;
	load_skel(_metadata, self);
	for (i = 0; i < 16; i++) {
		build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
		self->pkt.data[14] = i << 4 | 5;
		expect(_metadata, self, i == 4 ? SOCK_MATCHED : SOCK_SKIP_BAD);
		build_packet(&self->pkt, 6, 0, IPPROTO_TCP);
		self->pkt.data[14] = i << 4;
		expect(_metadata, self, i == 6 ? SOCK_MATCHED : SOCK_SKIP_BAD);
	}
	for (i = 0; i < 5; i++) {
		build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
		self->pkt.data[14] = 0x40 | i;
		expect(_metadata, self, SOCK_SKIP_BAD);
	}
	for (i = 0; i < 20; i++) {
		build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
		build_put16(&self->pkt, 14 + 2, i);
		expect(_metadata, self, SOCK_SKIP_BAD);
	}
}

struct host_try {
	const char *addr;
	int bits;
	__u8 family;
	bool match4;
	bool match6;
};

static void set_host(struct sock_match *match, const struct host_try *try)
{
	__u8 *byte = (void *)match->addr, *mask = (void *)match->mask;
	int i;

	match->family = try->family;
	inet_pton(AF_INET6, try->addr, match->addr);
	for (i = 0; i < 128; i++) {
		if (i < try->bits)
			mask[i / 8] |= 0x80 >> i % 8;
		else
			byte[i / 8] &= ~(0x80 >> i % 8);
	}
}

/* --host matches the source or the destination. */
TEST_F(sockfilter, hosts)
{
	static const struct host_try tries[] = {
		{ "::ffff:192.0.2.1", 128, 4, true, false },
		{ "::ffff:198.51.100.2", 128, 4, true, false },
		{ "::ffff:192.0.2.2", 128, 4, false, false },
		{ "::ffff:192.0.2.0", 120, 4, true, false },
		{ "::ffff:192.0.2.2", 127, 4, false, false },
		{ "::ffff:0.0.0.0", 96, 4, true, false },
		{ "::ffff:0.0.0.0", 97, 4, false, false },
		{ "2001:db8:1::1", 128, 6, false, true },
		{ "2001:db8:2::2", 128, 6, false, true },
		{ "2001:db8:3::", 48, 6, false, false },
		{ "2001:db8::", 32, 6, false, true },
		{ "::", 0, 6, false, true },
		{ "::192.0.2.1", 128, 6, false, false },
	};
	unsigned int i, p;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		set_host(again(_metadata, self), &tries[i]);
		load_skel(_metadata, self);
		for (p = 0; p < ARRAY_SIZE(some_protos); p++) {
			build_packet(&self->pkt, 4, 0, some_protos[p]);
			expect(_metadata, self, tries[i].match4 ? SOCK_MATCHED : SOCK_SKIP_HOST);
			build_packet(&self->pkt, 6, 1, some_protos[p]);
			expect(_metadata, self, tries[i].match6 ? SOCK_MATCHED : SOCK_SKIP_HOST);
		}
		ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
			TH_LOG("host %s/%d", tries[i].addr, tries[i].bits);
	}
}

/* Packets of BPF_PROG_TEST_RUN count as incoming. */
TEST_F(sockfilter, direction)
{
	self->skel->rodata->take_in = false;
	load_skel(_metadata, self);
	build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
	expect(_metadata, self, (enum sock_verdict)SOCKFILTER_SKIP_DIRECTION);
}

TEST_F(sockfilter, protocol_counters)
{
	static const __u32 slots[] = { SOCKFILTER_TCP, SOCKFILTER_UDP, SOCKFILTER_ICMP,
				       SOCKFILTER_OTHER_IP };
	unsigned int i, n;

	again(_metadata, self)->proto = IPPROTO_TCP;
	load_skel(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(some_protos); i++) {
		for (n = 0; n <= i; n++) {
			build_packet(&self->pkt, n % 2 ? 4 : 6, 0, some_protos[i]);
			expect(_metadata, self, i ? SOCK_SKIP_PROTO : SOCK_MATCHED);
		}
	}
	build_put16(&self->pkt, 12, ETH_P_ARP);
	expect(_metadata, self, SOCK_SKIP_NOT_IP);
	for (i = 0; i < ARRAY_SIZE(some_protos); i++)
		EXPECT_EQ(i + 1, get_count(_metadata, self, slots[i]));
	EXPECT_EQ(1, get_count(_metadata, self, SOCKFILTER_NOT_IP));
}

static int take_event(void *ctx, void *data, size_t size)
{
	if (size != sizeof(struct sockfilter_event))
		return -E2BIG;
	memcpy(ctx, data, size);
	return 0;
}

/* With trace, each TCP and ICMP packet causes an event, copied or not; others cause none. */
TEST_F(sockfilter, trace)
{
	struct sockfilter_event ev;
	struct ring_buffer *ring;
	unsigned int i;
	int family;

	again(_metadata, self)->proto = IPPROTO_TCP;
	self->skel->rodata->trace = true;
	load_skel(_metadata, self);
	ring = ring_buffer__new(bpf_map__fd(self->skel->maps.sockf_events), take_event, &ev, NULL);
	ASSERT_NE(NULL, ring);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < ARRAY_SIZE(some_protos); i++) {
			build_packet(&self->pkt, family, 0, some_protos[i]);
			expect(_metadata, self, i ? SOCK_SKIP_PROTO : SOCK_MATCHED);
			ASSERT_EQ(i == 0 || i == 2, ring_buffer__consume(ring));
			if (i == 0 || i == 2) {
				EXPECT_EQ(i ? SOCK_SKIP_PROTO : SOCK_MATCHED, ev.verdict);
				EXPECT_EQ(self->pkt.len, ev.len);
				EXPECT_EQ(family, ev.pkt.family);
				EXPECT_EQ(i ? 0 : htons(BUILD_SPORT), ev.pkt.sport);
				EXPECT_EQ(i ? 0 : htons(BUILD_DPORT), ev.pkt.dport);
				EXPECT_EQ(0, ev.outgoing);
			}
		}
	}
	ring_buffer__free(ring);
}

/* The filter tail-calls the program of the expression, which then decides. */
TEST_F(sockfilter, tail_call)
{
	/* ldb [0]; jeq #2, match; ret 0; match: ret 99 */
	static const struct sock_filter first_is_2[] = {
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 2 },
		{ BPF_RET | BPF_K, 0, 0, 0 },
		{ BPF_RET | BPF_K, 0, 0, 99 },
	};
	__u32 slot = SOCKFILTER_EXPR_PLAIN, retval;
	struct bpf_insn *insns;
	unsigned int n;
	int fd, filter;

	again(_metadata, self)->proto = IPPROTO_TCP;
	self->skel->rodata->expression = true;
	ASSERT_EQ(0, sockfilter_kern__load(self->skel));
	filter = bpf_program__fd(self->skel->progs.sockfilter);
	build_packet(&self->pkt, 4, 0, IPPROTO_TCP);
	ASSERT_EQ(0, run_filter(filter, self->pkt.data, self->pkt.len, &retval));
	EXPECT_EQ(0, retval)
		TH_LOG("no expression is loaded, but the packet was copied");

	ASSERT_EQ(0, expr_translate(first_is_2, ARRAY_SIZE(first_is_2), false, &insns, &n));
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "test", "GPL", insns, n, NULL);
	ASSERT_LE(0, fd);
	free(insns);
	ASSERT_EQ(0, bpf_map_update_elem(bpf_map__fd(self->skel->maps.sockf_exprs), &slot, &fd,
					 BPF_ANY));
	ASSERT_EQ(0, run_filter(filter, self->pkt.data, self->pkt.len, &retval));
	EXPECT_EQ(99, retval);
	self->pkt.data[0] = 4;
	ASSERT_EQ(0, run_filter(filter, self->pkt.data, self->pkt.len, &retval));
	EXPECT_EQ(0, retval);
	/* The filter's own conditions come first. */
	build_packet(&self->pkt, 4, 0, IPPROTO_UDP);
	ASSERT_EQ(0, run_filter(filter, self->pkt.data, self->pkt.len, &retval));
	EXPECT_EQ(0, retval);
	close(fd);
}

TEST_HARNESS_MAIN
