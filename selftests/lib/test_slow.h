/* SPDX-License-Identifier: GPL-2.0 */
/* What the linker makes of alarm() in a test (--wrap=alarm). */
#ifndef _SELFTESTS_TEST_SLOW_H
#define _SELFTESTS_TEST_SLOW_H

unsigned int __real_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds);

#endif /* _SELFTESTS_TEST_SLOW_H */
