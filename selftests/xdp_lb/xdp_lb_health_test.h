/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of the health checks of samples/xdp_lb: a network namespace for each
 * test, and targets with servers to check.
 * Include test_harness.h first.
 */
#ifndef _SELFTESTS_XDP_LB_HEALTH_TEST_H
#define _SELFTESTS_XDP_LB_HEALTH_TEST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <unistd.h>
#include <sys/resource.h>
#include "test_messages.h"
#include "test_net.h"
#include "test_root.h"
#include "xdp_lb_servers.h"
#include "parts/xdp_lb/health/health.h"

#define MS	1000000ULL
#define SECOND	1000000000ULL

/* --- the tests -------------------------------------------------------------------- */

enum {
	TARGETS_MAX = 300,
	PORT = 8080,
	/* Longer than anything takes, even on a slow machine. */
	LONG_MS = 10000,
	SHORT_MS = 300,
};

/* Addresses beside HOLE: one without a route, one with a route of type unreachable. */
#define NO_ROUTE	"198.51.100.2"
#define UNREACHABLE	"198.51.100.3"

#define GOOD	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BAD	"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

static const struct lb_check http_check = {
	.type = LB_CHECK_HTTP, .interval_ms = 50, .timeout_ms = LONG_MS, .rise = 1, .fall = 1,
	.path = "/healthz",
};

/* --- targets ----------------------------------------------------------------------- */

FIXTURE(health)
{
	struct lb_health *health;
	struct server servers[TARGETS_MAX];
	struct lb_target targets[TARGETS_MAX];
	unsigned int n;
	/* What on_change() was told about each target. */
	unsigned int calls[TARGETS_MAX];
	bool up[TARGETS_MAX];
	char why[TARGETS_MAX][LB_WHY_MAX];
	unsigned int n_calls;
	/* The next call of on_change() calls lb_health_set(). */
	bool set_in_call;
};

static void on_change(void *ctx, __u32 backend, bool up, const char *why)
{
	struct _test_data_health *self = ctx;

	self->calls[backend]++;
	self->n_calls++;
	self->up[backend] = up;
	snprintf(self->why[backend], LB_WHY_MAX, "%s", why);
	if (self->set_in_call) {
		self->set_in_call = false;
		lb_health_set(self->health, NULL, 0);
	}
}

FIXTURE_SETUP(health)
{
	if (test_lacks(NEED_NETNS))
		SKIP(return, "%s", test_lacked);
	ASSERT_EQ(0, test_lone_netns());
	ASSERT_EQ(0, system("ip route add unreachable " UNREACHABLE));
	ASSERT_EQ(0, lb_health_open(&self->health, on_change, self));
}

FIXTURE_TEARDOWN(health)
{
	unsigned int i;

	lb_health_close(self->health);
	for (i = 0; i < self->n; i++)
		stop_server(&self->servers[i]);
	if (serve_fd >= 0)
		close(serve_fd);
}

static inline void set_addr(struct lb_addr *to, const char *addr)
{
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, addr, &to->a[3]) == 1)
		to->a[2] = htonl(0xffff);
	else
		inet_pton(AF_INET6, addr, to);
}

/* Add a target and, if @server is not NULL, start a server at its address. */
static inline struct lb_target *
add_target(struct __test_metadata *_metadata, struct _test_data_health *self, const char *addr,
	   __u16 port, const struct server *server, bool up)
{
	struct lb_target *target = &self->targets[self->n];

	*target = (struct lb_target) { .backend = self->n, .port = port, .check = http_check,
				       .up = up };
	set_addr(&target->addr, addr);
	if (server) {
		self->servers[self->n] = *server;
		EXPECT_EQ(0, start_server(&self->servers[self->n], addr, port));
	}
	self->n++;
	return target;
}

static inline void set_targets(struct __test_metadata *_metadata, struct _test_data_health *self)
{
	ASSERT_EQ(0, lb_health_set(self->health, self->targets, self->n));
}

/* --- leftovers ----------------------------------------------------------------------- */

static inline unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	/* Without "." and "..". */
	return n - 2;
}

/* Number of sockets in TIME_WAIT in this network namespace. */
static inline unsigned int count_time_wait(void)
{
	static const char * const paths[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	unsigned int i, state, n = 0;
	char line[256];
	FILE *from;

	for (i = 0; i < 2; i++) {
		from = fopen(paths[i], "r");
		while (from && fgets(line, sizeof(line), from))
			n += sscanf(line, " %*d: %*s %*s %x", &state) == 1 && state == 6;
		if (from)
			fclose(from);
	}
	return n;
}

/* Run the checks and the servers: wait for an event, but 5 milliseconds at most. */
static inline void step(struct __test_metadata *_metadata, struct _test_data_health *self)
{
	struct pollfd fds[] = {
		{ .fd = lb_health_fd(self->health), .events = POLLIN },
		{ .fd = serve_fd, .events = POLLIN },
	};

	ASSERT_LE(0, poll(fds, 2, 5));
	if (fds[0].revents)
		ASSERT_EQ(0, lb_health_run(self->health));
	serve();
}

static inline void run_for(struct __test_metadata *_metadata, struct _test_data_health *self,
			   __u64 ms)
{
	__u64 end = test_now_ns() + ms * MS;

	while (test_now_ns() < end)
		step(_metadata, self);
}

/* Run until @counter is at least @n. */
static inline void run_until(struct __test_metadata *_metadata, struct _test_data_health *self,
			     const unsigned int *counter, unsigned int n)
{
	__u64 end = test_now_ns() + 25 * SECOND;

	while (*counter < n && test_now_ns() < end)
		step(_metadata, self);
	ASSERT_LE(n, *counter);
}

#endif /* _SELFTESTS_XDP_LB_HEALTH_TEST_H */
