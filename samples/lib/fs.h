/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bpffs and tracefs, which may not be mounted yet. A sample that needs one of them mounts it in
 * its usual place, as bpftool and iproute2 do, and leaves it mounted:
 *
 *	lib/fs.c	finds out and mounts, prints nothing; scripts/doctor/ uses it, too
 *	lib/mount.c	mounts for a sample, and prints messages
 */
#ifndef _SAMPLES_SAMPLE_FS_H
#define _SAMPLES_SAMPLE_FS_H

#include <stdbool.h>

/**
 * struct sample_fs - a file system of the kernel
 * @name: name for messages
 * @type: type for mount(2)
 * @dir: usual mount point
 * @options: mount options, or NULL
 * @magic: f_type of statfs(2)
 * @config: kernel option that the file system needs, "CONFIG_FOO=y"
 * @outlives: files in it (pins) should stay when the process has ended
 */
struct sample_fs {
	const char *name;
	const char *type;
	const char *dir;
	const char *options;
	unsigned long magic;
	const char *config;
	bool outlives;
};

extern const struct sample_fs sample_bpffs;
extern const struct sample_fs sample_tracefs;

/**
 * enum sample_fs_state - whether a file system is mounted
 * @SAMPLE_FS_THERE: mounted and writable
 * @SAMPLE_FS_ABSENT: not mounted, but sample_fs_mount() could mount it
 * @SAMPLE_FS_UNABLE: not mounted, and this process cannot mount it; or mounted read-only
 * @SAMPLE_FS_HIDDEN: "ip netns exec" hides it; mounting another one would not help, because
 *	its files would vanish when the command ends
 */
enum sample_fs_state {
	SAMPLE_FS_THERE,
	SAMPLE_FS_ABSENT,
	SAMPLE_FS_UNABLE,
	SAMPLE_FS_HIDDEN,
};

/**
 * struct sample_fs_report - state of a file system
 * @state: the state
 * @why: what is wrong, "not mounted, and ..."; empty if @state is SAMPLE_FS_THERE
 * @cure: command or advice that helps; empty if nothing has to be done
 */
struct sample_fs_report {
	enum sample_fs_state state;
	char why[512];
	char cure[512];
};

bool sample_fs_is_at(const struct sample_fs *fs, const char *dir);
void sample_fs_look(const struct sample_fs *fs, struct sample_fs_report *report);
int sample_fs_mount(const struct sample_fs *fs, struct sample_fs_report *report);

#endif /* _SAMPLES_SAMPLE_FS_H */
