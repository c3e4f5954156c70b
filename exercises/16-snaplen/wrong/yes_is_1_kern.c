// SPDX-License-Identifier: GPL-2.0
/* answer: the return value is a number of bytes */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* Entry 0: how many bytes of each packet the socket gets. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} settings SEC(".maps");

SEC("socket")
int snaplen(struct __sk_buff *skb)
{
	__u32 key = 0, *limit;
	__u8 protocol;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return 0;
	if (bpf_skb_load_bytes_relative(skb, offsetof(struct iphdr, protocol), &protocol,
					sizeof(protocol), BPF_HDR_START_NET))
		return 0;
	if (protocol != IPPROTO_UDP)
		return 0;
	limit = bpf_map_lookup_elem(&settings, &key);
	return limit ? 1 : 0;
}

char _license[] SEC("license") = "GPL";
