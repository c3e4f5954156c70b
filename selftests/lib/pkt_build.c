// SPDX-License-Identifier: GPL-2.0
/* Builds packets for the tests: see pkt_build.h. */
#include <stdio.h>
#include <string.h>
#include "pkt_build.h"

__u32 build_grow(struct build *pkt, __u32 len)
{
	__u32 at = pkt->len;

	memset(pkt->data + at, 0, len);
	pkt->len += len;
	return at;
}

void build_next(struct build *pkt, __u16 number)
{
	if (pkt->next_len == 2)
		build_put16(pkt, pkt->next_at, number);
	else
		pkt->data[pkt->next_at] = number & 0xff;
}

void build_start(struct build *pkt)
{
	static const __u8 macs[2 * ETH_ALEN] = {
		0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01,
	};

	memset(pkt, 0, sizeof(*pkt));
	build_grow(pkt, ETH_HLEN);
	memcpy(pkt->data, macs, sizeof(macs));
	pkt->next_at = 2 * ETH_ALEN;
	pkt->next_len = 2;
}

void build_vlan(struct build *pkt, __u16 tpid)
{
	__u32 at = build_grow(pkt, 4);

	build_next(pkt, tpid);
	build_put16(pkt, at, 100);
	pkt->next_at = at + 2;
}

void build_vlans(struct build *pkt, int n)
{
	int i;

	for (i = 0; i < n; i++)
		build_vlan(pkt, n > 1 && !i ? ETH_P_8021AD : ETH_P_8021Q);
}

void build_ipv4(struct build *pkt, __u32 opt_len)
{
	__u32 at = build_grow(pkt, sizeof(struct iphdr) + opt_len);
	struct iphdr *iph = (void *)(pkt->data + at);

	build_next(pkt, ETH_P_IP);
	iph->version = 4;
	iph->ihl = (sizeof(*iph) + opt_len) / 4;
	iph->id = htons(0xabcd);
	iph->ttl = 64;
	inet_pton(AF_INET, BUILD_SADDR4, &iph->saddr);
	inet_pton(AF_INET, BUILD_DADDR4, &iph->daddr);
	memset(iph + 1, 1, opt_len);
	pkt->family = 4;
	pkt->ip_at = at;
	pkt->next_at = at + 9;
	pkt->next_len = 1;
}

void build_ipv6(struct build *pkt)
{
	__u32 at = build_grow(pkt, sizeof(struct ipv6hdr));
	struct ipv6hdr *ip6h = (void *)(pkt->data + at);

	build_next(pkt, ETH_P_IPV6);
	ip6h->version = 6;
	ip6h->hop_limit = 64;
	inet_pton(AF_INET6, BUILD_SADDR6, &ip6h->saddr);
	inet_pton(AF_INET6, BUILD_DADDR6, &ip6h->daddr);
	pkt->family = 6;
	pkt->ip_at = at;
	pkt->next_at = at + 6;
	pkt->next_len = 1;
}

void build_ip(struct build *pkt, int family)
{
	if (family == 4)
		build_ipv4(pkt, 0);
	else
		build_ipv6(pkt);
}

void build_ext(struct build *pkt, __u8 proto, __u32 len)
{
	__u32 at = build_grow(pkt, len);

	build_next(pkt, proto);
	if (proto == IPPROTO_AH)
		pkt->data[at + 1] = len / 4 - 2;
	else if (proto != IPPROTO_FRAGMENT)
		pkt->data[at + 1] = len / 8 - 1;
	pkt->next_at = at;
}

void build_frag6(struct build *pkt, __u32 offset, int more)
{
	__u32 at = pkt->len;

	build_ext(pkt, IPPROTO_FRAGMENT, 8);
	build_put16(pkt, at + 2, more ? offset | 1 : offset);
	build_put16(pkt, at + 6, 0xbeef);
}

void build_frag4(struct build *pkt, __u32 offset, int more)
{
	build_put16(pkt, pkt->ip_at + 6, offset / 8 | (more ? 0x2000 : 0));
}

void build_frag(struct build *pkt, __u32 offset, int more)
{
	if (pkt->family == 4)
		build_frag4(pkt, offset, more);
	else
		build_frag6(pkt, offset, more);
}

__u32 build_l4(struct build *pkt, __u8 proto, __u32 len)
{
	build_next(pkt, proto);
	pkt->l4_proto = proto;
	pkt->l4_at = build_grow(pkt, len);
	return pkt->l4_at;
}

void build_icmp_as(struct build *pkt, __u8 proto, __u8 type, __u8 code)
{
	__u32 at = build_l4(pkt, proto, 8);

	pkt->data[at] = type;
	pkt->data[at + 1] = code;
	build_put16(pkt, at + 4, BUILD_ID);
	build_put16(pkt, at + 6, BUILD_SEQ);
}

void build_echo(struct build *pkt)
{
	if (pkt->family == 4)
		build_icmp_as(pkt, IPPROTO_ICMP, ICMP_ECHO, 0);
	else
		build_icmp_as(pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, 0);
}

void build_udp(struct build *pkt)
{
	__u32 at = build_l4(pkt, IPPROTO_UDP, sizeof(struct udphdr));

	build_put16(pkt, at, BUILD_SPORT);
	build_put16(pkt, at + 2, BUILD_DPORT);
}

void build_tcp(struct build *pkt, __u32 opt_len)
{
	__u32 at = build_l4(pkt, IPPROTO_TCP, sizeof(struct tcphdr) + opt_len);
	struct tcphdr *tcp = (void *)(pkt->data + at);

	build_put16(pkt, at, BUILD_SPORT);
	build_put16(pkt, at + 2, BUILD_DPORT);
	tcp->doff = (sizeof(*tcp) + opt_len) / 4;
	tcp->syn = 1;
	tcp->window = htons(1024);
	memset(tcp + 1, 1, opt_len);
}

void build_payload(struct build *pkt, __u32 len)
{
	__u32 at = build_grow(pkt, len);
	__u32 i;

	for (i = 0; i < len; i++)
		pkt->data[at + i] = 'a' + i % 23;
}

void build_pad(struct build *pkt, __u32 frame_len)
{
	__u32 at = pkt->len;

	if (at < frame_len)
		memset(pkt->data + build_grow(pkt, frame_len - at), 0xa5, frame_len - at);
}

__u16 build_sum(const void *data, __u32 len, __u32 sum)
{
	const __u8 *byte = data;
	__u32 i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? byte[i] : byte[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* One's complement sum of the TCP/UDP/ICMPv6 pseudo header, not inverted. */
static __u16 build_pseudo_sum(const struct build *pkt, __u32 l4_len)
{
	__u32 addr_at = pkt->ip_at + (pkt->family == 4 ? 12 : 8);

	return build_sum(pkt->data + addr_at, pkt->family == 4 ? 8 : 32,
			 l4_len + pkt->l4_proto);
}

__u32 build_check_at(const struct build *pkt)
{
	switch (pkt->l4_proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return pkt->l4_at + 2;
	case IPPROTO_UDP:
		return pkt->l4_at + 6;
	case IPPROTO_TCP:
		return pkt->l4_at + 16;
	default:
		return 0;
	}
}

void build_checksums(struct build *pkt)
{
	__u32 l4_len = pkt->len - pkt->l4_at;
	__u32 at = build_check_at(pkt);
	__u32 sum = 0;

	if (pkt->family == 4) {
		build_put16(pkt, pkt->ip_at + 10, 0);
		build_put16(pkt, pkt->ip_at + 10,
			    ~build_sum(pkt->data + pkt->ip_at,
				       (pkt->data[pkt->ip_at] & 0xf) * 4, 0));
	}
	if (!at)
		return;
	if (pkt->l4_proto != IPPROTO_ICMP)
		sum = build_pseudo_sum(pkt, l4_len);
	build_put16(pkt, at, 0);
	sum = (__u16)~build_sum(pkt->data + pkt->l4_at, l4_len, sum);
	if (pkt->l4_proto == IPPROTO_UDP && !sum)
		sum = 0xffff;
	build_put16(pkt, at, sum);
}

void build_finish(struct build *pkt)
{
	if (pkt->family == 4)
		build_put16(pkt, pkt->ip_at + 2, pkt->len - pkt->ip_at);
	else if (pkt->family == 6)
		build_put16(pkt, pkt->ip_at + 4,
			    pkt->len - pkt->ip_at - sizeof(struct ipv6hdr));
	if (pkt->l4_proto == IPPROTO_UDP)
		build_put16(pkt, pkt->l4_at + 4, pkt->len - pkt->l4_at);
	if (pkt->family)
		build_checksums(pkt);
}

void build_ping(struct build *pkt, int family, int vlans)
{
	build_start(pkt);
	build_vlans(pkt, vlans);
	build_ip(pkt, family);
	build_echo(pkt);
	build_payload(pkt, 56);
	build_finish(pkt);
}

void build_dump(const void *data, __u32 len)
{
	const __u8 *byte = data;
	__u32 i;

	fprintf(stderr, "# packet (%u bytes):", len);
	for (i = 0; i < len; i++)
		fprintf(stderr, "%s%02x", i % 32 ? "" : "\n#   ", byte[i]);
	fputc('\n', stderr);
}
