/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* BPF has 64-bit long and the generic integer types. */
#include <asm-generic/types.h>
