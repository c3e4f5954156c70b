/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What xdp_lb should make of a packet, told without the program's own headers for
 * packets and checksums: bytes by offset, written from the RFCs.
 *
 * Checksums are never updated here. The sum over all that one covers, byte by byte,
 * must be after the change what it was before: all ones for a packet that was right.
 * The same holds for what only a part is there of: fragments, quoted packets, and
 * packets that were wrong, and must not become right on the way.
 */
#ifndef _SELFTESTS_XDP_LB_ORACLE_H
#define _SELFTESTS_XDP_LB_ORACLE_H

#include <stdbool.h>
#include "pkt_build.h"
#include "xdp_lb.h"

/**
 * struct look - where things are in a packet
 * @l3: offset of the IP header
 * @l4: offset of what is behind it, and behind its extension headers
 * @end: offset of its end as the IP header tells, at most that of the frame
 * @l4_len: bytes of the transport layer as the IP header tells
 * @family: 4, 6
 * @proto: of the transport layer
 * @later: a fragment, but not the first
 * @frag: a fragment
 * @frag_id: identification
 */
struct look {
	__u32 l3;
	__u32 l4;
	__u32 end;
	__u32 l4_len;
	__u8 family;
	__u8 proto;
	bool later;
	bool frag;
	__u32 frag_id;
};

static inline __u16 look16(const __u8 *data, __u32 at)
{
	return data[at] << 8 | data[at + 1];
}

static inline void put16(__u8 *data, __u32 at, __u16 value)
{
	data[at] = value >> 8;
	data[at + 1] = value & 0xff;
}

static inline bool look_at_ip4(const __u8 *data, __u32 len, struct look *look)
{
	__u32 at = look->l3, hlen, total, frag;

	if (at + 20 > len || data[at] >> 4 != 4)
		return false;
	hlen = (data[at] & 15) * 4;
	total = look16(data, at + 2);
	if (hlen < 20 || total < hlen || at + hlen > len)
		return false;
	frag = look16(data, at + 6);
	look->family = 4;
	look->l4 = at + hlen;
	look->l4_len = total - hlen;
	look->end = at + total;
	look->proto = data[at + 9];
	look->later = frag & 0x1fff;
	look->frag = frag & 0x3fff;
	look->frag_id = look16(data, at + 4);
	return true;
}

/* One extension header: false if it is cut short. */
static inline bool look_at_ext(const __u8 *data, __u32 len, struct look *look)
{
	__u32 at = look->l4, size;

	if (at + 8 > len)
		return false;
	if (look->proto == IPPROTO_FRAGMENT)
		size = 8;
	else if (look->proto == IPPROTO_AH)
		size = (data[at + 1] + 2) * 4;
	else
		size = (data[at + 1] + 1) * 8;
	if (at + size > len || look->l4_len < size)
		return false;
	if (look->proto == IPPROTO_FRAGMENT) {
		look->later |= look16(data, at + 2) >> 3;
		look->frag |= look16(data, at + 2) & 0xfff9;
		look->frag_id = (__u32)look16(data, at + 4) << 16 | look16(data, at + 6);
	}
	look->proto = data[at];
	look->l4 += size;
	look->l4_len -= size;
	return true;
}

static inline bool look_is_ext(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

static inline bool look_at_ip6(const __u8 *data, __u32 len, struct look *look)
{
	__u32 at = look->l3;
	int n;

	if (at + 40 > len || data[at] >> 4 != 6)
		return false;
	look->family = 6;
	look->l4 = at + 40;
	look->l4_len = look16(data, at + 4);
	look->end = look->l4 + look->l4_len;
	look->proto = data[at + 6];
	for (n = 0; look_is_ext(look->proto) && !look->later; n++)
		if (n == 6 || !look_at_ext(data, len, look))
			return false;
	return true;
}

/* An IP packet of either family at an offset. */
static inline bool look_at_ip(const __u8 *data, __u32 at, __u32 len, struct look *look)
{
	memset(look, 0, sizeof(*look));
	look->l3 = at;
	if (at >= len)
		return false;
	if (!(data[at] >> 4 == 4 ? look_at_ip4(data, len, look) : look_at_ip6(data, len, look)))
		return false;
	if (look->end > len)
		look->end = len;
	return true;
}

/* A frame; false if there is no whole IP header in it. */
static inline bool look_at(const __u8 *data, __u32 len, struct look *look)
{
	__u32 at = 12;
	int tags;

	for (tags = 0; at + 2 <= len; at += 4, tags++) {
		__u16 type = look16(data, at);

		if (type == ETH_P_8021Q || type == ETH_P_8021AD) {
			if (tags == 2)
				return false;
			continue;
		}
		if (type != ETH_P_IP && type != ETH_P_IPV6)
			return false;
		return look_at_ip(data, at + 2, len, look) &&
		       look->family == (type == ETH_P_IP ? 4 : 6);
	}
	return false;
}

/* --- fields ------------------------------------------------------------------------- */

static inline __u32 look_saddr_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 12 : 8);
}

static inline __u32 look_daddr_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 16 : 24);
}

static inline __u32 look_ttl_at(const struct look *look)
{
	return look->l3 + (look->family == 4 ? 8 : 7);
}

static inline struct lb_addr look_addr(const __u8 *data, const struct look *look, __u32 at)
{
	struct lb_addr addr = {};

	if (look->family == 6) {
		memcpy(&addr, data + at, 16);
		return addr;
	}
	addr.a[2] = htonl(0xffff);
	memcpy(&addr.a[3], data + at, 4);
	return addr;
}

static inline void put_addr(__u8 *data, const struct look *look, __u32 at,
			    const struct lb_addr *addr)
{
	if (look->family == 6)
		memcpy(data + at, addr, 16);
	else
		memcpy(data + at, &addr->a[3], 4);
}

static inline bool same_addr(const struct lb_addr *a, const struct lb_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool look_is4(const struct lb_addr *addr)
{
	return !addr->a[0] && !addr->a[1] && addr->a[2] == htonl(0xffff);
}

/* Bytes of the transport layer that are in the frame. */
static inline __u32 look_l4_there(const struct look *look)
{
	return look->end > look->l4 ? look->end - look->l4 : 0;
}

static inline bool look_has_ports(const struct look *look)
{
	return !look->later && (look->proto == IPPROTO_TCP || look->proto == IPPROTO_UDP) &&
	       look_l4_there(look) >= 4;
}

/* Offset of the transport checksum; 0: none there. */
static inline __u32 look_check_at(const struct look *look)
{
	__u32 at = 0;

	if (look->later)
		return 0;
	if (look->proto == IPPROTO_TCP)
		at = 16;
	else if (look->proto == IPPROTO_UDP)
		at = 6;
	else if (look->proto == IPPROTO_ICMP || look->proto == IPPROTO_ICMPV6)
		at = 2;
	return at && look_l4_there(look) >= at + 2 ? look->l4 + at : 0;
}

/* --- sums --------------------------------------------------------------------------- */

static inline __u16 look_ip_sum(const __u8 *data, const struct look *look)
{
	return build_sum(data + look->l3, (data[look->l3] & 15) * 4, 0);
}

/* Over the transport layer and its pseudo header. */
static inline __u16 look_l4_sum(const __u8 *data, const struct look *look)
{
	__u32 sum = 0;

	if (look->proto != IPPROTO_ICMP) {
		sum = build_sum(data + look_saddr_at(look), look->family == 4 ? 8 : 32, 0);
		sum += look->proto;
		sum += look->l4_len;
		while (sum > 0xffff)
			sum -= 0xffff;
	}
	return build_sum(data + look->l4, look_l4_there(look), sum);
}

/* What must stand in a field of 0 for the sum to be @want: never 0xffff, see RFC 1624. */
static inline __u16 sum_to(__u16 sum, __u16 want)
{
	return (want + 0xffff - sum % 0xffff) % 0xffff;
}

/* --- changes ------------------------------------------------------------------------ */

/**
 * struct want - what is to become of a packet
 * @saddr: new source, NULL: stays
 * @daddr: new destination
 * @sport: new source port, host byte order, 0: stays
 * @dport: new destination port
 * @ttl: how much the TTL goes down
 */
struct want {
	const struct lb_addr *saddr;
	const struct lb_addr *daddr;
	__u16 sport;
	__u16 dport;
	__u8 ttl;
};

static inline void want_fields(__u8 *data, const struct look *look, const struct want *want)
{
	if (want->saddr)
		put_addr(data, look, look_saddr_at(look), want->saddr);
	if (want->daddr)
		put_addr(data, look, look_daddr_at(look), want->daddr);
	if (want->sport && look_has_ports(look))
		put16(data, look->l4, want->sport);
	if (want->dport && look_has_ports(look))
		put16(data, look->l4 + 2, want->dport);
	data[look_ttl_at(look)] -= want->ttl;
}

/* Change an IP packet; its sums remain what they are. */
static inline void want_apply(__u8 *data, const struct look *look, const struct want *want)
{
	__u16 ip_sum = look_ip_sum(data, look), l4_sum = look_l4_sum(data, look), check;
	__u32 at = look_check_at(look);

	want_fields(data, look, want);
	if (look->family == 4) {
		put16(data, look->l3 + 10, 0);
		put16(data, look->l3 + 10, sum_to(look_ip_sum(data, look), ip_sum));
	}
	/* UDP without checksum stays without. */
	if (!at || (look->proto == IPPROTO_UDP && !look16(data, at)))
		return;
	put16(data, at, 0);
	check = sum_to(look_l4_sum(data, look), l4_sum);
	put16(data, at, look->proto == IPPROTO_UDP && !check ? 0xffff : check);
}

/*
 * As want_apply(), of an ICMP error and of the packet quoted in it. The checksum of
 * quoted TCP, which is not among the 8 bytes that must be there, stays.
 */
static inline bool want_error(__u8 *data, const struct look *look, const struct want *outer,
			      const struct want *inner)
{
	__u16 icmp_sum = look_l4_sum(data, look), tcp_check = 0;
	struct look quote;
	__u32 at;

	if (!look_at_ip(data, look->l4 + 8, look->end, &quote))
		return false;
	at = quote.proto == IPPROTO_TCP ? look_check_at(&quote) : 0;
	if (at)
		tcp_check = look16(data, at);
	want_apply(data, &quote, inner);
	if (at)
		put16(data, at, tcp_check);
	want_apply(data, look, outer);
	put16(data, look->l4 + 2, 0);
	put16(data, look->l4 + 2, sum_to(look_l4_sum(data, look), icmp_sum));
	return true;
}

static inline void want_macs(__u8 *data, const __u8 *dmac, const __u8 *smac)
{
	memcpy(data, dmac, ETH_ALEN);
	memcpy(data + ETH_ALEN, smac, ETH_ALEN);
}

/* --- whole packets ------------------------------------------------------------------- */

/* All sums of a packet are right, also those of a quoted packet's IP header. */
static inline bool sums_are_right(const __u8 *data, __u32 len)
{
	struct look look;
	__u32 at;

	if (!look_at(data, len, &look))
		return false;
	if (look.family == 4 && look_ip_sum(data, &look) != 0xffff)
		return false;
	at = look_check_at(&look);
	if (!at || look.frag)
		return true;
	if (look.proto == IPPROTO_UDP && !look16(data, at))
		return look.family == 4;
	return look_l4_sum(data, &look) == 0xffff;
}

/* Offset of the first difference of two frames, or -1. */
static inline int frame_diff(const __u8 *got, __u32 got_len, const __u8 *want, __u32 want_len)
{
	__u32 i;

	for (i = 0; i < got_len && i < want_len; i++)
		if (got[i] != want[i])
			return i;
	return got_len == want_len ? -1 : (int)i;
}

#endif /* _SELFTESTS_XDP_LB_ORACLE_H */
