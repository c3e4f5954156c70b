// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb check": programs of others that get packets before ours.
 */
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdbool.h>
#include "lib/prog.h"
#include "parts/xdp_lb/check/check.h"

enum {
	/* As many as the kernel takes (BPF_MPROG_MAX). */
	TCX_MAX = 64,
	NAMES_MAX = 200,
};

/* True for the program of an instance that runs: programs behind it do not matter. */
static bool is_ours(const char *name)
{
	return !strcmp(name, "tc_lb") || !strcmp(name, "xdp_lb");
}

static void row(struct lb_checker *c, const char *hook, const char *names)
{
	lb_row(c, LB_WARN, "other programs",
	       "%s: %s: packets that they drop, answer or send elsewhere do not get here\n"
	       "samples/doctor or \"bpftool net\" tells whose they are", hook, names);
}

static void check_xdp(struct lb_checker *c, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char name[SAMPLE_PROG_NAME];

	if (bpf_xdp_query(ifindex, 0, &query) || !query.prog_id)
		return;
	sample_prog_name(query.prog_id, name);
	if (!is_ours(name))
		row(c, "in XDP", name);
}

/* Before Linux 6.6 there is no tcx, and nothing is found: filters run by their priorities. */
static void check_tcx(struct lb_checker *c, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_prog_query_opts, query);
	char names[NAMES_MAX] = "", name[SAMPLE_PROG_NAME];
	__u32 ids[TCX_MAX], i;
	size_t len = 0;

	query.prog_ids = ids;
	query.prog_cnt = TCX_MAX;
	if (bpf_prog_query_opts(ifindex, BPF_TCX_INGRESS, &query))
		return;
	for (i = 0; i < query.prog_cnt && len < sizeof(names); i++) {
		sample_prog_name(ids[i], name);
		if (is_ours(name))
			break;
		len += snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", name);
	}
	if (len)
		row(c, "in TC", names);
}

/**
 * lb_check_hooks() - check whether programs of others get the packets of an interface first
 * @c: the run
 * @ifindex: the interface
 *
 * Only for TC. In the modes of XDP, attaching ours fails if there is another program.
 */
void lb_check_hooks(struct lb_checker *c, unsigned int ifindex)
{
	if (c->mode != LB_MODE_TC)
		return;
	check_xdp(c, ifindex);
	check_tcx(c, ifindex);
}
