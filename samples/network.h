/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What network_kern.c and the loader share. */
#ifndef _SAMPLES_NETWORK_H
#define _SAMPLES_NETWORK_H

#include <linux/types.h>

enum {
	/* Ethernet, two VLAN tags, and IPv4 and TCP with all options: 142. */
	NETWORK_HEADERS = 160,
};

/**
 * enum network_hook - where a packet is met, in the order of its way in
 * @NETWORK_XDP: before there is an skb (native mode), or first thing with one
 * @NETWORK_SOCKFILTER: on an AF_PACKET socket, before TC
 * @NETWORK_TC: last before the IP stack
 * @__NETWORK_HOOK_MAX: number of hooks
 */
enum network_hook {
	NETWORK_XDP,
	NETWORK_SOCKFILTER,
	NETWORK_TC,
	__NETWORK_HOOK_MAX,
};

/**
 * enum network_action - what a hook is to do
 * @NETWORK_ACTION_PASS: nothing, only tell
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
 * @NETWORK_PASS: let it go on
 * @NETWORK_DROP: dropped it
 * @NETWORK_ANSWER: turned the echo request into its reply and sent that back
 * @NETWORK_COPY: saw a copy; a socket filter cannot do more
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
 * @NETWORK_SEEN: hook * __NETWORK_VERDICT_MAX + verdict: packets
 * @NETWORK_LOST: events that found the ring buffer full
 * @__NETWORK_COUNT_MAX: number of counters
 */
enum network_count {
	NETWORK_SEEN = 0,
	NETWORK_LOST = __NETWORK_HOOK_MAX * __NETWORK_VERDICT_MAX,
	__NETWORK_COUNT_MAX,
};

/**
 * struct network_event - a packet met by a hook
 * @ts_ns: bpf_ktime_get_ns()
 * @ifindex: interface
 * @len: length of the frame
 * @hook: enum network_hook
 * @verdict: enum network_verdict
 * @n_headers: bytes in @headers
 * @pad: has the IP header, behind that of Ethernet, on a multiple of four
 * @headers: beginning of the frame, as it was when the hook met it
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
