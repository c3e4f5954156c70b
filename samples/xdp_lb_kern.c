// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_lb: a layer-4 load balancer, for XDP and for TC ingress.
 *
 *	Ethernet, VLAN tags -> IPv4, IPv6 -> an address of ours? -> for our MAC?
 *	  -> ICMP: an error about a connection? ----------------> translate, forward
 *	  -> TCP, UDP: ports, also of fragments
 *	       -> to a SNAT port: reply of a backend -----------> to the client
 *	       -> in the flow table: established ---------------> forward
 *	       -> a service: choose by hash, enter -------------> forward
 *
 * A packet that is not for a service passes unchanged. A packet for a service that cannot
 * be forwarded is counted under one reason (enum lb_reason) in lb_reasons. The program makes
 * no policy: the control program fills the rings and follows routes and neighbours.
 *
 * One packet, step by step. The service is 203.0.113.80:80 in mode nat, with the SNAT address
 * 10.0.0.1 and the backend 10.0.0.11:8080. The files are in parts/xdp_lb/bpf/, "-" is this
 * one. The client sends 192.0.2.7:40000 -> 203.0.113.80:80, SYN:
 *
 *	function          file     map: what happens
 *	lb_get_conf()     pkt      lb_config
 *	lb_parse_ip()     pkt      Ethernet, VLAN tags, IP header
 *	lb_in_filter()    pkt      lb_filter: the bit of 203.0.113.80 is set
 *	lb_is_for_us()    pkt      lb_config: the frame is for the interface's MAC address
 *	lb_parse_l4()     pkt      ports and TCP flags (fragments: lb_fragment(), lb_frags)
 *	lb_find_port()    flow     lb_config: the destination is no SNAT address, so no reply
 *	lb_find()         flow     lb_buckets: no connection with this hash (hash.h)
 *	lb_find_vip()     connect  lb_vips: the service, its mode
 *	lb_fetch_ports()  enter    lb_config, lb_reverse: start to load a line of ports
 *	lb_pick()         connect  lb_rings: the backend in the slot that the hash selects
 *	lb_claim()        enter    lb_buckets: a slot becomes LB_FLOW_CLAIMED
 *	lb_claim_port()   enter    lb_reverse: port 32768 of 10.0.0.1 points to this slot
 *	lb_publish()      flow     lb_buckets: LB_FLOW_SYN: other CPUs find the connection
 *	lb_translate()    -        lb_backends: address, MTU, MAC addresses of the next hop
 *	lb_rewrite()      rewrite  10.0.0.1:32768 -> 10.0.0.11:8080, checksums, TTL - 1
 *	lb_sent()         -        lb_stats; XDP_TX, or bpf_redirect() to another interface
 *
 * The backend answers 10.0.0.11:8080 -> 10.0.0.1:32768, SYN and ACK. The first five steps
 * are the same: the SNAT address has a bit in lb_filter, too. Then:
 *
 *	lb_find_port()    flow     lb_reverse: the slot; lb_buckets: the connection in it;
 *	                           lb_backends: the sender is its backend
 *	lb_touch()        flow     lb_reverse: the port is taken for longer;
 *	                           lb_buckets: LB_FLOW_SYNACK
 *	lb_rewrite()      rewrite  203.0.113.80:80 -> 192.0.2.7:40000, to the MAC address that
 *	                           the SYN came from
 *	lb_sent()         -        lb_stats; out of the interface that the SYN came in on
 *
 * For the client's next packet lb_find() finds the connection, and no function of connect or
 * enter runs. The other modes, and TC:
 *
 *	dnat  lb_claim_port() is left out. A reply is found by lb_find_dnat(): lb_dnat has the
 *	      service of its sender, lb_buckets the connection.
 *	dsr   lb_send_as_is() changes MAC addresses only. A SYN makes no entry; the packets
 *	      after it do. Replies bypass this host.
 *	ipip  As dsr, but lb_encap() (rewrite) puts an outer IP header in front.
 *	TC    tc_lb() puts the headers into place, then the path is the same.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include "parts/xdp_lb/bpf/connect.bpf.h"
#include "parts/xdp_lb/bpf/icmp.bpf.h"
#include "parts/xdp_lb/bpf/rewrite.bpf.h"
#include "tc_mac.bpf.h"

/* Returns what the program returns, or LB_ANSWER. */
static __always_inline int lb_not_forwarded(const struct lb_pkt *pkt, int reason)
{
	_Static_assert(LB_PASS_OTHER < LB_PASS_ICMP && LB_PASS_BAD < LB_PASS_ICMP &&
		       LB_PASS_TTL < LB_PASS_ICMP && LB_PASS_ICMP + 1 == LB_DROP_MALFORMED,
		       "LB_PASS_* come first");
	if (reason == LB_ANSWER)
		return LB_ANSWER;
	lb_count(reason);
	if (reason <= LB_PASS_ICMP)
		return pkt->tc ? TC_ACT_UNSPEC : XDP_PASS;
	if (reason == LB_TOO_BIG)
		return lb_transmit(pkt, pkt->ifindex);
	return pkt->tc ? TC_ACT_SHOT : XDP_DROP;
}

/* --- size ------------------------------------------------------------------------------ */

/*
 * Generic XDP may see a packet before it is segmented, and cannot tell the segment size.
 * A packet that leaves by the interface it came in on is assumed to fit. Any other interface
 * silently drops a redirected packet that is larger than its MTU.
 */
static __always_inline bool lb_fits(const struct lb_pkt *pkt, __u32 ifindex, __u32 mtu)
{
	return pkt->wire <= mtu || (!pkt->tc && ifindex == pkt->ifindex);
}

/*
 * True if the packet fits with its outer header. When the kernel cuts a TCP packet into
 * segments, it makes them smaller by the outer header (skb_decrease_gso_size()): then the
 * outer header does not count.
 */
static __always_inline bool lb_fits_tunnel(const struct lb_pkt *pkt, __u32 outer, __u32 mtu)
{
	if (lb_is_tcp(&pkt->conn) && pkt->wire != pkt->bytes)
		outer = 0;
	return pkt->wire + outer <= mtu;
}

/* --- to a backend ------------------------------------------------------------------- */

static __always_inline bool lb_lacks_checksum(const struct lb_pkt *pkt)
{
	return !pkt->ip.v4 && !lb_is_tcp(&pkt->conn) && pkt->check && !*pkt->check;
}

static __always_inline int lb_translate(struct lb_pkt *pkt, const struct lb_flow *flow,
					const struct lb_backend *backend)
{
	struct lb_change change = {
		.daddr = &backend->addr,
		.dport = backend->port,
		.smac = backend->smac,
		.dmac = backend->dmac,
	};

	if (lb_ttl_spent(pkt))
		return LB_PASS_TTL;
	if (lb_lacks_checksum(pkt))
		return LB_DROP_UDP6_CHECKSUM;
	if (!lb_fits(pkt, backend->ifindex, backend->mtu))
		return lb_too_big(pkt, backend->mtu);
	if (pkt->conn.forward == LB_NAT) {
		if (!flow || flow->snat >= LB_SNAT_MAX)
			return LB_DROP_ERROR;
		change.saddr = &pkt->conf->snat[flow->snat].addr;
		change.sport = flow->sport;
	}
	return lb_rewrite(pkt, &change) ? LB_DROP_ERROR : LB_GO;
}

/* LB_DSR, LB_IPIP: the inner packet is not changed. */
static __always_inline int lb_send_as_is(struct lb_pkt *pkt,
					 const struct lb_backend *backend)
{
	bool tunnel = pkt->conn.forward == LB_IPIP;
	__u32 outer = tunnel ? lb_outer_len(backend) : 0;

	if (!(tunnel ? lb_fits_tunnel(pkt, outer, backend->mtu) :
		       lb_fits(pkt, backend->ifindex, backend->mtu)))
		/* RFC 1122 section 3.2.2: never send an error about an error. */
		return lb_is_icmp(pkt) ? LB_DROP_TOO_BIG : lb_too_big(pkt, backend->mtu - outer);
	if (tunnel)
		return lb_encap(pkt, backend) ? LB_DROP_ERROR : LB_GO;
	lb_set_macs(pkt->eth, backend->smac, backend->dmac);
	return LB_GO;
}

static __always_inline int lb_sent(const struct lb_pkt *pkt, int reason, __u32 backend,
				   __u32 ifindex, bool reply)
{
	if (reason != LB_GO)
		return lb_not_forwarded(pkt, reason);
	lb_account(backend, pkt->bytes, reply);
	return lb_transmit(pkt, ifindex);
}

static __always_inline int lb_to_backend(struct lb_pkt *pkt, const struct lb_flow *flow)
{
	__u32 index = pkt->conn.backend;
	struct lb_backend *backend = lb_backend_at(index);
	int reason;

	if (!backend)
		return lb_not_forwarded(pkt, LB_DROP_ERROR);
	if (!backend->ifindex)
		return lb_not_forwarded(pkt, LB_DROP_NO_NEIGHBOUR);
	if (lb_is_translated(pkt->conn.forward))
		reason = lb_translate(pkt, flow, backend);
	else
		reason = lb_send_as_is(pkt, backend);
	return lb_sent(pkt, reason, index, backend->ifindex, false);
}

/*
 * A connection keeps its backend, unless the backend is gone, or is down and the connection
 * can move, or the connection has ended and this packet begins a new one.
 */
static __always_inline bool lb_is_usable(const struct lb_conn *conn, const struct lb_flow *flow)
{
	struct lb_backend *backend = lb_backend_at(flow->backend);
	__u8 state = LB_WORD_STATE(conn->word);

	if (!backend || backend->gen != flow->gen || backend->state == LB_BACKEND_UNUSED)
		return false;
	if (backend->state == LB_BACKEND_DOWN &&
	    (lb_is_syn(conn) || !lb_is_tcp(conn) || !lb_is_translated(flow->forward)))
		return false;
	if (lb_is_tcp(conn) && !lb_is_syn(conn))
		return true;
	return state != LB_FLOW_FIN && state != LB_FLOW_RESET &&
	       !lb_is_over(conn->word, conn->now);
}

/* A packet from a client, or one that is not for a service. */
static __always_inline int lb_request(struct lb_pkt *pkt)
{
	struct lb_conn *conn = &pkt->conn;
	struct lb_flow *flow;
	int reason;

	conn->slot = LB_NO_SLOT;
	conn->hash = lb_hash(&conn->key, !!pkt->ip.v4, pkt->conf->seed);
	flow = lb_find(conn);
	if (flow && lb_is_usable(conn, flow) && lb_touch(conn, flow, false)) {
		conn->backend = flow->backend;
		conn->forward = flow->forward;
		return lb_to_backend(pkt, flow);
	}
	reason = lb_connect(conn);
	if (reason != LB_GO)
		return lb_not_forwarded(pkt, reason);
	return lb_to_backend(pkt, conn->slot == LB_NO_SLOT ? NULL : lb_flow_at(conn->slot));
}

/* --- to a client ---------------------------------------------------------------------- */

static __always_inline const struct lb_iface *lb_client_iface(const struct lb_pkt *pkt,
							      const struct lb_flow *flow)
{
	return &pkt->conf->iface[flow->iface % LB_IFACES_MAX];
}

static __always_inline int lb_reply(struct lb_pkt *pkt, struct lb_flow *flow)
{
	const struct lb_iface *iface = lb_client_iface(pkt, flow);
	struct lb_change change = {
		.saddr = &flow->key.vip,
		.sport = flow->key.vport,
		.smac = iface->mac,
		.dmac = flow->cmac,
	};
	int reason = LB_GO;

	if (lb_ttl_spent(pkt))
		return lb_not_forwarded(pkt, LB_PASS_TTL);
	if (lb_lacks_checksum(pkt))
		return lb_not_forwarded(pkt, LB_DROP_UDP6_CHECKSUM);
	if (flow->forward == LB_NAT) {
		change.daddr = &flow->key.client;
		change.dport = flow->key.cport;
	}
	if (!lb_touch(&pkt->conn, flow, true))
		return lb_not_forwarded(pkt, LB_DROP_NO_CONNECTION);
	if (!lb_fits(pkt, iface->ifindex, iface->mtu))
		reason = lb_too_big(pkt, iface->mtu);
	else if (lb_rewrite(pkt, &change))
		reason = LB_DROP_ERROR;
	return lb_sent(pkt, reason, flow->backend, iface->ifindex, true);
}

/* --- ICMP errors ---------------------------------------------------------------------- */

/* The client's side reports an error about a packet that the service sent. */
static __always_inline int lb_error_to_backend(struct lb_pkt *pkt, struct lb_quote *quote)
{
	const struct lb_conn *conn = &pkt->conn;
	struct lb_backend *backend = lb_backend_at(conn->backend);
	const struct lb_flow *flow = lb_flow_at(conn->slot);
	struct lb_change outer = {}, inner = {};
	int reason = LB_GO;

	if (!backend)
		return lb_not_forwarded(pkt, LB_DROP_ERROR);
	if (!backend->ifindex)
		return lb_not_forwarded(pkt, LB_DROP_NO_NEIGHBOUR);
	if (!lb_is_translated(conn->forward)) {
		reason = lb_send_as_is(pkt, backend);
		return lb_sent(pkt, reason, conn->backend, backend->ifindex, false);
	}
	if (lb_ttl_spent(pkt))
		return lb_not_forwarded(pkt, LB_PASS_TTL);
	outer.daddr = &backend->addr;
	outer.smac = backend->smac;
	outer.dmac = backend->dmac;
	inner.saddr = &backend->addr;
	inner.sport = backend->port;
	if (flow && conn->forward == LB_NAT) {
		inner.daddr = &pkt->conf->snat[flow->snat % LB_SNAT_MAX].addr;
		inner.dport = flow->sport;
	}
	if (lb_rewrite_error(pkt, quote, &outer, &inner))
		reason = LB_DROP_ERROR;
	return lb_sent(pkt, reason, conn->backend, backend->ifindex, false);
}

/*
 * The backend's side reports an error about a packet to the backend. The error goes to the
 * client from the service's address: the client does not know the backend.
 */
static __always_inline int lb_error_to_client(struct lb_pkt *pkt, struct lb_quote *quote)
{
	struct lb_flow *flow = lb_flow_at(pkt->conn.slot);
	struct lb_change outer = {}, inner = {};
	const struct lb_iface *iface;
	int reason = LB_GO;

	if (!flow)
		return lb_not_forwarded(pkt, LB_DROP_ERROR);
	if (lb_ttl_spent(pkt))
		return lb_not_forwarded(pkt, LB_PASS_TTL);
	iface = lb_client_iface(pkt, flow);
	outer.saddr = &flow->key.vip;
	outer.smac = iface->mac;
	outer.dmac = flow->cmac;
	inner.daddr = &flow->key.vip;
	inner.dport = flow->key.vport;
	if (flow->forward == LB_NAT) {
		outer.daddr = &flow->key.client;
		inner.saddr = &flow->key.client;
		inner.sport = flow->key.cport;
	}
	if (lb_rewrite_error(pkt, quote, &outer, &inner))
		reason = LB_DROP_ERROR;
	return lb_sent(pkt, reason, flow->backend, iface->ifindex, true);
}

static __always_inline int lb_icmp(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	/* With LB_DNAT, errors to any address get here, not only to addresses of ours. */
	__u32 other = lb_in_filter(&pkt->conn.key.vip) ? LB_PASS_ICMP : LB_PASS_OTHER;
	struct lb_quote quote = {};

	if (!lb_parse_quote(pkt, cur, &quote))
		return lb_not_forwarded(pkt, other);
	if (lb_find_quoted_reply(&pkt->conn))
		return lb_error_to_client(pkt, &quote);
	if (lb_find_quoted_request(&pkt->conn))
		return lb_error_to_backend(pkt, &quote);
	return lb_not_forwarded(pkt, other);
}

/* --- the path ------------------------------------------------------------------------- */

/* May the packet concern us? This runs for each packet of the host, so it is cheap. */
static __always_inline bool lb_concerns_us(const struct lb_pkt *pkt)
{
	if (lb_in_filter(&pkt->conn.key.vip))
		return true;
	return pkt->conf->has_dnat && (lb_is_icmp(pkt) || lb_in_filter(&pkt->conn.key.client));
}

/* Read the ports. Returns LB_GO, or the reason why there are none. */
static __always_inline int lb_get_ports(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	if (pkt->ip.frag != PKT_FRAG_LATER && !lb_parse_l4(pkt, cur))
		return lb_is_vip_addr(&pkt->conn) ? LB_DROP_MALFORMED : LB_PASS_OTHER;
	if (pkt->ip.frag == PKT_FRAG_NONE)
		return LB_GO;
	return lb_fragment(&pkt->conn, pkt->ip.frag_id, pkt->ip.frag == PKT_FRAG_FIRST);
}

/* The filter has the backends of LB_DNAT: packets from other senders skip the lookups. */
static __always_inline bool lb_may_be_dnat(const struct lb_pkt *pkt)
{
	return pkt->conf->has_dnat && lb_in_filter(&pkt->conn.key.client);
}

static __always_inline int lb_transport(struct lb_pkt *pkt, struct pkt_cursor *cur)
{
	struct lb_flow *flow;
	int reason;

	reason = lb_get_ports(pkt, cur);
	if (reason != LB_GO)
		return lb_not_forwarded(pkt, reason);
	flow = lb_find_port(&pkt->conn);
	if (flow)
		return lb_reply(pkt, flow);
	if (lb_may_be_dnat(pkt) && lb_find_dnat(&pkt->conn)) {
		flow = lb_flow_at(pkt->conn.slot);
		return flow ? lb_reply(pkt, flow) : lb_not_forwarded(pkt, LB_DROP_ERROR);
	}
	return lb_request(pkt);
}

static __always_inline int lb_path(struct lb_pkt *pkt)
{
	struct pkt_cursor cur = {
		.pos = lb_data(pkt),
		.end = lb_data_end(pkt),
		.left = lb_skb_len(pkt),
	};
	enum pkt_status status;

	pkt->conf = lb_get_conf();
	if (!pkt->conf)
		return lb_not_forwarded(pkt, LB_PASS_OTHER);
	status = lb_parse_ip(pkt, &cur);
	if (status != PKT_OK)
		return lb_not_forwarded(pkt, status == PKT_NOT_IP ? LB_PASS_OTHER : LB_PASS_BAD);
	if (!lb_concerns_us(pkt) || !lb_is_for_us(pkt) || lb_is_mapped(pkt))
		return lb_not_forwarded(pkt, LB_PASS_OTHER);
	pkt->conn.now = lb_now();
	lb_set_mac(pkt->conn.mac, pkt->eth->h_source);
	if (lb_is_icmp(pkt))
		return lb_icmp(pkt, &cur);
	if (!lb_is_tcp(&pkt->conn) && pkt->ip.proto != IPPROTO_UDP)
		return lb_not_forwarded(pkt, LB_PASS_OTHER);
	return lb_transport(pkt, &cur);
}

/* Mask what a global function returns: the verifier knows nothing about it. */
static __always_inline int lb_answered(const struct lb_pkt *pkt, int reason)
{
	_Static_assert(__LB_REASON_MAX <= 0x20, "the mask keeps every reason");
	return lb_not_forwarded(pkt, reason & 0x1f);
}

SEC("xdp.frags")
int xdp_lb(struct xdp_md *ctx)
{
	struct lb_pkt pkt = { .ctx = ctx, .ifindex = ctx->ingress_ifindex };
	int action = lb_path(&pkt);

	if (action != LB_ANSWER)
		return action;
	return lb_answered(&pkt, lb_too_big_xdp(ctx, &pkt.conn, pkt.l2_len, pkt.fits));
}

SEC("tc")
int tc_lb(struct __sk_buff *skb)
{
	struct lb_pkt pkt = { .ctx = skb, .ifindex = skb->ifindex, .tc = true };
	int action;

	tc_mac_restore(skb);
	/* The headers of an skb may be in pages, where the program cannot read them. */
	if (skb->data_end - skb->data < LB_PULL && skb->len > skb->data_end - skb->data)
		bpf_skb_pull_data(skb, skb->len < LB_PULL ? skb->len : LB_PULL);
	action = lb_path(&pkt);
	if (action != LB_ANSWER)
		return action;
	return lb_answered(&pkt, lb_too_big_tc(skb, &pkt.conn, pkt.l2_len, pkt.fits,
					       pkt.check_at));
}

char _license[] SEC("license") = "GPL";
