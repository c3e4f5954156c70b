/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The keys of a configuration file (config/schema.c). */
#ifndef _SAMPLES_XDP_LB_CONFIG_SCHEMA_H
#define _SAMPLES_XDP_LB_CONFIG_SCHEMA_H

struct lb_yaml;

int lb_schema_check(const struct lb_yaml *y);

#endif /* _SAMPLES_XDP_LB_CONFIG_SCHEMA_H */
