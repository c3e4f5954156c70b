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
#include "pkt_echo.bpf.h"
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

static __always_inline void report(struct echo_event *ev)
{
	if (!events)
		return;
	ev->ts_ns = bpf_ktime_get_ns();
	ev->verdict = ev->reason == PING_DROP_ECHO ? ECHO_DROP : ECHO_PASS;
	if (bpf_ringbuf_output(&ping_events, ev, sizeof(*ev), 0))
		count(PING_LOST);
}

static __always_inline __u32 handle(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_cursor(ctx->data, ctx->data_end);
	struct echo_event ev = {};
	enum pkt_status status;
	struct icmphdr *icmp;
	struct pkt_ip ip;

	status = pkt_parse_ip(&cur, &ip);
	if (status == PKT_NOT_IP)
		return PING_PASS_NOT_IP;
	if (status != PKT_OK)
		return PING_PASS_BAD;
	icmp = pkt_echo(&cur, &ip);
	if (!icmp)
		return PING_PASS_NO_ECHO;

	pkt_echo_event(&ev, &ip, icmp);
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
