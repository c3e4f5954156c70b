/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Messages on stderr. */
#ifndef _SAMPLES_LIB_LOG_H
#define _SAMPLES_LIB_LOG_H

#include <stddef.h>

__printf(1, 2) void pr_err(const char *fmt, ...);
__printf(1, 2) void pr_info(const char *fmt, ...);
__printf(1, 2) void pr_hint(const char *fmt, ...);
void pr_hint_doctor(void);
void pr_hint_help(void);
void sample_log_init(void);
void sample_log_keep(char *err, char *hint, size_t size);

#endif /* _SAMPLES_LIB_LOG_H */
