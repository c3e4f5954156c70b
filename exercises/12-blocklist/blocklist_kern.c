// SPDX-License-Identifier: GPL-2.0
/* Exercise 12: drop packets whose source is in a blocked prefix. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum { ALLOW, BLOCK };

struct key {
	__u32 prefixlen;	/* in bits, in the byte order of the CPU */
	__be32 addr;
};

/* TODO: which type finds the longest prefix? It also needs map_flags (hint 1). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, __u32);
} prefixes SEC(".maps");

SEC("xdp")
int blocklist(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	/* TODO: look the source up; drop the packet if the value is BLOCK. */
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
