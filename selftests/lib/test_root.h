/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Skip what this process may not do; in a container root may lack capabilities:
 *
 *	if (test_lacks(SAMPLE_NEED_LOAD))
 *		SKIP(return, "%s", test_lacked);
 */
#ifndef _SELFTESTS_TEST_ROOT_H
#define _SELFTESTS_TEST_ROOT_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include "lib/caps.h"

/* To make a network namespace, with links in it. */
#define NEED_NETNS (SAMPLE_NEED_ADMIN | SAMPLE_NEED_NETLINK)

/* What test_lacks() has found. */
static char test_lacked[SAMPLE_CAPS_LEN + 32];

/**
 * test_lacks() - something cannot be tried by this process
 * @needs: enum sample_need of it
 *
 * Return: true if so; test_lacked has the reason, "needs root with CAP_BPF".
 */
static inline bool test_lacks(unsigned int needs)
{
	char names[SAMPLE_CAPS_LEN] = "";

#ifndef TEST_NATIVE
	sample_caps_text(sample_caps_missing(needs), names);
#endif
	snprintf(test_lacked, sizeof(test_lacked), "needs root%s%s", *names ? " with " : "", names);
	return geteuid() || *names;
}

#endif /* _SELFTESTS_TEST_ROOT_H */
