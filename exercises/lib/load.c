// SPDX-License-Identifier: GPL-2.0
/* Load the learner's program; if the kernel refuses it, say why. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "course.h"

#define LOG_SIZE (16 << 20)

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* What to write into SEC(). */
static const char *section(enum bpf_prog_type type)
{
	switch (type) {
	case BPF_PROG_TYPE_XDP:
		return "xdp";
	case BPF_PROG_TYPE_SCHED_CLS:
		return "tc";
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return "socket";
	default:
		return libbpf_bpf_prog_type_str(type);
	}
}

/* With a SEC() that libbpf does not know, the type is BPF_PROG_TYPE_UNSPEC. */
static bool right_type(const struct bpf_program *prog)
{
	if (!exercise.type || bpf_program__type(prog) == exercise.type)
		return true;
	printf("the SEC(...) above %s is a wrong one: it tells which hook runs the program\n",
	       exercise.prog);
	printf("    write SEC(\"%s\") on the line above the function\n", section(exercise.type));
	return false;
}

static struct bpf_program *find_program(const struct course *course)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, course->obj)
		if (!strcmp(bpf_program__name(prog), exercise.prog))
			return right_type(prog) ? prog : NULL;
	printf("there is no program named %s in the file\n", exercise.prog);
	printf("    the function: it must have this name, and a SEC(...) on the line above it\n");
	return NULL;
}

static bool open_object(struct course *course, const char *path, char *log)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = LOG_SIZE, .kernel_log_level = 1);

	course->obj = bpf_object__open_file(path, &opts);
	if (course->obj)
		return true;
	printf("libbpf cannot read the object file: %s\n", strerror(errno));
	printf("    a map or a SEC(...) that libbpf does not know?\n");
	return false;
}

/* Type of the learner's program; of an object that is not the exercise's, of its first one. */
static enum bpf_prog_type type_of(const struct course *course)
{
	const struct bpf_program *prog = course->prog;

	if (!prog)
		prog = bpf_object__next_program(course->obj, NULL);
	return prog ? bpf_program__type(prog) : BPF_PROG_TYPE_UNSPEC;
}

static bool load_object(const struct course *course, char *log)
{
	int err = bpf_object__load(course->obj);

	if (!err)
		return true;
	printf("the kernel refuses the program: %s\n", strerror(-err));
	course_explain(type_of(course), log);
	return false;
}

static bool load(struct course *course, const char *path, bool any, char *log)
{
	if (!open_object(course, path, log))
		return false;
	course->prog = any ? NULL : find_program(course);
	return (any || course->prog) && load_object(course, log);
}

bool course_load(struct course *course, const char *path, bool any)
{
	char *log = calloc(1, LOG_SIZE);
	bool loaded;

	memset(course, 0, sizeof(*course));
	if (!log) {
		printf("no memory for the verifier's log\n");
		return false;
	}
	libbpf_set_print(quiet);
	loaded = load(course, path, any, log);
	free(log);
	return loaded;
}

void course_unload(struct course *course)
{
	bpf_object__close(course->obj);
}
