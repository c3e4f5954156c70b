/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Steps through a packet: a cursor that compares each step with the end of the data,
 * Ethernet with VLAN tags, and the extension headers of IPv6. No function returns a
 * pointer that was not checked. ping_kern.c shows how to use them; pkt_parse.bpf.h reads
 * the whole network layer, for programs that need more of it.
 *
 * Fields of headers are in network byte order, all other numbers in host byte order.
 */
#ifndef _PKT_CURSOR_BPF_H
#define _PKT_CURSOR_BPF_H

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum {
	PKT_VLAN_MAX = 2,	/* 802.1ad outside, 802.1Q inside */
	PKT_IPV6_EXT_MAX = 6,	/* RFC 8200 names six kinds */
};

/**
 * struct pkt_cursor - where parsing stands
 * @pos: next byte to read
 * @end: first byte behind the data
 * @left: bytes from @pos to the end of the packet; only pkt_parse.bpf.h reads it
 */
struct pkt_cursor {
	void *pos;
	void *end;
	__s64 left;
};

/**
 * enum pkt_frag - whether a packet is a fragment
 * @PKT_FRAG_NONE: not a fragment
 * @PKT_FRAG_FIRST: the first fragment, which has the transport header
 * @PKT_FRAG_LATER: a later fragment: payload, no transport header
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
 * @len: bytes of the transport layer by the length in the IP header
 * @frag_id: identification, which the fragments of a packet share, network byte order
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
 * pkt_start() - start parsing
 * @data: address of the first byte, xdp_md.data or __sk_buff.data
 * @data_end: address behind the last byte, xdp_md.data_end or __sk_buff.data_end
 *
 * Return: a cursor at the first byte.
 */
static __always_inline struct pkt_cursor pkt_start(unsigned long data, unsigned long data_end)
{
	return (struct pkt_cursor){ .pos = (void *)data, .end = (void *)data_end };
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

	/* Never NULL: spares the program a test at each step. */
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
 * @proto: EtherType of what follows; a third VLAN tag is left as @proto
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

static __always_inline enum pkt_frag pkt_frag_kind(__u16 offset, __u16 more)
{
	if (offset)
		return PKT_FRAG_LATER;
	return more ? PKT_FRAG_FIRST : PKT_FRAG_NONE;
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
 * Not inlined: the verifier walks a global function once, and takes its result for any
 * number. Inlined, each of the three cases would be a path of its own, for each of six headers.
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

/* Step over one extension header. The bits of a fragment header are added to @frag. */
static __always_inline bool pkt_ipv6_skip_ext(struct pkt_cursor *cur, struct pkt_ip *ip,
					      __u32 *frag)
{
	struct pkt_ipv6_ext *hdr = pkt_pull(cur, sizeof(*hdr));
	__u32 more;

	if (!hdr)
		return false;
	/* At most 255 * 8; the mask shows that to the verifier. */
	more = (pkt_ipv6_ext_len(ip->proto, hdr->hdrlen) - sizeof(*hdr)) & 0x7ff;
	if (ip->len < sizeof(*hdr) + more || !pkt_pull(cur, more))
		return false;
	if (ip->proto == IPPROTO_FRAGMENT) {
		*frag |= bpf_ntohs(hdr->frag_off);
		ip->frag_id |= hdr->frag_id;
	}
	ip->proto = hdr->nexthdr;
	ip->len -= sizeof(*hdr) + more;
	return true;
}

/**
 * pkt_ipv6_exts() - step over the extension headers of IPv6
 * @cur: cursor behind the IPv6 header; at the transport layer afterwards
 * @ip: @len and @proto of the IPv6 header, @frag_id 0; afterwards @proto and @len are those
 *	of the transport layer, @frag and @frag_id those of a fragment header
 *
 * ESP ends the walk. So does the fragment header of a later fragment, whatever its next
 * header says: payload follows.
 *
 * Return: false if a header is cut short, or if there are more than PKT_IPV6_EXT_MAX.
 */
static __always_inline bool pkt_ipv6_exts(struct pkt_cursor *cur, struct pkt_ip *ip)
{
	__u32 frag = 0;
	int i;

	for (i = 0; !(frag & PKT_IPV6_OFFSET) && pkt_ipv6_is_ext(ip->proto); i++) {
		if (i == PKT_IPV6_EXT_MAX || !pkt_ipv6_skip_ext(cur, ip, &frag))
			return false;
	}
	ip->frag = pkt_frag_kind(frag & PKT_IPV6_OFFSET, frag & PKT_IPV6_MF);
	return true;
}

#endif /* _PKT_CURSOR_BPF_H */
