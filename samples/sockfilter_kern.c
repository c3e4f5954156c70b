// SPDX-License-Identifier: GPL-2.0
/*
 * sockfilter: hand copies of TCP packets to user space.
 *
 *	-Q in|out? -> --proto, --host, --port -> expression? -> copy
 *
 * A socket filter decides of which packets the socket gets a copy. The filter cannot drop, change
 * or delay the packet itself, which goes on whatever the filter returns. The filter returns the
 * number of bytes to copy; 0 means no copy.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include "sock_match.bpf.h"
#include "sockfilter.h"

const volatile struct sock_match match;
const volatile __u32 snaplen = 262144;
const volatile bool take_in = true;
const volatile bool take_out = true;
const volatile bool expression;
const volatile bool trace;

/* The kernel gives the loopback device this index in every network namespace. */
#define LOOPBACK_IFINDEX 1

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __SOCKFILTER_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} sockf_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} sockf_events SEC(".maps");

/* The tcpdump expression, translated by the loader (expr.c). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, __SOCKFILTER_EXPR_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sockf_exprs SEC(".maps");

static __always_inline void count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&sockf_counts, &slot);

	if (value)
		(*value)++;
}

/*
 * The filter sees each packet on the loopback device twice: going out, and coming in. Skip the
 * outgoing copy, unless -Q asks only for outgoing packets.
 */
static __always_inline bool wanted_direction(const struct __sk_buff *skb)
{
	if (skb->pkt_type != PACKET_OUTGOING)
		return take_in;
	return take_out && !(take_in && skb->ifindex == LOOPBACK_IFINDEX);
}

static __always_inline __u32 protocol(enum pkt_status status, const struct sock_pkt *pkt)
{
	if (status != PKT_OK)
		return SOCKFILTER_NOT_IP;
	if (pkt->proto == IPPROTO_TCP)
		return SOCKFILTER_TCP;
	if (pkt->proto == IPPROTO_UDP)
		return SOCKFILTER_UDP;
	return sock_is_icmp(pkt) ? SOCKFILTER_ICMP : SOCKFILTER_OTHER_IP;
}

static __always_inline void report(const struct __sk_buff *skb, const struct sock_pkt *pkt,
				   __u32 verdict)
{
	struct sockfilter_event ev = {
		.ts_ns = bpf_ktime_get_ns(),
		.pkt = *pkt,
		.ifindex = skb->ifindex,
		.len = skb->len,
		.verdict = verdict,
		.outgoing = skb->pkt_type == PACKET_OUTGOING,
	};

	if (bpf_ringbuf_output(&sockf_events, &ev, sizeof(ev), 0))
		count(SOCKFILTER_LOST);
}

SEC("socket")
int sockfilter(struct __sk_buff *skb)
{
	__u32 verdict = SOCKFILTER_SKIP_DIRECTION;
	enum pkt_status status;
	struct sock_pkt pkt;
	__u32 proto;

	status = sock_parse(skb, &pkt);
	if (wanted_direction(skb))
		verdict = SOCKFILTER_VERDICT + sock_match_pkt(&match, status, &pkt);

	proto = protocol(status, &pkt);
	count(proto);
	count(verdict);
	if (trace && (proto == SOCKFILTER_TCP || proto == SOCKFILTER_ICMP))
		report(skb, &pkt, verdict);
	if (verdict != SOCKFILTER_VERDICT + SOCK_MATCHED)
		return 0;

	if (expression) {
		/* The translated expression decides. A tail call returns only if it fails. */
		bpf_tail_call(skb, &sockf_exprs, skb->vlan_present ?
			      SOCKFILTER_EXPR_TAGGED : SOCKFILTER_EXPR_PLAIN);
		return 0;
	}
	return snaplen;
}

char _license[] SEC("license") = "GPL";
