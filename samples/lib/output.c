// SPDX-License-Identifier: GPL-2.0
/* What goes to stdout: JSON objects, a line each, and whether all of it got there. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/config.h"
#include "lib/log.h"
#include "lib/output.h"

/* The first error of stdout, as errno: stdio keeps only that there was one. */
static int stdout_err;
static bool reader_gone;

static ssize_t write_stdout(void *cookie, const char *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = write(STDOUT_FILENO, buf + done, size - done);
		if (n < 0) {
			stdout_err = stdout_err ?: errno;
			break;
		}
		done += n;
	}
	return done;
}

/**
 * sample_output_init() - from now on errors of stdout are noticed
 *
 * And a file that reaches the limit of "ulimit -f" is an error, not the end of the process.
 */
void sample_output_init(void)
{
	const cookie_io_functions_t functions = { .write = write_stdout };
	FILE *file = fopencookie(NULL, "w", functions);

	if (file)
		stdout = file;
	setlinebuf(stdout);
	signal(SIGXFSZ, SIG_IGN);
}

/**
 * sample_hint_file() - what helps when a file cannot be written
 * @fd: the file
 * @err: errno of write(2)
 */
void sample_hint_file(int fd, int err)
{
	char link[32], path[PATH_MAX];
	ssize_t len;

	if (err == EFBIG)
		pr_hint("larger files: ulimit -f unlimited");
	if (err != ENOSPC && err != EDQUOT)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	if (len > 0)
		pr_hint("df -h %.*s", (int)len, path);
}

/**
 * sample_reader_left() - a SIGPIPE was read, which the loop does
 */
void sample_reader_left(void)
{
	reader_gone = true;
}

/**
 * sample_reader_gone() - whoever read stdout has closed it
 *
 * Return: true if that ended the loop, or output came to nothing for it: "ping | head -1"
 * is no failure.
 */
bool sample_reader_gone(void)
{
	sigset_t pending;

	/* Without a loop, or behind it, the signal waits to be read. */
	return reader_gone || (!sigpending(&pending) && sigismember(&pending, SIGPIPE) == 1);
}

/**
 * sample_output_check() - tell, once, if something did not get to stdout
 *
 * Return: true if all did, or if nobody reads it any more.
 */
bool sample_output_check(void)
{
	static bool told;
	int err;

	if (!ferror(stdout) || sample_reader_gone())
		return true;
	if (told)
		return false;
	told = true;
	err = stdout_err ?: EIO;
	pr_err("failed to write lines to stdout: %s", strerror(err));
	sample_hint_file(STDOUT_FILENO, err);
	return false;
}

/**
 * sample_exit_status() - the exit status, at the very end of main()
 * @err: 0, or a negative errno that was printed
 *
 * Return: enum sample_exit; output that could not be written is a failure, and
 * what the kernel or a driver does not have at all is a limit of the machine.
 */
int sample_exit_status(int err)
{
	fflush(stdout);
	if (!sample_output_check() && !err)
		return SAMPLE_FAILED;
	if (!err)
		return SAMPLE_OK;
	return err == -EOPNOTSUPP ? SAMPLE_UNABLE : SAMPLE_FAILED;
}

/**
 * sample_json_begin() - start a JSON object of one line
 * @event: value of its first field, "event"
 *
 * Return: the writer of stdout; sample_json_end() ends the object.
 */
json_writer_t *sample_json_begin(const char *event)
{
	static json_writer_t *json;

	if (!json)
		json = jsonw_new(stdout);
	if (!json) {
		pr_err("failed to write JSON: %s", strerror(ENOMEM));
		exit(SAMPLE_FAILED);
	}
	jsonw_reset(json);
	jsonw_start_object(json);
	jsonw_string_field(json, "event", event);
	return json;
}

/**
 * sample_json_end() - end the object and its line
 * @json: of sample_json_begin()
 */
void sample_json_end(json_writer_t *json)
{
	jsonw_end_object(json);
	putchar('\n');
}
