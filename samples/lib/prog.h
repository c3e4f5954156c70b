/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Information about loaded BPF programs, also about those of other processes. */
#ifndef _SAMPLES_LIB_PROG_H
#define _SAMPLES_LIB_PROG_H

#include <linux/types.h>

/* Equals BPF_OBJ_NAME_LEN; <linux/bpf.h> cannot be included together with libpcap's headers. */
enum { SAMPLE_PROG_NAME = 16 };

void sample_prog_name(__u32 id, char name[SAMPLE_PROG_NAME]);

#endif /* _SAMPLES_LIB_PROG_H */
