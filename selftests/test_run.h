/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and BPF_PROG_TEST_RUN for the tests, and random numbers that can be
 * had again. Include kselftest_harness.h first.
 */
#ifndef _SELFTESTS_TEST_RUN_H
#define _SELFTESTS_TEST_RUN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifndef TEST_NATIVE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#endif
#include "pkt_build.h"

/* FIXTURE_SETUP() and FIXTURE_TEARDOWN() make functions that are not static. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/**
 * struct test_out - what a run of a program gave
 * @verdict: its return value
 * @len: length of the packet afterwards
 * @data: its bytes
 */
struct test_out {
	__u32 verdict;
	__u32 len;
	__u8 data[BUILD_MAX];
};

#ifdef TEST_NATIVE
#include "native/test_native.h"
#define test_run native_run
#else
/**
 * test_run() - give a packet to an XDP or tc program
 * @prog: program, loaded
 * @data: packet, from its Ethernet header
 * @len: its length, at least BUILD_MIN
 * @out: result
 *
 * Return: 0, or the negative errno of the kernel.
 */
static inline int test_run(const struct bpf_program *prog, const void *data, __u32 len,
			   struct test_out *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = data,
		    .data_size_in = len,
		    .data_out = out->data,
		    .data_size_out = sizeof(out->data),
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	out->verdict = opts.retval;
	out->len = opts.data_size_out;
	return err;
}
#endif /* TEST_NATIVE */

/* Whether the packet came out as it went in. */
static inline bool test_unchanged(const struct test_out *out, const void *data, __u32 len)
{
	return out->len == len && !memcmp(out->data, data, len);
}

/*
 * Random numbers: each run of a test has others, so that over time more is
 * tried; the seed is printed, and NETBPF_SEED=N brings the same ones back.
 */
static inline __u64 test_seed(void)
{
	const char *text = getenv("NETBPF_SEED");
	struct timespec now;
	__u64 seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (__u64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (text)
		seed = strtoull(text, NULL, 0);
	fprintf(stderr, "# seed: NETBPF_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static inline __u32 test_rand(__u64 *state)
{
	__u64 x;

	*state += 0x9e3779b97f4a7c15ULL;
	x = (*state ^ (*state >> 29)) * 0xd6e8feb86659fd93ULL;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
	return x >> 32;
}

/* 0 to @n - 1. */
static inline __u32 test_below(__u64 *state, __u32 n)
{
	return test_rand(state) % n;
}

#endif /* _SELFTESTS_TEST_RUN_H */
