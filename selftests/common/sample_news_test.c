// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/lib/iface.c and samples/lib/addrs.c: when notifications of rtnetlink were
 * lost, they look at everything again. Wrappers stand in for the kernel's interfaces and dumps.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include "lib/addrs.h"
#include "lib/iface.h"
#include "lib/log.h"
#include "lib/netlink.h"
#include "lib/opts.h"
#include "test_harness.h"
#include "test_wrap.h"

enum {
	/* Indices of two interfaces: GOES is removed during the test. */
	GOES = 1000,
	STAYS = 1001,
};

static const struct sample_info info = { .name = "test" };

/* --- stand-ins for the kernel ---------------------------------------------------- */

static bool is_gone;
static bool lost;		/* sample_netlink_news() reports lost notifications */
static unsigned int n_dumps;

TEST_WRAPS(if_indextoname);
TEST_WRAPS(sample_netlink_news);
TEST_WRAPS(sample_netlink_dump);

char *__wrap_if_indextoname(unsigned int ifindex, char *name)
{
	if (ifindex == GOES && is_gone)
		return NULL;
	snprintf(name, IF_NAMESIZE, "t%u", ifindex);
	return name;
}

int __wrap_sample_netlink_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	return lost ? fn(NULL, ctx) : 0;
}

int __wrap_sample_netlink_dump(int type, const void *head, size_t size, sample_netlink_fn *fn,
			       void *ctx)
{
	n_dumps++;
	return fn(NULL, ctx);
}

/* --- interfaces ------------------------------------------------------------------- */

static unsigned int n_gone, last_gone;

static bool on_gone(void *ctx, unsigned int ifindex)
{
	n_gone++;
	last_gone = ifindex;
	return false;
}

TEST(lost_news_of_interfaces)
{
	sample.info = &info;
	ASSERT_EQ(0, sample_iface_follow(STAYS, on_gone, &n_gone));
	ASSERT_EQ(0, sample_iface_follow(GOES, on_gone, &n_gone));
	EXPECT_LE(0, sample_iface_fd());
	lost = true;
	sample_iface_read();
	EXPECT_EQ(0, n_gone);
	is_gone = true;
	lost = false;
	sample_iface_read();
	EXPECT_EQ(0, n_gone);
	lost = true;
	sample_iface_read();
	EXPECT_EQ(1, n_gone);
	EXPECT_EQ(GOES, last_gone);
	EXPECT_EQ(0, sample_iface_status());
	sample_iface_unfollow(&n_gone);
}

/* --- addresses ---------------------------------------------------------------------- */

/* One dump reads all addresses again. */
TEST(lost_news_of_addresses)
{
	struct sample_addrs addrs = { .map_fd = -1 };

	EXPECT_EQ(0, sample_addrs_update(&addrs));
	EXPECT_EQ(0, n_dumps);
	lost = true;
	EXPECT_EQ(0, sample_addrs_update(&addrs));
	EXPECT_EQ(1, n_dumps);
}

TEST_HARNESS_MAIN
