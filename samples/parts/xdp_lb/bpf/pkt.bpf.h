/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a packet, and the differences between XDP and TC. The path is written once for
 * both: struct lb_pkt has a flag, which is a constant for the compiler.
 */
#ifndef _XDP_LB_PKT_BPF_H
#define _XDP_LB_PKT_BPF_H

#include "addr4.h"
#include "pkt_parse.bpf.h"
#include "parts/xdp_lb/bpf/hash.h"
#include "parts/xdp_lb/bpf/maps.bpf.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	/*
	 * Bytes that TC pulls out of pages: Ethernet header, two VLAN tags, IP headers of usual
	 * length, TCP header.
	 */
	LB_PULL = 22 + 60 + 60,
	/* Hop-by-hop header with the jumbo payload option (RFC 2675). */
	LB_JUMBO_HEADER = 8,
};

/**
 * struct lb_conn - the connection of a packet: read from the packet, and from the flow table
 * @key: @client is the packet's source, @vip its destination, with their ports
 * @hash: lb_hash() of @key
 * @word: LB_WORD() of the slot
 * @now: the current tick
 * @slot: slot in the flow table, or LB_NO_SLOT
 * @backend: index of the backend
 * @forward: enum lb_forward
 * @flags: TCP flags, TCP_*
 * @has_data: TCP: data follow the header
 * @iface: index into lb_kern_conf.iface of the interface that the packet came in on
 * @mac: MAC address that the packet came from
 * @spilled: the slot is in the second bucket of the connection
 * @snat: LB_NAT, new connection: index of its SNAT address; LB_SNAT_MAX: there is none
 *
 * The struct has no pointers, so that a global function can take it: the verifier checks such a
 * function once, and not again for each path that calls it.
 */
struct lb_conn {
	struct lb_key key;
	__u64 hash;
	__u64 word;
	__u32 now;
	__u32 slot;
	__u32 backend;
	__u8 forward;
	__u8 flags;
	__u8 has_data;
	__u8 iface;
	__u8 mac[ETH_ALEN];
	__u8 spilled;
	__u8 snat;
};

/**
 * struct lb_pkt - a packet as the path sees it
 * @ctx: struct xdp_md, or struct __sk_buff
 * @conf: the configuration
 * @eth: Ethernet header
 * @l3: IP header
 * @ip: network layer
 * @l4: TCP or UDP header, which begins with the ports; NULL in later fragments
 * @check: checksum of TCP or UDP; NULL in later fragments
 * @conn: connection of the packet
 * @l2_len: length of the Ethernet header and VLAN tags
 * @bytes: length of the IP packet
 * @wire: length of the longest IP packet that goes out: in TC the kernel may segment it
 * @ifindex: interface that the packet came in on
 * @fits: LB_ANSWER: the length of an IP packet that would fit, in bytes
 * @check_at: LB_ANSWER: offset of @check in the frame, in bytes; 0: there is none
 * @tc: 1: @ctx is a struct __sk_buff; 64 bits, because the verifier forgets smaller
 *	constants on the stack
 */
struct lb_pkt {
	void *ctx;
	const struct lb_kern_conf *conf;
	struct ethhdr *eth;
	void *l3;
	struct pkt_ip ip;
	void *l4;
	__sum16 *check;
	struct lb_conn conn;
	__u32 l2_len;
	/* A packet that gets LB_ANSWER is not looked at again: save stack. */
	union {
		__u32 bytes;
		__u32 check_at;
	};
	union {
		__u32 wire;
		__u32 fits;
	};
	__u32 ifindex;
	__u64 tc;
};

static __always_inline const struct lb_kern_conf *lb_get_conf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lb_config, &zero);
}

/*
 * Read a field of the context. In assembler, because clang would merge the reads of both
 * kinds of context and compute the offset, and the verifier wants a constant offset.
 */
#define LB_CTX_FIELD(pkt, type, field) ({				\
	__u64 __value;							\
									\
	asm volatile("%0 = *(u32 *)(%1 + %2)"				\
		     : "=r"(__value)					\
		     : "r"((pkt)->ctx), "i"(offsetof(struct type, field)));	\
	__value; })

static __always_inline void *lb_data(const struct lb_pkt *pkt)
{
	if (pkt->tc)
		return (void *)LB_CTX_FIELD(pkt, __sk_buff, data);
	return (void *)LB_CTX_FIELD(pkt, xdp_md, data);
}

static __always_inline void *lb_data_end(const struct lb_pkt *pkt)
{
	if (pkt->tc)
		return (void *)LB_CTX_FIELD(pkt, __sk_buff, data_end);
	return (void *)LB_CTX_FIELD(pkt, xdp_md, data_end);
}

/*
 * Branch-free a < b (both below 2^63), 0 or 1: a branch for each of eight slots would
 * multiply the paths that the verifier walks.
 */
static __always_inline __u64 lb_less(__u64 a, __u64 b)
{
	__u64 diff = a - b;

	barrier_var(diff);
	return diff >> 63;
}

/* Branch-free minimum of a and b (both below 2^63). */
static __always_inline __u64 lb_min(__u64 a, __u64 b)
{
	__s64 diff = a - b;

	barrier_var(diff);
	return b + (diff & (diff >> 63));
}

/* Length of the frame in TC; 0 in XDP, where BIG TCP does not occur. */
static __always_inline __u32 lb_skb_len(const struct lb_pkt *pkt)
{
	return pkt->tc ? LB_CTX_FIELD(pkt, __sk_buff, len) : 0;
}

static __always_inline struct ipv6hdr *lb_ip6(const struct lb_pkt *pkt)
{
	return pkt_addr_v6(&pkt->ip);
}

static __always_inline bool lb_same_addr(const struct lb_addr *a, const struct lb_addr *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

static __always_inline bool lb_same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

static __always_inline void lb_set_mac(__u8 *to, const __u8 *from)
{
	__u16 *x = (__u16 *)to;
	const __u16 *y = (const __u16 *)from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

static __always_inline bool lb_in_filter(const struct lb_addr *addr)
{
	const struct lb_addr_filter *filter;
	__u32 zero = 0, bit = lb_filter_bit(addr);

	filter = bpf_map_lookup_elem(&lb_filter, &zero);
	return filter && filter->bit[bit >> 6 & (LB_FILTER_WORDS - 1)] >> (bit & 63) & 1;
}

/*
 * True if the frame is for the MAC address of the interface. Frames that a switch floods or
 * broadcasts are not for us. Sets @conn.iface.
 */
static __always_inline bool lb_is_for_us(struct lb_pkt *pkt)
{
	const struct lb_kern_conf *conf = pkt->conf;
	__u32 i;

	for (i = 0; i < LB_IFACES_MAX && i < conf->n_ifaces; i++) {
		if (conf->iface[i].ifindex != pkt->ifindex)
			continue;
		pkt->conn.iface = i;
		return lb_same_mac(pkt->eth->h_dest, conf->iface[i].mac);
	}
	return false;
}

/* An IPv6 packet with an address that means an IPv4 address here (::ffff:a.b.c.d). */
static __always_inline bool lb_is_mapped(const struct lb_pkt *pkt)
{
	return lb_ip6(pkt) && (addr_is4(pkt->conn.key.client.a) || addr_is4(pkt->conn.key.vip.a));
}

/* Read the Ethernet header, VLAN tags and the network layer. */
static __always_inline enum pkt_status lb_parse_ip(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	enum pkt_status status;
	__u32 l2_len;
	__be16 proto;

	pkt->eth = pkt_eth(cur, &proto);
	if (!pkt->eth)
		return PKT_BAD;
	/*
	 * The verifier takes the difference of two pointers for an unknown number. So it walks
	 * the rest once, instead of once each for 0, 1 and 2 VLAN tags.
	 */
	l2_len = cur->pos - (void *)pkt->eth;
	barrier_var(l2_len);
	pkt->l2_len = l2_len & 0x1f;
	pkt->l3 = (void *)pkt->eth + pkt->l2_len;
	cur->pos = pkt->l3;
	if (proto == bpf_htons(ETH_P_IP))
		status = pkt_ipv4(cur, &pkt->ip);
	else if (proto == bpf_htons(ETH_P_IPV6))
		status = pkt_ipv6(cur, &pkt->ip);
	else
		return pkt_is_vlan(proto) ? PKT_BAD : PKT_NOT_IP;
	if (status != PKT_OK)
		return status;
	pkt->bytes = cur->pos - pkt->l3 + pkt->ip.len;
	pkt->wire = pkt->bytes;
	pkt_saddr(&pkt->ip, pkt->conn.key.client.a);
	pkt_daddr(&pkt->ip, pkt->conn.key.vip.a);
	pkt->conn.key.proto = pkt->ip.proto;
	return PKT_OK;
}

/*
 * In TC the kernel may cut the @payload bytes behind the headers into segments of gso_size
 * bytes. Sets @wire to the length of a segment. Branch-free, as lb_min() is.
 */
static __always_inline void lb_measure(struct lb_pkt *pkt, __u32 payload)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);
	__u32 segment;

	if (!pkt->tc)
		return;
	/* gso_size 0 means that the packet is not cut: minus 1, it is the largest number. */
	segment = LB_CTX_FIELD(pkt, __sk_buff, gso_size) - 1;
	pkt->wire += lb_min(segment, payload - 1) + 1 - payload;
	/* The kernel removes the hop-by-hop header of BIG TCP from the segments. */
	if (pkt->bytes > PKT_LEN_MAX && ip6 && ip6->nexthdr == IPPROTO_HOPOPTS)
		pkt->wire -= LB_JUMBO_HEADER;
}

/* Read the transport header. False if it is cut short or its lengths are wrong. */
static __always_inline bool lb_parse_l4(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	if (pkt->ip.proto == IPPROTO_TCP) {
		struct tcphdr *tcp = pkt_tcp(cur, &pkt->ip);

		if (!tcp)
			return false;
		pkt->l4 = tcp;
		pkt->check = &tcp->check;
		pkt->conn.has_data = pkt->ip.len > (__u32)tcp->doff * 4;
		lb_measure(pkt, pkt->ip.len - tcp->doff * 4);
		pkt->conn.key.cport = tcp->source;
		pkt->conn.key.vport = tcp->dest;
		pkt->conn.flags = ((__u8 *)tcp)[13];
	} else {
		struct udphdr *udp = pkt_udp(cur, &pkt->ip);

		if (!udp)
			return false;
		pkt->l4 = udp;
		pkt->check = &udp->check;
		lb_measure(pkt, pkt->ip.len - sizeof(*udp));
		pkt->conn.key.cport = udp->source;
		pkt->conn.key.vport = udp->dest;
	}
	return true;
}

/* True for the first packet of a TCP handshake. */
static __always_inline bool lb_is_syn(const struct lb_conn *conn)
{
	return (conn->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static __always_inline bool lb_is_tcp(const struct lb_conn *conn)
{
	return conn->key.proto == IPPROTO_TCP;
}

static __always_inline bool lb_is_icmp(const struct lb_pkt *pkt)
{
	return pkt->ip.proto == IPPROTO_ICMP || pkt->ip.proto == IPPROTO_ICMPV6;
}

#endif /* _XDP_LB_PKT_BPF_H */
