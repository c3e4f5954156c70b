// SPDX-License-Identifier: GPL-2.0
/* What goes to stdout: JSON objects, a line each, and whether all of it got there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sample.h"

/**
 * sample_exit_status() - the exit status, at the very end of main()
 * @err: 0, or a negative errno that was printed
 *
 * Return: enum sample_exit; output that could not be written is a failure, and
 * what the kernel or a driver does not have at all is a limit of the machine.
 */
int sample_exit_status(int err)
{
	if (!err && (fflush(stdout) || ferror(stdout)) && !sample_reader_gone()) {
		pr_err("failed to write to stdout: lines were lost");
		pr_hint("is the disk full? df -h .");
		return SAMPLE_FAILED;
	}
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
