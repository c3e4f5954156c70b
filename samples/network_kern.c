// SPDX-License-Identifier: GPL-2.0
/*
 * network: every hook that a packet meets on its way in, at once.
 *
 *	driver -> XDP -> skb -> AF_PACKET: socket filter -> TC ingress -> IP
 *
 * Each program tells user space that it met a packet, and what it did with it;
 * the beginning of the packet goes along, by which user space knows it again at
 * the next hook. What to do stands in two variables that user space writes to
 * while the programs run: switching takes one store, and no program goes.
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

/* enum network_action */
volatile __u32 xdp_action;
volatile __u32 tc_action;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __NETWORK_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} net_counts SEC(".maps");

/* One for all hooks: what comes first in it happened first. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096 * 1024);
} net_events SEC(".maps");

/* The addresses of the interfaces, kept up to date by samples/sample_addrs.c. */
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

/* An event without verdict. The padding is cleared too: the verifier asks for it. */
static __always_inline void begin(struct network_event *ev, __u32 hook, __u32 ifindex, __u32 len)
{
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->ts_ns = bpf_ktime_get_ns();
	ev->ifindex = ifindex;
	ev->len = len;
	ev->hook = hook;
}

/*
 * Told at the end, when the verdict is known, from the stack. A reserved record
 * would be NULL or not until then, and the verifier of Linux 6.1 does not remember
 * which of them.
 */
static __always_inline void end(struct network_event *ev, __u32 verdict)
{
	count(NETWORK_SEEN + ev->hook * __NETWORK_VERDICT_MAX + verdict);
	ev->verdict = verdict;
	if (bpf_ringbuf_output(&net_events, ev, sizeof(*ev), 0))
		count(NETWORK_LOST);
}

/*
 * How much of the packet to tell; false: it has not even an Ethernet header. The
 * barriers keep the compiler from testing both limits in one go, and from leaving
 * out the last test, which is for the verifier (of Linux 6.1, at least).
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

/* The socket takes no copy (0): the filter itself has told all there is. */
SEC("socket")
int net_sock(struct __sk_buff *skb)
{
	struct network_event ev;

	/* Going out, or back in what this socket's own host sent. */
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
	/* Before the request becomes the reply. */
	begin_skb(&ev, NETWORK_TC, skb);
	verdict = tc_decide(skb);
	end(&ev, verdict);
	switch (verdict) {
	case NETWORK_DROP:
		return TC_ACT_SHOT;
	case NETWORK_ANSWER:
		/* Out of the interface it came in on, with its VLAN tag. */
		return bpf_redirect(skb->ifindex, 0);
	default:
		/* The programs behind this one have their say. */
		return TC_ACT_UNSPEC;
	}
}

char _license[] SEC("license") = "GPL";
