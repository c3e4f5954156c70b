// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of include/pkt_parse.bpf.h, in XDP and in tc: what is found in valid
 * packets, in each of them cut short at every length, in broken ones, and in
 * random ones, where a second parser written for this test must agree.
 */
#include <kselftest_harness.h>
#include "pkt_parse_test.h"
#include "test_run.h"
#include "pkt_parse.skel.h"

/* As in pkt_parse.bpf.h, which is for BPF programs only. */
enum { OK, NOT_IP, BAD };
enum { FRAG_NONE, FRAG_FIRST, FRAG_LATER };

#define EXT_MAX 6

/* --- the second parser: offsets and bytes, by the RFCs ----------------------- */

static __u32 be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static __u32 ref_l4_len(const __u8 *p, __u32 n, __u32 at, const struct parsed *r)
{
	switch (r->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_TCP:
		if (n < at + 20 || p[at + 12] >> 4 < 5)
			return 0;
		return (p[at + 12] >> 4) * 4;
	default:
		return 0;
	}
}

static void ref_l4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 len = ref_l4_len(p, n, at, r);

	r->net_end = at;
	if (!len || r->frag == FRAG_LATER || len > r->len || at + len > n)
		return;
	r->l4 = r->proto;
	r->l4_at = at;
	r->l4_end = at + len;
}

static int ref_ipv4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 hlen, total, frag;

	if (n < at + 20 || p[at] >> 4 != 4)
		return BAD;
	hlen = (p[at] & 15) * 4;
	total = be16(p + at + 2);
	if (hlen < 20 || n < at + hlen || total < hlen)
		return BAD;
	frag = be16(p + at + 6);
	if (frag % 0x2000)
		r->frag = FRAG_LATER;
	else if (frag / 0x2000 % 2)
		r->frag = FRAG_FIRST;
	r->version = 4;
	r->proto = p[at + 9];
	r->len = total - hlen;
	ref_l4(p, n, at + hlen, r);
	return OK;
}

static bool ref_is_ext(__u32 proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60;
}

static __u32 ref_ext_len(const __u8 *ext, __u32 proto)
{
	if (proto == 44)
		return 8;
	return proto == 51 ? 8 + ext[1] * 4 : 8 + ext[1] * 8;
}

static int ref_ipv6(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 len, frag, count = 0;

	if (n < at + 40 || p[at] >> 4 != 6)
		return BAD;
	r->version = 6;
	r->proto = p[at + 6];
	r->len = be16(p + at + 4);
	at += 40;
	while (r->frag != FRAG_LATER && ref_is_ext(r->proto)) {
		if (count++ == EXT_MAX || n < at + 8)
			return BAD;
		len = ref_ext_len(p + at, r->proto);
		if (n < at + len || r->len < len)
			return BAD;
		if (r->proto == 44) {
			frag = be16(p + at + 2);
			if (frag / 8)
				r->frag = FRAG_LATER;
			else if (frag % 2)
				r->frag = FRAG_FIRST;
		}
		r->proto = p[at];
		r->len -= len;
		at += len;
	}
	ref_l4(p, n, at, r);
	return OK;
}

static int ref_frame(const __u8 *p, __u32 n, struct parsed *r)
{
	__u32 type, at = 14, tags = 0;

	if (n < at)
		return BAD;
	for (type = be16(p + 12); type == 0x8100 || type == 0x88a8; at += 4) {
		if (tags++ == 2 || n < at + 4)
			return BAD;
		type = be16(p + at + 2);
	}
	r->ip_at = at;
	if (type == 0x0800)
		return ref_ipv4(p, n, at, r);
	if (type == 0x86dd)
		return ref_ipv6(p, n, at, r);
	return NOT_IP;
}

static void ref_parse(const __u8 *p, __u32 n, struct parsed *r)
{
	int status;

	memset(r, 0, sizeof(*r));
	status = ref_frame(p, n, r);
	if (status != OK)
		memset(r, 0, sizeof(*r));
	r->status = status;
}

/* --- running ------------------------------------------------------------------ */

FIXTURE(parse)
{
	struct pkt_parse_kern *skel;
	struct build pkt;
	struct test_out out;
	__u32 failures;
};

FIXTURE_SETUP(parse)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->skel = pkt_parse_kern__open_and_load();
	ASSERT_NE(NULL, self->skel);
}

FIXTURE_TEARDOWN(parse)
{
	pkt_parse_kern__destroy(self->skel);
}

static void log_parsed(const char *who, const struct parsed *r)
{
	fprintf(stderr,
		"# %-6s status %u IPv%u at %u-%u proto %u frag %u len %u; transport %u at %u-%u\n",
		who, r->status, r->version, r->ip_at, r->net_end, r->proto, r->frag, r->len,
		r->l4, r->l4_at, r->l4_end);
}

/* One parser against what is wanted; the first few differences are shown. */
static void compare(struct __test_metadata *_metadata, struct _test_data_parse *self,
		    const char *who, const struct parsed *want, const struct parsed *got,
		    __u32 len)
{
	if (!memcmp(want, got, sizeof(*want)))
		return;
	_metadata->exit_code = KSFT_FAIL;
	if (self->failures++ >= 3)
		return;
	log_parsed("wanted", want);
	log_parsed(who, got);
	build_dump(self->pkt.data, len);
}

/* Newer kernels make no skb of a frame that ends within its IP header. */
static bool no_skb(const struct build *pkt, __u32 len)
{
	switch (build_get16(pkt, 12)) {
	case ETH_P_IP:
		return len < ETH_HLEN + sizeof(struct iphdr);
	case ETH_P_IPV6:
		return len < ETH_HLEN + sizeof(struct ipv6hdr);
	default:
		return false;
	}
}

static void run_one(struct __test_metadata *_metadata, struct _test_data_parse *self,
		    const struct bpf_program *prog, const char *who,
		    const struct parsed *want, __u32 len)
{
	__u32 runs = self->skel->bss->runs;
	int err;

	err = test_run(prog, self->pkt.data, len, &self->out);
	if (err == -EINVAL && prog == self->skel->progs.parse_tc && no_skb(&self->pkt, len))
		return;
	ASSERT_EQ(0, err);
	ASSERT_EQ(runs + 1, self->skel->bss->runs);
	compare(_metadata, self, who, want, &self->skel->bss->result, len);
}

/* The first @len bytes of the packet give @want: in XDP, in tc, and above. */
static void expect_len(struct __test_metadata *_metadata, struct _test_data_parse *self,
		       __u32 len, const struct parsed *want)
{
	struct parsed ref;

	ref_parse(self->pkt.data, len, &ref);
	compare(_metadata, self, "ref", want, &ref, len);
	run_one(_metadata, self, self->skel->progs.parse_xdp, "xdp", want, len);
	run_one(_metadata, self, self->skel->progs.parse_tc, "tc", want, len);
}

static void expect(struct __test_metadata *_metadata, struct _test_data_parse *self,
		   const struct parsed *want)
{
	expect_len(_metadata, self, self->pkt.len, want);
}

/* Nothing but a status. */
static void expect_status(struct __test_metadata *_metadata, struct _test_data_parse *self,
			  __u32 status)
{
	struct parsed want = { .status = status };

	expect(_metadata, self, &want);
}

/* What there is to find in a packet as it was built, after build_finish(). */
static struct parsed want_built(const struct build *pkt)
{
	struct parsed want = {
		.status = OK,
		.version = pkt->family,
		.proto = pkt->l4_proto,
		.len = pkt->len - pkt->l4_at,
		.ip_at = pkt->ip_at,
		.net_end = pkt->l4_at,
		.l4 = pkt->l4_proto,
		.l4_at = pkt->l4_at,
		.l4_end = pkt->l4_at + 8,
	};

	if (pkt->l4_proto == IPPROTO_TCP)
		want.l4_end = pkt->l4_at + (pkt->data[pkt->l4_at + 12] >> 4) * 4;
	return want;
}

/* The packet has no transport header that may be read. */
static void want_no_l4(struct parsed *want)
{
	want->l4 = 0;
	want->l4_at = 0;
	want->l4_end = 0;
}

/* The whole packet, then each of its beginnings: never read as something else. */
static void expect_cut(struct __test_metadata *_metadata, struct _test_data_parse *self,
		       const struct parsed *want)
{
	struct parsed cut = *want;
	struct parsed bad = { .status = BAD };
	__u32 len;

	expect(_metadata, self, want);
	for (len = self->pkt.len - 1; len >= BUILD_MIN; len--) {
		if (len < want->l4_end)
			want_no_l4(&cut);
		expect_len(_metadata, self, len, len < want->net_end ? &bad : &cut);
	}
}

/* --- valid packets, whole and cut short ----------------------------------------- */

enum { L4_ICMP, L4_ICMP6, L4_UDP, L4_TCP, L4_TCP_OPTIONS, N_L4 };

static void add_l4(struct build *pkt, int kind)
{
	switch (kind) {
	case L4_ICMP:
		build_icmp_as(pkt, IPPROTO_ICMP, ICMP_ECHO, 0);
		break;
	case L4_ICMP6:
		build_icmp_as(pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, 0);
		break;
	case L4_UDP:
		build_udp(pkt);
		break;
	case L4_TCP:
		build_tcp(pkt, 0);
		break;
	default:
		build_tcp(pkt, 40);
	}
}

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
	if (geteuid())
		SKIP(return, "needs root");
	self->parse.skel = pkt_parse_kern__open_and_load();
	ASSERT_NE(NULL, self->parse.skel);
}

FIXTURE_TEARDOWN(kinds)
{
	pkt_parse_kern__destroy(self->parse.skel);
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
		if (test_run(self->skel->progs.parse_xdp, self->pkt.data, len, &self->out))
			continue;
		EXPECT_EQ(BAD, self->skel->bss->result.status);
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
	run_one(_metadata, self, self->skel->progs.parse_xdp, "xdp", &want, self->pkt.len);
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

static const __u8 ext_protos[] = {
	IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_AH, IPPROTO_FRAGMENT,
};

static void start_ipv6(struct build *pkt)
{
	build_start(pkt);
	build_ipv6(pkt);
}

/* Each kind with each length: 8 to 2048 bytes, AH 8 to 1028 in steps of 4. */
TEST_F(parse, ipv6_ext_lengths)
{
	struct parsed want;
	unsigned int i;
	__u32 n, len;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (n = 0; n < 256; n++) {
			len = 8 + n * (ext_protos[i] == IPPROTO_AH ? 4 : 8);
			if (ext_protos[i] == IPPROTO_FRAGMENT)
				len = 8;
			start_ipv6(&self->pkt);
			build_ext(&self->pkt, ext_protos[i], len);
			/* In a fragment header this byte is reserved. */
			self->pkt.data[54 + 1] = n;
			build_udp(&self->pkt);
			build_payload(&self->pkt, 8);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			EXPECT_EQ(54 + len, want.net_end);
			EXPECT_EQ(16, want.len);
			expect(_metadata, self, &want);
		}
	}
}

/* Each kind alone, cut short everywhere. */
TEST_F(parse, ipv6_ext_cut)
{
	struct parsed want;
	unsigned int i;
	int l4;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (l4 = 0; l4 < N_L4; l4++) {
			start_ipv6(&self->pkt);
			build_ext(&self->pkt, ext_protos[i],
				  ext_protos[i] == IPPROTO_FRAGMENT ? 8 : 24);
			add_l4(&self->pkt, l4);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			expect_cut(_metadata, self, &want);
		}
	}
}

/* payload_len counts extension headers: one that reaches beyond it is BAD. */
TEST_F(parse, ipv6_ext_beyond_payload_len)
{
	struct build *pkt = &self->pkt;
	struct parsed want, full;
	unsigned int i;
	__u32 len, ext_len;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		ext_len = ext_protos[i] == IPPROTO_FRAGMENT ? 8 : 24;
		start_ipv6(pkt);
		build_ext(pkt, ext_protos[i], ext_len);
		build_udp(pkt);
		build_payload(pkt, 40);
		build_finish(pkt);
		full = want_built(pkt);
		for (len = 0; len <= 100; len++) {
			build_put16(pkt, pkt->ip_at + 4, len);
			if (len < ext_len) {
				expect_status(_metadata, self, BAD);
				continue;
			}
			want = full;
			want.len = len - ext_len;
			if (want.len < 8)
				want_no_l4(&want);
			expect(_metadata, self, &want);
		}
	}
}

/* An extension header that says it is longer than the frame. */
TEST_F(parse, ipv6_ext_beyond_frame)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ext_protos) - 1; i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, ext_protos[i], 16);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		build_put16(&self->pkt, 14 + 4, 0xffff);
		self->pkt.data[54 + 1] = 20;
		expect_status(_metadata, self, BAD);
		self->pkt.data[54 + 1] = 255;
		expect_status(_metadata, self, BAD);
	}
}

/* payload_len without extension headers: padding, and more than the frame. */
TEST_F(parse, ipv6_payload_len)
{
	struct parsed want, full;
	__u32 len;
	int l4;

	for (l4 = 0; l4 < N_L4; l4++) {
		start_ipv6(&self->pkt);
		add_l4(&self->pkt, l4);
		build_finish(&self->pkt);
		full = want_built(&self->pkt);
		build_pad(&self->pkt, 128);
		for (len = 0; len <= 200; len++) {
			build_put16(&self->pkt, 14 + 4, len);
			want = full;
			want.len = len;
			if (len < want.l4_end - want.l4_at)
				want_no_l4(&want);
			expect(_metadata, self, &want);
		}
	}
}

static void add_exts(struct build *pkt, int n, __u8 proto)
{
	while (n--)
		build_ext(pkt, proto, 8);
}

TEST_F(parse, ipv6_six_ext)
{
	struct parsed want;
	unsigned int i;
	int n;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		for (n = 0; n <= EXT_MAX + 2; n++) {
			start_ipv6(&self->pkt);
			add_exts(&self->pkt, n, ext_protos[i]);
			build_echo(&self->pkt);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			if (n > EXT_MAX)
				expect_status(_metadata, self, BAD);
			else
				expect(_metadata, self, &want);
		}
	}
}

/* ESP and "no next header" end the walk, as does what is unknown. */
TEST_F(parse, ipv6_walk_ends)
{
	static const __u8 ends[] = { IPPROTO_ESP, IPPROTO_NONE, IPPROTO_MH, 139, 140, 253 };
	struct parsed want;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
		build_l4(&self->pkt, ends[i], 8);
		self->pkt.data[self->pkt.l4_at] = IPPROTO_UDP;
		build_payload(&self->pkt, 16);
		build_finish(&self->pkt);
		want = want_built(&self->pkt);
		want_no_l4(&want);
		expect(_metadata, self, &want);
	}
}

/* Offset, two reserved bits, M: each single bit, and all of the low byte. */
TEST_F(parse, ipv6_fragments)
{
	struct parsed want, full;
	__u32 field;

	start_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 0);
	build_tcp(&self->pkt, 0);
	build_finish(&self->pkt);
	full = want_built(&self->pkt);
	for (field = 0; field <= 0xffff; field = field < 0x100 ? field + 1 : field << 1) {
		build_put16(&self->pkt, 54 + 2, field);
		want = full;
		if (field & 0xfff8) {
			want.frag = FRAG_LATER;
			want_no_l4(&want);
		} else if (field & 1) {
			want.frag = FRAG_FIRST;
		}
		expect(_metadata, self, &want);
	}
}

/* What follows the fragment header of a later fragment is payload. */
TEST_F(parse, ipv6_later_fragment_not_walked)
{
	struct parsed want;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ext_protos); i++) {
		start_ipv6(&self->pkt);
		build_ext(&self->pkt, IPPROTO_HOPOPTS, 8);
		build_frag6(&self->pkt, 1232, i % 2);
		build_ext(&self->pkt, ext_protos[i], 8);
		build_udp(&self->pkt);
		build_finish(&self->pkt);
		want = (struct parsed){
			.status = OK, .version = 6, .proto = ext_protos[i],
			.frag = FRAG_LATER, .len = 16, .ip_at = 14, .net_end = 70,
		};
		expect_cut(_metadata, self, &want);
	}
}

/* Also when the fragment header is the last one that is looked at. */
TEST_F(parse, ipv6_later_fragment_sixth)
{
	struct parsed want;

	start_ipv6(&self->pkt);
	add_exts(&self->pkt, EXT_MAX - 1, IPPROTO_DSTOPTS);
	build_frag6(&self->pkt, 8, 0);
	build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	want = (struct parsed){
		.status = OK, .version = 6, .proto = IPPROTO_DSTOPTS,
		.frag = FRAG_LATER, .len = 16, .ip_at = 14, .net_end = 54 + 8 * EXT_MAX,
	};
	expect(_metadata, self, &want);
}

/* In a first fragment the chain goes on, and its header is there. */
TEST_F(parse, ipv6_first_fragment_walked)
{
	struct parsed want;

	start_ipv6(&self->pkt);
	build_frag6(&self->pkt, 0, 1);
	build_ext(&self->pkt, IPPROTO_DSTOPTS, 16);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	want = want_built(&self->pkt);
	want.frag = FRAG_FIRST;
	expect_cut(_metadata, self, &want);
}

/* A fragment stays one, whatever a second fragment header says. */
TEST_F(parse, ipv6_two_fragment_headers)
{
	struct parsed want;
	int first, second;

	for (first = 0; first < 2; first++) {
		for (second = 0; second < 2; second++) {
			start_ipv6(&self->pkt);
			build_frag6(&self->pkt, 0, first);
			build_frag6(&self->pkt, 0, second);
			build_udp(&self->pkt);
			build_finish(&self->pkt);
			want = want_built(&self->pkt);
			want.frag = first || second ? FRAG_FIRST : FRAG_NONE;
			expect(_metadata, self, &want);
		}
	}
}

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

/* --- random packets -------------------------------------------------------------------- */

#define FUZZ_PACKETS 20000

static void random_ipv6(struct build *pkt, __u64 *rnd)
{
	__u8 proto;
	int n = test_below(rnd, 3) ? test_below(rnd, 3) : test_below(rnd, 9);

	build_ipv6(pkt);
	while (n--) {
		proto = ext_protos[test_below(rnd, ARRAY_SIZE(ext_protos))];
		if (proto == IPPROTO_FRAGMENT)
			build_frag6(pkt, test_below(rnd, 4) ? 0 : 8 * test_rand(rnd),
				    test_below(rnd, 2));
		else if (proto == IPPROTO_AH)
			build_ext(pkt, proto, 8 + 4 * test_below(rnd, 8));
		else
			build_ext(pkt, proto, 8 + 8 * test_below(rnd, 4));
	}
}

static void random_packet(struct build *pkt, __u64 *rnd)
{
	build_start(pkt);
	build_vlans(pkt, test_below(rnd, 3) ? 0 : test_below(rnd, 4));
	if (test_below(rnd, 2)) {
		build_ipv4(pkt, test_below(rnd, 2) ? 0 : 4 * test_below(rnd, 11));
		if (!test_below(rnd, 4))
			build_put16(pkt, pkt->ip_at + 6, test_rand(rnd) << test_below(rnd, 16));
	} else {
		random_ipv6(pkt, rnd);
	}
	if (test_below(rnd, 8))
		add_l4(pkt, test_below(rnd, N_L4));
	else
		build_l4(pkt, test_rand(rnd), 8);
	build_payload(pkt, test_below(rnd, 40));
	build_finish(pkt);
	if (!test_below(rnd, 3))
		build_pad(pkt, 60 + test_below(rnd, 60));
}

/* One change; most near the headers, many to values that mean something. */
static void mutate(struct build *pkt, __u64 *rnd)
{
	static const __u8 values[] = {
		0, 1, 2, 4, 5, 6, 8, 17, 20, 40, 41, 43, 44, 50, 51, 58, 59, 60,
		0x45, 0x46, 0x4f, 0x60, 0x50, 0x81, 0x88, 0xa8, 0x86, 0xdd, 0xff,
	};
	__u32 at = 12 + test_below(rnd, pkt->len - 12);
	__u32 near = 12 + test_below(rnd, pkt->len < 64 ? pkt->len - 12 : 52);

	switch (test_below(rnd, 6)) {
	case 0:
		pkt->data[at] = test_rand(rnd);
		break;
	case 1:
		pkt->data[near] = values[test_below(rnd, sizeof(values))];
		break;
	case 2:
		pkt->data[near] ^= 1 << test_below(rnd, 8);
		break;
	case 3:
		pkt->len = BUILD_MIN + test_below(rnd, pkt->len - BUILD_MIN + 1);
		break;
	case 4:
		/* A length, by way of where one is in each family. */
		build_put16(pkt, pkt->ip_at + (pkt->family == 4 ? 2 : 4), test_below(rnd, 120));
		break;
	default:
		pkt->data[at] = values[test_below(rnd, sizeof(values))];
	}
}

TEST_F_TIMEOUT(parse, random, 60)
{
	__u32 status[3] = {}, frag[3] = {}, l4 = 0;
	__u64 rnd = test_seed();
	struct parsed want;
	int i, n;

	for (i = 0; i < FUZZ_PACKETS; i++) {
		random_packet(&self->pkt, &rnd);
		for (n = test_below(&rnd, 5); n; n--)
			mutate(&self->pkt, &rnd);
		ref_parse(self->pkt.data, self->pkt.len, &want);
		expect(_metadata, self, &want);
		status[want.status]++;
		frag[want.frag]++;
		l4 += !!want.l4;
	}
	TH_LOG("%u IP, %u not IP, %u bad; fragments: %u first, %u later; %u transport headers",
	       status[OK], status[NOT_IP], status[BAD], frag[FRAG_FIRST], frag[FRAG_LATER], l4);
	/* Of each there were enough to say something. */
	EXPECT_LT(2000, status[OK]);
	EXPECT_LT(100, status[NOT_IP]);
	EXPECT_LT(2000, status[BAD]);
	EXPECT_LT(100, frag[FRAG_FIRST]);
	EXPECT_LT(100, frag[FRAG_LATER]);
	EXPECT_LT(1000, l4);
}

TEST_HARNESS_MAIN
