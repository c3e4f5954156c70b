// SPDX-License-Identifier: GPL-2.0
/* Replaces the message functions of samples/lib: see test_messages.h. */
#include <stdarg.h>
#include <stdio.h>
#include "test_messages.h"

char last_err[512];
unsigned int n_errs, n_hints;

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
