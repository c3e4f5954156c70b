/* SPDX-License-Identifier: GPL-2.0 */
/* pkt_echo_kern.c as a function of a test: see test_native.h. */
#ifndef _NATIVE_PKT_ECHO_SKEL_H
#define _NATIVE_PKT_ECHO_SKEL_H

#include "test_native.h"

extern struct echo_found kern_found __asm__("found");
int echo_answer(struct xdp_md *ctx);

struct pkt_echo_kern_bss {
	struct echo_found found;
};

struct pkt_echo_kern {
	struct {
		const struct bpf_program *echo_answer;
	} progs;
	struct pkt_echo_kern_bss *bss;
};

static struct pkt_echo_kern_bss native_bss;

static int native_echo_answer(__u32 data, __u32 data_end)
{
	struct xdp_md ctx = { .data = data, .data_end = data_end };
	int verdict = echo_answer(&ctx);

	native_bss.found = kern_found;
	return verdict;
}

static inline struct pkt_echo_kern *pkt_echo_kern__open_and_load(void)
{
	static const struct bpf_program prog = { native_echo_answer };
	static struct pkt_echo_kern skel = { .progs.echo_answer = &prog, .bss = &native_bss };

	return &skel;
}

static inline void pkt_echo_kern__destroy(struct pkt_echo_kern *skel)
{
}

#endif /* _NATIVE_PKT_ECHO_SKEL_H */
