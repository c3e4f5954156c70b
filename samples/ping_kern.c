// SPDX-License-Identifier: GPL-2.0
/*
 * ping: drop ICMP and ICMPv6 echo requests, or only report them, in XDP.
 *
 *	Ethernet, VLAN tags -> IPv4, IPv6 -> echo request? -> --src, --dst
 *		-> --every -> drop or pass
 *
 * A packet that does not get to the end of this line passes unchanged. Of a fragmented request,
 * only the first fragment can match; the others have no ICMP header.
 */
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include "pkt_cursor.bpf.h"
#include "ping.h"

const volatile struct ping_prefix src_prefix;
const volatile struct ping_prefix dst_prefix;
const volatile __u32 every = 1;
const volatile bool drop = true;
const volatile bool events = true;

/* Requests that matched so far, on all CPUs together, for --every. */
__u64 matched;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __PING_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ping_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ping_events SEC(".maps");

static __always_inline void count(__u32 reason)
{
	__u64 *value = bpf_map_lookup_elem(&ping_counts, &reason);

	if (value)
		(*value)++;
}

static __always_inline bool in_prefix(const __be32 addr[4], __u8 family,
				      const volatile struct ping_prefix *prefix)
{
	int i;

	if (!prefix->family)
		return true;
	if (prefix->family != family)
		return false;
	for (i = 0; i < 4; i++) {
		if ((addr[i] & prefix->mask[i]) != prefix->addr[i])
			return false;
	}
	return true;
}

/* Decide about an echo request that --src and --dst select. */
static __always_inline __u32 decide(void)
{
	__u64 nth = __sync_fetch_and_add(&matched, 1) + 1;

	if (every > 1 && nth % every)
		return PING_PASS_EVERY;
	return drop ? PING_DROP_ECHO : PING_PASS_ACTION;
}

static __always_inline void report(struct ping_event *ev)
{
	if (!events)
		return;
	ev->ts_ns = bpf_ktime_get_ns();
	if (bpf_ringbuf_output(&ping_events, ev, sizeof(*ev), 0))
		count(PING_LOST);
}

/* Read the IPv4 header and its options. tot_len includes the header, ip->len does not. */
static __always_inline bool read_ipv4(struct pkt_cursor *cur, struct pkt_ip *ip,
				      struct ping_event *ev)
{
	struct iphdr *iph = pkt_pull(cur, sizeof(*iph));
	__u32 hlen, len, frag;

	if (!iph)
		return false;
	hlen = iph->ihl * 4;
	len = bpf_ntohs(iph->tot_len);
	if (iph->version != 4 || hlen < sizeof(*iph) || len < hlen ||
	    !pkt_pull(cur, hlen - sizeof(*iph)))
		return false;
	frag = bpf_ntohs(iph->frag_off);
	ip->frag = pkt_frag_kind(frag & PKT_IPV4_OFFSET, frag & PKT_IPV4_MF);
	ip->len = len - hlen;
	ip->proto = iph->protocol;
	ev->family = 4;
	/* ::ffff:a.b.c.d; the first two words are zero already. */
	ev->saddr[2] = bpf_htonl(0xffff);
	ev->saddr[3] = iph->saddr;
	ev->daddr[2] = bpf_htonl(0xffff);
	ev->daddr[3] = iph->daddr;
	return true;
}

/* Read the IPv6 header and its extension headers. payload_len does not include the header. */
static __always_inline bool read_ipv6(struct pkt_cursor *cur, struct pkt_ip *ip,
				      struct ping_event *ev)
{
	struct ipv6hdr *ip6h = pkt_pull(cur, sizeof(*ip6h));

	if (!ip6h || ip6h->version != 6)
		return false;
	ip->len = bpf_ntohs(ip6h->payload_len);
	ip->proto = ip6h->nexthdr;
	ev->family = 6;
	__builtin_memcpy(ev->saddr, &ip6h->saddr, sizeof(ev->saddr));
	__builtin_memcpy(ev->daddr, &ip6h->daddr, sizeof(ev->daddr));
	return pkt_ipv6_exts(cur, ip);
}

/* ICMP and ICMPv6 have the same echo header; only the number of the type differs. */
static __always_inline bool read_echo(struct pkt_cursor *cur, const struct pkt_ip *ip,
				      struct ping_event *ev)
{
	__u8 proto = ev->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	__u8 type = ev->family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
	struct icmphdr *icmp;

	if (ip->proto != proto || ip->frag == PKT_FRAG_LATER || ip->len < sizeof(*icmp))
		return false;
	icmp = pkt_pull(cur, sizeof(*icmp));
	if (!icmp || icmp->type != type || icmp->code)
		return false;
	ev->id = icmp->un.echo.id;
	ev->seq = icmp->un.echo.sequence;
	return true;
}

static __always_inline __u32 handle(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct ping_event ev = {};
	struct pkt_ip ip = {};
	__be16 proto;
	bool ok;

	if (!pkt_eth(&cur, &proto) || pkt_is_vlan(proto))
		return PING_PASS_BAD;
	if (proto == bpf_htons(ETH_P_IP))
		ok = read_ipv4(&cur, &ip, &ev);
	else if (proto == bpf_htons(ETH_P_IPV6))
		ok = read_ipv6(&cur, &ip, &ev);
	else
		return PING_PASS_NOT_IP;
	if (!ok)
		return PING_PASS_BAD;
	if (!read_echo(&cur, &ip, &ev))
		return PING_PASS_NO_ECHO;
	if (!in_prefix(ev.saddr, ev.family, &src_prefix) ||
	    !in_prefix(ev.daddr, ev.family, &dst_prefix))
		return PING_PASS_FILTER;

	ev.reason = decide();
	ev.ifindex = ctx->ingress_ifindex;
	report(&ev);
	return ev.reason;
}

SEC("xdp.frags")
int ping(struct xdp_md *ctx)
{
	__u32 reason = handle(ctx);

	count(reason);
	return reason == PING_DROP_ECHO ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
