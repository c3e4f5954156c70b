/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Echo requests in TC: find an echo request in an skb, and turn it into its reply in place.
 *
 *	struct tc_echo req = {};
 *
 *	if (tc_echo_find(skb, &req) != TC_ECHO_FOUND)
 *		return TC_ACT_UNSPEC;
 *	if (tc_echo_answer(skb, &req, &own_addrs, any) != TC_ECHO_ANSWERED)
 *		return TC_ACT_UNSPEC;
 *	return bpf_redirect(skb->ifindex, 0);
 *
 * The program defines the map, struct own_addr to enum own_addr_kind; samples/lib/addrs.c fills
 * the map.
 */
#ifndef _TC_ECHO_BPF_H
#define _TC_ECHO_BPF_H

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include "own_addr.h"
#include "pkt_echo.bpf.h"

enum {
	/* Enough for all headers, unless a packet has long extension headers of IPv6. */
	TC_ECHO_HEADERS = 128,
	/* Enough for the longest headers: two VLAN tags, six extension headers of 2048 bytes. */
	TC_ECHO_HEADERS_MAX = ETH_HLEN + 2 * 4 + sizeof(struct ipv6hdr) + 6 * 2048 +
			      sizeof(struct icmphdr),
};

/**
 * enum tc_echo_result - result of tc_echo_find() (the first four) and tc_echo_answer()
 * @TC_ECHO_NOT_IP: neither IPv4 nor IPv6
 * @TC_ECHO_BAD: malformed or cut short
 * @TC_ECHO_NONE: IP, but no echo request
 * @TC_ECHO_FOUND: an echo request
 * @TC_ECHO_FRAGMENT: not answered: the first fragment of an echo request
 * @TC_ECHO_CUT: not answered: the frame is shorter than the IP header says
 * @TC_ECHO_CAST: not answered: the source or the destination, MAC or IP, is not the address of
 *	one host, but broadcast, multicast or unspecified (0.0.0.0, ::)
 * @TC_ECHO_NOT_OWN: not answered: the interface does not have the destination IP address, or the
 *	frame is for another MAC address
 * @TC_ECHO_ANSWERED: answered: the skb holds the reply now
 */
enum tc_echo_result {
	TC_ECHO_NOT_IP,
	TC_ECHO_BAD,
	TC_ECHO_NONE,
	TC_ECHO_FOUND,
	TC_ECHO_FRAGMENT,
	TC_ECHO_CUT,
	TC_ECHO_CAST,
	TC_ECHO_NOT_OWN,
	TC_ECHO_ANSWERED,
};

/**
 * struct tc_echo - an echo request in an skb
 * @eth: Ethernet header
 * @ip: network layer
 * @icmp: echo header
 * @ev: the event that describes the request
 */
struct tc_echo {
	struct ethhdr *eth;
	struct pkt_ip ip;
	struct icmphdr *icmp;
	struct echo_event ev;
};

/*
 * Make the first @len bytes of the packet accessible. An skb may keep bytes in pages, outside of
 * data to data_end, even all bytes behind the Ethernet header.
 */
static __always_inline void tc_echo_pull(struct __sk_buff *skb, __u32 len)
{
	if (len > skb->len)
		len = skb->len;
	if ((void *)(long)skb->data + len > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, len);
}

static __always_inline __u32 tc_echo_look(struct __sk_buff *skb, struct tc_echo *req,
					  __u32 headers)
{
	struct pkt_cursor cur;
	enum pkt_status status;

	tc_echo_pull(skb, headers);
	cur = pkt_start(skb->data, skb->data_end);
	cur.left = skb->len;
	req->eth = cur.pos;
	status = pkt_parse_ip(&cur, &req->ip);
	if (status == PKT_NOT_IP)
		return TC_ECHO_NOT_IP;
	if (status != PKT_OK)
		return TC_ECHO_BAD;
	req->icmp = pkt_echo(&cur, &req->ip);
	return req->icmp ? TC_ECHO_FOUND : TC_ECHO_NONE;
}

/*
 * True if tc_echo_look() may have failed only because data_end was within the headers: pages of
 * the skb may have the rest.
 */
static __always_inline bool tc_echo_ended_early(const struct tc_echo *req, __u32 result)
{
	return result == TC_ECHO_BAD ||
	       (result == TC_ECHO_NONE && req->ip.proto == IPPROTO_ICMPV6);
}

/**
 * tc_echo_find() - whether a packet is an echo request
 * @skb: packet; pointers into it that were taken before are invalid afterwards
 * @req: filled if the packet is an echo request; all zero before
 *
 * Return: enum tc_echo_result, TC_ECHO_FOUND for an echo request.
 */
static __always_inline __u32 tc_echo_find(struct __sk_buff *skb, struct tc_echo *req)
{
	__u32 result = tc_echo_look(skb, req, TC_ECHO_HEADERS);

	if (tc_echo_ended_early(req, result) && skb->len > TC_ECHO_HEADERS)
		result = tc_echo_look(skb, req, TC_ECHO_HEADERS_MAX);
	if (result != TC_ECHO_FOUND)
		return result;
	pkt_echo_event(&req->ev, &req->ip, req->icmp);
	req->ev.ifindex = skb->ifindex;
	return TC_ECHO_FOUND;
}

/* True if the frame is not shorter than its IP header says. */
static __always_inline bool tc_echo_is_whole(const struct __sk_buff *skb,
					     const struct tc_echo *req)
{
	long icmp_at = (void *)req->icmp - (void *)req->eth;

	barrier_var(icmp_at);
	return icmp_at + req->ip.len <= skb->len;
}

static __always_inline __u32 tc_echo_addr_kind(void *own_addrs, __u32 ifindex,
					       const __be32 addr[4])
{
	struct own_addr key = { .ifindex = ifindex };
	__u32 *kind;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	kind = bpf_map_lookup_elem(own_addrs, &key);
	return kind ? *kind : 0;
}

/**
 * tc_echo_answer() - turn an echo request into its reply, if the request is for us
 * @skb: packet; pointers into it are invalid afterwards
 * @req: from tc_echo_find()
 * @own_addrs: map with the addresses of the interfaces, struct own_addr to enum own_addr_kind
 * @any: answer for every address, not only for those of the interface
 *
 * Even with @any, a frame to another MAC address is not answered: it only came in because the
 * interface is promiscuous.
 *
 * Return: enum tc_echo_result: TC_ECHO_ANSWERED, or the reason why the request is not answered.
 */
static __always_inline __u32 tc_echo_answer(struct __sk_buff *skb, const struct tc_echo *req,
					    void *own_addrs, bool any)
{
	__u32 to = tc_echo_addr_kind(own_addrs, skb->ifindex, req->ev.daddr);

	if (req->ip.frag != PKT_FRAG_NONE)
		return TC_ECHO_FRAGMENT;
	if (!tc_echo_is_whole(skb, req))
		return TC_ECHO_CUT;
	if (!pkt_echo_unicast(req->eth, &req->ev) || to == OWN_ADDR_BROADCAST ||
	    tc_echo_addr_kind(own_addrs, skb->ifindex, req->ev.saddr) == OWN_ADDR_BROADCAST)
		return TC_ECHO_CAST;
	if (skb->pkt_type != PACKET_HOST || (!any && to != OWN_ADDR_UNICAST))
		return TC_ECHO_NOT_OWN;

	pkt_echo_reply_skb(skb, req->eth, &req->ip, req->icmp);
	return TC_ECHO_ANSWERED;
}

#endif /* _TC_ECHO_BPF_H */
