/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets a test skip what this process may not do; in a container root may lack capabilities:
 *
 *	if (test_lacks(SAMPLE_NEED_LOAD))
 *		SKIP(return, "%s", test_lacked);
 */
#ifndef _SELFTESTS_TEST_ROOT_H
#define _SELFTESTS_TEST_ROOT_H

#include <stdbool.h>
#include "lib/caps.h"

/* What a test needs that makes a network namespace with links in it. */
#define NEED_NETNS (SAMPLE_NEED_ADMIN | SAMPLE_NEED_NETLINK)

/* The reason to skip, set by test_lacks(). */
extern char test_lacked[SAMPLE_CAPS_LEN + 32];

/**
 * test_lacks() - check whether this process lacks root or capabilities
 * @needs: what the test needs, bits of enum sample_need
 *
 * Return: true if the test has to be skipped; then test_lacked has the reason, as in
 * "needs root with CAP_BPF".
 */
bool test_lacks(unsigned int needs);

#endif /* _SELFTESTS_TEST_ROOT_H */
