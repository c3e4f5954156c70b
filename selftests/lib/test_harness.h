/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's test harness, for tests with fixtures. Include it before other headers of lib/. */
#ifndef _SELFTESTS_TEST_HARNESS_H
#define _SELFTESTS_TEST_HARNESS_H

#include <kselftest_harness.h>

/* FIXTURE_SETUP() and FIXTURE_TEARDOWN() define non-static functions without a prototype. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#endif /* _SELFTESTS_TEST_HARNESS_H */
