// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/parts/xdp_lb/state/snat.c: which source address nat uses, and what happens
 * when an interface changes the address that nat uses. The tables are plain memory.
 */
#include "xdp_lb_nexthop_run.h"
#include "lib/net.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/state/state.h"

/* All time that was slept, in microseconds. With no_time, usleep() returns at once. */
static unsigned int slept_us;
static bool no_time;

TEST_WRAPS(usleep);

int __wrap_usleep(useconds_t us)
{
	slept_us += us;
	return no_time ? 0 : __real_usleep(us);
}

/* --- an instance ------------------------------------------------------------------ */

static struct lb_kern_conf config;
static struct lb_addr_filter filter;
static struct lb_instance_meta meta;
static struct lb_vip_conf vips[2];
static struct lb_state state = { .name = "lb0", .conf = &config, .filter = &filter, .meta = &meta };
static struct lb_conf conf = { .ifnames = { "n0" }, .n_ifnames = 1, .vips = vips, .n_vips = 1 };

static struct lb_instance lb1 = { .name = "lb1", .known = true };
static struct lb_instances others = { .at = &lb1 };

static int apply(struct _test_data_nexthop *self, const char *vip)
{
	vips[0].addr = addr_of(vip);
	return lb_apply_snat(&state, &conf, self->hops, &others);
}

static void follow(struct _test_data_nexthop *self)
{
	lb_follow_snat(&state, &conf, self->hops);
}

static bool snat_is(unsigned int i, const char *text)
{
	struct lb_addr addr = addr_of(text);
	char is[INET6_ADDRSTRLEN];

	if (i < config.n_snat && !memcmp(&config.snat[i].addr, &addr, sizeof(addr)))
		return true;
	printf("# %u: %s of %u, not %s\n", i, sample_addr(config.snat[i].addr.a, is),
	       config.n_snat, text);
	return false;
}

static bool passes_filter(const char *text)
{
	struct lb_addr addr = addr_of(text);
	__u32 bit = lb_filter_bit(&addr);

	return filter.bit[bit / 64] >> bit % 64 & 1;
}

/* --- the choice ------------------------------------------------------------------- */

TEST_F(nexthop, own_address)
{
	ASSERT_EQ(0, apply(self, "10.0.0.1"));
	EXPECT_EQ(1, config.n_snat);
	EXPECT_TRUE(snat_is(0, "10.0.0.1"));
	EXPECT_EQ(1024, config.snat[0].min);
	EXPECT_EQ(32767, config.snat[0].max);
	EXPECT_TRUE(lb_snat_is_own(&state, 0));
	vips[1].addr = addr_of("fd00::1");
	conf.n_vips = 2;
	ASSERT_EQ(0, apply(self, "10.0.0.1"));
	EXPECT_EQ(2, config.n_snat);
	EXPECT_TRUE(snat_is(1, "fd00:0::1"));
	EXPECT_TRUE(lb_snat_is_own(&state, 1));
}

/* The kernel lists the latest IPv6 address first, here that of the service: do not use it. */
TEST_F(nexthop, not_that_of_a_service)
{
	ASSERT_EQ(0, sh("ip addr add fd00:0::100/128 dev n0 nodad;" WAIT_LOCAL6("fd00::100")));
	ASSERT_EQ(0, apply(self, "fd00::100"));
	EXPECT_TRUE(snat_is(0, "fd00::1"));
}

/* Duplicate address detection takes a second or two, as after a boot. */
#define TENTATIVE \
	"ip addr flush dev n0 scope global; echo 1 >/proc/sys/net/ipv6/conf/n0/accept_dad;" \
	"echo 1 >/proc/sys/net/ipv6/conf/n0/dad_transmits; ip addr add fd00:0::7/64 dev n0"

TEST_F(nexthop, a_tentative_one)
{
	ASSERT_EQ(0, sh(TENTATIVE));
	EXPECT_EQ(-EAGAIN, apply(self, "fd00::100"));
	EXPECT_NE(NULL, strstr(last_err, "for nat: that of n0 is tentative"));
	EXPECT_EQ(0, n_infos);
	lb_wait_for_snat(&state, &conf, self->hops);
	EXPECT_EQ(1, n_infos);
	EXPECT_NE(NULL, strstr(last_info, "waiting for the address of n0: it is tentative"));
	ASSERT_EQ(0, apply(self, "fd00::100"));
	EXPECT_TRUE(snat_is(0, "fd00::7"));
	/* The configuration has an address now: there is nothing to wait for. */
	ASSERT_EQ(0, sh(TENTATIVE));
	lb_wait_for_snat(&state, &conf, self->hops);
	EXPECT_EQ(1, n_infos);
}

/* While the interface's own address is tentative, the service's address must not replace it. */
TEST_F(nexthop, a_tentative_one_beside_a_service)
{
	ASSERT_EQ(0, sh(TENTATIVE ";ip addr add fd00::100/128 dev n0 nodad;"
			WAIT_LOCAL6("fd00::100")));
	EXPECT_EQ(-EAGAIN, apply(self, "fd00::100"));
	lb_wait_for_snat(&state, &conf, self->hops);
	ASSERT_EQ(0, apply(self, "fd00::100"));
	EXPECT_TRUE(snat_is(0, "fd00::7"));
}

/* The balancer waits for five seconds, and no longer. */
TEST_F(nexthop, one_that_stays_tentative)
{
	no_time = true;
	ASSERT_EQ(0, sh("ip addr flush dev n0 scope global;"
			"echo 1 >/proc/sys/net/ipv6/conf/n0/accept_dad;"
			"echo 60 >/proc/sys/net/ipv6/conf/n0/dad_transmits;"
			"ip addr add fd00:0::7/64 dev n0"));
	vips[0].addr = addr_of("fd00::100");
	lb_wait_for_snat(&state, &conf, self->hops);
	EXPECT_EQ(5000000, slept_us);
	EXPECT_EQ(-EAGAIN, apply(self, "fd00::100"));
}

/*
 * If another host has the address, waiting is of no use. And nobody waits for an address of
 * another interface.
 */
TEST_F(nexthop, one_that_is_a_duplicate)
{
	ASSERT_EQ(0, in_peer(&self->ns, "ip addr add fd00:0::7/64 dev p0 nodad;"
			     WAIT_LOCAL6("fd00::7")));
	ASSERT_EQ(0, sh(TENTATIVE ";"
			"until ip -6 addr show dev n0 | grep -q dadfailed; do sleep 0.01; done;"
			"echo 1 >/proc/sys/net/ipv6/conf/n1/accept_dad;"
			"echo 60 >/proc/sys/net/ipv6/conf/n1/dad_transmits;"
			"ip addr add fd00:1::7/64 dev n1"));
	vips[0].addr = addr_of("fd00::100");
	lb_wait_for_snat(&state, &conf, self->hops);
	EXPECT_EQ(0, slept_us);
	EXPECT_EQ(-ENOENT, apply(self, "fd00::100"));
}

TEST_F(nexthop, a_given_one)
{
	conf.snat[0] = addr_of("192.0.2.9");
	conf.n_snat = 1;
	ASSERT_EQ(0, apply(self, "10.0.0.1"));
	EXPECT_EQ(1, config.n_snat);
	EXPECT_EQ(65535, config.snat[0].max);
	EXPECT_FALSE(lb_snat_is_own(&state, 0));
	/* A configured address is routed here, and stays, though no interface has it. */
	follow(self);
	EXPECT_TRUE(snat_is(0, "192.0.2.9"));
	EXPECT_EQ(0, n_infos + n_errs);
}

TEST_F(nexthop, none)
{
	ASSERT_EQ(0, sh("ip addr flush dev n0"));
	EXPECT_EQ(-ENOENT, apply(self, "10.0.0.1"));
	EXPECT_STREQ("failed to find a source address for nat: n0 has no IPv4 address", last_err);
	EXPECT_EQ(0, config.n_snat);
}

/* Two instances that send from one address would use the same ports. */
TEST_F(nexthop, one_of_another_instance)
{
	lb1.conf.n_snat = 1;
	lb1.conf.snat[0].addr = addr_of("10.0.0.1");
	others.n = 1;
	EXPECT_EQ(-EADDRINUSE, apply(self, "10.0.0.1"));
	EXPECT_NE(NULL, strstr(last_err, "beside instance lb1: it sends from 10.0.0.1, too, and"));
	EXPECT_EQ(0, config.n_snat);
	conf.snat[0] = addr_of("10.0.0.240");
	conf.n_snat = 1;
	EXPECT_EQ(0, apply(self, "10.0.0.1"));
	EXPECT_EQ(1, config.n_snat);
	/* The address that this instance already uses is no conflict. */
	snprintf(lb1.name, sizeof(lb1.name), "lb0");
	snprintf(conf.name, sizeof(conf.name), "lb0");
	conf.snat[1] = addr_of("10.0.0.1");
	conf.n_snat = 2;
	EXPECT_EQ(0, apply(self, "10.0.0.1"));
}

/* "run" reports masquerade rules, too, not only "check". */
TEST_F(nexthop, masquerade)
{
	if (!has_nft())
		SKIP(return, "no nft here, or no nat in nftables of this kernel");
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	lb_tell_nft(&state);
	EXPECT_EQ(0, n_infos);
	ASSERT_EQ(0, add_nft("ip", "postrouting", "masquerade"));
	lb_tell_nft(&state);
	EXPECT_EQ(1, n_infos);
	EXPECT_NE(NULL, strstr(last_info, "masquerade of nftables, in ip t c, gives out"));
}

/* --- the address changes ---------------------------------------------------------- */

/* As a DHCP client does it: it adds the new address before it removes the old one. */
TEST_F(nexthop, own_address_changes)
{
	__u16 max;

	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	max = config.snat[0].max;
	ASSERT_EQ(0, sh("ip addr add 10.0.0.7/24 dev n0"));
	follow(self);
	EXPECT_TRUE(snat_is(0, "10.0.0.1"));
	EXPECT_EQ(0, n_infos + n_errs);
	ASSERT_EQ(0, sh("echo 1 >/proc/sys/net/ipv4/conf/n0/promote_secondaries;"
			"ip addr del 10.0.0.1/24 dev n0"));
	follow(self);
	EXPECT_EQ(1, config.n_snat);
	EXPECT_TRUE(snat_is(0, "10.0.0.7"));
	EXPECT_TRUE(lb_snat_is_own(&state, 0));
	EXPECT_EQ(max, config.snat[0].max);
	EXPECT_TRUE(passes_filter("10.0.0.7"));
	EXPECT_EQ(1, n_infos);
	EXPECT_NE(NULL, strstr(last_info, "10.0.0.1 is gone from n0, 10.0.0.7 takes its place"));
	follow(self);
	EXPECT_EQ(1, n_infos);
}

/* The old address goes first: for a while there is none, which is reported once. */
TEST_F(nexthop, own_address_is_gone)
{
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	/* The address of the service must not become the SNAT address. */
	ASSERT_EQ(0, sh("ip addr add 10.0.0.100/32 dev n0 && ip addr del 10.0.0.1/24 dev n0"));
	follow(self);
	follow(self);
	EXPECT_TRUE(snat_is(0, "10.0.0.1"));
	EXPECT_EQ(1, meta.gone_snat);
	EXPECT_EQ(1, n_errs);
	EXPECT_NE(NULL, strstr(last_err, "10.0.0.1 is gone, and n0 has none in its place"));
	ASSERT_EQ(0, sh("ip addr add 10.0.0.7/24 dev n0"));
	follow(self);
	EXPECT_TRUE(snat_is(0, "10.0.0.7"));
	EXPECT_EQ(0, meta.gone_snat);
	/* The address goes and comes back: nothing changes. */
	ASSERT_EQ(0, sh("ip addr del 10.0.0.7/24 dev n0"));
	follow(self);
	EXPECT_EQ(2, n_errs);
	ASSERT_EQ(0, sh("ip addr add 10.0.0.7/24 dev n0"));
	follow(self);
	EXPECT_TRUE(snat_is(0, "10.0.0.7"));
	EXPECT_STREQ("the SNAT address 10.0.0.7 is back", last_info);
	EXPECT_EQ(0, meta.gone_snat);
	EXPECT_EQ(2, n_errs);
}

/* A deprecated address stays in use until it is removed, and so do its connections. */
TEST_F(nexthop, own_address_is_deprecated)
{
	ASSERT_EQ(0, apply(self, "fd00::100"));
	ASSERT_EQ(0, sh("ip -6 addr change fd00::1/64 dev n0 preferred_lft 0;"
			"ip addr add fd01::1/64 dev n0 nodad;" WAIT_LOCAL6("fd01::1")));
	follow(self);
	EXPECT_TRUE(snat_is(0, "fd00::1"));
	ASSERT_EQ(0, sh("ip addr del fd00::1/64 dev n0"));
	follow(self);
	EXPECT_TRUE(snat_is(0, "fd01::1"));
}

/*
 * The address has changed while no control program ran: the new one replaces the old one.
 * As a second address, it would leave half of the connections to an address that is gone.
 */
TEST_F(nexthop, own_address_changed_before)
{
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	ASSERT_EQ(0, sh("ip addr del 10.0.0.1/24 dev n0 && ip addr add 10.0.0.7/24 dev n0"));
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	EXPECT_EQ(1, config.n_snat);
	EXPECT_TRUE(snat_is(0, "10.0.0.7"));
}

/* An address that the configuration names from now on is no longer followed. */
TEST_F(nexthop, own_address_is_given)
{
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	conf.snat[0] = addr_of("10.0.0.1");
	conf.n_snat = 1;
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	EXPECT_EQ(1, config.n_snat);
	EXPECT_FALSE(lb_snat_is_own(&state, 0));
	ASSERT_EQ(0, sh("ip addr del 10.0.0.1/24 dev n0 && ip addr add 10.0.0.7/24 dev n0"));
	follow(self);
	EXPECT_TRUE(snat_is(0, "10.0.0.1"));
	conf.n_snat = 0;
	ASSERT_EQ(0, apply(self, "10.0.0.100"));
	EXPECT_EQ(2, config.n_snat);
	EXPECT_TRUE(snat_is(1, "10.0.0.7"));
	EXPECT_TRUE(lb_snat_is_own(&state, 1));
}

TEST_HARNESS_MAIN
