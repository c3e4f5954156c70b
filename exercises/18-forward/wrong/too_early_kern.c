// SPDX-License-Identifier: GPL-2.0
/* answer: byte 22 (IPv4) was */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "pkt_csum.bpf.h"

#define AF_INET 2

/* The address of the TTL is even: it shares a 16-bit word with the protocol. */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	__be16 *word = (__be16 *)&ip->ttl;
	__be16 from = *word;

	ip->ttl--;
	pkt_csum_apply(&ip->check, pkt_csum_diff2(0, from, *word));
}

SEC("xdp")
int forward(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct bpf_fib_lookup fib = {};
	struct ethhdr *eth = data;
	struct iphdr *ip;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	/* The stack answers: "time to live exceeded". traceroute lives by that. */
	if (ip->ttl <= 1)
		return XDP_PASS;

	decrement_ttl(ip);
	fib.family = AF_INET;
	fib.ifindex = ctx->ingress_ifindex;
	fib.tos = ip->tos;
	fib.l4_protocol = ip->protocol;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ipv4_src = ip->saddr;
	fib.ipv4_dst = ip->daddr;
	/* For this host, no route, no neighbour, too large: the stack knows what to do. */
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;

	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	return bpf_redirect(fib.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
