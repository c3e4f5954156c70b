// SPDX-License-Identifier: GPL-2.0
/* bpffs and tracefs: find out whether they are mounted or can be, and mount them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include "lib/caps.h"
#include "lib/fs.h"

enum {
	LOCK_TRIES = 1000,
	LOCK_PAUSE_US = 10000,
};

const struct sample_fs sample_bpffs = {
	.name = "bpffs",
	.type = "bpf",
	.dir = "/sys/fs/bpf",
	.options = "mode=0700",
	.magic = BPF_FS_MAGIC,
	.config = "CONFIG_BPF_SYSCALL=y",
	.outlives = true,
};

const struct sample_fs sample_tracefs = {
	.name = "tracefs",
	.type = "tracefs",
	.dir = "/sys/kernel/tracing",
	.magic = TRACEFS_MAGIC,
	.config = "CONFIG_FTRACE=y",
};

__printf(3, 4) static void report_why(struct sample_fs_report *report, enum sample_fs_state state,
				      const char *fmt, ...)
{
	va_list ap;

	report->state = state;
	va_start(ap, fmt);
	vsnprintf(report->why, sizeof(report->why), fmt, ap);
	va_end(ap);
}

__printf(2, 3) static void report_cure(struct sample_fs_report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->cure, sizeof(report->cure), fmt, ap);
	va_end(ap);
}

static bool is_mounted(const char *dir, unsigned long magic)
{
	struct statfs st;

	return !statfs(dir, &st) && (unsigned long)st.f_type == magic;
}

/**
 * sample_fs_is_at() - whether a directory is on a file system
 * @fs: the file system
 * @dir: the directory
 *
 * Return: true if @dir is on a mount of this type.
 */
bool sample_fs_is_at(const struct sample_fs *fs, const char *dir)
{
	return is_mounted(dir, fs->magic);
}

/*
 * True if this process runs under "ip netns exec NAME": iproute2 then mounts a sysfs over /sys,
 * with NAME as the source of the mount, in a mount namespace that ends with the command.
 */
static bool find_ip_netns(char name[NAME_MAX + 1])
{
	char line[2 * PATH_MAX], path[NAME_MAX + 16], source[NAME_MAX + 1];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	const char *dash;

	*name = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		/* ID PARENT DEV ROOT /sys OPTIONS [FIELD...] - sysfs SOURCE OPTIONS */
		dash = strstr(line, " - sysfs ");
		if (!dash || sscanf(dash, " - sysfs %255s", source) != 1)
			continue;
		if (strstr(line, " / /sys ") && strstr(line, " / /sys ") < dash)
			snprintf(name, NAME_MAX + 1, "%s", source);
	}
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	return *name && !access(path, F_OK);
}

/* The mount point of the file system does not exist, or another file system is on it. */
static void report_no_place(const struct sample_fs *fs, struct sample_fs_report *report)
{
	if (!is_mounted("/sys", SYSFS_MAGIC)) {
		report_why(report, SAMPLE_FS_UNABLE,
			   "not mounted, and there is no sysfs on /sys to mount it in");
		report_cure(report, "mount -t sysfs none /sys");
	} else if (access(fs->dir, F_OK)) {
		report_why(report, SAMPLE_FS_UNABLE, "not in this kernel");
		report_cure(report, "boot a kernel with %s", fs->config);
	} else {
		report_why(report, SAMPLE_FS_UNABLE, "not mounted: another file system is there");
		report_cure(report, "umount %s", fs->dir);
	}
}

/* The mount point exists in sysfs, and nothing is mounted on it. */
static void report_absent(const struct sample_fs *fs, bool readonly,
			  struct sample_fs_report *report)
{
	char netns[NAME_MAX + 1];

	report_cure(report, "mount -t %s none %s", fs->type, fs->dir);
	if (sample_in_user_namespace()) {
		report_why(report, SAMPLE_FS_UNABLE,
			   "not mounted, and cannot be in a user namespace");
		report_cure(report, "run it outside of the container, or in a privileged one");
	} else if (!sample_has_cap(CAP_SYS_ADMIN)) {
		report_why(report, SAMPLE_FS_UNABLE,
			   "not mounted, and mounting it needs CAP_SYS_ADMIN");
		report_cure(report, "sudo mount -t %s none %s", fs->type, fs->dir);
	} else if (readonly) {
		report_why(report, SAMPLE_FS_UNABLE, "not mounted, and /sys is read-only");
	} else if (fs->outlives && find_ip_netns(netns)) {
		report_why(report, SAMPLE_FS_HIDDEN,
			   "hidden: \"ip netns exec\" gives each command a /sys of its own, which ends with it");
		report_cure(report, "run it without \"ip netns exec\", with -n %s", netns);
	} else {
		report_why(report, SAMPLE_FS_ABSENT, "not mounted");
	}
}

/**
 * sample_fs_look() - find out whether a file system is mounted, or could be
 * @fs: the file system
 * @report: takes the answer
 *
 * This function does not mount anything.
 */
void sample_fs_look(const struct sample_fs *fs, struct sample_fs_report *report)
{
	struct statfs st = {};
	bool there = !statfs(fs->dir, &st);

	memset(report, 0, sizeof(*report));
	if (there && (unsigned long)st.f_type == fs->magic) {
		if (!(st.f_flags & ST_RDONLY))
			return;
		report_why(report, SAMPLE_FS_UNABLE, "mounted read-only");
		report_cure(report, "mount -o remount,rw %s", fs->dir);
	} else if (!there || st.f_type != SYSFS_MAGIC) {
		report_no_place(fs, report);
	} else {
		report_absent(fs, st.f_flags & ST_RDONLY, report);
	}
}

/*
 * Lock the mount point, so that two processes do not mount at once: a second bpffs would hide
 * the pins in the first. Every user can hold this lock, so give up after LOCK_TRIES.
 */
static int lock_place(const struct sample_fs *fs)
{
	int fd = open(fs->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int i;

	if (fd < 0)
		return -errno;
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		usleep(LOCK_PAUSE_US);
	}
	close(fd);
	return -EWOULDBLOCK;
}

static int mount_locked(const struct sample_fs *fs, struct sample_fs_report *report)
{
	int err;

	/* The process that held the lock before may have mounted the file system. */
	sample_fs_look(fs, report);
	if (report->state != SAMPLE_FS_ABSENT)
		return report->state == SAMPLE_FS_THERE ? 0 : -ENOENT;
	if (!mount(fs->type, fs->dir, fs->type, MS_NOSUID | MS_NODEV | MS_NOEXEC, fs->options))
		return 1;
	err = -errno;
	report_why(report, SAMPLE_FS_UNABLE, "not mounted, and mounting it failed: %s",
		   strerror(-err));
	return err;
}

/**
 * sample_fs_mount() - mount a file system, unless it is mounted
 * @fs: the file system
 * @report: takes the state before, or the reason of a failure
 *
 * If several processes call this at the same time, one of them mounts the file system, and the
 * others wait until it has done so.
 *
 * Return: 0 if the file system was mounted before, 1 if this call mounted it, or a negative
 * errno with the reason in @report.
 */
int sample_fs_mount(const struct sample_fs *fs, struct sample_fs_report *report)
{
	int lock, ret;

	sample_fs_look(fs, report);
	if (report->state != SAMPLE_FS_ABSENT)
		return report->state == SAMPLE_FS_THERE ? 0 : -ENOENT;
	lock = lock_place(fs);
	if (lock < 0) {
		report_why(report, SAMPLE_FS_UNABLE,
			   "not mounted, and somebody keeps the directory locked: %s",
			   strerror(-lock));
		return lock;
	}
	ret = mount_locked(fs, report);
	close(lock);
	return ret;
}
