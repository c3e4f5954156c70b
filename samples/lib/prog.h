/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs that are loaded, whoever loaded them. */
#ifndef _SAMPLES_LIB_PROG_H
#define _SAMPLES_LIB_PROG_H

#include <linux/types.h>

/* BPF_OBJ_NAME_LEN: <linux/bpf.h> and libpcap's headers cannot be included together. */
enum { SAMPLE_PROG_NAME = 16 };

void sample_prog_name(__u32 id, char name[SAMPLE_PROG_NAME]);

#endif /* _SAMPLES_LIB_PROG_H */
