// SPDX-License-Identifier: GPL-2.0
/* answer: a later fragment, whose payload looks like an echo request was dropped */
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define HEADERS_MAX 6

struct ext_header {
	__u8 nexthdr;
	__u8 len;
	__be16 frag_off;	/* the Fragment header only */
	__u32 rest;
};

/* Length of an extension header in bytes; 0: @nexthdr is no extension header. */
static __always_inline __u32 ext_length(__u8 nexthdr, const struct ext_header *ext)
{
	switch (nexthdr) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (ext->len + 1) * 8;
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_AH:
		return (ext->len + 2) * 4;
	default:
		return 0;
	}
}

SEC("xdp")
int ipv6_headers(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	void *next = ip6 + 1;
	struct icmp6hdr *icmp;
	__u8 nexthdr;
	__u32 len;
	int i;

	if (next > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	nexthdr = ip6->nexthdr;
	for (i = 0; i < HEADERS_MAX; i++) {
		struct ext_header *ext = next;

		/* ICMPv6 has 8 bytes, too: whatever comes next, so many must be there. */
		if ((void *)(ext + 1) > data_end)
			return XDP_PASS;
		len = ext_length(nexthdr, ext);
		if (!len)
			break;
		nexthdr = ext->nexthdr;
		next += len;
	}
	icmp = next;
	if (nexthdr != IPPROTO_ICMPV6 || (void *)(icmp + 1) > data_end)
		return XDP_PASS;
	return icmp->icmp6_type == ICMPV6_ECHO_REQUEST ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
