/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What makes a configuration valid (config/valid.c). */
#ifndef _SAMPLES_XDP_LB_CONFIG_VALID_H
#define _SAMPLES_XDP_LB_CONFIG_VALID_H

struct lb_conf;
struct lb_source;

int lb_conf_valid(const struct lb_conf *conf, const struct lb_source *src);

#endif /* _SAMPLES_XDP_LB_CONFIG_VALID_H */
