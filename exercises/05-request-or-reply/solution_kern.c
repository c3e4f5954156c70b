// SPDX-License-Identifier: GPL-2.0
/* Exercise 5: count echo requests and echo replies, and remember the last of each. */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum { REQUESTS, REPLIES, KINDS };

struct echoes {
	__u32 packets;	/* number of messages so far */
	__u32 last;	/* sequence number of the last one, in host byte order */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct echoes);
} echoes SEC(".maps");

SEC("xdp")
int request_or_reply(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct icmphdr *icmp;
	struct echoes *seen;
	struct iphdr *ip;
	__u32 key;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->protocol != IPPROTO_ICMP)
		return XDP_PASS;
	/* Options and later fragments pass, uncounted. */
	if (ip->ihl != 5 || ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) > data_end)
		return XDP_PASS;

	if (icmp->type == ICMP_ECHO)
		key = REQUESTS;
	else if (icmp->type == ICMP_ECHOREPLY)
		key = REPLIES;
	else
		return XDP_PASS;
	seen = bpf_map_lookup_elem(&echoes, &key);
	if (!seen)
		return XDP_PASS;
	__sync_fetch_and_add(&seen->packets, 1);
	seen->last = bpf_ntohs(icmp->un.echo.sequence);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
