// SPDX-License-Identifier: GPL-2.0
/* Checks what this process may do: see test_root.h. */
#include <stdio.h>
#include <unistd.h>
#include "test_root.h"

char test_lacked[SAMPLE_CAPS_LEN + 32];

bool test_lacks(unsigned int needs)
{
	char names[SAMPLE_CAPS_LEN] = "";

#ifndef TEST_NATIVE
	sample_caps_text(sample_caps_missing(needs), names);
#endif
	snprintf(test_lacked, sizeof(test_lacked), "needs root%s%s", *names ? " with " : "", names);
	return geteuid() || *names;
}
