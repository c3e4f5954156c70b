// SPDX-License-Identifier: GPL-2.0
/* What xdp_lb should make of a packet: see xdp_lb_oracle.h. */
#include "xdp_lb_oracle.h"

static bool look_at_ip4(const __u8 *data, __u32 len, struct look *look)
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

/* Parse one extension header; false if it is cut short. */
static bool look_at_ext(const __u8 *data, __u32 len, struct look *look)
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

static bool look_is_ext(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

static bool look_at_ip6(const __u8 *data, __u32 len, struct look *look)
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

bool look_at_ip(const __u8 *data, __u32 at, __u32 len, struct look *look)
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

bool look_at(const __u8 *data, __u32 len, struct look *look)
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

struct lb_addr look_addr(const __u8 *data, const struct look *look, __u32 at)
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

static void put_addr(__u8 *data, const struct look *look, __u32 at, const struct lb_addr *addr)
{
	if (look->family == 6)
		memcpy(data + at, addr, 16);
	else
		memcpy(data + at, &addr->a[3], 4);
}

__u32 look_l4_there(const struct look *look)
{
	return look->end > look->l4 ? look->end - look->l4 : 0;
}

bool look_has_ports(const struct look *look)
{
	return !look->later && (look->proto == IPPROTO_TCP || look->proto == IPPROTO_UDP) &&
	       look_l4_there(look) >= 4;
}

/* Offset of the transport checksum; 0 if the frame does not have it. */
static __u32 look_check_at(const struct look *look)
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

__u16 look_ip_sum(const __u8 *data, const struct look *look)
{
	return build_sum(data + look->l3, (data[look->l3] & 15) * 4, 0);
}

/* Sum over the transport layer and its pseudo header. */
static __u16 look_l4_sum(const __u8 *data, const struct look *look)
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

/* The checksum that turns @sum, over a checksum of 0, into @want. Never 0xffff: RFC 1624. */
static __u16 sum_to(__u16 sum, __u16 want)
{
	return (want + 0xffff - sum % 0xffff) % 0xffff;
}

/* --- changes ------------------------------------------------------------------------ */

static void want_fields(__u8 *data, const struct look *look, const struct want *want)
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

void want_apply(__u8 *data, const struct look *look, const struct want *want)
{
	__u16 ip_sum = look_ip_sum(data, look), l4_sum = look_l4_sum(data, look), check;
	__u32 at = look_check_at(look);

	want_fields(data, look, want);
	if (look->family == 4) {
		put16(data, look->l3 + 10, 0);
		put16(data, look->l3 + 10, sum_to(look_ip_sum(data, look), ip_sum));
	}
	/* A UDP packet without checksum stays without one. */
	if (!at || (look->proto == IPPROTO_UDP && !look16(data, at)))
		return;
	put16(data, at, 0);
	check = sum_to(look_l4_sum(data, look), l4_sum);
	put16(data, at, look->proto == IPPROTO_UDP && !check ? 0xffff : check);
}

bool want_error(__u8 *data, const struct look *look, const struct want *outer,
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

void want_macs(__u8 *data, const __u8 *dmac, const __u8 *smac)
{
	memcpy(data, dmac, ETH_ALEN);
	memcpy(data + ETH_ALEN, smac, ETH_ALEN);
}

/* --- whole packets ------------------------------------------------------------------- */

bool sums_are_right(const __u8 *data, __u32 len)
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

int frame_diff(const __u8 *got, __u32 got_len, const __u8 *want, __u32 want_len)
{
	__u32 i;

	for (i = 0; i < got_len && i < want_len; i++)
		if (got[i] != want[i])
			return i;
	return got_len == want_len ? -1 : (int)i;
}
