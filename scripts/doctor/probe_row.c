// SPDX-License-Identifier: GPL-2.0
/* Prints rows for doctor.sh, with cures, and reads and writes small files for the probes. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include "lib/util.h"
#include "probe.h"

/* Print TEXT with spaces for control characters: a tab ends a field, a newline ends a row. */
static void put_field(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' ? ' ' : *text);
}

static void put_row(const char *name, enum status status, const char *cure,
		    const char *text)
{
	static const char * const words[] = { "ok", "warn", "fail" };

	put_field(name);
	printf("\t%s\t", words[status]);
	put_field(text);
	putchar('\t');
	put_field(cure ? : "");
	putchar('\n');
}

void row(const char *name, enum status status, const char *cure, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_row(name, status, cure, text);
}

/**
 * result() - print the row of something that was tried
 * @name: name of the row
 * @err: a negative errno if it failed
 * @bad: status if it failed
 * @cure: what helps if it failed, unless it failed for want of privileges
 * @good: text if it worked
 * @fmt: text if it failed; %m is the error
 *
 * Return: whether it worked.
 */
bool result(const char *name, int err, enum status bad, const char *cure,
	    const char *good, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (err >= 0) {
		put_row(name, OK, NULL, good);
		return true;
	}
	va_start(ap, fmt);
	/* %m does not know ENOTSUPP. */
	errno = err == -ENOTSUPP ? EOPNOTSUPP : -err;
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_row(name, bad, cure_of(err, cure), text);
	return false;
}

/* Add WORD to the end of LIST, after SEPARATOR unless LIST is empty. */
void add_word(char *list, size_t size, const char *separator, const char *word)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? separator : "", word);
}

/* A variable that doctor.sh sets, or OTHERWISE if somebody else runs this program. */
const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value ? value : otherwise;
}

static unsigned int row_needs;

/* Set the privileges that the next rows need: bits of enum sample_need. */
void rows_need(unsigned int needs)
{
	row_needs = needs;
}

/* The cure of ERR: the missing privileges if they explain ERR. Valid until the next call. */
const char *cure_of(int err, const char *otherwise)
{
	char names[SAMPLE_CAPS_LEN], options[SAMPLE_CAPS_LEN];
	__u64 missing = sample_caps_missing(row_needs);
	static char cure[1024];

	if (err != -EPERM && err != -EACCES)
		return otherwise;
	if (sample_in_user_namespace())
		return "run it outside of the container, or in a privileged one";
	if (!missing)
		return otherwise;
	sample_caps_text(missing, names);
	sample_caps_join(missing, "--cap-add=", " ", " ", options);
	if (geteuid())
		snprintf(cure, sizeof(cure), "%s missing: sudo %s", names,
			 from_env("NETBPF_LINE", "scripts/doctor.sh"));
	else
		snprintf(cure, sizeof(cure), "%s missing: for a container: docker run %s", names,
			 options);
	return cure;
}

/* Format the name of a file; valid until the next call. */
const char *path(const char *fmt, ...)
{
	static char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return buf;
}

/* Read the start of a file as a string. Returns its length. */
ssize_t read_file(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	int err = n < 0 ? -errno : 0;

	buf[err ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return err ? : n;
}

int write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}
