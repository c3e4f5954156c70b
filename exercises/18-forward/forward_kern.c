// SPDX-License-Identifier: GPL-2.0
/* Exercise 18: forward IPv4 packets as a router does, and leave the rest to the stack. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "pkt_csum.bpf.h"

#define AF_INET 2

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
	/* TODO: which packets must not go on, because the stack has to answer them? */

	/* TODO: fill fib: family, ifindex, tos, l4_protocol, tot_len, ipv4_src, ipv4_dst. */
	/* For this host, no route, no neighbour, too large: the stack knows what to do. */
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;

	/*
	 * TODO: the TTL is one less, and the checksum of the header has to agree: pkt_csum_diff2(),
	 * pkt_csum_apply(). The MAC addresses are in fib.
	 */
	return bpf_redirect(fib.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
