/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All kinds of servers for the tests of the health checks of samples/xdp_lb. The servers run in
 * the thread of the test, which calls serve().
 */
#ifndef _SELFTESTS_XDP_LB_SERVERS_H
#define _SELFTESTS_XDP_LB_SERVERS_H

#include <stdbool.h>
#include <linux/types.h>

enum {
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

/* Readable if a server has something to do; -1: no server has been started. */
extern int serve_fd;

/* CLOCK_MONOTONIC, nanoseconds. */
__u64 test_now_ns(void);

/* Returns 0 or a negative errno. */
int start_server(struct server *server, const char *addr, __u16 port);

void stop_server(struct server *server);

/* Let each server do what it can do without waiting. */
void serve(void);

#endif /* _SELFTESTS_XDP_LB_SERVERS_H */
