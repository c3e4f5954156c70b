// SPDX-License-Identifier: GPL-2.0
/* answer: a frame with an Ethernet header and nothing else was passed */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	/* Too short for what it does not even read. */
	if (data + sizeof(struct ethhdr) + sizeof(struct iphdr) > data_end)
		return XDP_PASS;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
