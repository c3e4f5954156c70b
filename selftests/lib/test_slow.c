// SPDX-License-Identifier: GPL-2.0
/*
 * Gives the tests of kselftest_harness.h more time on a slow machine. The harness limits the
 * time of a test by alarm(). The linker replaces alarm() with the function below, which
 * multiplies the time by NETBPF_SLOW, as scripts/common.sh does for scripts.
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
