/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bpffs and tracefs, which may not be mounted yet. A program that needs one mounts it where it
 * belongs, as bpftool and iproute2 do, and leaves it there:
 *
 *	lib/fs.c	looks and mounts, and prints nothing: the doctor looks, too
 *	lib/mount.c	mounts for a sample, and says so
 */
#ifndef _SAMPLES_SAMPLE_FS_H
#define _SAMPLES_SAMPLE_FS_H

#include <stdbool.h>

/**
 * struct sample_fs - a file system of the kernel
 * @name: what people call it
 * @type: what mount(8) calls it
 * @dir: where it belongs
 * @options: to mount it with
 * @magic: what statfs(2) calls it
 * @config: what a kernel that has it was built with
 * @outlives: what is made in it is to stay when the process has ended
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
 * enum sample_fs_state - how a file system is found
 * @SAMPLE_FS_THERE: it is mounted
 * @SAMPLE_FS_ABSENT: it is not, and sample_fs_mount() would do it
 * @SAMPLE_FS_UNABLE: it is not, and cannot be
 * @SAMPLE_FS_HIDDEN: it cannot be seen under "ip netns exec", and mounting another would
 *	not help: what is made there ends with the command
 */
enum sample_fs_state {
	SAMPLE_FS_THERE,
	SAMPLE_FS_ABSENT,
	SAMPLE_FS_UNABLE,
	SAMPLE_FS_HIDDEN,
};

/**
 * struct sample_fs_report - what was found
 * @state: in a word
 * @why: what is wrong, "not mounted, and ..."; empty if it is there
 * @cure: what helps; empty if nothing has to be done
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
