// SPDX-License-Identifier: GPL-2.0
/* Make a configuration from --vip and --backend. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/format.h"
#include "lib/log.h"
#include "parts/xdp_lb/config/config.h"
#include "parts/xdp_lb/config/valid.h"

/**
 * struct specs - the options, in the order of the command line
 * @spec: the options
 * @n: number of options
 */
struct specs {
	const struct lb_conf_spec *spec;
	unsigned int n;
};

/* Write the option that a place comes from; nothing if the place is the whole configuration. */
static void where_in_args(const struct lb_place *at, const char *key, char text[LB_PLACE_MAX])
{
	const struct specs *specs = at->src->ctx;
	const struct lb_conf_spec *spec = specs->spec;
	int vip = -1;

	*text = '\0';
	if (at->vip < 0)
		return;
	for (; vip < at->vip; spec++)
		vip += spec->is_vip;
	/* Now @spec is behind the --vip: at the option of backend 0; the service is at -1. */
	spec += at->backend;
	snprintf(text, LB_PLACE_MAX, "--%s %s: ", spec->is_vip ? "vip" : "backend", spec->text);
}

static int arg_vip(struct lb_vip_conf *vip, const struct lb_place *at, const char *text)
{
	struct lb_vip_key key;

	if (lb_parse_vip(text, &key))
		return lb_conf_bad(at, "", "--vip tcp:10.0.0.5:80, --vip udp:[fd00::5]:53",
				   "not PROTOCOL:ADDRESS:PORT");
	vip->addr = key.addr;
	vip->port = ntohs(key.port);
	vip->proto = key.proto;
	vip->forward = LB_NAT;
	lb_vip_name(vip, vip->name);
	lb_check_defaults(vip);
	return 0;
}

/* ADDRESS:PORT, or ADDRESS alone with the port of the service. IPv6 has brackets in both. */
static int parse_backend(const char *text, __u16 vip_port, struct lb_backend_conf *backend)
{
	char endpoint[SAMPLE_ENDPOINT_LEN + sizeof(":65535")];

	if (!lb_parse_endpoint(text, &backend->addr, &backend->port))
		return 0;
	snprintf(endpoint, sizeof(endpoint), "%s:%u", text, vip_port);
	return lb_parse_endpoint(endpoint, &backend->addr, &backend->port);
}

static int arg_backend(struct lb_backend_conf *backend, const struct lb_place *at,
		       const char *text, __u16 vip_port)
{
	static const char hint[] =
		"--backend 10.0.0.2:80, --backend [fd00::2]:80, --backend 10.0.0.2:80,weight=3";
	size_t len = strcspn(text, ",");
	char endpoint[SAMPLE_ENDPOINT_LEN];
	__u64 weight = 1;

	if (len >= sizeof(endpoint))
		return lb_conf_bad(at, "", hint, "not ADDRESS:PORT[,weight=N]");
	memcpy(endpoint, text, len);
	endpoint[len] = '\0';
	if (parse_backend(endpoint, vip_port, backend))
		return lb_conf_bad(at, "", hint, "not ADDRESS:PORT[,weight=N]");
	if (text[len] && strncmp(text + len, ",weight=", strlen(",weight=")))
		return lb_conf_bad(at, "", hint, "behind the comma only weight=N is known");
	if (text[len] && lb_parse_number(text + len + strlen(",weight="), 65535, &weight))
		return lb_conf_bad(at, "", hint, "%s is not a weight; 0 to 65535",
				   text + len + strlen(",weight="));
	backend->weight = weight;
	lb_backend_name(backend, backend->name);
	return 0;
}

/* One --vip, specs[0], and the n - 1 --backend options behind it. */
static int arg_specs(struct lb_conf *conf, const struct lb_source *src,
		     const struct lb_conf_spec *specs, unsigned int n)
{
	struct lb_vip_conf *vip = &conf->vips[conf->n_vips];
	struct lb_place at = { src, conf->n_vips, -1 };
	unsigned int i;
	int err;

	err = arg_vip(vip, &at, specs[0].text);
	if (err)
		return err;
	vip->forward = specs[0].forward;
	vip->backends = calloc(n, sizeof(*vip->backends));
	if (!vip->backends)
		return -ENOMEM;
	conf->n_vips++;
	for (i = 1; i < n; i++) {
		at.backend = vip->n_backends;
		err = arg_backend(&vip->backends[vip->n_backends], &at, specs[i].text, vip->port);
		if (err)
			return err;
		vip->n_backends++;
	}
	return 0;
}

static int arg_all(struct lb_conf *conf, const struct lb_source *src)
{
	static const char hint[] = "--vip tcp:10.0.0.5:80 --backend 10.0.0.2:80";
	const struct lb_place top = { src, -1, -1 };
	const struct specs *specs = src->ctx;
	unsigned int i, n;
	int err;

	if (!specs->n)
		return lb_conf_bad(&top, "", hint, "no --vip");
	if (!specs->spec[0].is_vip)
		return lb_conf_bad(&top, "", hint, "--backend %s: no --vip before it",
				   specs->spec[0].text);
	for (i = 0; i < specs->n; i += n) {
		for (n = 1; i + n < specs->n && !specs->spec[i + n].is_vip; n++)
			;
		err = arg_specs(conf, src, specs->spec + i, n);
		if (err)
			return err;
	}
	return lb_conf_valid(conf, src);
}

/**
 * lb_conf_args() - make a configuration from --vip and --backend
 * @conf: result; has no interfaces
 * @specs: the options, in the order of the command line
 * @n: number of entries of @specs
 * @snat: addresses of --snat
 * @n_snat: number of entries of @snat, at most LB_SNAT_MAX
 *
 * What these options cannot set keeps its default value.
 *
 * Return: 0, or -EINVAL or -ENOMEM, which was printed.
 */
int lb_conf_args(struct lb_conf *conf, const struct lb_conf_spec *specs, unsigned int n,
		 const struct lb_addr *snat, unsigned int n_snat)
{
	const struct specs all = { specs, n };
	const struct lb_source src = { where_in_args, &all };
	int err = -ENOMEM;

	lb_conf_defaults(conf);
	for (; conf->n_snat < n_snat; conf->n_snat++)
		conf->snat[conf->n_snat] = snat[conf->n_snat];
	conf->vips = calloc(n + 1, sizeof(*conf->vips));
	if (conf->vips)
		err = arg_all(conf, &src);
	if (err == -ENOMEM)
		pr_err("failed to take --vip and --backend: %s", strerror(ENOMEM));
	if (err)
		lb_conf_free(conf);
	return err;
}
