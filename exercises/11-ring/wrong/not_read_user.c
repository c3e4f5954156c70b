// SPDX-License-Identifier: GPL-2.0
/* answer: did the lookup fail? */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "ring.skel.h"

/* ring_kern.c has the same struct. */
struct event {
	__be32 saddr;
	__be16 sport;
	__u16 len;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = 1;
}

/* libbpf calls this function for each event. */
static int take(void *ctx, void *data, size_t size)
{
	unsigned long long *received = ctx;
	const struct event *ev = data;
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &ev->saddr, addr, sizeof(addr));
	printf("%s %u %u\n", addr, ntohs(ev->sport), ev->len);
	(*received)++;
	return 0;
}

/* Each CPU has counted for itself. */
static unsigned long long lost_events(const struct bpf_map *lost)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	unsigned long long sum = 0;
	__u64 values[n_cpus];
	__u32 key = 0;

	memset(values, 0xdf, sizeof(values));
	bpf_map__lookup_elem(lost, &key, sizeof(key), values, sizeof(*values), 0);
	for (cpu = 0; cpu < n_cpus; cpu++)
		sum += values[cpu];
	return sum;
}

int main(int argc, char **argv)
{
	struct ring_kern *skel = ring_kern__open_and_load();
	unsigned long long received = 0;
	struct ring_buffer *events;
	struct bpf_link *link;

	if (argc != 2 || !skel) {
		fprintf(stderr, "Usage: ring INTERFACE, as root\n");
		return 1;
	}
	signal(SIGINT, on_signal);
	events = ring_buffer__new(bpf_map__fd(skel->maps.events), take, &received, NULL);
	link = bpf_program__attach_xdp(skel->progs.ring, if_nametoindex(argv[1]));
	if (!events || !link) {
		fprintf(stderr, "ring: failed to attach to %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("ready\n");
	while (!stopped)
		ring_buffer__poll(events, 100);

	/* First no new events, then the last ones, then the number of those that are lost. */
	bpf_link__destroy(link);
	ring_buffer__consume(events);
	printf("received %llu lost %llu\n", received, lost_events(skel->maps.lost));
	ring_buffer__free(events);
	ring_kern__destroy(skel);
	return 0;
}
