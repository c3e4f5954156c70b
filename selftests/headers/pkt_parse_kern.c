// SPDX-License-Identifier: GPL-2.0
/*
 * Runs include/pkt_parse.bpf.h on a packet and keeps what it found, for
 * pkt_parse_test.c. XDP and tc: the header serves both.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "pkt_parse.bpf.h"
#include "pkt_parse_test.h"

__u32 whole_len;
__u32 runs;
struct parsed result;

static __always_inline void *transport(struct pkt_cursor *cur, const struct pkt_ip *ip)
{
	switch (ip->proto) {
	case IPPROTO_ICMP:
		return pkt_icmp(cur, ip);
	case IPPROTO_ICMPV6:
		return pkt_icmp6(cur, ip);
	case IPPROTO_UDP:
		return pkt_udp(cur, ip);
	case IPPROTO_TCP:
		return pkt_tcp(cur, ip);
	default:
		return NULL;
	}
}

static __always_inline void parse(unsigned long data, unsigned long data_end)
{
	struct pkt_cursor cur = pkt_start(data, data_end);
	void *start = cur.pos;
	struct pkt_ip ip;
	void *l4;

	cur.left = whole_len;
	__builtin_memset(&result, 0, sizeof(result));
	runs++;
	result.status = pkt_parse_ip(&cur, &ip);
	if (result.status != PKT_OK)
		return;
	/* 10 if both were set. */
	result.version = (ip.v4 ? 4 : 0) + (ip.v6 ? 6 : 0);
	result.ip_at = (ip.v4 ? (void *)ip.v4 : (void *)ip.v6) - start;
	result.proto = ip.proto;
	result.frag = ip.frag;
	result.len = ip.len;
	result.net_end = cur.pos - start;

	l4 = transport(&cur, &ip);
	if (!l4)
		return;
	result.l4 = ip.proto;
	result.l4_at = l4 - start;
	result.l4_end = cur.pos - start;
}

SEC("xdp.frags")
int parse_xdp(struct xdp_md *ctx)
{
	parse(ctx->data, ctx->data_end);
	return XDP_PASS;
}

SEC("tc")
int parse_tc(struct __sk_buff *skb)
{
	parse(skb->data, skb->data_end);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
