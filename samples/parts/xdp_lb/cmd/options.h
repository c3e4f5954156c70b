/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The options of xdp_lb (cmd/options.c). */
#ifndef _SAMPLES_XDP_LB_OPTIONS_H
#define _SAMPLES_XDP_LB_OPTIONS_H

#include <stdbool.h>
#include "lib/opts.h"
#include "parts/xdp_lb/config/config.h"

enum {
	LB_SPECS_MAX = 256,
};

/**
 * struct lb_options - what the command line said, besides the common options
 * @name: --name; NULL: the only instance there is, or the name in the file
 * @path: -c
 * @mode: -m
 * @mode_given: -m was given
 * @specs: --vip and --backend, in order
 * @n_specs: number of entries of @specs
 * @forward: --forward
 * @snat: --snat
 * @n_snat: number of entries of @snat
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
extern const struct sample_option lb_option_table[];

int lb_get_config(struct lb_conf *conf);
void lb_override(struct lb_conf *conf);

#endif /* _SAMPLES_XDP_LB_OPTIONS_H */
