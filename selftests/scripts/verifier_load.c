// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a BPF object. If the verifier refuses it, shows the source line at which the verifier
 * stopped, and the messages after it. Documentation/verifier.rst uses this program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

#define LOG_SIZE	(16 << 20)
/* Enough lines: the log of a loop repeats the same lines a thousand times. */
#define LINES_MAX	10

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

/* The last line that starts with ';', which quotes the source. */
static char *last_source_line(char *log)
{
	char *line = log, *found = log;

	while (line && *line) {
		if (*line == ';')
			found = line;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return found;
}

static char *last_lines(char *text, int n)
{
	char *at;

	/* The newline at the end of the text does not start another line. */
	for (at = text + strlen(text) - 1; at > text; at--) {
		if (at[-1] == '\n' && !--n)
			return at;
	}
	return text;
}

/* Shows the reason from the log, without the statistics at its end. */
static void show_reason(char *log)
{
	char *end = strstr(log, "\nprocessed "), *source, *next, *tail;

	if (end)
		end[1] = '\0';
	source = last_source_line(log);
	next = strchrnul(source, '\n');
	tail = last_lines(source, LINES_MAX);
	if (tail > next + 1)
		printf("%.*s\n...\n", (int)(next - source), source);
	else
		tail = source;
	fputs(tail, stdout);
}

static int load(const char *path, char *log)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = LOG_SIZE, .kernel_log_level = 1);
	struct bpf_object *obj;
	int err;

	obj = bpf_object__open_file(path, &opts);
	if (!obj) {
		err = -errno;
		fprintf(stderr, "verifier_load: failed to open %s: %s\n", path, strerror(-err));
		return err;
	}
	err = bpf_object__load(obj);
	bpf_object__close(obj);
	if (!err) {
		puts("loaded");
		return 0;
	}
	show_reason(log);
	printf("not loaded: %s\n", strerror(-err));
	return err;
}

static void print_help(FILE *out)
{
	fprintf(out, "Usage: verifier_load OBJECT\n\n"
		"Loads the BPF programs of OBJECT, an ELF file, and attaches none. Shows what the\n"
		"verifier says if it refuses one.\n\n"
		"Example:\n"
		"  selftests/scripts/verifier_load selftests/scripts/verifier/02_bounds_broken.o\n\n"
		"Exit status: 0 loaded, 1 not loaded, 2 usage.\n");
}

int main(int argc, char **argv)
{
	char *log;
	int err;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return 0;
	}
	if (argc != 2 || *argv[1] == '-') {
		print_help(stderr);
		return 2;
	}
	log = calloc(1, LOG_SIZE);
	if (!log) {
		fprintf(stderr, "verifier_load: %s\n", strerror(ENOMEM));
		return 1;
	}
	libbpf_set_print(quiet);
	err = load(argv[1], log);
	free(log);
	return err ? 1 : 0;
}
