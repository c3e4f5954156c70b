// SPDX-License-Identifier: GPL-2.0
/* Servers for the tests of the health checks: see xdp_lb_servers.h. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "test_net.h"
#include "xdp_lb_servers.h"

enum {
	CONNS_MAX = 1024,
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
int serve_fd = -1;

__u64 test_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct conn *add_conn(struct server *server, int fd, bool listens)
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

int start_server(struct server *server, const char *addr, __u16 port)
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

static void end_conn(struct conn *conn)
{
	close(conn->fd);
	conn->server = NULL;
}

void stop_server(struct server *server)
{
	struct conn *conn;

	for (conn = conns; conn < conns + CONNS_MAX; conn++) {
		if (conn->server == server)
			end_conn(conn);
	}
}

static void accept_conn(struct server *server)
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
static void ignore_fin(struct conn *conn)
{
	struct epoll_event ev = { .data.ptr = conn };

	epoll_ctl(serve_fd, EPOLL_CTL_MOD, conn->fd, &ev);
}

static void end_of_client(struct conn *conn, bool reset)
{
	conn->server->ends++;
	conn->server->resets += reset;
	end_conn(conn);
}

static void read_request(struct conn *conn)
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

static void end_answer(struct conn *conn)
{
	struct linger linger = { .l_onoff = 1 };

	if (conn->server->end == END_KEEP)
		return;
	if (conn->server->end == END_RESET)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	end_conn(conn);
}

static void send_repeat(struct conn *conn)
{
	const char *text = conn->server->repeat;
	int i;

	/* A partial send does no harm: nobody looks at where one text ends. */
	for (i = 0; i < 100; i++) {
		if (send(conn->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			break;
	}
}

static void send_answer(struct conn *conn)
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

void serve(void)
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
