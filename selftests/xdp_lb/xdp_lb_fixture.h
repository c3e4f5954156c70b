/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of the tests that run packets through the load balancer, in XDP and in TC. It is in
 * a header, because the harness finds only fixtures of the object that has the tests.
 */
#ifndef _SELFTESTS_XDP_LB_FIXTURE_H
#define _SELFTESTS_XDP_LB_FIXTURE_H

#include "test_harness.h"
#include "xdp_lb_build.h"

FIXTURE(lb);

FIXTURE_VARIANT(lb)
{
	bool tc;
};

FIXTURE_VARIANT_ADD(lb, xdp)
{
	.tc = false,
};

FIXTURE_VARIANT_ADD(lb, tc)
{
	.tc = true,
};

FIXTURE_SETUP(lb)
{
	struct lb_kern_conf *conf = lb_maps.config;

	if (test_lacks(SAMPLE_NEED_LOAD))
		SKIP(return, "%s", test_lacked);
	self->prog = variant->tc ? lb_skel->progs.tc_lb : lb_skel->progs.xdp_lb;
	self->maps = lb_maps;
	lb_empty();
	conf->seed = 0x5eed5eed12345678ULL;
	conf->table_size = lb_ring_size;
	conf->n_ifaces = 1;
	conf->iface[0].ifindex = LB_TEST_IN;
	conf->iface[0].mtu = LB_TEST_MTU;
	memcpy(conf->iface[0].mac, lb_mac_in, ETH_ALEN);
}

/* Invariant 25 of the design: each packet counts for one backend, or under one reason. */
FIXTURE_TEARDOWN(lb)
{
	__u64 sum = 0;
	__u32 i;

	if (!lb_skel)
		return;
	/* Read all entries: a test may have set n_backends back to 0 and begun anew. */
	self->n_backends = LB_TEST_BACKENDS - 1;
	lb_read_reasons(_metadata, self, self->reasons);
	lb_read_stats(_metadata, self, self->stats);
	for (i = 0; i < LB_INFO_STATELESS; i++)
		sum += self->reasons[i];
	for (i = 0; i < LB_TEST_BACKENDS; i++)
		sum += self->stats[i].packets + self->stats[i].reply_packets;
	EXPECT_EQ(self->seen, sum)
		TH_LOG("packets, and the sum of all counters");
}

/* Instead of TEST_HARNESS_MAIN: load only once, because the verifier takes a second. */
static inline int lb_test_main(int argc, char **argv)
{
	lb_load_or_exit(LB_TEST_SLOTS, LB_TEST_RING, LB_TEST_TICK_SHIFT);
	return test_harness_run(argc, argv);
}

#endif /* _SELFTESTS_XDP_LB_FIXTURE_H */
