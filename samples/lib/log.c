// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on stderr: "foo: failed to VERB OBJECT: reason", and below it the
 * command that cures it. No message changes errno: "return -errno;" may come behind it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "lib/called.h"
#include "lib/config.h"
#include "lib/log.h"

/* Where the next error and the next hint are kept, if they are. */
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
 * sample_log_keep() - keep the next error and its hint besides printing them
 * @err: takes the text of the first pr_err(), "" until then; NULL: keep none any more
 * @hint: takes that of the first pr_hint()
 * @size: of each
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

	/* stdout first, so that the two are in order where they go to one file. */
	fflush(stdout);
	fprintf(stderr, "%s%s", prefix, sep);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	errno = err;
}

/**
 * pr_err() - an error message
 * @fmt: as printf(), without newline: "failed to VERB OBJECT: reason"
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
 * pr_info() - a message that -q silences
 * @fmt: as printf(), without newline
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
 * pr_hint() - the cure of the error just printed
 * @fmt: as printf(), without newline; a command to type where there is one
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
 * pr_hint_doctor() - for a failure that has its reason in the machine
 */
void pr_hint_doctor(void)
{
	char doctor[SAMPLE_CALLED_LEN];

	pr_hint("%s tells what this machine lacks", sample_called_script("doctor", doctor));
}

/**
 * pr_hint_help() - for a command line that is not understood
 */
void pr_hint_help(void)
{
	pr_hint("%s --help", sample_called());
}

/*
 * What libbpf guesses where the kernel refuses something: memory is no longer charged to
 * "ulimit -l" since Linux 5.11. sample_refused() knows better.
 */
static bool is_guess(const char *fmt)
{
	return strstr(fmt, "ulimit -l") || strstr(fmt, "RLIMIT_MEMLOCK");
}

/* Shown with -v only. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG && sample.verbose < 2)
		return 0;
	if (!sample.verbose || is_guess(fmt))
		return 0;
	return vfprintf(stderr, fmt, ap);
}

/**
 * sample_log_init() - route libbpf's messages
 */
void sample_log_init(void)
{
	libbpf_set_print(print_libbpf);
}
