// SPDX-License-Identifier: GPL-2.0
/*
 * The front program of the benchmark: it writes the packet anew, for one of many connections,
 * and tail-calls the program that is measured. For the floor, it calls programs that only
 * parse Ethernet, IP and TCP.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "pkt_parse.bpf.h"
#include "xdp_lb.h"
#include "xdp_lb_bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_xdp_target SEC(".maps"), bench_tc_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_FLOWS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_reply);
} bench_replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_TURN);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_entry);
} bench_entries SEC(".maps");

/* Maps of the program that is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_bucket);
} lb_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_REVERSE_SIZE);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lb_port_line);
} lb_reverse SEC(".maps");

struct bench_packet bench_packet;
__u32 bench_count;

/* Connections that follow each other do not have neighbouring addresses. */
static __always_inline __u32 bench_flow(__u32 count)
{
	return bench_packet.mask ? count * 40503 & bench_packet.mask : count;
}

/*
 * Pretend that a connection never existed, so that there are new connections without end, but
 * only a few at a time. Forget the one whose turn comes half a turn later: a connection that
 * begins now finds nothing that was touched just before.
 */
static __always_inline void bench_forget(__u32 count)
{
	__u32 flow = bench_flow(count + BENCH_TURN / 2), bucket_index, line_index;
	struct bench_entry *entry = bpf_map_lookup_elem(&bench_entries, &flow);
	struct lb_port_line *line;
	struct lb_bucket *bucket;

	if (!entry)
		return;
	bucket_index = entry->slot / LB_BUCKET_LINES;
	line_index = entry->port / LB_LINE_PORTS;
	bucket = bpf_map_lookup_elem(&lb_buckets, &bucket_index);
	line = bpf_map_lookup_elem(&lb_reverse, &line_index);
	if (!bucket || !line)
		return;
	bucket->word[entry->slot % LB_BUCKET_LINES] = 0;
	line->port[entry->port % LB_LINE_PORTS] = 0;
}

/* Write the packet, from its Ethernet header on; false if it does not fit. */
static __always_inline bool bench_make(void *data, void *data_end)
{
	__u64 *from = bench_packet.head, *to = data;
	struct bench_reply *reply;
	__u32 i, flow = bench_flow(bench_count);

	if (data + BENCH_HEAD > data_end)
		return false;
#pragma clang loop unroll(full)
	for (i = 0; i < BENCH_HEAD / 8; i++)
		to[i] = from[i];
	if (bench_packet.forget)
		bench_forget(bench_count);
	bench_count++;
	if (bench_packet.replies) {
		flow &= BENCH_FLOWS_MAX - 1;
		reply = bpf_map_lookup_elem(&bench_replies, &flow);
		if (!reply)
			return false;
		*(__be32 *)(data + 26) = reply->saddr;
		*(__be32 *)(data + 30) = reply->daddr;
		*(__be16 *)(data + 36) = reply->dport;
		return true;
	}
	flow += bench_packet.first;
	if (bench_packet.is6)
		*(__be32 *)(data + 34) = bpf_htonl(flow);
	else
		*(__be32 *)(data + 26) = bpf_htonl(flow);
	return true;
}

SEC("xdp.frags")
int bench_xdp(struct xdp_md *ctx)
{
	int grown = ctx->data_end - ctx->data - BENCH_FRAME;

	if (bench_packet.grow && grown <= 0)
		bpf_xdp_adjust_head(ctx, -(int)bench_packet.grow);
	grown = ctx->data_end - ctx->data - BENCH_FRAME;
	if (grown > 0)
		bpf_xdp_adjust_head(ctx, grown);
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

static __always_inline bool bench_parse(__u32 data, __u32 data_end)
{
	struct pkt_cursor cur = pkt_start(data, data_end);
	struct pkt_ip ip;

	return pkt_parse_ip(&cur, &ip) == PKT_OK && pkt_tcp(&cur, &ip);
}

SEC("xdp.frags")
int bench_xdp_floor(struct xdp_md *ctx)
{
	return bench_parse(ctx->data, ctx->data_end) ? XDP_PASS : XDP_ABORTED;
}

SEC("tc")
int bench_tc_floor(struct __sk_buff *skb)
{
	return bench_parse(skb->data, skb->data_end) ? TC_ACT_OK : TC_ACT_SHOT;
}

/* A word of the bucket that was read last. */
__u64 bench_last;

/*
 * Read a word of the flow table, of another bucket for each connection. The index depends on
 * the word before, by a bit that is never set. So each read waits for the one before, as in a
 * program that forwards packets; else the CPU would read several at a time.
 */
static __always_inline bool bench_read(__u32 data, __u32 data_end)
{
	void *addr = (void *)(long)data + 26;
	struct lb_bucket *bucket;
	__u32 index;

	if (addr + sizeof(__u32) > (void *)(long)data_end)
		return false;
	index = (*(__u32 *)addr + (bench_last >> 63)) * 0x9e3779b1U;
	index = (__u64)index * bench_packet.buckets >> 32;
	bucket = bpf_map_lookup_elem(&lb_buckets, &index);
	if (!bucket)
		return false;
	bench_last = bucket->word[1];
	return true;
}

SEC("xdp.frags")
int bench_xdp_read(struct xdp_md *ctx)
{
	return bench_parse(ctx->data, ctx->data_end) && bench_read(ctx->data, ctx->data_end) ?
	       XDP_TX : XDP_ABORTED;
}

SEC("tc")
int bench_tc_read(struct __sk_buff *skb)
{
	return bench_parse(skb->data, skb->data_end) && bench_read(skb->data, skb->data_end) ?
	       TC_ACT_REDIRECT : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
