/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The event by which a BPF program reports an echo request to its loader. */
#ifndef _ECHO_EVENT_H
#define _ECHO_EVENT_H

#include <linux/types.h>

/**
 * enum echo_verdict - what became of an echo request
 * @ECHO_PASS: passed unchanged
 * @ECHO_DROP: dropped
 * @ECHO_ANSWER: turned into its reply and sent back
 */
enum echo_verdict {
	ECHO_PASS,
	ECHO_DROP,
	ECHO_ANSWER,
};

/**
 * struct echo_event - an echo request
 * @ts_ns: bpf_ktime_get_ns()
 * @saddr: source; an IPv4 address as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2)
 * @daddr: destination, in the same form
 * @ifindex: interface on which the request came in, or goes out
 * @id: identifier, network byte order
 * @seq: sequence number, network byte order
 * @reason: number of the sample's counter that counted the request
 * @family: 4 or 6
 * @verdict: enum echo_verdict
 * @pad: zero
 */
struct echo_event {
	__u64 ts_ns;
	__be32 saddr[4];
	__be32 daddr[4];
	__u32 ifindex;
	__be16 id;
	__be16 seq;
	__u8 reason;
	__u8 family;
	__u8 verdict;
	__u8 pad[5];
};

#endif /* _ECHO_EVENT_H */
