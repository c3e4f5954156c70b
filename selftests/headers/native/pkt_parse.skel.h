/* SPDX-License-Identifier: GPL-2.0 */
/* pkt_parse_kern.c as functions of a test: see test_native.h. */
#ifndef _NATIVE_PKT_PARSE_SKEL_H
#define _NATIVE_PKT_PARSE_SKEL_H

#include "test_native.h"

extern __u32 kern_runs __asm__("runs");
extern struct parsed kern_result __asm__("result");
extern __u32 kern_frame_len __asm__("frame_len");
int parse_xdp(struct xdp_md *ctx);
int parse_tc(struct __sk_buff *skb);

struct pkt_parse_kern_bss {
	__u32 frame_len;
	__u32 runs;
	struct parsed result;
};

struct pkt_parse_kern {
	struct {
		const struct bpf_program *parse_xdp;
		const struct bpf_program *parse_tc;
	} progs;
	struct pkt_parse_kern_bss *bss;
};

static struct pkt_parse_kern_bss native_bss;

static int native_keep(int verdict)
{
	native_bss.runs = kern_runs;
	native_bss.result = kern_result;
	return verdict;
}

static int native_parse_xdp(__u32 data, __u32 data_end)
{
	struct xdp_md ctx = { .data = data, .data_end = data_end };

	kern_frame_len = native_bss.frame_len;
	return native_keep(parse_xdp(&ctx));
}

static int native_parse_tc(__u32 data, __u32 data_end)
{
	struct __sk_buff skb = { .data = data, .data_end = data_end };

	kern_frame_len = native_bss.frame_len;
	return native_keep(parse_tc(&skb));
}

static inline struct pkt_parse_kern *pkt_parse_kern__open_and_load(void)
{
	static const struct bpf_program xdp = { native_parse_xdp }, tc = { native_parse_tc };
	static struct pkt_parse_kern skel = {
		.progs = { .parse_xdp = &xdp, .parse_tc = &tc },
		.bss = &native_bss,
	};

	return &skel;
}

static inline void pkt_parse_kern__destroy(struct pkt_parse_kern *skel)
{
}

#endif /* _NATIVE_PKT_PARSE_SKEL_H */
