/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the files of the configuration share:
 *
 *	xdp_lb_config.c		from the text of keys to struct lb_conf
 *	xdp_lb_config_valid.c	what makes that valid
 *	xdp_lb_config_yaml.c	the file, and the line of each key
 *	xdp_lb_config_schema.c	its keys, and their text
 *	xdp_lb_config_args.c	--vip and --backend; addresses and names as text
 */
#ifndef _SAMPLES_XDP_LB_CONFIG_H
#define _SAMPLES_XDP_LB_CONFIG_H

#include "xdp_lb_user.h"

/* --- the file ---------------------------------------------------------------------------- */

struct lb_yaml;

int lb_yaml_read(struct lb_yaml **yaml, const char *path);
const char *lb_yaml_get(const struct lb_yaml *yaml, const char *field);
unsigned int lb_yaml_count(const struct lb_yaml *yaml, const char *field);
unsigned int lb_yaml_line(const struct lb_yaml *yaml, const char *field);
void lb_yaml_free(struct lb_yaml *yaml);

/* --- messages ---------------------------------------------------------------------------- */

/**
 * struct lb_source - where a configuration comes from
 * @path: file, NULL: the command line
 * @yaml: its lines
 * @specs: the command line
 * @n_specs: length of @specs
 */
struct lb_source {
	const char *path;
	const struct lb_yaml *yaml;
	const struct lb_conf_spec *specs;
	unsigned int n_specs;
};

/**
 * struct lb_place - a part of a configuration
 * @src: the configuration
 * @vip: index of a service, -1: all
 * @backend: index of a backend in it, -1: the service
 */
struct lb_place {
	const struct lb_source *src;
	int vip;
	int backend;
};

enum {
	LB_SHOWN = 64,
	LB_FIELD_MAX = 128,
	LB_MESSAGE_MAX = 256,
};

__printf(4, 5)
int lb_conf_bad(const struct lb_place *at, const char *key, const char *hint,
		const char *fmt, ...);
__printf(3, 4)
void lb_conf_warn(const struct lb_place *at, const char *key, const char *fmt, ...);
const char *lb_shown(const char *text, char buf[LB_SHOWN]);

/* --- what both ways share ---------------------------------------------------------------- */

void lb_conf_defaults(struct lb_conf *conf);
void lb_check_defaults(struct lb_vip_conf *vip);
int lb_conf_valid(const struct lb_conf *conf, const struct lb_source *src);

int lb_parse_number(const char *text, __u64 max, __u64 *value);
bool lb_is_ifname(const char *name);
void lb_vip_name(const struct lb_vip_conf *vip, char name[LB_NAME_MAX]);
void lb_backend_name(const struct lb_backend_conf *backend, char name[LB_NAME_MAX]);

#endif /* _SAMPLES_XDP_LB_CONFIG_H */
