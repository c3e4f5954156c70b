// SPDX-License-Identifier: GPL-2.0
/* answer: 1 is XDP_DROP; a TC program says TC_ACT_SHOT */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum { FIRST = 4000, LAST = 4999 };

SEC("tc")
int tc_drop(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct udphdr *udp;
	struct iphdr *ip;
	__u16 port;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_UDP || ip->ihl < 5)
		return TC_ACT_UNSPEC;
	/* A later fragment has no ports. */
	if (ip->frag_off & bpf_htons(0x1fff))
		return TC_ACT_UNSPEC;
	udp = (void *)ip + ip->ihl * 4;
	if ((void *)(udp + 1) > data_end)
		return TC_ACT_UNSPEC;
	port = bpf_ntohs(udp->dest);
	return port >= FIRST && port <= LAST ? XDP_DROP : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
