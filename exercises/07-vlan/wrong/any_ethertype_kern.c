// SPDX-License-Identifier: GPL-2.0
/* answer: a frame of EtherType 0x88b5 was dropped */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct vlan_tag {
	__be16 vlan;
	__be16 proto;
};

static __always_inline bool is_request(struct iphdr *ip, void *data_end)
{
	struct icmphdr *icmp;

	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_ICMP)
		return false;
	if (ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return false;
	icmp = (void *)ip + ip->ihl * 4;
	return (void *)(icmp + 1) <= data_end && icmp->type == ICMP_ECHO;
}

SEC("xdp")
int vlan(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	void *next = eth + 1;
	struct vlan_tag *tag;
	__be16 proto;
	int i;

	if (next > data_end)
		return XDP_PASS;
	proto = eth->h_proto;
	for (i = 0; i < 2 && proto != bpf_htons(ETH_P_IP); i++) {
		tag = next;
		next = tag + 1;
		if (next > data_end)
			return XDP_PASS;
		proto = tag->proto;
	}
	if (proto == bpf_htons(ETH_P_IP) && is_request(next, data_end))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
