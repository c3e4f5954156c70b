/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The compiler's builtins are BPF instructions already. */
#include <asm-generic/swab.h>
