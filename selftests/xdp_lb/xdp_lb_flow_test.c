// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: the flow table. Connections keep their backend and change
 * their state; backends go down, come back, and are replaced.
 *
 * "#3" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

enum {
	DATA = 100,	/* bytes of payload, in packets with ACK */
};

static const struct shape data = { .payload = DATA };
static const struct shape no_data = {};
/* Ethernet's padding is no payload. */
static const struct shape padded = { .pad = 120 };

static bool is_tcp(const struct kind *kind)
{
	return kind->proto == IPPROTO_TCP;
}

/* The backend that a new connection gets. Each call is another client. */
static int backend_of_new(LB_ARGS, const struct service *vip)
{
	static __u32 n = 5000;
	struct conn conn = lb_conn_n(vip, n++);

	lb_request(_metadata, self, &conn, SYN, NULL);
	return conn.backend;
}

/* --- affinity ------------------------------------------------------------------------- */

/* #3 */
TEST_F(lb, connections_keep_their_backend)
{
	const struct kind *kind;
	__u32 n;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);

		for (n = 0; n < 2; n++) {
			struct conn conn = lb_conn_n(&vip, n);
			int i;

			lb_set_ring(_metadata, self, vip.id, vip.first, 3);
			lb_open(_metadata, self, &conn);
			for (i = 0; i < 3; i++) {
				lb_set_ring(_metadata, self, vip.id, vip.first + i, 1);
				lb_request(_metadata, self, &conn, ACK, &data);
				lb_request(_metadata, self, &conn, ACK | FIN, &no_data);
				if (lb_translates(kind->forward))
					lb_reply(_metadata, self, &conn, ACK, &data);
			}
		}
	}
}

/* #13: a drained backend is up, but not in the ring. */
TEST_F(lb, drained_backends_keep_what_they_have)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);

		lb_open(_metadata, self, &conn);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		lb_request(_metadata, self, &conn, ACK, &data);
		ASSERT_EQ(vip.first, (__u32)self->backend);
		ASSERT_EQ(vip.first + 1, (__u32)backend_of_new(_metadata, self, &vip));
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* #13: a client that uses an old port again gets no drained backend, either. */
TEST_F(lb, drained_backends_get_no_reused_port)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);

		if (!is_tcp(kind))
			continue;
		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK | FIN, &no_data);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		conn.backend = NOWHERE;
		lb_open(_metadata, self, &conn);
		ASSERT_EQ(vip.first + 1, (__u32)conn.backend);
		ASSERT_EQ(LB_FLOW_ESTABLISHED, lb_state_of(self, &conn));
		lb_set_ring(_metadata, self, vip.id, vip.first, 1);
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* A second SYN within a connection is a retransmission, or forged: nothing changes. */
TEST_F(lb, second_syn_changes_nothing)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);

		if (!is_tcp(kind))
			continue;
		lb_open(_metadata, self, &conn);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		lb_request(_metadata, self, &conn, SYN, NULL);
		ASSERT_EQ(LB_FLOW_ESTABLISHED, lb_state_of(self, &conn));
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* Two connections can share bucket and hash tag: only the whole key tells them apart. */
TEST_F(lb, the_whole_key_counts)
{
	const struct kind *kind;
	struct lb_key key;
	bool refused;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 1);
		struct lb_flow *flow;

		lb_open(_metadata, self, &conn);
		flow = lb_flow_at(self, lb_slot_of(self, &conn));
		key = flow->key;
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		for (i = 0; i < offsetof(struct lb_key, pad); i++) {
			((__u8 *)&flow->key)[i] ^= 1;
			lb_build_request(self, &conn, lb_translates(kind->forward) ? ACK : SYN,
					 NULL);
			lb_run(_metadata, self);
			refused = lb_translates(kind->forward) && is_tcp(kind);
			ASSERT_EQ(refused ? LB_DROP_NO_CONNECTION : (int)vip.first + 1,
				  refused ? self->reason : self->backend);
			lb_forget(self, lb_slot_of(self, &conn));
			flow->key = key;
		}
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* A reply must come from the backend of the connection. What others send to its port passes. */
TEST_F(lb, replies_of_strangers_pass)
{
	int i;

	lb_add_snats(self);
	for (i = 0; i < 4; i++) {
		struct service vip = lb_add_first(_metadata, self, lb_kinds[i], 2);
		struct conn conn = lb_conn_n(&vip, 1);
		__u32 last = vip.family == 4 ? 15 : 23;

		lb_open(_metadata, self, &conn);
		lb_build_reply(self, &conn, ACK, NULL);
		self->pkt.data[self->pkt.ip_at + last] ^= 1;
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		lb_build_reply(self, &conn, ACK, NULL);
		self->pkt.data[self->pkt.l4_at + 1] ^= 1;
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		lb_build_reply(self, &conn, ACK, NULL);
		self->pkt.data[self->pkt.l4_at + 3] ^= 1;
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		/* The port belongs to one protocol: a packet of the other one passes, too. */
		conn.vip.key.proto ^= IPPROTO_TCP ^ IPPROTO_UDP;
		lb_build_reply(self, &conn, ACK, NULL);
		lb_run_stopped(_metadata, self, LB_PASS_OTHER);
	}
}

/* --- states --------------------------------------------------------------------------- */

static void step(LB_ARGS, struct conn *conn, bool reply, __u8 flags, const struct shape *shape,
		 int state)
{
	if (reply)
		lb_reply(_metadata, self, conn, flags, shape);
	else
		lb_request(_metadata, self, conn, flags, shape);
	ASSERT_EQ(state, lb_state_of(self, conn))
		TH_LOG("mode %u, %s with flags %02x", conn->vip.forward,
		       reply ? "reply" : "request", flags);
}

static void translated_tcp(LB_ARGS, struct conn *conn)
{
	step(_metadata, self, conn, false, SYN, &no_data, LB_FLOW_SYN);
	step(_metadata, self, conn, false, SYN, &no_data, LB_FLOW_SYN);
	step(_metadata, self, conn, true, SYN | ACK, &no_data, LB_FLOW_SYNACK);
	step(_metadata, self, conn, true, SYN | ACK, &no_data, LB_FLOW_SYNACK);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, true, ACK, &data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, true, SYN | ACK, &no_data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, false, RST, &no_data, LB_FLOW_RESET);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_RESET);
	step(_metadata, self, conn, false, ACK, &padded, LB_FLOW_RESET);
	step(_metadata, self, conn, true, ACK, &padded, LB_FLOW_RESET);
	step(_metadata, self, conn, false, ACK, &data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, true, RST | ACK, &no_data, LB_FLOW_RESET);
	step(_metadata, self, conn, true, ACK, &data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, true, FIN | ACK, &data, LB_FLOW_FIN);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_FIN);
	step(_metadata, self, conn, false, FIN | ACK, &no_data, LB_FLOW_FIN);
	step(_metadata, self, conn, true, ACK, &no_data, LB_FLOW_FIN);
	step(_metadata, self, conn, false, SYN, &no_data, LB_FLOW_SYN);
	step(_metadata, self, conn, true, RST | ACK, &no_data, LB_FLOW_RESET);
	step(_metadata, self, conn, false, SYN, &no_data, LB_FLOW_SYN);
	step(_metadata, self, conn, true, SYN | ACK, &no_data, LB_FLOW_SYNACK);
	step(_metadata, self, conn, false, ACK, &data, LB_FLOW_ESTABLISHED);
}

/* #16: without translation, neither a SYN nor a packet that ends a connection makes an entry. */
static void direct_tcp(LB_ARGS, struct conn *conn)
{
	step(_metadata, self, conn, false, SYN, &no_data, LB_FLOW_FREE);
	step(_metadata, self, conn, false, RST, &no_data, LB_FLOW_FREE);
	step(_metadata, self, conn, false, FIN | ACK, &no_data, LB_FLOW_FREE);
	step(_metadata, self, conn, false, SYN | ACK, &no_data, LB_FLOW_FREE);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, false, ACK, &data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, false, RST, &no_data, LB_FLOW_RESET);
	step(_metadata, self, conn, false, ACK, &data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, false, FIN | ACK, &no_data, LB_FLOW_FIN);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_FIN);
	/* The client uses its port again: the packet after the SYN establishes the connection. */
	lb_request(_metadata, self, conn, SYN, &no_data);
	step(_metadata, self, conn, false, ACK, &no_data, LB_FLOW_ESTABLISHED);
	step(_metadata, self, conn, false, ACK, &data, LB_FLOW_ESTABLISHED);
}

/* #17, #18 */
TEST_F(lb, states_of_tcp)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		if (!is_tcp(kind))
			continue;
		if (lb_translates(kind->forward))
			translated_tcp(_metadata, self, &conn);
		else
			direct_tcp(_metadata, self, &conn);
	}
}

TEST_F(lb, states_of_udp)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		if (is_tcp(kind))
			continue;
		step(_metadata, self, &conn, false, 0, &data, LB_FLOW_UDP);
		if (lb_translates(kind->forward)) {
			step(_metadata, self, &conn, false, 0, &data, LB_FLOW_UDP);
			step(_metadata, self, &conn, true, 0, &data, LB_FLOW_UDP_REPLIED);
		} else {
			step(_metadata, self, &conn, false, 0, &data, LB_FLOW_UDP_REPLIED);
		}
		step(_metadata, self, &conn, false, 0, &data, LB_FLOW_UDP_REPLIED);
	}
}

/* Without a connection, only a SYN opens one. */
TEST_F(lb, only_syn_opens)
{
	static const __u8 flags[] = {
		ACK, FIN, FIN | ACK, RST, RST | ACK, SYN | ACK, SYN | RST, 0,
	};
	const struct kind *kind;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		if (!is_tcp(kind) || !lb_translates(kind->forward))
			continue;
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			lb_build_request(self, &conn, flags[i], NULL);
			lb_run_stopped(_metadata, self, LB_DROP_NO_CONNECTION);
		}
		ASSERT_EQ(0, lb_count_flows(self));
	}
}

/* A connection has one entry, whatever happens to it. */
TEST_F(lb, one_entry_each)
{
	const struct kind *kind;
	__u32 n, total = 0;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);

		for (n = 0; n < 4; n++, total++) {
			struct conn conn = lb_conn_n(&vip, n);

			lb_open(_metadata, self, &conn);
			lb_request(_metadata, self, &conn, ACK, &data);
			lb_request(_metadata, self, &conn, FIN | ACK, &data);
			conn.backend = NOWHERE;
			lb_open(_metadata, self, &conn);
			lb_request(_metadata, self, &conn, ACK, &data);
		}
	}
	ASSERT_EQ(total, lb_count_flows(self));
}

/* --- backends that go down ---------------------------------------------------------------- */

/* #14: a connection that can move leaves; the others stay, in case the backend still works. */
TEST_F(lb, down_moves_what_can_move)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		if (!is_tcp(kind))
			continue;
		lb_open(_metadata, self, &conn);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		self->maps.backends[vip.first].state = LB_BACKEND_DOWN;
		if (lb_translates(kind->forward)) {
			lb_request(_metadata, self, &conn, ACK, &data);
			lb_reply(_metadata, self, &conn, ACK, &data);
			conn.backend = NOWHERE;
			/* The source port stays: lb_request() compares it. */
			lb_request(_metadata, self, &conn, SYN, NULL);
			lb_reply(_metadata, self, &conn, SYN | ACK, NULL);
		} else {
			conn.backend = NOWHERE;
			lb_request(_metadata, self, &conn, ACK, &data);
		}
		ASSERT_EQ(vip.first + 1, (__u32)conn.backend);
		lb_request(_metadata, self, &conn, ACK, &data);
		lb_set_ring(_metadata, self, vip.id, vip.first, 1);
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* #14: any packet of UDP may be the first one, so any packet can move. */
TEST_F(lb, down_moves_udp)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		if (is_tcp(kind))
			continue;
		lb_open(_metadata, self, &conn);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		self->maps.backends[vip.first].state = LB_BACKEND_DOWN;
		conn.backend = NOWHERE;
		lb_open(_metadata, self, &conn);
		ASSERT_EQ(vip.first + 1, (__u32)conn.backend);
	}
}

/* #14: when all backends are down, the ring still has them, and packets follow it. */
TEST_F(lb, all_down_is_followed)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);

		self->maps.backends[vip.first].state = LB_BACKEND_DOWN;
		self->maps.backends[vip.first + 1].state = LB_BACKEND_DOWN;
		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, &data);
	}
}

/* #15: another backend gets this index. */
static void replace(struct _test_data_lb *self, __u32 i)
{
	struct lb_backend *backend = &self->maps.backends[i];

	backend->gen++;
	backend->addr.a[3] ^= htonl(0x80);
	backend->dmac[1] ^= 0x11;
}

TEST_F(lb, new_generation_gets_no_old_connection)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add_first(_metadata, self, *kind, 2);
		struct conn conn = lb_conn_n(&vip, 3);
		struct build reply;

		lb_open(_metadata, self, &conn);
		lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
		if (lb_translates(kind->forward)) {
			lb_build_reply(self, &conn, ACK, NULL);
			reply = self->pkt;
		}
		replace(self, vip.first);
		if (lb_translates(kind->forward)) {
			self->pkt = reply;
			lb_run_stopped(_metadata, self, LB_PASS_OTHER);
			lb_build_reply(self, &conn, ACK, NULL);
			lb_run_stopped(_metadata, self, LB_PASS_OTHER);
		}
		if (lb_translates(kind->forward) && is_tcp(kind)) {
			lb_build_request(self, &conn, ACK, &data);
			lb_run_stopped(_metadata, self, LB_DROP_NO_CONNECTION);
		}
		conn.backend = NOWHERE;
		lb_open(_metadata, self, &conn);
		ASSERT_EQ(vip.first + 1, (__u32)conn.backend);
	}
}

/* A service changes its mode, and gets new backends. */
TEST_F(lb, another_mode)
{
	const struct kind *from, *to;

	lb_add_snats(self);
	for (from = lb_kinds; from->family; from++) {
		for (to = lb_kinds; to->family; to++) {
			struct service vip;
			struct conn conn;

			if (from->family != to->family || from->proto != to->proto ||
			    from->forward == to->forward)
				continue;
			lb_empty_flows();
			self->n_backends = 0;
			self->n_vips = 0;
			vip = lb_add_first(_metadata, self, *from, 1);
			conn = lb_conn_n(&vip, 3);
			lb_open(_metadata, self, &conn);
			/* The service keeps its address; its new backend has another index. */
			self->maps.backends[vip.first].state = LB_BACKEND_UNUSED;
			self->maps.backends[vip.first].gen += 7;
			self->n_vips = 0;
			vip = lb_add_first(_metadata, self, *to, 1);
			conn.vip = vip;
			conn.backend = NOWHERE;
			conn.sport = 0;
			lb_open(_metadata, self, &conn);
			lb_request(_metadata, self, &conn, ACK, &data);
			ASSERT_EQ(vip.first, (__u32)conn.backend);
		}
	}
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
