/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Addresses of both families in one form: an IPv4 address is kept as the IPv6
 * address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so that one comparison, one
 * map key and one field of an event serve both.
 */
#ifndef _PKT_ADDR_BPF_H
#define _PKT_ADDR_BPF_H

#include "pkt_parse.bpf.h"

static __always_inline void pkt_addr4(__be32 to[4], __be32 addr)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = addr;
}

/*
 * The compiler knows that one of the two headers is there and would spare the
 * second test. The verifier does not, and asks for it: hence barrier_var().
 */
static __always_inline struct ipv6hdr *pkt_addr_v6(const struct pkt_ip *ip)
{
	struct ipv6hdr *ip6h = ip->v6;

	barrier_var(ip6h);
	return ip6h;
}

/**
 * pkt_saddr() - source address of a packet
 * @ip: network layer, filled by pkt_ipv4() or pkt_ipv6()
 * @to: takes the address
 */
static __always_inline void pkt_saddr(const struct pkt_ip *ip, __be32 to[4])
{
	struct ipv6hdr *ip6h = pkt_addr_v6(ip);

	if (ip->v4)
		pkt_addr4(to, ip->v4->saddr);
	else if (ip6h)
		__builtin_memcpy(to, &ip6h->saddr, sizeof(ip6h->saddr));
}

/**
 * pkt_daddr() - destination address of a packet
 * @ip: network layer, filled by pkt_ipv4() or pkt_ipv6()
 * @to: takes the address
 */
static __always_inline void pkt_daddr(const struct pkt_ip *ip, __be32 to[4])
{
	struct ipv6hdr *ip6h = pkt_addr_v6(ip);

	if (ip->v4)
		pkt_addr4(to, ip->v4->daddr);
	else if (ip6h)
		__builtin_memcpy(to, &ip6h->daddr, sizeof(ip6h->daddr));
}

#endif /* _PKT_ADDR_BPF_H */
