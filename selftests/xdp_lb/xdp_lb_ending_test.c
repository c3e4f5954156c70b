// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/parts/xdp_lb/health/ending.c: what a server sees of the end of a check, and
 * what the checks leave behind.
 */
#include <signal.h>
#include <sys/wait.h>
#include "test_harness.h"
#include <linux/types.h>
#include <stdbool.h>
#include "xdp_lb_health_test.h"

/* Each of four servers sees ten checks close their connections. No check resets one. */
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

/* Each target has one connection in TIME_WAIT: the next check takes its port again. */
TEST_F(health, one_time_wait)
{
	struct server server = { .answer = GOOD, .end = END_KEEP };

	end_well(_metadata, self, &server);
	EXPECT_LE(1, count_time_wait());
	EXPECT_GE(4, count_time_wait());
	EXPECT_EQ(0, lb_health_set(self->health, NULL, 0));
	/* Less than LB_END_MS: a connection is over when the server's FIN comes. */
	run_for(_metadata, self, 500);
	EXPECT_EQ(NULL, self->health->endings.first);
	EXPECT_GE(4, count_time_wait());
}

/* Without TCP timestamps the kernel refuses a port in TIME_WAIT: each check has its own port. */
TEST_F(health, without_timestamps)
{
	struct server server = { .answer = GOOD, .end = END_KEEP };
	unsigned int i;

	ASSERT_EQ(0, system("echo 0 >/proc/sys/net/ipv4/tcp_timestamps"));
	end_well(_metadata, self, &server);
	EXPECT_LE(4 * 8, count_time_wait());
	/* A check does not try the old port again: that would fail every second check. */
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(self->health->watches[i]->probe.takes_no_port);
	EXPECT_EQ(0, n_errs);
}

/* The check reads what the server says: a close with unread data would be a RST. */
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

/*
 * A server that does not close gets a reset after LB_END_MS. A server that does not stop
 * sending gets one sooner: a check reads only so many bytes.
 */
TEST_F(health, one_check)
{
	struct server server = { .greeting = GOOD, .repeat = GOOD, .ignores_fin = true };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		add_target(_metadata, self, "127.0.0.1", PORT + i, &server, true)->check.type =
			LB_CHECK_TCP;
		self->targets[i].check.interval_ms = LONG_MS;
		server.repeat = NULL;
	}
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].resets, 1);
	EXPECT_GT(LB_END_MS * MS, test_now_ns() - self->servers[0].times[0]);
	run_until(_metadata, self, &self->servers[1].resets, 1);
	EXPECT_LE(LB_END_MS * MS, test_now_ns() - self->servers[1].times[0]);
	/* The reset ends this check's connection, not the next check, which has the same port. */
	EXPECT_GT(LONG_MS * MS, test_now_ns() - self->servers[1].times[0]);
}

/* The server's FIN wakes the loop up. */
TEST_F(health, over_when_the_server_ends)
{
	struct server server = { .answer = GOOD, .end = END_KEEP };
	struct pollfd pfd = { .fd = lb_health_fd(self->health), .events = POLLIN };
	struct lb_target *target;

	target = add_target(_metadata, self, "127.0.0.1", PORT, &server, true);
	target->check.type = LB_CHECK_TCP;
	target->check.interval_ms = LONG_MS;
	set_targets(_metadata, self);
	while (!self->health->endings.first)
		lb_health_run(self->health);
	while (!self->servers[0].ends)
		serve();
	ASSERT_EQ(1, poll(&pfd, 1, LB_END_MS / 2));
	lb_health_run(self->health);
	EXPECT_EQ(NULL, self->health->endings.first);
}

static bool has_asked(const struct lb_watch *watch)
{
	long size = 0;

	curl_easy_getinfo(watch->probe.easy, CURLINFO_REQUEST_SIZE, &size);
	return size;
}

/* Kill the process when the first check has sent its request, and the second one has ended. */
static void be_killed(struct _test_data_health *self)
{
	lb_health_set(self->health, self->targets, 1);
	while (!self->health->watches[0]->probe.easy || !has_asked(self->health->watches[0]))
		lb_health_run(self->health);
	lb_health_set(self->health, self->targets, 2);
	while (!self->health->endings.first)
		lb_health_run(self->health);
	raise(SIGKILL);
}

/*
 * The checks of a process that is killed. The connection that waits for an answer is reset.
 * The connection of a check that has ended is not.
 */
TEST_F(health, killed)
{
	struct server hangs = { .answer = "", .end = END_KEEP };
	struct server lingers = { .answer = GOOD, .end = END_KEEP, .ignores_fin = true };
	__u64 end;
	pid_t pid;

	add_target(_metadata, self, "127.0.0.1", PORT, &hangs, true)->check.interval_ms = LONG_MS;
	add_target(_metadata, self, "127.0.0.1", PORT + 1, &lingers, true)->check.type =
		LB_CHECK_TCP;
	self->targets[1].check.interval_ms = LONG_MS;
	pid = fork();
	if (!pid)
		be_killed(self);
	for (end = test_now_ns() + LONG_MS * MS; !self->servers[0].resets && test_now_ns() < end;)
		serve();
	waitpid(pid, NULL, 0);
	for (end = test_now_ns() + 100 * MS; test_now_ns() < end;)
		serve();
	EXPECT_EQ(1, self->servers[0].resets);
	EXPECT_EQ(1, self->servers[1].accepted);
	EXPECT_EQ(0, self->servers[1].resets);
}

/* A check does not wait for ever for a server that does not close, or does not stop sending. */
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
	/* For each target one check runs and one ends; the servers have the other files. */
	EXPECT_GE(2, self->health->endings.n);
	EXPECT_GE(files + 2 * 4 + 2 * self->servers[0].accepted, count_entries("/proc/self/fd"));
	ASSERT_EQ(0, lb_health_set(self->health, NULL, 0));
	run_for(_metadata, self, 1200);
	EXPECT_EQ(NULL, self->health->endings.first);
}

TEST_HARNESS_MAIN
