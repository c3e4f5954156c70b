// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on stderr: "foo: failed to VERB OBJECT: reason", and in the next line a hint, mostly
 * a command that helps. These functions keep errno, so "return -errno;" may follow them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "lib/called.h"
#include "lib/config.h"
#include "lib/log.h"

/* Buffers for copies of the next error and the next hint; NULL: make no copy. */
static struct {
	char *err;
	char *hint;
	size_t size;
} copies;

__printf(2, 0)
static void keep(char **to, const char *fmt, va_list ap)
{
	if (!*to)
		return;
	vsnprintf(*to, copies.size, fmt, ap);
	*to = NULL;
}

/**
 * sample_log_keep() - copy the next error and the next hint, which are printed, too
 * @err: takes the text of the next pr_err(), and is "" until then; NULL: make no copy
 * @hint: takes the text of the next pr_hint(), and is "" until then; NULL: make no copy
 * @size: size of each of the two buffers
 */
void sample_log_keep(char *err, char *hint, size_t size)
{
	copies.err = err;
	copies.hint = hint;
	copies.size = size;
	if (err)
		*err = '\0';
	if (hint)
		*hint = '\0';
}

static void vprint(const char *prefix, const char *sep, const char *fmt, va_list ap)
{
	int err = errno;

	/* Keep the order of output and messages if both go to the same file. */
	fflush(stdout);
	fprintf(stderr, "%s%s", prefix, sep);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	errno = err;
}

/**
 * pr_err() - print an error message
 * @fmt: as for printf(), without newline: "failed to VERB OBJECT: reason"
 */
void pr_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(sample_called_name(), ": ", fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	keep(&copies.err, fmt, ap);
	va_end(ap);
}

/**
 * pr_info() - print a message, unless -q was given
 * @fmt: as for printf(), without newline
 */
void pr_info(const char *fmt, ...)
{
	va_list ap;

	if (sample.quiet)
		return;
	va_start(ap, fmt);
	vprint(sample_called_name(), ": ", fmt, ap);
	va_end(ap);
}

/**
 * pr_hint() - tell the user what to do about the error that was just printed
 * @fmt: as for printf(), without newline; a command to type if possible
 */
void pr_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint("  hint", ": ", fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	keep(&copies.hint, fmt, ap);
	va_end(ap);
}

/**
 * pr_hint_doctor() - hint for an error whose cause is the machine or the kernel
 */
void pr_hint_doctor(void)
{
	char doctor[SAMPLE_CALLED_LEN];

	pr_hint("%s tells what this machine lacks", sample_called_script("doctor", doctor));
}

/**
 * pr_hint_help() - hint for a wrong command line
 */
void pr_hint_help(void)
{
	pr_hint("%s --help", sample_called());
}

/*
 * On EPERM, libbpf suggests to raise RLIMIT_MEMLOCK ("ulimit -l"). Since Linux 5.11, BPF memory
 * is not charged to that limit, so this is never the cause; sample_refused() prints the cause.
 */
static bool is_guess(const char *fmt)
{
	return strstr(fmt, "ulimit -l") || strstr(fmt, "RLIMIT_MEMLOCK");
}

/* -v prints libbpf's messages, -vv also those for debugging. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG && sample.verbose < 2)
		return 0;
	if (!sample.verbose || is_guess(fmt))
		return 0;
	return vfprintf(stderr, fmt, ap);
}

/**
 * sample_log_init() - print libbpf's messages only with -v
 */
void sample_log_init(void)
{
	libbpf_set_print(print_libbpf);
}
