/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Read lines of bpf_printk() from a trace instance of our own. */
#ifndef _SAMPLES_LIB_TRACE_H
#define _SAMPLES_LIB_TRACE_H

#include <linux/types.h>
#include <stddef.h>

/**
 * struct sample_trace - a trace instance of our own
 * @dir: directory of the instance
 * @fd: trace_pipe of the instance, or -1
 * @lines: number of lines of bpf_printk() that were read
 * @lost: number of lines that the kernel dropped because the trace buffer was full
 * @len: bytes in @line
 * @line: start of a line whose end was not read yet
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
