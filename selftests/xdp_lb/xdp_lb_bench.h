/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by xdp_lb_bench_kern.c and xdp_lb_bench.c. */
#ifndef _SELFTESTS_XDP_LB_BENCH_H
#define _SELFTESTS_XDP_LB_BENCH_H

#include <linux/types.h>

enum {
	BENCH_FLOWS_MAX = 65536,
	BENCH_TURN = 256,	/* new connections that exist at a time */
	BENCH_HEAD = 80,	/* bytes that are written anew: up to the TCP header */
	BENCH_FRAME = 98,
};

/**
 * struct bench_packet - which packets the front program makes
 * @head: the first bytes of each packet
 * @mask: number of connections - 1; 0: each packet is of another connection
 * @first: last 32 bits of the first connection's source address, host byte order
 * @replies: 1: packets of backends, from bench_replies
 * @is6: 1: IPv6
 * @forget: 1: forget connections, by bench_entries
 * @grow: bytes to add to the packet and to remove again, to measure what that costs
 * @buckets: buckets of the flow table, for the programs that read one
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
 * struct bench_reply - addresses of a reply to a connection
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
 * struct bench_entry - where a connection is in the tables
 * @slot: its slot in the flow table
 * @port: its port in lb_reverse, counted from the first port of that map on
 */
struct bench_entry {
	__u32 slot;
	__u32 port;
};

#endif /* _SELFTESTS_XDP_LB_BENCH_H */
