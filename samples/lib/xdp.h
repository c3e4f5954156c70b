/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Attach XDP programs to the interfaces of -i. */
#ifndef _SAMPLES_LIB_XDP_H
#define _SAMPLES_LIB_XDP_H

#include <linux/types.h>
#include <net/if.h>
#include "lib/config.h"

struct bpf_program;

/**
 * struct sample_xdp - a program on the interfaces of -i
 * @n: number of interfaces on which the program is attached
 * @at: one entry for each of these interfaces: bpf_link, index, name and mode
 */
struct sample_xdp {
	unsigned int n;
	struct {
		int link_fd;
		unsigned int ifindex;
		char ifname[IF_NAMESIZE];
		enum sample_mode mode;
	} at[SAMPLE_IFACE_MAX];
};

int sample_xdp_attach(struct sample_xdp *xdp, const struct bpf_program *prog);
void sample_xdp_detach(struct sample_xdp *xdp);
void sample_xdp_ready(const struct sample_xdp *xdp);
int sample_find_holder(__u32 prog_id);

#endif /* _SAMPLES_LIB_XDP_H */
