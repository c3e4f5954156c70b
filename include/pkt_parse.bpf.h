/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From the Ethernet header to the transport layer: a cursor that checks each step
 * against the end of the data, and one function per header.
 *
 *	struct pkt_cursor cur = pkt_cursor(ctx->data, ctx->data_end);
 *	struct pkt_ip ip;
 *
 *	if (pkt_parse_ip(&cur, &ip) != PKT_OK || ip.proto != IPPROTO_UDP)
 *		return XDP_PASS;
 *	udp = pkt_transport(&cur, &ip, sizeof(*udp));
 *	if (!udp)
 *		return XDP_PASS;
 *
 * No function hands out a pointer that was not checked. Lengths come from the
 * IP header: Ethernet pads short frames, so the end of the frame says nothing.
 * Fields of headers are in network byte order; what struct pkt_ip holds besides
 * pointers is in host byte order.
 */
#ifndef _PKT_PARSE_BPF_H
#define _PKT_PARSE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum {
	PKT_VLAN_MAX = 2,	/* 802.1ad outside, 802.1Q inside */
	PKT_IPV6_EXT_MAX = 6,	/* RFC 8200 names six kinds */
	PKT_LEN_MAX = 65535,	/* what 16 bits of an IP header can tell */
};

/**
 * struct pkt_cursor - where parsing stands
 * @pos: next byte to read
 * @end: first byte behind the data
 * @left: bytes from @pos to the end of the packet, for pkt_len(): set to __sk_buff.len at
 *	the first byte by programs in TC; 0 in XDP
 */
struct pkt_cursor {
	void *pos;
	void *end;
	__s64 left;
};

/**
 * enum pkt_status - what pkt_parse_ip() found
 * @PKT_OK: an IP packet, struct pkt_ip is filled
 * @PKT_NOT_IP: a whole Ethernet header of some other protocol
 * @PKT_BAD: cut short, contradicting itself, or with more VLAN tags or IPv6
 *	extension headers than are looked through
 */
enum pkt_status {
	PKT_OK,
	PKT_NOT_IP,
	PKT_BAD,
};

/**
 * enum pkt_frag - whether a packet is a fragment
 * @PKT_FRAG_NONE: not a fragment
 * @PKT_FRAG_FIRST: the first one, the transport header is in it
 * @PKT_FRAG_LATER: without transport header: what stands there is payload
 */
enum pkt_frag {
	PKT_FRAG_NONE,
	PKT_FRAG_FIRST,
	PKT_FRAG_LATER,
};

/**
 * struct pkt_ip - the network layer of a packet
 * @v4: IPv4 header, NULL in IPv6
 * @v6: IPv6 header, NULL in IPv4
 * @len: bytes of the transport layer, 0 to 65535; of BIG TCP up to 2^20
 * @frag_id: identification that the fragments of a packet share, network byte order
 * @proto: protocol of the transport layer, IPPROTO_*
 * @frag: enum pkt_frag
 */
struct pkt_ip {
	struct iphdr *v4;
	struct ipv6hdr *v6;
	__u32 len;
	__be32 frag_id;
	__u8 proto;
	__u8 frag;
};

/* IEEE 802.1Q; no UAPI header has it. */
struct pkt_vlan {
	__be16 tci;
	__be16 proto;
};

/*
 * The first 8 bytes of an extension header of IPv6 (RFC 8200); none is shorter. Offset
 * and identification are those of the fragment header, where @hdrlen is reserved.
 */
struct pkt_ipv6_ext {
	__u8 nexthdr;
	__u8 hdrlen;
	__be16 frag_off;
	__be32 frag_id;
};

#define PKT_IPV4_MF		0x2000
#define PKT_IPV4_OFFSET		0x1fff
#define PKT_IPV6_MF		0x0001
#define PKT_IPV6_OFFSET		0xfff8

/**
 * pkt_cursor() - start parsing
 * @data: first byte, xdp_md.data or __sk_buff.data
 * @data_end: xdp_md.data_end or __sk_buff.data_end
 *
 * Return: a cursor at the first byte.
 */
static __always_inline struct pkt_cursor pkt_cursor(__u32 data, __u32 data_end)
{
	struct pkt_cursor cur = {
		.pos = (void *)(long)data,
		.end = (void *)(long)data_end,
	};

	return cur;
}

/**
 * pkt_pull() - step over the next bytes
 * @cur: cursor, moved only if the bytes are there
 * @len: number of bytes, at most 65535
 *
 * Return: the bytes, or NULL if the data end before.
 */
static __always_inline void *pkt_pull(struct pkt_cursor *cur, __u32 len)
{
	void *hdr = cur->pos;

	/* Spares the compiler a test for NULL at each step. */
	__builtin_assume(hdr);
	if (hdr + len > cur->end)
		return NULL;
	cur->pos = hdr + len;
	cur->left -= len;
	return hdr;
}

static __always_inline bool pkt_is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/**
 * pkt_eth() - Ethernet header and the VLAN tags behind it
 * @cur: cursor at the Ethernet header; behind the tags afterwards
 * @proto: EtherType of what follows; of a third VLAN tag, which is not stepped over
 *
 * Return: the header, or NULL if the frame is cut short.
 */
static __always_inline struct ethhdr *pkt_eth(struct pkt_cursor *cur, __be16 *proto)
{
	struct ethhdr *eth = pkt_pull(cur, sizeof(*eth));
	struct pkt_vlan *tag;
	int i;

	if (!eth)
		return NULL;
	*proto = eth->h_proto;
	for (i = 0; i < PKT_VLAN_MAX && pkt_is_vlan(*proto); i++) {
		tag = pkt_pull(cur, sizeof(*tag));
		if (!tag)
			return NULL;
		*proto = tag->proto;
	}
	return eth;
}

static __always_inline enum pkt_frag pkt_frag(__u16 offset, __u16 more)
{
	if (offset)
		return PKT_FRAG_LATER;
	return more ? PKT_FRAG_FIRST : PKT_FRAG_NONE;
}

/*
 * The length that a header tells. In BIG TCP it is 0, and the packet ends where its
 * bytes end: inside of a host a packet that will be cut into segments may be longer than
 * its header can tell (iph_totlen() in include/linux/ip.h).
 *
 * Branch-free: after a branch Linux 6.1 takes a length of 0 for possible where it is not,
 * and refuses what comes next.
 */
static __always_inline __u32 pkt_len(__u32 told, __s64 left)
{
	__u64 is_big = (__u64)(PKT_LEN_MAX - left) >> 63 & ((__u64)told - 1) >> 63;

	barrier_var(is_big);
	return told + left * is_big;
}

/**
 * pkt_ipv4() - IPv4 header with its options
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
	ip->frag = pkt_frag(frag & PKT_IPV4_OFFSET, frag & PKT_IPV4_MF);
	return PKT_OK;
}

static __always_inline bool pkt_ipv6_is_ext(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

/**
 * pkt_ipv6_ext_len() - length of an extension header of IPv6
 * @proto: its number, one of pkt_ipv6_is_ext()
 * @hdrlen: its second byte
 *
 * No inline function: the verifier walks through a global function once, and takes its
 * result for any number. Inline, each case would be a path of its own, to the sixth power.
 *
 * Return: bytes, 8 to 2048.
 */
__u32 pkt_ipv6_ext_len(__u32 proto, __u32 hdrlen);
__weak __noinline __u32 pkt_ipv6_ext_len(__u32 proto, __u32 hdrlen)
{
	switch (proto) {
	case IPPROTO_FRAGMENT:		/* the byte is reserved */
		return 8;
	case IPPROTO_AH:		/* RFC 4302 */
		return 8 + hdrlen * 4;
	default:
		return 8 + hdrlen * 8;
	}
}

/*
 * Step over the extension header ip->proto, take the next protocol from it. A
 * fragment stays one: bits of its header are added to @frag.
 */
static __always_inline enum pkt_status pkt_ipv6_step(struct pkt_cursor *cur, struct pkt_ip *ip,
						     __u32 *frag)
{
	struct pkt_ipv6_ext *hdr = pkt_pull(cur, sizeof(*hdr));
	__u32 more;

	if (!hdr)
		return PKT_BAD;
	/* At most 255 * 8; the mask tells the verifier. */
	more = (pkt_ipv6_ext_len(ip->proto, hdr->hdrlen) - sizeof(*hdr)) & 0x7ff;
	if (ip->len < sizeof(*hdr) + more || !pkt_pull(cur, more))
		return PKT_BAD;
	if (ip->proto == IPPROTO_FRAGMENT) {
		*frag |= bpf_ntohs(hdr->frag_off);
		ip->frag_id |= hdr->frag_id;
	}
	ip->proto = hdr->nexthdr;
	ip->len -= sizeof(*hdr) + more;
	return PKT_OK;
}

/**
 * pkt_ipv6() - IPv6 header with its extension headers
 * @cur: cursor at the header; at the transport layer afterwards
 * @ip: filled if the headers are valid
 *
 * ESP ends the walk. So does the fragment header of a later fragment, whatever its next
 * header says: payload follows.
 *
 * Return: PKT_OK or PKT_BAD.
 */
static __always_inline enum pkt_status pkt_ipv6(struct pkt_cursor *cur, struct pkt_ip *ip)
{
	struct ipv6hdr *ip6h = pkt_pull(cur, sizeof(*ip6h));
	__u32 frag = 0;
	int i;

	if (!ip6h || ip6h->version != 6)
		return PKT_BAD;
	ip->v4 = NULL;
	ip->v6 = ip6h;
	ip->len = pkt_len(bpf_ntohs(ip6h->payload_len), cur->left);
	ip->frag_id = 0;
	ip->proto = ip6h->nexthdr;

	for (i = 0; !(frag & PKT_IPV6_OFFSET) && pkt_ipv6_is_ext(ip->proto); i++) {
		if (i == PKT_IPV6_EXT_MAX || pkt_ipv6_step(cur, ip, &frag) != PKT_OK)
			return PKT_BAD;
	}
	ip->frag = pkt_frag(frag & PKT_IPV6_OFFSET, frag & PKT_IPV6_MF);
	return PKT_OK;
}

/**
 * pkt_parse_ip() - from the Ethernet header to the transport layer
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

/**
 * pkt_transport() - the transport header
 * @cur: cursor behind the network layer; behind the header afterwards
 * @ip: network layer
 * @size: size of the header
 *
 * Return: the header, or NULL if the packet is a later fragment or its IP
 * header or its data say that it is shorter.
 */
static __always_inline void *pkt_transport(struct pkt_cursor *cur,
					   const struct pkt_ip *ip, __u32 size)
{
	if (ip->frag == PKT_FRAG_LATER || ip->len < size)
		return NULL;
	return pkt_pull(cur, size);
}

/**
 * pkt_icmp() - ICMP header
 * @cur: cursor behind the network layer; at the ICMP payload afterwards
 * @ip: network layer, its proto is IPPROTO_ICMP
 *
 * Return: the header or NULL.
 */
static __always_inline struct icmphdr *pkt_icmp(struct pkt_cursor *cur,
						const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct icmphdr));
}

/**
 * pkt_icmp6() - ICMPv6 header
 * @cur: cursor behind the network layer; at the ICMPv6 payload afterwards
 * @ip: network layer, its proto is IPPROTO_ICMPV6
 *
 * Return: the header or NULL.
 */
static __always_inline struct icmp6hdr *pkt_icmp6(struct pkt_cursor *cur,
						  const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct icmp6hdr));
}

/**
 * pkt_udp() - UDP header
 * @cur: cursor behind the network layer; at the payload afterwards
 * @ip: network layer, its proto is IPPROTO_UDP
 *
 * Return: the header or NULL.
 */
static __always_inline struct udphdr *pkt_udp(struct pkt_cursor *cur,
					      const struct pkt_ip *ip)
{
	return pkt_transport(cur, ip, sizeof(struct udphdr));
}

/**
 * pkt_tcp() - TCP header with its options
 * @cur: cursor behind the network layer; at the payload afterwards
 * @ip: network layer, its proto is IPPROTO_TCP
 *
 * Return: the header, or NULL also if its data offset is below 5 or beyond
 * the packet.
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
