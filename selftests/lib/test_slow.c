// SPDX-License-Identifier: GPL-2.0
/*
 * Time for the tests of kselftest_harness.h on a slow machine: NETBPF_SLOW (see
 * scripts/common.sh) stretches here what it stretches in scripts. The harness
 * ends a test by alarm(), which the linker turns into this one.
 */
#include <stdlib.h>
#include <unistd.h>
#include "test_wrap.h"

TEST_WRAPS(alarm);

unsigned int __wrap_alarm(unsigned int seconds)
{
	const char *slow = getenv("NETBPF_SLOW");
	int factor = slow ? atoi(slow) : 1;

	return __real_alarm(factor > 1 ? seconds * factor : seconds);
}
