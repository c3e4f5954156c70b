/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whether an interface takes native XDP, and why not. */
#ifndef _SAMPLES_LIB_NATIVE_H
#define _SAMPLES_LIB_NATIVE_H

#include <stdbool.h>

enum {
	/* The kernel's texts are shorter than 128 characters. */
	SAMPLE_REASON_LEN = 160,
};

bool sample_native_may_fall_back(int err);
void sample_native_reason(unsigned int ifindex, int err, char reason[SAMPLE_REASON_LEN]);
bool sample_native_forgotten(unsigned int ifindex, char reason[SAMPLE_REASON_LEN]);
bool sample_native_refused(unsigned int ifindex, char reason[SAMPLE_REASON_LEN]);

#endif /* _SAMPLES_LIB_NATIVE_H */
