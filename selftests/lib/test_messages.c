// SPDX-License-Identifier: GPL-2.0
/* Replaces the message functions of samples/lib: see test_messages.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "test_messages.h"

char errors[1024], infos[4096], hints[1024];
char last_err[MESSAGE_MAX], last_info[MESSAGE_MAX];
unsigned int n_errs, n_infos, n_hints;

void forget(void)
{
	*errors = '\0';
	*infos = '\0';
	*hints = '\0';
}

/* Write a message to @last, and append it to @to as a line. What has no room is cut off. */
static void keep(char *to, size_t size, char *last, const char *fmt, va_list ap)
{
	size_t len = strlen(to);

	vsnprintf(last, MESSAGE_MAX, fmt, ap);
	if (len && len < size - 1) {
		to[len++] = '\n';
		to[len] = '\0';
	}
	strncat(to, last, size - len - 1);
}

void __wrap_pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(errors, sizeof(errors), last_err, fmt, ap);
	va_end(ap);
	n_errs++;
}

void __wrap_pr_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(infos, sizeof(infos), last_info, fmt, ap);
	va_end(ap);
	n_infos++;
}

void __wrap_pr_hint(const char *fmt, ...)
{
	char line[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	keep(hints, sizeof(hints), line, fmt, ap);
	va_end(ap);
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

bool matches(const char *wanted, const char *text)
{
	size_t len = strlen(wanted);

	if (len && wanted[len - 1] == '*')
		return !strncmp(wanted, text, len - 1);
	return !strcmp(wanted, text);
}
