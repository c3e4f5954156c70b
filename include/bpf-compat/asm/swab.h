/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* No assembly is needed: the compiler's byte swap builtins become BPF instructions. */
#include <asm-generic/swab.h>
