// SPDX-License-Identifier: GPL-2.0
/*
 * network: programs for all hooks that an incoming packet meets, in one sample.
 *
 *	driver -> XDP -> skb -> AF_PACKET: socket filter -> TC ingress -> IP
 *
 * For each packet, each program sends an event to user space, with the verdict and the first
 * bytes of the packet. By these bytes, user space recognises the packet at the next hook. User
 * space sets the actions of XDP and TC in two variables while the programs run, so a switch is
 * one store, and no program has to be detached.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include "network.h"
#include "own_addr.h"
#include "pkt_echo.bpf.h"
#include "pkt_parse.bpf.h"
#include "tc_echo.bpf.h"
#include "tc_mac.bpf.h"

/* enum network_action of each hook; user space writes to them at any time. */
volatile __u32 xdp_action;
volatile __u32 tc_action;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __NETWORK_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} net_counts SEC(".maps");

/* One ring buffer for all hooks, so that events are in the order in which they happened. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096 * 1024);
} net_events SEC(".maps");

/* The addresses of the interfaces; samples/lib/addrs.c keeps this map up to date. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OWN_ADDR_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct own_addr);
	__type(value, __u32);
} own_addrs SEC(".maps");

static __always_inline void count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&net_counts, &slot);

	if (value)
		(*value)++;
}

/* Fill an event, except the verdict. Clear the padding, too, or the verifier refuses. */
static __always_inline void begin(struct network_event *ev, __u32 hook, __u32 ifindex, __u32 len)
{
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->ts_ns = bpf_ktime_get_ns();
	ev->ifindex = ifindex;
	ev->len = len;
	ev->hook = hook;
}

/*
 * Send the event when the verdict is known. The event is on the stack, because a pointer from
 * bpf_ringbuf_reserve() may be NULL, and the verifier of Linux 6.1 does not keep track of that
 * check from the beginning of the program to its end.
 */
static __always_inline void end(struct network_event *ev, __u32 verdict)
{
	count(NETWORK_SEEN + ev->hook * __NETWORK_VERDICT_MAX + verdict);
	ev->verdict = verdict;
	if (bpf_ringbuf_output(&net_events, ev, sizeof(*ev), 0))
		count(NETWORK_LOST);
}

/*
 * Number of bytes of the packet to copy into the event. False if the packet is shorter than an
 * Ethernet header. The barriers keep the compiler from merging the tests of both limits, and
 * from dropping the last test, which the verifier needs (at least that of Linux 6.1).
 */
static __always_inline bool headers_len(__u32 len, __u32 *n)
{
	*n = len < NETWORK_HEADERS ? len : NETWORK_HEADERS;
	barrier_var(*n);
	if (*n < ETH_HLEN)
		return false;
	barrier_var(*n);
	return *n <= NETWORK_HEADERS;
}

/* --- XDP ------------------------------------------------------------------- */

static __always_inline bool is_echo(struct xdp_md *ctx)
{
	struct pkt_cursor cur = pkt_start(ctx->data, ctx->data_end);
	struct pkt_ip ip;

	return pkt_parse_ip(&cur, &ip) == PKT_OK && pkt_echo(&cur, &ip);
}

SEC("xdp.frags")
int net_xdp(struct xdp_md *ctx)
{
	__u32 n, len = bpf_xdp_get_buff_len(ctx);
	__u32 verdict = NETWORK_PASS;
	struct network_event ev;

	begin(&ev, NETWORK_XDP, ctx->ingress_ifindex, len);
	if (headers_len(len, &n) && !bpf_xdp_load_bytes(ctx, 0, ev.headers, n))
		ev.n_headers = n;

	if (xdp_action == NETWORK_ACTION_DROP_PING && is_echo(ctx))
		verdict = NETWORK_DROP;
	end(&ev, verdict);
	return verdict == NETWORK_DROP ? XDP_DROP : XDP_PASS;
}

/* --- AF_PACKET and TC ------------------------------------------------------ */

static __always_inline void begin_skb(struct network_event *ev, __u32 hook,
				      const struct __sk_buff *skb)
{
	__u32 n, len = skb->len;

	begin(ev, hook, skb->ifindex, len);
	if (headers_len(len, &n) && !bpf_skb_load_bytes(skb, 0, ev->headers, n))
		ev->n_headers = n;
}

/* Return 0, so that the socket gets no copy: the event has all that user space needs. */
SEC("socket")
int net_sock(struct __sk_buff *skb)
{
	struct network_event ev;

	/* Skip outgoing packets, and copies of them that the kernel loops back. */
	if (skb->pkt_type == PACKET_OUTGOING || skb->pkt_type == PACKET_LOOPBACK)
		return 0;
	begin_skb(&ev, NETWORK_SOCKFILTER, skb);
	end(&ev, NETWORK_COPY);
	return 0;
}

static __always_inline __u32 tc_decide(struct __sk_buff *skb)
{
	struct tc_echo req = {};
	__u32 action = tc_action;

	if (action == NETWORK_ACTION_DROP)
		return NETWORK_DROP;
	if (action == NETWORK_ACTION_PASS || tc_echo_find(skb, &req) != TC_ECHO_FOUND)
		return NETWORK_PASS;
	if (action == NETWORK_ACTION_DROP_PING)
		return NETWORK_DROP;
	return tc_echo_answer(skb, &req, &own_addrs, false) == TC_ECHO_ANSWERED ?
	       NETWORK_ANSWER : NETWORK_PASS;
}

SEC("tc")
int net_tc(struct __sk_buff *skb)
{
	struct network_event ev;
	__u32 verdict;

	tc_mac_restore(skb);
	/* Copy the headers now: tc_decide() may turn the request into its reply. */
	begin_skb(&ev, NETWORK_TC, skb);
	verdict = tc_decide(skb);
	end(&ev, verdict);
	switch (verdict) {
	case NETWORK_DROP:
		return TC_ACT_SHOT;
	case NETWORK_ANSWER:
		/* Send the reply out of the interface of the request, with its VLAN tag. */
		return bpf_redirect(skb->ifindex, 0);
	default:
		/* Let the next programs and filters decide. */
		return TC_ACT_UNSPEC;
	}
}

char _license[] SEC("license") = "GPL";
