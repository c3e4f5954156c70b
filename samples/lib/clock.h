/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The clock of BPF programs, and the time of day. */
#ifndef _SAMPLES_LIB_CLOCK_H
#define _SAMPLES_LIB_CLOCK_H

#include <linux/types.h>

__u64 sample_now(void);
__u64 sample_realtime(__u64 ns);

#endif /* _SAMPLES_LIB_CLOCK_H */
