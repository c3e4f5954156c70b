// SPDX-License-Identifier: GPL-2.0
/* Exercise 17: print who has called connect(), to where, and the result. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "connect.skel.h"

/* connect_kern.c has the same struct. */
struct attempt {
	char comm[16];
	__u32 uid;
	__be32 daddr;
	__be16 dport;
	__u16 err;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = 1;
}

/* libbpf calls this function for each event. */
static int print(void *ctx, void *data, size_t size)
{
	/* TODO: print "NAME UID ADDRESS PORT RESULT", with the result OK, refused or timed out. */
	return 0;
}

int main(void)
{
	struct connect_kern *skel = connect_kern__open_and_load();
	struct ring_buffer *events;

	if (!skel || connect_kern__attach(skel)) {
		fprintf(stderr, "connect: failed to load or to attach: are you root?\n");
		return 1;
	}
	signal(SIGINT, on_signal);
	events = ring_buffer__new(bpf_map__fd(skel->maps.events), print, NULL, NULL);
	if (!events) {
		fprintf(stderr, "connect: failed to read events: %s\n", strerror(errno));
		return 1;
	}
	printf("ready\n");
	while (!stopped)
		ring_buffer__poll(events, 100);

	connect_kern__detach(skel);
	ring_buffer__consume(events);
	ring_buffer__free(events);
	connect_kern__destroy(skel);
	return 0;
}
