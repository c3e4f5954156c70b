/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The data of health/health.c; parts/xdp_lb/user.h has its functions. */
#ifndef _SAMPLES_XDP_LB_HEALTH_H
#define _SAMPLES_XDP_LB_HEALTH_H

#include <curl/curl.h>
#include "parts/xdp_lb/health/ending.h"
#include "parts/xdp_lb/health/probe.h"
#include "parts/xdp_lb/user.h"

enum {
	/* Files that the rest of the program has open. */
	LB_OTHER_FILES = 128,
};

/**
 * struct lb_watch - a target and its checks
 * @probe: the check that runs, if any
 * @target: what is checked; @target.up is its present state
 * @due_ns: time of the next check
 * @grid_ns: checks are due at this time, and at whole intervals after it
 * @against: results in a row that contradict @target.up
 */
struct lb_watch {
	struct lb_probe probe;
	struct lb_target target;
	__u64 due_ns;
	__u64 grid_ns;
	__u32 against;
};

/**
 * struct lb_health - health checks
 * @multi: handle of libcurl that runs the checks
 * @endings: connections of checks that are done
 * @epoll_fd: has the sockets of @multi, @timer_fd, and the epoll of @endings
 * @timer_fd: expires at @curl_ns, @next_ns or lb_endings_next(), whichever is first
 * @curl_ns: when libcurl wants to be called
 * @next_ns: no check is due before
 * @complain_ns: no error about this host is printed before
 * @fn: called when a target goes up or down
 * @ctx: handed to @fn
 * @watches: targets with a check
 * @n: number of entries of @watches
 */
struct lb_health {
	CURLM *multi;
	struct lb_endings endings;
	int epoll_fd;
	int timer_fd;
	__u64 curl_ns;
	__u64 next_ns;
	__u64 complain_ns;
	lb_health_fn fn;
	void *ctx;
	struct lb_watch **watches;
	unsigned int n;
};

#endif /* _SAMPLES_XDP_LB_HEALTH_H */
