// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c with packets that nobody thought of: valid ones of all
 * services, both directions, errors and fragments, then broken in random places; frames
 * of random bytes; valid frames that are cut short.
 *
 * Whatever comes out is judged: it passed unchanged; or it was dropped, under one reason; or it
 * was translated correctly for its connection. This is #1, #2 and #25 of the invariants of the
 * load balancer's design.
 */
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_packet.h"

enum {
	ROUNDS = 100000,
	CONNS_MAX = 1 << 16,	/* a power of two */
	MUTATED = 110,		/* bytes up to this offset are broken */
	SERVICES = 20,
	PEERS = 24,
};

/**
 * struct fuzz - state of the generator and of the judge
 * @seed: seed of the random numbers
 * @vips: services of all kinds
 * @peers: connections that packets are made from
 * @conns: all connections that the program may know: a hash table, see hash_ends()
 * @n_conns: entries in use of @conns
 * @forwarded: number of packets that were forwarded
 * @refused: number of packets that BPF_PROG_TEST_RUN would refuse
 */
struct fuzz {
	__u64 seed;
	struct service vips[SERVICES];
	struct conn peers[PEERS * SERVICES];
	struct conn conns[CONNS_MAX];
	__u32 n_conns;
	__u32 forwarded;
	__u32 refused;
};

static struct fuzz fuzz;

/* Number of rounds; NETBPF_FUZZ=N in the environment changes it. */
static __u32 rounds(void)
{
	const char *text = getenv("NETBPF_FUZZ");

	return text ? strtoul(text, NULL, 0) : ROUNDS;
}

static __u32 below(__u32 n)
{
	return test_below(&fuzz.seed, n);
}

/* --- the known connections --------------------------------------------------------------- */

static __u32 hash_ends(const struct ends *ends)
{
	const __u8 *byte = (const __u8 *)ends;
	__u32 i, hash = 2166136261U;

	for (i = 0; i < offsetof(struct ends, family); i++)
		hash = (hash ^ byte[i]) * 16777619U;
	return hash;
}

static bool is_conn(const struct conn *conn, const struct ends *ends)
{
	return conn->cport == ends->sport && conn->vport == ends->dport &&
	       conn->vip.key.proto == ends->proto && same_addr(&conn->client, &ends->src) &&
	       same_addr(&conn->vip.key.addr, &ends->dst);
}

static const struct service *find_vip(const struct ends *ends)
{
	__u32 i;

	for (i = 0; i < SERVICES; i++) {
		const struct lb_vip_key *key = &fuzz.vips[i].key;

		if (same_addr(&key->addr, &ends->dst) && key->proto == ends->proto &&
		    ntohs(key->port) == ends->dport)
			return &fuzz.vips[i];
	}
	return NULL;
}

/* The connection of a request, a new one if need be; NULL if it is not to a service. */
static struct conn *find_conn(const struct ends *ends)
{
	const struct service *vip = find_vip(ends);
	struct conn *conn;
	__u32 i;

	if (!vip)
		return NULL;
	for (i = hash_ends(ends);; i++) {
		conn = &fuzz.conns[i % CONNS_MAX];
		if (!conn->vport)
			break;
		if (is_conn(conn, ends))
			return conn;
	}
	if (++fuzz.n_conns > CONNS_MAX / 2)
		return NULL;
	*conn = lb_conn_n(vip, 0);
	conn->client = ends->src;
	conn->cport = ends->sport;
	conn->vport = ends->dport;
	memcpy(conn->mac, lb_mac_router, ETH_ALEN);
	return conn;
}

/*
 * True if @reply can be of this connection, of which no request was forwarded. In LB_DNAT, a
 * request can open a connection and not be forwarded: may_have_opened(). The first sign of
 * that is a reply that is forwarded.
 */
static bool was_opened(const struct conn *conn, const struct ends *reply)
{
	return conn->vport && conn->backend == NOWHERE && conn->vip.forward == LB_DNAT &&
	       conn->vip.key.proto == reply->proto && conn->cport == reply->dport &&
	       same_addr(&conn->client, &reply->dst);
}

/* Find the connection of a backend's packet. */
static struct conn *find_by_reply(const struct _test_data_lb *self, const struct ends *ends)
{
	__u32 i;

	for (i = 0; i < CONNS_MAX; i++) {
		struct conn *conn = &fuzz.conns[i];

		if (!was_opened(conn, ends) ||
		    conn->vip.id != self->maps.backends[self->backend].vip)
			continue;
		conn->backend = self->backend;
		conn->source = conn->client;
		conn->sport = conn->cport;
	}
	for (i = 0; i < CONNS_MAX; i++) {
		struct conn *conn = &fuzz.conns[i];
		const struct lb_backend *backend;

		if (!conn->vport || conn->backend == NOWHERE ||
		    conn->vip.key.proto != ends->proto ||
		    !lb_translates(conn->vip.forward) || !same_addr(&conn->source, &ends->dst))
			continue;
		backend = &self->maps.backends[conn->backend];
		if (same_addr(&backend->addr, &ends->src) && conn->backend == self->backend &&
		    conn->sport == ends->dport &&
		    (ntohs(backend->port) ?: conn->vport) == ends->sport)
			return conn;
	}
	return NULL;
}

static struct ends ends_of(const __u8 *frame, const struct look *look)
{
	struct ends ends = {
		.src = look_addr(frame, look, look_saddr_at(look)),
		.dst = look_addr(frame, look, look_daddr_at(look)),
		.proto = look->proto,
		.family = look->family,
	};

	if (look_has_ports(look)) {
		ends.sport = look16(frame, look->l4);
		ends.dport = look16(frame, look->l4 + 2);
	}
	return ends;
}

static struct ends turned(const struct ends *ends)
{
	return (struct ends) { ends->dst, ends->src, ends->dport, ends->sport, ends->proto,
			       ends->family };
}

/* --- the judge --------------------------------------------------------------------------- */

/* The first fragment is not known here. So judge only what is behind the fragment header. */
static void judge_fragment(LB_ARGS, const struct look *look)
{
	struct look got;
	__u32 at = look->l4;

	if (self->out.len != self->pkt.len)
		return;
	ASSERT_TRUE(look_at(self->out.data, self->out.len, &got));
	ASSERT_EQ(look->frag_id, got.frag_id);
	ASSERT_EQ(look->proto, got.proto);
	ASSERT_EQ(0, memcmp(self->out.data + at, self->pkt.data + at, self->pkt.len - at));
}

static void judge_request(LB_ARGS, const struct ends *ends)
{
	struct conn *conn = find_conn(ends);

	ASSERT_NE(NULL, conn);
	lb_check_forwarded(_metadata, self, conn);
}

static void judge_reply(LB_ARGS, const struct ends *ends)
{
	struct conn *conn = find_by_reply(self, ends);

	ASSERT_NE(NULL, conn);
	lb_check_replied(_metadata, self, conn);
}

/* Judge an error to a client or to a backend; false if the quoted packet cannot be read. */
static bool judge_error(LB_ARGS, const struct look *look)
{
	struct want outer = { .ttl = 1 }, inner = {};
	static __u8 data[BUILD_MAX];
	const struct lb_backend *backend = &self->maps.backends[self->backend];
	struct look quote;
	struct ends ends;
	struct conn *conn;

	memcpy(data, self->pkt.data, self->pkt.len);
	if (!look_at_ip(data, look->l4 + 8, look->end, &quote) || look_l4_there(&quote) < 8)
		return false;
	ends = ends_of(data, &quote);
	ends = turned(&ends);
	if (self->reply) {
		conn = find_by_reply(self, &ends);
		ASSERT_NE(NULL, conn);
		outer.saddr = &conn->vip.key.addr;
		outer.daddr = &conn->client;
		inner = (struct want) { &conn->client, &conn->vip.key.addr, conn->cport,
					conn->vport, 0 };
		want_error(data, look, &outer, &inner);
		want_macs(data, conn->mac, lb_mac_in);
		lb_compare(_metadata, self, data, self->pkt.len);
		return true;
	}
	conn = find_conn(&ends);
	ASSERT_NE(NULL, conn);
	if (conn->vip.forward == LB_IPIP) {
		lb_check_tunnel(_metadata, self, backend);
		return true;
	}
	/* A packet that was not forwarded opened it: the judge cannot know its source port. */
	if (lb_translates(conn->vip.forward) && !conn->sport)
		return true;
	if (lb_translates(conn->vip.forward)) {
		outer.daddr = &backend->addr;
		inner = (struct want) { &backend->addr, &conn->source, ntohs(backend->port),
					conn->sport, 0 };
		want_error(data, look, &outer, &inner);
	}
	want_macs(data, backend->dmac, backend->smac);
	lb_compare(_metadata, self, data, self->pkt.len);
	return true;
}

/* Judge the answer to a packet that was too big: it goes to the sender, and is correct. */
static void judge_too_big(LB_ARGS, const struct ends *ends)
{
	struct ends got;
	struct look look;

	ASSERT_TRUE(look_at(self->out.data, self->out.len, &look));
	got = ends_of(self->out.data, &look);
	ASSERT_TRUE(same_addr(&got.dst, &ends->src));
	ASSERT_TRUE(same_addr(&got.src, &ends->dst));
	ASSERT_TRUE(sums_are_right(self->out.data, self->out.len));
}

/*
 * A request can open a connection and not be forwarded: the program finds these reasons after
 * it has made the entry in the flow table.
 */
static bool may_have_opened(int reason)
{
	switch (reason) {
	case LB_PASS_TTL:
	case LB_DROP_UDP6_CHECKSUM:
	case LB_DROP_NO_NEIGHBOUR:
	case LB_DROP_TOO_BIG:
	case LB_DROP_TOO_BIG_LIMIT:
	case LB_TOO_BIG:
	case LB_DROP_ERROR:
		return true;
	}
	return false;
}

/* Judge what came out. lb_run() has already checked packets that passed or were dropped. */
static void judge(LB_ARGS)
{
	struct look look;
	struct ends ends;

	if (may_have_opened(self->reason) && look_at(self->pkt.data, self->pkt.len, &look)) {
		ends = ends_of(self->pkt.data, &look);
		find_conn(&ends);
	}
	if (self->reason != NOWHERE && self->reason != LB_TOO_BIG)
		return;
	fuzz.forwarded++;
	ASSERT_TRUE(look_at(self->pkt.data, self->pkt.len, &look))
		build_dump(self->pkt.data, self->pkt.len);
	ASSERT_EQ(0, memcmp(self->pkt.data, lb_mac_in, ETH_ALEN));
	ends = ends_of(self->pkt.data, &look);
	if (self->reason == LB_TOO_BIG)
		judge_too_big(_metadata, self, &ends);
	else if (look.proto == IPPROTO_ICMP || look.proto == IPPROTO_ICMPV6)
		judge_error(_metadata, self, &look);
	else if (look.later)
		judge_fragment(_metadata, self, &look);
	else if (self->reply)
		judge_reply(_metadata, self, &ends);
	else
		judge_request(_metadata, self, &ends);
}

/* True for a frame that BPF_PROG_TEST_RUN would refuse: it is left out. */
static bool refused(LB_ARGS)
{
	int err = 0;

	if (lb_is_tc(self) && self->pkt.len < 80) {
		struct look look;

		if (!look_at(self->pkt.data, self->pkt.len, &look))
			err = self->pkt.len < ETH_HLEN + 40;
	}
	fuzz.refused += err;
	return err;
}

static void run_and_judge(LB_ARGS)
{
	if (refused(_metadata, self))
		return;
	lb_run(_metadata, self);
	judge(_metadata, self);
	if (_metadata->exit_code)
		build_dump(self->pkt.data, self->pkt.len);
}

/* --- making packets up -------------------------------------------------------------------- */

static struct shape random_shape(const struct _test_data_lb *self, const struct conn *conn)
{
	struct shape shape = {
		.ip_opts = below(4) ? 0 : below(11) * 4,
		.ext = !below(4),
		.tcp_opts = below(4) ? 0 : below(11) * 4,
		.payload = below(8) ? below(100) : below(1500),
		.pad = below(4) ? 0 : below(300),
		.ttl = below(20) ? 64 : below(4),
	};

	if (!lb_is_tc(self) || conn->vip.forward != LB_IPIP)
		shape.vlans = below(4) ? 0 : below(4);
	return shape;
}

static __u8 random_flags(void)
{
	static const __u8 usual[] = { SYN, ACK, ACK, ACK, SYN | ACK, FIN | ACK, RST };

	return below(8) ? usual[below(ARRAY_SIZE(usual))] : below(256);
}

/* Wrap the packet in self->pkt, as its receiver got it, in an ICMP error. */
static void wrap_in_error(struct _test_data_lb *self, const struct ends *quoted)
{
	static const __u8 types4[] = { 3, 3, 3, 11, 12, 5, 8, 0 };
	static const __u8 types6[] = { 1, 2, 3, 4, 128, 129, 135, 0 };
	static struct build inner;
	struct ends ends = *quoted;
	struct shape shape = { .pad = below(3) ? 0 : below(300), .ttl = below(20) ? 64 : 1 };
	__u8 type = (ends.family == 4 ? types4 : types6)[below(8)];
	__u32 len;

	ends.dst = quoted->src;
	ends.src = lb_test_addr(ends.family == 4 ? "203.0.113.7" : "2001:db8:7::7");
	inner = self->pkt;
	len = inner.len - inner.ip_at;
	if (below(2))
		len = inner.l4_at - inner.ip_at + 8;
	else if (below(4))
		len = below(len + 1);
	lb_build_net(&self->pkt, &ends, &shape);
	build_icmp_as(&self->pkt, ends.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, type, below(5));
	memcpy(self->pkt.data + build_grow(&self->pkt, len), inner.data + inner.ip_at, len);
	lb_put_ends(&self->pkt, &ends);
	build_finish(&self->pkt);
	build_pad(&self->pkt, shape.pad);
}

/* Make a valid packet of some connection in self->pkt. */
static void make_packet(struct _test_data_lb *self)
{
	const struct conn *peer = &fuzz.peers[below(ARRAY_SIZE(fuzz.peers))];
	struct ends ends = lb_request_ends(peer);
	const struct conn *conn = find_conn(&ends);
	struct shape shape = random_shape(self, conn);
	bool back = !below(3) && lb_translates(conn->vip.forward) && conn->backend != NOWHERE;
	bool error = !below(4);

	if (back)
		ends = lb_reply_ends(self, conn);
	/* The receiver sends the error: a client about a reply, a backend about a request. */
	if (error)
		ends = turned(&ends);
	lb_build(&self->pkt, &ends, random_flags(), &shape);
	if (!error && !below(6) && ends.family == 4) {
		build_frag4(&self->pkt, below(2) * 64, below(2));
		build_checksums(&self->pkt);
	}
	if (error)
		wrap_in_error(self, &ends);
}

static void mutate(struct _test_data_lb *self)
{
	static const __u16 edges[] = { 0, 1, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 20, 60 };
	__u32 n = below(2) ? 0 : 1 + below(3), at;

	while (n--) {
		at = 12 + below(MUTATED);
		if (at + 2 > self->pkt.len)
			continue;
		switch (below(4)) {
		case 0:
			self->pkt.data[at] ^= 1 << below(8);
			break;
		case 1:
			self->pkt.data[at] = below(256);
			break;
		case 2:
			put16(self->pkt.data, at, edges[below(ARRAY_SIZE(edges))]);
			break;
		default:
			if (!below(3) && self->pkt.len > BUILD_MIN)
				self->pkt.len = BUILD_MIN + below(self->pkt.len - BUILD_MIN);
		}
	}
	want_macs(self->pkt.data, lb_mac_in, lb_mac_router);
	if (!below(50))
		self->pkt.data[below(ETH_ALEN)] ^= 1 << below(8);
}

static void set_up(LB_ARGS)
{
	__u32 i, n;

	memset(&fuzz, 0, sizeof(fuzz));
	fuzz.seed = test_seed();
	lb_add_snats(self);
	for (i = 0; i < SERVICES; i++) {
		fuzz.vips[i] = lb_add(_metadata, self, lb_kinds[i], 3);
		for (n = 0; n < PEERS; n++)
			fuzz.peers[i * PEERS + n] = lb_conn_n(&fuzz.vips[i], n);
	}
}

TEST_F_TIMEOUT(lb, broken_packets, 86400)
{
	__u32 i, n = rounds(), errors = 0;

	set_up(_metadata, self);
	for (i = 0; i < n; i++) {
		make_packet(self);
		mutate(self);
		run_and_judge(_metadata, self);
		if (_metadata->exit_code) {
			TH_LOG("in round %u", i);
			break;
		}
		/* In TC, no outer header fits behind VLAN tags, which is LB_DROP_ERROR. */
		errors += self->reason == LB_DROP_ERROR && !lb_is_tc(self);
	}
	TH_LOG("%u packets, %u forwarded, %u connections, %u refused", i, fuzz.forwarded,
	       fuzz.n_conns, fuzz.refused);
	EXPECT_EQ(0, errors);
	EXPECT_LT(n / 4, fuzz.forwarded);
}

/* #1: random bytes are never taken for a packet to a service. */
TEST_F_TIMEOUT(lb, random_frames, 86400)
{
	static const __u16 types[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, ETH_P_8021AD, ETH_P_ARP };
	__u32 i, j, n = rounds();

	set_up(_metadata, self);
	for (i = 0; i < n; i++) {
		self->pkt.len = BUILD_MIN + (below(4) ? below(150) : below(1500));
		for (j = 0; j < self->pkt.len; j += 2)
			put16(self->pkt.data, j, test_rand(&fuzz.seed));
		want_macs(self->pkt.data, lb_mac_in, lb_mac_router);
		if (below(4))
			put16(self->pkt.data, 12, types[below(ARRAY_SIZE(types))]);
		if (below(4) && look16(self->pkt.data, 12) == ETH_P_IP)
			self->pkt.data[14] = 0x45;
		if (below(4) && look16(self->pkt.data, 12) == ETH_P_IPV6)
			self->pkt.data[14] = 0x60 | below(16);
		if (refused(_metadata, self))
			continue;
		lb_run(_metadata, self);
		ASSERT_TRUE(self->reason == LB_PASS_OTHER || self->reason == LB_PASS_BAD ||
			    self->reason == LB_PASS_ICMP)
			build_dump(self->pkt.data, self->pkt.len);
	}
}

/* #2: valid frames of each shape, cut short; long ones are not cut at each length. */
TEST_F_TIMEOUT(lb, each_truncation, 600)
{
	__u32 i, k, len;

	set_up(_metadata, self);
	for (i = 0; i < SERVICES; i++) {
		const struct kind *kind = &lb_kinds[i];

		for (k = 0; k < ARRAY_SIZE(lb_shapes); k++) {
			struct conn *peer = &fuzz.peers[i * PEERS + k];
			struct shape shape = lb_shapes[k];

			if (lb_is_tc(self) && kind->forward == LB_IPIP)
				shape.vlans = 0;
			lb_build_request(self, peer, SYN, &shape);
			want_macs(self->pkt.data, lb_mac_in, lb_mac_router);
			for (len = self->pkt.len; len >= BUILD_MIN; len -= 1 + len / 200) {
				self->pkt.len = len;
				run_and_judge(_metadata, self);
			}
		}
	}
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
