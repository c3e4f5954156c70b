/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Parse packets in BPF programs: pkt_parse_ip() describes the network layer in struct pkt_ip, and
 * there is one function for each transport header. This builds on pkt_cursor.bpf.h.
 *
 *	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
 *	struct pkt_ip ip;
 *
 *	if (pkt_parse_ip(&cur, &ip) != PKT_OK)
 *		return XDP_PASS;
 *	if (ip.proto != IPPROTO_TCP)
 *		return XDP_PASS;
 *	tcp = pkt_tcp(&cur, &ip);
 *	if (!tcp)
 *		return XDP_PASS;
 *
 * Every pointer that a function returns has been checked against the end of the data. Lengths
 * come from the IP header: Ethernet pads short frames, so a packet may end before its frame
 * does. Fields of headers are in network byte order; numbers in struct pkt_ip are in host byte
 * order.
 */
#ifndef _PKT_PARSE_BPF_H
#define _PKT_PARSE_BPF_H

#include <stddef.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include "addr4.h"
#include "pkt_cursor.bpf.h"

enum {
	/* The largest length in an IP header: 16 bits. */
	PKT_LEN_MAX = 65535,
};

/**
 * enum pkt_status - what pkt_parse_ip() found
 * @PKT_OK: an IP packet, struct pkt_ip is filled
 * @PKT_NOT_IP: an Ethernet frame with another protocol
 * @PKT_BAD: cut short, with lengths that contradict each other, or with more than PKT_VLAN_MAX
 *	VLAN tags or PKT_IPV6_EXT_MAX IPv6 extension headers
 */
enum pkt_status {
	PKT_OK,
	PKT_NOT_IP,
	PKT_BAD,
};

/*
 * The length of a packet: @told, the length field of its header, or @left for BIG TCP. Inside a
 * host, a packet that will be segmented may be too long for the length field. The field is 0
 * then, and the packet ends where its bytes end (iph_totlen() in include/linux/ip.h). No frame on
 * a wire is that long. A program that may see such a packet must set pkt_cursor.left to
 * __sk_buff.len while the cursor is at the first byte.
 *
 * Branch-free: after a branch, the verifier of Linux 6.1 assumes that the length may be 0 where
 * it cannot be, and refuses the code that follows.
 */
static __always_inline __u32 pkt_len(__u32 told, __s64 left)
{
	__u64 is_big = (__u64)(PKT_LEN_MAX - left) >> 63 & ((__u64)told - 1) >> 63;

	barrier_var(is_big);
	return told + left * is_big;
}

/**
 * pkt_ipv4() - parse the IPv4 header with its options
 * @cur: cursor at the header; at the transport layer afterwards
 * @ip: filled if the header is valid
 *
 * Return: PKT_OK or PKT_BAD.
 */
static __always_inline enum pkt_status pkt_ipv4(struct pkt_cursor *cur, struct pkt_ip *ip)
{
	__s64 left = cur->left;
	struct iphdr *iph = pkt_pull(cur, sizeof(*iph));
	__u32 hlen, total, frag;

	if (!iph)
		return PKT_BAD;
	hlen = iph->ihl * 4;
	total = pkt_len(bpf_ntohs(iph->tot_len), left);
	if (iph->version != 4 || hlen < sizeof(*iph) || total < hlen)
		return PKT_BAD;
	if (!pkt_pull(cur, hlen - sizeof(*iph)))
		return PKT_BAD;

	frag = bpf_ntohs(iph->frag_off);
	ip->v4 = iph;
	ip->v6 = NULL;
	ip->len = total - hlen;
	ip->frag_id = (__be32)iph->id;
	ip->proto = iph->protocol;
	ip->frag = pkt_frag_kind(frag & PKT_IPV4_OFFSET, frag & PKT_IPV4_MF);
	return PKT_OK;
}

/**
 * pkt_ipv6() - parse the IPv6 header with its extension headers
 * @cur: cursor at the header; at the transport layer afterwards
 * @ip: filled if the headers are valid
 *
 * Steps over the hop-by-hop header of BIG TCP (RFC 2675) as over any other.
 *
 * Return: PKT_OK or PKT_BAD.
 */
static __always_inline enum pkt_status pkt_ipv6(struct pkt_cursor *cur, struct pkt_ip *ip)
{
	struct ipv6hdr *ip6h = pkt_pull(cur, sizeof(*ip6h));

	if (!ip6h || ip6h->version != 6)
		return PKT_BAD;
	ip->v4 = NULL;
	ip->v6 = ip6h;
	ip->len = pkt_len(bpf_ntohs(ip6h->payload_len), cur->left);
	ip->frag_id = 0;
	ip->proto = ip6h->nexthdr;
	return pkt_ipv6_exts(cur, ip) ? PKT_OK : PKT_BAD;
}

/**
 * pkt_parse_ip() - parse a packet from the Ethernet header to the transport layer
 * @cur: cursor at the Ethernet header; at the transport layer after PKT_OK
 * @ip: filled after PKT_OK
 *
 * Return: enum pkt_status.
 */
static __always_inline enum pkt_status pkt_parse_ip(struct pkt_cursor *cur, struct pkt_ip *ip)
{
	__be16 proto;

	if (!pkt_eth(cur, &proto))
		return PKT_BAD;
	if (proto == bpf_htons(ETH_P_IP))
		return pkt_ipv4(cur, ip);
	if (proto == bpf_htons(ETH_P_IPV6))
		return pkt_ipv6(cur, ip);
	return pkt_is_vlan(proto) ? PKT_BAD : PKT_NOT_IP;
}

/*
 * The compiler knows that ip->v6 is not NULL if ip->v4 is NULL, and would remove the test of
 * ip->v6. The verifier needs that test, so barrier_var() hides this from the compiler.
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
		addr_from4(to, ip->v4->saddr);
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
		addr_from4(to, ip->v4->daddr);
	else if (ip6h)
		__builtin_memcpy(to, &ip6h->daddr, sizeof(ip6h->daddr));
}

/**
 * pkt_transport() - get the transport header
 * @cur: cursor behind the network layer; behind the header afterwards
 * @ip: network layer
 * @size: size of the header
 *
 * Return: the header, or NULL if the packet is a later fragment, or if the header does not fit
 * into the length in the IP header or into the data.
 */
static __always_inline void *pkt_transport(struct pkt_cursor *cur,
					   const struct pkt_ip *ip, __u32 size)
{
	if (ip->frag == PKT_FRAG_LATER || ip->len < size)
		return NULL;
	return pkt_pull(cur, size);
}

/**
 * pkt_icmp() - get the ICMP header
 * @cur: cursor behind the network layer; at the ICMP payload afterwards
 * @ip: network layer; ip->proto must be IPPROTO_ICMP
 *
 * Return: the header or NULL.
 */
static __always_inline struct icmphdr *pkt_icmp(struct pkt_cursor *cur,
						const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct icmphdr));
}

/**
 * pkt_icmp6() - get the ICMPv6 header
 * @cur: cursor behind the network layer; at the ICMPv6 payload afterwards
 * @ip: network layer; ip->proto must be IPPROTO_ICMPV6
 *
 * Return: the header or NULL.
 */
static __always_inline struct icmp6hdr *pkt_icmp6(struct pkt_cursor *cur,
						  const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct icmp6hdr));
}

/**
 * pkt_udp() - get the UDP header
 * @cur: cursor behind the network layer; at the payload afterwards
 * @ip: network layer; ip->proto must be IPPROTO_UDP
 *
 * Return: the header or NULL.
 */
static __always_inline struct udphdr *pkt_udp(struct pkt_cursor *cur,
					      const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct udphdr));
}

/**
 * pkt_tcp() - get the TCP header with its options
 * @cur: cursor behind the network layer; at the payload afterwards
 * @ip: network layer; ip->proto must be IPPROTO_TCP
 *
 * Return: the header; NULL as for pkt_transport(), and if the data offset is below 5 or beyond the
 * end of the packet.
 */
static __always_inline struct tcphdr *pkt_tcp(struct pkt_cursor *cur,
					      const struct pkt_ip *ip)
{
	struct tcphdr *tcp = pkt_transport(cur, ip, sizeof(*tcp));
	__u32 hlen;

	if (!tcp)
		return NULL;
	hlen = tcp->doff * 4;
	if (hlen < sizeof(*tcp) || hlen > ip->len)
		return NULL;
	return pkt_pull(cur, hlen - sizeof(*tcp)) ? tcp : NULL;
}

#endif /* _PKT_PARSE_BPF_H */
