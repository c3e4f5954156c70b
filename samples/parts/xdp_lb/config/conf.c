// SPDX-License-Identifier: GPL-2.0
/* A configuration: its default values and names, and how it is freed. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/format.h"
#include "lib/util.h"
#include "parts/xdp_lb/config/conf.h"
#include "parts/xdp_lb/config/text.h"

/**
 * lb_mode_name() - the name of a hook in the configuration
 * @mode: enum lb_mode
 *
 * Return: the name.
 */
const char *lb_mode_name(unsigned int mode)
{
	static const char * const names[] = { "auto", "native", "skb", "tc" };

	return mode < ARRAY_SIZE(names) ? names[mode] : "?";
}

/*
 * Make a name from a text. A text that is too long keeps its beginning and its port; a hash
 * between the two distinguishes it from other long texts.
 */
static void make_name(const char *text, char name[LB_NAME_MAX])
{
	const char *port = strrchr(text, ':');
	__u32 hash = 0x811c9dc5;
	const char *c;

	if (strlen(text) < LB_NAME_MAX) {
		snprintf(name, LB_NAME_MAX, "%s", text);
		return;
	}
	for (c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x01000193;
	snprintf(name, LB_NAME_MAX, "%.*s..%08x]%s",
		 (int)(LB_NAME_MAX - sizeof("..01234567]") - strlen(port)), text, hash, port);
}

/**
 * lb_vip_name() - make a name for a service that has none
 * @vip: address, port and protocol are set
 * @name: result: "tcp:10.0.0.5:80"
 */
void lb_vip_name(const struct lb_vip_conf *vip, char name[LB_NAME_MAX])
{
	struct lb_vip_key key = {
		.addr = vip->addr,
		.port = htons(vip->port),
		.proto = vip->proto,
	};
	char text[LB_VIP_TEXT];

	make_name(lb_vip_text(&key, text), name);
}

/**
 * lb_backend_name() - make a name for a backend that has none
 * @backend: address and port are set
 * @name: result: "10.0.0.2:80"
 */
void lb_backend_name(const struct lb_backend_conf *backend, char name[LB_NAME_MAX])
{
	char text[SAMPLE_ENDPOINT_LEN];

	make_name(sample_endpoint(backend->addr.a, htons(backend->port), text), name);
}

/**
 * lb_conf_defaults() - set the default values of a configuration
 * @conf: is overwritten
 */
void lb_conf_defaults(struct lb_conf *conf)
{
	*conf = (struct lb_conf) {
		.name = "lb0",
		.mode = LB_MODE_AUTO,
		.table_size = 65537,
		.seed = 20261122,
		.connections = 1048576,
	};
}

/**
 * lb_check_defaults() - set the default health check of a service
 * @vip: its protocol and port are set
 *
 * A TCP service with a port is checked by a connect. Other services are not checked: UDP has
 * no connections, and a service with any port has no port to connect to.
 */
void lb_check_defaults(struct lb_vip_conf *vip)
{
	vip->check = (struct lb_check) {
		.type = vip->proto == IPPROTO_TCP && vip->port ? LB_CHECK_TCP : LB_CHECK_NONE,
		.interval_ms = 2000,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
		.path = "/",
	};
}

/**
 * lb_conf_free() - free what a configuration holds
 * @conf: the configuration; has no services afterwards
 */
void lb_conf_free(struct lb_conf *conf)
{
	unsigned int i;

	for (i = 0; conf->vips && i < conf->n_vips; i++)
		free(conf->vips[i].backends);
	free(conf->vips);
	conf->vips = NULL;
	conf->n_vips = 0;
}
