// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic generator for "scripts/bench.sh -p wire"; not a test. "ping" and "udp" send frames as
 * fast as the kernel can, with BPF_F_TEST_XDP_LIVE_FRAMES, as if a driver redirected them, so
 * that no socket and no skb slows them down. "connect" opens TCP connections as fast as one
 * thread can. Prints the time in seconds, and the number of frames or connections.
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "pkt_build.h"
#include "bench_traffic.skel.h"

enum {
	BATCH = 64,
	FRAMES = 100000,	/* frames between two looks at the clock */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* The destination MAC address belongs to nobody, so the receiver drops what XDP passes. */
static void build_frame(struct build *pkt, bool ping)
{
	if (ping) {
		build_ping(pkt, 4, 0);
		return;
	}
	build_start(pkt);
	build_ip(pkt, 4);
	build_udp(pkt);
	build_payload(pkt, 18);
	build_finish(pkt);
}

static unsigned long send_frames(const char *interface, bool ping, double until)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = FRAMES,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	struct bench_traffic_kern *skel = bench_traffic_kern__open();
	unsigned int ifindex = if_nametoindex(interface);
	static struct build pkt;
	unsigned long n = 0;

	if (!skel || !ifindex)
		err(1, "%s", interface);
	skel->rodata->to_ifindex = ifindex;
	if (bench_traffic_kern__load(skel))
		errx(1, "failed to load the program");
	build_frame(&pkt, ping);
	opts.data_in = pkt.data;
	opts.data_size_in = pkt.len;
	while (now() < until) {
		if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.traffic), &opts))
			err(1, "failed to send");
		n += FRAMES;
	}
	bench_traffic_kern__destroy(skel);
	return n;
}

/*
 * Opens connections to itself. A RST ends each one: without TIME_WAIT, its port is free at
 * once.
 */
static unsigned long open_connections(double until)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(BUILD_DPORT),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, peer;
	unsigned long n = 0;

	if (bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 16))
		err(1, "failed to listen");
	while (now() < until) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)))
			err(1, "failed to connect");
		peer = accept(listener, NULL, NULL);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(fd);
		close(peer);
		n++;
	}
	close(listener);
	return n;
}

int main(int argc, char **argv)
{
	double start = now(), seconds = argc > 2 ? strtod(argv[2], NULL) : 0;
	unsigned long n;

	if (argc == 3 && seconds > 0 && !strcmp(argv[1], "connect")) {
		n = open_connections(start + seconds);
	} else if (argc == 4 && seconds > 0 &&
		   (!strcmp(argv[1], "ping") || !strcmp(argv[1], "udp"))) {
		n = send_frames(argv[3], !strcmp(argv[1], "ping"), start + seconds);
	} else {
		fprintf(stderr, "Usage: bench_traffic ping|udp SECONDS IF | connect SECONDS\n");
		return 2;
	}
	printf("%.6f %lu\n", now() - start, n);
	return 0;
}
