// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tc_kern.c: which requests pingpong answers. Each byte of the reply is
 * compared with a reply whose checksums are computed from scratch.
 */
#include "tc_run.h"

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

/*
 * A reply that was written by hand, not computed: 192.0.2.1 pings 198.51.100.2, id 0x1234
 * seq 0x5678.
 */
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

/* All sequence numbers give all checksums, and so every carry of the checksum update. */
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

/*
 * In one's complement 0 and 0xffff are both zero. But in a message of only zeros a receiver
 * accepts only the checksum 0xffff.
 */
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

/* Up to six extension headers, short and long, are kept; a seventh makes the packet pass. */
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

/* The program updates the checksum, so a wrong checksum stays wrong by the same amount. */
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

/* --- pingpong: requests that are not answered --------------------------------------------- */

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

/*
 * An atomic fragment (RFC 6946): the fragment header says that this is the whole packet. The
 * program answers it and keeps the header.
 */
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

/* A request is cut after each byte: only the complete request is answered. */
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

/* Addresses that are tried as source, and as destination with --any. */
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
	/* In an IPv6 header these do not mean IPv4 addresses, not even that of the interface. */
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
	/* The destination address belongs to another interface. */
	set_addr(_metadata, self, LO + 1, "::ffff:" BUILD_DADDR4, OWN_ADDR_UNICAST);
	set_addr(_metadata, self, LO, "::ffff:" BUILD_SADDR4, OWN_ADDR_UNICAST);
	expect(_metadata, self, TC_PASS_NOT_OWN);
	/* An IPv6 address with the same last 32 bits must not match. */
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

/* An IPv6 packet to the interface's IPv4 address in the form ::ffff:a.b.c.d is not answered. */
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
			test_ring_close(&self->ring);
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

/* --- random packets ----------------------------------------------------------------------- */

/* Some random bytes of a request change. If it is answered, the reply must be exactly right. */
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
		/* Repair the checksums; other faults stay. */
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
		/* With another version or header length build_checksums() sums other bytes. */
		if (self->pkt.data[self->pkt.ip_at] != (self->pkt.family == 4 ? 0x45 : 0x60))
			continue;
		ASSERT_TRUE(test_unchanged(&self->out, self->reply.data, self->reply.len))
			build_dump(self->pkt.data, self->pkt.len);
	}
	EXPECT_LT(20000, answered);
	/* The counters cannot be foreseen here; without a ring, the teardown ignores them. */
	test_ring_close(&self->ring);
}

TEST_HARNESS_MAIN
