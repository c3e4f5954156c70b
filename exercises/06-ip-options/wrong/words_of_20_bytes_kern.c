// SPDX-License-Identifier: GPL-2.0
/* answer: mind the units: ihl counts words of 4 bytes */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("xdp")
int ip_options(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct icmphdr *icmp;
	struct iphdr *ip;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_ICMP)
		return XDP_PASS;
	if (ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	if (ip->ihl < 5)
		return XDP_PASS;
	icmp = (void *)(ip + ip->ihl * 4);
	if ((void *)(icmp + 1) > data_end)
		return XDP_PASS;
	return icmp->type == ICMP_ECHO ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
