/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds packets for the tests, from the outermost header inwards:
 *
 *	build_start(&pkt);
 *	build_vlan(&pkt, ETH_P_8021Q);
 *	build_ipv4(&pkt, 0);
 *	build_icmp(&pkt, ICMP_ECHO, 0);
 *	build_payload(&pkt, 56);
 *	build_finish(&pkt);
 *
 * Each header writes its own protocol number into the header before it. build_finish()
 * sets lengths and checksums. A test that wants a wrong field overwrites it afterwards.
 */
#ifndef _SELFTESTS_PKT_BUILD_H
#define _SELFTESTS_PKT_BUILD_H

#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>

enum {
	/* Room for packets larger than a page, which have fragments in XDP. */
	BUILD_MAX = 12288,
	/* BPF_PROG_TEST_RUN of XDP and tc programs refuses shorter packets with EINVAL. */
	BUILD_MIN = ETH_HLEN,
};

#define BUILD_SADDR4	"192.0.2.1"
#define BUILD_DADDR4	"198.51.100.2"
#define BUILD_SADDR6	"2001:db8:1::1"
#define BUILD_DADDR6	"2001:db8:2::2"

/* Fields of the echo header, and ports; all in host byte order. */
#define BUILD_ID	0x1234
#define BUILD_SEQ	0x5678
#define BUILD_SPORT	40000
#define BUILD_DPORT	443

/*
 * Bytes in front of a packet. With them the IP header, behind the 14 bytes of Ethernet, is
 * aligned to 4 bytes. Some machines, and the sanitizer, accept only aligned access.
 */
#define BUILD_ALIGN	2

/**
 * struct build - a packet that is being built
 * @pad: see BUILD_ALIGN
 * @data: bytes of the packet, from the Ethernet header
 * @len: number of bytes so far
 * @next_at: offset of the field that takes the protocol number of the next header
 * @next_len: length of that field, in bytes
 * @ip_at: offset of the IP header, 0: none yet
 * @l4_at: offset of the transport header, 0: none yet
 * @family: 4 or 6, 0: no IP header yet
 * @l4_proto: protocol of the transport header
 */
struct build {
	__u8 pad[BUILD_ALIGN];
	__u8 data[BUILD_MAX];
	__u32 len;
	__u32 next_at;
	__u32 next_len;
	__u32 ip_at;
	__u32 l4_at;
	__u8 family;
	__u8 l4_proto;
};

static inline void build_put16(struct build *pkt, __u32 at, __u16 value)
{
	pkt->data[at] = value >> 8;
	pkt->data[at + 1] = value & 0xff;
}

static inline __u16 build_get16(const struct build *pkt, __u32 at)
{
	return pkt->data[at] << 8 | pkt->data[at + 1];
}

/* Appends @len zero bytes to the packet; returns their offset. */
static inline __u32 build_grow(struct build *pkt, __u32 len)
{
	__u32 at = pkt->len;

	memset(pkt->data + at, 0, len);
	pkt->len += len;
	return at;
}

static inline void build_next(struct build *pkt, __u16 number)
{
	if (pkt->next_len == 2)
		build_put16(pkt, pkt->next_at, number);
	else
		pkt->data[pkt->next_at] = number & 0xff;
}

/* Starts a packet with an Ethernet header; the next header sets the EtherType. */
static inline void build_start(struct build *pkt)
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

static inline void build_vlan(struct build *pkt, __u16 tpid)
{
	__u32 at = build_grow(pkt, 4);

	build_next(pkt, tpid);
	build_put16(pkt, at, 100);
	pkt->next_at = at + 2;
}

/* Adds @n VLAN tags, all 802.1Q; of several tags the outermost is 802.1ad. */
static inline void build_vlans(struct build *pkt, int n)
{
	int i;

	for (i = 0; i < n; i++)
		build_vlan(pkt, n > 1 && !i ? ETH_P_8021AD : ETH_P_8021Q);
}

/* @opt_len: bytes of options, a multiple of 4 up to 40; they are all NOPs. */
static inline void build_ipv4(struct build *pkt, __u32 opt_len)
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

static inline void build_ipv6(struct build *pkt)
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

/* IPv4 without options, or IPv6. */
static inline void build_ip(struct build *pkt, int family)
{
	if (family == 4)
		build_ipv4(pkt, 0);
	else
		build_ipv6(pkt);
}

/*
 * Adds an IPv6 extension header of @len bytes. Its length field counts units of 8 bytes;
 * that of AH counts units of 4 (RFC 4302).
 */
static inline void build_ext(struct build *pkt, __u8 proto, __u32 len)
{
	__u32 at = build_grow(pkt, len);

	build_next(pkt, proto);
	if (proto == IPPROTO_AH)
		pkt->data[at + 1] = len / 4 - 2;
	else if (proto != IPPROTO_FRAGMENT)
		pkt->data[at + 1] = len / 8 - 1;
	pkt->next_at = at;
}

/* @offset: in bytes, a multiple of 8. @more: more fragments follow. */
static inline void build_frag6(struct build *pkt, __u32 offset, int more)
{
	__u32 at = pkt->len;

	build_ext(pkt, IPPROTO_FRAGMENT, 8);
	build_put16(pkt, at + 2, more ? offset | 1 : offset);
	build_put16(pkt, at + 6, 0xbeef);
}

/* Makes a packet with an IPv4 header a fragment; arguments as for build_frag6(). */
static inline void build_frag4(struct build *pkt, __u32 offset, int more)
{
	build_put16(pkt, pkt->ip_at + 6, offset / 8 | (more ? 0x2000 : 0));
}

/* Makes the packet a fragment, whichever IP header it has. */
static inline void build_frag(struct build *pkt, __u32 offset, int more)
{
	if (pkt->family == 4)
		build_frag4(pkt, offset, more);
	else
		build_frag6(pkt, offset, more);
}

static inline __u32 build_l4(struct build *pkt, __u8 proto, __u32 len)
{
	build_next(pkt, proto);
	pkt->l4_proto = proto;
	pkt->l4_at = build_grow(pkt, len);
	return pkt->l4_at;
}

/* @proto: ICMP or ICMPv6. It need not match the IP header: ICMPv6 in IPv4 is a test, too. */
static inline void build_icmp_as(struct build *pkt, __u8 proto, __u8 type, __u8 code)
{
	__u32 at = build_l4(pkt, proto, 8);

	pkt->data[at] = type;
	pkt->data[at + 1] = code;
	build_put16(pkt, at + 4, BUILD_ID);
	build_put16(pkt, at + 6, BUILD_SEQ);
}

/* An echo request of the packet's family. */
static inline void build_echo(struct build *pkt)
{
	if (pkt->family == 4)
		build_icmp_as(pkt, IPPROTO_ICMP, ICMP_ECHO, 0);
	else
		build_icmp_as(pkt, IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, 0);
}

static inline void build_udp(struct build *pkt)
{
	__u32 at = build_l4(pkt, IPPROTO_UDP, sizeof(struct udphdr));

	build_put16(pkt, at, BUILD_SPORT);
	build_put16(pkt, at + 2, BUILD_DPORT);
}

/* @opt_len: bytes of options, a multiple of 4 up to 40; they are all NOPs. */
static inline void build_tcp(struct build *pkt, __u32 opt_len)
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

static inline void build_payload(struct build *pkt, __u32 len)
{
	__u32 at = build_grow(pkt, len);
	__u32 i;

	for (i = 0; i < len; i++)
		pkt->data[at + i] = 'a' + i % 23;
}

/* Pads the frame to @frame_len bytes. Not with zeros, which could pass for payload. */
static inline void build_pad(struct build *pkt, __u32 frame_len)
{
	__u32 at = pkt->len;

	if (at < frame_len)
		memset(pkt->data + build_grow(pkt, frame_len - at), 0xa5, frame_len - at);
}

/*
 * Checksum of RFC 1071, byte by byte: slow but obviously right, because tests compare the
 * checksums of the BPF code with it. Returns the one's complement sum in host byte order,
 * not inverted.
 */
static inline __u16 build_sum(const void *data, __u32 len, __u32 sum)
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
static inline __u16 build_pseudo_sum(const struct build *pkt, __u32 l4_len)
{
	__u32 addr_at = pkt->ip_at + (pkt->family == 4 ? 12 : 8);

	return build_sum(pkt->data + addr_at, pkt->family == 4 ? 8 : 32,
			 l4_len + pkt->l4_proto);
}

/* Offset of the transport checksum in the packet; 0 if there is none. */
static inline __u32 build_check_at(const struct build *pkt)
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

/* Sets the checksums for the present content of the packet. */
static inline void build_checksums(struct build *pkt)
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

/* Sets lengths and checksums. Only padding may be added afterwards. */
static inline void build_finish(struct build *pkt)
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

/* Builds an echo request with @vlans tags, the packet that most tests start from. */
static inline void build_ping(struct build *pkt, int family, int vlans)
{
	build_start(pkt);
	build_vlans(pkt, vlans);
	build_ip(pkt, family);
	build_echo(pkt);
	build_payload(pkt, 56);
	build_finish(pkt);
}

/* Prints the packet as a KTAP diagnostic, for a bug report. */
static inline void build_dump(const void *data, __u32 len)
{
	const __u8 *byte = data;
	__u32 i;

	fprintf(stderr, "# packet (%u bytes):", len);
	for (i = 0; i < len; i++)
		fprintf(stderr, "%s%02x", i % 32 ? "" : "\n#   ", byte[i]);
	fputc('\n', stderr);
}

#endif /* _SELFTESTS_PKT_BUILD_H */
