// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the cost of a packet in running load balancers, for "scripts/bench.sh -p growth"; not
 * a test. "bench_growth ROUNDS FILE" reads a line for each case, with tabs,
 *
 *	TABLE CASE NETNS PROGRAM VIPS FLOWS
 *
 * measures the cases in turn, ROUNDS times, and prints lines for scripts/bench/report.sh.
 *
 * NETNS is the network namespace of the balancer, which runs on eth0. Its MAC address is the
 * destination of packets of pkt_build.h. PROGRAM is the id of its XDP program. VIPS is the number
 * of services, at addresses from 10.9.0.0 on, port 80, forwarded by dsr. FLOWS is the number of
 * connections, a power of two.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench_packet.h"
#include "pkt_build.h"
#include "bench_growth.skel.h"

enum {
	CASES_MAX = 64,
	PACKETS = 100000,
	CLIENTS = 0x0a640000,	/* 10.100.0.0 */
	SERVICES = 0x0a090000,	/* 10.9.0.0 */
	TCP_ACK = 16,
};

/**
 * struct growth_case - a case, one line of a table in the report
 * @table: name of the table
 * @name: title of the line
 * @netns: file descriptor of the network namespace of the balancer
 * @fd: file descriptor of its program
 * @vips: number of services
 * @flows: number of connections
 */
struct growth_case {
	char table[32];
	char name[64];
	int netns;
	int fd;
	__u32 vips;
	__u32 flows;
};

static struct growth_case cases[CASES_MAX];
static int n_cases;
static struct bench_growth_kern *skel;
static struct build pkt;

static int open_netns(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void read_cases(const char *path)
{
	FILE *file = fopen(path, "r");
	struct growth_case *c = cases;
	char netns[64];
	__u32 id;

	if (!file)
		err(1, "%s", path);
	while (n_cases < CASES_MAX &&
	       fscanf(file, "%31s\t%63[^\t]\t%63s\t%u\t%u\t%u\n", c->table, c->name,
		      netns, &id, &c->vips, &c->flows) == 6) {
		c->netns = open_netns(netns);
		c->fd = bpf_prog_get_fd_by_id(id);
		if (c->fd < 0)
			err(1, "no program %u", id);
		n_cases++;
		c++;
	}
	if (!n_cases || !feof(file))
		errx(1, "%s: bad line", path);
	fclose(file);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/*
 * Runs @n packets through the program behind the front program. Returns the time per packet
 * in ns. @forwards: the packets must be forwarded; otherwise they must not be.
 */
static double time_packets(int fd, __u32 n, bool forwards)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = pkt.data, .data_size_in = pkt.len,
		    .ctx_size_in = sizeof(struct xdp_md), .repeat = n);
	struct xdp_md ctx = { .data_end = pkt.len, .ingress_ifindex = if_nametoindex("eth0") };
	__u32 zero = 0;
	double start;

	opts.ctx_in = &ctx;
	if (bpf_map__update_elem(skel->maps.growth_target, &zero, sizeof(zero), &fd, sizeof(fd),
				 0))
		err(1, "failed to put a program behind the front program");
	start = now_ns();
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.growth), &opts))
		err(1, "failed to run");
	if (forwards != (opts.retval == XDP_TX || opts.retval == XDP_REDIRECT))
		errx(1, "a packet got verdict %u", opts.retval);
	return (now_ns() - start) / n;
}

static void choose(const struct growth_case *c)
{
	if (setns(c->netns, CLONE_NEWNET))
		err(1, "failed to enter a network namespace");
	skel->bss->growth_vips = c->vips;
	skel->bss->growth_mask = c->flows - 1;
	skel->bss->growth_count = 0;
}

static void measure(const struct growth_case *c)
{
	int floor_fd = bpf_program__fd(skel->progs.growth_floor);
	double base, ns;

	choose(c);
	base = time_packets(floor_fd, PACKETS, false);
	time_packets(c->fd, PACKETS / 10, true);
	ns = time_packets(c->fd, PACKETS, true);
	printf("sample\t%s\t%s\t%.2f\n", c->table, c->name, ns - base);
}

static void load_front(void)
{
	skel = bench_growth_kern__open_and_load();
	if (!skel)
		err(1, "failed to open the front program");
	build_start(&pkt);
	build_ip(&pkt, 4);
	build_tcp(&pkt, 0);
	build_put16(&pkt, pkt.l4_at + 2, 80);
	pkt.data[pkt.l4_at + 13] = TCP_ACK;
	build_payload(&pkt, 56);
	build_finish(&pkt);
	memcpy(skel->bss->growth_head, pkt.data, BENCH_PACKET_HEAD);
	skel->bss->growth_client = CLIENTS;
	skel->bss->growth_vip = SERVICES;
}

int main(int argc, char **argv)
{
	unsigned long i, rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int j;

	if (!rounds) {
		fprintf(stderr, "Usage: bench_growth ROUNDS FILE\n");
		return 2;
	}
	read_cases(argv[2]);
	load_front();
	for (j = 0; j < n_cases; j++) {
		choose(&cases[j]);
		time_packets(cases[j].fd, cases[j].flows, true);
	}
	for (i = 1; i <= rounds; i++) {
		fprintf(stderr, "progress round %lu of %lu\n", i, rounds);
		for (j = 0; j < n_cases; j++)
			measure(&cases[j]);
	}
	return 0;
}
