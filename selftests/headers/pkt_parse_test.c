// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of include/pkt_parse.bpf.h, in XDP and in tc: what is found in valid
 * packets, in each of them cut short at every length, and in broken ones of
 * Ethernet, IPv4 and TCP.
 */
#include "pkt_parse_run.h"

/* --- valid packets, whole and cut short ----------------------------------------- */

FIXTURE(kinds)
{
	struct _test_data_parse parse;
};

FIXTURE_VARIANT(kinds)
{
	int family;
	int vlans;
};

FIXTURE_VARIANT_ADD(kinds, ipv4) { .family = 4, .vlans = 0 };
FIXTURE_VARIANT_ADD(kinds, ipv4_vlan) { .family = 4, .vlans = 1 };
FIXTURE_VARIANT_ADD(kinds, ipv4_qinq) { .family = 4, .vlans = 2 };
FIXTURE_VARIANT_ADD(kinds, ipv6) { .family = 6, .vlans = 0 };
FIXTURE_VARIANT_ADD(kinds, ipv6_vlan) { .family = 6, .vlans = 1 };
FIXTURE_VARIANT_ADD(kinds, ipv6_qinq) { .family = 6, .vlans = 2 };

FIXTURE_SETUP(kinds)
{
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->parse.skel = test_load(pkt_parse_kern);
	ASSERT_NE(NULL, self->parse.skel);
}

FIXTURE_TEARDOWN(kinds)
{
	test_unload(pkt_parse_kern, self->parse.skel);
}

/* Ethernet, tags, IP with @opt_len bytes of IPv4 options. */
static void start_kind(struct build *pkt, const struct _fixture_variant_kinds *variant,
		       __u32 opt_len)
{
	build_start(pkt);
	build_vlans(pkt, variant->vlans);
	if (variant->family == 4)
		build_ipv4(pkt, opt_len);
	else
		build_ipv6(pkt);
}

static void finish_kind(struct __test_metadata *_metadata, struct _test_data_parse *self,
			int l4)
{
	struct parsed want;

	add_l4(&self->pkt, l4);
	build_payload(&self->pkt, 10);
	build_finish(&self->pkt);
	want = want_built(&self->pkt);
	expect_cut(_metadata, self, &want);
}

TEST_F(kinds, plain)
{
	int l4;

	for (l4 = 0; l4 < N_L4; l4++) {
		start_kind(&self->parse.pkt, variant, 0);
		finish_kind(_metadata, &self->parse, l4);
	}
}

TEST_F(kinds, long_header)
{
	static const __u8 ext[EXT_MAX] = {
		IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING,
		IPPROTO_FRAGMENT, IPPROTO_AH, IPPROTO_DSTOPTS,
	};
	static const __u32 len[EXT_MAX] = { 16, 8, 24, 8, 28, 8 };
	int l4, i;

	for (l4 = 0; l4 < N_L4; l4++) {
		start_kind(&self->parse.pkt, variant, 40);
		for (i = 0; variant->family == 6 && i < EXT_MAX; i++)
			build_ext(&self->parse.pkt, ext[i], len[i]);
		finish_kind(_metadata, &self->parse, l4);
	}
}

TEST_F(kinds, later_fragment)
{
	struct build *pkt = &self->parse.pkt;
	struct parsed want;
	int l4;

	for (l4 = 0; l4 < N_L4; l4++) {
		start_kind(pkt, variant, 0);
		build_frag(pkt, 1480, 1);
		add_l4(pkt, l4);
		build_finish(pkt);
		want = want_built(pkt);
		want.frag = FRAG_LATER;
		want_no_l4(&want);
		expect_cut(_metadata, &self->parse, &want);
	}
}

/* The kernel refuses less than an Ethernet header; should one take it: BAD. */
TEST_F(parse, runt)
{
	__u32 len;

	build_ping(&self->pkt, 4, 0);
	for (len = 0; len < BUILD_MIN; len++) {
		if (test_run(test_prog(self->skel, parse_xdp), self->pkt.data, len, &self->out))
			continue;
		EXPECT_EQ(BAD, test_var(self->skel, result).status);
	}
}

/* A packet in several buffers: the headers are in the first. */
TEST_F(parse, multi_buffer)
{
	struct parsed want;

	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	build_udp(&self->pkt);
	build_payload(&self->pkt, 9000);
	build_finish(&self->pkt);
	want = want_built(&self->pkt);
	run_one(_metadata, self, test_prog(self->skel, parse_xdp), "xdp", &want, self->pkt.len);
}

/* --- Ethernet -------------------------------------------------------------------- */

TEST_F(parse, vlan_tags)
{
	static const __u16 tpids[] = { ETH_P_8021Q, ETH_P_8021AD };
	struct parsed want;
	unsigned int i;

	/* Each order of the two kinds, which the sender chooses. */
	for (i = 0; i < 4; i++) {
		build_start(&self->pkt);
		build_vlan(&self->pkt, tpids[i & 1]);
		build_vlan(&self->pkt, tpids[i >> 1]);
		build_ipv6(&self->pkt);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		EXPECT_EQ(22, want.ip_at);
		expect(_metadata, self, &want);
	}
	for (i = 0; i < 2; i++) {
		build_start(&self->pkt);
		build_vlan(&self->pkt, tpids[i]);
		build_ipv4(&self->pkt, 0);
		build_tcp(&self->pkt, 0);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		EXPECT_EQ(18, want.ip_at);
		expect(_metadata, self, &want);
	}
}

TEST_F(parse, three_vlan_tags)
{
	static const __u16 tpids[] = { ETH_P_8021Q, ETH_P_8021AD };
	int family, i, k;

	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < 8; i++) {
			build_start(&self->pkt);
			for (k = 0; k < 3; k++)
				build_vlan(&self->pkt, tpids[i >> k & 1]);
			build_ip(&self->pkt, family);
			build_echo(&self->pkt);
			build_finish(&self->pkt);
			expect_status(_metadata, self, BAD);
		}
		build_ping(&self->pkt, family, 4);
		expect_status(_metadata, self, BAD);
	}
}

/* An IP packet behind any other EtherType is none. */
TEST_F(parse, not_ip)
{
	static const __u16 types[] = {
		ETH_P_ARP, ETH_P_RARP, ETH_P_MPLS_UC, ETH_P_PPP_SES, ETH_P_LLDP, 0x0000,
		0x0026, 0x05dc, 0xffff, 0x0801, 0x0008, 0xdd86, 0x86dc, 0x0081, 0x9100,
	};
	struct parsed want = { .status = NOT_IP };
	unsigned int i, vlans, at;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (vlans = 0; vlans <= 2; vlans++) {
			build_ping(&self->pkt, i % 2 ? 6 : 4, vlans);
			at = self->pkt.ip_at;
			build_put16(&self->pkt, at - 2, types[i]);
			expect(_metadata, self, &want);
			/* Also with nothing behind the header. */
			expect_len(_metadata, self, at, &want);
		}
	}
}

/* --- IPv4 ------------------------------------------------------------------------- */

TEST_F(parse, ipv4_options)
{
	struct parsed want;
	__u32 opt_len;
	int l4;

	for (opt_len = 0; opt_len <= 40; opt_len += 4) {
		for (l4 = 0; l4 < N_L4; l4++) {
			build_start(&self->pkt);
			build_ipv4(&self->pkt, opt_len);
			add_l4(&self->pkt, l4);
			build_payload(&self->pkt, 4);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			EXPECT_EQ(34 + opt_len, want.l4_at);
			expect_cut(_metadata, self, &want);
		}
	}
}

TEST_F(parse, ipv4_short_ihl)
{
	int ihl;

	for (ihl = 0; ihl < 5; ihl++) {
		build_ping(&self->pkt, 4, 0);
		self->pkt.data[self->pkt.ip_at] = 0x40 | ihl;
		expect_status(_metadata, self, BAD);
	}
}

TEST_F(parse, version)
{
	int family, version;

	for (family = 4; family <= 6; family += 2) {
		for (version = 0; version < 16; version++) {
			if (version == family)
				continue;
			build_ping(&self->pkt, family, 0);
			self->pkt.data[self->pkt.ip_at] &= 0x0f;
			self->pkt.data[self->pkt.ip_at] |= version << 4;
			expect_status(_metadata, self, BAD);
		}
	}
}

/* The EtherType says the one, the packet is the other. */
TEST_F(parse, family_mismatch)
{
	build_ping(&self->pkt, 6, 0);
	build_put16(&self->pkt, 12, ETH_P_IP);
	expect_status(_metadata, self, BAD);
	build_ping(&self->pkt, 4, 0);
	build_put16(&self->pkt, 12, ETH_P_IPV6);
	expect_status(_metadata, self, BAD);
}

/* tot_len from 0 to more than the frame: only the header counts. */
static void each_tot_len(struct __test_metadata *_metadata, struct _test_data_parse *self,
			 __u32 opt_len, int l4)
{
	struct build *pkt = &self->pkt;
	struct parsed want, full;
	__u32 total;

	build_start(pkt);
	build_ipv4(pkt, opt_len);
	add_l4(pkt, l4);
	build_finish(pkt);
	full = want_built(pkt);
	build_pad(pkt, 128);
	for (total = 0; total <= 200; total++) {
		build_put16(pkt, pkt->ip_at + 2, total);
		if (total < 20 + opt_len) {
			expect_status(_metadata, self, BAD);
			continue;
		}
		want = full;
		want.len = total - 20 - opt_len;
		if (want.len < want.l4_end - want.l4_at)
			want_no_l4(&want);
		expect(_metadata, self, &want);
	}
	build_put16(pkt, pkt->ip_at + 2, 0xffff);
	full.len = 0xffff - 20 - opt_len;
	expect(_metadata, self, &full);
}

TEST_F(parse, ipv4_tot_len)
{
	__u32 opt_len;
	int l4;

	for (opt_len = 0; opt_len <= 40; opt_len += 20)
		for (l4 = 0; l4 < N_L4; l4++)
			each_tot_len(_metadata, self, opt_len, l4);
}

/* BIG TCP: the frame has @ip_len bytes from the IP header on, whose length is 0. */
static void expect_big(struct __test_metadata *_metadata, struct _test_data_parse *self,
		       __u32 ip_len, const struct parsed *want)
{
	test_var(self->skel, whole_len) = self->pkt.ip_at + ip_len;
	run_one(_metadata, self, test_prog(self->skel, parse_xdp), "xdp", want, self->pkt.len);
	run_one(_metadata, self, test_prog(self->skel, parse_tc), "tc", want, self->pkt.len);
}

TEST_F(parse, big_tcp)
{
	struct parsed want, bad = { .status = BAD };
	int vlans;

	for (vlans = 0; vlans <= 2; vlans++) {
		build_start(&self->pkt);
		build_vlans(&self->pkt, vlans);
		build_ipv4(&self->pkt, 12);
		build_tcp(&self->pkt, 12);
		build_payload(&self->pkt, 100);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		build_put16(&self->pkt, self->pkt.ip_at + 2, 0);
		/* That much could be told. */
		expect_big(_metadata, self, 65535, &bad);
		want.len = 65536 - 32;
		expect_big(_metadata, self, 65536, &want);
		want.len = 524280 - 32;
		expect_big(_metadata, self, 524280, &want);
	}
}

/* With the hop-by-hop header of RFC 2675, which is of the payload, and without. */
TEST_F(parse, big_tcp_ipv6)
{
	struct parsed want, bad = { .status = BAD };
	int ext;

	for (ext = 0; ext <= 1; ext++) {
		build_start(&self->pkt);
		build_ipv6(&self->pkt);
		if (ext)
			build_ext(&self->pkt, IPPROTO_HOPOPTS, 8);
		build_tcp(&self->pkt, 12);
		build_payload(&self->pkt, 100);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		build_put16(&self->pkt, self->pkt.ip_at + 4, 0);
		want.len = 65536 - 8 * ext;
		expect_big(_metadata, self, 40 + 65536, &want);
		/* Without the header: an IPv6 packet without payload. */
		if (ext)
			expect_big(_metadata, self, 40 + 65535, &bad);
	}
}

/* Ethernet pads to 60 bytes: there is no echo header in 4 bytes of ICMP. */
TEST_F(parse, padding_is_no_payload)
{
	struct parsed want;

	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_echo(&self->pkt);
	build_finish(&self->pkt);
	build_pad(&self->pkt, 60);
	build_put16(&self->pkt, 14 + 2, 20 + 4);
	want = (struct parsed){
		.status = OK, .version = 4, .proto = IPPROTO_ICMP, .len = 4,
		.ip_at = 14, .net_end = 34,
	};
	expect(_metadata, self, &want);

	build_put16(&self->pkt, 14 + 2, 20 + 8);
	want.len = 8;
	want.l4 = IPPROTO_ICMP;
	want.l4_at = 34;
	want.l4_end = 42;
	expect(_metadata, self, &want);
}

/* Each of the 65536 values of flags and offset. */
TEST_F(parse, ipv4_fragments)
{
	struct parsed want, full;
	__u32 field;

	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	full = want_built(&self->pkt);
	for (field = 0; field <= 0xffff; field++) {
		/* All offsets of one bit, all flags; of the rest, every 61st. */
		if (field % 61 && ((field & 0x1fff) & ((field & 0x1fff) - 1)))
			continue;
		build_put16(&self->pkt, 14 + 6, field);
		want = full;
		if (field & 0x1fff) {
			want.frag = FRAG_LATER;
			want_no_l4(&want);
		} else if (field & 0x2000) {
			want.frag = FRAG_FIRST;
		}
		expect(_metadata, self, &want);
	}
}

/* IPv4 has no extension headers: these are protocols like any other. */
TEST_F(parse, ipv4_protocols)
{
	struct parsed want;
	int proto;

	build_start(&self->pkt);
	build_ipv4(&self->pkt, 0);
	build_tcp(&self->pkt, 0);
	build_finish(&self->pkt);
	for (proto = 0; proto < 256; proto++) {
		want = want_built(&self->pkt);
		self->pkt.data[14 + 9] = proto;
		want.proto = proto;
		want.l4 = proto;
		if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 || proto == IPPROTO_UDP)
			want.l4_end = want.l4_at + 8;
		else if (proto != IPPROTO_TCP)
			want_no_l4(&want);
		expect(_metadata, self, &want);
	}
}

/* --- IPv6 ------------------------------------------------------------------------- */

/* --- transport ---------------------------------------------------------------------- */

/* doff below 5, each valid one, and beyond what tot_len or the frame has. */
TEST_F(parse, tcp_doff)
{
	struct build *pkt = &self->pkt;
	struct parsed want;
	int family, doff;

	for (family = 4; family <= 6; family += 2) {
		for (doff = 0; doff < 16; doff++) {
			build_start(pkt);
			build_ip(pkt, family);
			build_tcp(pkt, 20);
			build_finish(pkt);
			want = want_built(pkt);
			pkt->data[pkt->l4_at + 12] = doff << 4;
			want.l4_end = want.l4_at + doff * 4;
			/* 40 bytes are there. */
			if (doff < 5 || doff > 10)
				want_no_l4(&want);
			expect(_metadata, self, &want);

			/* Padding is no TCP header. */
			build_pad(pkt, pkt->len + 40);
			expect(_metadata, self, &want);

			/* tot_len promises more than the frame has. */
			pkt->len = want.net_end + 40;
			want.len += 100;
			build_put16(pkt, pkt->ip_at + (family == 4 ? 2 : 4),
				    want.len + (family == 4 ? 20 : 0));
			expect(_metadata, self, &want);
		}
	}
}

TEST_HARNESS_MAIN
