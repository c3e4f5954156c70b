/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The commands of xdp_lb, and their options:
 *
 *	xdp_lb_user.c	the command line
 *	xdp_lb_run.c	run
 *	xdp_lb_change.c	reload, stop, backend, vip
 *	xdp_lb_show.c	show, stats
 *	xdp_lb_conns.c	conns, ring
 */
#ifndef _SAMPLES_XDP_LB_COMMANDS_H
#define _SAMPLES_XDP_LB_COMMANDS_H

#include <stdbool.h>
#include "xdp_lb_state.h"

enum {
	LB_SPECS_MAX = 256,
};

/**
 * struct lb_options - what the command line said, besides the common options
 * @name: --name, NULL: the only one, or that of the file
 * @path: -c
 * @mode: -m
 * @mode_given: -m was given
 * @specs: --vip and --backend, in order
 * @n_specs: how many
 * @forward: --forward
 * @snat: --snat
 * @n_snat: how many
 * @keep: --keep
 * @digest: --digest
 * @who: --who
 * @watch: --watch
 * @flow_state: --state, enum lb_flow_state; LB_FLOW_FREE: all
 */
struct lb_options {
	const char *name;
	const char *path;
	enum lb_mode mode;
	bool mode_given;
	struct lb_conf_spec specs[LB_SPECS_MAX];
	unsigned int n_specs;
	__u8 forward;
	struct lb_addr snat[LB_SNAT_MAX];
	unsigned int n_snat;
	bool keep;
	bool digest;
	const char *who;
	bool watch;
	enum lb_flow_state flow_state;
};

extern struct lb_options lb_options;

/* Each returns 0, or a negative errno, which was printed. Words are those behind the command. */
void lb_override(struct lb_conf *conf);
int lb_run(const struct lb_conf *conf, const char *path);
int lb_reload(struct lb_state *state, char **words);
int lb_stop(struct lb_state *state, char **words);
int lb_backend_command(struct lb_state *state, char **words);
int lb_vip_command(struct lb_state *state, char **words);
int lb_show(struct lb_state *state, char **words);
int lb_stats_command(struct lb_state *state, char **words);
int lb_conns(struct lb_state *state, char **words);
int lb_ring_command(struct lb_state *state, char **words);

/* One report; @event: "stats" or "summary". */
void lb_show_stats(const struct lb_state *state, const char *event);

#endif /* _SAMPLES_XDP_LB_COMMANDS_H */
