// SPDX-License-Identifier: GPL-2.0
/*
 * Redirects each frame to one interface. bench_traffic.c runs this program with live frames.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 to_ifindex;

SEC("xdp")
int traffic(struct xdp_md *ctx)
{
	return bpf_redirect(to_ifindex, 0);
}

char _license[] SEC("license") = "GPL";
