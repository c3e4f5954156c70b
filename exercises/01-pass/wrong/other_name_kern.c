// SPDX-License-Identifier: GPL-2.0
/* answer: there is no program named pass in the file */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int let_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
