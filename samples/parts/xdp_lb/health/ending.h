/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Connections of health checks, after the check: they end as a client ends them. */
#ifndef _SAMPLES_XDP_LB_ENDING_H
#define _SAMPLES_XDP_LB_ENDING_H

#include <stdbool.h>
#include <linux/types.h>

enum {
	/* Time for the other side to send its FIN, and what it still has to send. */
	LB_END_MS = 1000,
};

struct lb_ending;

/**
 * struct lb_endings - connections that wait for the other side's FIN
 * @epoll_fd: readable when lb_endings_run() has something to do
 * @first: the connection that has waited for the longest time
 * @last: the connection that was added last
 * @n: number of connections
 * @most: if there are more, @first is reset
 */
struct lb_endings {
	int epoll_fd;
	struct lb_ending *first;
	struct lb_ending *last;
	unsigned int n;
	unsigned int most;
};

int lb_endings_open(struct lb_endings *endings);
void lb_endings_add(struct lb_endings *endings, int fd);
void lb_endings_run(struct lb_endings *endings);
__u64 lb_endings_next(const struct lb_endings *endings);
void lb_endings_close(struct lb_endings *endings);

#endif /* _SAMPLES_XDP_LB_ENDING_H */
