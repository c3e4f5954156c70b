// SPDX-License-Identifier: GPL-2.0
/*
 * How the user called this program. Messages, hints and the help print commands with that
 * name, so that they can be pasted: "ping" would run iputils, not samples/ping or the
 * installed netbpf-ping.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/called.h"
#include "lib/config.h"

static struct {
	int argc;
	char **argv;
} call;

/**
 * sample_called_init() - keep a copy of the command line
 * @argc: argument of main()
 * @argv: argument of main(), before getopt changes its order
 */
void sample_called_init(int argc, char **argv)
{
	call.argv = calloc(argc + 1, sizeof(*argv));
	if (!call.argv)
		return;
	call.argc = argc;
	memcpy(call.argv, argv, argc * sizeof(*argv));
}

/**
 * sample_called() - the program's name for commands that the user may paste
 *
 * Return: argv[0], for example "samples/ping" or "netbpf-ping".
 */
const char *sample_called(void)
{
	return call.argc ? call.argv[0] : sample.info->name;
}

/**
 * sample_called_name() - the program's name as the prefix of messages
 *
 * Return: sample_called() without directories.
 */
const char *sample_called_name(void)
{
	const char *slash = strrchr(sample_called(), '/');

	return slash ? slash + 1 : sample_called();
}

/* Length of the prefix that installed programs have: 7 for "netbpf-ping", 0 in the tree. */
static int prefix_len(const char *name)
{
	size_t len = strlen(name), own = strlen(sample.info->name);

	if (len <= own || strcmp(name + len - own, sample.info->name))
		return 0;
	return len - own;
}

/**
 * sample_called_script() - path of a script for commands that the user may paste
 * @name: "lab" or "doctor"
 * @buf: takes the path
 *
 * Return: @buf: "netbpf-lab" in the directory of the installed program, or "scripts/lab.sh".
 */
const char *sample_called_script(const char *name, char buf[SAMPLE_CALLED_LEN])
{
	const char *called = sample_called(), *last = sample_called_name();
	int len = prefix_len(last);

	if (len)
		snprintf(buf, SAMPLE_CALLED_LEN, "%.*s%s", (int)(last - called) + len, called,
			 name);
	else
		snprintf(buf, SAMPLE_CALLED_LEN, "scripts/%s.sh", name);
	return buf;
}

/**
 * sample_called_file() - path of the program's file
 * @buf: takes its absolute path, without symbolic links
 *
 * Return: @buf.
 */
const char *sample_called_file(char buf[SAMPLE_CALLED_LEN])
{
	ssize_t len = readlink("/proc/self/exe", buf, SAMPLE_CALLED_LEN - 1);

	if (len > 0)
		buf[len] = '\0';
	else
		snprintf(buf, SAMPLE_CALLED_LEN, "%s", sample_called());
	return buf;
}

static void put_quoted(FILE *to, const char *word)
{
	const char *c = word;

	while (isalnum((unsigned char)*c) || (*c && strchr("_-./:,=@%+", *c)))
		c++;
	if (*word && !*c) {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	}
	fputc('\'', to);
}

/**
 * sample_called_line() - the command line, for another user to run
 * @buf: takes the command line, quoted for a shell
 *
 * The other user may have another PATH. If the shell found the program on PATH, the line
 * begins with the program's absolute path.
 *
 * Return: @buf.
 */
const char *sample_called_line(char buf[SAMPLE_LINE_LEN])
{
	char file[SAMPLE_CALLED_LEN];
	FILE *to = fmemopen(buf, SAMPLE_LINE_LEN, "w");
	int i;

	*buf = '\0';
	if (!to)
		return buf;
	put_quoted(to, strchr(sample_called(), '/') ? sample_called() : sample_called_file(file));
	for (i = 1; i < call.argc; i++) {
		fputc(' ', to);
		put_quoted(to, call.argv[i]);
	}
	fclose(to);
	return buf;
}

/* --- help ---------------------------------------------------------------------- */

/**
 * sample_called_examples() - print examples with the name by which the program was called
 * @text: "@" stands for sample_called(), "@lab" for the path of the lab script
 */
void sample_called_examples(const char *text)
{
	char lab[SAMPLE_CALLED_LEN];

	sample_called_script("lab", lab);
	for (; *text; text++) {
		if (*text != '@') {
			putchar(*text);
		} else if (!strncmp(text, "@lab", 4)) {
			fputs(lab, stdout);
			text += 3;
		} else {
			fputs(sample_called(), stdout);
		}
	}
}
