// SPDX-License-Identifier: GPL-2.0
/* answer: a semicolon follows SEC(...) in line 6 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp");
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
