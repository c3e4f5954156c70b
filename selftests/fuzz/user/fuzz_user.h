/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the targets of libFuzzer share: messages are made, so that what they say is
 * looked at by the sanitizers, and are not shown.
 */
#ifndef _SELFTESTS_FUZZ_USER_H
#define _SELFTESTS_FUZZ_USER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "lib/config.h"
#include "lib/log.h"

/* Called by libFuzzer, by its own name, with each input; returns 0. */
int fuzz_input(const __u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

/* Options, of which none is given. */
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

/* Nothing is written here. */
void sample_hint_file(int fd, int err)
{
}

#endif /* _SELFTESTS_FUZZ_USER_H */
