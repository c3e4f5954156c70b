/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the place of libbpf and the kernel, for tests of headers that run without
 * BPF: programs are functions of the test, compiled for its machine. test_run.h
 * includes this.
 *
 * A program sees a packet by two addresses of 32 bits, so packets lie low in
 * memory. Behind their last byte nothing is mapped: who reads there crashes.
 */
#ifndef _SELFTESTS_TEST_NATIVE_H
#define _SELFTESTS_TEST_NATIVE_H

#include <sys/mman.h>
#include <linux/bpf.h>

/* Any place that is free in a small program, of many pages of any size. */
#define NATIVE_MEMORY	0x20000000UL
#define NATIVE_SIZE	0x100000UL

/**
 * struct bpf_program - a program of a native skeleton
 * @run: runs it on a packet from @data to @data_end; returns its verdict
 */
struct bpf_program {
	int (*run)(__u32 data, __u32 data_end);
};

/* The end of memory for packets. */
static inline __u8 *native_end(void)
{
	static __u8 *end;
	void *memory;

	if (end)
		return end;
	memory = mmap((void *)NATIVE_MEMORY, 2 * NATIVE_SIZE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (memory != (void *)NATIVE_MEMORY ||
	    mprotect(memory, NATIVE_SIZE, PROT_READ | PROT_WRITE)) {
		perror("# memory for packets");
		exit(KSFT_FAIL);
	}
	end = (__u8 *)memory + NATIVE_SIZE;
	return end;
}

static inline int native_run(const struct bpf_program *prog, const void *data, __u32 len,
			     struct test_out *out)
{
	__u8 *end = native_end();

	memcpy(end - len, data, len);
	out->verdict = prog->run((unsigned long)(end - len), (unsigned long)end);
	out->len = len;
	memcpy(out->data, end - len, len);
	return 0;
}

#endif /* _SELFTESTS_TEST_NATIVE_H */
