/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The event loop: signals, timers, and one file descriptor of the sample. */
#ifndef _SAMPLES_LIB_LOOP_H
#define _SAMPLES_LIB_LOOP_H

#include <stdbool.h>

/**
 * struct sample_loop_ops - callbacks of the event loop
 * @tick: called once per interval of -I; may be NULL
 * @fd: file descriptor to wait for besides signals and timers, or -1
 * @readable: called when @fd is readable; a negative errno ends the loop
 * @hangup: called on SIGHUP; NULL: SIGHUP ends the loop
 * @ctx: argument for all callbacks
 */
struct sample_loop_ops {
	void (*tick)(void *ctx);
	int fd;
	int (*readable)(void *ctx);
	void (*hangup)(void *ctx);
	void *ctx;
};

int sample_loop_init(void);
int sample_loop_run(const struct sample_loop_ops *ops);
void sample_loop_stop(void);
bool sample_loop_stopped(void);
bool sample_count_reached(void);
bool sample_count_is_full(void);

#endif /* _SAMPLES_LIB_LOOP_H */
