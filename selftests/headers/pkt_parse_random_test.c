// SPDX-License-Identifier: GPL-2.0
/*
 * Test of include/pkt_parse.bpf.h with random packets: the second parser must agree.
 */
#include "pkt_parse_run.h"

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
