// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_nexthop.c and of what it asks netlink with, against
 * the kernel, in the namespaces of xdp_lb_netns.h.
 */
/* First: the harness takes its ARRAY_SIZE. */
#include "sample.h"
#include <kselftest_harness.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <libmnl/libmnl.h>

/* What the kernel answers can be changed on its way. */
static ssize_t test_recv(const struct mnl_socket *nl, void *buf, size_t size);
#define mnl_socket_recvfrom test_recv
#include "xdp_lb_netlink.c"
#include "xdp_lb_neigh.c"
#include "xdp_lb_link.c"
#include "xdp_lb_nexthop.c"
#undef mnl_socket_recvfrom
#include "sample_net.c"
#include "xdp_lb_netns.h"

enum {
	PATIENCE_MS = 5000,
};

/* --- answers that are changed ------------------------------------------------- */

static unsigned int n_intr;	/* calls that end with EINTR */
static unsigned int n_cut;	/* answers that are said to be inconsistent */
static unsigned int n_stray;	/* messages of another question before the answer */
static unsigned int n_recv;

static ssize_t test_recv(const struct mnl_socket *nl, void *buf, size_t size)
{
	struct nlmsghdr *nh = buf;
	ssize_t len;

	n_recv++;
	if (n_intr) {
		n_intr--;
		errno = EINTR;
		return -1;
	}
	if (n_stray) {
		n_stray--;
		*nh = (struct nlmsghdr){ .nlmsg_len = sizeof(*nh) + 4, .nlmsg_seq = 12345,
					 .nlmsg_type = NLMSG_ERROR };
		memset(nh + 1, 0xff, 4);
		return nh->nlmsg_len;
	}
	len = mnl_socket_recvfrom(nl, buf, size);
	if (n_cut && len > 0) {
		n_cut--;
		nh->nlmsg_flags |= NLM_F_DUMP_INTR;
	}
	return len;
}

/* --- namespaces --------------------------------------------------------------- */

FIXTURE(nexthop)
{
	struct netns ns;
	struct lb_nexthops *hops;
	struct lb_nexthop hop;
};

FIXTURE_SETUP(nexthop)
{
	if (geteuid())
		SKIP(return, "needs root");
	if (system("ip -V >/dev/null 2>&1"))
		SKIP(return, "ip is not installed");
	ASSERT_EQ(0, netns_setup(&self->ns));
	ASSERT_EQ(0, lb_nexthops_open(&self->hops));
}

FIXTURE_TEARDOWN(nexthop)
{
	lb_nexthops_close(self->hops);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits until there are news, and takes them: what lb_nexthops_read() says. */
static int news(struct _test_data_nexthop *self, int ms)
{
	struct pollfd pfd = { .fd = lb_nexthops_fd(self->hops), .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 ? lb_nexthops_read(self->hops) : -ETIMEDOUT;
}

/* Takes news until nothing comes for a moment: 1 if a next hop may have changed. */
static int settle(struct _test_data_nexthop *self)
{
	int changed = 0, ret;

	for (ret = news(self, 200); ret >= 0; ret = news(self, 200))
		changed |= ret;
	return changed;
}

/* Waits for news that matter, and takes all that came with them. */
static bool wait_change(struct _test_data_nexthop *self)
{
	long end = now_ms() + PATIENCE_MS;
	int changed = 0;

	while (changed != 1 && now_ms() < end)
		changed = news(self, end - now_ms());
	settle(self);
	return changed == 1;
}

static int get(struct _test_data_nexthop *self, const char *text)
{
	struct lb_addr addr = addr_of(text);

	return lb_nexthops_get(self->hops, &addr, &self->hop);
}

static bool has_mac(const struct _test_data_nexthop *self, const char *mac)
{
	char text[18];
	const __u8 *m = self->hop.dmac;

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	return self->hop.resolved && !strcmp(text, mac);
}

/* As the control program does: ask, and ask again at news, until the MAC is this. */
static bool wait_mac(struct _test_data_nexthop *self, const char *text, const char *mac)
{
	long end = now_ms() + PATIENCE_MS;
	int changed = 1;

	while (now_ms() < end) {
		if (changed == 1 && get(self, text))
			return false;
		if (has_mac(self, mac))
			return true;
		changed = news(self, end - now_ms());
	}
	return false;
}

static bool neigh_shows(const char *addr, const char *word)
{
	return !sh("ip neigh show nud all to %s | grep -qw -- '%s'", addr, word);
}

#define MAC0 "02:00:00:00:00:02"
#define MAC1 "02:00:00:00:01:02"
static const __u8 smac0[6] = { 2, 0, 0, 0, 0, 1 }, smac1[6] = { 2, 0, 0, 0, 1, 1 };

/* --- where the way leads ------------------------------------------------------ */

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
	/* The backend itself is no neighbour. */
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
	/* Each of the two addresses once. */
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

/* An error is told once, and again when there was none, or another, in between. */
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
	/* The same one, but in between there was none. */
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
	/* Down it has no carrier, but its routes hold. */
	EXPECT_EQ(-EOPNOTSUPP, get(self, "10.9.0.2"));
	EXPECT_STREQ("failed to forward to 10.9.0.2: the way out has no Ethernet header",
		     last_err);
}

TEST_F(nexthop, policy_routing)
{
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2; "
			"ip route add 198.51.100.0/24 via 10.0.1.2 table 77"));
	ASSERT_TRUE(wait_mac(self, "198.51.100.7", MAC0));
	settle(self);
	ASSERT_EQ(0, sh("ip rule add to 198.51.100.7 lookup 77"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "198.51.100.7", MAC1));
	EXPECT_TRUE(wait_mac(self, "198.51.100.8", MAC0));
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
	/* Then the route that uses it is no news. */
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
	/* No more than the interface takes. */
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

/* --- changes ------------------------------------------------------------------ */

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

/* Down and up again: the kernel forgets its neighbours meanwhile. */
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
	/* No routes come or go with these. */
	ASSERT_EQ(0, sh("ip addr change 10.0.0.1/24 dev n0 preferred_lft 50 valid_lft 100"));
	EXPECT_TRUE(wait_change(self));
	ASSERT_EQ(0, sh("ip addr change fd00:0::1/64 dev n0 preferred_lft 0 noprefixroute"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(0, settle(self));
}

/* Neighbours that nobody asked us for, and news without a difference, are none. */
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

/* A neighbour that answers later. */
TEST_F(nexthop, silent_neighbour)
{
	ASSERT_EQ(0, get(self, "10.0.0.3"));
	EXPECT_FALSE(self->hop.resolved);
	EXPECT_NE(0, self->hop.ifindex);
	EXPECT_TRUE(neigh_shows("10.0.0.3", "managed"));
	ASSERT_EQ(0, in_peer(&self->ns, "ip addr add 10.0.0.3/24 dev p0"));
	EXPECT_TRUE(wait_mac(self, "10.0.0.3", MAC0));
}

/* This command of ip(8) with each number in place of "&". */
static int with_numbers(const char *command, int first, int last)
{
	return sh("seq %d %d | sed 's|.*|%s|' | ip -batch -", first, last, command);
}

/* Lost news are news. */
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
	/* And then it goes on. */
	EXPECT_EQ(0, settle(self));
	ASSERT_EQ(0, sh("ip neigh change 10.0.0.2 lladdr 02:00:00:00:00:77 dev n0"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_TRUE(wait_mac(self, "10.0.0.2", "02:00:00:00:00:77"));
}

/* One call takes no more than it must; the rest is there for the next. */
TEST_F(nexthop, flood_in_parts)
{
	int size = 8 << 20;

	settle(self);
	ASSERT_EQ(0, setsockopt(lb_nexthops_fd(self->hops), SOL_SOCKET, SO_RCVBUFFORCE, &size,
				sizeof(size)));
	ASSERT_EQ(0, with_numbers("addr add fd00:7::&/128 dev n1", 1, 600));
	n_recv = 0;
	EXPECT_EQ(1, lb_nexthops_read(self->hops));
	EXPECT_EQ(NEWS_MAX, n_recv);
	EXPECT_EQ(1, lb_nexthops_read(self->hops));
	settle(self);
	EXPECT_EQ(0, lb_nexthops_read(self->hops));
}

/* --- entries of the kernel ---------------------------------------------------- */

/* What the administrator has fixed is taken, and left as it is. */
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

/* An entry that was there before is kept up to date from now on. */
TEST_F(nexthop, taken_over)
{
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.2 lladdr " MAC0 " nud stale dev n0"));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(has_mac(self, MAC0));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
	/* Somebody takes that away. */
	settle(self);
	get(self, "10.0.0.2");
	ASSERT_EQ(0, sh("ip neigh change 10.0.0.2 lladdr " MAC0 " nud stale dev n0"));
	ASSERT_FALSE(neigh_shows("10.0.0.2", "managed"));
	EXPECT_TRUE(wait_change(self));
	EXPECT_EQ(0, get(self, "10.0.0.2"));
	EXPECT_TRUE(neigh_shows("10.0.0.2", "managed"));
}

/* The kernel goes on when the process is gone, until another one says stop. */
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

	/* This one was ours, and is the administrator's now. */
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

/* More than one buffer of them. */
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
	/* What another keeps stays kept. */
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
	/* 127.0.0.1 and ::1 are of this host alone. */
	EXPECT_TRUE(first_is(self, "lo", 4, NULL));
	EXPECT_TRUE(first_is(self, "lo", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.5/24 dev n0"));
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	ASSERT_EQ(0, sh("ip addr del fd00:1::1/64 dev n1"));
	/* The link-local one is left. */
	EXPECT_TRUE(first_is(self, "n1", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add fd00:1::8/64 dev n1 nodad preferred_lft 0"));
	EXPECT_TRUE(first_is(self, "n1", 6, NULL));
	ASSERT_EQ(0, sh("ip addr add fd00:1::9/64 dev n1 nodad"));
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

/* A dump during which something changed is asked for again, but not for ever. */
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

/* What is left of an answer that was given up is not taken for that of the next. */
TEST_F(nexthop, stray_answer)
{
	n_stray = 2;
	EXPECT_TRUE(first_is(self, "n0", 4, "10.0.0.1"));
	EXPECT_EQ(0, n_stray);
}

/* --- without the right to ----------------------------------------------------- */

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

/* --- interfaces --------------------------------------------------------------- */

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
	/* Its other end, in the other namespace. */
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

/* A veth can send out what XDP redirects when its other end has XDP or GRO. */
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
	close(sock);
	/* No process and no name holds the other one, so it cannot be found. */
	EXPECT_EQ(-ENOENT, lb_link_socket(&self->hops->ask, link.link_netns));
}

TEST_F(nexthop, offloads_of_other_end)
{
	struct lb_link link;
	int sock, pipes[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, read_link(self, "n0", &link));
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		setns(self->ns.peer, CLONE_NEWNET);
		if (write(pipes[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	sock = lb_link_socket(&self->hops->ask, link.link_netns);
	EXPECT_LE(0, sock);
	EXPECT_EQ(1, lb_link_tx_checksum(sock, "p0"));
	EXPECT_EQ(-ENODEV, lb_link_tx_checksum(sock, "n0"));
	/* And we are where we were. */
	EXPECT_NE(0, if_nametoindex("n0"));
	close(sock);
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_HARNESS_MAIN
