/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A function of a test in the place of another one. All objects but the one that defines
 * usleep() call this one, by --wrap of the linker (ld(1)):
 *
 *	TEST_WRAPS(usleep);
 *
 *	int __wrap_usleep(useconds_t us)
 *	{
 *		return no_time ? 0 : __real_usleep(us);
 *	}
 */
#ifndef _SELFTESTS_TEST_WRAP_H
#define _SELFTESTS_TEST_WRAP_H

/* Declares both names as @name is declared: the compiler compares the definition with it. */
#define TEST_WRAPS(name) extern typeof(name) __real_##name, __wrap_##name

#endif /* _SELFTESTS_TEST_WRAP_H */
