// SPDX-License-Identifier: GPL-2.0
/*
 * How the connection of a health check ends. A server may take a RST for a broken client, or
 * for worse. So the connection ends as a client ends it: send a FIN, read what the server
 * still sends, and wait for its FIN. To close a socket with unread data would send a RST.
 *
 * The side that sends the first FIN has the connection in TIME_WAIT afterwards. There is one
 * for each backend, and not one for each check, because the next check takes the same port
 * again: health/probe.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <stdbool.h>
#include "lib/clock.h"
#include "parts/xdp_lb/health/ending.h"

enum {
	READ_MAX = 64 * 1024,
	READ_SIZE = 4096,
	ENDED_MAX = 64,
};

/**
 * struct lb_ending - a connection that has sent its FIN
 * @prev: the connection that was added before
 * @next: the connection that was added after
 * @fd: its socket
 * @until_ns: time when the connection is reset
 * @n_read: bytes that were read since our FIN
 */
struct lb_ending {
	struct lb_ending *prev;
	struct lb_ending *next;
	int fd;
	__u64 until_ns;
	size_t n_read;
};

enum progress {
	WAITING,
	/* The other side has sent its FIN. */
	OVER,
	/* The other side has reset the connection, or does not stop sending. */
	BROKEN,
};

/* Read all that has arrived, so that close() sends a FIN and not a RST. */
static enum progress drain(struct lb_ending *ending)
{
	char buf[READ_SIZE];
	ssize_t n;

	while (ending->n_read < READ_MAX) {
		n = recv(ending->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? WAITING : BROKEN;
		if (!n)
			return OVER;
		ending->n_read += n;
	}
	return BROKEN;
}

/* With @on, close() sends a RST, unless the other side has sent its FIN before. */
static void set_reset(int fd, bool on)
{
	struct linger linger = { .l_onoff = on };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void end(struct lb_endings *endings, struct lb_ending *ending, bool reset)
{
	if (ending->prev)
		ending->prev->next = ending->next;
	else
		endings->first = ending->next;
	if (ending->next)
		ending->next->prev = ending->prev;
	else
		endings->last = ending->prev;
	endings->n--;
	set_reset(ending->fd, reset);
	close(ending->fd);
	free(ending);
}

static void go_on(struct lb_endings *endings, struct lb_ending *ending)
{
	enum progress progress = drain(ending);

	if (progress != WAITING)
		end(endings, ending, progress == BROKEN);
}

static struct lb_ending *append(struct lb_endings *endings, int fd)
{
	struct lb_ending *ending = calloc(1, sizeof(*ending));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = ending };

	if (!ending || epoll_ctl(endings->epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		free(ending);
		return NULL;
	}
	ending->fd = fd;
	ending->until_ns = sample_now() + LB_END_MS * 1000000ULL;
	ending->prev = endings->last;
	if (endings->last)
		endings->last->next = ending;
	else
		endings->first = ending;
	endings->last = ending;
	endings->n++;
	return ending;
}

/**
 * lb_endings_add() - end a connection
 * @endings: takes the connection
 * @fd: its socket, which is closed, now or later
 */
void lb_endings_add(struct lb_endings *endings, int fd)
{
	struct lb_ending *ending = append(endings, fd);

	if (!ending) {
		close(fd);
		return;
	}
	/*
	 * Send a FIN now, and close the socket when the other side has sent its FIN. shutdown()
	 * disconnects a socket whose connection was never established; go_on() closes such a
	 * socket at once.
	 */
	set_reset(fd, false);
	shutdown(fd, SHUT_WR);
	go_on(endings, ending);
	if (endings->n > endings->most)
		end(endings, endings->first, true);
}

/**
 * lb_endings_run() - close connections that are over, reset those that take too long
 * @endings: connections
 */
void lb_endings_run(struct lb_endings *endings)
{
	struct epoll_event ev[ENDED_MAX];
	int i, n;

	n = epoll_wait(endings->epoll_fd, ev, ENDED_MAX, 0);
	for (i = 0; i < n; i++)
		go_on(endings, ev[i].data.ptr);
	while (endings->first && endings->first->until_ns <= sample_now())
		end(endings, endings->first, true);
}

/**
 * lb_endings_next() - when the next connection has taken too long
 * @endings: connections
 *
 * Return: time, as sample_now() returns it; UINT64_MAX: never.
 */
__u64 lb_endings_next(const struct lb_endings *endings)
{
	return endings->first ? endings->first->until_ns : UINT64_MAX;
}

/**
 * lb_endings_open() - prepare a list of connections
 * @endings: result; lb_endings_close() closes it, also after an error
 *
 * Return: 0, or a negative errno.
 */
int lb_endings_open(struct lb_endings *endings)
{
	*endings = (struct lb_endings) { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return endings->epoll_fd < 0 ? -errno : 0;
}

/**
 * lb_endings_close() - reset all connections that are left
 * @endings: connections
 */
void lb_endings_close(struct lb_endings *endings)
{
	while (endings->first)
		end(endings, endings->first, true);
	if (endings->epoll_fd >= 0)
		close(endings->epoll_fd);
	endings->epoll_fd = -1;
}
