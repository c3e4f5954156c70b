// SPDX-License-Identifier: GPL-2.0
/*
 * Room for neighbours in the kernel's table, and messages about many neighbours at once. All
 * namespaces share the limit of that table, so the tests do not fill it: they pretend that it
 * is small.
 */
#include "xdp_lb_nexthop_run.h"

static struct lb_backend_conf backends[8];
static struct lb_vip_conf vips[2] = { { .backends = backends }, { .backends = backends } };
static struct lb_conf conf = { .vips = vips, .n_vips = 1 };

/* Set @n backends PREFIX1, PREFIX2, ... */
static void set_backends(const char *prefix, unsigned int n)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%s%u", prefix, i + 1);
		backends[i].addr = addr_of(text);
	}
	vips[0].n_backends = n;
}

static void get_all(struct _test_data_nexthop *self)
{
	unsigned int i;

	for (i = 0; i < vips[0].n_backends; i++)
		lb_nexthops_get(self->hops, &backends[i].addr, &self->hop);
	lb_nexthops_tell(self->hops);
}

/* --- the kernel's table -------------------------------------------------------- */

/* The kernel reports the table also in a namespace that is not the first one. */
TEST_F(nexthop, kernel_tells)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct lb_neigh_table table;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		ASSERT_EQ(0, lb_neigh_table_read(&self->hops->ask, families[i], &table));
		EXPECT_LE(1, table.most);
		EXPECT_GT(1000000, table.entries);
	}
	ASSERT_EQ(0, lb_neigh_table_read(&self->hops->ask, AF_INET, &table));
	EXPECT_EQ(0, sh("ip ntable show name arp_cache | grep -q 'thresh3 %u '", table.most));
}

TEST_F(nexthop, count)
{
	struct lb_room room;

	set_backends("10.0.0.1", 5);
	test_table = (struct lb_neigh_table) { .entries = 7, .most = 100 };
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET, &room));
	EXPECT_EQ(5, room.needed);
	EXPECT_EQ(7, room.others);
	EXPECT_EQ(100, room.most);
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET6, &room));
	EXPECT_EQ(0, room.needed);
	/* Two services have the same backends: each backend is one neighbour. */
	vips[1].n_backends = 5;
	conf.n_vips = 2;
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET, &room));
	EXPECT_EQ(5, room.needed);
	/* A backend that is already in the table is not counted as one of the others. */
	ASSERT_EQ(0, sh("ip neigh add 10.0.0.11 lladdr 02:00:00:00:00:11 dev n0"));
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET, &room));
	EXPECT_EQ(6, room.others);
	/* Backends behind a gateway need one neighbour; a backend without a route needs none. */
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2"));
	set_backends("198.51.100.", 5);
	backends[4].addr = addr_of("203.0.113.1");
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET, &room));
	EXPECT_EQ(1, room.needed);
	ASSERT_EQ(0, sh("ip -6 route add 2001:db8::/64 via fd00::2"));
	set_backends("2001:db8::", 5);
	ASSERT_EQ(0, lb_room_read(&conf, self->hops, AF_INET6, &room));
	EXPECT_EQ(1, room.needed);
}

TEST_F(nexthop, refuse)
{
	set_backends("10.0.0.1", 5);
	EXPECT_EQ(0, lb_room_refuse(&conf, self->hops));
	test_table = (struct lb_neigh_table) { .entries = 500, .most = 5 };
	EXPECT_EQ(0, lb_room_refuse(&conf, self->hops));
	test_table.most = 4;
	EXPECT_EQ(-ENOSPC, lb_room_refuse(&conf, self->hops));
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(1, n_hints);
	EXPECT_NE(NULL, strstr(last_err, "for 5 neighbours: the kernel's table, of all"));
	EXPECT_NE(NULL, strstr(last_err, "takes 4: gc_thresh3 of IPv4"));
	set_backends("fd00::1", 5);
	EXPECT_EQ(-ENOSPC, lb_room_refuse(&conf, self->hops));
	EXPECT_NE(NULL, strstr(last_err, "gc_thresh3 of IPv6"));
	/* The kernel was asked for no neighbour. */
	EXPECT_NE(0, sh("ip neigh show nud all | grep -q '10.0.0.1[1-5]'"));
}

TEST(cure)
{
	char buf[LB_NEIGH_CURE];

	lb_neigh_cure(AF_INET, 4096, buf);
	EXPECT_NE(NULL, strstr(buf, "sysctl -w net.ipv4.neigh.default.gc_thresh3=8192 "));
	EXPECT_NE(NULL, strstr(buf, " net.ipv4.neigh.default.gc_thresh2=4096"));
	lb_neigh_cure(AF_INET6, 4097, buf);
	EXPECT_NE(NULL, strstr(buf, "net.ipv6.neigh.default.gc_thresh3=16384"));
	lb_neigh_cure(AF_INET, 1, buf);
	EXPECT_NE(NULL, strstr(buf, "gc_thresh3=2048"));
}

/* --- messages ------------------------------------------------------------------ */

TEST_F(nexthop, one_cause_one_message)
{
	set_backends("198.51.100.", 5);
	get_all(self);
	EXPECT_EQ(1, n_errs);
	EXPECT_STREQ("failed to find a route to 198.51.100.1 and 4 more", last_err);
	get_all(self);
	EXPECT_EQ(1, n_errs);
	/* Two causes at a time are two messages. */
	ASSERT_EQ(0, sh("ip route add 198.51.100.0/24 via 10.0.0.2"));
	get_all(self);
	EXPECT_EQ(1, n_errs);
	ASSERT_EQ(0, sh("ip route del 198.51.100.0/24; ip addr add 198.51.100.1/32 dev lo;"
			"ip addr add 198.51.100.3/32 dev lo"));
	get_all(self);
	EXPECT_EQ(3, n_errs);
	EXPECT_STREQ("failed to find a route to 198.51.100.2 and 2 more", last_err);
	ASSERT_EQ(0, sh("for i in 2 4 5; do ip addr add 198.51.100.$i/32 dev lo; done"));
	get_all(self);
	EXPECT_EQ(4, n_errs);
	EXPECT_NE(NULL, strstr(last_err, "198.51.100.2 and 2 more: they are addresses of"));
}

/* When one neighbour gets in, another drops out, without end: that is still one message. */
TEST_F(nexthop, full_table)
{
	unsigned int i;

	set_backends("10.0.0.1", 8);
	test_table = (struct lb_neigh_table) { .entries = 1024, .most = 1024 };
	n_room = 3;
	get_all(self);
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(1, n_hints);
	EXPECT_NE(NULL, strstr(last_err, "to find 5 neighbours: the kernel's table, of all"));
	EXPECT_NE(NULL, strstr(last_err, "is full: gc_thresh3 of IPv4 is 1024"));
	for (i = 0; i < 20; i++) {
		sh("ip neigh del 10.0.0.1%u dev n0 2>/dev/null", i % 8 + 1);
		n_room = 1;
		get_all(self);
	}
	EXPECT_EQ(1, n_errs);
	/* There is room again. */
	n_room = UINT_MAX;
	get_all(self);
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(0, self->hops->tolds.n);
}

TEST_F(nexthop, full_table_of_ipv6)
{
	set_backends("fd00::1", 8);
	test_table = (struct lb_neigh_table) { .entries = 1024, .most = 1024 };
	n_room = 3;
	get_all(self);
	EXPECT_EQ(1, n_errs);
	EXPECT_EQ(1, n_hints);
	EXPECT_NE(NULL, strstr(last_err, "to find 5 neighbours: "));
	EXPECT_NE(NULL, strstr(last_err, "is full: gc_thresh3 of IPv6 is 1024"));
}

/* The message about one full table does not delay the message about the other one. */
TEST_F(nexthop, full_tables_of_both_families)
{
	test_table = (struct lb_neigh_table) { .entries = 1024, .most = 1024 };
	n_room = 0;
	set_backends("10.0.0.1", 8);
	get_all(self);
	EXPECT_EQ(1, n_errs);
	set_backends("fd00::1", 8);
	get_all(self);
	EXPECT_EQ(2, n_errs);
	EXPECT_NE(NULL, strstr(last_err, "is full: gc_thresh3 of IPv6 is 1024"));
	get_all(self);
	EXPECT_EQ(2, n_errs);
}

TEST_HARNESS_MAIN
