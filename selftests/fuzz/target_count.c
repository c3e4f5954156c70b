// SPDX-License-Identifier: GPL-2.0
/* Predicts what programs about all packets do: pktcount, sockfilter, network. */
#include <linux/pkt_cls.h>
#include "fuzz.h"
#include "network.h"
#include "pktcount.h"
#include "sockfilter.h"
#include "network.skel.h"
#include "pktcount.skel.h"
#include "sockfilter.skel.h"

/* --- pktcount -------------------------------------------------------------------------- */

static int load_pktcount(struct fuzz_target *t)
{
	struct pktcount_kern *skel = pktcount_kern__open();
	int err;

	if (!skel)
		return -errno;
	skel->rodata->events = true;
	skel->rodata->top = true;
	err = pktcount_kern__load(skel) ?: fuzz_loaded(t, skel, skel->progs.pktcount,
						       skel->maps.pktcount_counts,
						       skel->maps.pktcount_events);
	/* Do not compare the number of sources: it depends on those that the LRU map pushed out. */
	t->n_counts = offsetof(struct pktcount_cpu, sources) / sizeof(__u64);
	return err;
}

static __u8 want_class(const struct model *m)
{
	switch (m->type) {
	case ETH_P_IP:
		return PKTCOUNT_IPV4;
	case ETH_P_IPV6:
		return PKTCOUNT_IPV6;
	case ETH_P_ARP:
		return PKTCOUNT_ARP;
	default:
		return PKTCOUNT_OTHER;
	}
}

static __u8 with_header(bool has, __u8 protocol)
{
	return has ? protocol : PKTCOUNT_MALFORMED;
}

static __u8 want_protocol(const struct model *m)
{
	if (m->status != MODEL_IP)
		return PKTCOUNT_MALFORMED;
	if (m->frag == MODEL_LATER)
		return PKTCOUNT_FRAGMENT;
	switch (m->proto) {
	case IPPROTO_TCP:
		return with_header(model_has_tcp(m), PKTCOUNT_TCP);
	case IPPROTO_UDP:
		return with_header(model_has_l4(m, 8), PKTCOUNT_UDP);
	case IPPROTO_SCTP:
		return with_header(model_has_l4(m, 12), PKTCOUNT_SCTP);
	case IPPROTO_GRE:
		return PKTCOUNT_GRE;
	case IPPROTO_ESP:
		return PKTCOUNT_ESP;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return PKTCOUNT_IPIP;
	}
	if (m->family == 4 && m->proto == IPPROTO_ICMP)
		return with_header(model_has_l4(m, 8), PKTCOUNT_ICMP);
	if (m->family == 6 && m->proto == IPPROTO_ICMPV6)
		return with_header(model_has_l4(m, 8), PKTCOUNT_ICMPV6);
	if (m->family == 4 && m->proto == IPPROTO_IGMP)
		return PKTCOUNT_IGMP;
	return PKTCOUNT_IP_OTHER;
}

static void tell_packet(const struct model *m, struct fuzz_want *want, __u8 class, __u8 protocol)
{
	struct pktcount_event *ev = (void *)want->event;

	want->event_len = sizeof(*ev);
	ev->ifindex = FUZZ_IFINDEX;
	ev->len = m->len;
	ev->ethertype = htons(m->type);
	ev->class = class;
	ev->protocol = protocol;
	ev->vlan = m->tagged;
	if (m->status != MODEL_IP)
		return;
	ev->has_ip = 1;
	ev->ip_proto = m->proto;
	memcpy(ev->saddr, m->src, 16);
	memcpy(ev->daddr, m->dst, 16);
	if (protocol != PKTCOUNT_TCP && protocol != PKTCOUNT_UDP && protocol != PKTCOUNT_SCTP)
		return;
	memcpy(&ev->sport, m->data + m->l4_at, 2);
	memcpy(&ev->dport, m->data + m->l4_at + 2, 2);
}

static void add_cell(struct pktcount_cell *cell, __u32 len)
{
	cell->packets++;
	cell->bytes += len;
}

static void predict_pktcount(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	struct pktcount_cpu *counts = (void *)t->count;
	__u8 class = want_class(m), protocol = 0;

	want->verdict = XDP_PASS;
	add_cell(&counts->classes[class], m->len);
	if (m->tagged)
		add_cell(&counts->classes[PKTCOUNT_VLAN], m->len);
	if (class == PKTCOUNT_IPV4 || class == PKTCOUNT_IPV6) {
		protocol = want_protocol(m);
		add_cell(&counts->protocols[protocol], m->len);
	}
	counts->events++;
	tell_packet(m, want, class, protocol);
}

/* --- sockfilter ---------------------------------------------------------------------------- */

enum {
	/* Variants of sockfilter; SOCK_SOME asks for PORT. */
	SOCK_ALL,
	SOCK_SOME,
	PORT = BUILD_DPORT,
	SNAP = 4321,
};

static int load_sockfilter(struct fuzz_target *t)
{
	struct sockfilter_kern *skel = sockfilter_kern__open();
	struct sock_match *match;

	if (!skel)
		return -errno;
	skel->rodata->snaplen = SNAP;
	skel->rodata->trace = true;
	if (t->variant == SOCK_SOME) {
		match = (struct sock_match *)&skel->rodata->match;
		match->proto = IPPROTO_TCP;
		match->port = PORT;
		match->family = 6;
		/* 2001:db8:1::/48 */
		inet_pton(AF_INET6, "2001:db8:1::", match->addr);
		inet_pton(AF_INET6, "ffff:ffff:ffff::", match->mask);
	}
	return sockfilter_kern__load(skel) ?: fuzz_loaded(t, skel, skel->progs.sockfilter,
							  skel->maps.sockf_counts,
							  skel->maps.sockf_events);
}

static bool has_ports(const struct model *m)
{
	__u32 header = m->proto == IPPROTO_TCP ? 20 : 8;

	if (m->proto != IPPROTO_TCP && m->proto != IPPROTO_UDP)
		return false;
	/* The IP length must cover the whole header, but the frame need only have the ports. */
	return m->l4_len >= header && model_has_l4(m, 4);
}

static bool is_icmp(const struct model *m)
{
	return m->proto == (m->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool in_network(const __u8 addr[16])
{
	static const __u8 net[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 };

	return !memcmp(addr, net, sizeof(net));
}

static bool has_port(const struct model *m)
{
	static const __u8 port[] = { PORT >> 8, PORT & 0xff };
	const __u8 *l4 = m->data + m->l4_at;

	return has_ports(m) && (!memcmp(l4, port, 2) || !memcmp(l4 + 2, port, 2));
}

static __u32 want_sock_verdict(const struct fuzz_target *t, const struct model *m)
{
	if (t->variant == SOCK_ALL)
		return SOCK_MATCHED;
	if (m->status != MODEL_IP)
		return m->status == MODEL_BAD ? SOCK_SKIP_BAD : SOCK_SKIP_NOT_IP;
	if (m->proto != IPPROTO_TCP)
		return SOCK_SKIP_PROTO;
	if (m->family != 6 || !(in_network(m->src) || in_network(m->dst)))
		return SOCK_SKIP_HOST;
	return has_port(m) ? SOCK_MATCHED : SOCK_SKIP_PORT;
}

static __u32 sock_protocol(const struct model *m)
{
	if (m->status != MODEL_IP)
		return SOCKFILTER_NOT_IP;
	if (m->proto == IPPROTO_TCP)
		return SOCKFILTER_TCP;
	if (m->proto == IPPROTO_UDP)
		return SOCKFILTER_UDP;
	return is_icmp(m) ? SOCKFILTER_ICMP : SOCKFILTER_OTHER_IP;
}

static void tell_trace(const struct model *m, struct fuzz_want *want, __u32 verdict)
{
	struct sockfilter_event *ev = (void *)want->event;

	want->event_len = sizeof(*ev);
	memcpy(ev->pkt.saddr, m->src, 16);
	memcpy(ev->pkt.daddr, m->dst, 16);
	ev->pkt.family = m->family;
	ev->pkt.proto = m->proto;
	ev->pkt.frag = m->frag;
	if (has_ports(m)) {
		ev->pkt.has_ports = true;
		memcpy(&ev->pkt.sport, m->data + m->l4_at, 2);
		memcpy(&ev->pkt.dport, m->data + m->l4_at + 2, 2);
	}
	ev->ifindex = FUZZ_IFINDEX;
	ev->len = m->len;
	ev->verdict = verdict;
}

static void predict_sockfilter(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	__u32 verdict = want_sock_verdict(t, m), protocol = sock_protocol(m);

	want->verdict = verdict == SOCK_MATCHED ? SNAP : 0;
	t->count[SOCKFILTER_VERDICT + verdict]++;
	t->count[protocol]++;
	if (protocol == SOCKFILTER_TCP || protocol == SOCKFILTER_ICMP)
		tell_trace(m, want, verdict);
}

/* --- network ---------------------------------------------------------------------------------- */

static int load_network(struct fuzz_target *t)
{
	struct network_kern *skel = network_kern__open_and_load();
	const struct bpf_program *prog;

	if (!skel)
		return -errno;
	prog = skel->progs.net_xdp;
	if (t->hook != FUZZ_XDP)
		prog = t->hook == FUZZ_TC ? skel->progs.net_tc : skel->progs.net_sock;
	skel->bss->xdp_action = t->variant;
	skel->bss->tc_action = t->variant;
	return fuzz_own_addresses(skel->maps.own_addrs) ?:
	       fuzz_loaded(t, skel, prog, skel->maps.net_counts, skel->maps.net_events);
}

static __u8 want_network_verdict(const struct fuzz_target *t, const struct model *m)
{
	if (t->hook == FUZZ_SOCKET)
		return NETWORK_COPY;
	if (t->variant == NETWORK_ACTION_DROP ||
	    (t->variant == NETWORK_ACTION_DROP_PING && model_is_echo(m)))
		return NETWORK_DROP;
	if (t->variant == NETWORK_ACTION_PINGPONG && fuzz_is_answered(m))
		return NETWORK_ANSWER;
	return NETWORK_PASS;
}

static __u32 network_retval(enum fuzz_hook hook, __u8 verdict)
{
	switch (hook) {
	case FUZZ_XDP:
		return verdict == NETWORK_DROP ? XDP_DROP : XDP_PASS;
	case FUZZ_TC:
		if (verdict == NETWORK_ANSWER)
			return TC_ACT_REDIRECT;
		return verdict == NETWORK_DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	default:
		return 0;
	}
}

static void predict_network(struct fuzz_target *t, const struct model *m, struct fuzz_want *want)
{
	static const __u8 hooks[] = {
		[FUZZ_XDP] = NETWORK_XDP,
		[FUZZ_TC] = NETWORK_TC,
		[FUZZ_SOCKET] = NETWORK_SOCKFILTER,
	};
	struct network_event *ev = (void *)want->event;

	want->event_len = sizeof(*ev);
	ev->ifindex = FUZZ_IFINDEX;
	ev->len = m->len;
	ev->hook = hooks[t->hook];
	ev->verdict = want_network_verdict(t, m);
	ev->n_headers = m->len < NETWORK_HEADERS ? m->len : NETWORK_HEADERS;
	memcpy(ev->headers, m->data, ev->n_headers);
	t->count[NETWORK_SEEN + ev->hook * __NETWORK_VERDICT_MAX + ev->verdict]++;
	want->verdict = network_retval(t->hook, ev->verdict);
	want->answered = ev->verdict == NETWORK_ANSWER;
}

struct fuzz_target fuzz_count_targets[] = {
	/* Two counters (packets, bytes) for each class and protocol, and one for events. */
	FUZZ_TARGET("pktcount", FUZZ_XDP, pktcount, 0,
		    2 * (__PKTCOUNT_CLASS_MAX + __PKTCOUNT_PROTOCOL_MAX) + 1),
	FUZZ_TARGET("sockfilter", FUZZ_SOCKET, sockfilter, SOCK_ALL, 6),
	FUZZ_TARGET("sockfilter-match", FUZZ_SOCKET, sockfilter, SOCK_SOME, 11),
	FUZZ_TARGET("network-xdp", FUZZ_XDP, network, NETWORK_ACTION_DROP_PING, 2),
	FUZZ_TARGET("network-sock", FUZZ_SOCKET, network, NETWORK_ACTION_PASS, 1),
	FUZZ_TARGET("network-drop", FUZZ_TC, network, NETWORK_ACTION_DROP, 1),
	FUZZ_TARGET("network-ping", FUZZ_TC, network, NETWORK_ACTION_DROP_PING, 2),
	FUZZ_TARGET("network-pingpong", FUZZ_TC, network, NETWORK_ACTION_PINGPONG, 2),
	{}
};
