/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * include/uapi is read as it stands in the kernel tree, not as
 * "make headers_install" leaves it, so annotations of the kernel are there.
 */
#ifndef _BPF_COMPAT_COMPILER_TYPES_H
#define _BPF_COMPAT_COMPILER_TYPES_H

#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif
#define __user
/* For gcc a hint to optimise; clang sees through the functions it marks. */
#define __attribute_const__

#endif /* _BPF_COMPAT_COMPILER_TYPES_H */
