// SPDX-License-Identifier: GPL-2.0
/*
 * The trace pipe, from an instance of our own: reading the global one would
 * take lines away from other readers (Documentation/trace/ftrace.rst).
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
#include "sample.h"
#include "sample_fs.h"

#define INSTANCE_PREFIX "netbpf-"
#define INSTANCES_MAX 100

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
	if (!err)
		err = write_file(trace->dir, "trace_clock", "mono");
	if (!err)
		err = write_file(trace->dir, "events/bpf_trace/bpf_trace_printk/enable", "1");
	return err;
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
 * sample_trace_open() - read what bpf_printk() prints
 * @trace: the instance; sample_trace_close() removes it
 * @glob: lines wanted, "Hello*"
 *
 * Return: 0, or a negative errno, which was printed.
 */
int sample_trace_open(struct sample_trace *trace, const char *glob)
{
	const char *tracefs = find_tracefs();
	char instances[64];
	int err;

	trace->fd = -1;
	trace->dir[0] = '\0';
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
