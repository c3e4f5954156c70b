/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Numbers, addresses, services and names as text, and messages that say where one is
 * wrong (config/text.c).
 */
#ifndef _SAMPLES_XDP_LB_CONFIG_TEXT_H
#define _SAMPLES_XDP_LB_CONFIG_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include "xdp_lb.h"

#define LB_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

enum {
	LB_VIP_TEXT = 64,
	LB_SHOWN = 64,
	LB_FIELD_MAX = 128,
	LB_MESSAGE_MAX = 256,
	/* A path, a line number and a field. */
	LB_PLACE_MAX = PATH_MAX + LB_FIELD_MAX + 16,
};

int lb_parse_number(const char *text, __u64 max, __u64 *value);
int lb_parse_addr(const char *text, struct lb_addr *addr);
int lb_parse_endpoint(const char *text, struct lb_addr *addr, __u16 *port);
int lb_parse_vip(const char *text, struct lb_vip_key *key);
const char *lb_vip_text(const struct lb_vip_key *key, char buf[LB_VIP_TEXT]);
const char *lb_forward_name(unsigned int forward);
bool lb_is_made_of(const char *text, const char *allowed, size_t size);
bool lb_is_instance_name(const char *name);
bool lb_is_ifname(const char *name);

struct lb_place;

/**
 * struct lb_source - where a configuration comes from
 * @where: writes how messages about a part and a key of that part ("": no key) begin:
 *	"lb.yaml:7: snat[0]: ", "--vip tcp:10.0.0.5:80: "
 * @ctx: private data of @where
 */
struct lb_source {
	void (*where)(const struct lb_place *at, const char *key, char text[LB_PLACE_MAX]);
	const void *ctx;
};

/**
 * struct lb_place - a part of a configuration, for messages
 * @src: where the configuration comes from
 * @vip: index of a service, -1: the whole configuration
 * @backend: index of a backend of the service, -1: the service itself
 */
struct lb_place {
	const struct lb_source *src;
	int vip;
	int backend;
};

const char *lb_shown(const char *text, char buf[LB_SHOWN]);
__printf(4, 5)
int lb_conf_bad(const struct lb_place *at, const char *key, const char *hint,
		const char *fmt, ...);
__printf(3, 4)
void lb_conf_warn(const struct lb_place *at, const char *key, const char *fmt, ...);

#endif /* _SAMPLES_XDP_LB_CONFIG_TEXT_H */
