/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of the health checks of samples/xdp_lb: a network namespace for each
 * test, and all kinds of servers to check. The servers run in the thread of the test.
 * Include test_harness.h first.
 */
#ifndef _SELFTESTS_XDP_LB_HEALTH_TEST_H
#define _SELFTESTS_XDP_LB_HEALTH_TEST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include "test_messages.h"
#include "test_net.h"
#include "test_root.h"
#include "parts/xdp_lb/health/health.h"

#define MS	1000000ULL
#define SECOND	1000000000ULL

enum {
	CONNS_MAX = 1024,
	TIMES_MAX = 8,
};

/**
 * enum server_end - what a server does after its answer
 * @END_CLOSE: it closes the connection
 * @END_KEEP: it waits for the client to close the connection
 * @END_RESET: it closes the connection with a RST
 */
enum server_end {
	END_CLOSE,
	END_KEEP,
	END_RESET,
};

/**
 * struct server - how a server answers, and what it has seen
 * @greeting: what it sends first; NULL: it waits for a request
 * @answer: what it sends after a request; NULL: it sends nothing, and goes on with @end
 * @repeat: what it sends after @answer, again and again; may be NULL
 * @end: what it does after the answer
 * @drip_ms: time between two bytes of @answer; 0: all at once
 * @ignores_fin: it keeps the connection open when the client closes
 * @fd: listening socket
 * @accepted: number of connections that it has accepted
 * @ends: number of connections that the client has closed or reset
 * @resets: number of connections that the client has reset
 * @times: when it accepted the first connections, CLOCK_MONOTONIC, nanoseconds
 * @request: the last request
 */
struct server {
	const char *greeting;
	const char *answer;
	const char *repeat;
	enum server_end end;
	unsigned int drip_ms;
	bool ignores_fin;
	int fd;
	unsigned int accepted;
	unsigned int ends;
	unsigned int resets;
	__u64 times[TIMES_MAX];
	char request[1024];
};

/**
 * struct conn - a connection of a server, or its listening socket
 * @server: the server; NULL: the entry is free
 * @fd: socket
 * @listens: this is the listening socket
 * @asked: a whole request has come, or the server does not wait for one
 * @n_request: bytes of the request so far
 * @sent: bytes of the answer so far
 * @next_ns: when to send the next byte, CLOCK_MONOTONIC, nanoseconds
 */
struct conn {
	struct server *server;
	int fd;
	bool listens;
	bool asked;
	size_t n_request;
	size_t sent;
	__u64 next_ns;
};

static struct conn conns[CONNS_MAX];
static int serve_fd = -1;

static inline __u64 test_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline struct conn *add_conn(struct server *server, int fd, bool listens)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *conn = conns;

	while (conn < conns + CONNS_MAX && conn->server)
		conn++;
	if (conn == conns + CONNS_MAX) {
		close(fd);
		return NULL;
	}
	*conn = (struct conn) { .server = server, .fd = fd, .listens = listens };
	ev.data.ptr = conn;
	epoll_ctl(serve_fd, EPOLL_CTL_ADD, fd, &ev);
	return conn;
}

/* Returns 0 or a negative errno. */
static inline int start_server(struct server *server, const char *addr, __u16 port)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, addr, port);
	int one = 1;

	if (serve_fd < 0)
		serve_fd = epoll_create1(EPOLL_CLOEXEC);
	server->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server->fd, (void *)&to, len) || listen(server->fd, 100) ||
	    !add_conn(server, server->fd, true))
		return -errno;
	return 0;
}

static inline void end_conn(struct conn *conn)
{
	close(conn->fd);
	conn->server = NULL;
}

static inline void stop_server(struct server *server)
{
	struct conn *conn;

	for (conn = conns; conn < conns + CONNS_MAX; conn++) {
		if (conn->server == server)
			end_conn(conn);
	}
}

static inline void accept_conn(struct server *server)
{
	int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *conn;

	if (fd < 0)
		return;
	if (server->accepted < TIMES_MAX)
		server->times[server->accepted] = test_now_ns();
	server->accepted++;
	conn = add_conn(server, fd, false);
	if (!conn || !server->greeting)
		return;
	send(fd, server->greeting, strlen(server->greeting), MSG_NOSIGNAL);
	/* A server with a @repeat goes on sending without a request. */
	conn->asked = server->repeat;
}

/* Poll for a reset only: the FIN would make the socket readable for ever. */
static inline void ignore_fin(struct conn *conn)
{
	struct epoll_event ev = { .data.ptr = conn };

	epoll_ctl(serve_fd, EPOLL_CTL_MOD, conn->fd, &ev);
}

static inline void end_of_client(struct conn *conn, bool reset)
{
	conn->server->ends++;
	conn->server->resets += reset;
	end_conn(conn);
}

static inline void read_request(struct conn *conn)
{
	struct server *server = conn->server;
	char *to = server->request + conn->n_request;
	ssize_t n = read(conn->fd, to, sizeof(server->request) - 1 - conn->n_request);

	if (n < 0 && errno == EAGAIN)
		return;
	if (!n && server->ignores_fin) {
		ignore_fin(conn);
		return;
	}
	if (n <= 0) {
		end_of_client(conn, n < 0);
		return;
	}
	conn->n_request += n;
	to[n] = '\0';
	if (strstr(server->request, "\r\n\r\n"))
		conn->asked = true;
}

static inline void end_answer(struct conn *conn)
{
	struct linger linger = { .l_onoff = 1 };

	if (conn->server->end == END_KEEP)
		return;
	if (conn->server->end == END_RESET)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	end_conn(conn);
}

static inline void send_repeat(struct conn *conn)
{
	const char *text = conn->server->repeat;
	int i;

	/* A partial send does no harm: nobody looks at where one text ends. */
	for (i = 0; i < 100; i++) {
		if (send(conn->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			break;
	}
}

static inline void send_answer(struct conn *conn)
{
	const struct server *server = conn->server;
	size_t len = server->answer ? strlen(server->answer) : 0;
	size_t want = server->drip_ms && conn->sent < len ? 1 : len - conn->sent;
	ssize_t n;

	if (conn->sent == len && server->repeat) {
		send_repeat(conn);
		return;
	}
	if (test_now_ns() < conn->next_ns)
		return;
	n = send(conn->fd, server->answer + conn->sent, want, MSG_NOSIGNAL);
	/* The kernel reports a reset once, to the first call: here to send(), not to read(). */
	if (n < 0 && errno == ECONNRESET) {
		end_of_client(conn, true);
		return;
	}
	if (n > 0)
		conn->sent += n;
	conn->next_ns = test_now_ns() + server->drip_ms * 1000000ULL;
	if (conn->sent == len && !server->repeat)
		end_answer(conn);
}

/* Let each server do what it can do without waiting. */
static inline void serve(void)
{
	struct epoll_event ev[64];
	struct conn *conn;
	int i, n;

	n = epoll_wait(serve_fd, ev, 64, 0);
	for (i = 0; i < n; i++) {
		conn = ev[i].data.ptr;
		if (!conn->server)
			continue;
		if (conn->listens)
			accept_conn(conn->server);
		else if (conn->server->ignores_fin && ev[i].events & EPOLLERR)
			end_of_client(conn, true);
		else
			read_request(conn);
	}
	for (conn = conns; conn < conns + CONNS_MAX; conn++) {
		if (conn->server && conn->asked)
			send_answer(conn);
	}
}

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
