// SPDX-License-Identifier: GPL-2.0
/*
 * The trace pipe, from an instance of our own: reading the global one would
 * take lines away from other readers (Documentation/trace/ftrace.rst).
 *
 * The kernel writes such a line for each bpf_printk():
 *
 *	ping-4711    [001] ..s2.  8236.153121: bpf_trace_printk: Hello ping
 *
 * task and pid of whatever ran on that CPU, the CPU, flags, seconds since boot,
 * the text.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mount.h"
#include "lib/output.h"
#include "lib/refused.h"
#include "lib/trace.h"
#include "lib/fs.h"

#define INSTANCE_PREFIX "netbpf-"
#define INSTANCES_MAX 100
#define PRINTK_MARK ": bpf_trace_printk: "

/* Where tracefs is; mounted now if it is nowhere. */
static const char *find_tracefs(void)
{
	/* Where old systems have it. */
	static const char in_debugfs[] = "/sys/kernel/debug/tracing";

	if (!sample_fs_is_at(&sample_tracefs, sample_tracefs.dir) &&
	    sample_fs_is_at(&sample_tracefs, in_debugfs))
		return in_debugfs;
	return sample_mount(&sample_tracefs, "read the trace") ? NULL : sample_tracefs.dir;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * Instances named netbpf-TOOL-PID outlive a kill -9. Take away those whose
 * process is gone.
 */
static void sweep_instances(const char *instances)
{
	char path[PATH_MAX];
	struct dirent *entry;
	const char *dash;
	DIR *dir;

	dir = opendir(instances);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		dash = strrchr(entry->d_name, '-');
		if (strncmp(entry->d_name, INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)) ||
		    !isdigit((unsigned char)dash[1]) || !kill(atoi(dash + 1), 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", instances, entry->d_name);
		rmdir(path);
	}
	closedir(dir);
}

/* Once it is open the instance cannot be removed. */
static int open_pipe(struct sample_trace *trace)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/trace_pipe", trace->dir);
	trace->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return trace->fd < 0 ? -errno : 0;
}

/*
 * In another pid namespace a process may have our number: its instance is in use,
 * which the kernel tells, or is left of one that was killed. And who does not know
 * our number there may sweep ours away before it is open.
 */
static int make_instance(struct sample_trace *trace, const char *instances)
{
	char more[8] = "";
	int i, err = 0;

	for (i = 2; i < INSTANCES_MAX; i++) {
		snprintf(trace->dir, sizeof(trace->dir), "%s/%s%s%s-%d", instances,
			 INSTANCE_PREFIX, sample.info->name, more, getpid());
		rmdir(trace->dir);
		err = mkdir(trace->dir, 0700) ? -errno : open_pipe(trace);
		if (err == -EEXIST)
			snprintf(more, sizeof(more), "-%d", i);
		else if (err != -ENOENT && err != -ENODEV)
			break;
	}
	return err;
}

static int fill_instance(struct sample_trace *trace, const char *glob)
{
	char filter[128];
	int err;

	/* Other programs call bpf_printk() too: take only our lines. */
	snprintf(filter, sizeof(filter), "bpf_string ~ \"%s\"", glob);
	err = write_file(trace->dir, "events/bpf_trace/bpf_trace_printk/filter", filter);
	if (err)
		return err;
	err = write_file(trace->dir, "trace_clock", "mono");
	if (err)
		return err;
	return write_file(trace->dir, "events/bpf_trace/bpf_trace_printk/enable", "1");
}

/* tracefs is root's. */
static void tell_failure(const struct sample_trace *trace, const char *verb, int err)
{
	if (sample_refused(err, SAMPLE_NEED_FILES, "%s the trace instance %s", verb, trace->dir))
		return;
	pr_err("failed to %s the trace instance %s: %s", verb, trace->dir, strerror(-err));
	pr_hint_doctor();
}

/**
 * sample_trace_open() - make an instance, into which bpf_printk() prints from now on
 * @trace: takes the instance; sample_trace_close() removes it
 * @glob: the texts that are wanted, "Hello*"
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_trace_open(struct sample_trace *trace, const char *glob)
{
	const char *tracefs = find_tracefs();
	char instances[64];
	int err;

	*trace = (struct sample_trace){ .fd = -1 };
	if (!tracefs)
		return -ENOENT;
	snprintf(instances, sizeof(instances), "%s/instances", tracefs);
	sweep_instances(instances);
	err = make_instance(trace, instances);
	if (err) {
		tell_failure(trace, "make", err);
		rmdir(trace->dir);
		trace->dir[0] = '\0';
		return err;
	}
	err = fill_instance(trace, glob);
	if (err) {
		tell_failure(trace, "set up", err);
		sample_trace_close(trace);
	}
	return err;
}

/* The number in front of the text, 0 if there is none: "...  8236.153121". */
static double parse_time(const char *head)
{
	const char *space = strrchr(head, ' ');

	return space ? strtod(space, NULL) : 0;
}

static unsigned int parse_cpu(const char *head)
{
	const char *bracket = strchr(head, '[');

	return bracket ? strtoul(bracket + 1, NULL, 10) : 0;
}

static void show_json(char *line, char *text)
{
	json_writer_t *json;

	*text = '\0';
	json = sample_json_begin("trace");
	jsonw_uint_field(json, "ts_ns", sample_realtime(parse_time(line) * 1e9));
	jsonw_uint_field(json, "cpu", parse_cpu(line));
	jsonw_string_field(json, "text", text + strlen(PRINTK_MARK));
	sample_json_end(json);
}

/* "CPU:1 [LOST 12 EVENTS]": the trace buffer was full. */
static void count_lost(struct sample_trace *trace)
{
	const char *mark = strstr(trace->line, "[LOST ");

	if (mark)
		trace->lost += strtoull(mark + strlen("[LOST "), NULL, 10);
}

/* A whole line; true if it is the last that is wanted. */
static bool show(struct sample_trace *trace)
{
	char *text;

	trace->line[trace->len] = '\0';
	trace->len = 0;
	text = strstr(trace->line, PRINTK_MARK);
	if (!text) {
		count_lost(trace);
		return false;
	}
	trace->lines++;
	if (sample.json && !sample.quiet)
		show_json(trace->line, text);
	else if (!sample.quiet)
		puts(trace->line);
	return sample_count_reached();
}

/**
 * sample_trace_show() - print the lines that have come, and count them for -c
 * @ctx: the struct sample_trace, open
 *
 * To be called when its fd is readable: sample_loop_ops.readable. It does not wait.
 * Lines are counted with -q, too, but not printed. What follows the last line that -c
 * wants is left out.
 *
 * Return: 0, or the negative errno of reading.
 */
int sample_trace_show(void *ctx)
{
	struct sample_trace *trace = ctx;
	char buf[4096];
	ssize_t i, n;

	n = read(trace->fd, buf, sizeof(buf));
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (trace->len < sizeof(trace->line) - 1)
				trace->line[trace->len++] = buf[i];
			continue;
		}
		if (show(trace))
			break;
	}
	return 0;
}

/**
 * sample_trace_summary() - print how many lines there were, as text or JSON
 * @trace: of sample_trace_open(); may be closed
 */
void sample_trace_summary(const struct sample_trace *trace)
{
	json_writer_t *json;

	if (!sample.json) {
		printf("summary: %llu lines traced, %llu lost\n", trace->lines, trace->lost);
		return;
	}
	json = sample_json_begin("summary");
	jsonw_uint_field(json, "lines", trace->lines);
	jsonw_uint_field(json, "lost", trace->lost);
	sample_json_end(json);
}

/**
 * sample_trace_close() - remove the instance
 * @trace: of sample_trace_open(), also after its failure
 */
void sample_trace_close(struct sample_trace *trace)
{
	if (trace->fd >= 0)
		close(trace->fd);
	trace->fd = -1;
	if (!trace->dir[0])
		return;
	if (rmdir(trace->dir))
		pr_err("failed to remove %s: %s", trace->dir, strerror(errno));
	trace->dir[0] = '\0';
}
