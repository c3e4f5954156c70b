/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the targets of libFuzzer. The message functions format their messages, so that the
 * sanitizers check the arguments, but do not print them.
 */
#ifndef _SELFTESTS_FUZZ_USER_H
#define _SELFTESTS_FUZZ_USER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "lib/config.h"
#include "lib/log.h"

/* libFuzzer calls this as LLVMFuzzerTestOneInput() with each input. Returns 0. */
int fuzz_input(const __u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

/* The options of the sample, all with default values. */
struct sample_config sample;

#define MAKE_MESSAGES(function)			\
void function(const char *fmt, ...)		\
{						\
	char text[4096];			\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	vsnprintf(text, sizeof(text), fmt, ap);	\
	va_end(ap);				\
}

MAKE_MESSAGES(pr_err)
MAKE_MESSAGES(pr_info)
MAKE_MESSAGES(pr_hint)

void pr_hint_doctor(void)
{
}

/* No target writes to a file, so there is no hint to give. */
void sample_hint_file(int fd, int err)
{
}

#endif /* _SELFTESTS_FUZZ_USER_H */
