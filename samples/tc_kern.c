// SPDX-License-Identifier: GPL-2.0
/*
 * tc: drop all packets, drop pings, or answer pings, in TC.
 *
 *	Ethernet, VLAN tags -> IPv4, IPv6 -> echo request? -> action
 *		-> pingpong: whole, from host to host, for us? -> answer
 *
 * A packet that does not get to the end of this line passes unchanged, unless the action is to
 * drop all packets. For packets that pass, the program returns TC_ACT_UNSPEC, so that the next
 * programs and filters decide.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "own_addr.h"
#include "tc.h"
#include "tc_echo.bpf.h"
#include "tc_mac.bpf.h"

const volatile __u32 action = TC_PINGPONG;
const volatile bool any;
const volatile bool events = true;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __TC_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} tc_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} tc_events SEC(".maps");

/* The addresses of the interfaces; samples/lib/addrs.c keeps this map up to date. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OWN_ADDR_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct own_addr);
	__type(value, __u32);
} own_addrs SEC(".maps");

static __always_inline void count(__u32 reason)
{
	__u64 *value = bpf_map_lookup_elem(&tc_counts, &reason);

	if (value)
		(*value)++;
}

/* The counter of each result of tc_echo_find() and tc_echo_answer(). */
static const __u8 reasons[] = {
	[TC_ECHO_NOT_IP] = TC_PASS_NOT_IP,
	[TC_ECHO_BAD] = TC_PASS_BAD,
	[TC_ECHO_NONE] = TC_PASS_NO_ECHO,
	[TC_ECHO_FOUND] = TC_PASS_ACTION,
	[TC_ECHO_FRAGMENT] = TC_PASS_FRAGMENT,
	[TC_ECHO_CUT] = TC_PASS_CUT,
	[TC_ECHO_CAST] = TC_PASS_CAST,
	[TC_ECHO_NOT_OWN] = TC_PASS_NOT_OWN,
	[TC_ECHO_ANSWERED] = TC_ANSWER,
};

static __always_inline __u32 reason_of(__u32 result)
{
	return result < sizeof(reasons) ? reasons[result] : TC_PASS_BAD;
}

static __always_inline __u32 decide(struct __sk_buff *skb, const struct tc_echo *req)
{
	switch (action) {
	case TC_DROP:
	case TC_DROP_PING:
		return TC_DROP_ECHO;
	case TC_PINGPONG:
		return reason_of(tc_echo_answer(skb, req, &own_addrs, any));
	default:
		return TC_PASS_ACTION;
	}
}

static __always_inline void report(struct echo_event *ev)
{
	if (!events)
		return;
	ev->ts_ns = bpf_ktime_get_ns();
	if (ev->reason == TC_ANSWER)
		ev->verdict = ECHO_ANSWER;
	else
		ev->verdict = ev->reason == TC_DROP_ECHO ? ECHO_DROP : ECHO_PASS;
	if (bpf_ringbuf_output(&tc_events, ev, sizeof(*ev), 0))
		count(TC_LOST);
}

static __always_inline __u32 handle(struct __sk_buff *skb)
{
	struct tc_echo req = {};
	__u32 result;

	result = tc_echo_find(skb, &req);
	if (result != TC_ECHO_FOUND)
		return action == TC_DROP ? TC_DROP_OTHER : reason_of(result);

	req.ev.reason = decide(skb, &req);
	report(&req.ev);
	return req.ev.reason;
}

SEC("tc")
int netbpf_tc(struct __sk_buff *skb)
{
	__u32 reason;

	tc_mac_restore(skb);
	reason = handle(skb);
	count(reason);
	switch (reason) {
	case TC_DROP_OTHER:
	case TC_DROP_ECHO:
		return TC_ACT_SHOT;
	case TC_ANSWER:
		/* Send the reply out of the interface of the request, with its VLAN tag. */
		return bpf_redirect(skb->ifindex, 0);
	default:
		return TC_ACT_UNSPEC;
	}
}

char _license[] SEC("license") = "GPL";
