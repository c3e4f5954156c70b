// SPDX-License-Identifier: GPL-2.0
/* answer: it must have this name, and a SEC(...) on the line above it */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
