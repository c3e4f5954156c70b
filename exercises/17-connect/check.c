// SPDX-License-Identifier: GPL-2.0
/* Exercise 17: no packets to try; check.sh calls connect(). */
#include "course.h"

const struct course_exercise exercise = {
	.prog = "on_state",
	.rule = "each connect() should make one line",
};
