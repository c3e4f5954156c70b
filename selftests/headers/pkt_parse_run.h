/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of include/pkt_parse.bpf.h: a second parser, written for them, and
 * what runs a packet in XDP and in tc and holds the results against it.
 */
#ifndef _SELFTESTS_PKT_PARSE_RUN_H
#define _SELFTESTS_PKT_PARSE_RUN_H

#include "test_harness.h"
#include "pkt_parse_test.h"
#include "test_root.h"
#include "test_run.h"
#ifndef TEST_NATIVE
#include "pkt_parse.skel.h"
#endif

/* As in pkt_parse.bpf.h, which is for BPF programs only. */
enum { OK, NOT_IP, BAD };
enum { FRAG_NONE, FRAG_FIRST, FRAG_LATER };

#define EXT_MAX 6

/* --- the second parser: offsets and bytes, by the RFCs ----------------------- */

static inline __u32 be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline __u32 ref_l4_len(const __u8 *p, __u32 n, __u32 at, const struct parsed *r)
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

static inline void ref_l4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 len = ref_l4_len(p, n, at, r);

	r->net_end = at;
	if (!len || r->frag == FRAG_LATER || len > r->len || at + len > n)
		return;
	r->l4 = r->proto;
	r->l4_at = at;
	r->l4_end = at + len;
}

static inline int ref_ipv4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
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

static inline bool ref_is_ext(__u32 proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60;
}

static inline __u32 ref_ext_len(const __u8 *ext, __u32 proto)
{
	if (proto == 44)
		return 8;
	return proto == 51 ? 8 + ext[1] * 4 : 8 + ext[1] * 8;
}

static inline int ref_ipv6(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
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

static inline int ref_frame(const __u8 *p, __u32 n, struct parsed *r)
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

static inline void ref_parse(const __u8 *p, __u32 n, struct parsed *r)
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
	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->skel = test_load(pkt_parse_kern);
	ASSERT_NE(NULL, self->skel);
}

FIXTURE_TEARDOWN(parse)
{
	test_unload(pkt_parse_kern, self->skel);
}

static inline void log_parsed(const char *who, const struct parsed *r)
{
	fprintf(stderr,
		"# %-6s status %u IPv%u at %u-%u proto %u frag %u len %u; transport %u at %u-%u\n",
		who, r->status, r->version, r->ip_at, r->net_end, r->proto, r->frag, r->len,
		r->l4, r->l4_at, r->l4_end);
}

/* One parser against what is wanted; the first few differences are shown. */
static inline void compare(struct __test_metadata *_metadata, struct _test_data_parse *self,
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
static inline bool no_skb(const struct build *pkt, __u32 len)
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

static inline void run_one(struct __test_metadata *_metadata, struct _test_data_parse *self,
			   const struct bpf_program *prog, const char *who,
			   const struct parsed *want, __u32 len)
{
	__u32 before = test_var(self->skel, runs);
	int err;

	err = test_run(prog, self->pkt.data, len, &self->out);
	if (err == -EINVAL && prog == test_prog(self->skel, parse_tc) && no_skb(&self->pkt, len))
		return;
	ASSERT_EQ(0, err);
	ASSERT_EQ(before + 1, test_var(self->skel, runs));
	compare(_metadata, self, who, want, &test_var(self->skel, result), len);
}

/* The first @len bytes of the packet give @want: in XDP, in tc, and above. */
static inline void expect_len(struct __test_metadata *_metadata, struct _test_data_parse *self,
			      __u32 len, const struct parsed *want)
{
	struct parsed ref;

	ref_parse(self->pkt.data, len, &ref);
	compare(_metadata, self, "ref", want, &ref, len);
	run_one(_metadata, self, test_prog(self->skel, parse_xdp), "xdp", want, len);
	run_one(_metadata, self, test_prog(self->skel, parse_tc), "tc", want, len);
}

static inline void expect(struct __test_metadata *_metadata, struct _test_data_parse *self,
			  const struct parsed *want)
{
	expect_len(_metadata, self, self->pkt.len, want);
}

/* Nothing but a status. */
static inline void expect_status(struct __test_metadata *_metadata, struct _test_data_parse *self,
				 __u32 status)
{
	struct parsed want = { .status = status };

	expect(_metadata, self, &want);
}

/* What there is to find in a packet as it was built, after build_finish(). */
static inline struct parsed want_built(const struct build *pkt)
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
static inline void want_no_l4(struct parsed *want)
{
	want->l4 = 0;
	want->l4_at = 0;
	want->l4_end = 0;
}

/* The whole packet, then each of its beginnings: never read as something else. */
static inline void expect_cut(struct __test_metadata *_metadata, struct _test_data_parse *self,
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

enum { L4_ICMP, L4_ICMP6, L4_UDP, L4_TCP, L4_TCP_OPTIONS, N_L4 };

static inline void add_l4(struct build *pkt, int kind)
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

static const __u8 ext_protos[] = {
	IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_AH, IPPROTO_FRAGMENT,
};

static inline void start_ipv6(struct build *pkt)
{
	build_start(pkt);
	build_ipv6(pkt);
}

#endif /* _SELFTESTS_PKT_PARSE_RUN_H */
