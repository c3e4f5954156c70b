// SPDX-License-Identifier: GPL-2.0
/* answer: was sent back: every frame should be dropped */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
