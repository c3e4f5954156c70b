// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: packets that are larger than the MTU of the way out, and
 * fragments.
 *
 * "#20" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_packet.h"

/* --- too big for the way out ----------------------------------------------------------- */

static void forbid_fragments(struct build *pkt)
{
	if (pkt->family != 4)
		return;
	build_frag4(pkt, 0, 0);
	pkt->data[pkt->ip_at + 6] |= 0x40;
	build_checksums(pkt);
}

/* Build a request of @bytes, counted from the IP header on. */
static void build_big(struct _test_data_lb *self, const struct conn *conn, __u32 bytes, bool df,
		      int vlans)
{
	struct shape shape = { .vlans = vlans };
	__u32 headers;

	lb_build_request(self, conn, ACK, &shape);
	headers = self->pkt.len - self->pkt.ip_at;
	shape.payload = bytes - headers;
	lb_build_request(self, conn, ACK, &shape);
	if (df)
		forbid_fragments(&self->pkt);
}

/* Build a reply of @bytes, counted from the IP header on. */
static void build_big_reply(struct _test_data_lb *self, const struct conn *conn, __u32 bytes)
{
	struct shape shape = {};

	lb_build_reply(self, conn, ACK, &shape);
	shape.payload = bytes - (self->pkt.len - self->pkt.ip_at);
	lb_build_reply(self, conn, ACK, &shape);
	forbid_fragments(&self->pkt);
}

static void check_too_big4(LB_ARGS, const struct look *look, __u32 mtu)
{
	const __u8 *out = self->out.data;

	ASSERT_EQ(IPPROTO_ICMP, look->proto);
	EXPECT_EQ(ICMP_DEST_UNREACH, out[look->l4]);
	EXPECT_EQ(ICMP_FRAG_NEEDED, out[look->l4 + 1]);
	EXPECT_EQ(0, look16(out, look->l4 + 4));
	EXPECT_EQ(mtu, look16(out, look->l4 + 6));
	/* RFC 1812 section 4.3.2.3 */
	EXPECT_GE(576, look->end - look->l3);
}

static void check_too_big6(LB_ARGS, const struct look *look, __u32 mtu)
{
	const __u8 *out = self->out.data;

	ASSERT_EQ(IPPROTO_ICMPV6, look->proto);
	EXPECT_EQ(ICMPV6_PKT_TOOBIG, out[look->l4]);
	EXPECT_EQ(0, out[look->l4 + 1]);
	EXPECT_EQ(0, look16(out, look->l4 + 4));
	EXPECT_EQ(mtu, look16(out, look->l4 + 6));
	/* RFC 4443 section 3.2 */
	EXPECT_GE(1280, look->end - look->l3);
}

/* Check the ICMP error that came out, about the packet in self->pkt. */
static void check_error(LB_ARGS, const struct lb_addr *from, const struct lb_addr *to,
			__u32 mtu)
{
	const __u8 *in = self->pkt.data, *out = self->out.data;
	struct lb_addr src, dst;
	struct look look;

	ASSERT_EQ(LB_TOO_BIG, self->reason);
	ASSERT_TRUE(look_at(out, self->out.len, &look));
	ASSERT_EQ(self->out.len, look.end);
	EXPECT_EQ(0, memcmp(out, in + ETH_ALEN, ETH_ALEN));
	EXPECT_EQ(0, memcmp(out + ETH_ALEN, in, ETH_ALEN));
	ASSERT_EQ(self->pkt.ip_at, look.l3);
	EXPECT_EQ(0, memcmp(out + 12, in + 12, look.l3 - 12));
	src = look_addr(out, &look, look_saddr_at(&look));
	dst = look_addr(out, &look, look_daddr_at(&look));
	EXPECT_TRUE(same_addr(&src, from));
	EXPECT_TRUE(same_addr(&dst, to));
	EXPECT_LT(30, out[look_ttl_at(&look)]);
	EXPECT_TRUE(sums_are_right(out, self->out.len));
	if (look.family == 4)
		check_too_big4(_metadata, self, &look, mtu);
	else
		check_too_big6(_metadata, self, &look, mtu);
	/* The error quotes at least the headers, and no byte that was not sent. */
	ASSERT_LE(look.l4 + 8 + 40 + 20, look.end);
	EXPECT_EQ(0, memcmp(out + look.l4 + 8, in + self->pkt.ip_at, look.end - look.l4 - 8));
}

/* Check the error about a client's packet. */
static void check_too_big(LB_ARGS, const struct conn *conn, __u32 mtu)
{
	check_error(_metadata, self, &conn->vip.key.addr, &conn->client, mtu);
}

static bool is_tunnel(const struct kind *kind)
{
	return kind->forward == LB_IPIP;
}

/* #22: the limit is exact to the byte. */
TEST_F(lb, too_big_is_answered)
{
	const struct kind *kind;
	int vlans;

	for (kind = lb_kinds; kind->family; kind++) {
		__u32 room = LB_TEST_MTU - (kind->behind == 4 ? 20 : 40);
		struct service vip;
		struct conn conn;

		if (!is_tunnel(kind))
			continue;
		vip = lb_add(_metadata, self, *kind, 2);
		conn = lb_conn_n(&vip, 7);
		build_big(self, &conn, room, true, 0);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		for (vlans = 0; vlans < 3; vlans++) {
			build_big(self, &conn, room + 1, true, vlans);
			lb_run(_metadata, self);
			check_too_big(_metadata, self, &conn, room);
		}
		build_big(self, &conn, 3000, true, 0);
		lb_run(_metadata, self);
		check_too_big(_metadata, self, &conn, room);
	}
}

/* The checksum of the error depends on what the error quotes: try many values. */
TEST_F(lb, too_big_with_each_checksum)
{
	const struct kind *kind;
	__u32 value;

	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip;
		struct conn conn;

		if (!is_tunnel(kind))
			continue;
		vip = lb_add(_metadata, self, *kind, 1);
		conn = lb_conn_n(&vip, 7);
		build_big(self, &conn, 1500, true, 0);
		for (value = 0; value < 65536; value += 97) {
			put16(self->pkt.data, self->pkt.l4_at + 20, value);
			lb_run(_metadata, self);
			check_too_big(_metadata, self, &conn, kind->behind == 4 ? 1480 : 1460);
		}
	}
}

/* Without DF, routers may fragment the packet: its sender gets no answer. */
TEST_F(lb, too_big_without_df_is_dropped)
{
	const struct kind kind = { LB_IPIP, 4, 4, IPPROTO_UDP };
	struct service vip = lb_add(_metadata, self, kind, 1);
	struct conn conn = lb_conn_n(&vip, 1);

	build_big(self, &conn, 1481, false, 0);
	lb_run_stopped(_metadata, self, LB_DROP_TOO_BIG);
}

TEST_F(lb, too_big_is_answered_so_many_times)
{
	const struct kind kind = { LB_IPIP, 6, 6, IPPROTO_TCP };
	struct service vip = lb_add(_metadata, self, kind, 1);
	struct conn conn = lb_conn_n(&vip, 1);
	int i;

	lb_set_rates(_metadata, self, 0, LB_TEST_ICMP_LIMIT - 3);
	build_big(self, &conn, 1461, true, 0);
	for (i = 0; i < 3; i++)
		lb_run_stopped(_metadata, self, LB_TOO_BIG);
	for (i = 0; i < 3; i++)
		lb_run_stopped(_metadata, self, LB_DROP_TOO_BIG_LIMIT);
	/* Other packets are still forwarded. */
	lb_request(_metadata, self, &conn, ACK, NULL);
}

/* The limit is exact to the byte, also where the way out has a smaller MTU than the way in. */
TEST_F(lb, too_big_without_a_tunnel)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family && !is_tunnel(kind); kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);

		self->maps.backends[vip.first].ifindex = LB_TEST_OUT;
		lb_open(_metadata, self, &conn);
		build_big(self, &conn, LB_TEST_MTU, true, 0);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		build_big(self, &conn, LB_TEST_MTU + 1, true, 2);
		lb_run(_metadata, self);
		check_too_big(_metadata, self, &conn, LB_TEST_MTU);
		self->maps.backends[vip.first].mtu = 1300;
		build_big(self, &conn, LB_TEST_MTU, true, 1);
		lb_run(_metadata, self);
		check_too_big(_metadata, self, &conn, 1300);
	}
}

/* XDP may see a packet before it is segmented: what goes back where it came in is not measured. */
TEST_F(lb, big_packets_go_back)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family && !is_tunnel(kind); kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);

		self->maps.backends[vip.first].ifindex = LB_TEST_IN;
		lb_open(_metadata, self, &conn);
		build_big(self, &conn, 3400, true, 2);
		lb_run(_metadata, self);
		if (variant->tc)
			check_too_big(_metadata, self, &conn, LB_TEST_MTU);
		else
			lb_check_forwarded(_metadata, self, &conn);
	}
}

/* Too big for the client's side: the backend gets the error from the address it replied to. */
TEST_F(lb, too_big_replies)
{
	struct lb_kern_conf *conf = self->maps.config;
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);
		struct lb_iface *iface = conf->iface;

		if (!lb_translates(kind->forward))
			continue;
		lb_open(_metadata, self, &conn);
		conf->n_ifaces = 2;
		iface[1] = iface[0];
		iface[0].ifindex = LB_TEST_OUT;
		iface[0].mtu = 1400;
		build_big_reply(self, &conn, 1401);
		lb_run(_metadata, self);
		check_error(_metadata, self, &conn.source,
			    &self->maps.backends[vip.first].addr, 1400);
		iface[0] = iface[1];
		conf->n_ifaces = 1;
		/* With the old MTU, a reply of exactly that size passes. */
		build_big_reply(self, &conn, LB_TEST_MTU);
		lb_run(_metadata, self);
		lb_check_replied(_metadata, self, &conn);
	}
}

/* In TC, what counts is the size of the segments that the kernel will make of a packet. */
TEST_F(lb, segments_are_measured)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family && !is_tunnel(kind); kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);
		__u32 headers = (kind->family == 4 ? 20 : 40) +
				(kind->proto == IPPROTO_TCP ? 20 : 8);

		self->maps.backends[vip.first].ifindex = LB_TEST_OUT;
		lb_open(_metadata, self, &conn);
		build_big(self, &conn, 3400, true, 0);
		self->gso_size = LB_TEST_MTU - headers;
		lb_run(_metadata, self);
		if (variant->tc)
			lb_check_forwarded(_metadata, self, &conn);
		else
			check_too_big(_metadata, self, &conn, LB_TEST_MTU);
		self->gso_size++;
		lb_run(_metadata, self);
		check_too_big(_metadata, self, &conn, LB_TEST_MTU);
		self->gso_size = 0;
	}
}

/* Packets of more than a page have several buffers in XDP. */
TEST_F(lb, packets_of_several_buffers)
{
	const struct kind *kind;

	if (variant->tc)
		SKIP(return, "BPF_PROG_TEST_RUN gives tc no more than a page");
	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		__u32 room = LB_TEST_MTU - (kind->behind == 4 ? 20 : 40);
		struct service vip = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 1);

		if (!is_tunnel(kind))
			room = LB_TEST_MTU;
		self->maps.backends[vip.first].ifindex = LB_TEST_OUT;
		lb_open(_metadata, self, &conn);
		build_big(self, &conn, 9000, true, 1);
		lb_run(_metadata, self);
		check_too_big(_metadata, self, &conn, room);
		self->maps.backends[vip.first].mtu = 9100;
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
	}
}

/* --- fragments ------------------------------------------------------------------------ */

/* Build a fragment of a packet of the connection; only the first has a transport header. */
static void build_fragment(struct build *pkt, const struct ends *ends, __u32 offset, bool more,
			   __u32 payload, const struct shape *shape)
{
	lb_build_net(pkt, ends, shape);
	build_frag(pkt, offset, more);
	if (!offset) {
		lb_build_transport(pkt, ends, ACK, shape);
		lb_put_ends(pkt, ends);
		build_finish(pkt);
		return;
	}
	pkt->l4_at = pkt->len;
	build_next(pkt, ends->proto);
	build_payload(pkt, payload);
	lb_put_ends(pkt, ends);
	build_finish(pkt);
}

static void fragment(struct _test_data_lb *self, const struct conn *conn, bool reply,
		     __u32 offset, bool more)
{
	const struct shape shape = { .payload = 104 - (conn->vip.key.proto == IPPROTO_TCP ?
						       20 : 8) };
	struct ends ends = reply ? lb_reply_ends(self, conn) : lb_request_ends(conn);

	build_fragment(&self->pkt, &ends, offset, more, 64, &shape);
	want_macs(self->pkt.data, lb_mac_in, conn->mac);
}

static void run_fragments(LB_ARGS, struct conn *conn)
{
	static const __u32 offsets[] = { 0, 104, 168, 232 };
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		fragment(self, conn, false, offsets[i], i < ARRAY_SIZE(offsets) - 1);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, conn);
	}
	for (i = 0; lb_translates(conn->vip.forward) && i < ARRAY_SIZE(offsets); i++) {
		fragment(self, conn, true, offsets[i], i < ARRAY_SIZE(offsets) - 1);
		lb_run(_metadata, self);
		lb_check_replied(_metadata, self, conn);
	}
}

/* #20 */
TEST_F(lb, fragments_follow_the_first)
{
	const struct kind *kind;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);

		for (i = 0; i < 5; i++) {
			struct conn conn = lb_conn_n(&vip, i);

			lb_open(_metadata, self, &conn);
			run_fragments(_metadata, self, &conn);
		}
	}
}

TEST_F(lb, fragments_before_the_first)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		lb_open(_metadata, self, &conn);
		fragment(self, &conn, false, 104, true);
		lb_run_stopped(_metadata, self, LB_DROP_FRAGMENT);
		fragment(self, &conn, false, 0, true);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
		fragment(self, &conn, false, 104, true);
		lb_run(_metadata, self);
		lb_check_forwarded(_metadata, self, &conn);
	}
}

/* A later fragment of another packet, or of another client, does not follow this first one. */
TEST_F(lb, fragments_are_told_apart)
{
	const struct kind kind = { LB_NAT, 4, 4, IPPROTO_UDP };
	struct service vip;
	struct conn conn;

	lb_add_snats(self);
	vip = lb_add(_metadata, self, kind, 3);
	conn = lb_conn_n(&vip, 3);
	fragment(self, &conn, false, 0, true);
	lb_run(_metadata, self);
	lb_check_forwarded(_metadata, self, &conn);
	fragment(self, &conn, false, 104, false);
	put16(self->pkt.data, self->pkt.ip_at + 4, 0x1111);
	lb_run_stopped(_metadata, self, LB_DROP_FRAGMENT);
	fragment(self, &conn, false, 104, false);
	self->pkt.data[self->pkt.ip_at + 15] ^= 1;
	lb_run_stopped(_metadata, self, LB_DROP_FRAGMENT);
	fragment(self, &conn, false, 104, false);
	lb_run(_metadata, self);
	lb_check_forwarded(_metadata, self, &conn);
}

/* The first fragment must have the transport header, or filters could be evaded: RFC 1858. */
TEST_F(lb, fragments_that_are_tiny)
{
	const struct kind *kind;
	__u32 len;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		__u32 whole = kind->proto == IPPROTO_TCP ? 20 : 8;
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		for (len = 0; len < whole; len++) {
			fragment(self, &conn, false, 0, true);
			self->pkt.len = self->pkt.l4_at + len;
			self->pkt.l4_proto = 0;
			build_finish(&self->pkt);
			lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
			build_pad(&self->pkt, 150);
			lb_run_stopped(_metadata, self, LB_DROP_MALFORMED);
		}
	}
}

TEST_F(lb, fragments_of_others_pass)
{
	static const struct kind kinds[] = {
		{ LB_NAT, 4, 4, IPPROTO_UDP }, { LB_NAT, 6, 6, IPPROTO_UDP },
	};
	int i;

	lb_add_snats(self);
	for (i = 0; i < 2; i++) {
		struct service vip = lb_add(_metadata, self, kinds[i], 3);
		struct conn conn = lb_conn_n(&vip, 3);

		conn.vip.key.addr = lb_addr_n(i ? "2001:db8:99::1" : "192.0.2.200", 0);
		fragment(self, &conn, false, 0, true);
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		fragment(self, &conn, false, 104, false);
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		/* A protocol for which this address has no service. */
		conn.vip = vip;
		conn.vip.key.proto = IPPROTO_TCP;
		fragment(self, &conn, false, 104, false);
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
	}
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
