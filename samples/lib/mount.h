/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Mount a file system that a sample needs. */
#ifndef _SAMPLES_LIB_MOUNT_H
#define _SAMPLES_LIB_MOUNT_H

struct sample_fs;

int sample_mount(const struct sample_fs *fs, const char *what);

#endif /* _SAMPLES_LIB_MOUNT_H */
