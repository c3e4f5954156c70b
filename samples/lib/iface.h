/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Interfaces that go away while a sample is attached to them. */
#ifndef _SAMPLES_LIB_IFACE_H
#define _SAMPLES_LIB_IFACE_H

#include <stdbool.h>

/*
 * An interface is gone; what is attached there may still be at work, if it was moved. Returns
 * true if the sample waits for another one in its place.
 */
typedef bool sample_iface_fn(void *ctx, unsigned int ifindex);

int sample_iface_follow(unsigned int ifindex, sample_iface_fn *gone, void *ctx);
void sample_iface_unfollow(const void *ctx);
int sample_iface_fd(void);
void sample_iface_read(void);
int sample_iface_status(void);

#endif /* _SAMPLES_LIB_IFACE_H */
