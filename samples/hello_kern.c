// SPDX-License-Identifier: GPL-2.0
/*
 * hello: say "Hello ping" for each ICMP packet, and let all packets pass.
 *
 * XDP runs in the driver, before the kernel makes an skb of the frame: the
 * earliest place to see a packet, and only on its way in. What the program
 * prints goes to the trace pipe, which hello_user.c shows.
 */
#include <linux/bpf.h>
#include "pkt_parse.bpf.h"

SEC("xdp.frags")
int hello(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_cursor(ctx->data, ctx->data_end);
	struct pkt_ip ip;

	if (pkt_parse_ip(&cur, &ip) != PKT_OK)
		return XDP_PASS;

	if ((ip.v4 && ip.proto == IPPROTO_ICMP) ||
	    (ip.v6 && ip.proto == IPPROTO_ICMPV6))
		bpf_printk("Hello ping");

	return XDP_PASS;
}

/* bpf_printk() is for programs under the GPL only. */
char _license[] SEC("license") = "GPL";
