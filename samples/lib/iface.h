/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Watch for interfaces that go away while a sample is attached to them. */
#ifndef _SAMPLES_LIB_IFACE_H
#define _SAMPLES_LIB_IFACE_H

#include <stdbool.h>

/*
 * Called when an interface is gone. If it was moved to another network namespace, the programs
 * on it may still run. Returns true if the sample waits for a new interface in its place.
 */
typedef bool sample_iface_fn(void *ctx, unsigned int ifindex);

int sample_iface_follow(unsigned int ifindex, sample_iface_fn *gone, void *ctx);
void sample_iface_unfollow(const void *ctx);
int sample_iface_fd(void);
void sample_iface_read(void);
int sample_iface_status(void);

#endif /* _SAMPLES_LIB_IFACE_H */
