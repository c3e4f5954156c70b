/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The commands that only look:
 *
 *	cmd/table.c	reads the flow table
 *	cmd/report.c	reads what was counted, and prints it as JSON
 *	cmd/stats_text.c	prints what was counted as tables
 *	cmd/stats.c	stats
 *	cmd/show.c	show
 *	cmd/conns.c	conns, ring
 */
#ifndef _SAMPLES_XDP_LB_SHOW_H
#define _SAMPLES_XDP_LB_SHOW_H

#include <json_writer.h>
#include <linux/types.h>
#include <stdbool.h>
#include "parts/xdp_lb/state/state.h"

/**
 * struct lb_clock - the time of the flow table
 * @now: the present tick, as in the words of slots
 * @tick_us: length of a tick
 * @timeouts: ticks after which a connection is over, by enum lb_flow_state
 */
struct lb_clock {
	__u32 now;
	__u32 tick_us;
	__u32 timeouts[__LB_FLOW_STATE_MAX];
};

/**
 * struct lb_usage - what is in the flow table
 * @used: connections that are not over
 * @states: how many of these are in each enum lb_flow_state
 * @active: how many of these each backend has, but for those with a FIN or a reset
 */
struct lb_usage {
	__u64 used;
	__u64 states[__LB_FLOW_STATE_MAX];
	__u32 active[LB_BACKENDS_MAX];
};

/* --- cmd/table.c ----------------------------------------------------------------- */

__u32 lb_flow_timeout(unsigned int flow_state);
__u32 lb_hz(void);
int lb_tick_shift(__u32 tick_us, __u32 hz);
const char *lb_flow_state_name(unsigned int flow_state);
int lb_read_clock(const struct lb_state *state, struct lb_clock *clock);
bool lb_flow_is_over(const struct lb_clock *clock, __u64 word);
__u32 lb_flow_idle(const struct lb_clock *clock, __u64 word);
__u32 lb_end_of_slots(const struct lb_state *state);
__u32 lb_n_slots(const struct lb_state *state);
bool lb_read_flow(const struct lb_state *state, __u32 slot, struct lb_flow *flow, __u64 *word);
int lb_flow_backend(const struct lb_state *state, const struct lb_flow *flow);
int lb_read_usage(const struct lb_state *state, struct lb_usage *usage);

/* --- cmd/report.c ---------------------------------------------------------------- */

enum {
	LB_STATE_TEXT = 48,
};

/**
 * struct lb_table_row - numbers in a line of a table
 * @stats: counters
 * @active: connections that are open
 * @pps: packets a second
 * @bps: bits a second
 */
struct lb_table_row {
	struct lb_backend_stats stats;
	__u64 active;
	double pps;
	double bps;
};

int lb_read_report(const struct lb_state *state);
int lb_next_backend(unsigned int vip, int backend);
void lb_print_vip(const struct lb_vip_info *info);
struct lb_table_row lb_backend_row(int i);
struct lb_table_row lb_vip_row(int vip);
bool lb_has_rates(void);
__u64 lb_reason_count(unsigned int reason, const char **name, const char **what);
const struct lb_usage *lb_report_usage(void);
const char *lb_backend_state_name(const struct lb_backend_info *info);
const char *lb_backend_text(const struct lb_state *state, int backend,
			    char buf[LB_STATE_TEXT]);

/* --- cmd/stats_text.c ------------------------------------------------------------ */

void lb_report_text(const struct lb_state *state);

/* --- cmd/report.c ---------------------------------------------------------------- */

/* Writes more fields of the service or backend with index @i. */
typedef void lb_json_fn(json_writer_t *json, const struct lb_state *state, int i);
void lb_report_json(json_writer_t *json, const struct lb_state *state, lb_json_fn *vip_fn,
		    lb_json_fn *backend_fn);

#endif /* _SAMPLES_XDP_LB_SHOW_H */
