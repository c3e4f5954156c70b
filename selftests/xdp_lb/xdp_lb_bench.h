/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by xdp_lb_bench_kern.c and xdp_lb_bench.c. */
#ifndef _SELFTESTS_XDP_LB_BENCH_H
#define _SELFTESTS_XDP_LB_BENCH_H

#include <linux/types.h>

enum {
	BENCH_FLOWS_MAX = 65536,
	BENCH_TURN = 256,	/* new connections that are there at once */
	BENCH_HEAD = 80,	/* bytes that are made anew: up to the TCP header */
	BENCH_FRAME = 98,
};

/**
 * struct bench_packet - what the front program makes
 * @head: its first bytes
 * @mask: number of connections - 1; 0: each packet is of another one
 * @first: source address of the first, its last 32 bits
 * @replies: 1: packets of backends, from bench_replies
 * @is6: 1: IPv6
 * @forget: 1: connections are forgotten, by bench_entries
 * @grow: bytes that are added to the packet and removed again, to know what that costs
 * @buckets: of the flow table, for who reads one at random
 */
struct bench_packet {
	__u64 head[BENCH_HEAD / 8];
	__u32 mask;
	__u32 first;
	__u32 replies;
	__u32 is6;
	__u32 forget;
	__u32 grow;
	__u32 buckets;
};

/**
 * struct bench_reply - where the backend of a connection sends
 * @saddr: the backend's address
 * @daddr: the SNAT address
 * @dport: the SNAT port
 * @pad: 0; the kernel rounds the values of an array up to 8 bytes
 */
struct bench_reply {
	__be32 saddr;
	__be32 daddr;
	__be16 dport;
	__u16 pad[3];
};

/**
 * struct bench_entry - what is left of a connection
 * @slot: of the flow table
 * @port: in lb_reverse, counted from its first port on
 */
struct bench_entry {
	__u32 slot;
	__u32 port;
};

#endif /* _SELFTESTS_XDP_LB_BENCH_H */
