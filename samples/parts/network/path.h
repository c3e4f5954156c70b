/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The path of a packet through the hooks: packet.c reads the key of a packet from an event, and
 * path.c puts events with the same key together. Nothing here needs BPF or a kernel: events go
 * in, paths come out.
 */
#ifndef _SAMPLES_NETWORK_PATH_H
#define _SAMPLES_NETWORK_PATH_H

#include <stdbool.h>
#include "network.h"

/**
 * struct network_key - the fields by which a packet is recognised at the next hook
 * @saddr: source, IPv4 as ::ffff:a.b.c.d; not IP: MAC address in the first bytes
 * @daddr: destination, in the form of @saddr
 * @ip_id: IPv4: identification, and above it flags and fragment offset; IPv6:
 *	traffic class and flow label
 * @seq: TCP: sequence number
 * @ack: TCP: acknowledgment number
 * @sport: TCP, UDP: source port; ICMP echo: identifier; ARP: operation
 * @dport: TCP, UDP: destination port; ICMP echo: sequence number
 * @ethertype: EtherType behind the VLAN tags
 * @family: 4, 6, or 0: not IP, or malformed
 * @proto: protocol of the transport layer
 * @type: ICMP: type
 * @code: ICMP: code
 * @pad: zero
 *
 * The kernel changes none of these fields between the hooks of one interface. Addresses are in
 * network byte order, all other fields in host byte order.
 */
struct network_key {
	__be32 saddr[4];
	__be32 daddr[4];
	__u32 ip_id;
	__u32 seq;
	__u32 ack;
	__u16 sport;
	__u16 dport;
	__u16 ethertype;
	__u8 family;
	__u8 proto;
	__u8 type;
	__u8 code;
	__u8 pad[2];
};

/**
 * struct network_packet - what the headers of a packet say
 * @key: the fields by which the packet is recognised
 * @payload: bytes after the UDP or TCP header, else after the IP headers; not IP: bytes of the
 *	frame
 * @tcp_flags: byte 13 of the TCP header: FIN is bit 0
 * @frag: the packet is a fragment
 * @has_l4: the transport header was read: ports, or type and code, are set; ARP: the addresses
 *	were read
 * @bad: the packet is cut short, or its lengths contradict each other
 */
struct network_packet {
	struct network_key key;
	__u32 payload;
	__u8 tcp_flags;
	bool frag;
	bool has_l4;
	bool bad;
};

void network_packet_read(struct network_packet *pkt, const struct network_event *ev);

/**
 * enum network_end - how the path of a packet ended
 * @NETWORK_END_STACK: every hook let the packet pass to the stack
 * @NETWORK_END_DROPPED: the last hook dropped the packet
 * @NETWORK_END_ANSWERED: the last hook sent the packet back as its own reply
 * @NETWORK_END_MERGED: GRO merged the packet into another one, which goes on
 * @NETWORK_END_UNSEEN: the next hook did not meet the packet: the kernel dropped or consumed it
 *	in between
 * @NETWORK_END_UNKNOWN: the next hook has no event of the packet, but events were lost
 * @__NETWORK_END_MAX: number of ends
 */
enum network_end {
	NETWORK_END_STACK,
	NETWORK_END_DROPPED,
	NETWORK_END_ANSWERED,
	NETWORK_END_MERGED,
	NETWORK_END_UNSEEN,
	NETWORK_END_UNKNOWN,
	__NETWORK_END_MAX,
};

/**
 * struct network_path - a packet and the hooks it met
 * @pkt: the packet, as the first hook saw it
 * @ts_ns: when the first hook met the packet, bpf_ktime_get_ns()
 * @ifindex: interface
 * @len: length of the frame at the first hook
 * @met: hooks that have met the packet, as bits 1 << enum network_hook
 * @expected: hooks that must meet the packet, unless an earlier one takes it away; bits
 * @maybe: hooks that were being attached when the packet came, and may meet it; bits
 * @verdict: enum network_verdict of each hook in @met
 * @end: enum network_end
 * @newer: next younger path
 * @older: next older path
 * @chain: next path in the hash bucket, or next unused one
 */
struct network_path {
	struct network_packet pkt;
	__u64 ts_ns;
	__u32 ifindex;
	__u32 len;
	__u8 met;
	__u8 expected;
	__u8 maybe;
	__u8 verdict[__NETWORK_HOOK_MAX];
	__u8 end;
	struct network_path *newer;
	struct network_path *older;
	struct network_path *chain;
};

/* Called with a path that has ended. The path is reused after the function returns. */
typedef void (*network_path_fn)(void *ctx, const struct network_path *path);

enum {
	NETWORK_PATHS_BUCKETS = 4096,
	/* If more paths than this are open at once, the oldest ends as unknown. */
	NETWORK_PATHS_MAX = 16384,
};

/**
 * struct network_paths - paths that have not ended yet
 * @done: called for each path that ends
 * @ctx: argument for @done
 * @hooks: hooks that are attached, as bits 1 << enum network_hook
 * @on_begin: time before each hook was attached, bpf_ktime_get_ns()
 * @on_end: time after each hook was attached, bpf_ktime_get_ns()
 * @oldest: oldest open path; list by network_path.newer
 * @newest: youngest open path; list by network_path.older
 * @unused: paths not in use, list by network_path.chain
 * @pool: memory of all NETWORK_PATHS_MAX paths
 * @buckets: hash table of open paths by flow; the oldest is first in its bucket
 */
struct network_paths {
	network_path_fn done;
	void *ctx;
	__u8 hooks;
	__u64 on_begin[__NETWORK_HOOK_MAX];
	__u64 on_end[__NETWORK_HOOK_MAX];
	struct network_path *oldest;
	struct network_path *newest;
	struct network_path *unused;
	struct network_path *pool;
	struct network_path *buckets[NETWORK_PATHS_BUCKETS];
};

int network_paths_init(struct network_paths *paths, network_path_fn done, void *ctx);
void network_paths_free(struct network_paths *paths);
void network_paths_on(struct network_paths *paths, enum network_hook hook, __u64 begin_ns,
		      __u64 end_ns);
void network_paths_off(struct network_paths *paths, enum network_hook hook);
void network_paths_event(struct network_paths *paths, const struct network_event *ev);
void network_paths_expire(struct network_paths *paths, __u64 before_ns, bool lost);
__u8 network_path_unmet(const struct network_path *path);

#endif /* _SAMPLES_NETWORK_PATH_H */
