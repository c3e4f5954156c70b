// SPDX-License-Identifier: GPL-2.0
/*
 * pass: the smallest XDP program. It is not useless: the peer of a veth device
 * that answers with XDP_TX, or that packets are redirected to, must have some
 * native XDP program, or the packets vanish (drivers/net/veth.c, veth_xdp_xmit()).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
