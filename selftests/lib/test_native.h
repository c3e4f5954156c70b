/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the place of libbpf and the kernel, for tests of headers that run without BPF: a
 * program is a function of the test, compiled for its machine, and its variables are
 * variables of the test. test_run.h includes this.
 */
#ifndef _SELFTESTS_TEST_NATIVE_H
#define _SELFTESTS_TEST_NATIVE_H

#include <sys/mman.h>
#include "test_native_ctx.h"

/* More bytes than any packet has, and whole pages, whatever their size is. */
#define NATIVE_SIZE	0x100000UL

/* As in libbpf, nobody sees its members: a pointer to it is the address of a function. */
struct bpf_program;

/*
 * There is no skeleton and nothing to load: a pointer that is not NULL stands for it. The
 * header that a test shares with its program declares the functions and the variables.
 */
#define test_load(name)		((struct name *)1)
#define test_unload(name, skel)	((void)(skel))
#define test_prog(skel, name)	((const struct bpf_program *)(name))
#define test_var(skel, name)	(name)

/* The end of memory for packets. Nothing is mapped behind it: who reads there crashes. */
static inline __u8 *native_end(void)
{
	static __u8 *end;
	__u8 *memory;

	if (end)
		return end;
	memory = mmap(NULL, 2 * NATIVE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || mprotect(memory, NATIVE_SIZE, PROT_READ | PROT_WRITE)) {
		perror("# memory for packets");
		exit(KSFT_FAIL);
	}
	end = memory + NATIVE_SIZE;
	return end;
}

static inline int test_run(const struct bpf_program *prog, const void *data, __u32 len,
			   struct test_out *out)
{
	int (*run)(struct native_ctx *ctx) = (void *)prog;
	__u8 *end = native_end(), *start = end - len;
	struct native_ctx ctx = { .data = (unsigned long)start, .data_end = (unsigned long)end };

	memcpy(start, data, len);
	out->verdict = run(&ctx);
	out->len = len;
	memcpy(out->data, start, len);
	return 0;
}

#endif /* _SELFTESTS_TEST_NATIVE_H */
