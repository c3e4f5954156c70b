// SPDX-License-Identifier: GPL-2.0
/*
 * The program uses the result of a map lookup, which may be NULL.
 *
 * message: invalid mem access 'map_value_or_null'
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int null(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *count;

	count = bpf_map_lookup_elem(&packets, &key);
#ifdef MENDED
	if (!count)
		return XDP_PASS;
#endif
	(*count)++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
