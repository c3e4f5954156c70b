// SPDX-License-Identifier: GPL-2.0
/* Exercise 8: drop ICMPv6 echo requests behind 0 to 6 extension headers. */
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define HEADERS_MAX 6

SEC("xdp")
int ipv6_headers(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct icmp6hdr *icmp;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	/* TODO: walk over at most HEADERS_MAX extension headers; this knows none. */
	if (ip6->nexthdr != IPPROTO_ICMPV6)
		return XDP_PASS;
	icmp = (void *)(ip6 + 1);
	if ((void *)(icmp + 1) > data_end)
		return XDP_PASS;
	return icmp->icmp6_type == ICMPV6_ECHO_REQUEST ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
