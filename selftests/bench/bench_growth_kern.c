// SPDX-License-Identifier: GPL-2.0
/*
 * In front of a load balancer that runs: makes the packet of one of many connections to
 * one of many services, and tail-calls. The floor is the same in front of a program that
 * only parses.
 */
#include <linux/bpf.h>
#include "bench_packet.h"
#include "pkt_parse.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} growth_target SEC(".maps");

/* Ethernet, IPv4, TCP. */
__u64 growth_head[BENCH_PACKET_HEAD / 8];
/* Addresses of the first client and the first service; how many there are of each. */
__u32 growth_client;
__u32 growth_vip;
__u32 growth_mask;	/* clients - 1 */
__u32 growth_vips;
__u32 growth_count;

SEC("xdp.frags")
int growth(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u64 *from = growth_head, *to = data;
	__u32 i, flow;

	if (data + BENCH_PACKET_HEAD > data_end)
		return XDP_ABORTED;
#pragma clang loop unroll(full)
	for (i = 0; i < BENCH_PACKET_HEAD / 8; i++)
		to[i] = from[i];
	/* An odd factor: all of them come, in no order. */
	flow = growth_count++ * 40503 & growth_mask;
	*(__be32 *)(data + 26) = bpf_htonl(growth_client + flow);
	*(__be32 *)(data + 30) = bpf_htonl(growth_vip + flow % growth_vips);
	bpf_tail_call(ctx, &growth_target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int growth_floor(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct pkt_ip ip;

	return pkt_parse_ip(&cur, &ip) == PKT_OK && pkt_tcp(&cur, &ip) ? XDP_PASS : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
