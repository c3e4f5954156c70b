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

/*
 * Places for packets, of many pages of any size. The heap of a program that is linked
 * at a fixed address begins anywhere in the first gigabyte behind it, at random: it may
 * be in one of them.
 */
#define NATIVE_MEMORY	0x20000000UL
#define NATIVE_STEP	0x10000000UL
#define NATIVE_PLACES	4
#define NATIVE_SIZE	0x100000UL

/**
 * struct bpf_program - a program of a native skeleton
 * @run: runs it on a packet from @data to @data_end; returns its verdict
 */
struct bpf_program {
	int (*run)(__u32 data, __u32 data_end);
};

/* Nothing can be read or written there yet. NULL: no place was free. */
static inline __u8 *native_reserve(void)
{
	void *wanted, *memory;
	int i;

	for (i = 0; i < NATIVE_PLACES; i++) {
		wanted = (void *)(NATIVE_MEMORY + i * NATIVE_STEP);
		memory = mmap(wanted, 2 * NATIVE_SIZE, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (memory == wanted)
			return memory;
		if (memory != MAP_FAILED)
			munmap(memory, 2 * NATIVE_SIZE);
	}
	return NULL;
}

/* The end of memory for packets. */
static inline __u8 *native_end(void)
{
	static __u8 *end;
	__u8 *memory;

	if (end)
		return end;
	memory = native_reserve();
	if (!memory || mprotect(memory, NATIVE_SIZE, PROT_READ | PROT_WRITE)) {
		perror("# memory for packets");
		exit(KSFT_FAIL);
	}
	end = memory + NATIVE_SIZE;
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
