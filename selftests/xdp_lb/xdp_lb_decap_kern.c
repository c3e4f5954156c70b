// SPDX-License-Identifier: GPL-2.0
/*
 * For the tests of xdp_lb in mode ipip: remove the outer IP header, because some kernels
 * lack tunnel devices. Inner and outer header can each be IPv4 or IPv6.
 */
#include <linux/bpf.h>
#include "pkt_parse.bpf.h"

/* EtherType of the inner packet for the protocol of the outer header; 0: no tunnel. */
static __always_inline __be16 inner_proto(__u8 proto)
{
	if (proto == IPPROTO_IPIP)
		return bpf_htons(ETH_P_IP);
	return proto == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

static __always_inline int take_off(struct xdp_md *ctx, int len, __be16 proto)
{
	struct ethhdr *eth = (void *)(long)ctx->data, copy;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	copy = *eth;
	copy.h_proto = proto;
	if (bpf_xdp_adjust_head(ctx, len))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = copy;
	return XDP_PASS;
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct pkt_ip ip;

	if (pkt_parse_ip(&cur, &ip) != PKT_OK || !inner_proto(ip.proto))
		return XDP_PASS;
	return take_off(ctx, ip.v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr),
			inner_proto(ip.proto));
}

char _license[] SEC("license") = "GPL";
