/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets a test replace a function. The linker option --wrap (ld(1)) makes all objects, except
 * the one that defines usleep(), call this function instead:
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

#include <sys/cdefs.h>

/*
 * Declares __real_@name and __wrap_@name with the type of @name, so that the compiler checks
 * the definition in the test.
 */
#define TEST_WRAPS(name) extern typeof(name) __real_##name, __wrap_##name

/*
 * For a header of a replacement that several tests share, and that is compiled once. make looks
 * for __wrap_@name in the object of the test only: the pointer puts this name there.
 */
#define TEST_WRAPPED(name)					\
	TEST_WRAPS(name);					\
	static typeof(name) *const wrapped_##name __attribute_used__ = __wrap_##name

#endif /* _SELFTESTS_TEST_WRAP_H */
