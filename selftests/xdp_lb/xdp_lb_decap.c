// SPDX-License-Identifier: GPL-2.0
/*
 * For the tests of xdp_lb: "xdp_lb_decap IF" removes the outer IP header of packets that
 * arrive on interface IF of its network namespace. It runs until a signal ends it.
 */
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "xdp_lb_decap.skel.h"

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	unsigned int ifindex = argc > 1 ? if_nametoindex(argv[1]) : 0;
	struct xdp_lb_decap_kern *skel;

	if (!ifindex) {
		fprintf(stderr, "usage: xdp_lb_decap IF\n");
		return 2;
	}
	skel = xdp_lb_decap_kern__open_and_load();
	if (!skel || bpf_link_create(bpf_program__fd(skel->progs.decap), ifindex, BPF_XDP,
				     &opts) < 0) {
		perror("xdp_lb_decap");
		return 1;
	}
	printf("ready: %s\n", argv[1]);
	fflush(stdout);
	return pause();
}
