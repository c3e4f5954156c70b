/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Messages for what the kernel refuses: the missing capabilities, or another reason. */
#ifndef _SAMPLES_LIB_REFUSED_H
#define _SAMPLES_LIB_REFUSED_H

#include <stdbool.h>

__printf(3, 4) bool sample_refused(int err, unsigned int needs, const char *fmt, ...);
int sample_load_failed(const char *what, int err);

#endif /* _SAMPLES_LIB_REFUSED_H */
