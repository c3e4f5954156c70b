// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: forwarding in each mode, there and back; what passes
 * untouched; each reason for which a packet is not forwarded.
 *
 * "#5" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

/* --- forwarding ---------------------------------------------------------------------- */

/*
 * False for shapes that cannot be sent here. The kernel takes a VLAN tag out of a packet before
 * TC. BPF_PROG_TEST_RUN leaves it in, and bpf_skb_adjust_room() can insert no outer IP header
 * behind it.
 */
static bool shape_fits(const struct _test_data_lb *self, const struct shape *shape,
		       struct kind kind)
{
	if (lb_is_tc(self) && kind.forward == LB_IPIP && shape->vlans)
		return false;
	return kind.family == 4 ? !shape->ext : !shape->ip_opts;
}

static void forward_kind(LB_ARGS, struct kind kind)
{
	struct service vip = lb_add(_metadata, self, kind, 4);
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(lb_shapes); i++) {
		struct conn conn = lb_conn_n(&vip, i);

		if (!shape_fits(self, &lb_shapes[i], kind))
			continue;
		lb_request(_metadata, self, &conn, SYN, &lb_shapes[i]);
		if (lb_translates(kind.forward))
			lb_reply(_metadata, self, &conn, SYN | ACK, &lb_shapes[i]);
		lb_request(_metadata, self, &conn, ACK, &lb_shapes[i]);
		lb_request(_metadata, self, &conn, ACK, &lb_shapes[i]);
		if (lb_translates(kind.forward))
			lb_reply(_metadata, self, &conn, ACK, &lb_shapes[i]);
	}
}

/* #5, #6, #8, #21: each mode, each shape of a packet, both directions. */
TEST_F(lb, forwards_in_each_mode)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++)
		forward_kind(_metadata, self, *kind);
}

/* The hash of parts/xdp_lb/bpf/hash.h chooses the backend; "ring --who" uses it, too. */
TEST_F(lb, hash_says_which_backend)
{
	const struct kind *kind;
	__u32 n;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 5);

		for (n = 0; n < 20; n++) {
			struct conn conn = lb_conn_n(&vip, n * 77);
			struct lb_key key = {
				.client = conn.client,
				.vip = vip.key.addr,
				.cport = htons(conn.cport),
				.vport = htons(conn.vport),
				.proto = kind->proto,
			};
			__u64 hash = lb_hash(&key, kind->family == 4, self->maps.config->seed);

			lb_request(_metadata, self, &conn, SYN, NULL);
			ASSERT_EQ(vip.first + lb_ring_slot(hash, LB_TEST_RING) % 5,
				  (__u32)conn.backend);
		}
	}
}

/* One address has a service for all ports and one for port 80, which takes precedence. */
TEST_F(lb, any_port)
{
	static const __u16 ports[] = { 1, 79, 80, 81, 443, 1024, 65535 };
	const struct kind *kind;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service any = lb_add_service(_metadata, self, *kind, 0, 0, 2);
		struct service one;

		self->n_vips--;
		one = lb_add(_metadata, self, *kind, 2);
		/* Two services with the same address: give the second one its own number. */
		one.id = LB_TEST_VIPS / 2 + self->n_vips;
		lb_put_vip(_metadata, self, &one.key, one.id, one.forward);
		lb_set_ring(_metadata, self, one.id, one.first, one.n);
		lb_set_ring(_metadata, self, any.id, any.first, any.n);
		for (i = one.first; i < one.first + one.n; i++)
			self->maps.backends[i].vip = one.id;
		for (i = 0; i < ARRAY_SIZE(ports); i++) {
			struct conn conn = lb_conn_n(ports[i] == 80 ? &one : &any, i);

			conn.vport = ports[i];
			lb_open(_metadata, self, &conn);
			lb_request(_metadata, self, &conn, ACK, NULL);
		}
	}
}

/* Replies leave where the client's packets came in, with the MAC address of that interface. */
TEST_F(lb, replies_leave_where_requests_came_in)
{
	static const __u8 mac[ETH_ALEN] = { 0x02, 0xdd, 1, 2, 3, 4 };
	struct lb_kern_conf *conf = self->maps.config;
	struct service vip;
	struct conn conn;

	lb_add_snats(self);
	vip = lb_add(_metadata, self, lb_kinds[0], 1);
	conn = lb_conn_n(&vip, 1);
	lb_open(_metadata, self, &conn);
	conf->n_ifaces = 2;
	conf->iface[1].ifindex = LB_TEST_OUT;
	conf->iface[1].mtu = LB_TEST_MTU;
	memcpy(conf->iface[1].mac, mac, ETH_ALEN);
	lb_flow_at(self, lb_slot_of(self, &conn))->iface = 1;
	lb_build_reply(self, &conn, ACK, NULL);
	lb_send(_metadata, self);
	ASSERT_EQ(lb_is_tc(self) ? TC_ACT_REDIRECT : (int)XDP_REDIRECT, (int)self->out.verdict);
	ASSERT_EQ(0, memcmp(self->out.data, conn.mac, ETH_ALEN));
	ASSERT_EQ(0, memcmp(self->out.data + ETH_ALEN, mac, ETH_ALEN));
}

/* #25: packets, bytes, connections and replies of each backend. */
TEST_F(lb, counters_of_a_backend)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		bool back = lb_translates(kind->forward), tcp = kind->proto == IPPROTO_TCP;
		struct conn conns[2] = { lb_conn_n(&vip, 1), lb_conn_n(&vip, 2) };
		const struct lb_backend_stats *stats = &self->stats[vip.first];
		int i;

		for (i = 0; i < 6; i++) {
			lb_request(_metadata, self, &conns[i % 2],
				   i < 2 && tcp && back ? SYN : ACK, NULL);
			if (back)
				lb_reply(_metadata, self, &conns[i % 2], ACK, NULL);
		}
		lb_read_stats(_metadata, self, self->stats);
		EXPECT_EQ(6, stats->packets);
		EXPECT_EQ(2, stats->connections);
		EXPECT_EQ(back ? 6 : 0, stats->reply_packets);
		EXPECT_EQ(6 * (16 + (kind->family == 4 ? 20 : 40) + (tcp ? 20 : 8)), stats->bytes);
		EXPECT_EQ(back ? stats->bytes : 0, stats->reply_bytes);
	}
}

/* --- checksums ------------------------------------------------------------------------- */

/* What lb_request() and lb_reply() do, but without the counters, which take long to read. */
static void send_changed(LB_ARGS, struct conn *conn, const struct build *pkt, bool reply)
{
	const struct lb_backend *backend = &self->maps.backends[conn->backend];
	struct want want = { .ttl = 1 };

	if (reply) {
		want.saddr = &conn->vip.key.addr;
		want.sport = conn->vport;
		want.daddr = &conn->client;
		want.dport = conn->cport;
	} else {
		want.saddr = &conn->source;
		want.sport = conn->sport;
		want.daddr = &backend->addr;
		want.dport = ntohs(backend->port);
	}
	self->pkt = *pkt;
	lb_send(_metadata, self);
	if (reply)
		lb_compare_changed(_metadata, self, &want, conn->mac, lb_mac_in);
	else
		lb_compare_changed(_metadata, self, &want, backend->dmac, backend->smac);
}

/* #6, #7: each value that the checksums can have before, and so each value after. */
static void each_sum(LB_ARGS, struct conn *conn, bool reply)
{
	static struct build pkt;
	__u32 value;

	if (reply)
		lb_build_reply(self, conn, ACK, NULL);
	else
		lb_build_request(self, conn, ACK, NULL);
	pkt = self->pkt;
	for (value = 0; value < 65536; value++) {
		/* Vary the identification; and the TCP window, or the first UDP payload. */
		if (pkt.family == 4)
			build_put16(&pkt, pkt.ip_at + 4, value);
		build_put16(&pkt, pkt.l4_at + (pkt.l4_proto == IPPROTO_TCP ? 14 : 8), value);
		build_checksums(&pkt);
		send_changed(_metadata, self, conn, &pkt, reply);
	}
}

TEST_F_TIMEOUT(lb, each_checksum, 300)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family && lb_translates(kind->forward); kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 9);

		lb_open(_metadata, self, &conn);
		each_sum(_metadata, self, &conn, false);
		each_sum(_metadata, self, &conn, true);
	}
}

/* #7: a UDP packet over IPv4 without checksum stays without one. */
TEST_F(lb, udp_without_checksum)
{
	struct kind kind = { LB_NAT, 4, 4, IPPROTO_UDP };
	struct service vip;
	struct conn conn;

	lb_add_snats(self);
	for (kind.forward = LB_NAT; kind.forward <= LB_IPIP; kind.forward++) {
		vip = lb_add(_metadata, self, kind, 1);
		conn = lb_conn_n(&vip, 1);
		lb_build_request(self, &conn, 0, NULL);
		build_put16(&self->pkt, self->pkt.l4_at + 6, 0);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		if (!lb_translates(kind.forward))
			continue;
		lb_build_reply(self, &conn, 0, NULL);
		build_put16(&self->pkt, self->pkt.l4_at + 6, 0);
		lb_run(_metadata, self);
		lb_check_replied(_metadata, self, &conn);
		ASSERT_EQ(0, look16(self->out.data, self->pkt.l4_at + 6));
	}
}

/* #7: UDP over IPv6 must have a checksum: RFC 8200 section 8.1. */
TEST_F(lb, udp6_without_checksum)
{
	struct kind kind = { LB_NAT, 6, 6, IPPROTO_UDP };
	struct service vip;
	struct conn conn;

	lb_add_snats(self);
	for (kind.forward = LB_NAT; kind.forward <= LB_IPIP; kind.forward++) {
		vip = lb_add(_metadata, self, kind, 1);
		conn = lb_conn_n(&vip, 1);
		lb_open(_metadata, self, &conn);
		lb_build_request(self, &conn, 0, NULL);
		build_put16(&self->pkt, self->pkt.l4_at + 6, 0);
		if (!lb_translates(kind.forward)) {
			/* These modes do not change ports or addresses, so the packet goes on. */
			lb_run(_metadata, self);
			lb_check_forwarded(_metadata, self, &conn);
			continue;
		}
		lb_run_stopped(_metadata, self, LB_DROP_UDP6_CHECKSUM);
		lb_build_reply(self, &conn, 0, NULL);
		build_put16(&self->pkt, self->pkt.l4_at + 6, 0);
		lb_run_stopped(_metadata, self, LB_DROP_UDP6_CHECKSUM);
	}
}

/* A wrong checksum stays wrong, by the same difference. */
TEST_F(lb, wrong_checksums_stay_wrong)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);

		lb_open(_metadata, self, &conn);
		lb_build_request(self, &conn, ACK, NULL);
		self->pkt.data[self->pkt.len - 3] ^= 0x40;
		if (kind->family == 4)
			self->pkt.data[self->pkt.ip_at + 4] ^= 0x40;
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		if (kind->forward != LB_IPIP)
			ASSERT_FALSE(sums_are_right(self->out.data, self->out.len));
	}
}

/* --- what passes ------------------------------------------------------------------------ */

static void passes(LB_ARGS, const char *what)
{
	lb_run(_metadata, self);
	ASSERT_EQ(LB_PASS_OTHER, self->reason)
		TH_LOG("%s", what);
}

static void others_pass(LB_ARGS, const struct service *vip)
{
	struct conn conn = lb_conn_n(vip, 1);
	int i;

	conn.vport++;
	lb_build_request(self, &conn, SYN, NULL);
	passes(_metadata, self, "another port");
	conn.vport--;
	conn.vip.key.proto ^= IPPROTO_TCP ^ IPPROTO_UDP;
	lb_build_request(self, &conn, SYN, NULL);
	passes(_metadata, self, "another protocol");
	conn.vip.key.proto ^= IPPROTO_TCP ^ IPPROTO_UDP;
	conn.vip.key.addr.a[3] ^= htonl(0x80);
	lb_build_request(self, &conn, SYN, NULL);
	passes(_metadata, self, "another address");
	conn.vip.key.addr = lb_snat(vip->family, 0);
	lb_build_request(self, &conn, SYN, NULL);
	passes(_metadata, self, "a port of a source address that nobody has");
	conn.vip.key.addr = vip->key.addr;

	for (i = 0; i < ETH_ALEN; i++) {
		lb_build_request(self, &conn, SYN, NULL);
		self->pkt.data[i] ^= 0x10;
		passes(_metadata, self, "for another MAC address");
	}
	memset(self->pkt.data, 0xff, ETH_ALEN);
	passes(_metadata, self, "for all");
	lb_build_request(self, &conn, SYN, NULL);
	self->maps.config->iface[0].ifindex++;
	passes(_metadata, self, "on another interface");
	self->maps.config->iface[0].ifindex--;
}

/* #1 */
TEST_F(lb, what_is_not_for_a_service_passes)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);

		others_pass(_metadata, self, &vip);
	}
}

/* Protocols that no service can have; ICMP is tested elsewhere. */
TEST_F(lb, other_protocols_pass)
{
	static const __u8 protos[] = { IPPROTO_GRE, IPPROTO_ESP, IPPROTO_SCTP, IPPROTO_IPIP, 255 };
	const struct kind *kind;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);

		for (i = 0; i < ARRAY_SIZE(protos); i++) {
			lb_build_request(self, &conn, SYN, NULL);
			self->pkt.data[self->pkt.ip_at + (kind->family == 4 ? 9 : 6)] = protos[i];
			passes(_metadata, self, "another protocol");
		}
		lb_build_request(self, &conn, SYN, NULL);
		build_put16(&self->pkt, 12, ETH_P_ARP);
		passes(_metadata, self, "ARP");
	}
}

/* IPv4-mapped addresses mean IPv4 in the tables. An IPv6 packet with one must not match. */
TEST_F(lb, mapped_addresses_pass)
{
	struct service vip = lb_add(_metadata, self, lb_kinds[0], 1);
	struct conn conn = lb_conn_n(&vip, 1);
	struct conn seen = conn;
	int i;

	lb_add_snats(self);
	lb_open(_metadata, self, &seen);
	for (i = 0; i < 3; i++) {
		struct ends ends = lb_request_ends(&conn);

		ends.family = 6;
		if (i == 1)
			ends.src = lb_client(6, 1);
		if (i == 2)
			ends.dst = lb_test_vip(6, 0);
		lb_add_filter(self, &ends.dst);
		lb_build(&self->pkt, &ends, i ? SYN : ACK, NULL);
		memcpy(self->pkt.data, lb_mac_in, ETH_ALEN);
		passes(_metadata, self, "mapped address");
	}
}

/*
 * Three VLAN tags, more extension headers than the program parses, a wrong IP version, an
 * IP header that is not whole.
 */
TEST_F(lb, bad_packets_pass)
{
	const struct kind kind = { LB_NAT, 6, 6, IPPROTO_UDP };
	const struct shape three = { .vlans = 3 };
	struct service vip;
	struct conn conn;
	int i;

	lb_add_snats(self);
	vip = lb_add(_metadata, self, kind, 1);
	conn = lb_conn_n(&vip, 1);
	lb_build_request(self, &conn, 0, &three);
	lb_run_stopped(_metadata, self, LB_PASS_BAD);
	build_start(&self->pkt);
	build_ipv6(&self->pkt);
	for (i = 0; i < 7; i++)
		build_ext(&self->pkt, IPPROTO_DSTOPTS, 8);
	build_udp(&self->pkt);
	build_finish(&self->pkt);
	memcpy(self->pkt.data, lb_mac_in, ETH_ALEN);
	memcpy(self->pkt.data + self->pkt.ip_at + 24, &vip.key.addr, 16);
	lb_run_stopped(_metadata, self, LB_PASS_BAD);
	lb_build_request(self, &conn, 0, NULL);
	self->pkt.data[self->pkt.ip_at] ^= 0x20;
	lb_run_stopped(_metadata, self, LB_PASS_BAD);
	/* BPF_PROG_TEST_RUN refuses so short a frame for tc. */
	if (variant->tc)
		return;
	lb_build_request(self, &conn, 0, NULL);
	self->pkt.len = self->pkt.l4_at - 1;
	lb_run_stopped(_metadata, self, LB_PASS_BAD);
}

/* --- reasons ------------------------------------------------------------------------------ */

/* #21 */
TEST_F(lb, ttl_that_is_spent)
{
	struct shape shape = { .ttl = 1 };
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);

		lb_open(_metadata, self, &conn);
		if (!lb_translates(kind->forward)) {
			lb_request(_metadata, self, &conn, ACK, &shape);
			continue;
		}
		lb_build_request(self, &conn, ACK, &shape);
		lb_run_stopped(_metadata, self, LB_PASS_TTL);
		self->pkt.data[self->pkt.ip_at + (kind->family == 4 ? 8 : 7)] = 0;
		lb_run_stopped(_metadata, self, LB_PASS_TTL);
		lb_build_reply(self, &conn, ACK, &shape);
		lb_run_stopped(_metadata, self, LB_PASS_TTL);
		/* A TTL of 2 is enough. */
		lb_build_request(self, &conn, ACK, NULL);
		self->pkt.data[self->pkt.ip_at + (kind->family == 4 ? 8 : 7)] = 2;
		build_checksums(&self->pkt);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
	}
}

/* The IP header or the frame cuts the transport header short, or its length field is wrong. */
TEST_F(lb, malformed_transport)
{
	const struct kind *kind;
	__u32 len;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);
		__u32 whole = kind->proto == IPPROTO_TCP ? 20 : 8;

		for (len = 0; len < whole; len++) {
			lb_build_request(self, &conn, SYN, NULL);
			self->pkt.len = self->pkt.l4_at + len;
			lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
			self->pkt.l4_proto = 0;
			build_finish(&self->pkt);
			lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
			build_pad(&self->pkt, 120);
			lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
		}
		if (kind->proto != IPPROTO_TCP)
			continue;
		lb_build_request(self, &conn, SYN, NULL);
		self->pkt.data[self->pkt.l4_at + 12] = 0x40;
		lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
		self->pkt.data[self->pkt.l4_at + 12] = 0xa0;
		lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
	}
}

TEST_F(lb, no_backend)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);

		lb_build_request(self, &conn, SYN, NULL);
		self->maps.backends[vip.first].state = LB_BACKEND_UNUSED;
		lb_run_stopped(_metadata, self, LB_DROP_NO_BACKEND);
		self->maps.backends[vip.first].state = LB_BACKEND_UP;
		lb_set_ring(_metadata, self, vip.id, vip.first, 0);
		lb_run_stopped(_metadata, self, LB_DROP_NO_BACKEND);
		/* The number of the service has no ring at all. */
		lb_put_vip(_metadata, self, &vip.key, LB_VIPS_MAX - 1, kind->forward);
		lb_run_stopped(_metadata, self, LB_DROP_NO_BACKEND);
		ASSERT_EQ(0, lb_count_flows(self));
	}
}

TEST_F(lb, no_neighbour)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);
		__u32 ifindex = self->maps.backends[vip.first].ifindex;

		self->maps.backends[vip.first].ifindex = 0;
		lb_build_request(self, &conn, SYN, NULL);
		lb_run_stopped(_metadata, self, LB_DROP_NO_NEIGHBOUR);
		/* As soon as the next hop is known, packets are forwarded. */
		self->maps.backends[vip.first].ifindex = ifindex;
		lb_open(_metadata, self, &conn);
		self->maps.backends[vip.first].ifindex = 0;
		lb_build_request(self, &conn, ACK, NULL);
		lb_run_stopped(_metadata, self, LB_DROP_NO_NEIGHBOUR);
		self->maps.backends[vip.first].ifindex = ifindex;
	}
}

/*
 * The verifier gives up after a million steps, and how many a program takes differs between
 * kernels: by two thirds between Linux 6.18 and 7.3. A third of the million is for kernels to come.
 */
TEST_F(lb, verifier_has_room)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	ASSERT_EQ(0, bpf_prog_get_info_by_fd(bpf_program__fd(self->prog), &info, &len));
	EXPECT_LT(0, info.verified_insns);
	EXPECT_GT(640000, info.verified_insns);
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
