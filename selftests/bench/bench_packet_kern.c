// SPDX-License-Identifier: GPL-2.0
/*
 * Helper programs for bench_packet.c.
 *
 * A front program writes the packet again and tail-calls the program that is measured: a
 * program that answers a packet changes it, so the next run would get another packet. The
 * floors run in place of the measured program: one returns at once, and one parses the packet
 * and passes it. A socket filter cannot change the packet and needs no front program.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "bench_packet.h"
#include "pkt_parse.bpf.h"
#include "sock_match.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_xdp_target SEC(".maps"), bench_tc_target SEC(".maps");

__u64 bench_head[BENCH_PACKET_HEAD / 8];

static __always_inline bool bench_make(void *data, void *data_end)
{
	__u64 *from = bench_head, *to = data;
	__u32 i;

	if (data + BENCH_PACKET_HEAD > data_end)
		return false;
#pragma clang loop unroll(full)
	for (i = 0; i < BENCH_PACKET_HEAD / 8; i++)
		to[i] = from[i];
	return true;
}

SEC("xdp.frags")
int bench_xdp(struct xdp_md *ctx)
{
	if (bench_make((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		bpf_tail_call(ctx, &bench_xdp_target, 0);
	return XDP_ABORTED;
}

SEC("tc")
int bench_tc(struct __sk_buff *skb)
{
	if (bench_make((void *)(long)skb->data, (void *)(long)skb->data_end))
		bpf_tail_call(skb, &bench_tc_target, 0);
	return TC_ACT_SHOT;
}

SEC("xdp.frags")
int bench_xdp_return(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int bench_tc_return(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

SEC("socket")
int bench_sock_return(struct __sk_buff *skb)
{
	return 0;
}

/* Parses up to the TCP header, if there is one. The result depends on it, so clang keeps it. */
static __always_inline bool bench_parse(__u32 data, __u32 data_end)
{
	struct pkt_cursor cur = pkt_start(data, data_end);
	struct tcphdr *tcp;
	struct pkt_ip ip;

	if (pkt_parse_ip(&cur, &ip) != PKT_OK)
		return true;
	tcp = pkt_tcp(&cur, &ip);
	return !tcp || tcp->dest;
}

SEC("xdp.frags")
int bench_xdp_parse(struct xdp_md *ctx)
{
	return bench_parse(ctx->data, ctx->data_end) ? XDP_PASS : XDP_ABORTED;
}

SEC("tc")
int bench_tc_parse(struct __sk_buff *skb)
{
	return bench_parse(skb->data, skb->data_end) ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("socket")
int bench_sock_parse(struct __sk_buff *skb)
{
	struct sock_pkt pkt;

	return sock_parse(skb, &pkt) == PKT_OK && pkt.dport;
}

char _license[] SEC("license") = "GPL";
