// SPDX-License-Identifier: GPL-2.0
/*
 * Read the key of a packet, by which the next hook's event is recognised, from the headers in
 * an event. This file parses packets with pkt_parse.bpf.h, which uses no BPF helper. So user
 * space and the BPF programs always read a packet in the same way.
 */
#include <string.h>
#include <linux/if_arp.h>
#include "addr4.h"
#include "parts/network/path.h"

/* pkt_parse.bpf.h uses this builtin of clang, which gcc lacks. It is only a hint. */
#ifndef __clang__
#define __builtin_assume(x) ((void)(x))
#endif
#include "pkt_parse.bpf.h"

/* Offsets of the IPv4 addresses in an ARP packet (RFC 826), counted from behind struct arphdr. */
enum {
	ARP_LEN = 20,
	ARP_SENDER_IP = 6,
	ARP_TARGET_IP = 16,
};

static void read_arp(struct network_packet *pkt, struct pkt_cursor *cur)
{
	struct arphdr *arp = pkt_pull(cur, sizeof(*arp));
	const __u8 *addrs = pkt_pull(cur, ARP_LEN);
	__be32 ip;

	if (!arp || !addrs || arp->ar_pro != bpf_htons(ETH_P_IP) || arp->ar_hln != ETH_ALEN ||
	    arp->ar_pln != sizeof(ip))
		return;
	memcpy(&ip, addrs + ARP_SENDER_IP, sizeof(ip));
	addr_from4(pkt->key.saddr, ip);
	memcpy(&ip, addrs + ARP_TARGET_IP, sizeof(ip));
	addr_from4(pkt->key.daddr, ip);
	pkt->key.sport = bpf_ntohs(arp->ar_op);
	pkt->has_l4 = true;
}

/*
 * The key of a packet that is malformed or not IP: the MAC addresses, and the EtherType behind
 * the VLAN tags.
 */
static void read_ethernet(struct network_packet *pkt, struct pkt_cursor cur)
{
	struct pkt_cursor start = cur;
	struct ethhdr *eth;
	__be16 proto;

	eth = pkt_pull(&start, sizeof(*eth));
	if (!eth)
		return;
	memcpy(pkt->key.saddr, eth->h_source, ETH_ALEN);
	memcpy(pkt->key.daddr, eth->h_dest, ETH_ALEN);
	pkt->key.ethertype = bpf_ntohs(eth->h_proto);
	if (!pkt_eth(&cur, &proto))
		return;
	pkt->key.ethertype = bpf_ntohs(proto);
	if (pkt->key.ethertype == ETH_P_ARP)
		read_arp(pkt, &cur);
}

static void read_icmp(struct network_packet *pkt, const struct icmphdr *icmp)
{
	struct network_key *key = &pkt->key;
	bool v4 = key->family == 4;

	if (!icmp)
		return;
	pkt->has_l4 = true;
	key->type = icmp->type;
	key->code = icmp->code;
	if (key->type == (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) ||
	    key->type == (v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY)) {
		key->sport = bpf_ntohs(icmp->un.echo.id);
		key->dport = bpf_ntohs(icmp->un.echo.sequence);
	}
}

static void read_udp(struct network_packet *pkt, const struct udphdr *udp)
{
	if (!udp)
		return;
	pkt->has_l4 = true;
	pkt->key.sport = bpf_ntohs(udp->source);
	pkt->key.dport = bpf_ntohs(udp->dest);
	pkt->payload -= sizeof(*udp);
}

static void read_tcp(struct network_packet *pkt, const struct tcphdr *tcp)
{
	if (!tcp)
		return;
	pkt->has_l4 = true;
	pkt->key.sport = bpf_ntohs(tcp->source);
	pkt->key.dport = bpf_ntohs(tcp->dest);
	pkt->key.seq = bpf_ntohl(tcp->seq);
	pkt->key.ack = bpf_ntohl(tcp->ack_seq);
	pkt->tcp_flags = ((const __u8 *)tcp)[13];
	pkt->payload -= tcp->doff * 4;
}

static void read_transport(struct network_packet *pkt, struct pkt_cursor *cur,
			   const struct pkt_ip *ip)
{
	if (ip->proto == IPPROTO_TCP)
		read_tcp(pkt, pkt_tcp(cur, ip));
	else if (ip->proto == IPPROTO_UDP)
		read_udp(pkt, pkt_udp(cur, ip));
	else if (ip->proto == (ip->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		read_icmp(pkt, pkt_icmp(cur, ip));
}

static __u32 ip_id(const struct pkt_ip *ip)
{
	__be32 first;

	if (ip->v4)
		return bpf_ntohs(ip->v4->id) | (__u32)bpf_ntohs(ip->v4->frag_off) << 16;
	memcpy(&first, ip->v6, sizeof(first));
	return bpf_ntohl(first) & 0x0fffffff;
}

/**
 * network_packet_read() - parse the headers in an event
 * @pkt: filled
 * @ev: the event
 */
void network_packet_read(struct network_packet *pkt, const struct network_event *ev)
{
	struct pkt_cursor cur = {
		.pos = (void *)ev->headers,
		.end = (void *)ev->headers + ev->n_headers,
		.left = ev->len,
	};
	struct pkt_cursor start = cur;
	enum pkt_status status;
	struct pkt_ip ip;

	memset(pkt, 0, sizeof(*pkt));
	status = pkt_parse_ip(&cur, &ip);
	if (status != PKT_OK) {
		pkt->bad = status == PKT_BAD;
		pkt->payload = ev->len;
		read_ethernet(pkt, start);
		return;
	}
	pkt->key.ethertype = ip.v4 ? ETH_P_IP : ETH_P_IPV6;
	pkt->key.family = ip.v4 ? 4 : 6;
	pkt->key.proto = ip.proto;
	pkt->key.ip_id = ip_id(&ip);
	pkt_saddr(&ip, pkt->key.saddr);
	pkt_daddr(&ip, pkt->key.daddr);
	pkt->payload = ip.len;
	pkt->frag = ip.frag != PKT_FRAG_NONE;
	read_transport(pkt, &cur, &ip);
}
