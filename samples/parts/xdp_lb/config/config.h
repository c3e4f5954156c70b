/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The configuration of xdp_lb. Each file uses only files above it in this list:
 *
 *	config/text.c	numbers, addresses and names as text; messages
 *	config/conf.c	struct lb_conf and its defaults
 *	config/valid.c	checks that the parts of a configuration fit together
 *	config/yaml.c	parses a file into a tree that knows line numbers
 *	config/schema.c	the keys that a file may have
 *	config/read.c	from a file to struct lb_conf
 *	config/args.c	from --vip and --backend to struct lb_conf
 */
#ifndef _SAMPLES_XDP_LB_CONFIG_H
#define _SAMPLES_XDP_LB_CONFIG_H

#include "parts/xdp_lb/config/conf.h"
#include "parts/xdp_lb/config/text.h"

/**
 * struct lb_conf_spec - one --vip or --backend option; a --backend belongs to the last --vip
 *	before it
 * @is_vip: true: --vip, false: --backend
 * @text: "tcp:10.0.0.5:80", "udp:[fd00::5]:53"; "10.0.0.2", "[fd00::2]:80",
 *	"10.0.0.2:80,weight=3"
 * @forward: for a --vip: enum lb_forward
 */
struct lb_conf_spec {
	bool is_vip;
	const char *text;
	__u8 forward;
};

int lb_conf_read(struct lb_conf *conf, const char *path);
int lb_conf_args(struct lb_conf *conf, const struct lb_conf_spec *specs, unsigned int n,
		 const struct lb_addr *snat, unsigned int n_snat);

#endif /* _SAMPLES_XDP_LB_CONFIG_H */
