/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a BPF program is called with where it is a function of a test. The Makefile includes
 * it first, in the program and in the test.
 */
#ifndef _SELFTESTS_TEST_NATIVE_CTX_H
#define _SELFTESTS_TEST_NATIVE_CTX_H

#include <linux/bpf.h>

/* In the kernel's structs an address has 32 bits, of which the verifier makes a pointer. */
struct native_ctx {
	unsigned long data;
	unsigned long data_end;
};

#define xdp_md		native_ctx
#define __sk_buff	native_ctx

#endif /* _SELFTESTS_TEST_NATIVE_CTX_H */
