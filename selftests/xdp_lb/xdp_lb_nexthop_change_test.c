// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/parts/xdp_lb/nexthop/nexthop.c: changes of next hops are reported, and other
 * netlink events are not.
 */
#include "xdp_lb_nexthop_run.h"

TEST_F(nexthop, changed_mac)
{
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	ASSERT_TRUE(wait_mac(self, "fd00:0::2", MAC0));
	settle(self);
	ASSERT_EQ(0, in_peer(&self->ns, "ip link set p0 address 02:00:00:00:00:99"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "10.0.0.2", "02:00:00:00:00:99"));
	EXPECT_TRUE(wait_mac(self, "fd00:0::2", "02:00:00:00:00:99"));
}

TEST_F(nexthop, changed_own_mac)
{
	static const __u8 mac[6] = { 2, 0, 0, 0, 0, 0x55 };

	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip link set n0 address 02:00:00:00:00:55"));
	EXPECT_TRUE(wait_change(self));
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	EXPECT_EQ(0, memcmp(mac, self->hop.smac, 6));
}

TEST_F(nexthop, changed_route)
{
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2; "
			"ip -6 route add 2001:db8::/32 via fd00:0::2"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC0));
	ASSERT_TRUE(wait_mac(self, "2001:db8::7", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip route add 198.51.100.7/32 via 10.0.1.2"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
	settle(self);
	ASSERT_EQ(0, sh("ip -6 route add 2001:db8::7/128 via fd00:1::2"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "2001:db8::7", MAC1));
	settle(self);
	ASSERT_EQ(0, sh("ip route del 198.51.100.7/32 via 10.0.1.2"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "198.51.100.7", MAC0));
}

TEST_F(nexthop, deleted_interface)
{
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	ASSERT_TRUE(wait_mac(self, "fd00:0::2", MAC0));
	EXPECT_EQ(2, self->hops->n_neighs);
	settle(self);
	ASSERT_EQ(0, sh("ip link del n0"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(0, self->hops->n_neighs);
	EXPECT_EQ(-ENETUNREACH, get(self, "10.0.0.2"));
	EXPECT_EQ(0, self->hop.ifindex);
	EXPECT_EQ(-ENETUNREACH, get(self, "fd00:0::2"));
}

/* While the interface is down, the kernel forgets its neighbours. */
TEST_F(nexthop, interface_down)
{
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip link set n0 down"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(-ENETUNREACH, get(self, "10.0.0.2"));
	ASSERT_EQ(0, sh("ip link set n0 up"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
}

TEST_F(nexthop, changed_addresses)
{
	settle(self);
	ASSERT_EQ(0, sh("ip addr add 10.0.0.3/24 dev n0"));
	EXPECT_TRUE(wait_change(self));
	ASSERT_EQ(0, sh("ip addr del 10.0.0.3/24 dev n0"));
	EXPECT_TRUE(wait_change(self));
	ASSERT_EQ(0, sh("ip addr add fd00:0::3/64 dev n0"));
	EXPECT_TRUE(wait_change(self));
	/* No route comes or goes with these changes. */
	ASSERT_EQ(0, sh("ip addr change 10.0.0.1/24 dev n0 preferred_lft 50 valid_lft 100"));
	EXPECT_TRUE(wait_change(self));
	ASSERT_EQ(0, sh("ip addr change fd00:0::1/64 dev n0 preferred_lft 0 noprefixroute"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(0, settle(self));
}

/* Neighbours that are no next hops of ours, and events without a difference, are no change. */
TEST_F(nexthop, no_news)
{
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	settle(self);
	get(self, "10.0.0.2");
	ASSERT_EQ(0, settle(self));
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.50 lladdr 02:00:00:00:00:50 dev n0"));
	EXPECT_EQ(0, news(self, PATIENCE_MS));
	/* Another state with the same MAC address. */
	ASSERT_EQ(0, sh("ip neigh add 10.0.1.7 lladdr 02:00:00:00:00:50 nud permanent dev n1"));
	ASSERT_EQ(0, get(self, "10.0.1.7"));
	EXPECT_EQ(0, news(self, PATIENCE_MS));
	ASSERT_EQ(0, sh("ip neigh change 10.0.1.7 lladdr 02:00:00:00:00:50 nud noarp dev n1"));
	EXPECT_EQ(0, news(self, PATIENCE_MS));
	/* The same address on another interface. */
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:50 dev n1"));
	EXPECT_EQ(0, news(self, PATIENCE_MS));
	ASSERT_EQ(0, sh("ip neigh del 10.0.0.2 dev n0"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
}

/* A neighbour that does not answer at first. */
TEST_F(nexthop, silent_neighbour)
{
	ASSERT_EQ(0, get(self, "10.0.0.3"));
	EXPECT_FALSE(self->hop.resolved);
	EXPECT_NE(0, self->hop.ifindex);
	EXPECT_TRUE(neigh_shows("10.0.0.3", "managed"));
	ASSERT_EQ(0, in_peer(&self->ns, "ip addr add 10.0.0.3/24 dev p0"));
	EXPECT_TRUE(wait_mac(self, "10.0.0.3", MAC0));
}

/* Run this command of ip(8) for each number from @first to @last, in place of "&". */
static int with_numbers(const char *command, int first, int last)
{
	return sh("seq %d %d | sed 's|.*|%s|' | ip -batch -", first, last, command);
}

/* If the socket has lost events, anything may have changed. */
TEST_F(nexthop, flood)
{
	int size = 1;

	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	settle(self);
	ASSERT_EQ(0, settle(self));
	ASSERT_EQ(0, setsockopt(lb_nexthops_fd(self->hops), SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	ASSERT_EQ(0, with_numbers("neigh add 10.0.0.& lladdr 02:00:00:00:00:50 dev n0", 3, 250));
	EXPECT_TRUE(wait_change(self));
	/* After that, events are reported as before. */
	EXPECT_EQ(0, settle(self));
	ASSERT_EQ(0, sh("ip neigh change 10.0.0.2 lladdr 02:00:00:00:00:77 dev n0"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "10.0.0.2", "02:00:00:00:00:77"));
}

/* One call reads a limited number of messages; the next call reads on. */
TEST_F(nexthop, flood_in_parts)
{
	int size = 8 << 20;

	settle(self);
	ASSERT_EQ(0, setsockopt(lb_nexthops_fd(self->hops), SOL_SOCKET, SO_RCVBUFFORCE, &size,
				sizeof(size)));
	ASSERT_EQ(0, with_numbers("addr add fd00:7::&/128 dev n1", 1, 600));
	n_recv = 0;
	EXPECT_EQ(1, lb_nexthops_read(self->hops));
	EXPECT_EQ(SAMPLE_NETLINK_NEWS, n_recv);
	EXPECT_EQ(1, lb_nexthops_read(self->hops));
	settle(self);
	EXPECT_EQ(0, lb_nexthops_read(self->hops));
}

TEST_HARNESS_MAIN
