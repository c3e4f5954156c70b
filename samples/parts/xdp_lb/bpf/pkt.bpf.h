/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the load balancer reads from a packet, and what differs between XDP and
 * TC. The path is written once; a flag that the compiler knows says where it runs.
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
	/* Ethernet header, two VLAN tags, IP headers of usual length, TCP header. */
	LB_PULL = 22 + 60 + 60,
	/* RFC 2675. */
	LB_JUMBO_HEADER = 8,
};

/**
 * struct lb_conn - what a packet says of its connection, and what is found of it
 * @key: @client is its source, @vip its destination, and their ports
 * @hash: of @key
 * @word: of the slot
 * @now: ticks
 * @slot: in the flow table, or LB_NO_SLOT
 * @backend: index of the backend
 * @forward: enum lb_forward
 * @flags: of TCP, TCP_*
 * @has_data: TCP: there is more than a header
 * @iface: which of lb_kern_conf.iface it came in on
 * @mac: MAC address it came from
 * @spilled: its slot is in its second bucket
 * @snat: LB_NAT: index of the source address of a new one; LB_SNAT_MAX: there is none
 *
 * No pointers: functions that take no more than this are verified by themselves, not
 * once more for each path that leads to them.
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
 * @l4: transport layer, NULL in later fragments: of TCP and UDP, it begins with the ports
 * @check: its checksum, NULL likewise
 * @conn: its connection
 * @l2_len: of its Ethernet header and VLAN tags
 * @bytes: length of its IP packet
 * @wire: length of the IP packets that go out, at most: in TC the kernel may cut it
 * @ifindex: interface it came in on
 * @tc: @ctx is a struct __sk_buff; of 64 bits, as the verifier follows only those
 *	through the stack
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
	__u32 bytes;
	__u32 wire;
	__u32 ifindex;
	__u64 tc;
};

static __always_inline const struct lb_kern_conf *lb_get_conf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lb_config, &zero);
}

/*
 * A field of the context. In assembler, as clang would compute the place of what
 * two kinds of context both have, and the verifier wants it constant.
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
 * 1 if a < b, of less than 2^63. No condition, on purpose: over eight slots the
 * verifier would walk each combination of them.
 */
static __always_inline __u64 lb_less(__u64 a, __u64 b)
{
	__u64 diff = a - b;

	barrier_var(diff);
	return diff >> 63;
}

/* The smaller one, of less than 2^63; no condition either. */
static __always_inline __u64 lb_min(__u64 a, __u64 b)
{
	__s64 diff = a - b;

	barrier_var(diff);
	return b + (diff & (diff >> 63));
}

/* Of the whole frame; only in TC there are packets of BIG TCP. */
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
 * Only frames for our own MAC address: what a switch floods, or sends to all, is
 * somebody else's. Sets @conn.iface.
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

/* IPv6 packets that would pass for IPv4 ones: RFC 4291 section 2.5.5.2. */
static __always_inline bool lb_is_mapped(const struct lb_pkt *pkt)
{
	return lb_ip6(pkt) && (addr_is4(pkt->conn.key.client.a) || addr_is4(pkt->conn.key.vip.a));
}

/* Ethernet header, VLAN tags, network layer. */
static __always_inline enum pkt_status lb_parse_ip(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	enum pkt_status status;
	__u32 l2_len;
	__be16 proto;

	pkt->eth = pkt_eth(cur, &proto);
	if (!pkt->eth)
		return PKT_BAD;
	/*
	 * From here on one path for all, tagged or not, instead of three: to the verifier,
	 * the difference of two pointers is any number.
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
 * In TC a packet may be one that will be cut into segments of gso_size bytes, of what is
 * behind its headers: @payload bytes. Without a condition, as in lb_min().
 */
static __always_inline void lb_measure(struct lb_pkt *pkt, __u32 payload)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);
	__u32 segment;

	if (!pkt->tc)
		return;
	/* Less one: 0, which stands for a packet in one piece, becomes the greatest. */
	segment = LB_CTX_FIELD(pkt, __sk_buff, gso_size) - 1;
	pkt->wire += lb_min(segment, payload - 1) + 1 - payload;
	/* The segments of BIG TCP are without its hop-by-hop header. */
	if (pkt->bytes > PKT_LEN_MAX && ip6 && ip6->nexthdr == IPPROTO_HOPOPTS)
		pkt->wire -= LB_JUMBO_HEADER;
}

/* The transport layer: false if it is cut short or contradicts itself. */
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

/* Asks for a connection. */
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
