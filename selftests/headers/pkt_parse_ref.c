// SPDX-License-Identifier: GPL-2.0
/* A second parser: see pkt_parse_ref.h. */
#include <stdbool.h>
#include <string.h>
#include <netinet/in.h>
#include "pkt_parse_ref.h"

static __u32 be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static __u32 ref_l4_len(const __u8 *p, __u32 n, __u32 at, const struct parsed *r)
{
	switch (r->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_TCP:
		if (n < at + 20 || p[at + 12] >> 4 < 5)
			return 0;
		return (p[at + 12] >> 4) * 4;
	default:
		return 0;
	}
}

static void ref_l4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 len = ref_l4_len(p, n, at, r);

	r->net_end = at;
	if (!len || r->frag == FRAG_LATER || len > r->len || at + len > n)
		return;
	r->l4 = r->proto;
	r->l4_at = at;
	r->l4_end = at + len;
}

static int ref_ipv4(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 hlen, total, frag;

	if (n < at + 20 || p[at] >> 4 != 4)
		return BAD;
	hlen = (p[at] & 15) * 4;
	total = be16(p + at + 2);
	if (hlen < 20 || n < at + hlen || total < hlen)
		return BAD;
	frag = be16(p + at + 6);
	if (frag % 0x2000)
		r->frag = FRAG_LATER;
	else if (frag / 0x2000 % 2)
		r->frag = FRAG_FIRST;
	r->version = 4;
	r->proto = p[at + 9];
	r->len = total - hlen;
	ref_l4(p, n, at + hlen, r);
	return OK;
}

static bool ref_is_ext(__u32 proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60;
}

static __u32 ref_ext_len(const __u8 *ext, __u32 proto)
{
	if (proto == 44)
		return 8;
	return proto == 51 ? 8 + ext[1] * 4 : 8 + ext[1] * 8;
}

static int ref_ipv6(const __u8 *p, __u32 n, __u32 at, struct parsed *r)
{
	__u32 len, frag, count = 0;

	if (n < at + 40 || p[at] >> 4 != 6)
		return BAD;
	r->version = 6;
	r->proto = p[at + 6];
	r->len = be16(p + at + 4);
	at += 40;
	while (r->frag != FRAG_LATER && ref_is_ext(r->proto)) {
		if (count++ == EXT_MAX || n < at + 8)
			return BAD;
		len = ref_ext_len(p + at, r->proto);
		if (n < at + len || r->len < len)
			return BAD;
		if (r->proto == 44) {
			frag = be16(p + at + 2);
			if (frag / 8)
				r->frag = FRAG_LATER;
			else if (frag % 2)
				r->frag = FRAG_FIRST;
		}
		r->proto = p[at];
		r->len -= len;
		at += len;
	}
	ref_l4(p, n, at, r);
	return OK;
}

static int ref_frame(const __u8 *p, __u32 n, struct parsed *r)
{
	__u32 type, at = 14, tags = 0;

	if (n < at)
		return BAD;
	for (type = be16(p + 12); type == 0x8100 || type == 0x88a8; at += 4) {
		if (tags++ == 2 || n < at + 4)
			return BAD;
		type = be16(p + at + 2);
	}
	r->ip_at = at;
	if (type == 0x0800)
		return ref_ipv4(p, n, at, r);
	if (type == 0x86dd)
		return ref_ipv6(p, n, at, r);
	return NOT_IP;
}

void ref_parse(const __u8 *p, __u32 n, struct parsed *r)
{
	int status;

	memset(r, 0, sizeof(*r));
	status = ref_frame(p, n, r);
	if (status != OK)
		memset(r, 0, sizeof(*r));
	r->status = status;
}
