// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/parts/xdp_lb/nexthop/link.c: what an interface is, and what it can do.
 */
#include "xdp_lb_nexthop_run.h"
#include <net/if_arp.h>
#include "parts/xdp_lb/nexthop/link.h"

static int read_link(struct _test_data_nexthop *self, const char *dev, struct lb_link *link)
{
	return lb_link_read(&self->hops->ask, if_nametoindex(dev), LB_NETNS_HERE, link);
}

TEST_F(nexthop, link)
{
	struct lb_link link, other;

	ASSERT_EQ(0, read_link(self, "n0", &link));
	EXPECT_STREQ("n0", link.name);
	EXPECT_STREQ("veth", link.kind);
	EXPECT_STREQ("", link.master_kind);
	EXPECT_EQ(1500, link.mtu);
	EXPECT_EQ(0, memcmp(smac0, link.mac, 6));
	EXPECT_TRUE(link.flags & IFF_UP);
	EXPECT_FALSE(link.native_xdp);
	EXPECT_NE(LB_NETNS_HERE, link.link_netns);
	/* The peer of the veth, in the other namespace. */
	ASSERT_EQ(0, lb_link_read(&self->hops->ask, link.link, link.link_netns, &other));
	EXPECT_STREQ("p0", other.name);
	EXPECT_EQ(link.ifindex, other.link);
	EXPECT_EQ(-ENODEV, lb_link_read(&self->hops->ask, 9999, LB_NETNS_HERE, &link));

	ASSERT_EQ(0, read_link(self, "lo", &link));
	EXPECT_STREQ("", link.kind);
	EXPECT_EQ(ARPHRD_LOOPBACK, link.type);
}

TEST_F(nexthop, link_of_bridge)
{
	struct lb_link link;

	if (sh("ip link add br0 type bridge 2>/dev/null"))
		SKIP(return, "this kernel has no bridge");
	ASSERT_EQ(0, sh("ip link set n1 master br0"));
	ASSERT_EQ(0, read_link(self, "n1", &link));
	EXPECT_EQ(if_nametoindex("br0"), link.master);
	EXPECT_STREQ("bridge", link.master_kind);
	ASSERT_EQ(0, read_link(self, "br0", &link));
	EXPECT_STREQ("bridge", link.kind);
	EXPECT_EQ(LB_NETNS_HERE, link.link_netns);
}

/* A veth sends out what XDP redirects only if its peer has an XDP program or GRO. */
TEST_F(nexthop, link_features)
{
	__u64 features;
	int err = lb_link_features(if_nametoindex("n0"), &features);

	if (err == -ENOENT)
		SKIP(return, "this kernel does not tell: it is before 6.3");
	ASSERT_EQ(0, err);
	EXPECT_EQ(LB_XDP_BASIC | LB_XDP_REDIRECT,
		  features & (LB_XDP_BASIC | LB_XDP_REDIRECT | LB_XDP_NDO_XMIT));
	EXPECT_EQ(0, lb_link_features(if_nametoindex("lo"), &features));
	EXPECT_EQ(0, features);
	EXPECT_EQ(-ENODEV, lb_link_features(9999, &features));
	if (in_peer(&self->ns, "ethtool -K p0 gro on 2>/dev/null"))
		SKIP(return, "ethtool is not installed");
	EXPECT_EQ(0, lb_link_features(if_nametoindex("n0"), &features));
	EXPECT_TRUE(features & LB_XDP_NDO_XMIT);
}

TEST_F(nexthop, offloads)
{
	struct lb_link link;
	int sock;

	ASSERT_EQ(0, read_link(self, "n0", &link));
	sock = lb_link_socket(&self->hops->ask, LB_NETNS_HERE);
	ASSERT_LE(0, sock);
	EXPECT_EQ(1, lb_link_tx_checksum(sock, "n0"));
	EXPECT_EQ(0, lb_link_lro(sock, "n0"));
	EXPECT_EQ(-ENODEV, lb_link_tx_checksum(sock, "p0"));
	EXPECT_TRUE(lb_link_has_driver(sock, "n0", "veth"));
	EXPECT_FALSE(lb_link_has_driver(sock, "n0", "virtio_net"));
	EXPECT_FALSE(lb_link_has_driver(sock, "p0", "veth"));
	/* The first is on and fixed, the second can be switched off, the third is off and fixed. */
	EXPECT_TRUE(lb_link_stays_on(sock, "lo", "loopback"));
	EXPECT_FALSE(lb_link_stays_on(sock, "lo", "tx-tcp-segmentation"));
	EXPECT_FALSE(lb_link_stays_on(sock, "n0", "rx-gro-hw"));
	EXPECT_FALSE(lb_link_stays_on(sock, "lo", "wheels"));
	EXPECT_FALSE(lb_link_stays_on(sock, "p0", "loopback"));
	close(sock);
	/* Neither a process nor a name leads to the other namespace: it cannot be found. */
	EXPECT_EQ(-ENOENT, lb_link_socket(&self->hops->ask, link.link_netns));
}

TEST_F(nexthop, offloads_of_other_end)
{
	struct lb_link link;
	pid_t pid;
	int sock;

	ASSERT_EQ(0, read_link(self, "n0", &link));
	pid = netns_hold_peer(&self->ns);
	ASSERT_LT(0, pid);
	sock = lb_link_socket(&self->hops->ask, link.link_netns);
	EXPECT_LE(0, sock);
	EXPECT_EQ(1, lb_link_tx_checksum(sock, "p0"));
	EXPECT_EQ(-ENODEV, lb_link_tx_checksum(sock, "n0"));
	/* The test is still in its own namespace. */
	EXPECT_NE(0, if_nametoindex("n0"));
	close(sock);
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_HARNESS_MAIN
