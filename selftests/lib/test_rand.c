// SPDX-License-Identifier: GPL-2.0
/* Random numbers that can be repeated: see test_rand.h. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "test_rand.h"

__u64 test_seed(void)
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

__u32 test_rand(__u64 *state)
{
	__u64 x;

	*state += 0x9e3779b97f4a7c15ULL;
	x = (*state ^ (*state >> 29)) * 0xd6e8feb86659fd93ULL;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
	return x >> 32;
}

__u32 test_below(__u64 *state, __u32 n)
{
	return test_rand(state) % n;
}
