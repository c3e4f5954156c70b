/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of samples/xdp_lb's configuration: keep messages instead of printing.
 * Include test_harness.h first.
 */
#ifndef _SELFTESTS_XDP_LB_CONFIG_TEST_H
#define _SELFTESTS_XDP_LB_CONFIG_TEST_H

#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "test_run.h"
#include "test_wrap.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "parts/xdp_lb/config/config.h"

/* --- messages ---------------------------------------------------------------------------- */

TEST_WRAPS(sample_refused);

bool __wrap_sample_refused(int err, unsigned int needs, const char *fmt, ...)
{
	return false;
}

/* Messages since forget(), one per line. */
static char errors[1024], infos[4096], hints[1024];

static inline void forget(void)
{
	*errors = '\0';
	*infos = '\0';
	*hints = '\0';
}

static inline void keep(char *to, size_t size, const char *fmt, va_list ap)
{
	size_t len = strlen(to);

	if (len)
		len += snprintf(to + len, size - len, "\n");
	vsnprintf(to + len, size - len, fmt, ap);
}

#define KEEP_MESSAGES(function, to)		\
TEST_WRAPS(function);				\
void __wrap_##function(const char *fmt, ...)	\
{						\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	keep(to, sizeof(to), fmt, ap);		\
	va_end(ap);				\
}

KEEP_MESSAGES(pr_err, errors)
KEEP_MESSAGES(pr_info, infos)
KEEP_MESSAGES(pr_hint, hints)

/* True if @text is @wanted. A '*' at the end of @wanted matches any rest. */
static inline bool matches(const char *wanted, const char *text)
{
	size_t len = strlen(wanted);

	if (len && wanted[len - 1] == '*')
		return !strncmp(wanted, text, len - 1);
	return !strcmp(wanted, text);
}

#endif /* _SELFTESTS_XDP_LB_CONFIG_TEST_H */
