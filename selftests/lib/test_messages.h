/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the place of libsample's messages: what the code under test would have told is kept
 * and counted.
 */
#ifndef _SELFTESTS_TEST_MESSAGES_H
#define _SELFTESTS_TEST_MESSAGES_H

#include <stdarg.h>
#include <stdio.h>
#include "lib/called.h"
#include "lib/log.h"
#include "lib/refused.h"

static char last_err[512];
static unsigned int n_errs, n_hints;

void pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_err, sizeof(last_err), fmt, ap);
	va_end(ap);
	n_errs++;
}

void pr_hint(const char *fmt, ...)
{
	n_hints++;
}

/* Why does not matter to the code under test. */
bool sample_refused(int err, unsigned int needs, const char *fmt, ...)
{
	return false;
}

const char *sample_called(void)
{
	return "called";
}

const char *sample_called_script(const char *name, char buf[SAMPLE_CALLED_LEN])
{
	return name;
}

#endif /* _SELFTESTS_TEST_MESSAGES_H */
