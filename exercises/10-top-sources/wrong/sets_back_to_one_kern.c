// SPDX-License-Identifier: GPL-2.0
/* answer: and 1 were counted */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* Who was not seen for the longest time makes room for a new source. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u64);
} sources SEC(".maps");

static __always_inline bool add(__be32 source)
{
	__u64 *value = bpf_map_lookup_elem(&sources, &source);

	if (!value)
		return false;
	__sync_fetch_and_add(value, 1);
	return true;
}

static __always_inline void count(__be32 source)
{
	__u64 one = 1;

	/* Another CPU may have inserted it meanwhile: then this fails, and we add to theirs. */
	if (bpf_map_update_elem(&sources, &source, &one, BPF_ANY))
		add(source);
}

SEC("xdp")
int top_sources(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	count(ip->saddr);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
