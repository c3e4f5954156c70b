// SPDX-License-Identifier: GPL-2.0
/*
 * An XDP program calls a helper that works on an skb, but XDP has no skb.
 *
 * message: bpf_skb_load_bytes#26
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("xdp")
int helper(struct xdp_md *ctx)
{
	struct ethhdr eth;

#ifdef MENDED
	if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return XDP_PASS;
#else
	if (bpf_skb_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return XDP_PASS;
#endif
	return eth.h_proto == bpf_htons(ETH_P_ARP) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
