// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: ICMP errors about packets of connections, in each
 * mode and from both sides.
 *
 * "#19" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

/**
 * struct error - an ICMP error
 * @family: 4, 6
 * @type: type of ICMP or ICMPv6
 * @code: code of ICMP or ICMPv6
 */
struct error {
	__u8 family;
	__u8 type;
	__u8 code;
};

static const struct error errors[] = {
	{ 4, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH },
	{ 4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED },
	{ 4, ICMP_TIME_EXCEEDED, 0 },
	{ 4, ICMP_PARAMETERPROB, 0 },
	{ 6, ICMPV6_DEST_UNREACH, 4 },
	{ 6, ICMPV6_PKT_TOOBIG, 0 },
	{ 6, ICMPV6_TIME_EXCEED, 0 },
	{ 6, ICMPV6_PARAMPROB, 1 },
};

/* Quoted bytes of the transport layer: the 8 bytes of RFC 792, and more. */
static const __u32 quoted_lens[] = { 8, 12, 20, 33, 64, 1000 };

/* A quoted packet: its bytes from the IP header on, as its receiver saw it. */
static __u8 quoted[BUILD_MAX];
static __u32 quoted_len;

/* Quote the packet in @frame with @l4_len transport bytes; its TTL has decreased by @ttl. */
static void quote(LB_ARGS, const __u8 *frame, __u32 len, __u32 l4_len, __u8 ttl)
{
	const struct want older = { .ttl = ttl };
	struct look look;

	ASSERT_TRUE(look_at(frame, len, &look));
	quoted_len = look.l4 - look.l3 + l4_len;
	if (look.l3 + quoted_len > look.end)
		quoted_len = look.end - look.l3;
	memcpy(quoted, frame + look.l3, look.end - look.l3);
	ASSERT_TRUE(look_at_ip(quoted, 0, look.end - look.l3, &look));
	want_apply(quoted, &look, &older);
}

static struct lb_addr router(int family)
{
	return lb_test_addr(family == 4 ? "203.0.113.7" : "2001:db8:7::7");
}

/* Build an error in self->pkt, from @src to @dst, that quotes what is in quoted[]. */
static void build_error(struct _test_data_lb *self, const struct error *error,
			struct lb_addr src, struct lb_addr dst, const struct shape *shape)
{
	struct ends ends = { .src = src, .dst = dst, .family = error->family };
	static const struct shape plain = {};
	struct build *pkt = &self->pkt;

	shape = shape ?: &plain;
	lb_build_net(pkt, &ends, shape);
	build_icmp_as(pkt, error->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, error->type,
		      error->code);
	build_put16(pkt, pkt->l4_at + 4, 0);
	build_put16(pkt, pkt->l4_at + 6, 1400);
	memcpy(pkt->data + build_grow(pkt, quoted_len), quoted, quoted_len);
	lb_put_ends(pkt, &ends);
	build_finish(pkt);
	build_pad(pkt, shape->pad);
	want_macs(pkt->data, lb_mac_in, lb_mac_router);
}

static void compare_error(LB_ARGS, const struct want *outer, const struct want *inner,
			  const __u8 *dmac, const __u8 *smac)
{
	static __u8 data[BUILD_MAX];
	struct look look;

	ASSERT_EQ(NOWHERE, self->reason)
		build_dump(self->pkt.data, self->pkt.len);
	memcpy(data, self->pkt.data, self->pkt.len);
	ASSERT_TRUE(look_at(data, self->pkt.len, &look));
	ASSERT_TRUE(want_error(data, &look, outer, inner));
	want_macs(data, dmac, smac);
	lb_compare(_metadata, self, data, self->pkt.len);
	if (sums_are_right(self->pkt.data, self->pkt.len))
		ASSERT_TRUE(sums_are_right(self->out.data, self->out.len));
}

/* --- to the client ------------------------------------------------------------------- */

/*
 * The error in self->pkt quotes a client's packet as the balancer has sent it on. The client
 * must get the error with that packet as the client has sent it.
 */
static void check_error_to_client(LB_ARGS, const struct conn *conn)
{
	const struct want outer = {
		.saddr = &conn->vip.key.addr,
		.daddr = &conn->client,
		.ttl = 1,
	};
	const struct want inner = {
		.saddr = &conn->client,
		.sport = conn->cport,
		.daddr = &conn->vip.key.addr,
		.dport = conn->vport,
	};

	lb_run(_metadata, self);
	compare_error(_metadata, self, &outer, &inner, conn->mac, lb_mac_in);
	ASSERT_TRUE(self->reply);
	ASSERT_EQ(conn->backend, self->backend);
}

static void errors_to_client(LB_ARGS, struct conn *conn, const struct shape *shape,
			     const struct shape *outer)
{
	struct test_out sent;
	__u32 i, j;

	lb_request(_metadata, self, conn, ACK, shape);
	sent = self->out;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].family != conn->vip.family)
			continue;
		for (j = 0; j < ARRAY_SIZE(quoted_lens); j++) {
			quote(_metadata, self, sent.data, sent.len, quoted_lens[j], 2);
			build_error(self, &errors[i], router(conn->vip.family), conn->source,
				    outer);
			check_error_to_client(_metadata, self, conn);
		}
	}
}

/* #19 */
TEST_F(lb, errors_reach_the_client)
{
	static const struct shape shapes[] = {
		{ .payload = 200 }, { .payload = 201, .ip_opts = 12 },
	};
	const struct kind *kind;
	__u32 i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip;

		if (!lb_translates(kind->forward))
			continue;
		vip = lb_add(_metadata, self, *kind, 3);
		for (i = 0; i < 4; i++) {
			struct conn conn = lb_conn_n(&vip, i);
			struct shape shape = shapes[i / 2], outer = { .vlans = i % 3 };

			lb_open(_metadata, self, &conn);
			errors_to_client(_metadata, self, &conn, &shape, &outer);
		}
	}
}

/* The error that a client gets quotes exactly what the client has sent. */
TEST_F(lb, errors_quote_what_was_sent)
{
	const struct shape shape = { .payload = 64 };
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family && lb_translates(kind->forward); kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 5);
		struct build request;
		struct look look;

		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, &shape);
		request = self->pkt;
		/* TTL - 255 is TTL + 1, modulo 256: this undoes the balancer's decrement. */
		quote(_metadata, self, self->out.data, self->out.len, 16, 255);
		build_error(self, &errors[kind->family == 4 ? 1 : 5], router(kind->family),
			    conn.source, NULL);
		lb_run(_metadata, self);
		ASSERT_EQ(NOWHERE, self->reason);
		ASSERT_TRUE(look_at(self->out.data, self->out.len, &look));
		EXPECT_EQ(0, memcmp(self->out.data + look.l4 + 8, request.data + ETH_HLEN,
				    quoted_len));
	}
}

/* --- to the backend ------------------------------------------------------------------ */

/* Build an answer of the service in self->pkt, as the client gets it. */
static void build_answer(struct _test_data_lb *self, const struct conn *conn,
			 const struct shape *shape)
{
	struct ends ends = lb_request_ends(conn), answer = ends;

	answer.src = ends.dst;
	answer.dst = ends.src;
	answer.sport = ends.dport;
	answer.dport = ends.sport;
	lb_build(&self->pkt, &answer, ACK, shape);
}

static void check_error_to_backend(LB_ARGS, const struct conn *conn)
{
	const struct lb_backend *backend = &self->maps.backends[conn->backend];
	const struct want outer = { .daddr = &backend->addr, .ttl = 1 };
	const struct want inner = {
		.saddr = &backend->addr,
		.sport = ntohs(backend->port),
		.daddr = &conn->source,
		.dport = conn->sport,
	};
	const struct want nothing = {};

	lb_run(_metadata, self);
	ASSERT_EQ(NOWHERE, self->reason)
		build_dump(self->pkt.data, self->pkt.len);
	ASSERT_FALSE(self->reply);
	ASSERT_EQ(conn->backend, self->backend);
	if (lb_translates(conn->vip.forward))
		compare_error(_metadata, self, &outer, &inner, backend->dmac, backend->smac);
	else if (conn->vip.forward == LB_DSR)
		compare_error(_metadata, self, &nothing, &nothing, backend->dmac, backend->smac);
	else
		lb_check_tunnel(_metadata, self, backend);
}

static void errors_to_backend(LB_ARGS, const struct conn *conn, const struct shape *shape,
			      const struct shape *outer)
{
	__u32 i, j;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].family != conn->vip.family)
			continue;
		for (j = 0; j < ARRAY_SIZE(quoted_lens); j++) {
			build_answer(self, conn, shape);
			quote(_metadata, self, self->pkt.data, self->pkt.len, quoted_lens[j], 3);
			build_error(self, &errors[i], router(conn->vip.family),
				    conn->vip.key.addr, outer);
			check_error_to_backend(_metadata, self, conn);
		}
	}
}

/* #19, also with IPv4 options in the quoted packet. */
TEST_F(lb, errors_reach_the_backend)
{
	static const struct shape shapes[] = {
		{ .payload = 200 }, { .payload = 201, .ip_opts = 12 },
	};
	const struct kind *kind;
	int i;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);

		for (i = 0; i < 4; i++) {
			struct conn conn = lb_conn_n(&vip, i);
			struct shape shape = shapes[i / 2], outer = { .vlans = i % 3 };

			if (lb_is_tc(self) && kind->forward == LB_IPIP)
				outer.vlans = 0;
			lb_open(_metadata, self, &conn);
			errors_to_backend(_metadata, self, &conn, &shape, &outer);
		}
	}
}

/* The error goes to the backend of the connection, not to the one that the ring has now. */
TEST_F(lb, errors_reach_the_backend_of_their_connection)
{
	const struct kind *kind;
	__u32 n;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 2);

		for (n = 0; n < 8; n++) {
			struct conn conn = lb_conn_n(&vip, n);

			lb_set_ring(_metadata, self, vip.id, vip.first, 1);
			lb_open(_metadata, self, &conn);
			lb_set_ring(_metadata, self, vip.id, vip.first + 1, 1);
			ASSERT_EQ(vip.first, (__u32)conn.backend);
			errors_to_backend(_metadata, self, &conn, NULL, NULL);
		}
	}
}

/* --- checksums ------------------------------------------------------------------------ */

/* #6: checksums of the quoted packet and of the error: all near 0 and 0xffff, others sampled. */
TEST_F(lb, errors_with_each_checksum)
{
	struct service vip;
	struct conn conn;
	struct test_out sent;
	__u32 i;

	lb_add_snats(self);
	for (i = 0; i < 4; i++) {
		const struct kind *kind = &lb_kinds[i];
		const struct error *error = &errors[kind->family == 4 ? 1 : 5];
		__u32 value;

		vip = lb_add(_metadata, self, *kind, 1);
		conn = lb_conn_n(&vip, 5);
		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, NULL);
		sent = self->out;
		for (value = 0; value < 65536; value += value < 32 || value > 65500 ? 1 : 251) {
			quote(_metadata, self, sent.data, sent.len, 64, 0);
			put16(quoted, quoted_len - 2, value);
			put16(quoted, (kind->family == 4 ? 20 : 40) +
				      (kind->proto == IPPROTO_TCP ? 16 : 6), value);
			build_error(self, error, router(kind->family), conn.source, NULL);
			check_error_to_client(_metadata, self, &conn);
		}
	}
}

/* A wrong checksum must not become right: the client would believe the error. */
TEST_F(lb, errors_that_are_wrong_stay_wrong)
{
	struct service vip;
	struct conn conn;
	int i;

	lb_add_snats(self);
	for (i = 0; i < 4; i++) {
		const struct error *error = &errors[lb_kinds[i].family == 4 ? 0 : 4];

		vip = lb_add(_metadata, self, lb_kinds[i], 1);
		conn = lb_conn_n(&vip, 6);
		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, ACK, NULL);
		quote(_metadata, self, self->out.data, self->out.len, 12, 1);
		build_error(self, error, router(vip.family), conn.source, NULL);
		self->pkt.data[self->pkt.l4_at + 2] ^= 0x5a;
		check_error_to_client(_metadata, self, &conn);
		ASSERT_FALSE(sums_are_right(self->out.data, self->out.len));
	}
}

/* --- what is not translated ------------------------------------------------------------ */

static void passes(LB_ARGS, const char *what)
{
	lb_run(_metadata, self);
	ASSERT_EQ(LB_PASS_ICMP, self->reason)
		TH_LOG("%s", what);
}

static void icmp_that_passes(LB_ARGS, struct conn *conn)
{
	static const struct error others[] = {
		{ 4, ICMP_ECHO, 0 }, { 4, ICMP_ECHOREPLY, 0 }, { 4, ICMP_REDIRECT, 1 },
		{ 4, ICMP_TIMESTAMP, 0 }, { 6, ICMPV6_ECHO_REQUEST, 0 },
		{ 6, ICMPV6_ECHO_REPLY, 0 }, { 6, 135, 0 }, { 6, 137, 0 }, { 6, 143, 0 },
	};
	const struct error *error = &errors[conn->vip.family == 4 ? 0 : 4];
	struct lb_addr from = router(conn->vip.family);
	struct lb_addr to = conn->vip.key.addr;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].family != conn->vip.family)
			continue;
		build_error(self, &others[i], from, to, NULL);
		passes(_metadata, self, "no error");
	}
	/* Cut the quoted packet at each length. Padding that continues it must not count. */
	build_answer(self, conn, NULL);
	quote(_metadata, self, self->pkt.data, self->pkt.len, 7, 1);
	for (i = quoted_len; i < 200; i--) {
		quoted_len = i;
		build_error(self, error, from, to, NULL);
		passes(_metadata, self, "cut short");
		memcpy(self->pkt.data + build_grow(&self->pkt, 40), quoted + i, 40);
		passes(_metadata, self, "cut short, padded");
	}
}

TEST_F(lb, other_icmp_passes)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		lb_open(_metadata, self, &conn);
		icmp_that_passes(_metadata, self, &conn);
	}
}

/* Errors about unknown connections. Without translation, the hash still finds the backend. */
TEST_F(lb, errors_about_no_connection)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		build_answer(self, &conn, NULL);
		quote(_metadata, self, self->pkt.data, self->pkt.len, 8, 1);
		build_error(self, &errors[kind->family == 4 ? 0 : 4], router(kind->family),
			    vip.key.addr, NULL);
		lb_run(_metadata, self);
		ASSERT_EQ(NOWHERE, lb_slot_of(self, &conn));
		if (lb_translates(kind->forward)) {
			ASSERT_EQ(LB_PASS_ICMP, self->reason);
			continue;
		}
		ASSERT_EQ(NOWHERE, self->reason);
		conn.backend = self->backend;
		lb_request(_metadata, self, &conn, SYN, NULL);
	}
}

/* Errors that quote packets of no connection. */
static void quote_of_others(LB_ARGS, struct conn *conn)
{
	const struct error *error = &errors[conn->vip.family == 4 ? 0 : 4];
	struct lb_addr from = router(conn->vip.family);
	__u32 daddr = conn->vip.family == 4 ? 16 : 24;
	struct test_out sent;

	lb_request(_metadata, self, conn, ACK, NULL);
	sent = self->out;
	/* To another backend's address. */
	quote(_metadata, self, sent.data, sent.len, 8, 1);
	quoted[daddr + 3] ^= 1;
	build_error(self, error, from, conn->source, NULL);
	passes(_metadata, self, "to another backend");
	/* A fragment, but not the first. */
	if (conn->vip.family == 4) {
		quote(_metadata, self, sent.data, sent.len, 8, 1);
		put16(quoted, 6, 5);
		build_error(self, error, from, conn->source, NULL);
		passes(_metadata, self, "a later fragment");
	}
	/* Of another protocol. */
	quote(_metadata, self, sent.data, sent.len, 8, 1);
	quoted[conn->vip.family == 4 ? 9 : 6] = IPPROTO_ICMP;
	build_error(self, error, from, conn->source, NULL);
	passes(_metadata, self, "another protocol");
	/* Of the other family. */
	quote(_metadata, self, sent.data, sent.len, 40, 1);
	quoted[0] = conn->vip.family == 4 ? 0x60 : 0x45;
	build_error(self, error, from, conn->source, NULL);
	passes(_metadata, self, "another family");
}

TEST_F(lb, errors_about_packets_of_others_pass)
{
	struct service vip;
	struct conn conn;
	int i;

	lb_add_snats(self);
	for (i = 0; i < 4; i++) {
		vip = lb_add(_metadata, self, lb_kinds[i], 3);
		conn = lb_conn_n(&vip, 3);
		lb_open(_metadata, self, &conn);
		quote_of_others(_metadata, self, &conn);
	}
}

/* An error counts only if it is sent to the source of the quoted packet. */
TEST_F(lb, errors_to_another_address_pass)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct service other = lb_add(_metadata, self, *kind, 1);
		struct conn conn = lb_conn_n(&vip, 3);

		lb_open(_metadata, self, &conn);
		build_answer(self, &conn, NULL);
		quote(_metadata, self, self->pkt.data, self->pkt.len, 8, 1);
		build_error(self, &errors[kind->family == 4 ? 0 : 4], router(kind->family),
			    other.key.addr, NULL);
		passes(_metadata, self, "to another service");
		self->n_backends = 0;
	}
}

/* #21: an error whose TTL is used up is not forwarded in modes that decrement the TTL. */
TEST_F(lb, errors_with_ttl_1_pass)
{
	const struct shape old = { .ttl = 1 };
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 3);

		lb_open(_metadata, self, &conn);
		build_answer(self, &conn, NULL);
		quote(_metadata, self, self->pkt.data, self->pkt.len, 8, 1);
		build_error(self, &errors[kind->family == 4 ? 0 : 4], router(kind->family),
			    vip.key.addr, &old);
		if (lb_translates(kind->forward))
			lb_run_stopped(_metadata, self, LB_PASS_TTL);
		else
			check_error_to_backend(_metadata, self, &conn);
	}
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
