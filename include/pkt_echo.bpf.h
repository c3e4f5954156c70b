/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Echo requests of ICMP (RFC 792) and ICMPv6 (RFC 4443 section 4.1) in BPF
 * programs: find one, describe it to user space, turn it into its reply.
 *
 * The echo header has the same layout in both families, so struct icmphdr serves both. The code
 * tests ip->v4 and ip->v6 separately, without "else": the verifier does not know that exactly one
 * of them is not NULL.
 */
#ifndef _PKT_ECHO_BPF_H
#define _PKT_ECHO_BPF_H

#include <linux/bpf.h>
#include "echo_event.h"
#include "pkt_csum.bpf.h"
#include "pkt_parse.bpf.h"

enum {
	/* TTL and hop limit of a reply: the kernel's default. */
	PKT_ECHO_TTL = 64,
};

/**
 * pkt_echo() - get the header of an echo request
 * @cur: cursor behind the network layer; at the ICMP payload afterwards
 * @ip: network layer
 *
 * Also finds the header in the first fragment of a fragmented request: see ip->frag.
 *
 * Return: the header, or NULL if the packet is not an echo request.
 */
static __always_inline struct icmphdr *pkt_echo(struct pkt_cursor *cur, const struct pkt_ip *ip)
{
	__u8 proto = ip->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	__u8 type = ip->v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
	struct icmphdr *icmp;

	if (ip->proto != proto)
		return NULL;
	icmp = pkt_icmp(cur, ip);
	if (!icmp || icmp->type != type || icmp->code)
		return NULL;
	return icmp;
}

/**
 * pkt_echo_event() - describe an echo request
 * @ev: event; this function sets addresses, family, identifier and sequence number
 * @ip: network layer
 * @icmp: from pkt_echo()
 */
static __always_inline void pkt_echo_event(struct echo_event *ev, const struct pkt_ip *ip,
					   const struct icmphdr *icmp)
{
	ev->id = icmp->un.echo.id;
	ev->seq = icmp->un.echo.sequence;
	ev->family = ip->v4 ? 4 : 6;
	pkt_saddr(ip, ev->saddr);
	pkt_daddr(ip, ev->daddr);
}

/* False for 0.0.0.0/8, 224.0.0.0/4 and 255.255.255.255, which are not addresses of one host. */
static __always_inline bool pkt_unicast4(__be32 addr)
{
	__u32 host = bpf_ntohl(addr);

	return host >> 24 && host >> 28 != 0xe && host != 0xffffffff;
}

/*
 * False for ff00::/8 and ::, which are not addresses of one host, and for ::ffff:a.b.c.d: no host
 * sends this address in an IPv6 packet (RFC 4942 section 2.2), and in struct echo_event it would
 * look like an IPv4 address.
 */
static __always_inline bool pkt_unicast6(const __be32 addr[4])
{
	if ((addr[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000))
		return false;
	if (addr[0] | addr[1])
		return true;
	return addr[2] != bpf_htonl(0xffff) && (addr[2] | addr[3]);
}

/**
 * pkt_echo_unicast() - whether a request goes from one host to one host
 * @eth: Ethernet header
 * @ev: from pkt_echo_event()
 *
 * Do not answer any other request: all hosts would answer a broadcast request at once, and a
 * reply must not be broadcast either. This function does not recognise the broadcast address of
 * an IPv4 network, such as 192.0.2.255.
 *
 * Return: true if both MAC and both IP addresses are unicast addresses.
 */
static __always_inline bool pkt_echo_unicast(const struct ethhdr *eth,
					     const struct echo_event *ev)
{
	if ((eth->h_dest[0] | eth->h_source[0]) & 1)
		return false;
	if (ev->family == 4)
		return pkt_unicast4(ev->saddr[3]) && pkt_unicast4(ev->daddr[3]);
	return pkt_unicast6(ev->saddr) && pkt_unicast6(ev->daddr);
}

static __always_inline void pkt_swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* Swapping the addresses does not change the header checksum, but the new TTL does. */
static __always_inline void pkt_echo_turn4(struct iphdr *iph)
{
	__be16 from = bpf_htons(iph->ttl << 8 | iph->protocol);
	__be16 to = bpf_htons(PKT_ECHO_TTL << 8 | iph->protocol);
	__be32 addr = iph->saddr;

	iph->saddr = iph->daddr;
	iph->daddr = addr;
	iph->ttl = PKT_ECHO_TTL;
	pkt_csum_apply(&iph->check, pkt_csum_diff2(0, from, to));
}

static __always_inline void pkt_echo_turn6(struct ipv6hdr *ip6h)
{
	struct in6_addr addr = ip6h->saddr;

	ip6h->saddr = ip6h->daddr;
	ip6h->daddr = addr;
	ip6h->hop_limit = PKT_ECHO_TTL;
}

/**
 * pkt_echo_reply() - turn an echo request into its reply, in place
 * @eth: Ethernet header
 * @ip: network layer
 * @icmp: from pkt_echo()
 *
 * Swaps MAC and IP addresses, and sets TTL and ICMP type. VLAN tags, IP options, extension headers
 * and payload stay. The caller must update the ICMP checksum, in the packet or by a helper. Of
 * the changes, only the type matters for it: swapped addresses do not change the sum of the
 * pseudo header of ICMPv6.
 *
 * Return: the change of the words that the ICMP checksum covers, for
 * pkt_csum_apply().
 */
static __always_inline __u32 pkt_echo_reply(struct ethhdr *eth, const struct pkt_ip *ip,
					    struct icmphdr *icmp)
{
	__u8 request = icmp->type;

	pkt_swap_macs(eth);
	if (ip->v4) {
		pkt_echo_turn4(ip->v4);
		icmp->type = ICMP_ECHOREPLY;
	}
	if (ip->v6) {
		pkt_echo_turn6(ip->v6);
		icmp->type = ICMPV6_ECHO_REPLY;
	}
	/* Type and code are one word; the code is 0, because pkt_echo() refuses others. */
	return pkt_csum_diff2(0, bpf_htons(request << 8), bpf_htons(icmp->type << 8));
}

/**
 * pkt_echo_reply_skb() - turn an echo request in an skb into its reply, with its checksum
 * @skb: packet; pointers into the packet are invalid afterwards
 * @eth: Ethernet header, first byte of the packet
 * @ip: network layer
 * @icmp: from pkt_echo()
 *
 * An skb can hold information about checksums besides the bytes of the packet:
 *
 * - CHECKSUM_PARTIAL: the checksum field has a partial sum, and the device will add the rest
 *   when it sends the packet. bpf_l4_csum_replace() handles this case.
 * - CHECKSUM_COMPLETE: the skb holds the sum of the whole packet. Most changes here do not
 *   change that sum, because a checksum in the packet changes by the opposite amount. The
 *   exception is the hop limit: IPv6 has no header checksum.
 *
 * If identifier, sequence number and payload of an ICMP reply are all zero, its checksum must be
 * 0xffff, the other zero in one's complement: a receiver does not accept 0 there. In all other
 * replies, it accepts both. So a checksum of 0 is written as 0xffff.
 *
 * The checksum of the request is not verified. If it is wrong, the updated checksum is wrong,
 * too, and the receiver drops the reply.
 */
static __always_inline void pkt_echo_reply_skb(struct __sk_buff *skb, struct ethhdr *eth,
					       const struct pkt_ip *ip, struct icmphdr *icmp)
{
	long check_at = (void *)&icmp->checksum - (void *)eth;
	__u64 flags = ip->v4 ? BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE : 0;
	__u32 diff, hops = 0;

	/* Without the barrier, the compiler subtracts in 32 bits, which the verifier refuses. */
	barrier_var(check_at);
	if (ip->v6)
		hops = pkt_csum_diff2(0, bpf_htons(ip->v6->hop_limit), bpf_htons(PKT_ECHO_TTL));
	diff = pkt_echo_reply(eth, ip, icmp);
	if (ip->v6)
		bpf_csum_update(skb, (__wsum)hops);
	/* Cannot fail: for a program that writes directly, the kernel unshares headers first. */
	bpf_l4_csum_replace(skb, check_at, 0, diff, flags);
}

#endif /* _PKT_ECHO_BPF_H */
