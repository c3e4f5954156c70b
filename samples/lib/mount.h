/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* File systems that a sample needs and mounts for itself. */
#ifndef _SAMPLES_LIB_MOUNT_H
#define _SAMPLES_LIB_MOUNT_H

struct sample_fs;

int sample_mount(const struct sample_fs *fs, const char *what);

#endif /* _SAMPLES_LIB_MOUNT_H */
