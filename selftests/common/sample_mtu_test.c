// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/lib/mtu.c: when a sample says that native XDP may lose frames. A wrapper answers
 * for the kernel what the driver can do.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <bpf/libbpf.h>
#include "lib/mtu.h"
#include "lib/netlink.h"
#include "test_harness.h"
#include "test_messages.h"
#include "test_wrap.h"

enum {
	/* NETDEV_XDP_ACT_BASIC, NETDEV_XDP_ACT_RX_SG */
	BASIC = 1 << 0,
	LARGE = 1 << 5,
	IFINDEX = 7,
};

static __u64 features;
static int query_err;

TEST_WRAPS(bpf_xdp_query);

int __wrap_bpf_xdp_query(int ifindex, int flags, struct bpf_xdp_query_opts *opts)
{
	opts->feature_flags = features;
	return query_err;
}

FIXTURE(mtu)
{
	__u32 was;
};

FIXTURE_SETUP(mtu)
{
	self->was = 1500;
	features = BASIC;
	query_err = 0;
	forget();
}

FIXTURE_TEARDOWN(mtu)
{
}

/* A message comes: the interface has this MTU, and a program in this mode (XDP_ATTACHED_*). */
static void comes(struct _test_data_mtu *self, __u32 mtu, int mode)
{
	const struct nlattr *attrs[IFLA_MAX + 1];
	char buf[512];
	struct nlmsghdr *nh = mnl_nlmsg_put_header(buf);
	struct nlattr *nest;

	mnl_nlmsg_put_extra_header(nh, sizeof(struct ifinfomsg));
	if (mtu)
		mnl_attr_put_u32(nh, IFLA_MTU, mtu);
	nest = mnl_attr_nest_start(nh, IFLA_XDP);
	mnl_attr_put_u8(nh, IFLA_XDP_ATTACHED, mode);
	mnl_attr_nest_end(nh, nest);
	sample_netlink_attrs(nh, sizeof(struct ifinfomsg), attrs, IFLA_MAX + 1);
	sample_mtu_follow(IFINDEX, "eth0", &self->was, attrs);
}

TEST_F(mtu, rises)
{
	comes(self, 9000, XDP_ATTACHED_DRV);
	EXPECT_EQ(1, n_infos);
	EXPECT_TRUE(matches("eth0: the MTU is 9000 now: *", last_info));
	EXPECT_EQ(1, n_hints);
	EXPECT_EQ(9000, self->was);
}

TEST_F(mtu, is_told_once_for_each_rise)
{
	comes(self, 9000, XDP_ATTACHED_DRV);
	comes(self, 9000, XDP_ATTACHED_DRV);
	comes(self, 1500, XDP_ATTACHED_DRV);
	EXPECT_EQ(1, n_infos);
	comes(self, 9000, XDP_ATTACHED_DRV);
	EXPECT_EQ(2, n_infos);
}

TEST_F(mtu, fits_into_one_buffer)
{
	comes(self, 3500, XDP_ATTACHED_DRV);
	EXPECT_EQ(0, n_infos);
	comes(self, 3501, XDP_ATTACHED_DRV);
	EXPECT_EQ(1, n_infos);
}

/* The driver has accepted the program at this MTU. */
TEST_F(mtu, was_large_before)
{
	self->was = 9000;
	comes(self, 9000, XDP_ATTACHED_DRV);
	comes(self, 8000, XDP_ATTACHED_DRV);
	EXPECT_EQ(0, n_infos);
}

TEST_F(mtu, other_modes)
{
	comes(self, 9000, XDP_ATTACHED_SKB);
	comes(self, 9001, XDP_ATTACHED_NONE);
	EXPECT_EQ(0, n_infos);
}

TEST_F(mtu, driver_takes_large_frames)
{
	features = BASIC | LARGE;
	comes(self, 9000, XDP_ATTACHED_DRV);
	EXPECT_EQ(0, n_infos);
}

TEST_F(mtu, kernel_does_not_tell)
{
	features = LARGE;
	query_err = -ENODEV;
	comes(self, 9000, XDP_ATTACHED_DRV);
	EXPECT_EQ(1, n_infos);
}

TEST_F(mtu, not_known)
{
	comes(self, 0, XDP_ATTACHED_DRV);
	EXPECT_EQ(1500, self->was);
	self->was = 0;
	comes(self, 9000, XDP_ATTACHED_DRV);
	EXPECT_EQ(0, n_infos);
	EXPECT_EQ(9000, self->was);
}

TEST_F(mtu, is_read)
{
	EXPECT_NE(0, sample_mtu_read("lo"));
	EXPECT_EQ(0, sample_mtu_read("no-such-link"));
}

TEST_HARNESS_MAIN
