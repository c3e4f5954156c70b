/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Macros that the C library lacks. */
#ifndef _SAMPLES_LIB_UTIL_H
#define _SAMPLES_LIB_UTIL_H

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

/* An errno of the kernel that should not reach user space, but does; strerror() has no text. */
#ifndef ENOTSUPP
#define ENOTSUPP 524
#endif

#endif /* _SAMPLES_LIB_UTIL_H */
