// SPDX-License-Identifier: GPL-2.0
/*
 * Decode the headers of a packet. Anybody who can send to this host chooses these bytes, so this
 * code checks every length in a header against the captured data.
 */
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include "addr4.h"
#include "parts/sockfilter/user.h"

enum {
	UDP_HLEN = 8,
	ICMP_HLEN = 8,
	IPV6_EXT_MAX = 6,
	IP_LEN_MAX = 65535,
};

/**
 * decoded_bytes() - get bytes of the packet, with a bounds check
 * @dec: the packet
 * @off: offset from the start of the packet
 * @len: number of bytes
 *
 * Return: the bytes, or NULL if the captured data end before the last of them.
 */
const __u8 *decoded_bytes(const struct decoded *dec, __u32 off, __u32 len)
{
	if (off > dec->pkt->caplen || dec->pkt->caplen - off < len)
		return NULL;
	return dec->pkt->data + off;
}

/* Like decoded_bytes(), but also note in which header the captured data end. */
static const __u8 *take(struct decoded *dec, __u32 off, __u32 len, const char *name)
{
	const __u8 *p = decoded_bytes(dec, off, len);

	if (!p)
		dec->cut = name;
	return p;
}

static void take_addr4(__be32 to[4], const __u8 *addr)
{
	__be32 v4;

	memcpy(&v4, addr, sizeof(v4));
	addr_from4(to, v4);
}

static void decode_tcp(struct decoded *dec)
{
	const __u8 *tcp = take(dec, dec->l4, DECODED_TCP_HLEN, "tcp");

	if (!tcp)
		return;
	dec->sport = get16(tcp);
	dec->dport = get16(tcp + 2);
	dec->seq = get32(tcp + 4);
	dec->ack = get32(tcp + 8);
	dec->l4_hlen = (tcp[12] >> 4) * 4;
	dec->flags = (tcp[12] & 1) << 8 | tcp[13];
	dec->window = get16(tcp + 14);
	dec->urgent = get16(tcp + 18);
	if (dec->l4_hlen < DECODED_TCP_HLEN || dec->l4_hlen > dec->l4_len) {
		dec->bad = "bad TCP header length";
		return;
	}
	dec->payload = dec->l4_len - dec->l4_hlen;
	dec->has_l4 = true;
}

static void decode_udp(struct decoded *dec)
{
	const __u8 *udp = take(dec, dec->l4, UDP_HLEN, "udp");
	__u32 len;

	if (!udp)
		return;
	dec->sport = get16(udp);
	dec->dport = get16(udp + 2);
	dec->l4_hlen = UDP_HLEN;
	len = get16(udp + 4);
	/* 0: a jumbogram, too long for the field (RFC 2675), or a packet to be segmented. */
	if (!len)
		len = dec->l4_len;
	if (len < UDP_HLEN || (len > dec->l4_len && !dec->frag)) {
		dec->bad = "bad UDP length";
		return;
	}
	dec->payload = len - UDP_HLEN;
	dec->has_l4 = true;
}

static void decode_icmp(struct decoded *dec)
{
	const __u8 *icmp = take(dec, dec->l4, ICMP_HLEN, dec->family == 4 ? "icmp" : "icmp6");

	if (!icmp)
		return;
	dec->type = icmp[0];
	dec->code = icmp[1];
	dec->id = get16(icmp + 4);
	dec->seq = get16(icmp + 6);
	dec->l4_hlen = ICMP_HLEN;
	dec->payload = dec->l4_len - ICMP_HLEN;
	dec->has_l4 = true;
}

static bool is_icmp(const struct decoded *dec)
{
	return (dec->family == 4 && dec->proto == IPPROTO_ICMP) ||
	       (dec->family == 6 && dec->proto == IPPROTO_ICMPV6);
}

/* A later fragment has no transport header. If the packet is too short for one, skip it. */
static void decode_l4(struct decoded *dec)
{
	if (dec->frag && dec->frag_off)
		return;
	if (dec->proto == IPPROTO_TCP && dec->l4_len >= DECODED_TCP_HLEN)
		decode_tcp(dec);
	else if (dec->proto == IPPROTO_UDP && dec->l4_len >= UDP_HLEN)
		decode_udp(dec);
	else if (is_icmp(dec) && dec->l4_len >= ICMP_HLEN)
		decode_icmp(dec);
}

/* A BIG TCP packet is too long for the length field, which is 0: use the packet's length. */
static __u32 ip_len(const struct decoded *dec, __u32 len, __u32 off)
{
	__u32 left = dec->pkt->len - off;

	return !len && dec->pkt->len > off && left > IP_LEN_MAX ? left : len;
}

static void decode_ipv4(struct decoded *dec)
{
	const __u8 *ip = take(dec, dec->l3, 20, "ip");
	__u32 hlen, total, frag;

	if (!ip)
		return;
	hlen = (ip[0] & 0xf) * 4;
	total = ip_len(dec, get16(ip + 2), dec->l3);
	if (ip[0] >> 4 != 4 || hlen < 20 || total < hlen) {
		dec->bad = "bad IPv4 header";
		return;
	}
	frag = get16(ip + 6);
	dec->family = 4;
	dec->proto = ip[9];
	take_addr4(dec->saddr, ip + 12);
	take_addr4(dec->daddr, ip + 16);
	dec->frag_off = (frag & 0x1fff) * 8;
	dec->frag_more = frag & 0x2000;
	dec->frag = dec->frag_off || dec->frag_more;
	dec->frag_id = get16(ip + 4);
	dec->l4 = dec->l3 + hlen;
	dec->l4_len = total - hlen;
	decode_l4(dec);
}

/*
 * Step over one extension header. False if there is none, on an error, and after the header of a
 * later fragment, whose payload must not be parsed.
 */
static bool step_over_ext(struct decoded *dec)
{
	const __u8 *ext;
	__u32 len, frag;

	if (dec->proto != IPPROTO_HOPOPTS && dec->proto != IPPROTO_ROUTING &&
	    dec->proto != IPPROTO_DSTOPTS && dec->proto != IPPROTO_FRAGMENT &&
	    dec->proto != IPPROTO_AH)
		return false;
	ext = take(dec, dec->l4, 8, "ip6 ext");
	if (!ext)
		return false;
	if (dec->proto == IPPROTO_FRAGMENT) {
		frag = get16(ext + 2);
		dec->frag_off = frag & 0xfff8;
		dec->frag_more = frag & 1;
		dec->frag = dec->frag_off || dec->frag_more;
		dec->frag_id = get32(ext + 4);
		len = 8;
	} else {
		len = dec->proto == IPPROTO_AH ? (ext[1] + 2) * 4 : (ext[1] + 1) * 8;
	}
	if (len > dec->l4_len) {
		dec->bad = "bad IPv6 extension header";
		return false;
	}
	dec->proto = ext[0];
	dec->l4 += len;
	dec->l4_len -= len;
	return !dec->frag_off;
}

static void decode_ipv6(struct decoded *dec)
{
	const __u8 *ip6 = take(dec, dec->l3, 40, "ip6");
	int i;

	if (!ip6)
		return;
	if (ip6[0] >> 4 != 6) {
		dec->bad = "bad IPv6 header";
		return;
	}
	dec->family = 6;
	dec->proto = ip6[6];
	memcpy(dec->saddr, ip6 + 8, sizeof(dec->saddr));
	memcpy(dec->daddr, ip6 + 24, sizeof(dec->daddr));
	dec->l4 = dec->l3 + 40;
	dec->l4_len = ip_len(dec, get16(ip6 + 4), dec->l4);
	for (i = 0; i < IPV6_EXT_MAX && step_over_ext(dec); i++)
		;
	if (!dec->cut && !dec->bad)
		decode_l4(dec);
}

/**
 * decode() - decode the headers of a packet
 * @dec: filled
 * @pkt: the packet; must stay valid as long as @dec is used
 */
void decode(struct decoded *dec, const struct packet *pkt)
{
	const __u8 *p;

	memset(dec, 0, sizeof(*dec));
	dec->pkt = pkt;
	p = take(dec, 0, ETH_HLEN, "ether");
	if (!p)
		return;
	dec->ethertype = get16(p + 12);
	dec->l3 = ETH_HLEN;
	while (dec->n_vlans < DECODED_VLAN_MAX &&
	       (dec->ethertype == ETH_P_8021Q || dec->ethertype == ETH_P_8021AD)) {
		p = take(dec, dec->l3, 4, "vlan");
		if (!p)
			return;
		dec->tpid[dec->n_vlans] = dec->ethertype;
		dec->tci[dec->n_vlans++] = get16(p);
		dec->ethertype = get16(p + 2);
		dec->l3 += 4;
	}
	if (dec->ethertype == ETH_P_IP)
		decode_ipv4(dec);
	else if (dec->ethertype == ETH_P_IPV6)
		decode_ipv6(dec);
	else if (dec->ethertype == ETH_P_ARP)
		take(dec, dec->l3, 28, "arp");
}

/**
 * decoded_proto() - name of the protocol
 * @dec: the packet
 *
 * Return: the name; "ip" for any other transport protocol over IP; NULL for any other EtherType.
 */
const char *decoded_proto(const struct decoded *dec)
{
	if (dec->ethertype == ETH_P_ARP)
		return "arp";
	if (!dec->family)
		return NULL;
	if (is_icmp(dec))
		return dec->family == 4 ? "icmp" : "icmp6";
	switch (dec->proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	default:
		return "ip";
	}
}

/**
 * decoded_flags() - write TCP flags in the form of tcpdump
 * @dec: a TCP packet
 * @text: takes the text: "S." is a SYN with an ACK
 */
void decoded_flags(const struct decoded *dec, char text[16])
{
	static const char names[] = "FSRP.UEWe";
	int i, n = 0;

	if (!(dec->flags & 0x1ff))
		n = sprintf(text, "none");
	for (i = 0; names[i]; i++) {
		if (dec->flags & (1 << i))
			text[n++] = names[i];
	}
	text[n] = '\0';
}
