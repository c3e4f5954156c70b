// SPDX-License-Identifier: GPL-2.0
/* Packets of connections through the load balancer: see xdp_lb_packet.h. */
#include "test_assert.h"
#include "xdp_lb_packet.h"

const struct shape lb_shapes[LB_SHAPES] = {
	{ .payload = 1 },
	{ .payload = 64, .tcp_opts = 12 },
	{ .vlans = 1, .payload = 100 },
	{ .vlans = 2, .payload = 101, .tcp_opts = 40 },
	{ .ip_opts = 4, .payload = 33 },
	{ .ip_opts = 40, .vlans = 2, .payload = 34, .tcp_opts = 40 },
	{ .ext = true, .payload = 35 },
	{ .ext = true, .vlans = 2, .payload = 36 },
	{ .pad = 90 },
	{ .vlans = 1, .pad = 120, .payload = 3 },
	{ .payload = 1200 },
};

struct conn lb_conn_n(const struct service *vip, __u32 n)
{
	struct conn conn = {
		.vip = *vip,
		.client = lb_client(vip->family, n),
		.cport = 1024 + n * 7 % 60000,
		.vport = ntohs(vip->key.port) ?: 5353,
		.mac = { 0x02, 0xcc, 0, n >> 16, n >> 8, n },
		.backend = NOWHERE,
	};

	return conn;
}

/* --- building ------------------------------------------------------------------------ */

void lb_put_ends(struct build *pkt, const struct ends *ends)
{
	__u8 *l3 = pkt->data + pkt->ip_at;

	if (pkt->family == 4) {
		memcpy(l3 + 12, &ends->src.a[3], 4);
		memcpy(l3 + 16, &ends->dst.a[3], 4);
	} else {
		memcpy(l3 + 8, &ends->src, 16);
		memcpy(l3 + 24, &ends->dst, 16);
	}
	if (pkt->l4_proto == IPPROTO_TCP || pkt->l4_proto == IPPROTO_UDP) {
		build_put16(pkt, pkt->l4_at, ends->sport);
		build_put16(pkt, pkt->l4_at + 2, ends->dport);
	}
}

void lb_build_net(struct build *pkt, const struct ends *ends, const struct shape *shape)
{
	build_start(pkt);
	build_vlans(pkt, shape->vlans);
	if (ends->family == 4) {
		build_ipv4(pkt, shape->ip_opts);
		pkt->data[pkt->ip_at + 8] = shape->ttl ?: 64;
		pkt->data[pkt->ip_at + 1] = 0xb9;
	} else {
		build_ipv6(pkt);
		pkt->data[pkt->ip_at + 7] = shape->ttl ?: 64;
		pkt->data[pkt->ip_at] = 0x6b;
		pkt->data[pkt->ip_at + 1] = 0x95;
		if (shape->ext) {
			build_ext(pkt, IPPROTO_HOPOPTS, 16);
			build_ext(pkt, IPPROTO_DSTOPTS, 8);
		}
	}
}

void lb_build_transport(struct build *pkt, const struct ends *ends, __u8 flags,
			const struct shape *shape)
{
	if (ends->proto == IPPROTO_TCP) {
		build_tcp(pkt, shape->tcp_opts);
		pkt->data[pkt->l4_at + 13] = flags;
		put16(pkt->data, pkt->l4_at + 4, 0x1234 + ends->sport);
		put16(pkt->data, pkt->l4_at + 8, 0x4321 + ends->dport);
	} else {
		build_udp(pkt);
	}
	build_payload(pkt, shape->payload);
}

void lb_build(struct build *pkt, const struct ends *ends, __u8 flags, const struct shape *shape)
{
	static const struct shape plain = { .payload = 16 };

	shape = shape ?: &plain;
	lb_build_net(pkt, ends, shape);
	lb_build_transport(pkt, ends, flags, shape);
	lb_put_ends(pkt, ends);
	build_finish(pkt);
	build_pad(pkt, shape->pad);
}

struct ends lb_request_ends(const struct conn *conn)
{
	return (struct ends) {
		.src = conn->client,
		.dst = conn->vip.key.addr,
		.sport = conn->cport,
		.dport = conn->vport,
		.proto = conn->vip.key.proto,
		.family = conn->vip.family,
	};
}

struct ends lb_reply_ends(const struct _test_data_lb *self, const struct conn *conn)
{
	const struct lb_backend *backend = &self->maps.backends[conn->backend];

	return (struct ends) {
		.src = backend->addr,
		.dst = conn->source,
		.sport = ntohs(backend->port) ?: conn->vport,
		.dport = conn->sport,
		.proto = conn->vip.key.proto,
		.family = conn->vip.family,
	};
}

void lb_build_request(struct _test_data_lb *self, const struct conn *conn, __u8 flags,
		      const struct shape *shape)
{
	struct ends ends = lb_request_ends(conn);

	lb_build(&self->pkt, &ends, flags, shape);
	want_macs(self->pkt.data, lb_mac_in, conn->mac);
}

void lb_build_reply(struct _test_data_lb *self, const struct conn *conn, __u8 flags,
		    const struct shape *shape)
{
	struct ends ends = lb_reply_ends(self, conn);

	lb_build(&self->pkt, &ends, flags, shape);
	want_macs(self->pkt.data, lb_mac_in, self->maps.backends[conn->backend].dmac);
}

/* --- running ------------------------------------------------------------------------- */

int lb_run_packet(struct _test_data_lb *self)
{
	struct __sk_buff skb = {
		.gso_size = self->gso_size,
		.gso_segs = self->gso_size ? 2 : 0,
	};

	if (!lb_is_tc(self))
		return test_run(self->prog, self->pkt.data, self->pkt.len, &self->out);
	return test_run_skb(self->prog, self->pkt.data, self->pkt.len, &skb, &self->out);
}

void lb_send(LB_ARGS)
{
	ASSERT_EQ(0, lb_run_packet(self));
	self->seen++;
}

static void lb_find_change(LB_ARGS, const __u64 *reasons, const struct lb_backend_stats *stats)
{
	__u32 i, n = 0;

	self->reason = NOWHERE;
	self->backend = NOWHERE;
	for (i = 0; i < LB_INFO_STATELESS; i++) {
		if (reasons[i] == self->reasons[i])
			continue;
		n += reasons[i] - self->reasons[i];
		self->reason = i;
	}
	for (i = 0; i < LB_TEST_BACKENDS; i++) {
		const struct lb_backend_stats *now = &stats[i], *old = &self->stats[i];

		if (now->packets == old->packets && now->reply_packets == old->reply_packets)
			continue;
		n += now->packets - old->packets + now->reply_packets - old->reply_packets;
		self->reply = now->packets == old->packets;
		self->bytes = now->bytes - old->bytes + now->reply_bytes - old->reply_bytes;
		self->backend = i;
	}
	ASSERT_EQ(1, n)
		TH_LOG("counters that this packet changed");
	self->info = reasons[LB_INFO_STATELESS] - self->reasons[LB_INFO_STATELESS];
}

static __u32 lb_wanted_verdict(const struct _test_data_lb *self)
{
	__u32 ifindex = LB_TEST_IN;

	if (self->reason >= 0 && self->reason <= LB_PASS_ICMP)
		return lb_is_tc(self) ? (__u32)TC_ACT_UNSPEC : XDP_PASS;
	if (self->reason >= 0 && self->reason != LB_TOO_BIG)
		return lb_is_tc(self) ? TC_ACT_SHOT : XDP_DROP;
	if (lb_is_tc(self))
		return TC_ACT_REDIRECT;
	if (self->reason == NOWHERE && !self->reply)
		ifindex = self->maps.backends[self->backend].ifindex;
	return ifindex == LB_TEST_IN ? XDP_TX : XDP_REDIRECT;
}

void lb_run(LB_ARGS)
{
	__u64 reasons[__LB_REASON_MAX];
	struct lb_backend_stats stats[LB_TEST_BACKENDS];

	lb_read_reasons(_metadata, self, self->reasons);
	lb_read_stats(_metadata, self, self->stats);
	lb_send(_metadata, self);
	lb_read_reasons(_metadata, self, reasons);
	lb_read_stats(_metadata, self, stats);
	lb_find_change(_metadata, self, reasons, stats);
	ASSERT_EQ(lb_wanted_verdict(self), self->out.verdict)
		TH_LOG("reason %d, backend %d", self->reason, self->backend);
	if (self->reason >= 0 && self->reason <= LB_PASS_ICMP)
		ASSERT_TRUE(test_unchanged(&self->out, self->pkt.data, self->pkt.len));
}

void lb_run_stopped(LB_ARGS, enum lb_reason reason)
{
	lb_run(_metadata, self);
	ASSERT_EQ((int)reason, self->reason)
		build_dump(self->pkt.data, self->pkt.len);
}

void lb_set_rates(LB_ARGS, __u32 flows, __u32 icmps)
{
	int cpu, cpus = libbpf_num_possible_cpus();
	/* The tick, connections, errors; the kernel rounds an entry up to 16 bytes. */
	__u32 rates[cpus][4], zero = 0;

	for (cpu = 0; cpu < cpus; cpu++) {
		rates[cpu][0] = 0;
		rates[cpu][1] = flows;
		rates[cpu][2] = icmps;
	}
	ASSERT_EQ(0, bpf_map__update_elem(lb_skel->maps.lb_rates, &zero, sizeof(zero), rates,
					  sizeof(rates), 0));
}

/* --- comparing ----------------------------------------------------------------------- */

void lb_compare(LB_ARGS, const __u8 *want, __u32 len)
{
	int at = frame_diff(self->out.data, self->out.len, want, len);

	if (at < 0)
		return;
	build_dump(self->pkt.data, self->pkt.len);
	fprintf(stderr, "# wanted:\n");
	build_dump(want, len);
	fprintf(stderr, "# got:\n");
	build_dump(self->out.data, self->out.len);
	ASSERT_EQ(-1, at)
		TH_LOG("first difference, lengths %u and %u", self->out.len, len);
}

void lb_compare_changed(LB_ARGS, const struct want *want, const __u8 *dmac, const __u8 *smac)
{
	static __u8 data[BUILD_MAX];
	struct look look;
	bool right = sums_are_right(self->pkt.data, self->pkt.len);

	memcpy(data, self->pkt.data, self->pkt.len);
	ASSERT_TRUE(look_at(data, self->pkt.len, &look));
	if (want)
		want_apply(data, &look, want);
	want_macs(data, dmac, smac);
	lb_compare(_metadata, self, data, self->pkt.len);
	if (right)
		ASSERT_TRUE(sums_are_right(self->out.data, self->out.len));
}

/* The program must have counted the length that the IP header of the packet states. */
static void lb_check_bytes(LB_ARGS)
{
	struct look look;

	ASSERT_TRUE(look_at(self->pkt.data, self->pkt.len, &look));
	ASSERT_EQ(look.l4 - look.l3 + look.l4_len, self->bytes);
}

/* Note the source that LB_NAT chose: a configured one, and the same for all packets. */
static void lb_learn_source(LB_ARGS, struct conn *conn)
{
	const struct lb_kern_conf *conf = self->maps.config;
	struct lb_addr addr;
	struct look look;
	__u32 i, port;

	ASSERT_TRUE(look_at(self->out.data, self->out.len, &look));
	addr = look_addr(self->out.data, &look, look_saddr_at(&look));
	for (i = 0; i < conf->n_snat; i++)
		if (same_addr(&addr, &conf->snat[i].addr))
			break;
	ASSERT_LT(i, conf->n_snat);
	if (look.later)
		return;
	port = look16(self->out.data, look.l4);
	ASSERT_LE(conf->snat[i].min, port);
	ASSERT_GE(conf->snat[i].max, port);
	if (conn->sport) {
		ASSERT_EQ(conn->sport, port);
		ASSERT_TRUE(same_addr(&addr, &conn->source));
	}
	conn->source = addr;
	conn->sport = port;
}

static void lb_check_translated(LB_ARGS, struct conn *conn, const struct lb_backend *backend)
{
	struct want want = {
		.daddr = &backend->addr,
		.dport = ntohs(backend->port),
		.ttl = 1,
	};

	if (conn->vip.forward == LB_NAT) {
		lb_learn_source(_metadata, self, conn);
		want.saddr = &conn->source;
		want.sport = conn->sport;
	} else {
		conn->source = conn->client;
		conn->sport = conn->cport;
	}
	lb_compare_changed(_metadata, self, &want, backend->dmac, backend->smac);
}

/* Check the outer header of LB_IPIP at offset @at. */
static void lb_check_outer(LB_ARGS, const __u8 *out, __u32 at, const struct look *in,
			   const struct lb_backend *backend)
{
	const __u8 *l3 = self->pkt.data + in->l3;
	__u8 tos = in->family == 4 ? l3[1] : (l3[0] << 4 | l3[1] >> 4);
	struct lb_addr src, dst;
	struct look outer;
	bool fixed = in->family == 6 || l3[6] & 0x40;

	ASSERT_TRUE(look_at_ip(out, at, self->out.len, &outer));
	src = look_addr(out, &outer, look_saddr_at(&outer));
	dst = look_addr(out, &outer, look_daddr_at(&outer));
	EXPECT_TRUE(same_addr(&src, &backend->tunnel_src));
	EXPECT_TRUE(same_addr(&dst, &backend->addr));
	EXPECT_EQ(in->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6, outer.proto);
	EXPECT_EQ(64, out[look_ttl_at(&outer)]);
	EXPECT_EQ(in->l4 - in->l3 + in->l4_len, outer.l4_len);
	EXPECT_FALSE(outer.frag);
	if (outer.family == 6) {
		EXPECT_EQ(tos, (__u8)(out[at] << 4 | out[at + 1] >> 4));
		EXPECT_EQ(at + 40, outer.l4);
		return;
	}
	EXPECT_EQ(tos, out[at + 1]);
	EXPECT_EQ(at + 20, outer.l4);
	EXPECT_EQ(0xffff, look_ip_sum(out, &outer));
	if (fixed)
		EXPECT_EQ(0x40, out[at + 6]);
}

void lb_check_tunnel(LB_ARGS, const struct lb_backend *backend)
{
	__u32 grown = look_is4(&backend->addr) ? 20 : 40;
	struct look look;
	__u32 l2;

	ASSERT_TRUE(look_at(self->pkt.data, self->pkt.len, &look));
	l2 = look.l3;
	ASSERT_EQ(self->pkt.len + grown, self->out.len);
	EXPECT_EQ(0, memcmp(self->out.data, backend->dmac, ETH_ALEN));
	EXPECT_EQ(0, memcmp(self->out.data + ETH_ALEN, backend->smac, ETH_ALEN));
	/* The VLAN tags stay, the EtherType behind them changes, the inner packet stays. */
	EXPECT_EQ(0, memcmp(self->out.data + 12, self->pkt.data + 12, l2 - 14));
	EXPECT_EQ(grown == 20 ? ETH_P_IP : ETH_P_IPV6, look16(self->out.data, l2 - 2));
	lb_check_outer(_metadata, self, self->out.data, l2, &look, backend);
	EXPECT_EQ(0, memcmp(self->out.data + l2 + grown, self->pkt.data + l2,
			    self->pkt.len - l2));
	if (_metadata->exit_code)
		build_dump(self->out.data, self->out.len);
}

void lb_check_forwarded(LB_ARGS, struct conn *conn)
{
	const struct lb_backend *backend;

	ASSERT_EQ(NOWHERE, self->reason)
		build_dump(self->pkt.data, self->pkt.len);
	ASSERT_FALSE(self->reply);
	if (conn->backend == NOWHERE)
		conn->backend = self->backend;
	ASSERT_EQ(conn->backend, self->backend);
	backend = &self->maps.backends[self->backend];
	ASSERT_EQ(conn->vip.id, backend->vip);
	if (lb_translates(conn->vip.forward))
		lb_check_translated(_metadata, self, conn, backend);
	else if (conn->vip.forward == LB_DSR)
		lb_compare_changed(_metadata, self, NULL, backend->dmac, backend->smac);
	else
		lb_check_tunnel(_metadata, self, backend);
	lb_check_bytes(_metadata, self);
}

void lb_check_replied(LB_ARGS, const struct conn *conn)
{
	struct want want = {
		.saddr = &conn->vip.key.addr,
		.sport = conn->vport,
		.daddr = &conn->client,
		.dport = conn->cport,
		.ttl = 1,
	};

	ASSERT_EQ(NOWHERE, self->reason)
		build_dump(self->pkt.data, self->pkt.len);
	ASSERT_TRUE(self->reply);
	ASSERT_EQ(conn->backend, self->backend);
	lb_compare_changed(_metadata, self, &want, conn->mac, lb_mac_in);
	lb_check_bytes(_metadata, self);
}

void lb_request(LB_ARGS, struct conn *conn, __u8 flags, const struct shape *shape)
{
	lb_build_request(self, conn, flags, shape);
	lb_run(_metadata, self);
	lb_check_forwarded(_metadata, self, conn);
}

void lb_reply(LB_ARGS, const struct conn *conn, __u8 flags, const struct shape *shape)
{
	lb_build_reply(self, conn, flags, shape);
	lb_run(_metadata, self);
	lb_check_replied(_metadata, self, conn);
}

void lb_open(LB_ARGS, struct conn *conn)
{
	bool tcp = conn->vip.key.proto == IPPROTO_TCP;

	lb_request(_metadata, self, conn, SYN, NULL);
	if (lb_translates(conn->vip.forward))
		lb_reply(_metadata, self, conn, SYN | ACK, NULL);
	if (tcp)
		lb_request(_metadata, self, conn, ACK, NULL);
}
