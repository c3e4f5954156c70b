// SPDX-License-Identifier: GPL-2.0
/*
 * Read the trace pipe of a trace instance of our own: reading the global trace pipe would take
 * lines away from its other readers (Documentation/trace/ftrace.rst).
 *
 * For each bpf_printk(), the kernel writes a line like this one:
 *
 *	ping-4711    [001] ..s2.  8236.153121: bpf_trace_printk: Hello ping
 *
 * The fields are: name and pid of the task that ran on the CPU, the CPU, flags, seconds since
 * boot, the text.
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

/* Directory of tracefs; mounts it if it is not mounted. */
static const char *find_tracefs(void)
{
	/* Old systems have tracefs only here. */
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
 * A process that is killed leaves its instance netbpf-TOOL-PID behind. Remove the instances
 * whose process is gone.
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

/* While its trace_pipe is open, the kernel refuses to remove an instance. */
static int open_pipe(struct sample_trace *trace)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/trace_pipe", trace->dir);
	trace->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return trace->fd < 0 ? -errno : 0;
}

/*
 * A process of another pid namespace may have the same pid as this one, so an instance of this
 * name may exist. rmdir() removes it if its process was killed; if the instance is in use,
 * rmdir() fails, and mkdir() fails with EEXIST: try another name. A sample in a pid namespace
 * that does not have our pid may sweep our instance away before its trace_pipe is open
 * (ENOENT, ENODEV): make it again.
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

	/* Every BPF program on the machine may call bpf_printk(): let only our lines through. */
	snprintf(filter, sizeof(filter), "bpf_string ~ \"%s\"", glob);
	err = write_file(trace->dir, "events/bpf_trace/bpf_trace_printk/filter", filter);
	if (err)
		return err;
	err = write_file(trace->dir, "trace_clock", "mono");
	if (err)
		return err;
	return write_file(trace->dir, "events/bpf_trace/bpf_trace_printk/enable", "1");
}

/* Only root may write to tracefs: EACCES means that CAP_DAC_OVERRIDE is missing. */
static void tell_failure(const struct sample_trace *trace, const char *verb, int err)
{
	if (sample_refused(err, SAMPLE_NEED_FILES, "%s the trace instance %s", verb, trace->dir))
		return;
	pr_err("failed to %s the trace instance %s: %s", verb, trace->dir, strerror(-err));
	pr_hint_doctor();
}

/**
 * sample_trace_open() - make a trace instance that gets lines of bpf_printk()
 * @trace: filled; sample_trace_close() removes the instance
 * @glob: pattern of the lines to keep, "Hello*"
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

/* Seconds since boot: the last word of @head, "...  8236.153121"; 0 if there is none. */
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

/* If the trace buffer was full, the kernel writes "CPU:1 [LOST 12 EVENTS]". */
static void count_lost(struct sample_trace *trace)
{
	const char *mark = strstr(trace->line, "[LOST ");

	if (mark)
		trace->lost += strtoull(mark + strlen("[LOST "), NULL, 10);
}

/* Print the line that is now complete. True if -c wants no further line. */
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
 * sample_trace_show() - print the lines that have arrived, and count them for -c
 * @ctx: an open struct sample_trace
 *
 * A callback for sample_loop_ops.readable; does not block. With -q, lines are counted but not
 * printed. After the line number -c, further lines are dropped.
 *
 * Return: 0, or the negative errno of read(2).
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
 * sample_trace_summary() - print how many lines were read and lost, as text or JSON
 * @trace: from sample_trace_open(); may be closed
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
 * @trace: from sample_trace_open(), also if that failed
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
