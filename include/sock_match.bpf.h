/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Parse and match packets in socket filters. A program of this type cannot access the packet
 * directly. So this code copies each header to the stack with bpf_skb_load_bytes(), which also
 * checks the bounds.
 *
 *	struct sock_pkt pkt;
 *	enum pkt_status status = sock_parse(skb, &pkt);
 *
 *	if (sock_match_pkt(&match, status, &pkt) != SOCK_MATCHED)
 *		return 0;
 *
 * The frame starts with its Ethernet header, as on an AF_PACKET socket of type SOCK_RAW. The
 * outer VLAN tag is mostly not in the frame, but in __sk_buff.vlan_tci.
 */
#ifndef _SOCK_MATCH_BPF_H
#define _SOCK_MATCH_BPF_H

#include <linux/bpf.h>
#include "addr4.h"
#include "pkt_parse.bpf.h"
#include "sock_match.h"

/* The largest length that fits into an IP header. */
#define SOCK_IP_LEN_MAX		65535

/**
 * struct sock_cursor - position of the parser
 * @skb: the packet
 * @off: offset of the next byte
 */
struct sock_cursor {
	const struct __sk_buff *skb;
	__u32 off;
};

/* Copy the next @len bytes and step over them. False if the packet ends before their last one. */
static __always_inline bool sock_pull(struct sock_cursor *cur, void *to, __u32 len)
{
	if (bpf_skb_load_bytes(cur->skb, cur->off, to, len))
		return false;
	cur->off += len;
	return true;
}

/*
 * The length of a packet; @len is the length field of its IP header. A BIG TCP packet is too long
 * for that field, which is 0 then: use the number of bytes that the skb has from @ip_off on.
 */
static __always_inline __u32 sock_ip_len(const struct sock_cursor *cur, __u32 len, __u32 ip_off)
{
	__u32 left = cur->skb->len - ip_off;

	return !len && left > SOCK_IP_LEN_MAX ? left : len;
}

/* Parse @iph, which the caller has read at the cursor, and step over it with its options. */
static __always_inline bool sock_ipv4_hdr(struct sock_cursor *cur, const struct iphdr *iph,
					  struct sock_pkt *pkt, __u32 *len)
{
	__u32 hlen = iph->ihl * 4, frag = bpf_ntohs(iph->frag_off);
	__u32 total = sock_ip_len(cur, bpf_ntohs(iph->tot_len), cur->off);

	if (iph->version != 4 || hlen < sizeof(*iph) || total < hlen)
		return false;
	cur->off += hlen;
	addr_from4(pkt->saddr, iph->saddr);
	addr_from4(pkt->daddr, iph->daddr);
	pkt->family = 4;
	pkt->proto = iph->protocol;
	pkt->frag = pkt_frag_kind(frag & PKT_IPV4_OFFSET, frag & PKT_IPV4_MF);
	*len = total - hlen;
	return true;
}

static __always_inline bool sock_ipv4(struct sock_cursor *cur, struct sock_pkt *pkt, __u32 *len)
{
	struct iphdr iph;

	return !bpf_skb_load_bytes(cur->skb, cur->off, &iph, sizeof(iph)) &&
	       sock_ipv4_hdr(cur, &iph, pkt, len);
}

/*
 * Step over an extension header of the type pkt->proto, and set pkt->proto to the next protocol.
 * If this is a fragment header, set its offset and flags in @frag.
 */
static __always_inline bool sock_ipv6_ext(struct sock_cursor *cur, struct sock_pkt *pkt,
					  __u32 *left, __u32 *frag)
{
	struct pkt_ipv6_ext hdr;
	__u32 len;

	if (bpf_skb_load_bytes(cur->skb, cur->off, &hdr, sizeof(hdr)))
		return false;
	len = pkt_ipv6_ext_len(pkt->proto, hdr.hdrlen);
	if (*left < len)
		return false;
	cur->off += len;
	*left -= len;
	if (pkt->proto == IPPROTO_FRAGMENT)
		*frag |= bpf_ntohs(hdr.frag_off);
	pkt->proto = hdr.nexthdr;
	return true;
}

static __always_inline bool sock_ipv6(struct sock_cursor *cur, struct sock_pkt *pkt, __u32 *len)
{
	struct ipv6hdr ip6h;
	__u32 frag = 0;
	int i;

	if (!sock_pull(cur, &ip6h, sizeof(ip6h)) || ip6h.version != 6)
		return false;
	__builtin_memcpy(pkt->saddr, &ip6h.saddr, sizeof(pkt->saddr));
	__builtin_memcpy(pkt->daddr, &ip6h.daddr, sizeof(pkt->daddr));
	pkt->family = 6;
	pkt->proto = ip6h.nexthdr;
	*len = sock_ip_len(cur, bpf_ntohs(ip6h.payload_len), cur->off);

	for (i = 0; !(frag & PKT_IPV6_OFFSET) && pkt_ipv6_is_ext(pkt->proto); i++) {
		if (i == PKT_IPV6_EXT_MAX || !sock_ipv6_ext(cur, pkt, len, &frag))
			return false;
	}
	pkt->frag = pkt_frag_kind(frag & PKT_IPV6_OFFSET, frag & PKT_IPV6_MF);
	return true;
}

/* True if the packet has a whole TCP or UDP header, whose first four bytes are the ports. */
static __always_inline bool sock_has_ports(const struct sock_pkt *pkt, __u32 len)
{
	__u32 size;

	if (pkt->proto == IPPROTO_TCP)
		size = sizeof(struct tcphdr);
	else if (pkt->proto == IPPROTO_UDP)
		size = sizeof(struct udphdr);
	else
		return false;
	return pkt->frag != PKT_FRAG_LATER && len >= size;
}

static __always_inline void sock_set_ports(struct sock_pkt *pkt, const __be16 ports[2])
{
	pkt->sport = ports[0];
	pkt->dport = ports[1];
	pkt->has_ports = true;
}

static __always_inline void sock_ports(struct sock_cursor *cur, struct sock_pkt *pkt, __u32 len)
{
	__be16 ports[2];

	if (sock_has_ports(pkt, len) && sock_pull(cur, ports, sizeof(ports)))
		sock_set_ports(pkt, ports);
}

/*
 * Most packets are IPv4 without VLAN tag and options. One call of bpf_skb_load_bytes() reads all
 * headers of such a packet.
 */
struct sock_usual {
	__u8 pad[2];
	struct ethhdr eth;
	struct iphdr iph;
	__be16 ports[2];
};

#define SOCK_USUAL_LEN (sizeof(struct sock_usual) - offsetof(struct sock_usual, eth))

static __always_inline bool sock_is_usual(const struct sock_usual *usual)
{
	return usual->eth.h_proto == bpf_htons(ETH_P_IP) && usual->iph.ihl == 5;
}

static __always_inline enum pkt_status sock_parse_usual(const struct __sk_buff *skb,
							const struct sock_usual *usual,
							struct sock_pkt *pkt)
{
	struct sock_cursor cur = { .skb = skb, .off = sizeof(usual->eth) };
	__u32 len;

	if (!sock_ipv4_hdr(&cur, &usual->iph, pkt, &len))
		return PKT_BAD;
	if (sock_has_ports(pkt, len))
		sock_set_ports(pkt, usual->ports);
	return PKT_OK;
}

/**
 * sock_parse() - parse a packet from the Ethernet header to the ports
 * @skb: the packet
 * @pkt: filled; fields that the packet does not have are zero
 *
 * Return: enum pkt_status, as pkt_parse_ip().
 */
static __always_inline enum pkt_status sock_parse(const struct __sk_buff *skb,
						  struct sock_pkt *pkt)
{
	struct sock_cursor cur = { .skb = skb };
	struct sock_usual usual;
	struct pkt_vlan tag;
	__be16 proto;
	__u32 len;
	bool ok;
	int i;

	__builtin_memset(pkt, 0, sizeof(*pkt));
	if (!bpf_skb_load_bytes(skb, 0, &usual.eth, SOCK_USUAL_LEN)) {
		if (sock_is_usual(&usual))
			return sock_parse_usual(skb, &usual, pkt);
		cur.off = sizeof(usual.eth);
	} else if (!sock_pull(&cur, &usual.eth, sizeof(usual.eth))) {
		return PKT_BAD;
	}
	proto = usual.eth.h_proto;
	for (i = 0; i < PKT_VLAN_MAX && pkt_is_vlan(proto); i++) {
		if (!sock_pull(&cur, &tag, sizeof(tag)))
			return PKT_BAD;
		proto = tag.proto;
	}
	if (proto == bpf_htons(ETH_P_IP))
		ok = sock_ipv4(&cur, pkt, &len);
	else if (proto == bpf_htons(ETH_P_IPV6))
		ok = sock_ipv6(&cur, pkt, &len);
	else
		return pkt_is_vlan(proto) ? PKT_BAD : PKT_NOT_IP;
	/* IP options and the last extension header were skipped unread: check their end. */
	if (!ok || cur.off > skb->len)
		return PKT_BAD;
	sock_ports(&cur, pkt, len);
	return PKT_OK;
}

static __always_inline bool sock_in_prefix(const volatile struct sock_match *match,
					   const __be32 addr[4])
{
	int i;

	for (i = 0; i < 4; i++) {
		if ((addr[i] & match->mask[i]) != match->addr[i])
			return false;
	}
	return true;
}

static __always_inline bool sock_is_icmp(const struct sock_pkt *pkt)
{
	return (pkt->family == 4 && pkt->proto == IPPROTO_ICMP) ||
	       (pkt->family == 6 && pkt->proto == IPPROTO_ICMPV6);
}

static __always_inline bool sock_proto_is(const struct sock_pkt *pkt, __u8 proto)
{
	if (proto == IPPROTO_ICMP)
		return sock_is_icmp(pkt);
	return !proto || pkt->proto == proto;
}

static __always_inline bool sock_host_is(const volatile struct sock_match *match,
					 const struct sock_pkt *pkt)
{
	if (!match->family)
		return true;
	return pkt->family == match->family &&
	       (sock_in_prefix(match, pkt->saddr) || sock_in_prefix(match, pkt->daddr));
}

/**
 * sock_match_pkt() - whether a packet matches
 * @match: which packets match
 * @status: from sock_parse()
 * @pkt: from sock_parse()
 *
 * Return: enum sock_verdict, SOCK_MATCHED if the packet matches.
 */
static __always_inline enum sock_verdict sock_match_pkt(const volatile struct sock_match *match,
							enum pkt_status status,
							const struct sock_pkt *pkt)
{
	__be16 port = bpf_htons(match->port);

	/* No condition: all packets match, also those that are not IP. */
	if (!match->proto && !match->family && !match->port)
		return SOCK_MATCHED;
	if (status != PKT_OK)
		return status == PKT_NOT_IP ? SOCK_SKIP_NOT_IP : SOCK_SKIP_BAD;
	if (!sock_proto_is(pkt, match->proto))
		return SOCK_SKIP_PROTO;
	if (!sock_host_is(match, pkt))
		return SOCK_SKIP_HOST;
	if (port && !(pkt->has_ports && (pkt->sport == port || pkt->dport == port)))
		return SOCK_SKIP_PORT;
	return SOCK_MATCHED;
}

#endif /* _SOCK_MATCH_BPF_H */
