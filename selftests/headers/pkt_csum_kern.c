// SPDX-License-Identifier: GPL-2.0
/*
 * Runs include/pkt_csum.bpf.h for pkt_csum_test.c: on numbers, and on packets
 * whose addresses and ports it replaces, as a load balancer does.
 */
#include <linux/bpf.h>
#include "pkt_parse.bpf.h"
#include "pkt_csum.bpf.h"
#include "pkt_csum_test.h"

struct update sum_args;

SEC("xdp")
int csum_numbers(struct xdp_md *ctx)
{
	__u32 diff = 0;
	__u32 i;

	for (i = 0; i < CHANGES_MAX && i < sum_args.n; i++) {
		const __be32 *from = sum_args.change[i].from;
		const __be32 *to = sum_args.change[i].to;

		if (sum_args.change[i].bytes == 2)
			diff = pkt_csum_diff2(diff, *(const __be16 *)from, *(const __be16 *)to);
		else if (sum_args.change[i].bytes == 4)
			diff = pkt_csum_diff4(diff, *from, *to);
		else
			diff = pkt_csum_diff16(diff, from, to);
	}
	if (sum_args.udp)
		pkt_csum_apply_udp(&sum_args.check, diff);
	else
		pkt_csum_apply(&sum_args.check, diff);
	return XDP_PASS;
}

__be32 new_saddr[4];
__be32 new_daddr[4];
__be16 new_sport;
__be16 new_dport;

static __always_inline __u32 rewrite_ipv4(struct iphdr *iph)
{
	__u32 diff;

	diff = pkt_csum_diff4(0, iph->saddr, new_saddr[0]);
	diff = pkt_csum_diff4(diff, iph->daddr, new_daddr[0]);
	iph->saddr = new_saddr[0];
	iph->daddr = new_daddr[0];
	pkt_csum_apply(&iph->check, diff);
	return diff;
}

static __always_inline __u32 rewrite_ipv6(struct ipv6hdr *ip6h)
{
	__u32 diff;

	diff = pkt_csum_diff16(0, ip6h->saddr.in6_u.u6_addr32, new_saddr);
	diff = pkt_csum_diff16(diff, ip6h->daddr.in6_u.u6_addr32, new_daddr);
	__builtin_memcpy(&ip6h->saddr, new_saddr, sizeof(ip6h->saddr));
	__builtin_memcpy(&ip6h->daddr, new_daddr, sizeof(ip6h->daddr));
	return diff;
}

static __always_inline void rewrite_udp(struct udphdr *udp, __u32 diff)
{
	diff = pkt_csum_diff2(diff, udp->source, new_sport);
	diff = pkt_csum_diff2(diff, udp->dest, new_dport);
	udp->source = new_sport;
	udp->dest = new_dport;
	pkt_csum_apply_udp(&udp->check, diff);
}

static __always_inline void rewrite_tcp(struct tcphdr *tcp, __u32 diff)
{
	diff = pkt_csum_diff2(diff, tcp->source, new_sport);
	diff = pkt_csum_diff2(diff, tcp->dest, new_dport);
	tcp->source = new_sport;
	tcp->dest = new_dport;
	pkt_csum_apply(&tcp->check, diff);
}

static __always_inline void rewrite_transport(struct pkt_cursor *cur, const struct pkt_ip *ip,
					      __u32 diff)
{
	struct icmp6hdr *icmp6;
	struct icmphdr *icmp;
	struct udphdr *udp;
	struct tcphdr *tcp;

	if (ip->proto == IPPROTO_UDP) {
		udp = pkt_udp(cur, ip);
		if (udp)
			rewrite_udp(udp, diff);
	} else if (ip->proto == IPPROTO_TCP) {
		tcp = pkt_tcp(cur, ip);
		if (tcp)
			rewrite_tcp(tcp, diff);
	} else if (ip->proto == IPPROTO_ICMPV6) {
		icmp6 = pkt_icmp6(cur, ip);
		if (icmp6)
			pkt_csum_apply(&icmp6->icmp6_cksum, diff);
	} else if (ip->proto == IPPROTO_ICMP) {
		/* No pseudo header: the addresses are not in this sum. */
		icmp = pkt_icmp(cur, ip);
		if (!icmp)
			return;
		pkt_csum_apply(&icmp->checksum,
			       pkt_csum_diff2(0, icmp->un.echo.id, new_sport));
		icmp->un.echo.id = new_sport;
	}
}

SEC("xdp")
int csum_rewrite(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct pkt_ip ip;
	__u32 diff;

	if (pkt_parse_ip(&cur, &ip) != PKT_OK)
		return XDP_DROP;
	diff = ip.v4 ? rewrite_ipv4(ip.v4) : rewrite_ipv6(ip.v6);
	rewrite_transport(&cur, &ip, diff);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
