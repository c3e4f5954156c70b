// SPDX-License-Identifier: GPL-2.0
/*
 * pass: the smallest XDP program. It is useful on a veth: if a program on one end sends packets
 * with XDP_TX, or another program redirects packets into that end, the peer must have a native
 * XDP program, or the packets vanish (drivers/net/veth.c, veth_xdp_xmit()).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
