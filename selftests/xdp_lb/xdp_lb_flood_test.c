// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c with many connections: source ports, floods, limits,
 * shares of backends, rings that are replaced under load.
 *
 * "#4" and so on are the invariants of the load balancer's design.
 */
#include "test_harness.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

enum {
	MANY = 50000,
	/* A flood has FLOOD packets, then FLOOD_STEP at a time until FLOOD_S seconds are over. */
	FLOOD = 300000,
	FLOOD_STEP = 100000,
	FLOOD_S = 1,
	PORTS = 65536,
};

/* Give the packet in self->pkt a random client. The checksums are then wrong. */
static void randomize(struct _test_data_lb *self, __u64 *seed)
{
	__u8 *data = self->pkt.data;
	__u32 addr = self->pkt.ip_at + (self->pkt.family == 4 ? 12 : 8), i;

	for (i = 0; i < (self->pkt.family == 4 ? 4 : 16); i += 2)
		put16(data, addr + i, test_rand(seed));
	if (self->pkt.family == 6)
		data[addr] = 0x20;
	put16(data, self->pkt.l4_at, test_rand(seed));
}

static struct lb_addr sent_from(const struct _test_data_lb *self, __u16 *port)
{
	struct look look = {};

	look_at(self->out.data, self->out.len, &look);
	*port = look16(self->out.data, look.l4);
	return look_addr(self->out.data, &look, look_saddr_at(&look));
}

static bool was_forwarded(const struct _test_data_lb *self)
{
	return self->out.verdict == XDP_TX || self->out.verdict == XDP_REDIRECT ||
	       self->out.verdict == TC_ACT_REDIRECT;
}

/* --- ports ------------------------------------------------------------------------------ */

/* Do the rest of the handshake, after the SYN that came out. */
static void establish(LB_ARGS, struct conn *conn)
{
	struct look look;

	conn->source = sent_from(self, &conn->sport);
	ASSERT_TRUE(look_at(self->out.data, self->out.len, &look));
	for (conn->backend = conn->vip.first;; conn->backend++) {
		const struct lb_backend *backend = &self->maps.backends[conn->backend];
		struct lb_addr dst = look_addr(self->out.data, &look, look_daddr_at(&look));

		if (same_addr(&backend->addr, &dst))
			break;
	}
	lb_build_reply(self, conn, SYN | ACK, NULL);
	lb_send(_metadata, self);
	ASSERT_TRUE(was_forwarded(self));
	lb_build_request(self, conn, ACK, NULL);
	lb_send(_metadata, self);
	ASSERT_TRUE(was_forwarded(self));
}

/**
 * open_many() - open connections, each of which must have a source port of its own
 * @conn: a connection to the service; address or port of the client is changed each time
 * @n: how many connections to open
 * @taken: for each SNAT address, the ports that connections have; the new ones are added
 *
 * Return: how many connections got no port.
 */
static __u32 open_many(LB_ARGS, struct conn *conn, __u32 n, __u8 (*taken)[PORTS])
{
	__u32 i, snat, failed = 0;

	for (i = 0; i < n; i++) {
		conn->client = lb_client(conn->vip.family, i % 2 ? i : 0);
		conn->cport = i % 2 ? 40000 : i;
		lb_build_request(self, conn, SYN, NULL);
		lb_send(_metadata, self);
		if (!was_forwarded(self)) {
			failed++;
			continue;
		}
		establish(_metadata, self, conn);
		for (snat = 0; snat < self->maps.config->n_snat; snat++)
			if (same_addr(&conn->source, &self->maps.config->snat[snat].addr))
				break;
		ASSERT_LT(snat, self->maps.config->n_snat);
		ASSERT_LE(self->maps.config->snat[snat].min, conn->sport);
		ASSERT_GE(self->maps.config->snat[snat].max, conn->sport);
		ASSERT_EQ(0, taken[snat][conn->sport])
			TH_LOG("connection %u, port %u of address %u", i, conn->sport, snat);
		taken[snat][conn->sport] = 1;
	}
	return failed;
}

/* #4 */
TEST_F(lb, each_connection_has_its_port)
{
	static __u8 taken[1][PORTS];
	struct service vip;
	struct conn conn;
	__u32 failed;

	lb_add_snat(self, lb_snat(4, 0), 1024, 65535);
	vip = lb_add(_metadata, self, lb_kinds[0], 3);
	conn = lb_conn_n(&vip, 0);
	failed = open_many(_metadata, self, &conn, MANY, taken);
	TH_LOG("%u of %u connections got none of 64512 ports", failed, MANY);
	ASSERT_GT(MANY / 50, failed);
}

TEST_F(lb, two_source_addresses)
{
	static __u8 taken[3][PORTS];
	struct service vip;
	struct conn conn;
	__u32 i, used[3] = {}, snat;

	/* The IPv4 address is of no use to this service, which is IPv6. */
	lb_add_snat(self, lb_snat(6, 0), 1024, 65535);
	lb_add_snat(self, lb_snat(6, 1), 1024, 65535);
	lb_add_snat(self, lb_snat(4, 0), 1024, 65535);
	vip = lb_add(_metadata, self, lb_kinds[2], 3);
	conn = lb_conn_n(&vip, 0);
	ASSERT_EQ(0, open_many(_metadata, self, &conn, MANY, taken));
	for (snat = 0; snat < 3; snat++)
		for (i = 0; i < PORTS; i++)
			used[snat] += taken[snat][i];
	EXPECT_LT(MANY * 45 / 100, used[0]);
	EXPECT_LT(MANY * 45 / 100, used[1]);
	EXPECT_EQ(0, used[2]);
}

/* TCP and UDP do not share ports: both can use all eight. */
TEST_F(lb, ports_of_tcp_and_udp)
{
	struct service tcp, udp;
	__u32 n;

	lb_add_snat(self, lb_snat(4, 0), 5000, 5007);
	tcp = lb_add(_metadata, self, lb_kinds[0], 1);
	udp = lb_add(_metadata, self, lb_kinds[1], 1);
	for (n = 0; n < 8; n++) {
		struct conn conn = lb_conn_n(&tcp, n), conn2 = lb_conn_n(&udp, n);

		lb_open(_metadata, self, &conn);
		lb_open(_metadata, self, &conn2);
		lb_request(_metadata, self, &conn, ACK, NULL);
		lb_reply(_metadata, self, &conn, ACK, NULL);
		lb_reply(_metadata, self, &conn2, ACK, NULL);
	}
}

/* Take all eight ports; then a connection in @state, idle for so long, loses its port. */
static void exhaust(LB_ARGS, struct kind kind, __u8 state, bool stealable)
{
	struct service vip = lb_add(_metadata, self, kind, 1);
	struct conn conns[9];
	__u32 n, timeout = lb_test_timeouts[state];
	int slot;

	for (n = 0; n < 9; n++)
		conns[n] = lb_conn_n(&vip, n);
	for (n = 0; n < 8; n++)
		lb_open(_metadata, self, &conns[n]);
	slot = lb_slot_of(self, &conns[3]);
	lb_set_flow(self, slot, state, timeout);
	lb_build_request(self, &conns[8], SYN, NULL);
	if (!stealable) {
		lb_run_stopped(_metadata, self, LB_DROP_NO_PORT);
		lb_set_flow(self, slot, state, timeout + 1);
	}
	lb_open(_metadata, self, &conns[8]);
	ASSERT_EQ(conns[3].sport, conns[8].sport);
	/* The connection that lost its port is over, and cannot come back. */
	lb_build_request(self, &conns[3], kind.proto == IPPROTO_TCP ? ACK : 0, NULL);
	lb_run_stopped(_metadata, self, kind.proto == IPPROTO_TCP ? LB_DROP_NO_CONNECTION :
								    LB_DROP_NO_PORT);
	for (n = 0; n < 9; n++)
		if (n != 3)
			lb_reply(_metadata, self, &conns[n], ACK, NULL);
	lb_empty_flows();
}

TEST_F(lb, ports_are_given_away_in_time)
{
	int i;

	lb_add_snat(self, lb_snat(4, 0), 5000, 5007);
	lb_add_snat(self, lb_snat(6, 0), 65528, 65535);
	for (i = 0; i < 4; i++) {
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_ESTABLISHED, false);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_UDP_REPLIED, false);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_SYN, true);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_SYNACK, true);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_UDP, true);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_FIN, true);
		exhaust(_metadata, self, lb_kinds[i], LB_FLOW_RESET, true);
	}
}

/* A port that was just closed rests as long as another port is free: RFC 6191. */
TEST_F(lb, closed_ports_rest)
{
	__u32 n, used[16] = {};
	struct service vip;

	lb_add_snat(self, lb_snat(4, 0), 5000, 5015);
	vip = lb_add(_metadata, self, lb_kinds[0], 1);
	for (n = 0; n < 8; n++) {
		struct conn conn = lb_conn_n(&vip, n);

		lb_open(_metadata, self, &conn);
		lb_request(_metadata, self, &conn, FIN | ACK, NULL);
		ASSERT_EQ(0, used[conn.sport - 5000]);
		used[conn.sport - 5000] = 1;
	}
}

/* Without a SNAT address of its family, a service cannot translate. */
TEST_F(lb, no_source_address)
{
	struct service vip;
	struct conn conn;

	lb_add_snat(self, lb_snat(6, 0), 5000, 5007);
	vip = lb_add(_metadata, self, lb_kinds[0], 1);
	conn = lb_conn_n(&vip, 1);
	lb_build_request(self, &conn, SYN, NULL);
	lb_run_stopped(_metadata, self, LB_DROP_NO_PORT);
	ASSERT_EQ(0, lb_count_flows(self));
}

/* --- floods ------------------------------------------------------------------------------- */

static void flood_on(LB_ARGS, __u64 *seed, __u32 n)
{
	while (n--) {
		randomize(self, seed);
		lb_send(_metadata, self);
	}
}

static void flood(LB_ARGS, const struct service *vip, __u32 n, __u8 flags)
{
	struct conn conn = lb_conn_n(vip, 1);
	__u64 seed = test_seed();

	lb_build_request(self, &conn, flags, NULL);
	flood_on(_metadata, self, &seed, n);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Send at least FLOOD SYNs, and more until FLOOD_S seconds are over; or as many as the
 * environment variable NETBPF_FLOOD says. Each SYN is a system call of 1 to 2 us.
 */
static void flood_long(LB_ARGS, const struct service *vip)
{
	const char *text = getenv("NETBPF_FLOOD");
	__u32 want = text ? strtoul(text, NULL, 0) : 0, sent = FLOOD;
	struct conn conn = lb_conn_n(vip, 1);
	__u64 seed = test_seed();
	double start = now_s();

	lb_build_request(self, &conn, SYN, NULL);
	flood_on(_metadata, self, &seed, FLOOD);
	while (want ? sent < want : now_s() - start < FLOOD_S) {
		flood_on(_metadata, self, &seed, FLOOD_STEP);
		sent += FLOOD_STEP;
	}
	TH_LOG("%u SYNs in %.1f s", sent, now_s() - start);
}

/* #16: established connections stay with their backend, and replies find them. */
static void flooded(LB_ARGS, struct kind kind, __u32 n_conns)
{
	struct service vip = lb_add(_metadata, self, kind, 3);
	struct conn *conns = calloc(n_conns, sizeof(*conns));
	__u32 i, before;

	for (i = 0; i < n_conns; i++) {
		conns[i] = lb_conn_n(&vip, i);
		lb_open(_metadata, self, &conns[i]);
		lb_request(_metadata, self, &conns[i], ACK, NULL);
	}
	before = lb_count_flows(self);
	flood_long(_metadata, self, &vip);
	if (!lb_translates(kind.forward) && kind.proto == IPPROTO_TCP)
		ASSERT_EQ(before, lb_count_flows(self));
	/* With another ring, a connection without an entry would get another backend. */
	lb_set_ring(_metadata, self, vip.id, vip.first, 1);
	for (i = 0; i < n_conns; i++) {
		lb_request(_metadata, self, &conns[i], ACK, NULL);
		if (lb_translates(kind.forward))
			lb_reply(_metadata, self, &conns[i], ACK, NULL);
	}
	free(conns);
	lb_empty_flows();
}

TEST_F_TIMEOUT(lb, floods_push_nobody_out, 3600)
{
	static const __u8 which[] = { 0, 1, 2, 4, 8, 9, 12 };
	__u32 i;

	lb_add_snats(self);
	for (i = 0; i < ARRAY_SIZE(which); i++)
		flooded(_metadata, self, lb_kinds[which[i]], 1000);
}

/* #17: over the limit, a connection gets no entry where the hash can do without. */
TEST_F(lb, so_many_new_connections_are_remembered)
{
	const struct kind *kind;

	lb_add_snats(self);
	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		__u32 n;

		lb_set_rates(_metadata, self, LB_TEST_FLOW_LIMIT - 2, 0);
		for (n = 0; n < 4; n++) {
			struct conn conn = lb_conn_n(&vip, n);
			bool over = n >= 2 && !lb_translates(kind->forward);

			if (lb_translates(kind->forward))
				lb_open(_metadata, self, &conn);
			lb_request(_metadata, self, &conn, ACK, NULL);
			EXPECT_EQ(over, self->info);
			EXPECT_EQ(over, lb_slot_of(self, &conn) == NOWHERE);
		}
	}
}

/* Another CPU is just filling a slot for the same connection, in one of its two buckets. */
static void enter_beside_another(LB_ARGS, int second)
{
	const struct kind *kind;

	for (kind = lb_kinds; kind->family; kind++) {
		struct service vip = lb_add(_metadata, self, *kind, 3);
		struct conn conn = lb_conn_n(&vip, 2 + second);

		lb_bucket_of(self, &conn, second)->word[4] =
			LB_WORD(0, lb_hash_tag(lb_hash_of(self, &conn)), LB_FLOW_CLAIMED);
		lb_build_request(self, &conn, lb_translates(kind->forward) ? SYN : ACK, NULL);
		lb_run(_metadata, self);
		if (lb_translates(kind->forward)) {
			ASSERT_EQ(LB_DROP_BUSY, self->reason);
			ASSERT_EQ(NOWHERE, lb_slot_of(self, &conn));
			continue;
		}
		lb_check_forwarded(_metadata, self, &conn);
		ASSERT_EQ(1, self->info);
	}
}

TEST_F(lb, entered_by_another_cpu)
{
	lb_add_snats(self);
	enter_beside_another(_metadata, self, 0);
	enter_beside_another(_metadata, self, 1);
}

/* --- shares ------------------------------------------------------------------------------- */

/* #9: with weights 1, 2 and 4 and random clients, no share is off by 1 % of all packets. */
TEST_F(lb, shares_follow_the_ring)
{
	struct kind kind = { LB_DSR, 4, 4, IPPROTO_TCP };
	struct service vip;
	__u32 slots[3] = {}, i, backend;
	double chi2 = 0;

	for (kind.family = 4; kind.family <= 6; kind.family += 2) {
		vip = lb_add(_metadata, self, kind, 3);
		memset(slots, 0, sizeof(slots));
		for (i = 0; i < LB_TEST_RING; i++) {
			backend = i % 7 < 1 ? 0 : i % 7 < 3 ? 1 : 2;
			slots[backend]++;
			backend += vip.first;
			bpf_map_update_elem(lb_rings[vip.id], &i, &backend, 0);
		}
		flood(_metadata, self, &vip, 2 * MANY, SYN);
		lb_read_stats(_metadata, self, self->stats);
		for (chi2 = 0, i = 0; i < 3; i++) {
			double want = 2.0 * MANY * slots[i] / LB_TEST_RING;
			double off = self->stats[vip.first + i].packets - want;

			chi2 += off * off / want;
			EXPECT_GT(2.0 * MANY / 100, off < 0 ? -off : off);
		}
		/* Two degrees of freedom: chance exceeds this once in 10^6. */
		EXPECT_GT(27.6, chi2);
	}
}

/* --- rings under load ------------------------------------------------------------------------ */

static void swap_rings(LB_ARGS, const struct service *vip)
{
	cpu_set_t cpus;
	int ring;
	__u32 n;

	/* End with the test, however the test ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(&cpus, 0xff, sizeof(cpus));
	CPU_CLR(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (n = 0;; n++) {
		ring = lb_new_ring(lb_ring_size);
		lb_fill_ring(_metadata, self, ring, vip->first + n % 2, 1 + n % 3);
		lb_replace_ring(_metadata, self, vip->id, ring);
		close(ring);
	}
}

/* #12: when a ring is replaced, each packet meets the whole old or the whole new ring. */
TEST_F_TIMEOUT(lb, rings_are_replaced_at_once, 120)
{
	struct kind kind = { LB_DSR, 4, 4, IPPROTO_TCP };
	struct service other = lb_add(_metadata, self, kind, 2);
	struct service vip = lb_add(_metadata, self, kind, 4);
	pid_t pid = fork();
	int i;

	ASSERT_LE(0, pid);
	if (!pid) {
		swap_rings(_metadata, self, &vip);
		_exit(1);
	}
	for (i = 0; i < 10; i++)
		flood(_metadata, self, &vip, FLOOD / 10, SYN);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	lb_replace_ring(_metadata, self, vip.id, lb_rings[vip.id]);
	lb_read_reasons(_metadata, self, self->reasons);
	EXPECT_EQ(0, self->reasons[LB_DROP_NO_BACKEND]);
	lb_read_stats(_metadata, self, self->stats);
	EXPECT_EQ(0, self->stats[other.first].packets);
	for (i = 0; i < 4; i++)
		EXPECT_LT(0, self->stats[vip.first + i].packets);
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
