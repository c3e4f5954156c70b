// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/parts/xdp_lb/nexthop/nexthop.c: the next hop towards an address, which
 * neighbour entries of the kernel are used, and netlink answers that are interrupted.
 */
#include "xdp_lb_nexthop_run.h"

/* --- the next hop towards an address ------------------------------------------ */

TEST_F(nexthop, on_link)
{
	static const char * const addrs[] = { "10.0.0.2", "fd00:0::2" };
	static const char * const srcs[] = { "10.0.0.1", "fd00:0::1" };
	struct lb_addr src;
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, get(self, addrs[i]));
		EXPECT_FALSE(self->hop.resolved);
		ASSERT_TRUE(wait_mac(self, addrs[i], MAC0));
		src = addr_of(srcs[i]);
		EXPECT_EQ(if_nametoindex("n0"), self->hop.ifindex);
		EXPECT_EQ(0, memcmp(smac0, self->hop.smac, 6));
		EXPECT_EQ(0, memcmp(&src, &self->hop.src, sizeof(src)));
		EXPECT_EQ(1500, self->hop.mtu);
		EXPECT_FALSE(self->hop.gateway);
		EXPECT_TRUE(neigh_shows(addrs[i], "managed"));
		EXPECT_TRUE(neigh_shows(addrs[i], "proto 108"));
	}
	EXPECT_EQ(0, n_errs);
}

TEST_F(nexthop, gateway)
{
	ASSERT_EQ(0, sh("ip route add default via 10.0.1.2; "
			"ip -6 route add default via fd00:1::2"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
	EXPECT_EQ(if_nametoindex("n1"), self->hop.ifindex);
	EXPECT_EQ(0, memcmp(smac1, self->hop.smac, 6));
	EXPECT_TRUE(self->hop.gateway);
	ASSERT_TRUE(wait_mac(self, "2001:db8::7", MAC1));
	EXPECT_EQ(if_nametoindex("n1"), self->hop.ifindex);
	EXPECT_TRUE(self->hop.gateway);
	/* The backend itself is no neighbour, the gateway is. */
	EXPECT_FALSE(neigh_shows("198.51.100.7", "dev"));
	EXPECT_FALSE(neigh_shows("2001:db8::7", "dev"));
}

/* RFC 5549: IPv4 packets to the MAC address of an IPv6 neighbour. */
TEST_F(nexthop, ipv4_via_ipv6)
{
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via inet6 fd00:1::2 dev n1"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
	EXPECT_EQ(if_nametoindex("n1"), self->hop.ifindex);
	EXPECT_TRUE(self->hop.gateway);
	EXPECT_TRUE(neigh_shows("fd00:1::2", "managed"));
}

TEST_F(nexthop, no_route)
{
	static const char * const types[] = { "", "blackhole", "unreachable", "prohibit" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (*types[i]) {
			ASSERT_EQ(0, sh("ip route add %s 198.51.100.0/24; "
					"ip -6 route add %s 2001:db8::/32", types[i], types[i]));
		}
		EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.7"))
			TH_LOG("IPv4, %s", types[i]);
		EXPECT_EQ(0, self->hop.ifindex);
		EXPECT_EQ(-ENETUNREACH, get(self, "2001:db8::7"))
			TH_LOG("IPv6, %s", types[i]);
		EXPECT_EQ(0, self->hop.ifindex);
		EXPECT_FALSE(self->hop.resolved);
		if (*types[i]) {
			ASSERT_EQ(0, sh("ip route del 198.51.100.0/24; "
					"ip -6 route del 2001:db8::/32"));
		}
	}
	/* One message for each of the two addresses. */
	EXPECT_EQ(2, n_errs);
	EXPECT_EQ(2, n_hints);
	EXPECT_STREQ("failed to find a route to 2001:db8::7", last_err);
}

TEST_F(nexthop, no_unicast)
{
	EXPECT_EQ(-ENETUNREACH, get(self, "10.0.0.255"));
	EXPECT_EQ(-ENETUNREACH, get(self, "ff02::1"));
	EXPECT_EQ(0, self->hop.ifindex);
}

TEST_F(nexthop, own_address)
{
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "10.0.0.1"));
	EXPECT_EQ(if_nametoindex("lo"), self->hop.ifindex);
	EXPECT_FALSE(self->hop.resolved);
	EXPECT_STREQ("failed to forward to 10.0.0.1: it is an address of this host", last_err);
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "fd00:0::1"));
	EXPECT_EQ(if_nametoindex("lo"), self->hop.ifindex);
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "127.0.0.1"));
	EXPECT_EQ(3, n_errs);
}

/* An error is reported once, and again if there was none, or another one, in between. */
TEST_F(nexthop, told_once)
{
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.7"));
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.7"));
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.8"));
	EXPECT_EQ(2, n_errs);
	ASSERT_EQ(0, sh("ip addr add 198.51.100.7/32 dev lo"));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "198.51.100.7"));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "198.51.100.7"));
	EXPECT_EQ(3, n_errs);
	ASSERT_EQ(0, sh("ip addr del 198.51.100.7/32 dev lo; "
			"ip route add 198.51.100.0/24 via 10.0.0.2"));
	EXPECT_EQ(0, get(self, "198.51.100.7"));
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.101.8"));
	EXPECT_EQ(4, n_errs);
	ASSERT_EQ(0, sh("ip route del 198.51.100.0/24"));
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.7"));
	EXPECT_EQ(5, n_errs);
	/* The same error again, but in between there was none. */
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2"));
	EXPECT_EQ(0, get(self, "198.51.100.7"));
	ASSERT_EQ(0, sh("ip route del 198.51.100.0/24"));
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.7"));
	EXPECT_EQ(6, n_errs);
	lb_nexthops_look(self->hops);
	EXPECT_EQ(-ENETUNREACH, get(self, "198.51.100.9"));
	EXPECT_EQ(6, n_errs);
}

TEST_F(nexthop, no_ethernet)
{
	if (sh("ip tuntap add mode tun name tun0 2>/dev/null"))
		SKIP(return, "no tun devices here");
	ASSERT_EQ(0, sh("ip addr add 10.9.0.1/24 dev tun0 && ip link set tun0 up"));
	/* Nobody has the device open, so it has no carrier, but its routes are used. */
	EXPECT_EQ(-EOPNOTSUPP, get(self, "10.9.0.2"));
	EXPECT_STREQ("failed to forward to 10.9.0.2: the way out has no Ethernet header",
		     last_err);
}

TEST_F(nexthop, policy_routing)
{
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2; "
			"ip route add 198.51.100.0/24 via 10.0.1.2 table 77; "
			"ip -6 route add 2001:db8::/32 via fd00:0::2; "
			"ip -6 route add 2001:db8::/32 via fd00:1::2 table 77"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC0));
	ASSERT_TRUE(wait_mac(self, "2001:db8::7", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip rule add to 198.51.100.7 lookup 77"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
	EXPECT_TRUE(wait_mac(self, "198.51.100.8", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip -6 rule add to 2001:db8::7 lookup 77"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "2001:db8::7", MAC1));
	EXPECT_TRUE(wait_mac(self, "2001:db8::8", MAC0));
}

TEST_F(nexthop, multipath)
{
	unsigned int ways[2] = {}, i;
	char text[32];

	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 nexthop via 10.0.0.2 nexthop via 10.0.1.2"));
	for (i = 1; i < 65; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i);
		ASSERT_EQ(0, get(self, text));
		ways[0] += self->hop.ifindex == if_nametoindex("n0");
		ways[1] += self->hop.ifindex == if_nametoindex("n1");
	}
	EXPECT_EQ(64, ways[0] + ways[1]);
}

TEST_F(nexthop, nexthop_object)
{
	if (sh("ip nexthop add id 5 via 10.0.0.2 dev n0 2>/dev/null"))
		SKIP(return, "this kernel has no nexthop objects");
	/* Without this mode, the kernel does not report changes of the route that uses it. */
	write_file("/proc/sys/net/ipv4/nexthop_compat_mode", "0");
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 nhid 5"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip nexthop replace id 5 via 10.0.1.2 dev n1"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
}

TEST_F(nexthop, mtu)
{
	ASSERT_EQ(0, sh("ip link set n0 mtu 1400; "
			"ip route add 198.51.100.0/24 via 10.0.0.2 mtu 1300; "
			"ip route add 198.51.101.0/24 via 10.0.0.2 mtu 9000; "
			"ip -6 route add 2001:db8::/32 via fd00:0::2 mtu 1290"));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_EQ(1400, self->hop.mtu);
	EXPECT_EQ(0, get(self, "198.51.100.7"));
	EXPECT_EQ(1300, self->hop.mtu);
	/* A route can have no larger MTU than its interface. */
	EXPECT_EQ(0, get(self, "198.51.101.7"));
	EXPECT_EQ(1400, self->hop.mtu);
	EXPECT_EQ(0, get(self, "2001:db8::7"));
	EXPECT_EQ(1290, self->hop.mtu);
	EXPECT_EQ(0, get(self, "fd00:0::2"));
	EXPECT_EQ(1400, self->hop.mtu);
}

TEST_F(nexthop, source_of_route)
{
	struct lb_addr src = addr_of("10.0.0.77");

	ASSERT_EQ(0, sh("ip addr add 10.0.0.77/24 dev n0; "
			"ip route add 198.51.100.0/24 via 10.0.0.2 src 10.0.0.77"));
	EXPECT_EQ(0, get(self, "198.51.100.7"));
	EXPECT_EQ(0, memcmp(&src, &self->hop.src, sizeof(src)));
}

/* --- entries of the kernel ---------------------------------------------------- */

/* An entry that the administrator has fixed is used, and not changed. */
TEST_F(nexthop, fixed_entries)
{
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:11 nud permanent dev n0; "
			"ip neigh add fd00:0::2 lladdr 02:00:00:00:00:12 nud noarp dev n0; "
			"ip neigh add 10.0.1.2 lladdr 02:00:00:00:00:13 nud stale extern_learn dev n1; "
			"ip neigh add fd00:1::2 managed dev n1"));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(has_mac(self, "02:00:00:00:00:11"));
	EXPECT_EQ(0, get(self, "fd00:0::2"));
	EXPECT_TRUE(has_mac(self, "02:00:00:00:00:12"));
	EXPECT_EQ(0, get(self, "10.0.1.2"));
	EXPECT_TRUE(has_mac(self, "02:00:00:00:00:13"));
	EXPECT_TRUE(wait_mac(self, "fd00:1::2", MAC1));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "PERMANENT"));
	EXPECT_TRUE(neigh_shows("fd00:0::2", "NOARP"));
	EXPECT_TRUE(neigh_shows("10.0.1.2", "extern_learn"));
	EXPECT_FALSE(neigh_shows("fd00:1::2", "proto 108"));
	EXPECT_EQ(0, lb_nexthops_forget(self->hops));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "PERMANENT"));
	EXPECT_TRUE(neigh_shows("fd00:0::2", "NOARP"));
	EXPECT_TRUE(neigh_shows("10.0.1.2", "extern_learn"));
	EXPECT_TRUE(neigh_shows("fd00:1::2", "managed"));
}

/* An entry was there before: from now on ("managed"), the kernel keeps it up to date. */
TEST_F(nexthop, taken_over)
{
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.2 lladdr " MAC0 " nud stale dev n0"));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(has_mac(self, MAC0));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
	/* Another program replaces the neighbour entry, which clears its flag "managed". */
	settle(self);
	get(self, "10.0.0.2");
	ASSERT_EQ(0, sh("ip neigh change 10.0.0.2 lladdr " MAC0 " nud stale dev n0"));
	ASSERT_FALSE(neigh_shows("10.0.0.2", "managed"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
}

/* The kernel keeps entries up to date when the process is gone, until another one stops that. */
TEST_F(nexthop, forget)
{
	struct lb_nexthops *later;

	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	ASSERT_TRUE(wait_mac(self, "fd00:0::2", MAC0));
	ASSERT_EQ(0, get(self, "10.0.0.9"));
	lb_nexthops_close(self->hops);
	self->hops = NULL;
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
	EXPECT_TRUE(neigh_shows("10.0.0.9", "managed"));

	/* xdp_lb made this entry, and the administrator has made it permanent since. */
	ASSERT_EQ(0, sh("ip neigh add 10.0.1.2 managed dev n1 proto 108; "
			"ip neigh change 10.0.1.2 lladdr " MAC1 " nud permanent dev n1"));
	ASSERT_EQ(0, lb_nexthops_open(&later));
	EXPECT_EQ(0, lb_nexthops_forget(later));
	EXPECT_FALSE(neigh_shows("10.0.0.2", "dev"));
	EXPECT_FALSE(neigh_shows("fd00:0::2", "dev"));
	EXPECT_FALSE(neigh_shows("10.0.0.9", "dev"));
	EXPECT_TRUE(neigh_shows("10.0.1.2", "PERMANENT"));
	EXPECT_NE(0, sh("ip neigh show proto 108 | grep -v PERMANENT"));
	EXPECT_EQ(0, lb_nexthops_forget(later));
	lb_nexthops_close(later);
}

/* So many entries that the kernel sends more than one buffer. */
TEST_F(nexthop, forget_many)
{
	unsigned int i;
	char text[32];

	for (i = 3; i < 203; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		ASSERT_EQ(0, get(self, text));
	}
	EXPECT_EQ(200, self->hops->n_neighs);
	EXPECT_EQ(0, lb_nexthops_forget(self->hops));
	EXPECT_NE(0, sh("ip neigh show | grep managed"));
}

TEST_F(nexthop, look)
{
	lb_nexthops_look(self->hops);
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	EXPECT_FALSE(neigh_shows("10.0.0.2", "managed"));
	EXPECT_FALSE(neigh_shows("10.0.0.2", "proto 108"));
	/* An entry that another process has made "managed" stays "managed". */
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.9 managed dev n0 proto 108"));
	EXPECT_EQ(0, get(self, "10.0.0.9"));
	EXPECT_TRUE(neigh_shows("10.0.0.9", "managed"));
}

TEST_F(nexthop, route_alone)
{
	struct lb_addr addr = addr_of("10.0.0.2"), src = addr_of("10.0.0.1");

	EXPECT_EQ(0, lb_nexthops_route(self->hops, &addr, &self->hop));
	EXPECT_EQ(if_nametoindex("n0"), self->hop.ifindex);
	EXPECT_EQ(0, memcmp(&src, &self->hop.src, sizeof(src)));
	EXPECT_FALSE(self->hop.gateway);
	EXPECT_FALSE(neigh_shows("10.0.0.2", "dev"));
	EXPECT_EQ(-EADDRNOTAVAIL, lb_nexthops_route(self->hops, &src, &self->hop));
	addr = addr_of("198.51.100.7");
	EXPECT_EQ(-ENETUNREACH, lb_nexthops_route(self->hops, &addr, &self->hop));
	ASSERT_EQ(0, sh("ip route add default via 10.0.0.2"));
	EXPECT_EQ(0, lb_nexthops_route(self->hops, &addr, &self->hop));
	EXPECT_TRUE(self->hop.gateway);
	EXPECT_EQ(0, n_errs);
}

/* --- addresses of an interface ------------------------------------------------ */

static bool first_is(struct _test_data_nexthop *self, const char *dev, int family,
		     const char *want)
{
	struct lb_addr addr = {}, wanted = want ? addr_of(want) : addr;
	int err = lb_iface_addr(self->hops, if_nametoindex(dev), family, &addr);

	return err == (want ? 0 : -ENOENT) && !memcmp(&addr, &wanted, sizeof(addr));
}

TEST_F(nexthop, iface_addr)
{
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	EXPECT_TRUE(first_is(self, "n1", 4, "10.0.1.1"));
	EXPECT_TRUE(first_is(self, "n1", 6, "fd00:1::1"));
	/* 127.0.0.1 and ::1 are valid within this host only. */
	EXPECT_TRUE(first_is(self, "lo", 4, NULL));
	EXPECT_TRUE(first_is(self, "lo", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.5/24 dev n0"));
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	ASSERT_EQ(0, sh("ip addr del fd00:1::1/64 dev n1"));
	/* Only the link-local address is left. */
	EXPECT_TRUE(first_is(self, "n1", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add fd00:1::8/64 dev n1 nodad preferred_lft 0;"
			WAIT_LOCAL6("fd00:1::8")));
	EXPECT_TRUE(first_is(self, "n1", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add fd00:1::9/64 dev n1 nodad;" WAIT_LOCAL6("fd00:1::9")));
	EXPECT_TRUE(first_is(self, "n1", 6, "fd00:1::9"));
	ASSERT_EQ(0, sh("ip addr add 192.0.2.1 peer 192.0.2.2 dev lo scope global"));
	EXPECT_TRUE(first_is(self, "lo", 4, "192.0.2.1"));
}

/* --- interrupted answers ------------------------------------------------------ */

TEST_F(nexthop, interrupted)
{
	n_intr = 3;
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	EXPECT_EQ(0, n_intr);
	n_intr = 3;
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_EQ(0, n_intr);
	ASSERT_TRUE(wait_mac(self, "10.0.0.2", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip addr add 10.0.0.3/24 dev n0"));
	n_intr = 2;
	EXPECT_EQ(1, lb_nexthops_read(self->hops));
}

/* A dump during which something changed is requested again, but not for ever. */
TEST_F(nexthop, inconsistent_dump)
{
	struct lb_addr addr;

	n_cut = 2;
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	EXPECT_EQ(0, n_cut);
	n_cut = 1000;
	EXPECT_EQ(-EINTR, lb_iface_addr(self->hops, if_nametoindex("n0"), 4, &addr));
	n_cut = 0;
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	n_cut = 2;
	EXPECT_EQ(0, lb_nexthops_forget(self->hops));
	EXPECT_FALSE(neigh_shows("10.0.0.2", "dev"));
}

/* The rest of an answer that was given up is not taken for the answer to the next request. */
TEST_F(nexthop, stray_answer)
{
	n_stray = 2;
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	EXPECT_EQ(0, n_stray);
}

/* --- without privileges -------------------------------------------------------- */

TEST_F(nexthop, unprivileged)
{
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(-EPERM, get(self, "10.0.0.2"));
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(1, n_hints);
	EXPECT_STREQ("failed to ask the kernel for the way to 10.0.0.2: Operation not permitted",
		     last_err);
	lb_nexthops_look(self->hops);
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_FALSE(self->hop.resolved);
	ASSERT_EQ(0, seteuid(0));
}

TEST_HARNESS_MAIN
