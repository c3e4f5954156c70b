/* SPDX-License-Identifier: GPL-2.0 */
/* pkt_csum_kern.c as functions of a test: see test_native.h. */
#ifndef _NATIVE_PKT_CSUM_SKEL_H
#define _NATIVE_PKT_CSUM_SKEL_H

#include "test_native.h"

struct native_sum_args {
	__u32 n;
	__u32 udp;
	__sum16 check;
	struct {
		__u32 bytes;
		__be32 from[4];
		__be32 to[4];
	} change[8];
};

struct native_addr {
	__be32 word[4];
};

extern struct native_sum_args kern_sum_args __asm__("sum_args");
extern struct native_addr kern_new_saddr __asm__("new_saddr");
extern struct native_addr kern_new_daddr __asm__("new_daddr");
extern __be16 new_sport;
extern __be16 new_dport;
int csum_numbers(struct xdp_md *ctx);
int csum_rewrite(struct xdp_md *ctx);

struct pkt_csum_kern_bss {
	struct native_sum_args sum_args;
	__be32 new_saddr[4];
	__be32 new_daddr[4];
	__be16 new_sport;
	__be16 new_dport;
};

struct pkt_csum_kern {
	struct {
		const struct bpf_program *csum_numbers;
		const struct bpf_program *csum_rewrite;
	} progs;
	struct pkt_csum_kern_bss *bss;
};

static struct pkt_csum_kern_bss native_bss;

static int native_csum_numbers(__u32 data, __u32 data_end)
{
	struct xdp_md ctx = { .data = data, .data_end = data_end };
	int verdict;

	kern_sum_args = native_bss.sum_args;
	verdict = csum_numbers(&ctx);
	native_bss.sum_args = kern_sum_args;
	return verdict;
}

static int native_csum_rewrite(__u32 data, __u32 data_end)
{
	struct xdp_md ctx = { .data = data, .data_end = data_end };

	memcpy(&kern_new_saddr, native_bss.new_saddr, sizeof(kern_new_saddr));
	memcpy(&kern_new_daddr, native_bss.new_daddr, sizeof(kern_new_daddr));
	new_sport = native_bss.new_sport;
	new_dport = native_bss.new_dport;
	return csum_rewrite(&ctx);
}

static inline struct pkt_csum_kern *pkt_csum_kern__open_and_load(void)
{
	static const struct bpf_program numbers = { native_csum_numbers };
	static const struct bpf_program rewrite = { native_csum_rewrite };
	static struct pkt_csum_kern skel = {
		.progs = { .csum_numbers = &numbers, .csum_rewrite = &rewrite },
		.bss = &native_bss,
	};

	return &skel;
}

static inline void pkt_csum_kern__destroy(struct pkt_csum_kern *skel)
{
}

#endif /* _NATIVE_PKT_CSUM_SKEL_H */
