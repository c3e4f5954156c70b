// SPDX-License-Identifier: GPL-2.0
/*
 * The program as it was called, so that commands in messages, hints and help can be
 * pasted: samples/ping is another program than the ping on PATH, and the installed one
 * is netbpf-ping.
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
 * sample_called_init() - keep the command line
 * @argc: of main()
 * @argv: of main(), before getopt changes its order
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
 * sample_called() - the program in a command for the user who called it
 *
 * Return: argv[0], as "samples/ping" or "netbpf-ping".
 */
const char *sample_called(void)
{
	return call.argc ? call.argv[0] : sample.info->name;
}

/**
 * sample_called_name() - the program in front of its messages
 *
 * Return: sample_called() without directories.
 */
const char *sample_called_name(void)
{
	const char *slash = strrchr(sample_called(), '/');

	return slash ? slash + 1 : sample_called();
}

/* Installed programs have a prefix before their names, as in "netbpf-ping". */
static int prefix_len(const char *name)
{
	size_t len = strlen(name), own = strlen(sample.info->name);

	if (len <= own || strcmp(name + len - own, sample.info->name))
		return 0;
	return len - own;
}

/**
 * sample_called_script() - a script of this tree in a command for the user
 * @name: "lab" or "doctor"
 * @buf: takes it
 *
 * Return: @buf: the path of the script beside the installed program, or in the source tree.
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
 * sample_called_file() - the file of the program
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
 * sample_called_line() - the command line, to be run by another user
 * @buf: takes it, quoted for a shell
 *
 * The other user has another PATH: a program that was found on PATH is named by its file.
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
 * sample_called_examples() - print examples with the program as it was called
 * @text: "@" stands for the program, "@lab" for the script that makes labs
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
