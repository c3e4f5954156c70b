// SPDX-License-Identifier: GPL-2.0
/* answer: a packet from a blocked address was passed */
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

/* A trie has no room for all possible prefixes: the kernel allocates each as it comes. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
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
	struct key key = { .prefixlen = 32 };
	__u32 *value;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	/* All 32 bits may match: the trie finds the longest prefix that does. */
	key.addr = bpf_ntohl(ip->saddr);
	value = bpf_map_lookup_elem(&prefixes, &key);
	return value && *value == BLOCK ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
