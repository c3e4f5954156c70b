// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the health checks of samples/xdp_lb: when they run, how their results add up,
 * hundreds of checks, and a list of targets that changes while checks run.
 */
#include "lib/util.h"
#include "test_harness.h"
#include <linux/types.h>
#include <stdbool.h>
#include "xdp_lb_health_test.h"

/* --- rise and fall ------------------------------------------------------------------- */

/* @answers: results of the checks, '+' or '-'. @told: the call after each of them; '.': none. */
static void script(struct __test_metadata *_metadata, struct _test_data_health *self,
		   const char *answers, const char *told)
{
	struct server *server = &self->servers[0];
	unsigned int i, calls;

	for (i = 0; answers[i]; i++) {
		calls = self->n_calls;
		server->answer = answers[i] == '+' ? GOOD : BAD;
		/* The result counts before the next check starts. */
		run_until(_metadata, self, &server->accepted, i + 1);
		run_until(_metadata, self, &server->ends, i + 1);
		EXPECT_EQ(calls + (told[i] != '.'), self->n_calls)
			TH_LOG("check %u of %s", i, answers);
		if (told[i] != '.')
			EXPECT_EQ(told[i] == '+', self->up[0]);
	}
	memset(server->times, 0, sizeof(server->times));
	server->accepted = 0;
	server->ends = 0;
	EXPECT_EQ(0, server->resets);
}

static void start_script(struct __test_metadata *_metadata, struct _test_data_health *self,
			 __u32 rise, __u32 fall, bool up)
{
	/* The client ends the connection when it has the answer. */
	struct server server = { .answer = GOOD, .end = END_KEEP };
	struct lb_target *target;

	target = add_target(_metadata, self, "127.0.0.1", PORT, &server, up);
	target->check.rise = rise;
	target->check.fall = fall;
	set_targets(_metadata, self);
}

TEST_F(health, rise_2_fall_3)
{
	start_script(_metadata, self, 2, 3, true);
	script(_metadata, self, "+--+--+---+-+-++--++---", ".........-.....+......-");
}

TEST_F(health, rise_1_fall_1)
{
	start_script(_metadata, self, 1, 1, false);
	script(_metadata, self, "--+-+--++", "..+-+-.+.");
}

TEST_F(health, rise_3_from_down)
{
	start_script(_metadata, self, 3, 1, false);
	script(_metadata, self, "++-+++-", ".....+-");
}

/* --- timing -------------------------------------------------------------------------- */

/* Not before @when, but perhaps a little after it, because the machine is busy. */
static void near(struct __test_metadata *_metadata, __u64 when, __u64 ns, unsigned int i)
{
	EXPECT_LE(when, ns)
		TH_LOG("target %u: %llu us early", i, (unsigned long long)(when - ns) / 1000);
	EXPECT_GE(when + 500 * MS, ns)
		TH_LOG("target %u: %llu us late", i, (unsigned long long)(ns - when) / 1000);
}

/*
 * 10 targets, each checked every 2 s. Their first checks are spread over 1 s; after that, each
 * target keeps its own time within the 2 s.
 */
TEST_F(health, spread)
{
	struct server server = { .answer = GOOD };
	__u64 start, first, place;
	unsigned int i;

	for (i = 0; i < 10; i++)
		add_target(_metadata, self, "127.0.0.1", PORT + i, &server, true)
			->check.interval_ms = 2000;
	start = test_now_ns();
	set_targets(_metadata, self);
	for (i = 0; i < 10; i++)
		run_until(_metadata, self, &self->servers[i].accepted, 3);
	for (i = 0; i < 10; i++) {
		first = start + 100 * MS * i;
		/* The second check: in its place, at least half an interval after the first one. */
		place = start + 200 * MS * i;
		while (place < first + 1000 * MS)
			place += 2000 * MS;
		near(_metadata, first, self->servers[i].times[0], i);
		near(_metadata, place, self->servers[i].times[1], i);
		near(_metadata, place + 2000 * MS, self->servers[i].times[2], i);
	}
}

/* A check may take longer than the interval: it goes on, and the next one starts after it. */
TEST_F(health, long_check_is_let_run)
{
	struct server server = { .answer = "", .end = END_KEEP };

	add_target(_metadata, self, "127.0.0.1", PORT, &server, true)->check.timeout_ms = 1000;
	set_targets(_metadata, self);
	run_for(_metadata, self, 600);
	EXPECT_EQ(1, self->servers[0].accepted);
	run_until(_metadata, self, &self->servers[0].accepted, 2);
	EXPECT_LE(self->servers[0].times[0] + 950 * MS, self->servers[0].times[1]);
	EXPECT_STREQ("no answer in 1000 ms", self->why[0]);
}

/* After a pause, checks that were missed are not made up for. */
TEST_F(health, missed_checks_are_left_out)
{
	struct server server = { .answer = GOOD };
	unsigned int before;

	add_target(_metadata, self, "127.0.0.1", PORT, &server, true)->check.interval_ms = 100;
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].accepted, 2);
	before = self->servers[0].accepted;
	usleep(1500 * 1000);
	run_for(_metadata, self, 250);
	EXPECT_LE(before + 1, self->servers[0].accepted);
	EXPECT_GE(before + 4, self->servers[0].accepted);
}

/* With nothing to do, the file descriptor stays quiet, so the loop sleeps. */
TEST_F(health, fd_is_quiet_between_checks)
{
	struct server server = { .answer = GOOD };
	struct pollfd fd = { .fd = lb_health_fd(self->health), .events = POLLIN };

	EXPECT_EQ(0, poll(&fd, 1, 50));
	add_target(_metadata, self, "127.0.0.1", PORT, &server, true)->check.interval_ms = 5000;
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].accepted, 1);
	run_for(_metadata, self, 300);
	EXPECT_EQ(0, poll(&fd, 1, 1000));
	EXPECT_EQ(0, lb_health_set(self->health, NULL, 0));
	run_for(_metadata, self, 20);
	EXPECT_EQ(0, poll(&fd, 1, 50));
}

/* --- hundreds of them ---------------------------------------------------------------- */

static const struct {
	struct server server;
	__u32 type;
	__u32 timeout_ms;
	bool up;
} kinds[] = {
	{ { .answer = GOOD }, LB_CHECK_HTTP, LONG_MS, true },
	{ { .answer = GOOD }, LB_CHECK_TCP, LONG_MS, true },
	{ { .answer = "HTTP/1.1 301 x\r\nLocation: /x\r\n\r\n" }, LB_CHECK_HTTP, LONG_MS, true },
	{ { .answer = GOOD, .end = END_KEEP }, LB_CHECK_HTTP, LONG_MS, true },
	/* Nobody listens here. */
	{ { .answer = NULL }, LB_CHECK_TCP, LONG_MS, false },
	{ { .answer = NULL }, LB_CHECK_HTTP, LONG_MS, false },
	{ { .answer = "", .end = END_KEEP }, LB_CHECK_HTTP, SHORT_MS, false },
	{ { .answer = BAD }, LB_CHECK_HTTP, LONG_MS, false },
	{ { .answer = "220 mail\r\n" }, LB_CHECK_HTTP, LONG_MS, false },
	{ { .answer = "HTTP/1.1 200 OK\r\n", .repeat = "X: y\r\n" }, LB_CHECK_HTTP, LONG_MS,
	  false },
	{ { .answer = GOOD, .drip_ms = 20 }, LB_CHECK_HTTP, SHORT_MS, false },
};

static void add_hundreds(struct __test_metadata *_metadata, struct _test_data_health *self)
{
	struct lb_target *target;
	unsigned int i, kind;
	bool serves;
	char addr[32];

	for (i = 0; i < TARGETS_MAX; i++) {
		kind = i % ARRAY_SIZE(kinds);
		serves = kinds[kind].server.answer;
		snprintf(addr, sizeof(addr), "127.1.%u.%u", i / 100, 1 + i % 100);
		target = add_target(_metadata, self, i % 7 ? addr : "::1", PORT + i,
				    serves ? &kinds[kind].server : NULL, !kinds[kind].up);
		target->check.type = kinds[kind].type;
		target->check.timeout_ms = kinds[kind].timeout_ms;
		target->check.interval_ms = 500;
		target->check.rise = 2;
		target->check.fall = 2;
	}
}

TEST_F(health, three_hundred)
{
	unsigned int i, accepted = 0;
	__u64 start = test_now_ns();
	clock_t cpu = clock();

	add_hundreds(_metadata, self);
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->n_calls, TARGETS_MAX);
	printf("# %u targets: all told of after %llu ms\n", self->n,
	       (unsigned long long)(test_now_ns() - start) / 1000000);
	run_for(_metadata, self, 2000);
	for (i = 0; i < TARGETS_MAX; i++) {
		EXPECT_EQ(1, self->calls[i])
			TH_LOG("kind %zu", i % ARRAY_SIZE(kinds));
		EXPECT_EQ(kinds[i % ARRAY_SIZE(kinds)].up, self->up[i])
			TH_LOG("kind %zu: %s", i % ARRAY_SIZE(kinds), self->why[i]);
		accepted += self->servers[i].accepted;
	}
	printf("# %u connections, %llu ms of CPU, with the servers\n", accepted,
	       (unsigned long long)(clock() - cpu) * 1000 / CLOCKS_PER_SEC);
	EXPECT_EQ(1, count_entries("/proc/self/task"));
	EXPECT_EQ(0, n_errs)
		TH_LOG("%s", last_err);
}

/* --- a list that changes ------------------------------------------------------------- */

TEST_F(health, set_keeps_what_stays)
{
	struct server *server;

	start_script(_metadata, self, 2, 3, true);
	server = &self->servers[0];
	server->answer = BAD;
	run_until(_metadata, self, &server->ends, 2);
	/* Neither the new "up" nor the new target matters: two failures are still counted. */
	self->targets[0].up = false;
	add_target(_metadata, self, "127.0.0.1", PORT + 1, NULL, false);
	set_targets(_metadata, self);
	EXPECT_EQ(0, self->calls[0]);
	run_until(_metadata, self, &server->ends, 3);
	EXPECT_EQ(1, self->calls[0]);
	EXPECT_FALSE(self->up[0]);
	/* The target stays down, whatever "up" says. */
	self->targets[0].up = true;
	set_targets(_metadata, self);
	server->answer = GOOD;
	run_until(_metadata, self, &server->ends, 5);
	EXPECT_EQ(2, self->calls[0]);
	EXPECT_TRUE(self->up[0]);
}

TEST_F(health, set_starts_what_changed)
{
	struct lb_target *target = &self->targets[0];

	start_script(_metadata, self, 1, 3, true);
	self->servers[0].answer = BAD;
	run_until(_metadata, self, &self->servers[0].ends, 2);
	target->check.interval_ms = 51;
	set_targets(_metadata, self);
	/* The changed target goes down after three failures from now on. */
	run_until(_metadata, self, &self->servers[0].accepted, 4);
	EXPECT_EQ(0, self->n_calls);
	run_until(_metadata, self, &self->n_calls, 1);
	snprintf(target->check.path, sizeof(target->check.path), "/other");
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].accepted, self->servers[0].accepted + 2);
	EXPECT_EQ(0, strncmp(self->servers[0].request, "GET /other ", 11));
	snprintf(target->check.host, sizeof(target->check.host), "www.example.org");
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->servers[0].accepted, self->servers[0].accepted + 2);
	EXPECT_NE(NULL, strstr(self->servers[0].request, "\r\nHost: www.example.org\r\n"));
	/* Another port, then another address: nobody is there, and the target goes down again. */
	target->port = PORT + 1;
	set_targets(_metadata, self);
	self->n_calls = 0;
	run_until(_metadata, self, &self->n_calls, 1);
	EXPECT_STREQ("connection refused", self->why[0]);
	set_addr(&target->addr, UNREACHABLE);
	set_targets(_metadata, self);
	run_until(_metadata, self, &self->n_calls, 2);
	EXPECT_STREQ("no route to host", self->why[0]);
}

TEST_F(health, set_aborts_what_is_gone)
{
	struct server server = { .answer = "", .end = END_KEEP };
	unsigned int i;

	for (i = 0; i < 3; i++)
		add_target(_metadata, self, "127.0.0.1", PORT + i, &server, true);
	self->targets[0].check.timeout_ms = SHORT_MS;
	self->targets[2].check.type = LB_CHECK_TCP;
	set_targets(_metadata, self);
	for (i = 0; i < 3; i++)
		run_until(_metadata, self, &self->servers[i].accepted, 1);
	EXPECT_EQ(0, lb_health_set(self->health, self->targets + 1, 1));
	run_until(_metadata, self, &self->servers[0].ends, 1);
	/* The removed target: no call when its timeout would end, and no further check. */
	run_for(_metadata, self, 2 * SHORT_MS);
	EXPECT_EQ(0, self->n_calls);
	EXPECT_EQ(1, self->servers[0].accepted);
	EXPECT_EQ(0, self->servers[1].ends);
	self->targets[1].check.type = LB_CHECK_NONE;
	EXPECT_EQ(0, lb_health_set(self->health, self->targets + 1, 1));
	run_until(_metadata, self, &self->servers[1].ends, 1);
}

TEST_F(health, set_in_a_call)
{
	struct server server = { .answer = BAD };
	unsigned int i;

	for (i = 0; i < 20; i++)
		add_target(_metadata, self, "127.0.0.1", PORT + i, &server, true);
	set_targets(_metadata, self);
	self->set_in_call = true;
	run_until(_metadata, self, &self->n_calls, 1);
	run_for(_metadata, self, 300);
	EXPECT_EQ(1, self->n_calls);
}

TEST_F(health, set_refuses)
{
	struct lb_target bad[2], *target = &bad[0];
	unsigned int i, n;

	start_script(_metadata, self, 1, 1, false);
	for (i = 0; i < 9; i++) {
		bad[0] = self->targets[0];
		bad[1] = self->targets[0];
		bad[1].backend = 1;
		n = i == 0 ? 2 : 1;
		if (i == 0)
			bad[1].backend = 0;
		else if (i == 1)
			target->backend = LB_BACKENDS_MAX;
		else if (i == 2)
			target->port = 0;
		else if (i == 3)
			target->check.type = LB_CHECK_HTTP + 1;
		else if (i == 4)
			target->check.interval_ms = 0;
		else if (i == 5)
			target->check.timeout_ms = 0;
		else if (i == 6)
			snprintf(target->check.path, sizeof(target->check.path), "@127.0.0.2/");
		else if (i == 7)
			memset(target->check.host, 'h', sizeof(target->check.host));
		else
			memset(target->check.path, '/', sizeof(target->check.path));
		n_errs = 0;
		EXPECT_EQ(-EINVAL, lb_health_set(self->health, bad, n))
			TH_LOG("%u", i);
		EXPECT_EQ(1, n_errs);
	}
	/* The targets that were set before are still checked. */
	run_until(_metadata, self, &self->n_calls, 1);
}

TEST_F(health, set_leaks_no_files)
{
	static const struct server servers[] = { { .answer = GOOD },
						 { .answer = "", .end = END_KEEP } };
	unsigned int i, files;

	for (i = 0; i < 20; i++)
		add_target(_metadata, self, "127.0.0.1", PORT + i, &servers[i % 2], true);
	files = count_entries("/proc/self/fd");
	for (i = 0; i < 1000; i++) {
		/* Another half of the targets each time, and another check. */
		ASSERT_EQ(0, lb_health_set(self->health, self->targets + (i % 3 ? 0 : 10), 10));
		self->targets[i % 20].check.type = i % 2 ? LB_CHECK_HTTP : LB_CHECK_TCP;
		self->targets[i % 20].check.interval_ms = 1 + i % 50;
		step(_metadata, self);
	}
	for (i = 0; i < 20; i++)
		self->n_calls += self->servers[i].accepted;
	EXPECT_LT(500, self->n_calls);
	ASSERT_EQ(0, lb_health_set(self->health, NULL, 0));
	/* The servers must close their ends, too. */
	run_for(_metadata, self, 100);
	EXPECT_EQ(files, count_entries("/proc/self/fd"));
}

TEST_F(health, close_while_checks_run)
{
	unsigned int files = count_entries("/proc/self/fd"), i, k;

	add_hundreds(_metadata, self);
	for (i = 0; i < 5; i++) {
		set_targets(_metadata, self);
		for (k = 0; k < 20 * i; k++)
			step(_metadata, self);
		lb_health_close(self->health);
		ASSERT_EQ(0, lb_health_open(&self->health, on_change, self));
	}
	for (i = 0; i < TARGETS_MAX; i++)
		stop_server(&self->servers[i]);
	close(serve_fd);
	serve_fd = -1;
	EXPECT_EQ(files, count_entries("/proc/self/fd"));
	lb_health_close(NULL);
}

/* --- what this host lacks ------------------------------------------------------------ */

static rlim_t limit_files(rlim_t n)
{
	struct rlimit limit;
	rlim_t before;

	getrlimit(RLIMIT_NOFILE, &limit);
	before = limit.rlim_cur;
	limit.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &limit);
	return before;
}

/* If this host has no file left for a check, no backend is down. This is reported once. */
TEST_F(health, no_files_left)
{
	struct server server = { .answer = GOOD };
	rlim_t before;

	add_target(_metadata, self, "127.0.0.1", PORT, &server, true);
	add_target(_metadata, self, "127.0.0.1", PORT + 1, NULL, true)->check.type = LB_CHECK_TCP;
	set_targets(_metadata, self);
	/* Three files are open from the start, so none is left. poll() needs a limit of two. */
	before = limit_files(3);
	run_for(_metadata, self, 500);
	EXPECT_EQ(0, self->n_calls);
	EXPECT_EQ(1, n_errs);
	EXPECT_STREQ("failed to check backends: Too many open files", last_err);
	EXPECT_EQ(1, n_hints);
	limit_files(before);
	run_until(_metadata, self, &self->n_calls, 1);
	EXPECT_EQ(1, self->calls[1]);
}

TEST_F(health, open_fails_without_files)
{
	rlim_t before = limit_files(0);
	struct lb_health *health;

	EXPECT_EQ(-EMFILE, lb_health_open(&health, on_change, self));
	EXPECT_STREQ("failed to prepare health checks: Too many open files", last_err);
	limit_files(before);
}

/* The limit is raised to what the checks may need, and never lowered. */
TEST_F(health, open_files_are_allowed)
{
	limit_files(60);
	add_target(_metadata, self, "127.0.0.1", PORT, NULL, true);
	set_targets(_metadata, self);
	EXPECT_EQ(2 + LB_OTHER_FILES, limit_files(2000));
	set_targets(_metadata, self);
	EXPECT_EQ(2000, limit_files(2000));
}

TEST_HARNESS_MAIN
