// SPDX-License-Identifier: GPL-2.0
/* answer: the SEC(...) above pass is a wrong one */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xpd")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
