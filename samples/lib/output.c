// SPDX-License-Identifier: GPL-2.0
/* Output on stdout: JSON Lines, and errors of writing. */
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

/* errno of the first failed write to stdout: stdio keeps only a flag, ferror(). */
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
 * sample_output_init() - keep track of errors of stdout
 *
 * Also ignores SIGXFSZ: writing beyond the limit of "ulimit -f" is an error then, and does not
 * kill the process.
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
 * sample_hint_file() - hint for an error of writing to a file
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
 * sample_reader_left() - called by the event loop when it has read a SIGPIPE
 */
void sample_reader_left(void)
{
	reader_gone = true;
}

/**
 * sample_reader_gone() - whether stdout is a pipe that the reader has closed
 *
 * This is no failure of the sample: "ping | head -1".
 *
 * Return: true if a SIGPIPE was received.
 */
bool sample_reader_gone(void)
{
	sigset_t pending;

	/* Outside of the event loop nobody reads the signal, so it stays pending. */
	return reader_gone || (!sigpending(&pending) && sigismember(&pending, SIGPIPE) == 1);
}

/**
 * sample_output_check() - print an error, once, if writing to stdout has failed
 *
 * Return: true if all output was written, or if the reader has closed the pipe.
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
 * sample_exit_status() - exit status of the sample; call this last in main()
 * @err: 0, or a negative errno that was printed
 *
 * Return: enum sample_exit; SAMPLE_FAILED if output could not be written, SAMPLE_UNABLE for
 * -EOPNOTSUPP, because the kernel or a driver lacks something.
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
 * sample_json_begin() - start a JSON object on a line of its own
 * @event: value of the first field, "event"
 *
 * Return: a writer to stdout; sample_json_end() ends the object.
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
 * sample_json_end() - end the object and the line
 * @json: from sample_json_begin()
 */
void sample_json_end(json_writer_t *json)
{
	jsonw_end_object(json);
	putchar('\n');
}
