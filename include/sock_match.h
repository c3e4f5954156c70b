/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Conditions and results of a socket filter, for both sides: see sock_match.bpf.h. */
#ifndef _SOCK_MATCH_H
#define _SOCK_MATCH_H

#include <linux/types.h>

/**
 * struct sock_match - which packets a socket filter lets through
 * @addr: source or destination is in this prefix; IPv4 as ::ffff:a.b.c.d; without
 *	@family everything matches, also what is not IP
 * @mask: mask of @addr
 * @port: source or destination port, host byte order; 0 matches everything
 * @proto: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (both versions of ICMP) or 0:
 *	everything, also what is not IP
 * @family: of the prefix, 4 or 6; 0 without
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
 * @SOCK_SKIP_NOT_IP: neither IPv4 nor IPv6, but there is a condition
 * @SOCK_SKIP_BAD: malformed or cut short, but there is a condition
 * @SOCK_SKIP_PROTO: another protocol than sock_match.proto
 * @SOCK_SKIP_HOST: neither address is in the prefix
 * @SOCK_SKIP_PORT: neither port is the one, or there are none
 * @SOCK_MATCHED: let through
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
 * struct sock_pkt - what a socket filter has found in a packet
 * @saddr: source; an IPv4 address as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2)
 * @daddr: destination, in the same form
 * @sport: source port, network byte order; 0 if there is none
 * @dport: destination port, network byte order; 0 if there is none
 * @family: 4, 6, or 0: not IP, the rest is zero
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
