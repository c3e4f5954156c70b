/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of include/pkt_parse.bpf.h: runs a packet in XDP and in tc, and compares the
 * results with those of the second parser.
 */
#ifndef _SELFTESTS_PKT_PARSE_RUN_H
#define _SELFTESTS_PKT_PARSE_RUN_H

#include "test_harness.h"
#include "pkt_parse_ref.h"
#include "test_root.h"
#include "test_run.h"
#ifndef TEST_NATIVE
#include "pkt_parse.skel.h"
#endif

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
