/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changing a packet before it is sent: new addresses, ports and checksums, or an outer header.
 *
 * In XDP the program updates the checksum in the packet. In TC, helpers of the kernel do it,
 * because an skb has a checksum state. Either the device will fill in the checksum
 * (CHECKSUM_PARTIAL: the field holds the sum of the pseudo header), or the kernel knows the
 * sum of the packet (CHECKSUM_COMPLETE: that sum has to change with the packet). These
 * helpers invalidate all pointers into the packet, so they come last.
 */
#ifndef _XDP_LB_REWRITE_BPF_H
#define _XDP_LB_REWRITE_BPF_H

#include <linux/pkt_cls.h>
#include "addr4.h"
#include "pkt_csum.bpf.h"
#include "parts/xdp_lb/bpf/pkt.bpf.h"

#define LB_IP6_ADDRS_OFF offsetof(struct ipv6hdr, saddr)
#define LB_IP6_HOPS_OFF offsetof(struct ipv6hdr, hop_limit)

enum {
	/* TTL of outer headers and of ICMP errors. */
	LB_TTL = 64,
	/* Ethernet header and two VLAN tags. */
	LB_L2_MAX = 22,
};

/**
 * struct lb_change - new addresses and ports of a packet
 * @saddr: source address, NULL: stays
 * @daddr: destination address, NULL: stays
 * @sport: source port, 0: stays
 * @dport: destination port, 0: stays
 * @smac: source MAC address
 * @dmac: destination MAC address
 */
struct lb_change {
	const struct lb_addr *saddr;
	const struct lb_addr *daddr;
	__be16 sport;
	__be16 dport;
	const __u8 *smac;
	const __u8 *dmac;
};

/* Send the packet out of @ifindex. */
static __always_inline int lb_transmit(const struct lb_pkt *pkt, __u32 ifindex)
{
	if (!pkt->tc && ifindex == pkt->ifindex)
		return XDP_TX;
	return bpf_redirect(ifindex, 0);
}

static __always_inline void lb_set_macs(struct ethhdr *eth, const __u8 *smac, const __u8 *dmac)
{
	lb_set_mac(eth->h_source, smac);
	lb_set_mac(eth->h_dest, dmac);
}

/* A router decrements the TTL; a packet whose TTL is used up is not forwarded (RFC 1812). */
static __always_inline bool lb_ttl_spent(const struct lb_pkt *pkt)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);

	if (pkt->ip.v4)
		return pkt->ip.v4->ttl <= 1;
	return ip6 && ip6->hop_limit <= 1;
}

/* Set the IPv4 addresses, decrement the TTL. Returns the change of the pseudo header. */
static __always_inline __u32 lb_change_ip4(struct iphdr *ip, const struct lb_change *change)
{
	__u32 diff = 0, ttl;

	if (change->saddr) {
		diff = pkt_csum_diff4(diff, ip->saddr, change->saddr->a[3]);
		ip->saddr = change->saddr->a[3];
	}
	if (change->daddr) {
		diff = pkt_csum_diff4(diff, ip->daddr, change->daddr->a[3]);
		ip->daddr = change->daddr->a[3];
	}
	ttl = pkt_csum_diff2(diff, bpf_htons(ip->ttl << 8), bpf_htons((ip->ttl - 1) << 8));
	ip->ttl--;
	pkt_csum_apply(&ip->check, ttl);
	return diff;
}

static __always_inline void lb_copy_addr(struct in6_addr *to, const struct lb_addr *from)
{
	__builtin_memcpy(to, from, sizeof(*to));
}

static __always_inline __u32 lb_diff_ip6(const struct ipv6hdr *ip6,
					 const struct lb_change *change)
{
	__u32 diff = 0;

	if (change->saddr)
		diff = pkt_csum_diff16(diff, (const __be32 *)&ip6->saddr, change->saddr->a);
	if (change->daddr)
		diff = pkt_csum_diff16(diff, (const __be32 *)&ip6->daddr, change->daddr->a);
	return diff;
}

static __always_inline void lb_change_ip6(struct ipv6hdr *ip6, const struct lb_change *change)
{
	if (change->saddr)
		lb_copy_addr(&ip6->saddr, change->saddr);
	if (change->daddr)
		lb_copy_addr(&ip6->daddr, change->daddr);
	ip6->hop_limit--;
}

/* Set the ports. Returns the change of the sum that the checksum covers. */
static __always_inline __u32 lb_change_ports(const struct lb_pkt *pkt,
					     const struct lb_change *change)
{
	__be16 *ports = pkt->l4;
	__u32 diff = 0;

	if (change->sport) {
		diff = pkt_csum_diff2(diff, ports[0], change->sport);
		ports[0] = change->sport;
	}
	if (change->dport) {
		diff = pkt_csum_diff2(diff, ports[1], change->dport);
		ports[1] = change->dport;
	}
	return diff;
}

/* XDP: update the checksum. For UDP over IPv6 lb_lacks_checksum() has ruled out 0. */
static __always_inline void lb_fix_xdp(const struct lb_pkt *pkt, __u32 diff)
{
	if (lb_is_tcp(&pkt->conn))
		pkt_csum_apply(pkt->check, diff);
	else
		pkt_csum_apply_udp(pkt->check, diff);
}

/*
 * TC: update the checksum at offset @off. The pseudo header and the ports have a call each:
 * with CHECKSUM_PARTIAL the field covers the pseudo header only.
 */
static __always_inline int lb_fix_tc(const struct lb_pkt *pkt, __u32 off, __u32 pseudo,
				     __u32 ports)
{
	__u64 flags = lb_is_tcp(&pkt->conn) ? 0 : BPF_F_MARK_MANGLED_0;

	if (bpf_l4_csum_replace(pkt->ctx, off, 0, pseudo, flags | BPF_F_PSEUDO_HDR))
		return -1;
	return bpf_l4_csum_replace(pkt->ctx, off, 0, ports, flags);
}

/*
 * TC, IPv6: store hop limit and addresses in one call. IPv6 has no header checksum that
 * would cancel the change in the sum of the packet: the helper updates the sum.
 */
static __always_inline int lb_store_ip6(const struct lb_pkt *pkt, const struct ipv6hdr *ip6,
					const struct lb_change *change)
{
	struct ipv6hdr copy = *ip6;

	lb_change_ip6(&copy, change);
	return bpf_skb_store_bytes(pkt->ctx, pkt->l2_len + LB_IP6_HOPS_OFF,
				   (void *)&copy + LB_IP6_HOPS_OFF,
				   sizeof(copy) - LB_IP6_HOPS_OFF, BPF_F_RECOMPUTE_CSUM);
}

/* Apply a change. Returns 0, or -1 if a helper failed. */
static __always_inline int lb_rewrite(const struct lb_pkt *pkt, const struct lb_change *change)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);
	__u32 pseudo = 0, ports = 0, off = 0;

	lb_set_macs(pkt->eth, change->smac, change->dmac);
	if (pkt->check) {
		ports = lb_change_ports(pkt, change);
		off = (void *)pkt->check - (void *)pkt->eth;
	}
	if (pkt->ip.v4)
		pseudo = lb_change_ip4(pkt->ip.v4, change);
	else if (ip6)
		pseudo = lb_diff_ip6(ip6, change);
	if (!pkt->tc) {
		if (!pkt->ip.v4 && ip6)
			lb_change_ip6(ip6, change);
		if (pkt->check)
			lb_fix_xdp(pkt, pseudo + ports);
		return 0;
	}
	if (!pkt->ip.v4 && ip6 && lb_store_ip6(pkt, ip6, change))
		return -1;
	return pkt->check ? lb_fix_tc(pkt, off, pseudo, ports) : 0;
}

/* --- tunnel ------------------------------------------------------------------------- */

/* A BIG TCP packet is too long for the length field, which is 0: it ends where the skb ends. */
static __always_inline __be16 lb_len_field(__u32 len)
{
	return len <= PKT_LEN_MAX ? bpf_htons(len) : 0;
}

/* The outer IPv4 header, for IPv4 (RFC 2003) and IPv6 (RFC 4213) inside. */
static __always_inline void lb_outer4(struct iphdr *ip, const struct lb_backend *backend,
				      __u8 tos, __u8 proto, __u32 inner_len)
{
	__u32 sum = 0;
	__u16 *word = (__u16 *)ip;
	int i;

	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = tos;
	ip->tot_len = lb_len_field(inner_len + sizeof(*ip));
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = LB_TTL;
	ip->protocol = proto;
	ip->saddr = backend->tunnel_src.a[3];
	ip->daddr = backend->addr.a[3];
	for (i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += word[i];
	ip->check = (__sum16)~pkt_csum_fold(sum);
}

/*
 * The outer IPv6 header (RFC 2473). The flow label is a hash of the connection, for routers
 * that balance by it (RFC 6438).
 */
static __always_inline void lb_outer6(struct ipv6hdr *ip6, const struct lb_backend *backend,
				      __u8 tos, __u8 proto, __u32 inner_len, __u32 label)
{
	*(__be32 *)ip6 = bpf_htonl(6 << 28 | (__u32)tos << 20 | (label & 0xfffff));
	ip6->payload_len = lb_len_field(inner_len);
	ip6->nexthdr = proto;
	ip6->hop_limit = LB_TTL;
	lb_copy_addr(&ip6->saddr, &backend->tunnel_src);
	lb_copy_addr(&ip6->daddr, &backend->addr);
}

static __always_inline __u32 lb_outer_len(const struct lb_backend *backend)
{
	return addr_is4(backend->addr.a) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/**
 * struct lb_outer - an outer header
 * @v4: IPv4 header
 * @v6: IPv6 header
 * @len: length of the header
 * @proto: EtherType of the header
 */
struct lb_outer {
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	};
	__u32 len;
	__be16 proto;
};

/* DSCP and ECN, which the outer header copies (RFC 6040, normal mode). */
static __always_inline __u8 lb_tos(const struct lb_pkt *pkt)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);

	if (pkt->ip.v4)
		return pkt->ip.v4->tos;
	return ip6 ? bpf_ntohs(*(__be16 *)ip6) >> 4 : 0;
}

static __always_inline void lb_make_outer(const struct lb_pkt *pkt,
					  const struct lb_backend *backend,
					  struct lb_outer *outer)
{
	__u8 proto = pkt->ip.v4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	outer->len = lb_outer_len(backend);
	if (addr_is4(backend->addr.a)) {
		outer->proto = bpf_htons(ETH_P_IP);
		lb_outer4(&outer->v4, backend, lb_tos(pkt), proto, pkt->bytes);
	} else {
		outer->proto = bpf_htons(ETH_P_IPV6);
		lb_outer6(&outer->v6, backend, lb_tos(pkt), proto, pkt->bytes,
			  pkt->conn.hash >> 40);
	}
}

/* Make room for the outer header. */
static __always_inline int lb_grow(const struct lb_pkt *pkt, __u32 len)
{
	__u64 flags = len == sizeof(struct iphdr) ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 :
						    BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	/* A segment of UDP is a datagram: its size must not change. */
	if (!lb_is_tcp(&pkt->conn))
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	if (pkt->tc)
		return bpf_skb_adjust_room(pkt->ctx, len, BPF_ADJ_ROOM_MAC, flags);
	return bpf_xdp_adjust_head(pkt->ctx, -(int)len);
}

/*
 * Move the Ethernet header and VLAN tags to the front, by @room bytes, which is even and a
 * constant for the compiler.
 */
static __always_inline int lb_move_l2(const struct lb_pkt *pkt, __u32 l2, const __u32 room)
{
	/* Volatile: clang would emit memmove(), which BPF lacks. */
	volatile __u16 *to = lb_data(pkt);
	__u32 i, words = l2 / 2;

	if ((void *)to + LB_L2_MAX + room > lb_data_end(pkt))
		return -1;
	for (i = 0; i < LB_L2_MAX / 2 && i < words; i++)
		to[i] = to[i + room / 2];
	return 0;
}

/* Encapsulate. Returns 0, or -1 if a helper failed. */
static __always_inline int lb_encap(const struct lb_pkt *pkt, const struct lb_backend *backend)
{
	__u32 l2 = pkt->l2_len;
	struct lb_outer outer;
	struct ethhdr *eth;
	__be16 *proto;
	void *at, *end;

	lb_make_outer(pkt, backend, &outer);
	if (lb_grow(pkt, outer.len))
		return -1;
	if (!pkt->tc && (outer.len == sizeof(struct iphdr) ?
			 lb_move_l2(pkt, l2, sizeof(struct iphdr)) :
			 lb_move_l2(pkt, l2, sizeof(struct ipv6hdr))))
		return -1;

	eth = lb_data(pkt);
	end = lb_data_end(pkt);
	/* The last EtherType; the verifier does not allow a step back from the IP header. */
	proto = (void *)eth + ((l2 - sizeof(*proto)) & 0x1f);
	barrier_var(proto);
	at = proto + 1;
	if ((void *)(eth + 1) > end || at + sizeof(struct ipv6hdr) > end)
		return -1;
	lb_set_macs(eth, backend->smac, backend->dmac);
	*proto = outer.proto;
	if (pkt->tc && outer.len == sizeof(struct iphdr))
		return bpf_skb_store_bytes(pkt->ctx, l2, &outer.v4, sizeof(outer.v4),
					   BPF_F_RECOMPUTE_CSUM);
	if (pkt->tc)
		return bpf_skb_store_bytes(pkt->ctx, l2, &outer.v6, sizeof(outer.v6),
					   BPF_F_RECOMPUTE_CSUM);
	if (outer.len == sizeof(struct iphdr))
		__builtin_memcpy(at, &outer.v4, sizeof(outer.v4));
	else
		__builtin_memcpy(at, &outer.v6, sizeof(outer.v6));
	return 0;
}

#endif /* _XDP_LB_REWRITE_BPF_H */
