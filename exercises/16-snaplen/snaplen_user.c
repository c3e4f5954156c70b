// SPDX-License-Identifier: GPL-2.0
/* Exercise 16: snaplen INTERFACE LIMIT prints the length of each copy. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "snaplen.skel.h"

/* Without a protocol, a packet socket gets nothing until bind() names one. */
static int open_socket(int prog_fd, const char *ifname)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(ifname),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	/* TODO: attach the program to the socket, before bind() lets packets in. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return fd;
}

static int set_limit(int map, __u32 limit)
{
	/* TODO: write the limit into entry 0 of the map. */
	return 0;
}

static void print_lengths(int fd)
{
	static char packet[65536];
	ssize_t len;

	puts("ready");
	while ((len = recv(fd, packet, sizeof(packet), 0)) >= 0)
		;	/* TODO: print the length */
}

/* Ctrl-C ends the process: the kernel closes the socket, and frees the filter with it. */
int main(int argc, char **argv)
{
	struct snaplen_kern *skel;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "Usage: snaplen INTERFACE LIMIT\n");
		return 2;
	}
	skel = snaplen_kern__open_and_load();
	if (!skel || set_limit(bpf_map__fd(skel->maps.settings), atoi(argv[2])))
		return 1;
	fd = open_socket(bpf_program__fd(skel->progs.snaplen), argv[1]);
	if (fd >= 0)
		print_lengths(fd);
	else
		fprintf(stderr, "no packet socket: %s\n", strerror(-fd));
	snaplen_kern__destroy(skel);
	return 1;
}
