/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ASSERT_*() and EXPECT_*() for functions that tests share in a .c file. The .c file includes this
 * header, the test includes test_harness.h; both do so before other headers of selftests/.
 */
#ifndef _SELFTESTS_TEST_ASSERT_H
#define _SELFTESTS_TEST_ASSERT_H

/*
 * The harness is all in its header. It defines these names in each object that includes it, so
 * that the linker would find them twice. Weak definitions give way to those of the test.
 */
#pragma weak _fixture_global
#pragma weak __active_test
#pragma weak __run_test
#pragma weak __wait_for_test

#include <kselftest_harness.h>

#endif /* _SELFTESTS_TEST_ASSERT_H */
