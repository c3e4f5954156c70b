// SPDX-License-Identifier: GPL-2.0
/*
 * ping: drop ICMP and ICMPv6 echo requests, or only report them, in XDP.
 *
 *	Ethernet, VLAN tags -> IPv4, IPv6 -> echo request? -> --src, --dst
 *		-> --every -> drop or pass
 *
 * Whatever leaves this line early passes untouched. A fragmented request is
 * matched by its first fragment; the others carry no ICMP header.
 */
#include <linux/bpf.h>
#include "pkt_parse.bpf.h"
#include "ping.h"

const volatile struct ping_prefix src_prefix;
const volatile struct ping_prefix dst_prefix;
const volatile __u32 every = 1;
const volatile bool drop = true;
const volatile bool events = true;

/* Matched requests so far, of all CPUs: --every counts them. */
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

/* The echo header (RFC 792, RFC 4443 section 4.1), the same in both families. */
struct echo {
	__be16 id;
	__be16 seq;
};

static __always_inline bool parse_echo4(struct pkt_cursor *cur, const struct pkt_ip *ip,
					struct echo *echo)
{
	struct icmphdr *icmp = pkt_icmp(cur, ip);

	if (!icmp || icmp->type != ICMP_ECHO || icmp->code)
		return false;
	echo->id = icmp->un.echo.id;
	echo->seq = icmp->un.echo.sequence;
	return true;
}

static __always_inline bool parse_echo6(struct pkt_cursor *cur, const struct pkt_ip *ip,
					struct echo *echo)
{
	struct icmp6hdr *icmp = pkt_icmp6(cur, ip);

	if (!icmp || icmp->icmp6_type != ICMPV6_ECHO_REQUEST || icmp->icmp6_code)
		return false;
	echo->id = icmp->icmp6_identifier;
	echo->seq = icmp->icmp6_sequence;
	return true;
}

static __always_inline bool parse_echo(struct pkt_cursor *cur, const struct pkt_ip *ip,
				       struct echo *echo)
{
	if (ip->v4 && ip->proto == IPPROTO_ICMP)
		return parse_echo4(cur, ip, echo);
	if (ip->v6 && ip->proto == IPPROTO_ICMPV6)
		return parse_echo6(cur, ip, echo);
	return false;
}

/* An IPv4 address as an IPv6 one, so that one comparison does for both. */
static __always_inline void map_ipv4(__be32 to[4], __be32 addr)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = addr;
}

static __always_inline void get_addresses(const struct pkt_ip *ip, struct ping_event *ev)
{
	if (ip->v4) {
		map_ipv4(ev->saddr, ip->v4->saddr);
		map_ipv4(ev->daddr, ip->v4->daddr);
		ev->family = 4;
		return;
	}
	__builtin_memcpy(ev->saddr, &ip->v6->saddr, sizeof(ev->saddr));
	__builtin_memcpy(ev->daddr, &ip->v6->daddr, sizeof(ev->daddr));
	ev->family = 6;
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

/* What to do with an echo request that --src and --dst let in. */
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

static __always_inline __u32 handle(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_cursor(ctx->data, ctx->data_end);
	struct ping_event ev = {};
	enum pkt_status status;
	struct echo echo;
	struct pkt_ip ip;

	status = pkt_parse_ip(&cur, &ip);
	if (status == PKT_NOT_IP)
		return PING_PASS_NOT_IP;
	if (status != PKT_OK)
		return PING_PASS_BAD;
	if (!parse_echo(&cur, &ip, &echo))
		return PING_PASS_NO_ECHO;

	get_addresses(&ip, &ev);
	if (!in_prefix(ev.saddr, ev.family, &src_prefix) ||
	    !in_prefix(ev.daddr, ev.family, &dst_prefix))
		return PING_PASS_FILTER;

	ev.reason = decide();
	ev.ifindex = ctx->ingress_ifindex;
	ev.id = echo.id;
	ev.seq = echo.seq;
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
