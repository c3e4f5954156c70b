// SPDX-License-Identifier: GPL-2.0
/*
 * The front program before a running load balancer: it writes the packet of one of many
 * connections to one of many services, and tail-calls the balancer. For the base cost, the
 * front program calls growth_floor, which only parses.
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

/* The packet: Ethernet, IPv4 and TCP header. */
__u64 growth_head[BENCH_PACKET_HEAD / 8];
/* Addresses of the first client and the first service; number of clients and services. */
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
	/* An odd factor: each flow comes equally often, but in no regular order. */
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
