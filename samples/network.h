/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What network_kern.c and the loader share. */
#ifndef _SAMPLES_NETWORK_H
#define _SAMPLES_NETWORK_H

#include <linux/types.h>

enum {
	/* Ethernet, two VLAN tags, IPv4 and TCP with the most options: 142 bytes. */
	NETWORK_HEADERS = 160,
};

/**
 * enum network_hook - the hooks, in the order in which an incoming packet meets them
 * @NETWORK_XDP: XDP; in native mode before the kernel makes an skb, else the first hook with one
 * @NETWORK_SOCKFILTER: filter of an AF_PACKET socket, before TC
 * @NETWORK_TC: TC ingress, the last hook before the IP stack
 * @__NETWORK_HOOK_MAX: number of hooks
 */
enum network_hook {
	NETWORK_XDP,
	NETWORK_SOCKFILTER,
	NETWORK_TC,
	__NETWORK_HOOK_MAX,
};

/**
 * enum network_action - what a hook shall do with packets
 * @NETWORK_ACTION_PASS: let every packet pass, and only report it
 * @NETWORK_ACTION_DROP: drop every packet; TC only
 * @NETWORK_ACTION_DROP_PING: drop echo requests; XDP and TC
 * @NETWORK_ACTION_PINGPONG: answer echo requests; TC only
 * @__NETWORK_ACTION_MAX: number of actions
 */
enum network_action {
	NETWORK_ACTION_PASS,
	NETWORK_ACTION_DROP,
	NETWORK_ACTION_DROP_PING,
	NETWORK_ACTION_PINGPONG,
	__NETWORK_ACTION_MAX,
};

/**
 * enum network_verdict - what a hook did with a packet
 * @NETWORK_PASS: let the packet pass
 * @NETWORK_DROP: dropped the packet
 * @NETWORK_ANSWER: turned the echo request into its reply, and sent the reply back
 * @NETWORK_COPY: saw a copy of the packet; a socket filter cannot do more
 * @__NETWORK_VERDICT_MAX: number of verdicts
 */
enum network_verdict {
	NETWORK_PASS,
	NETWORK_DROP,
	NETWORK_ANSWER,
	NETWORK_COPY,
	__NETWORK_VERDICT_MAX,
};

/**
 * enum network_count - slots of the counters
 * @NETWORK_SEEN: first of the packet counters; the counter of a hook and a verdict is in the
 *	slot NETWORK_SEEN + hook * __NETWORK_VERDICT_MAX + verdict
 * @NETWORK_LOST: events that found the ring buffer full
 * @__NETWORK_COUNT_MAX: number of counters
 */
enum network_count {
	NETWORK_SEEN = 0,
	NETWORK_LOST = __NETWORK_HOOK_MAX * __NETWORK_VERDICT_MAX,
	__NETWORK_COUNT_MAX,
};

/**
 * struct network_event - a hook has met a packet
 * @ts_ns: bpf_ktime_get_ns()
 * @ifindex: interface
 * @len: length of the frame
 * @hook: enum network_hook
 * @verdict: enum network_verdict
 * @n_headers: bytes in @headers
 * @pad: zero; aligns the IP header after the Ethernet header in @headers to four bytes
 * @headers: first bytes of the frame, as they were when the hook met the packet
 */
struct network_event {
	__u64 ts_ns;
	__u32 ifindex;
	__u32 len;
	__u8 hook;
	__u8 verdict;
	__u16 n_headers;
	__u8 pad[2];
	__u8 headers[NETWORK_HEADERS];
};

#endif /* _SAMPLES_NETWORK_H */
