// SPDX-License-Identifier: GPL-2.0
/*
 * A helper of the tests: a foreign program in front of ours, until it is ended.
 * "vlan_tag IF push|pop native|skb" attaches an XDP program to IF that pushes a VLAN tag to
 * each packet that comes in, or pops it. "vlan_tag IF push out" attaches a TC program that
 * pushes a tag to each packet that goes out.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "vlan_tag.skel.h"

static int attach_xdp(const struct bpf_program *prog, unsigned int ifindex, const char *mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	if (!strcmp(mode, "skb"))
		opts.flags = XDP_FLAGS_SKB_MODE;
	return bpf_link_create(bpf_program__fd(prog), ifindex, BPF_XDP, &opts);
}

/* Uses clsact, because not all kernels have tcx. */
static int attach_out(const struct bpf_program *prog, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(prog));

	bpf_tc_hook_create(&hook);
	return bpf_tc_attach(&hook, &opts);
}

static int attach(const struct vlan_tag_kern *skel, unsigned int ifindex, const char *what,
		  const char *where)
{
	if (!strcmp(where, "out"))
		return attach_out(skel->progs.push_out, ifindex);
	return attach_xdp(strcmp(what, "pop") ? skel->progs.push : skel->progs.pop, ifindex,
			  where);
}

int main(int argc, char **argv)
{
	unsigned int ifindex = argc == 4 ? if_nametoindex(argv[1]) : 0;
	struct vlan_tag_kern *skel;

	if (!ifindex) {
		fprintf(stderr, "usage: vlan_tag IF push|pop native|skb|out\n");
		return 2;
	}
	skel = vlan_tag_kern__open_and_load();
	if (!skel || attach(skel, ifindex, argv[2], argv[3]) < 0) {
		perror("vlan_tag");
		return 1;
	}
	printf("ready: %s\n", argv[1]);
	fflush(stdout);
	return pause();
}
