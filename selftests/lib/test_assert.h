/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ASSERT_*() and EXPECT_*() for functions that tests share in a .c file. The .c file includes this
 * header, the test includes test_harness.h; both do so before other headers of selftests/. The
 * Makefile links the harness, which is all in its header, only once.
 */
#ifndef _SELFTESTS_TEST_ASSERT_H
#define _SELFTESTS_TEST_ASSERT_H

#include <kselftest_harness.h>

#endif /* _SELFTESTS_TEST_ASSERT_H */
