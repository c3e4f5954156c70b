// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tc_kern.c: which packets it drops and answers, each byte of
 * the reply, that all others stay as they are, its counters and its events.
 *
 * The reply is compared with one whose checksums are computed anew.
 */
#include <kselftest_harness.h>
#include <linux/pkt_cls.h>
#include "own_addr.h"
#include "echo_event.h"
#include "test_run.h"
#include "../samples/tc.h"
#include "tc.skel.h"

enum {
	EVENTS_MAX = 5000,
	RING_SIZE = 256 * 1024,
	RING_ENTRY = 8 + sizeof(struct echo_event),
	/* BPF_PROG_TEST_RUN runs on the loopback device of the namespace. */
	LO = 1,
	UNSPEC = (__u32)TC_ACT_UNSPEC,
};

FIXTURE(tc)
{
	struct tc_kern *skel;
	struct ring_buffer *ring;
	struct build pkt;
	struct build reply;
	struct test_out out;
	__u64 seen;
	__u64 want[__TC_COUNT_MAX];
	__u32 n_events;
	struct echo_event events[EVENTS_MAX];
};

FIXTURE_SETUP(tc)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->skel = tc_kern__open();
	ASSERT_NE(NULL, self->skel);
}

/* One reason for each packet, and each the right one. */
static void check_counts(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	__u64 values[n_cpus], count, sum = 0;
	__u32 i;

	for (i = 0; i < __TC_COUNT_MAX; i++) {
		ASSERT_EQ(0, bpf_map__lookup_elem(self->skel->maps.tc_counts, &i, sizeof(i),
						  values, sizeof(values), 0));
		for (count = 0, cpu = 0; cpu < n_cpus; cpu++)
			count += values[cpu];
		EXPECT_EQ(self->want[i], count)
			TH_LOG("counter %u", i);
		sum += i == TC_LOST ? 0 : count;
	}
	EXPECT_EQ(self->seen, sum);
}

FIXTURE_TEARDOWN(tc)
{
	if (self->ring)
		check_counts(_metadata, self);
	ring_buffer__free(self->ring);
	tc_kern__destroy(self->skel);
}

static int take_event(void *ctx, void *data, size_t size)
{
	struct _test_data_tc *self = ctx;

	if (size != sizeof(struct echo_event) || self->n_events == EVENTS_MAX)
		return -E2BIG;
	memcpy(&self->events[self->n_events++], data, size);
	return 0;
}

static void load(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 action)
{
	self->skel->rodata->action = action;
	ASSERT_EQ(0, tc_kern__load(self->skel));
	self->ring = ring_buffer__new(bpf_map__fd(self->skel->maps.tc_events), take_event, self,
				      NULL);
	ASSERT_NE(NULL, self->ring);
}

static void set_addr(struct __test_metadata *_metadata, struct _test_data_tc *self,
		     __u32 ifindex, const char *addr, __u32 kind)
{
	struct own_addr key = { .ifindex = ifindex };

	ASSERT_EQ(1, inet_pton(AF_INET6, addr, key.addr));
	ASSERT_EQ(0, bpf_map__update_elem(self->skel->maps.own_addrs, &key, sizeof(key), &kind,
					  sizeof(kind), BPF_ANY));
}

/* Loaded for pingpong; the addresses of pkt_build.h are those of "lo". */
static void load_pingpong(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	load(_metadata, self, TC_PINGPONG);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST);
	set_addr(_metadata, self, LO, BUILD_DADDR6, OWN_ADDR_UNICAST);
}

static __u32 get_events(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	self->n_events = 0;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	return self->n_events;
}

/* --- requests ------------------------------------------------------------------------ */

/* To the MAC address of "lo", which is zero. */
static void to_us(struct build *pkt)
{
	memset(pkt->data, 0, ETH_ALEN);
}

static void request(struct _test_data_tc *self, int family, int vlans, __u32 payload)
{
	build_start(&self->pkt);
	build_vlans(&self->pkt, vlans);
	build_ip(&self->pkt, family);
	build_echo(&self->pkt);
	build_payload(&self->pkt, payload);
	build_finish(&self->pkt);
	to_us(&self->pkt);
}

static void swap(__u8 *a, __u8 *b, __u32 len)
{
	__u8 tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

/* The reply but for its checksums. */
static void turn(struct build *pkt)
{
	__u8 *ip = pkt->data + pkt->ip_at;

	swap(pkt->data, pkt->data + ETH_ALEN, ETH_ALEN);
	if (pkt->family == 4) {
		swap(ip + 12, ip + 16, 4);
		ip[8] = 64;
		pkt->data[pkt->l4_at] = ICMP_ECHOREPLY;
	} else {
		swap(ip + 8, ip + 24, 16);
		ip[7] = 64;
		pkt->data[pkt->l4_at] = ICMPV6_ECHO_REPLY;
	}
}

/* --- what must come of them ---------------------------------------------------------- */

static __u32 verdict_of(__u32 reason)
{
	if (reason == TC_ANSWER)
		return TC_ACT_REDIRECT;
	return reason == TC_DROP_ECHO || reason == TC_DROP_OTHER ? TC_ACT_SHOT : UNSPEC;
}

static __u8 event_verdict_of(__u32 reason)
{
	if (reason == TC_ANSWER)
		return ECHO_ANSWER;
	return reason == TC_DROP_ECHO ? ECHO_DROP : ECHO_PASS;
}

static bool is_match(__u32 reason)
{
	return reason >= TC_PASS_ACTION && reason != TC_DROP_OTHER;
}

/* Newer kernels refuse to test with less than an IP header. */
static bool is_refused(const struct _test_data_tc *self, __u32 len, int err)
{
	__u32 ip_len = self->pkt.family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	return err == -EINVAL && len < self->pkt.ip_at + ip_len;
}

/* Return: false if the kernel refused. */
static bool run_len(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 len,
		    __u32 reason)
{
	int err = test_run(self->skel->progs.netbpf_tc, self->pkt.data, len, &self->out);

	if (is_refused(self, len, err))
		return false;
	EXPECT_EQ(0, err);
	self->seen++;
	self->want[reason]++;
	EXPECT_EQ(verdict_of(reason), self->out.verdict)
		build_dump(self->pkt.data, len);
	return true;
}

/* The first @len bytes pass or are dropped, unchanged. */
static void expect_len(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 len,
		       __u32 reason)
{
	if (!run_len(_metadata, self, len, reason))
		return;
	EXPECT_TRUE(test_unchanged(&self->out, self->pkt.data, len));
	EXPECT_EQ(is_match(reason), get_events(_metadata, self))
		build_dump(self->pkt.data, len);
	if (self->n_events) {
		EXPECT_EQ(reason, self->events[0].reason);
		EXPECT_EQ(event_verdict_of(reason), self->events[0].verdict);
	}
}

static void expect(struct __test_metadata *_metadata, struct _test_data_tc *self, __u32 reason)
{
	expect_len(_metadata, self, self->pkt.len, reason);
}

/* Answered, and what comes out is @reply to its last byte. */
static void expect_reply(struct __test_metadata *_metadata, struct _test_data_tc *self,
			 const struct build *reply)
{
	run_len(_metadata, self, self->pkt.len, TC_ANSWER);
	EXPECT_TRUE(test_unchanged(&self->out, reply->data, reply->len)) {
		build_dump(self->pkt.data, self->pkt.len);
		build_dump(self->out.data, self->out.len);
		build_dump(reply->data, reply->len);
	}
	EXPECT_EQ(1, get_events(_metadata, self));
	EXPECT_EQ(ECHO_ANSWER, self->events[0].verdict);
}

/* Of ICMP, 0 is written as 0xffff: the only zero that holds if all words are zero. */
static void reply_checksums(struct build *reply)
{
	build_checksums(reply);
	if (reply->family == 4 && !build_get16(reply, reply->l4_at + 2))
		build_put16(reply, reply->l4_at + 2, 0xffff);
}

static void expect_answer(struct __test_metadata *_metadata, struct _test_data_tc *self)
{
	self->reply = self->pkt;
	turn(&self->reply);
	reply_checksums(&self->reply);
	expect_reply(_metadata, self, &self->reply);
}

/* --- pingpong: the reply --------------------------------------------------------------- */

TEST_F(tc, answer)
{
	static const __u32 sizes[] = { 0, 1, 2, 3, 7, 56, 57, 1400, 1471, 1472 };
	unsigned int i;
	int family, vlans;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			for (i = 0; i < ARRAY_SIZE(sizes); i++) {
				request(self, family, vlans, sizes[i]);
				expect_answer(_metadata, self);
			}
		}
		request(self, family, 3, 56);
		expect(_metadata, self, TC_PASS_BAD);
	}
}

/* Written down, not computed: 192.0.2.1 pings 198.51.100.2, id 0x1234 seq 0x5678. */
TEST_F(tc, answer_byte_by_byte)
{
	static const __u8 req[] = {
		0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 29, 0xab, 0xcd, 0x40, 0, 7, 1, 0xdb, 0xdb,
		192, 0, 2, 1, 198, 51, 100, 2,
		8, 0, 0x2e, 0x53, 0x12, 0x34, 0x56, 0x78, 0x61,
	};
	static const __u8 reply[] = {
		2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x08, 0x00,
		0x45, 0, 0, 29, 0xab, 0xcd, 0x40, 0, 64, 1, 0xa2, 0xdb,
		198, 51, 100, 2, 192, 0, 2, 1,
		0, 0, 0x36, 0x53, 0x12, 0x34, 0x56, 0x78, 0x61,
	};

	load_pingpong(_metadata, self);
	memcpy(self->pkt.data, req, sizeof(req));
	self->pkt.len = sizeof(req);
	memcpy(self->reply.data, reply, sizeof(reply));
	self->reply.len = sizeof(reply);
	expect_reply(_metadata, self, &self->reply);
}

/* Each value that a checksum has, so each carry too. */
TEST_F(tc, answer_every_checksum)
{
	int family, seq;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		request(self, family, 0, 2);
		for (seq = 0; seq < 65536; seq++) {
			build_put16(&self->pkt, self->pkt.l4_at + 6, seq);
			if (family == 4)
				build_put16(&self->pkt, self->pkt.ip_at + 4, seq);
			build_checksums(&self->pkt);
			expect_answer(_metadata, self);
			ASSERT_EQ(KSFT_PASS, _metadata->exit_code);
		}
	}
}

/* Of 0 and 0xffff, which are both zero, a receiver takes 0xffff only where all is zero. */
TEST_F(tc, answer_of_zeros)
{
	load_pingpong(_metadata, self);
	request(self, 4, 0, 2);
	memset(self->pkt.data + self->pkt.l4_at + 4, 0, 6);
	build_checksums(&self->pkt);
	expect_answer(_metadata, self);
	EXPECT_EQ(0xffff, build_get16(&self->reply, self->reply.l4_at + 2));
}

TEST_F(tc, answer_every_ttl)
{
	int family, ttl;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (ttl = 0; ttl < 256; ttl++) {
			request(self, family, 0, 8);
			self->pkt.data[self->pkt.ip_at + (family == 4 ? 8 : 7)] = ttl;
			build_checksums(&self->pkt);
			expect_answer(_metadata, self);
		}
	}
}

TEST_F(tc, answer_keeps_options)
{
	__u32 opt_len;

	load_pingpong(_metadata, self);
	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		build_start(&self->pkt);
		build_vlans(&self->pkt, opt_len % 3);
		build_ipv4(&self->pkt, opt_len);
		build_echo(&self->pkt);
		build_payload(&self->pkt, opt_len + 1);
		build_finish(&self->pkt);
		to_us(&self->pkt);
		expect_answer(_metadata, self);
	}
}

/* Up to six, short ones and such that go far beyond the first bytes. */
TEST_F(tc, answer_keeps_extension_headers)
{
	static const __u32 lens[] = { 8, 16, 64, 256 };
	unsigned int n, len, i;

	load_pingpong(_metadata, self);
	for (n = 0; n <= 7; n++) {
		for (len = 0; len < ARRAY_SIZE(lens); len++) {
			build_start(&self->pkt);
			build_ipv6(&self->pkt);
			for (i = 0; i < n; i++)
				build_ext(&self->pkt, i ? IPPROTO_DSTOPTS : IPPROTO_HOPOPTS,
					  lens[len]);
			build_echo(&self->pkt);
			build_payload(&self->pkt, 11);
			build_finish(&self->pkt);
			to_us(&self->pkt);
			if (n > 6)
				expect(_metadata, self, TC_PASS_BAD);
			else
				expect_answer(_metadata, self);
		}
	}
}

TEST_F(tc, answer_keeps_padding)
{
	int family;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		request(self, family, 0, 1);
		self->reply = self->pkt;
		turn(&self->reply);
		reply_checksums(&self->reply);
		build_pad(&self->pkt, 90);
		build_pad(&self->reply, 90);
		expect_reply(_metadata, self, &self->reply);
	}
}

/* Updated, a wrong checksum stays wrong, by as much. */
TEST_F(tc, answer_to_a_wrong_checksum)
{
	int family, at, wrong;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		request(self, family, 0, 9);
		at = self->pkt.l4_at + 2;
		for (wrong = 1; wrong < 0xffff; wrong += 257) {
			__u32 check;

			request(self, family, 0, 9);
			self->reply = self->pkt;
			turn(&self->reply);
			reply_checksums(&self->reply);
			check = build_get16(&self->reply, at) + wrong;
			build_put16(&self->reply, at, (check & 0xffff) + (check >> 16));
			check = build_get16(&self->pkt, at) + wrong;
			build_put16(&self->pkt, at, (check & 0xffff) + (check >> 16));
			expect_reply(_metadata, self, &self->reply);
		}
	}
}

/* --- pingpong: what is not answered ------------------------------------------------------ */

TEST_F(tc, fragments)
{
	static const struct {
		__u32 offset;
		bool more;
		__u32 reason;
	} frags[] = {
		{ 0, true, TC_PASS_FRAGMENT },
		{ 8, true, TC_PASS_NO_ECHO },
		{ 1480, false, TC_PASS_NO_ECHO },
		{ 65528, false, TC_PASS_NO_ECHO },
	};
	unsigned int i;
	int family;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < ARRAY_SIZE(frags); i++) {
			build_start(&self->pkt);
			build_ip(&self->pkt, family);
			build_frag(&self->pkt, frags[i].offset, frags[i].more);
			build_echo(&self->pkt);
			build_payload(&self->pkt, 24);
			build_finish(&self->pkt);
			to_us(&self->pkt);
			expect(_metadata, self, frags[i].reason);
		}
	}
}

/* A fragment header that says: all of it (RFC 6946). It is answered, kept as it is. */
TEST_F(tc, atomic_fragment)
{
	load_pingpong(_metadata, self);
	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 0);
	build_echo(&self->pkt);
	build_payload(&self->pkt, 24);
	build_finish(&self->pkt);
	to_us(&self->pkt);
	expect_answer(_metadata, self);
}

/* Each beginning of a request: answered only if it is all there. */
TEST_F(tc, cut_short)
{
	__u32 len, reason;
	int family, vlans;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			request(self, family, vlans, 30);
			for (len = BUILD_MIN; len < self->pkt.len; len++) {
				reason = TC_PASS_CUT;
				if (len < self->pkt.l4_at)
					reason = TC_PASS_BAD;
				else if (len < self->pkt.l4_at + 8)
					reason = TC_PASS_NO_ECHO;
				expect_len(_metadata, self, len, reason);
			}
			expect_answer(_metadata, self);
		}
	}
}

struct addr_try {
	const char *addr;
	__u32 reason;
};

/* As source, or as destination with --any. */
static const struct addr_try tries4[] = {
	{ "1.0.0.0", TC_ANSWER },
	{ "0.0.0.0", TC_PASS_CAST },
	{ "0.255.255.255", TC_PASS_CAST },
	{ "127.0.0.1", TC_ANSWER },
	{ "203.0.113.255", TC_ANSWER },
	{ "223.255.255.255", TC_ANSWER },
	{ "224.0.0.1", TC_PASS_CAST },
	{ "239.255.255.255", TC_PASS_CAST },
	{ "240.0.0.1", TC_ANSWER },
	{ "255.255.255.254", TC_ANSWER },
	{ "255.255.255.255", TC_PASS_CAST },
	{ "192.0.2.255", TC_PASS_CAST },
};

static const struct addr_try tries6[] = {
	{ "::", TC_PASS_CAST },
	{ "::1", TC_ANSWER },
	{ "::1:0:0", TC_ANSWER },
	{ "fe80::1", TC_ANSWER },
	{ "feff::1", TC_ANSWER },
	{ "ff02::1", TC_PASS_CAST },
	{ "ff00::", TC_PASS_CAST },
	{ "ffff::", TC_PASS_CAST },
	/* These are no IPv4 addresses, least of all ours. */
	{ "::ffff:" BUILD_DADDR4, TC_PASS_CAST },
	{ "::ffff:192.0.2.255", TC_PASS_CAST },
	{ "64:ff9b::192.0.2.255", TC_ANSWER },
	{ "1::ffff:192.0.2.255", TC_ANSWER },
};

static void try_addrs(struct __test_metadata *_metadata, struct _test_data_tc *self, int family,
		      const struct addr_try *tries, unsigned int n)
{
	__u32 at[2];
	unsigned int i, end;

	for (end = 0; end < 2; end++) {
		for (i = 0; i < n; i++) {
			request(self, family, 0, 5);
			at[0] = self->pkt.ip_at + (family == 4 ? 12 : 8);
			at[1] = at[0] + (family == 4 ? 4 : 16);
			inet_pton(family == 4 ? AF_INET : AF_INET6, tries[i].addr,
				  self->pkt.data + at[end]);
			build_checksums(&self->pkt);
			if (tries[i].reason == TC_ANSWER)
				expect_answer(_metadata, self);
			else
				expect(_metadata, self, tries[i].reason);
			ASSERT_EQ(KSFT_PASS, _metadata->exit_code)
				TH_LOG("%s %s", end ? "to" : "from", tries[i].addr);
		}
	}
}

TEST_F(tc, any_unicast_address)
{
	self->skel->rodata->any = true;
	load(_metadata, self, TC_PINGPONG);
	set_addr(_metadata, self, LO, "::ffff:192.0.2.255", OWN_ADDR_BROADCAST);
	try_addrs(_metadata, self, 4, tries4, ARRAY_SIZE(tries4));
	try_addrs(_metadata, self, 6, tries6, ARRAY_SIZE(tries6));
}

TEST_F(tc, own_addresses_only)
{
	load(_metadata, self, TC_PINGPONG);
	request(self, 4, 0, 56);
	expect(_metadata, self, TC_PASS_NOT_OWN);
	/* Of another interface. */
	set_addr(_metadata, self, LO + 1, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_SADDR4, OWN_ADDR_UNICAST);
	expect(_metadata, self, TC_PASS_NOT_OWN);
	/* The last word alone must not decide. */
	set_addr(_metadata, self, LO, "::" BUILD_DADDR4, OWN_ADDR_UNICAST);
	expect(_metadata, self, TC_PASS_NOT_OWN);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST);
	expect_answer(_metadata, self);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_DADDR4, OWN_ADDR_BROADCAST);
	expect(_metadata, self, TC_PASS_CAST);

	request(self, 6, 0, 56);
	expect(_metadata, self, TC_PASS_NOT_OWN);
	set_addr(_metadata, self, LO, BUILD_DADDR6, OWN_ADDR_UNICAST);
	expect_answer(_metadata, self);
}

/* Its IPv4 address, in IPv6: nobody's. */
TEST_F(tc, mapped_own_address)
{
	load_pingpong(_metadata, self);
	request(self, 6, 0, 5);
	inet_pton(AF_INET6, "::ffff:" BUILD_DADDR4, self->pkt.data + self->pkt.ip_at + 24);
	build_checksums(&self->pkt);
	expect(_metadata, self, TC_PASS_CAST);
}

TEST_F(tc, mac_addresses)
{
	static const __u8 other[] = { 2, 0, 0, 0, 0, 9 }, group[] = { 1, 0, 0x5e, 0, 0, 1 };
	static const __u8 all[] = { 255, 255, 255, 255, 255, 255 };
	int any, family;

	for (any = 0; any <= 1; any++) {
		if (any) {
			check_counts(_metadata, self);
			ring_buffer__free(self->ring);
			self->ring = NULL;
			tc_kern__destroy(self->skel);
			self->skel = tc_kern__open();
			ASSERT_NE(NULL, self->skel);
			self->seen = 0;
			memset(self->want, 0, sizeof(self->want));
		}
		self->skel->rodata->any = any;
		load_pingpong(_metadata, self);
		for (family = 4; family <= 6; family += 2) {
			request(self, family, 0, 5);
			memcpy(self->pkt.data, other, ETH_ALEN);
			expect(_metadata, self, TC_PASS_NOT_OWN);
			memcpy(self->pkt.data, group, ETH_ALEN);
			expect(_metadata, self, TC_PASS_CAST);
			memcpy(self->pkt.data, all, ETH_ALEN);
			expect(_metadata, self, TC_PASS_CAST);
			to_us(&self->pkt);
			memcpy(self->pkt.data + ETH_ALEN, group, ETH_ALEN);
			expect(_metadata, self, TC_PASS_CAST);
			memcpy(self->pkt.data + ETH_ALEN, other, ETH_ALEN);
			expect_answer(_metadata, self);
		}
	}
}

/* --- all actions: what is an echo request ------------------------------------------------- */

TEST_F(tc, other_types)
{
	int family, type, code;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		__u8 echo = family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;

		for (type = 0; type < 256; type++) {
			for (code = 0; code < 256; code += type == echo ? 1 : 51) {
				request(self, family, 0, 5);
				self->pkt.data[self->pkt.l4_at] = type;
				self->pkt.data[self->pkt.l4_at + 1] = code;
				build_checksums(&self->pkt);
				if (type == echo && !code)
					expect_answer(_metadata, self);
				else
					expect(_metadata, self, TC_PASS_NO_ECHO);
			}
		}
	}
}

static bool is_ext(int proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

TEST_F(tc, other_protocols)
{
	int family, proto;

	load_pingpong(_metadata, self);
	for (family = 4; family <= 6; family += 2) {
		__u8 icmp = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

		for (proto = 0; proto < 256; proto++) {
			request(self, family, 0, 0);
			if (proto == icmp || (family == 6 && is_ext(proto)))
				continue;
			self->pkt.data[self->pkt.next_at] = proto;
			expect(_metadata, self, TC_PASS_NO_ECHO);
		}
	}
}

/* Each action with: an echo request, another ICMP packet, no IP, a broken header. */
static void each_kind(struct __test_metadata *_metadata, struct _test_data_tc *self,
		      const __u32 reasons[4])
{
	int family, vlans;

	for (family = 4; family <= 6; family += 2) {
		for (vlans = 0; vlans <= 2; vlans++) {
			request(self, family, vlans, 56);
			expect(_metadata, self, reasons[0]);
			self->pkt.data[self->pkt.l4_at] = 255;
			expect(_metadata, self, reasons[1]);
			request(self, family, vlans, 56);
			build_put16(&self->pkt, self->pkt.ip_at - 2, ETH_P_ARP);
			expect(_metadata, self, reasons[2]);
			request(self, family, vlans, 56);
			self->pkt.data[self->pkt.ip_at] ^= 0x30;
			expect(_metadata, self, reasons[3]);
		}
	}
}

TEST_F(tc, pass)
{
	static const __u32 reasons[] = {
		TC_PASS_ACTION, TC_PASS_NO_ECHO, TC_PASS_NOT_IP, TC_PASS_BAD,
	};

	load(_metadata, self, TC_PASS);
	each_kind(_metadata, self, reasons);
}

TEST_F(tc, drop_ping)
{
	static const __u32 reasons[] = {
		TC_DROP_ECHO, TC_PASS_NO_ECHO, TC_PASS_NOT_IP, TC_PASS_BAD,
	};

	load(_metadata, self, TC_DROP_PING);
	each_kind(_metadata, self, reasons);
	/* The first fragment; without it the others are of no use. */
	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_frag(&self->pkt, 0, true);
	build_echo(&self->pkt);
	build_finish(&self->pkt);
	expect(_metadata, self, TC_DROP_ECHO);
}

TEST_F(tc, drop)
{
	static const __u32 reasons[] = {
		TC_DROP_ECHO, TC_DROP_OTHER, TC_DROP_OTHER, TC_DROP_OTHER,
	};
	__u32 len;

	load(_metadata, self, TC_DROP);
	each_kind(_metadata, self, reasons);
	request(self, 4, 0, 0);
	for (len = BUILD_MIN; len < self->pkt.l4_at + 8; len++)
		expect_len(_metadata, self, len, TC_DROP_OTHER);
}

/* --- events ---------------------------------------------------------------------------------- */

/* Of the request, though the packet is the reply by then. */
TEST_F(tc, event)
{
	static const char *const addrs[][2] = {
		{ "::ffff:" BUILD_SADDR4, "::ffff:" BUILD_DADDR4 },
		{ BUILD_SADDR6, BUILD_DADDR6 },
	};
	const struct echo_event *ev = &self->events[0];
	struct echo_event want;
	int i;

	load_pingpong(_metadata, self);
	for (i = 0; i < 2; i++) {
		memset(&want, 0, sizeof(want));
		inet_pton(AF_INET6, addrs[i][0], want.saddr);
		inet_pton(AF_INET6, addrs[i][1], want.daddr);
		want.ifindex = LO;
		want.id = htons(BUILD_ID);
		want.seq = htons(BUILD_SEQ);
		want.reason = TC_ANSWER;
		want.family = i ? 6 : 4;
		want.verdict = ECHO_ANSWER;
		request(self, want.family, i, 5);
		expect_answer(_metadata, self);
		EXPECT_LT(0, ev->ts_ns);
		want.ts_ns = ev->ts_ns;
		EXPECT_EQ(0, memcmp(&want, ev, sizeof(want)));
	}
}

TEST_F(tc, no_events)
{
	self->skel->rodata->events = false;
	load_pingpong(_metadata, self);
	request(self, 4, 0, 5);
	run_len(_metadata, self, self->pkt.len, TC_ANSWER);
	EXPECT_EQ(0, get_events(_metadata, self));
}

TEST_F(tc, lost_events)
{
	__u32 i, events, room = RING_SIZE / RING_ENTRY;

	load(_metadata, self, TC_DROP_PING);
	request(self, 4, 0, 5);
	for (i = 0; i < EVENTS_MAX; i++)
		run_len(_metadata, self, self->pkt.len, TC_DROP_ECHO);
	events = get_events(_metadata, self);
	EXPECT_LE(room - 1, events);
	EXPECT_GE(room, events);
	self->want[TC_LOST] = EVENTS_MAX - events;
	expect(_metadata, self, TC_DROP_ECHO);
}

/* --- random packets ----------------------------------------------------------------------- */

/* Some bytes of a request changed: what is answered must be the reply to just that. */
TEST_F(tc, random)
{
	__u64 seed = test_seed();
	__u32 i, n, answered = 0;

	self->skel->rodata->any = true;
	load(_metadata, self, TC_PINGPONG);
	for (i = 0; i < 100000; i++) {
		request(self, test_below(&seed, 2) ? 4 : 6, test_below(&seed, 3), i % 40);
		for (n = test_below(&seed, 4); n; n--)
			self->pkt.data[12 + test_below(&seed, self->pkt.len - 12)] =
				test_rand(&seed);
		/* Valid again; a fault elsewhere stays. */
		build_checksums(&self->pkt);
		ASSERT_EQ(0, test_run(self->skel->progs.netbpf_tc, self->pkt.data,
				      self->pkt.len, &self->out));
		self->reply = self->pkt;
		if (self->out.verdict == TC_ACT_REDIRECT) {
			turn(&self->reply);
			reply_checksums(&self->reply);
			answered++;
		} else {
			ASSERT_EQ(UNSPEC, self->out.verdict);
		}
		/* Where only a length or a header's size has changed, sums differ: */
		if (self->pkt.data[self->pkt.ip_at] != (self->pkt.family == 4 ? 0x45 : 0x60))
			continue;
		ASSERT_TRUE(test_unchanged(&self->out, self->reply.data, self->reply.len))
			build_dump(self->pkt.data, self->pkt.len);
	}
	EXPECT_LT(20000, answered);
	/* Counters are not foreseen here: take them from the test. */
	ring_buffer__free(self->ring);
	self->ring = NULL;
}

TEST_HARNESS_MAIN
