// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_ending.c: what a server sees of the end of a health check, and
 * what the checks leave behind.
 */
#include "sample.h"
#include <kselftest_harness.h>
#include "xdp_lb_health_test.h"

/* A server sees a client that leaves, and none is reset. It says something at first, or not. */
static void end_well(struct __test_metadata *_metadata, struct _test_data_health *self,
		     const struct server *server)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		add_target(_metadata, self, i % 2 ? "::1" : "127.0.0.1", PORT + i, server, true)
			->check.type = i < 2 ? LB_CHECK_HTTP : LB_CHECK_TCP;
	set_targets(_metadata, self);
	for (i = 0; i < 4; i++)
		run_until(_metadata, self, &self->servers[i].ends, 10);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, self->servers[i].resets);
	EXPECT_EQ(0, self->n_calls);
}

/* One connection in TIME_WAIT for each: the next one takes its place. */
TEST_F(health, one_time_wait)
{
	struct server server = { .answer = GOOD, .end = END_KEEP };

	end_well(_metadata, self, &server);
	EXPECT_LE(1, count_time_wait());
	EXPECT_GE(4, count_time_wait());
	EXPECT_EQ(0, lb_health_set(self->health, NULL, 0));
	run_for(_metadata, self, 50);
	EXPECT_GE(4, count_time_wait());
}

/* Without timestamps the kernel does not let it: each has a port of its own. */
TEST_F(health, without_timestamps)
{
	struct server server = { .answer = GOOD, .end = END_KEEP };

	ASSERT_EQ(0, system("echo 0 >/proc/sys/net/ipv4/tcp_timestamps"));
	end_well(_metadata, self, &server);
	EXPECT_LE(4 * 8, count_time_wait());
	EXPECT_EQ(0, n_errs);
}

/* What it says is read: a close with data unread would be a RST. */
TEST_F(health, server_that_speaks_first)
{
	struct server server = { .greeting = "220 mail.example.org ready\r\n",
				 .answer = GOOD, .end = END_KEEP };

	add_target(_metadata, self, "127.0.0.1", PORT, &server, true)->check.type = LB_CHECK_TCP;
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].ends, 10);
	EXPECT_EQ(0, self->servers[0].resets);
	EXPECT_EQ(0, self->n_calls);
}

/* It is not waited for without end, nor is one that never stops. */
TEST_F(health, server_that_does_not_close)
{
	struct server server = { .answer = GOOD, .end = END_KEEP, .ignores_fin = true };
	struct server sends = { .greeting = GOOD, .repeat = GOOD, .ignores_fin = true };
	unsigned int files = count_entries("/proc/self/fd");

	add_target(_metadata, self, "127.0.0.1", PORT, &server, true);
	add_target(_metadata, self, "127.0.0.1", PORT + 1, &sends, true)->check.type =
		LB_CHECK_TCP;
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].resets, 3);
	run_until(_metadata, self, &self->servers[1].resets, 3);
	EXPECT_EQ(0, self->n_calls);
	/* Of each target one runs and one ends; the others are the servers'. */
	EXPECT_GE(files + 2 * 4 + 2 * self->servers[0].accepted, count_entries("/proc/self/fd"));
	ASSERT_EQ(0, lb_health_set(self->health, NULL, 0));
	run_for(_metadata, self, 1200);
	EXPECT_EQ(NULL, self->health->endings.first);
}

TEST_HARNESS_MAIN
