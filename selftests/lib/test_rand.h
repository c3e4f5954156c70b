/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that can be repeated. */
#ifndef _SELFTESTS_TEST_RAND_H
#define _SELFTESTS_TEST_RAND_H

#include <linux/types.h>

/*
 * Seed for random numbers. Each run of a test uses another seed, so that over time the
 * tests try more packets. The seed is printed; NETBPF_SEED=N repeats a run.
 */
__u64 test_seed(void);

__u32 test_rand(__u64 *state);

/* A random number from 0 to @n - 1. */
__u32 test_below(__u64 *state, __u32 n);

#endif /* _SELFTESTS_TEST_RAND_H */
