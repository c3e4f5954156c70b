/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A private instance of the trace pipe, for bpf_printk(). */
#ifndef _SAMPLES_LIB_TRACE_H
#define _SAMPLES_LIB_TRACE_H

#include <linux/types.h>
#include <stddef.h>

/**
 * struct sample_trace - a private instance of the trace buffer
 * @dir: directory of the instance
 * @fd: its trace pipe, or -1
 * @lines: how many lines of bpf_printk() were read
 * @lost: how many the kernel threw away, because the buffer was full
 * @len: bytes in @line
 * @line: a line of which the end was not read yet
 */
struct sample_trace {
	char dir[128];
	int fd;
	__u64 lines;
	__u64 lost;
	size_t len;
	char line[512];
};

int sample_trace_open(struct sample_trace *trace, const char *glob);
int sample_trace_show(void *ctx);
void sample_trace_summary(const struct sample_trace *trace);
void sample_trace_close(struct sample_trace *trace);

#endif /* _SAMPLES_LIB_TRACE_H */
