// SPDX-License-Identifier: GPL-2.0
/* answer: ended with XDP_ABORTED: each frame should be passed */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
