/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Conditions and results of a socket filter, for both sides: see sock_match.bpf.h. */
#ifndef _SOCK_MATCH_H
#define _SOCK_MATCH_H

#include <linux/types.h>

/**
 * struct sock_match - which packets a socket filter lets through
 * @addr: prefix in which the source or the destination must be; IPv4 as ::ffff:a.b.c.d
 * @mask: mask of @addr
 * @port: source or destination port, host byte order; 0 matches all packets
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_ICMP (both versions of ICMP); 0 matches all packets
 * @family: family of the prefix, 4 or 6; 0: there is no prefix, all packets match
 *
 * Without any condition, packets that are not IP match, too.
 */
struct sock_match {
	__be32 addr[4];
	__be32 mask[4];
	__u16 port;
	__u8 proto;
	__u8 family;
};

/**
 * enum sock_verdict - what became of a packet; each packet has one
 * @SOCK_SKIP_NOT_IP: struct sock_match has a condition, but the packet is not IP
 * @SOCK_SKIP_BAD: struct sock_match has a condition, but the packet is malformed or cut short
 * @SOCK_SKIP_PROTO: the protocol is not sock_match.proto
 * @SOCK_SKIP_HOST: neither address is in the prefix
 * @SOCK_SKIP_PORT: neither port is sock_match.port, or the packet has no ports
 * @SOCK_MATCHED: all conditions match
 * @__SOCK_VERDICT_MAX: number of verdicts
 */
enum sock_verdict {
	SOCK_SKIP_NOT_IP,
	SOCK_SKIP_BAD,
	SOCK_SKIP_PROTO,
	SOCK_SKIP_HOST,
	SOCK_SKIP_PORT,
	SOCK_MATCHED,
	__SOCK_VERDICT_MAX,
};

/**
 * struct sock_pkt - what the headers of a packet say
 * @saddr: source; an IPv4 address as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2)
 * @daddr: destination, in the same form
 * @sport: source port, network byte order; 0 if there is none
 * @dport: destination port, network byte order; 0 if there is none
 * @family: 4, 6, or 0: not IP, and all other fields are zero
 * @proto: protocol of the transport layer
 * @frag: enum pkt_frag
 * @has_ports: @sport and @dport were read
 */
struct sock_pkt {
	__be32 saddr[4];
	__be32 daddr[4];
	__be16 sport;
	__be16 dport;
	__u8 family;
	__u8 proto;
	__u8 frag;
	__u8 has_ports;
};

#endif /* _SOCK_MATCH_H */
