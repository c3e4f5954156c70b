// SPDX-License-Identifier: GPL-2.0
/*
 * How long samples/xdp_lb_kern.c takes for a packet: a table, not a test. The times are
 * nanoseconds of CPU time above the floor, a program that parses Ethernet, IP and TCP and
 * passes the packet. The same front program runs before both. Both are measured in turns; the
 * table has the median of the rounds.
 *
 * A million slots and rings of 65537, the defaults; 15 backends each. New connections are
 * measured twice. First 256, each forgotten before its turn comes again, so that what they
 * touch is as near as for the 256 established ones. Then 100,000, which are spread over the
 * whole table, so that each one waits for memory.
 */
#include "test_harness.h"
#include <time.h>
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"
#include "xdp_lb_bench.h"
#include "xdp_lb_bench.skel.h"

enum {
	ROUNDS = 15,
	ROUNDS_MAX = 1000,
	PACKETS = 300000,
	NEW = 100000,
	WARM_UP = 20000,
	FEW = BENCH_TURN,
	MANY = 65536,
	BENCH_SLOTS = 1 << 20,
	SLOTS_MAX = 1 << 24,
	BENCH_RING = 65537,
	BENCH_TICK_SHIFT = 7,
	CLIENT_PORT = 40000,
	CLIENTS = 0x0a640000,
	NEW_CLIENTS = 0x64000000,
};

/**
 * enum what - which packets are measured
 */
enum what {
	REQUEST,	/* requests of established connections */
	REPLY,		/* replies of their backends */
	OPEN,		/* each packet begins a connection */
	OPEN_SYN,	/* each is a SYN, which leaves no entry in dsr and ipip */
	OTHER,		/* to an address that no service has */
	READ,		/* requests, to a program that only reads a line of the table */
};

/**
 * struct sample - a line of the table
 * @name: text of the line
 * @forward: enum lb_forward
 * @family: 4, 6
 * @what: enum what
 * @flows: number of connections
 * @target: longest time that is wanted, nanoseconds; 0: no target
 * @dnat: there are services in mode dnat, too
 */
struct sample {
	const char *name;
	__u8 forward;
	__u8 family;
	enum what what;
	__u32 flows;
	int target;
	bool dnat;
};

static const struct sample samples[] = {
	{ "nat, request", LB_NAT, 4, REQUEST, FEW, 40, false },
	{ "nat, reply", LB_NAT, 4, REPLY, FEW, 40, false },
	{ "dnat, request", LB_DNAT, 4, REQUEST, FEW, 0, false },
	{ "dsr", LB_DSR, 4, REQUEST, FEW, 35, false },
	{ "dsr, beside dnat", LB_DSR, 4, REQUEST, FEW, 0, true },
	{ "ipip, 4 in 4", LB_IPIP, 4, REQUEST, FEW, 60, false },
	{ "nat, request, IPv6", LB_NAT, 6, REQUEST, FEW, 0, false },
	{ "dsr, IPv6", LB_DSR, 6, REQUEST, FEW, 0, false },
	{ "one read of the table", LB_NAT, 4, READ, MANY, 0, false },
	{ "nat, request", LB_NAT, 4, REQUEST, MANY, 200, false },
	{ "nat, reply", LB_NAT, 4, REPLY, MANY, 200, false },
	{ "dsr", LB_DSR, 4, REQUEST, MANY, 200, false },
	{ "ipip, 4 in 4", LB_IPIP, 4, REQUEST, MANY, 200, false },
	{ "not for a service", LB_NAT, 4, OTHER, FEW, 45, false },
	{ "new, nat", LB_NAT, 4, OPEN_SYN, FEW, 150, false },
	{ "new, dsr", LB_DSR, 4, OPEN, FEW, 150, false },
	{ "new, ipip", LB_IPIP, 4, OPEN, FEW, 150, false },
	{ "SYN, dsr, not entered", LB_DSR, 4, OPEN_SYN, FEW, 150, false },
	{ "new, nat, cold", LB_NAT, 4, OPEN_SYN, NEW, 150, false },
	{ "new, dsr, cold", LB_DSR, 4, OPEN, NEW, 150, false },
	{ "new, ipip, cold", LB_IPIP, 4, OPEN, NEW, 150, false },
	{ "SYN, dsr, cold", LB_DSR, 4, OPEN_SYN, NEW, 150, false },
};

/* Results of each line in each round, in nanoseconds. */
static double results[ARRAY_SIZE(samples)][ROUNDS_MAX];

static unsigned int rounds = ROUNDS;

static struct xdp_lb_bench_kern *bench;
static struct service services[4][2];
static struct bench_reply *replies;
static struct bench_entry *entries;

static struct service *service_of(const struct sample *sample)
{
	return &services[sample->forward][sample->family == 6];
}

static bool is_new(const struct sample *sample)
{
	return sample->what == OPEN || sample->what == OPEN_SYN;
}

/* --- packets ------------------------------------------------------------------------------- */

static struct conn conn_of(const struct service *vip, __u32 client)
{
	struct conn conn = lb_conn_n(vip, 0);

	conn.client.a[3] = htonl(client);
	conn.cport = CLIENT_PORT;
	return conn;
}

static void build(struct _test_data_lb *self, const struct conn *conn, __u8 flags)
{
	struct shape shape = { .payload = BENCH_FRAME - (conn->vip.family == 4 ? 54 : 74) };

	lb_build_request(self, conn, flags, &shape);
}

/* Tell the front program which packets to make for this line. */
static void set_front(LB_ARGS, const struct sample *sample, __u32 round)
{
	struct bench_packet *packet = &bench->bss->bench_packet;
	struct conn conn = conn_of(service_of(sample), CLIENTS);

	memset(packet, 0, sizeof(*packet));
	build(self, &conn, sample->what == OPEN_SYN ? SYN : ACK);
	if (sample->what == OTHER)
		self->pkt.data[self->pkt.ip_at + 17] ^= 0x55;
	if (sample->what == REPLY)
		build_put16(&self->pkt, self->pkt.l4_at, 8080);
	memcpy(packet->head, self->pkt.data, BENCH_HEAD);
	packet->mask = sample->flows == NEW ? 0 : sample->flows - 1;
	packet->first = CLIENTS;
	/* Clients that no other line and no other round has. */
	if (is_new(sample))
		packet->first = NEW_CLIENTS +
				(round * ARRAY_SIZE(samples) + (sample - samples)) * NEW;
	packet->replies = sample->what == REPLY;
	packet->is6 = sample->family == 6;
	packet->buckets = lb_slots / LB_BUCKET_LINES;
	bench->bss->bench_count = 0;
}

static __u16 open_one(LB_ARGS, struct conn *conn)
{
	build(self, conn, lb_translates(conn->vip.forward) ? SYN : ACK);
	lb_send(_metadata, self);
	return look16(self->out.data, 34);
}

static void open_some(LB_ARGS, const struct service *vip, __u32 n)
{
	struct conn conn;
	__u16 port;
	__u32 i;

	for (i = 0; i < n; i++) {
		conn = conn_of(vip, CLIENTS + i);
		port = open_one(_metadata, self, &conn);
		if (vip->forward != LB_NAT || vip->family != 4)
			continue;
		memcpy(&replies[i].saddr, self->out.data + 30, 4);
		memcpy(&replies[i].daddr, self->out.data + 26, 4);
		replies[i].dport = htons(port);
	}
}

/* Pretend that all handshakes are complete. */
static void establish_all(const struct _test_data_lb *self)
{
	__u64 *word;
	__u32 i;

	for (i = 0; i < lb_slots; i++) {
		word = lb_word_at(self, i);
		if (LB_WORD_STATE(*word) == LB_FLOW_SYN)
			*word += LB_FLOW_ESTABLISHED - LB_FLOW_SYN;
	}
}

/* --- measuring ------------------------------------------------------------------------------ */

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double run(LB_ARGS, const struct bpf_program *target, __u32 n)
{
	const struct bpf_program *front = lb_is_tc(self) ? bench->progs.bench_tc :
							   bench->progs.bench_xdp;
	const struct bpf_map *map = lb_is_tc(self) ? bench->maps.bench_tc_target :
						     bench->maps.bench_xdp_target;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = self->pkt.data,
		    .data_size_in = BENCH_FRAME, .repeat = n);
	int fd = bpf_program__fd(target);
	__u32 zero = 0;
	double start;

	ASSERT_EQ(0, bpf_map__update_elem(map, &zero, sizeof(zero), &fd, sizeof(fd), 0));
	if (target == self->prog)
		self->seen += n;
	start = now_ns();
	ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(front), &opts));
	return (now_ns() - start) / n;
}

/* Note where the entries of BENCH_TURN connections are. Returns how many have an entry. */
static __u32 find_entries(const struct _test_data_lb *self, const struct sample *sample)
{
	const struct lb_flow *flow;
	struct lb_bucket *bucket;
	struct conn conn;
	__u32 i, j, n = 0;

	memset(entries, 0, BENCH_TURN * sizeof(*entries));
	for (i = 0; i < BENCH_TURN; i++) {
		conn = conn_of(service_of(sample), bench->bss->bench_packet.first + i);
		bucket = lb_bucket_of(self, &conn, 0);
		for (j = 1; j < LB_BUCKET_LINES; j++) {
			flow = &bucket->line[j];
			if (!bucket->word[j] || !same_addr(&flow->key.client, &conn.client) ||
			    !same_addr(&flow->key.vip, &conn.vip.key.addr))
				continue;
			entries[i].slot = (bucket - self->maps.buckets) * LB_BUCKET_LINES + j;
			if (flow->forward == LB_NAT)
				entries[i].port =
					LB_REVERSE_INDEX(flow->snat, 0, 0) * LB_LINE_PORTS +
					ntohs(flow->sport);
			n++;
		}
	}
	return n;
}

static bool enters(const struct sample *sample)
{
	return sample->what == OPEN || (sample->what == OPEN_SYN &&
					lb_translates(sample->forward));
}

/*
 * From now on, the front program forgets connections. Each connection must get the same entry
 * each time. If one got another entry, it would not be forgotten, and run_prog() would see that
 * it is not new.
 */
static void forget_all(LB_ARGS, const struct sample *sample)
{
	run(_metadata, self, self->prog, BENCH_TURN);
	EXPECT_EQ(enters(sample) ? BENCH_TURN : 0, find_entries(self, sample));
	bench->bss->bench_packet.forget = 1;
}

static struct lb_backend_stats count_all(LB_ARGS)
{
	struct lb_backend_stats stats[LB_TEST_BACKENDS], sum = {};
	__u32 i;

	lb_read_stats(_metadata, self, stats);
	for (i = 0; i < self->n_backends; i++) {
		sum.packets += stats[i].packets;
		sum.reply_packets += stats[i].reply_packets;
		sum.connections += stats[i].connections;
	}
	return sum;
}

static const struct bpf_program *prog_of(const struct _test_data_lb *self,
					 const struct sample *sample)
{
	if (sample->what != READ)
		return self->prog;
	return lb_is_tc(self) ? bench->progs.bench_tc_read : bench->progs.bench_xdp_read;
}

/* Run the program on @n packets. Each must count as the line says; new connections are new. */
static double run_prog(LB_ARGS, const struct sample *sample, __u32 n)
{
	struct lb_backend_stats before = count_all(_metadata, self), after;
	bool reply = sample->what == REPLY;
	bool request = !reply && sample->what != OTHER && sample->what != READ;
	double ns = run(_metadata, self, prog_of(self, sample), n);

	after = count_all(_metadata, self);
	EXPECT_EQ(before.packets + request * n, after.packets)
		TH_LOG("%s", sample->name);
	EXPECT_EQ(before.reply_packets + reply * n, after.reply_packets)
		TH_LOG("%s", sample->name);
	EXPECT_EQ(before.connections + enters(sample) * n, after.connections)
		TH_LOG("%s", sample->name);
	return ns;
}

/* How much longer than the floor the program takes, for the packets of this line. */
static double sample_once(LB_ARGS, const struct sample *sample, __u32 round)
{
	const struct bpf_program *floor = lb_is_tc(self) ? bench->progs.bench_tc_floor :
							   bench->progs.bench_xdp_floor;
	__u32 n = is_new(sample) ? NEW : PACKETS;
	double base, grow = 0;

	set_front(_metadata, self, sample, round);
	/* If no service is dnat, the program does not look for packets of dnat backends. */
	self->maps.config->has_dnat = sample->dnat || sample->forward == LB_DNAT;
	if (is_new(sample) && sample->flows == BENCH_TURN)
		forget_all(_metadata, self, sample);
	run(_metadata, self, floor, WARM_UP);
	base = run(_metadata, self, floor, n);
	/*
	 * In ipip, the front program also removes the outer header. Here it adds and removes one:
	 * half of that time is what removing costs.
	 */
	if (sample->forward == LB_IPIP) {
		bench->bss->bench_packet.grow = 20;
		grow = (run(_metadata, self, floor, n) - base) / 2;
		bench->bss->bench_packet.grow = 0;
	}
	bench->bss->bench_count = 0;
	if (sample->flows != NEW)
		run(_metadata, self, prog_of(self, sample), WARM_UP);
	return run_prog(_metadata, self, sample, n) - base - grow;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct sample *sample, double *ns, const char *hook)
{
	double median;

	qsort(ns, rounds, sizeof(*ns), compare);
	median = ns[rounds / 2];
	printf("# %-3s %-24s %6u  %6.0f  %5.0f ... %-5.0f", hook, sample->name, sample->flows,
	       median, ns[0], ns[rounds - 1]);
	if (sample->target)
		printf("  %3d %s", sample->target, median <= sample->target ? "" : "missed");
	putchar('\n');
}

/* --- the table -------------------------------------------------------------------------------- */

static bool is_measured(const struct _test_data_lb *self, const struct sample *sample)
{
	/* In TC, the front program cannot easily remove the outer header. */
	return !lb_is_tc(self) || sample->forward != LB_IPIP;
}

static void add_services(LB_ARGS)
{
	struct kind kind = { .proto = IPPROTO_TCP };
	__u32 i;

	for (i = 0; i < 4; i++)
		lb_add_snat(self, lb_snat(4, i), 1024, 65535);
	lb_add_snat(self, lb_snat(6, 0), 1024, 65535);
	for (kind.forward = LB_NAT; kind.forward <= LB_IPIP; kind.forward++) {
		for (kind.family = 4; kind.family <= 6; kind.family += 2) {
			kind.behind = kind.family;
			services[kind.forward][kind.family == 6] =
				lb_add(_metadata, self, kind, 15);
		}
	}
	/* All backends are on the network where packets come in: XDP_TX. */
	for (i = 0; i < self->n_backends; i++)
		self->maps.backends[i].ifindex = LB_TEST_IN;
}

/* Measure, in turns, the lines with @flows connections; if @vip is not NULL, only its lines. */
static void sample_all(LB_ARGS, __u32 flows, const struct service *vip)
{
	__u32 i, round;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(samples); i++) {
			const struct sample *sample = &samples[i];

			if (!is_measured(self, sample) || sample->flows != flows ||
			    (vip && vip != service_of(sample)))
				continue;
			if (flows == NEW)
				lb_empty_flows();
			results[i][round] = sample_once(_metadata, self, sample, round);
		}
		fprintf(stderr, "\r# %u connections, round %u of %u ", flows, round + 1, rounds);
	}
	fputc('\n', stderr);
}

/* All modes together with few connections; each mode alone with many; then new connections. */
static void sample_few_many_new(LB_ARGS)
{
	__u32 i;

	for (i = 0; i < 8; i++)
		open_some(_metadata, self, &services[i / 2][i % 2], FEW);
	establish_all(self);
	sample_all(_metadata, self, FEW, NULL);
	for (i = 0; i < 4; i++) {
		if (i == LB_DNAT || (i == LB_IPIP && lb_is_tc(self)))
			continue;
		lb_empty_flows();
		open_some(_metadata, self, &services[i][0], MANY);
		establish_all(self);
		sample_all(_metadata, self, MANY, &services[i][0]);
	}
	sample_all(_metadata, self, NEW, NULL);
}

/* If packets were dropped, the table would mean nothing. */
static void check_forwarded(LB_ARGS)
{
	__u32 i;

	lb_read_reasons(_metadata, self, self->reasons);
	for (i = LB_PASS_BAD; i < LB_INFO_STATELESS; i++)
		EXPECT_EQ(0, self->reasons[i])
			TH_LOG("reason %u: is the flow table big enough?", i);
}

TEST_F_TIMEOUT(lb, speed, 900)
{
	__u32 i;

	bench = xdp_lb_bench_kern__open();
	ASSERT_NE(NULL, bench);
	ASSERT_EQ(0, bpf_map__reuse_fd(bench->maps.lb_buckets,
				       bpf_map__fd(lb_skel->maps.lb_buckets)));
	ASSERT_EQ(0, bpf_map__reuse_fd(bench->maps.lb_reverse,
				       bpf_map__fd(lb_skel->maps.lb_reverse)));
	ASSERT_EQ(0, xdp_lb_bench_kern__load(bench));
	replies = lb_map_mem(bench->maps.bench_replies);
	ASSERT_NE(NULL, replies);
	entries = lb_map_mem(bench->maps.bench_entries);
	ASSERT_NE(NULL, entries);
	add_services(_metadata, self);
	sample_few_many_new(_metadata, self);
	printf("# ns above the floor:           flows  median    min ... max   target\n");
	for (i = 0; i < ARRAY_SIZE(samples); i++)
		if (is_measured(self, &samples[i]))
			print(&samples[i], results[i], lb_is_tc(self) ? "tc" : "xdp");
	fflush(stdout);
	check_forwarded(_metadata, self);
	xdp_lb_bench_kern__destroy(bench);
}

static unsigned int number_of(const char *name, unsigned int otherwise, unsigned int max)
{
	const char *text = getenv(name);
	unsigned long n = text ? strtoul(text, NULL, 0) : otherwise;

	if (!n || n > max)
		ksft_exit_fail_msg("%s is %s: it must be 1 to %u\n", name, text, max);
	return n;
}

/* NETBPF_SLOTS=N: size of the flow table; NETBPF_ROUNDS=N: number of rounds. */
int main(int argc, char **argv)
{
	rounds = number_of("NETBPF_ROUNDS", ROUNDS, ROUNDS_MAX);
	lb_load_or_exit(number_of("NETBPF_SLOTS", BENCH_SLOTS, SLOTS_MAX), BENCH_RING,
			BENCH_TICK_SHIFT);
	return test_harness_run(argc, argv);
}
