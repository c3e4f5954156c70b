// SPDX-License-Identifier: GPL-2.0
/* answer: was sent back: each frame should be passed */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
