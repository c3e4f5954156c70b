/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What ping_kern.c and ping_user.c share. */
#ifndef _SAMPLES_PING_H
#define _SAMPLES_PING_H

#include <linux/types.h>

/**
 * enum ping_count - what became of a packet; each packet has one reason
 * @PING_PASS_NOT_IP: neither IPv4 nor IPv6
 * @PING_PASS_BAD: malformed or cut short: passed, so that the kernel drops and counts it
 * @PING_PASS_NO_ECHO: IP, but no ICMP echo request
 * @PING_PASS_FILTER: an echo request that --src or --dst excludes
 * @PING_PASS_EVERY: an echo request that matches, but not the Nth one of --every
 * @PING_PASS_ACTION: an echo request that matches, and the action is to pass
 * @PING_DROP_ECHO: an echo request that matches, dropped
 * @PING_LOST: not packets, but events that found the ring buffer full
 * @__PING_COUNT_MAX: number of counters
 */
enum ping_count {
	PING_PASS_NOT_IP,
	PING_PASS_BAD,
	PING_PASS_NO_ECHO,
	PING_PASS_FILTER,
	PING_PASS_EVERY,
	PING_PASS_ACTION,
	PING_DROP_ECHO,
	PING_LOST,
	__PING_COUNT_MAX,
};

/**
 * struct ping_prefix - addresses that --src or --dst matches
 * @addr: address, IPv4 as ::ffff:a.b.c.d; bits outside of the mask are zero
 * @mask: bits of the address that are compared
 * @family: 4 or 6; 0 matches every address of both families. Without this field, ::/0 would
 *	match IPv4, too
 * @pad: zero
 */
struct ping_prefix {
	__be32 addr[4];
	__be32 mask[4];
	__u8 family;
	__u8 pad[3];
};

/**
 * struct ping_event - an echo request that --src and --dst select
 * @ts_ns: bpf_ktime_get_ns()
 * @saddr: source; an IPv4 address as ::ffff:a.b.c.d
 * @daddr: destination, in the form of @saddr
 * @ifindex: interface on which the request came in
 * @id: identifier, network byte order
 * @seq: sequence number, network byte order
 * @family: 4 or 6
 * @reason: what became of the request, enum ping_count
 * @pad: zero
 */
struct ping_event {
	__u64 ts_ns;
	__be32 saddr[4];
	__be32 daddr[4];
	__u32 ifindex;
	__be16 id;
	__be16 seq;
	__u8 family;
	__u8 reason;
	__u8 pad[6];
};

#endif /* _SAMPLES_PING_H */
