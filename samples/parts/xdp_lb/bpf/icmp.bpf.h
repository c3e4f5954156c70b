/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors. An error about a packet of a connection is translated as the connection is,
 * and goes to the same host. xdp_lb itself sends one error: the packet is too big for the
 * MTU of the way out.
 *
 * An error quotes the packet it is about, at least its IP header and the next 8 bytes (RFC
 * 792, RFC 4443): the ports, and the checksum of UDP.
 */
#ifndef _XDP_LB_ICMP_BPF_H
#define _XDP_LB_ICMP_BPF_H

#include "addr4.h"
#include "parts/xdp_lb/bpf/flow.bpf.h"
#include "parts/xdp_lb/bpf/rewrite.bpf.h"

enum {
	LB_QUOTED_L4 = 8,
	/*
	 * Bytes that our own errors quote: multiples of 4, and bpf_csum_diff() takes 512 at
	 * most.
	 */
	LB_QUOTE4 = 512,
	LB_QUOTE6 = 1024,
	/* IP header and ICMP header. */
	LB_ROOM4 = 28,
	LB_ROOM6 = 48,
	LB_IPV6_MIN_MTU = 1280,
	/* No 16-bit sum has this value, which means: sum up all quoted bytes. */
	LB_WHOLE_SUM = 0x10000,
};

/**
 * struct lb_quote - the packet that an ICMP error is about
 * @ip: its network layer; the lengths in its header were not checked
 * @ports: its ports, and the next four bytes
 * @icmp: header of the error
 */
struct lb_quote {
	struct pkt_ip ip;
	__be16 *ports;
	struct icmphdr *icmp;
};

/*
 * True for errors that quote a packet and say why it did not arrive. A redirect quotes a packet,
 * too, but is not an error.
 */
static __always_inline bool lb_is_error(const struct lb_pkt *pkt, const struct icmphdr *icmp)
{
	if (pkt->ip.v4)
		return icmp->type == ICMP_DEST_UNREACH || icmp->type == ICMP_TIME_EXCEEDED ||
		       icmp->type == ICMP_PARAMETERPROB;
	return icmp->type >= ICMPV6_DEST_UNREACH && icmp->type <= ICMPV6_PARAMPROB;
}

static __always_inline bool lb_parse_quote4(struct lb_quote *quote, struct pkt_cursor *cur)
{
	struct iphdr *ip = pkt_pull(cur, sizeof(*ip));
	__u32 hlen;

	if (!ip)
		return false;
	hlen = ip->ihl * 4;
	/* The verifier must see the test on the same register that is added to the pointer. */
	barrier_var(hlen);
	if (ip->version != 4 || hlen < sizeof(*ip) ||
	    ip->frag_off & bpf_htons(PKT_IPV4_OFFSET))
		return false;
	if (!pkt_pull(cur, hlen - sizeof(*ip)))
		return false;
	quote->ip.v4 = ip;
	quote->ip.v6 = NULL;
	quote->ip.proto = ip->protocol;
	return true;
}

/* Extension headers are not read: behind them the ports are rarely quoted. */
static __always_inline bool lb_parse_quote6(struct lb_quote *quote, struct pkt_cursor *cur)
{
	struct ipv6hdr *ip6 = pkt_pull(cur, sizeof(*ip6));

	if (!ip6 || ip6->version != 6)
		return false;
	quote->ip.v4 = NULL;
	quote->ip.v6 = ip6;
	quote->ip.proto = ip6->nexthdr;
	return true;
}

/*
 * Read an ICMP error about TCP or UDP; false if it is none. Sets the key to the quoted packet
 * in reverse direction, since the error travels that way: the connection is looked up as for
 * a packet that the receiver of the quoted packet has sent.
 */
static __always_inline bool lb_parse_quote(struct lb_pkt *pkt, struct pkt_cursor *cur,
					   struct lb_quote *quote)
{
	struct lb_key *key = &pkt->conn.key;
	bool is4 = pkt->ip.v4;

	if (pkt->ip.proto != (is4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return false;
	quote->icmp = pkt_icmp(cur, &pkt->ip);
	if (!quote->icmp || !lb_is_error(pkt, quote->icmp))
		return false;
	if (!(is4 ? lb_parse_quote4(quote, cur) : lb_parse_quote6(quote, cur)))
		return false;
	if (quote->ip.proto != IPPROTO_TCP && quote->ip.proto != IPPROTO_UDP)
		return false;
	quote->ports = pkt_pull(cur, LB_QUOTED_L4);
	/* The padding of a short Ethernet frame is no part of the quote. */
	if (!quote->ports || cur->pos - (void *)quote->icmp > pkt->ip.len)
		return false;
	/* An error goes to the sender of the quoted packet, as nf_conntrack_inet_error() checks. */
	pkt_saddr(&quote->ip, key->client.a);
	if (!lb_same_addr(&key->client, &key->vip))
		return false;
	pkt_daddr(&quote->ip, key->client.a);
	key->cport = quote->ports[1];
	key->vport = quote->ports[0];
	key->proto = quote->ip.proto;
	return true;
}

/* --- translating an error ---------------------------------------------------------------- */

/* Change the quoted IP header. Returns the change of the sum that the error's checksum covers. */
static __always_inline __u32 lb_change_quote4(struct iphdr *ip, const struct lb_change *inner)
{
	__be16 check = (__be16)ip->check;
	__u32 diff = 0;

	if (inner->saddr) {
		diff = pkt_csum_diff4(diff, ip->saddr, inner->saddr->a[3]);
		ip->saddr = inner->saddr->a[3];
	}
	if (inner->daddr) {
		diff = pkt_csum_diff4(diff, ip->daddr, inner->daddr->a[3]);
		ip->daddr = inner->daddr->a[3];
	}
	pkt_csum_apply(&ip->check, diff);
	return pkt_csum_diff2(diff, check, (__be16)ip->check);
}

static __always_inline __u32 lb_change_quote6(struct ipv6hdr *ip6, const struct lb_change *inner)
{
	__u32 diff = lb_diff_ip6(ip6, inner);

	if (inner->saddr)
		lb_copy_addr(&ip6->saddr, inner->saddr);
	if (inner->daddr)
		lb_copy_addr(&ip6->daddr, inner->daddr);
	return diff;
}

/* Change the quoted ports, and the checksum of UDP, which is within the 8 bytes. */
static __always_inline __u32 lb_change_quote_l4(const struct lb_quote *quote,
						const struct lb_change *inner, __u32 pseudo)
{
	__sum16 *check = (__sum16 *)&quote->ports[3];
	__be16 old = *(__be16 *)check;
	__u32 diff = 0;

	if (inner->sport) {
		diff = pkt_csum_diff2(diff, quote->ports[0], inner->sport);
		quote->ports[0] = inner->sport;
	}
	if (inner->dport) {
		diff = pkt_csum_diff2(diff, quote->ports[1], inner->dport);
		quote->ports[1] = inner->dport;
	}
	if (quote->ip.proto != IPPROTO_UDP)
		return diff;
	pkt_csum_apply_udp(check, pseudo + diff);
	return pkt_csum_diff2(diff, old, *(__be16 *)check);
}

static __always_inline int lb_fix_error6(const struct lb_pkt *pkt, struct lb_quote *quote,
					 const struct lb_change *outer, __u32 diff)
{
	struct ipv6hdr *ip6 = lb_ip6(pkt);
	__u32 pseudo, off = (void *)quote->icmp - (void *)pkt->eth;

	if (!ip6)
		return -1;
	pseudo = lb_diff_ip6(ip6, outer);
	if (!pkt->tc) {
		lb_change_ip6(ip6, outer);
		pkt_csum_apply(&quote->icmp->checksum, pseudo + diff);
		return 0;
	}
	off += offsetof(struct icmphdr, checksum);
	if (lb_store_ip6(pkt, ip6, outer) ||
	    bpf_l4_csum_replace(pkt->ctx, off, 0, pseudo, BPF_F_PSEUDO_HDR))
		return -1;
	return bpf_l4_csum_replace(pkt->ctx, off, 0, diff, 0);
}

/* Apply @outer to the error, @inner to the packet that it quotes. Returns 0 or -1. */
static __always_inline int lb_rewrite_error(const struct lb_pkt *pkt, struct lb_quote *quote,
					    const struct lb_change *outer,
					    const struct lb_change *inner)
{
	struct ipv6hdr *ip6 = pkt_addr_v6(&quote->ip);
	__u32 diff = 0, pseudo = 0;

	lb_set_macs(pkt->eth, outer->smac, outer->dmac);
	if (quote->ip.v4) {
		/* The pseudo header of UDP has the addresses. */
		if (inner->saddr)
			pseudo = pkt_csum_diff4(pseudo, quote->ip.v4->saddr, inner->saddr->a[3]);
		if (inner->daddr)
			pseudo = pkt_csum_diff4(pseudo, quote->ip.v4->daddr, inner->daddr->a[3]);
		diff = lb_change_quote4(quote->ip.v4, inner);
	} else if (ip6) {
		pseudo = lb_change_quote6(ip6, inner);
		diff = pseudo;
	}
	diff += lb_change_quote_l4(quote, inner, pseudo);
	if (!pkt->ip.v4)
		return lb_fix_error6(pkt, quote, outer, diff);
	lb_change_ip4(pkt->ip.v4, outer);
	pkt_csum_apply(&quote->icmp->checksum, diff);
	return 0;
}

/* --- errors that we send: too big ----------------------------------------------------------- */

/**
 * struct lb_quoted - a packet that is too big, and will be quoted
 * @l2: length of the Ethernet header and VLAN tags
 * @l3: length of the IP header, without options and extension headers
 * @is4: the packet is IPv4
 */
struct lb_quoted {
	__u32 l2;
	__u32 l3;
	bool is4;
};

/* Length of the transport layer, if it follows the plain IP header directly. */
static __always_inline __u32 lb_quoted_len(const struct lb_pkt *pkt,
					   const struct lb_quoted *quoted, const void *l3)
{
	__u32 len = quoted->is4 ? bpf_ntohs(((struct iphdr *)l3)->tot_len) - quoted->l3 :
				  bpf_ntohs(((struct ipv6hdr *)l3)->payload_len);

	/* The IP header of BIG TCP has no length. */
	if ((__s32)len <= 0)
		len = lb_skb_len(pkt) - quoted->l2 - quoted->l3;
	return len;
}

/*
 * The sum of the quoted transport layer, if the device will fill in its checksum
 * (CHECKSUM_PARTIAL). The checksum field then holds the sum of the pseudo header, and the
 * device makes the transport layer sum up to the complement of that (local checksum offload,
 * Documentation/networking/checksum-offloads.rst). BPF cannot read skb->ip_summed, so the
 * field is compared: one in 65536 other packets looks the same, and its error gets lost.
 *
 * Returns the complement, or LB_WHOLE_SUM if the checksum is complete.
 */
static __always_inline __u32 lb_partial_sum(const struct lb_pkt *pkt, const struct lb_conn *conn,
					    const struct lb_quoted *quoted, __u32 check_at)
{
	__u32 off = lb_is_tcp(conn) ? offsetof(struct tcphdr, check) :
				      offsetof(struct udphdr, check);
	const __u16 *a = (const __u16 *)&conn->key.client, *check;
	const __u16 *b = (const __u16 *)&conn->key.vip;
	void *l3 = lb_data(pkt) + quoted->l2;
	__u32 i, len, sum;

	/* Options and extension headers would have to be added to the sum. */
	if (!pkt->tc || check_at != quoted->l2 + quoted->l3 + off)
		return LB_WHOLE_SUM;
	if (l3 + sizeof(struct ipv6hdr) + sizeof(struct tcphdr) > lb_data_end(pkt))
		return LB_WHOLE_SUM;
	len = lb_quoted_len(pkt, quoted, l3);
	sum = (__u16)bpf_htons(len) + (__u16)bpf_htons(len >> 16) +
	      (__u16)bpf_htons(conn->key.proto);
	for (i = quoted->is4 ? 6 : 0; i < 8; i++)
		sum += a[i] + b[i];
	check = l3 + quoted->l3 + off;
	return *check == pkt_csum_fold(sum) ? (__u16)~*check : LB_WHOLE_SUM;
}

/* True if routers may fragment the packet (RFC 791): then its sender gets no error. */
static __always_inline bool lb_may_be_cut(const struct lb_pkt *pkt,
					  const struct lb_quoted *quoted)
{
	struct iphdr *ip = lb_data(pkt) + quoted->l2;

	return quoted->is4 && (void *)(ip + 1) <= lb_data_end(pkt) &&
	       !(ip->frag_off & bpf_htons(0x4000));
}

/* Make room for the new headers, and cut the packet off behind the quote. */
static __always_inline int lb_resize(const struct lb_pkt *pkt, __u32 room, __u32 len)
{
	struct xdp_md *xdp = pkt->ctx;
	int more;

	if (pkt->tc)
		return bpf_skb_change_tail(pkt->ctx, len - room, 0) ||
		       bpf_skb_change_head(pkt->ctx, room, 0) ||
		       bpf_skb_pull_data(pkt->ctx, len);
	more = len - room - bpf_xdp_get_buff_len(xdp);
	return bpf_xdp_adjust_tail(xdp, more) || bpf_xdp_adjust_head(xdp, -(int)room);
}

static __always_inline void lb_make_icmp(struct icmphdr *icmp, __u8 type, __u8 code, __u32 word)
{
	icmp->type = type;
	icmp->code = code;
	icmp->checksum = 0;
	icmp->un.gateway = bpf_htonl(word);
}

/* The sum of @len bytes, a multiple of 4, folded to 17 bits. */
static __always_inline __u32 lb_sum(void *at, const __u32 len)
{
	__u32 sum = bpf_csum_diff(NULL, 0, at, len, 0);

	return (sum & 0xffff) + (sum >> 16);
}

/*
 * The sum of @len quoted bytes at @at. If @partial is known, it is the sum of all bytes behind
 * the first @header ones, and only these are read.
 */
static __always_inline __u32 lb_quote_sum(void *at, const __u32 len, const __u32 header,
					  __u32 partial)
{
	if (partial != LB_WHOLE_SUM)
		return lb_sum(at, header) + (__u16)partial;
	return lb_sum(at, 512) + (len > 512 ? lb_sum(at + 512, 512) : 0);
}

static __always_inline int lb_too_big4(const struct lb_pkt *pkt, const struct lb_key *key,
				       void *at, __u32 mtu, __u32 partial)
{
	struct iphdr *ip = at;
	struct icmphdr *icmp = (void *)(ip + 1);
	__u32 sum;

	if (at + LB_ROOM4 + LB_QUOTE4 > lb_data_end(pkt))
		return -1;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*icmp) + LB_QUOTE4);
	ip->ttl = LB_TTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = key->vip.a[3];
	ip->daddr = key->client.a[3];
	ip->check = (__sum16)~pkt_csum_fold(lb_sum(at, sizeof(*ip)));
	lb_make_icmp(icmp, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
	sum = lb_quote_sum(icmp + 1, LB_QUOTE4, sizeof(*ip), partial);
	sum += lb_sum(icmp, sizeof(*icmp));
	icmp->checksum = (__sum16)~pkt_csum_fold(sum);
	return 0;
}

static __always_inline int lb_too_big6(const struct lb_pkt *pkt, const struct lb_key *key,
				       void *at, __u32 mtu, __u32 partial)
{
	struct ipv6hdr *ip6 = at;
	struct icmphdr *icmp = (void *)(ip6 + 1);
	__u32 len = sizeof(*icmp) + LB_QUOTE6, sum;

	if (at + LB_ROOM6 + LB_QUOTE6 > lb_data_end(pkt))
		return -1;
	*(__be32 *)ip6 = bpf_htonl(6 << 28);
	ip6->payload_len = bpf_htons(len);
	ip6->nexthdr = IPPROTO_ICMPV6;
	ip6->hop_limit = LB_TTL;
	lb_copy_addr(&ip6->saddr, &key->vip);
	lb_copy_addr(&ip6->daddr, &key->client);
	if (mtu < LB_IPV6_MIN_MTU)
		mtu = LB_IPV6_MIN_MTU;
	lb_make_icmp(icmp, ICMPV6_PKT_TOOBIG, 0, mtu);
	sum = lb_quote_sum(icmp + 1, LB_QUOTE6, sizeof(*ip6), partial);
	sum += lb_sum(icmp, sizeof(*icmp));
	sum += lb_sum(&ip6->saddr, 2 * sizeof(ip6->saddr));
	sum += (__u16)bpf_htons(len) + (__u16)bpf_htons(IPPROTO_ICMPV6);
	icmp->checksum = (__sum16)~pkt_csum_fold(sum);
	return 0;
}

static __always_inline bool lb_may_send_icmp(__u32 now)
{
	struct lb_rate *rate = lb_this_tick(now);

	return rate && rate->icmps++ < lb_icmp_limit;
}

/* Turn the packet into the error. Only @ctx and @tc of @pkt are set. */
static __always_inline int lb_make_too_big(const struct lb_pkt *pkt, const struct lb_conn *conn,
					   __u32 l2, __u32 mtu, __u32 check_at)
{
	const struct lb_key *key = &conn->key;
	bool is4 = addr_is4(key->vip.a);
	struct lb_quoted quoted = {
		.l2 = l2,
		.l3 = is4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr),
		.is4 = is4,
	};
	__u32 room = is4 ? LB_ROOM4 : LB_ROOM6;
	__u32 quote = is4 ? LB_QUOTE4 : LB_QUOTE6;
	__u8 smac[ETH_ALEN], dmac[ETH_ALEN];
	struct ethhdr *eth = lb_data(pkt);
	__u32 partial;
	void *at;

	if (lb_may_be_cut(pkt, &quoted))
		return LB_DROP_TOO_BIG;
	if (!lb_may_send_icmp(conn->now))
		return LB_DROP_TOO_BIG_LIMIT;
	if ((void *)(eth + 1) > lb_data_end(pkt))
		return LB_DROP_ERROR;
	lb_set_mac(smac, eth->h_dest);
	lb_set_mac(dmac, eth->h_source);
	partial = lb_partial_sum(pkt, conn, &quoted, check_at);
	if (lb_resize(pkt, room, l2 + room + quote) ||
	    (is4 ? lb_move_l2(pkt, l2, LB_ROOM4) : lb_move_l2(pkt, l2, LB_ROOM6)))
		return LB_DROP_ERROR;

	eth = lb_data(pkt);
	if ((void *)(eth + 1) > lb_data_end(pkt))
		return LB_DROP_ERROR;
	lb_set_macs(eth, smac, dmac);
	at = (void *)eth + l2;
	if (is4 ? lb_too_big4(pkt, key, at, mtu, partial) :
		  lb_too_big6(pkt, key, at, mtu, partial))
		return LB_DROP_ERROR;
	return LB_TOO_BIG;
}

/**
 * lb_too_big_xdp() - turn a packet that is too big into the error that says so
 * @xdp: the packet; all pointers into it are lost
 * @conn: its connection
 * @l2: length of the Ethernet header and VLAN tags, in bytes
 * @mtu: what would fit, in bytes from the IP header on
 *
 * Only xdp_lb() calls it, and only tc_lb() its counterpart: Linux 6.1 checks each global function
 * that a program refers to, and refuses one for another kind of context.
 *
 * Return: LB_TOO_BIG, the error is ready to be sent back (RFC 1191, RFC 8201), or another enum
 * lb_reason.
 */
__noinline int lb_too_big_xdp(struct xdp_md *xdp, struct lb_conn *conn, __u32 l2, __u32 mtu)
{
	struct lb_pkt pkt = { .ctx = xdp };

	if (!conn)
		return LB_DROP_ERROR;
	return lb_make_too_big(&pkt, conn, l2 & 0x1f, mtu, 0);
}

/*
 * lb_too_big_xdp() for TC. @check_at: offset of the transport checksum in the frame, in bytes; 0:
 * there is none. XDP has no use for it, and clang does not set an argument that has no use: the
 * verifier refuses the call.
 */
__noinline int lb_too_big_tc(struct __sk_buff *skb, struct lb_conn *conn, __u32 l2, __u32 mtu,
			     __u32 check_at)
{
	struct lb_pkt pkt = { .ctx = skb, .tc = true };

	if (!conn)
		return LB_DROP_ERROR;
	return lb_make_too_big(&pkt, conn, l2 & 0x1f, mtu, check_at);
}

/*
 * The packet is too big for @mtu. Many paths lead here: only note what the error needs. The
 * program makes the error at its end, once.
 */
static __always_inline int lb_too_big(struct lb_pkt *pkt, __u32 mtu)
{
	__u32 check_at = 0;

	/* Clang 19 would pass the NULL pointer for 0; the verifier wants a number. */
	barrier_var(check_at);
	if (pkt->check)
		check_at = (void *)pkt->check - (void *)pkt->eth;
	pkt->check_at = check_at;
	pkt->fits = mtu;
	return LB_ANSWER;
}

#endif /* _XDP_LB_ICMP_BPF_H */
