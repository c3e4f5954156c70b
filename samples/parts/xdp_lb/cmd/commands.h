/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The commands of xdp_lb:
 *
 *	cmd/run.c	run
 *	cmd/change.c	reload, stop, backend, vip
 *	cmd/show.c	show
 *	cmd/stats.c	stats
 *	cmd/conns.c	conns, ring
 */
#ifndef _SAMPLES_XDP_LB_COMMANDS_H
#define _SAMPLES_XDP_LB_COMMANDS_H

#include "parts/xdp_lb/state/state.h"

/* Each returns 0, or a negative errno, which was printed. @words: what follows the command. */
int lb_run(const struct lb_conf *conf, const char *path);
int lb_reload(struct lb_state *state, char **words);
int lb_stop(struct lb_state *state, char **words);
int lb_backend_command(struct lb_state *state, char **words);
int lb_vip_command(struct lb_state *state, char **words);
int lb_show(struct lb_state *state, char **words);
int lb_stats_command(struct lb_state *state, char **words);
int lb_conns(struct lb_state *state, char **words);
int lb_ring_command(struct lb_state *state, char **words);

/* Print a report; @event: "stats" or "summary". */
void lb_show_stats(const struct lb_state *state, const char *event);

#endif /* _SAMPLES_XDP_LB_COMMANDS_H */
