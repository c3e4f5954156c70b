/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The path of a packet over the hooks, put together from what each hook told
 * (path.c), by what tells packets apart (packet.c). Nothing here
 * needs BPF or a kernel: events go in, paths come out.
 */
#ifndef _SAMPLES_NETWORK_PATH_H
#define _SAMPLES_NETWORK_PATH_H

#include <stdbool.h>
#include "network.h"

/**
 * struct network_key - by what a packet is known again at the next hook
 * @saddr: source, IPv4 as ::ffff:a.b.c.d; not IP: MAC address in the first bytes
 * @daddr: destination, in the form of @saddr
 * @ip_id: IPv4: identification, and above it flags and fragment offset; IPv6:
 *	traffic class and flow label
 * @seq: TCP: sequence number
 * @ack: TCP: acknowledgment number
 * @sport: TCP, UDP: source port; ICMP echo: identifier; ARP: operation
 * @dport: TCP, UDP: destination port; ICMP echo: sequence number
 * @ethertype: behind the VLAN tags
 * @family: 4, 6, or 0: not IP, or malformed
 * @proto: protocol of the transport layer
 * @type: ICMP: type
 * @code: ICMP: code
 * @pad: zero
 *
 * None of these changes between the hooks of one interface. Values are in host
 * byte order, but for the addresses.
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
 * struct network_packet - what was read of a packet
 * @key: by what it is known again
 * @payload: bytes behind the transport header, or behind the network header
 * @tcp_flags: FIN is bit 0
 * @frag: a fragment
 * @has_l4: the transport header was read: ports, or type and code, are set
 * @bad: cut short or contradicting itself
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
 * enum network_end - how a path ended
 * @NETWORK_END_STACK: every hook let it pass: it goes on to the IP stack
 * @NETWORK_END_DROPPED: the last hook dropped it
 * @NETWORK_END_ANSWERED: the last hook sent it back as its reply
 * @NETWORK_END_MERGED: GRO made it a part of another packet, which goes on
 * @NETWORK_END_UNSEEN: the next hook has not met it: the kernel dropped or
 *	consumed it in between
 * @NETWORK_END_UNKNOWN: not seen again, but events were lost
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
 * @pkt: packet, as the first hook saw it
 * @ts_ns: when the first hook met it, bpf_ktime_get_ns()
 * @ifindex: interface
 * @len: length of the frame at the first hook
 * @met: hooks that met it, a bit each: 1 << enum network_hook
 * @expected: hooks that it has to meet if nothing stops it
 * @maybe: hooks that were just being attached: it may meet them
 * @verdict: enum network_verdict of the hooks in @met
 * @end: enum network_end
 * @newer: next one by age
 * @older: previous one by age
 * @chain: next one of the same flow
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

/* Takes a path that has ended; it is gone when the function returns. */
typedef void (*network_path_fn)(void *ctx, const struct network_path *path);

enum {
	NETWORK_PATHS_BUCKETS = 4096,
	/* More than this on their way at once: the oldest is given up. */
	NETWORK_PATHS_MAX = 16384,
};

/**
 * struct network_paths - paths that have not ended yet
 * @done: called for each that ends
 * @ctx: handed to it
 * @hooks: which are attached
 * @on_begin: when attaching one was begun
 * @on_end: when that was done
 * @oldest: first by age
 * @newest: last by age
 * @unused: not in use, chained by network_path.chain
 * @pool: all
 * @buckets: open paths by flow, the oldest first
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
