/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Attach TC programs to the interfaces of -i. */
#ifndef _SAMPLES_LIB_TC_H
#define _SAMPLES_LIB_TC_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include "lib/config.h"

struct bpf_program;

/**
 * enum sample_tc_hook - how to attach a program to TC
 * @SAMPLE_TC_AUTO: tcx if the kernel has it, else clsact
 * @SAMPLE_TC_TCX: tcx, by a bpf_link (Linux 6.6 and later)
 * @SAMPLE_TC_CLSACT: as a filter of the clsact qdisc
 */
enum sample_tc_hook {
	SAMPLE_TC_AUTO,
	SAMPLE_TC_TCX,
	SAMPLE_TC_CLSACT,
};

/**
 * struct sample_tc - a program on the interfaces of -i
 * @egress: the program sees outgoing packets; else incoming ones
 * @n: number of interfaces on which the program is attached
 * @at: one entry for each of these interfaces: index and name; with tcx the bpf_link; with
 *	clsact the priority and handle of the filter, the program's id, and whether this process
 *	made the qdisc
 */
struct sample_tc {
	bool egress;
	unsigned int n;
	struct sample_tc_at {
		unsigned int ifindex;
		char ifname[IF_NAMESIZE];
		bool is_tcx;
		int link_fd;
		bool made_qdisc;
		__u32 priority;
		__u32 handle;
		__u32 prog_id;
	} at[SAMPLE_IFACE_MAX];
};

int sample_tc_attach(struct sample_tc *tc, const struct bpf_program *prog,
		     enum sample_tc_hook hook, bool egress);
void sample_tc_detach(struct sample_tc *tc);
void sample_tc_ready(const struct sample_tc *tc);
void sample_tc_hold(struct sample_tc_at *at, enum sample_tc_hook hook, unsigned int ifindex);
void sample_tc_release(const struct sample_tc_at *at);

#endif /* _SAMPLES_LIB_TC_H */
