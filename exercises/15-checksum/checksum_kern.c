// SPDX-License-Identifier: GPL-2.0
/* Exercise 15: give IPv4 packets another destination, and mend their checksums. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* 192.0.2.1 */
#define NEW_DEST bpf_htonl(0xc0000201)

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip;
	__u32 from, to = NEW_DEST;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end || ip->ihl != 5)
		return XDP_PASS;

	from = ip->daddr;
	ip->daddr = to;
	/* TODO: mend ip->check, and the checksum of TCP or UDP: from has become to. */
	(void)from;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
