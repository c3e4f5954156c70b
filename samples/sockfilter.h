/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What sockfilter_kern.c and the loader share. */
#ifndef _SAMPLES_SOCKFILTER_H
#define _SAMPLES_SOCKFILTER_H

#include "sock_match.h"

/**
 * enum sockfilter_count - slots of the counters
 * @SOCKFILTER_VERDICT: first of the verdicts: one slot for each enum sock_verdict
 * @SOCKFILTER_SKIP_DIRECTION: one more verdict: not the direction of -Q, or the outgoing copy of
 *	a packet on the loopback device
 * @SOCKFILTER_TCP: first of the protocols: these slots count all packets that the filter saw,
 *	whatever the verdict
 * @SOCKFILTER_UDP: UDP
 * @SOCKFILTER_ICMP: ICMP and ICMPv6
 * @SOCKFILTER_OTHER_IP: any other protocol in IP
 * @SOCKFILTER_NOT_IP: not IP, or malformed
 * @SOCKFILTER_LOST: events of --trace that found the ring buffer full
 * @__SOCKFILTER_COUNT_MAX: number of counters
 */
enum sockfilter_count {
	SOCKFILTER_VERDICT = 0,
	SOCKFILTER_SKIP_DIRECTION = __SOCK_VERDICT_MAX,
	SOCKFILTER_TCP,
	SOCKFILTER_UDP,
	SOCKFILTER_ICMP,
	SOCKFILTER_OTHER_IP,
	SOCKFILTER_NOT_IP,
	SOCKFILTER_LOST,
	__SOCKFILTER_COUNT_MAX,
};

/**
 * enum sockfilter_expr - slots of the translations of the tcpdump expression
 * @SOCKFILTER_EXPR_PLAIN: for packets without a tag in __sk_buff.vlan_tci
 * @SOCKFILTER_EXPR_TAGGED: for packets whose outer VLAN tag is in __sk_buff.vlan_tci
 * @__SOCKFILTER_EXPR_MAX: number of programs
 */
enum sockfilter_expr {
	SOCKFILTER_EXPR_PLAIN,
	SOCKFILTER_EXPR_TAGGED,
	__SOCKFILTER_EXPR_MAX,
};

/**
 * struct sockfilter_event - a TCP or ICMP packet that the filter has seen (--trace)
 * @ts_ns: bpf_ktime_get_ns()
 * @pkt: what the headers of the packet say
 * @ifindex: interface
 * @len: length of the frame
 * @verdict: slot of the packet's verdict in enum sockfilter_count
 * @outgoing: 1 if this host sends the packet, 0 if this host receives the packet
 */
struct sockfilter_event {
	__u64 ts_ns;
	struct sock_pkt pkt;
	__u32 ifindex;
	__u32 len;
	__u32 verdict;
	__u32 outgoing;
};

#endif /* _SAMPLES_SOCKFILTER_H */
