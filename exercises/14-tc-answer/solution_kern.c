// SPDX-License-Identifier: GPL-2.0
/* Exercise 14: answer IPv4 echo requests in TC. */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* Exchange source and destination. The IPv4 checksum stays right: a sum has no order. */
static __always_inline void turn_round(struct ethhdr *eth, struct iphdr *ip)
{
	__u8 mac[ETH_ALEN];
	__be32 addr = ip->saddr;

	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
}

SEC("tc")
int tc_answer(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct icmphdr *icmp;
	struct iphdr *ip;
	__u32 check_at;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_ICMP || ip->ihl != 5)
		return TC_ACT_UNSPEC;
	/* No fragment is answered, not even the first one: it is not the whole request. */
	if (ip->frag_off & bpf_htons(0x3fff))
		return TC_ACT_UNSPEC;
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) > data_end || icmp->type != ICMP_ECHO)
		return TC_ACT_UNSPEC;

	turn_round(eth, ip);
	icmp->type = ICMP_ECHOREPLY;
	/* After this helper, eth, ip and icmp are no pointers into the packet any more. */
	check_at = sizeof(*eth) + sizeof(*ip) + offsetof(struct icmphdr, checksum);
	bpf_l4_csum_replace(skb, check_at, bpf_htons(ICMP_ECHO << 8),
			    bpf_htons(ICMP_ECHOREPLY << 8), 2);
	return bpf_redirect(skb->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
