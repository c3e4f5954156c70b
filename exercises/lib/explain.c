// SPDX-License-Identifier: GPL-2.0
/*
 * Say in plain words why the verifier refuses a program. The causes have the numbers of
 * Documentation/verifier.rst; the messages are those of kernel/bpf/verifier.c.
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include "course.h"

/* So many lines at the end of the log are searched for the reason. */
enum { LINES = 4 };

/**
 * struct cause - a reason of the verifier
 * @number: section of Documentation/verifier.rst; 0: none
 * @message: regular expression of the verifier's message
 * @unknown: what the verifier does not know, or does not allow
 * @cure: what to do
 */
struct cause {
	int number;
	const char *message;
	const char *unknown;
	const char *cure;
};

/* In a program that traces the kernel, the message has another cause than in one with packets. */
static const struct cause memory_of_the_kernel = {
	11, "invalid mem access '(scalar|inv)'",
	"this is memory of the kernel: the program cannot read it through a pointer",
	"copy the field: BPF_CORE_READ(pointer, field)",
};

/* The first match counts, so special messages come before general ones. */
static const struct cause causes[] = {
	{ 1, "GPL-restricted",
	  "this function may be called only by a program under the GPL",
	  "add: char _license[] SEC(\"license\") = \"GPL\";" },
	{ 6, "invalid mem access '(scalar|inv)'",
	  "this is no pointer any more: a helper has changed the packet, or it is a number",
	  "read data and data_end from the context again, and compare again" },
	{ 2, "invalid access to packet|offset is outside of the packet",
	  "the packet may end before this byte",
	  "compare first: if ((void *)(header + 1) > data_end) return ...;" },
	{ 3, "map_value_or_null|mem_or_null|_or_null'",
	  "the pointer may be NULL",
	  "check it before you use it: if (!pointer) return ...;" },
	{ 4, "invalid access to map value|unbounded memory access|makes map_value pointer be out",
	  "the offset may be larger than the value of the map",
	  "compare the index with the size before you use it, or mask it: i & (SIZE - 1)" },
	{ 5, "infinite loop detected",
	  "the loop never ends: a round changes nothing that could end it",
	  "count the rounds, up to a constant limit: for (i = 0; i < 4; i++)" },
	{ 5, "BPF program is too large|too complex|back-edge",
	  "the loop may run too often",
	  "give the loop a constant limit: for (i = 0; i < 4; i++)" },
	{ 7, "Unreleased reference|reference leak|Reference leak",
	  "a path ends without giving back what the program has reserved",
	  "submit, discard or release it on every path, also before each return" },
	{ 8, "unknown func|program of this type cannot use helper|cannot use helper",
	  "programs of this type may not call this helper",
	  "look for the helper of this type: bpf_xdp_... for XDP, bpf_skb_... for TC" },
	{ 9, "invalid bpf_context access",
	  "programs of this type may not read or write this field of the context",
	  "use another field, or read the packet itself" },
	{ 10, "stack size|stack depth|stack of|(read|access) (from|to) stack",
	  "the stack has 512 bytes, and each byte must be written before it is read",
	  "clear the variable with = {}; put large ones into a map" },
	{ 0, "R0 !read_ok|At program exit the register R0|R0 is not",
	  "a path ends without a verdict, or with one that this type of program does not have",
	  "return a verdict on every path" },
	{ 0, "min value is negative",
	  "the number may be negative",
	  "use an unsigned type, or compare: if (n < 0) return ...;" },
};

/* The last line that quotes the source: "; source @ file:line". */
static void show_source(const char *log)
{
	const char *line = log, *found = NULL, *at, *end;

	while (line) {
		if (*line == ';')
			found = line;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	if (!found)
		return;
	found += strspn(found, "; ");
	end = strchrnul(found, '\n');
	at = memmem(found, end - found, " @ ", 3);
	if (!at) {
		printf("    source    %.*s\n", (int)(end - found), found);
		return;
	}
	while (at < end && *at != ':')
		at++;
	printf("    line %-4.*s %.*s\n", (int)(end - at - 1), at + 1,
	       (int)((const char *)memmem(found, end - found, " @ ", 3) - found), found);
}

/* Cut off the statistics, and the newlines before them. */
static void cut_statistics(char *log)
{
	char *end = strstr(log, "\nprocessed ");

	if (!end)
		end = log + strlen(log);
	while (end > log && end[-1] == '\n')
		end--;
	*end = '\0';
}

/*
 * Instructions, quotes of the source and registers: what the verifier says about its work. Its
 * reason is none of these.
 */
static bool is_work(const char *line)
{
	static const char *const begins[] = {
		";", "cur state:", "old state:", "from ", "mark_precise",
	};
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(line, begins[i], strlen(begins[i])))
			return true;
	return isdigit(*line);
}

/* The next line that is not about the verifier's work; NULL if there is none. */
static const char *next_message(const char *line)
{
	while (*line && is_work(line)) {
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	return *line ? line : NULL;
}

/* The first message in the lines that matches; NULL if none does. */
static const char *find_message(const char *pattern, const char *lines)
{
	const char *line = next_message(lines), *found = NULL;
	char text[256];
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return NULL;
	while (line && !found) {
		size_t len = strcspn(line, "\n");

		snprintf(text, sizeof(text), "%.*s", (int)len, line);
		if (!regexec(&regex, text, 0, NULL, 0))
			found = line;
		line = next_message(line + len + (line[len] == '\n'));
	}
	regfree(&regex);
	return found;
}

/* The last message, whatever it says; NULL if there is none. */
static const char *last_message(const char *lines)
{
	const char *line = next_message(lines), *last = NULL;

	while (line) {
		last = line;
		line = strchrnul(line, '\n');
		line = next_message(line + (*line == '\n'));
	}
	return last;
}

/* The reason is in the last lines of the log. */
static const char *last_lines(const char *log)
{
	const char *at = log + strlen(log);
	int n = 0;

	while (at > log && (at[-1] != '\n' || ++n < LINES))
		at--;
	return at;
}

/* Programs that run somewhere in the kernel: there is no packet that they could change. */
static bool is_tracing(enum bpf_prog_type type)
{
	return type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_PERF_EVENT;
}

static const struct cause *find_cause(const char *lines, bool tracing, const char **message)
{
	const struct cause *cause = causes, *end = causes + sizeof(causes) / sizeof(*causes);

	*message = find_message(memory_of_the_kernel.message, lines);
	if (tracing && *message)
		return &memory_of_the_kernel;
	for (; cause < end; cause++) {
		*message = find_message(cause->message, lines);
		if (*message)
			return cause;
	}
	*message = last_message(lines);
	return NULL;
}

void course_explain(enum bpf_prog_type type, char *log)
{
	const struct cause *cause;
	const char *message;

	if (!*log)
		return;
	cut_statistics(log);
	cause = find_cause(last_lines(log), is_tracing(type), &message);
	show_source(log);
	if (cause) {
		printf("    because   %s\n", cause->unknown);
		printf("    cure      %s\n", cause->cure);
	}
	if (message)
		printf("    verifier  %.*s\n", (int)strcspn(message, "\n"), message);
	if (cause && cause->number)
		printf("    more      Documentation/verifier.rst, section %d\n", cause->number);
}
