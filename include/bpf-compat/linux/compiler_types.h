/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * BPF programs are built with include/uapi of the kernel tree. "make headers_install" would
 * remove the kernel's annotations from these headers, so this file defines them as nothing.
 */
#ifndef _BPF_COMPAT_COMPILER_TYPES_H
#define _BPF_COMPAT_COMPILER_TYPES_H

#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif
#define __user
/* Only an optimisation hint, which clang does not need: it inlines the marked functions. */
#define __attribute_const__

#endif /* _BPF_COMPAT_COMPILER_TYPES_H */
