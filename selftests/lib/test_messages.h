/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replaces the message functions of samples/lib. The code under test prints nothing: the
 * last error message is kept, errors and hints are counted.
 */
#ifndef _SELFTESTS_TEST_MESSAGES_H
#define _SELFTESTS_TEST_MESSAGES_H

#include <stdarg.h>
#include <stdio.h>
#include "lib/called.h"
#include "lib/log.h"
#include "lib/refused.h"
#include "test_wrap.h"

TEST_WRAPS(pr_err);
TEST_WRAPS(pr_hint);
TEST_WRAPS(pr_hint_doctor);
TEST_WRAPS(sample_refused);
TEST_WRAPS(sample_called);
TEST_WRAPS(sample_called_script);

static char last_err[512];
static unsigned int n_errs, n_hints;

void __wrap_pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_err, sizeof(last_err), fmt, ap);
	va_end(ap);
	n_errs++;
}

void __wrap_pr_hint(const char *fmt, ...)
{
	n_hints++;
}

void __wrap_pr_hint_doctor(void)
{
	n_hints++;
}

/* The real one explains an error of the kernel; the code under test does not need that. */
bool __wrap_sample_refused(int err, unsigned int needs, const char *fmt, ...)
{
	return false;
}

const char *__wrap_sample_called(void)
{
	return "called";
}

const char *__wrap_sample_called_script(const char *name, char buf[SAMPLE_CALLED_LEN])
{
	return name;
}

#endif /* _SELFTESTS_TEST_MESSAGES_H */
