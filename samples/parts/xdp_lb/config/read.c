// SPDX-License-Identifier: GPL-2.0
/* Fill struct lb_conf from the text of a file's keys. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <stdint.h>
#include "lib/log.h"
#include "lib/net.h"
#include "parts/xdp_lb/config/config.h"
#include "parts/xdp_lb/config/schema.h"
#include "parts/xdp_lb/config/valid.h"
#include "parts/xdp_lb/config/yaml.h"

/**
 * struct range - which values a number may have
 * @what: what the number is, for messages: "a port"
 * @min: least value
 * @max: greatest value
 * @hint: hint for other values
 */
struct range {
	const char *what;
	__u64 min;
	__u64 max;
	const char *hint;
};

enum range_of {
	TABLE_SIZE, SEED, CONNECTIONS,
	VIP_PORT, BACKEND_PORT, WEIGHT,
	INTERVAL, TIMEOUT, RISE, FALL,
};

static const struct range ranges[] = {
	[TABLE_SIZE] = { "a table size", 11, 1048573, "table_size: 65537 is the default" },
	[SEED] = { "a seed", 0, UINT64_MAX, "seed: 20261122 is the default" },
	[CONNECTIONS] = { "a number of connections", 16, 1 << 23,
			  "connections: 1048576 is the default" },
	[VIP_PORT] = { "a port", 0, 65535, "port: 80; 0 stands for any port" },
	[BACKEND_PORT] = { "a port", 1, 65535,
			   "port: 8080; without one, it is that of the service" },
	[WEIGHT] = { "a weight", 0, 65535, "weight: 2 is twice the share of weight: 1" },
	[INTERVAL] = { "an interval", 10, 3600000, "interval_ms: 2000 is the default" },
	[TIMEOUT] = { "a timeout", 1, 3600000, "timeout_ms: 1000 is the default" },
	[RISE] = { "a count", 1, 100, "rise: 2 is the default" },
	[FALL] = { "a count", 1, 100, "fall: 3 is the default" },
};

/* --- values ------------------------------------------------------------------------------ */

/* The path of a key, as "vips[0].backends[1].port". */
static const char *field_of(const struct lb_place *at, const char *key, char field[LB_FIELD_MAX])
{
	char vip[24] = "", backend[32] = "";

	if (at->vip >= 0)
		snprintf(vip, sizeof(vip), "vips[%d]", at->vip);
	if (at->backend >= 0)
		snprintf(backend, sizeof(backend), ".backends[%d]", at->backend);
	snprintf(field, LB_FIELD_MAX, "%s%s%s%s", vip, backend, *vip && *key ? "." : "", key);
	return field;
}

static void where_in_file(const struct lb_place *at, const char *key, char text[LB_PLACE_MAX])
{
	const struct lb_yaml *yaml = at->src->ctx;
	char field[LB_FIELD_MAX];

	field_of(at, key, field);
	snprintf(text, LB_PLACE_MAX, "%s:%u: %s: ", yaml->path, lb_yaml_line(yaml, field), field);
}

/* The text of a key; NULL if the key is not there. */
static const char *text_of(const struct lb_place *at, const char *key)
{
	char field[LB_FIELD_MAX];

	return lb_yaml_get(at->src->ctx, field_of(at, key, field));
}

static unsigned int count_of(const struct lb_place *at, const char *key)
{
	char field[LB_FIELD_MAX];

	return lb_yaml_count(at->src->ctx, field_of(at, key, field));
}

/* Read a number. If the key is not there, @value keeps its default. */
static int take_number(const struct lb_place *at, const char *key, enum range_of what,
		       __u64 *value)
{
	const struct range *range = &ranges[what];
	const char *text = text_of(at, key);
	char shown[LB_SHOWN];
	__u64 number;

	if (!text)
		return 0;
	if (lb_parse_number(text, range->max, &number) || number < range->min)
		return lb_conf_bad(at, key, range->hint, "%s is not %s; %llu to %llu",
				   lb_shown(text, shown), range->what,
				   (unsigned long long)range->min, (unsigned long long)range->max);
	*value = number;
	return 0;
}

static int take_number32(const struct lb_place *at, const char *key, enum range_of what,
			 __u32 *value)
{
	__u64 number = *value;
	int err = take_number(at, key, what, &number);

	*value = number;
	return err;
}

/* Read one of @n words. If the key is not there, @value keeps its default. */
static int take_word(const struct lb_place *at, const char *key,
		     const char *(*word)(unsigned int), unsigned int n, unsigned int *value)
{
	const char *text = text_of(at, key);
	char hint[LB_MESSAGE_MAX], shown[LB_SHOWN];
	unsigned int i;
	int len;

	if (!text)
		return 0;
	for (i = 0; i < n; i++) {
		if (!strcmp(text, word(i))) {
			*value = i;
			return 0;
		}
	}
	len = snprintf(hint, sizeof(hint), "it is one of");
	for (i = 0; i < n; i++)
		len += snprintf(hint + len, sizeof(hint) - len, "%s %s", i ? "," : "", word(i));
	return lb_conf_bad(at, key, hint, "%s is not known", lb_shown(text, shown));
}

static const char *protocol_name(unsigned int i)
{
	return i ? "udp" : "tcp";
}

static const char *check_name(unsigned int type)
{
	static const char * const names[] = { "none", "tcp", "http" };

	return names[type];
}

/* Read a name. If the key is not there, @name keeps its default. */
static int take_name(const struct lb_place *at, char name[LB_NAME_MAX])
{
	const char *text = text_of(at, "name");
	char shown[LB_SHOWN];

	if (!text)
		return 0;
	if (!lb_is_made_of(text, LB_ALNUM "._-:[]", LB_NAME_MAX))
		return lb_conf_bad(at, "name", "1 to 31 letters, digits, or of . _ - : [ ]",
				   "%s cannot be a name", lb_shown(text, shown));
	snprintf(name, LB_NAME_MAX, "%s", text);
	return 0;
}

static int take_address(const struct lb_place *at, const char *key, struct lb_addr *addr)
{
	const char *text = text_of(at, key);
	struct in6_addr in6;
	char shown[LB_SHOWN];

	if (!lb_parse_addr(text, addr))
		return 0;
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return lb_conf_bad(at, key, "write it as IPv4: 10.0.0.11",
				   "%s is an IPv4 address within IPv6", lb_shown(text, shown));
	return lb_conf_bad(at, key, "as 10.0.0.11 or 2001:db8::11, without /LENGTH and port",
			   "%s is not an IP address", lb_shown(text, shown));
}

/* --- from the file ----------------------------------------------------------------------- */

static int take_check_path(const struct lb_place *at, struct lb_check *check)
{
	const char *path = text_of(at, "check.path");
	char shown[LB_SHOWN];
	const char *c = path;

	if (!path)
		return 0;
	if (check->type != LB_CHECK_HTTP)
		return lb_conf_bad(at, "check.path", "check: { type: http, path: ... }",
				   "the type is %s, which has no path", check_name(check->type));
	while (*c > ' ' && *c < 127 && *c != '#')
		c++;
	if (*path != '/' || *c || strlen(path) >= sizeof(check->path))
		return lb_conf_bad(at, "check.path", "as /healthz: other characters as %20",
				   "%s is not a path of at most %zu bytes", lb_shown(path, shown),
				   sizeof(check->path) - 1);
	snprintf(check->path, sizeof(check->path), "%s", path);
	return 0;
}

/* A host name, with or without a port: only characters that are safe in an HTTP header. */
static int take_check_host(const struct lb_place *at, struct lb_check *check)
{
	const char *host = text_of(at, "check.host");
	char shown[LB_SHOWN];

	if (!host)
		return 0;
	if (check->type != LB_CHECK_HTTP)
		return lb_conf_bad(at, "check.host", "check: { type: http, host: ... }",
				   "the type is %s, which has no host", check_name(check->type));
	if (!lb_is_made_of(host, LB_ALNUM ".-_:[]", sizeof(check->host)))
		return lb_conf_bad(at, "check.host", "as www.example.org or www.example.org:8080",
				   "%s is not a host of at most %zu bytes", lb_shown(host, shown),
				   sizeof(check->host) - 1);
	snprintf(check->host, sizeof(check->host), "%s", host);
	return 0;
}

static int take_check_times(const struct lb_place *at, struct lb_check *check)
{
	int err;

	err = take_number32(at, "check.interval_ms", INTERVAL, &check->interval_ms);
	if (err)
		return err;
	if (check->timeout_ms > check->interval_ms)
		check->timeout_ms = check->interval_ms;
	err = take_number32(at, "check.timeout_ms", TIMEOUT, &check->timeout_ms);
	if (err)
		return err;
	if (check->timeout_ms > check->interval_ms)
		return lb_conf_bad(at, "check.timeout_ms", "make interval_ms as long, or longer",
				   "%u is longer than the interval, %u", check->timeout_ms,
				   check->interval_ms);
	err = take_number32(at, "check.rise", RISE, &check->rise);
	if (err)
		return err;
	return take_number32(at, "check.fall", FALL, &check->fall);
}

static int take_check(const struct lb_place *at, struct lb_vip_conf *vip)
{
	struct lb_check *check = &vip->check;
	int err;

	lb_check_defaults(vip);
	err = take_word(at, "check.type", check_name, LB_CHECK_HTTP + 1, &check->type);
	if (err)
		return err;
	if (check->type != LB_CHECK_NONE && !vip->port)
		return lb_conf_bad(at, "check.type", "check: { type: none }",
				   "%s, but the service has any port, so no port to check",
				   check_name(check->type));
	err = take_check_path(at, check);
	if (err)
		return err;
	err = take_check_host(at, check);
	if (err)
		return err;
	return take_check_times(at, check);
}

static int take_backend(const struct lb_place *at, struct lb_backend_conf *backend,
			const struct lb_vip_conf *vip)
{
	__u64 port = vip->port;
	int err;

	backend->weight = 1;
	err = take_address(at, "address", &backend->addr);
	if (err)
		return err;
	err = take_number(at, "port", vip->port ? BACKEND_PORT : VIP_PORT,
			  &port);
	if (err)
		return err;
	err = take_number32(at, "weight", WEIGHT, &backend->weight);
	if (err)
		return err;
	backend->port = port;
	lb_backend_name(backend, backend->name);
	return take_name(at, backend->name);
}

static int take_service(const struct lb_place *at, struct lb_vip_conf *vip)
{
	unsigned int udp = 0, forward = LB_NAT;
	__u64 port = 0;
	int err;

	err = take_address(at, "address", &vip->addr);
	if (err)
		return err;
	err = take_number(at, "port", VIP_PORT, &port);
	if (err)
		return err;
	err = take_word(at, "protocol", protocol_name, 2, &udp);
	if (err)
		return err;
	err = take_word(at, "forward", lb_forward_name, LB_IPIP + 1,
			&forward);
	if (err)
		return err;
	vip->port = port;
	vip->proto = udp ? IPPROTO_UDP : IPPROTO_TCP;
	vip->forward = forward;
	lb_vip_name(vip, vip->name);
	err = take_check(at, vip);
	return err ? err : take_name(at, vip->name);
}

static int take_vip(struct lb_conf *conf, const struct lb_source *src)
{
	struct lb_vip_conf *vip = &conf->vips[conf->n_vips];
	struct lb_place at = { src, conf->n_vips, -1 };
	unsigned int n;
	int err;

	err = take_service(&at, vip);
	if (err)
		return err;
	n = count_of(&at, "backends");
	vip->backends = calloc(n, sizeof(*vip->backends));
	if (!vip->backends)
		return -ENOMEM;
	conf->n_vips++;
	while (vip->n_backends < n && !err) {
		at.backend = vip->n_backends++;
		err = take_backend(&at, &vip->backends[at.backend], vip);
	}
	return err;
}

/*
 * The name may be an alternative name (altname) of an interface: keep the interface's own name.
 * An interface that does not exist yet keeps the name in the file.
 */
static int take_ifname(const struct lb_place *at, const char *key, char ifname[IF_NAMESIZE])
{
	const char *name = text_of(at, key);
	unsigned int ifindex = sample_find_iface(name);
	char shown[LB_SHOWN];

	if (ifindex && if_indextoname(ifindex, ifname))
		return 0;
	if (strlen(name) >= IF_NAMESIZE)
		return lb_conf_bad(at, key, "ip link", "no interface here has the name %s",
				   lb_shown(name, shown));
	if (!lb_is_ifname(name))
		return lb_conf_bad(at, key, "ip -br link", "%s cannot be the name of an interface",
				   lb_shown(name, shown));
	snprintf(ifname, IF_NAMESIZE, "%s", name);
	return 0;
}

static int take_interfaces(const struct lb_place *at, struct lb_conf *conf)
{
	unsigned int i, j, n = count_of(at, "interfaces");
	char key[LB_FIELD_MAX], shown[LB_SHOWN];
	int err;

	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "interfaces[%u]", i);
		err = take_ifname(at, key, conf->ifnames[i]);
		if (err)
			return err;
		for (j = 0; j < i; j++) {
			if (!strcmp(conf->ifnames[i], conf->ifnames[j]))
				return lb_conf_bad(at, key, "remove one of the two",
						   "%s is given twice",
						   lb_shown(conf->ifnames[i], shown));
		}
		conf->n_ifnames++;
	}
	return 0;
}

static int take_snat(const struct lb_place *at, struct lb_conf *conf)
{
	unsigned int i, n = count_of(at, "snat");
	char key[LB_FIELD_MAX];
	int err;

	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "snat[%u]", i);
		err = take_address(at, key, &conf->snat[i]);
		if (err)
			return err;
		conf->n_snat++;
	}
	return 0;
}

static int take_instance(const struct lb_place *at, struct lb_conf *conf)
{
	const char *name = text_of(at, "name");
	char shown[LB_SHOWN];
	int err;

	if (name && !lb_is_instance_name(name))
		return lb_conf_bad(at, "name", "1 to 31 letters, digits, or of _ -",
				   "%s cannot be the name of an instance", lb_shown(name, shown));
	if (name)
		snprintf(conf->name, sizeof(conf->name), "%s", name);
	err = take_interfaces(at, conf);
	if (err)
		return err;
	err = take_word(at, "mode", lb_mode_name, LB_MODE_TC + 1, &conf->mode);
	if (err)
		return err;
	err = take_number32(at, "table_size", TABLE_SIZE,
			    &conf->table_size);
	if (err)
		return err;
	err = take_number(at, "seed", SEED, &conf->seed);
	if (err)
		return err;
	err = take_number32(at, "connections", CONNECTIONS,
			    &conf->connections);
	if (err)
		return err;
	return take_snat(at, conf);
}

static int take_file(struct lb_conf *conf, const struct lb_source *src)
{
	const struct lb_place top = { src, -1, -1 };
	unsigned int n = count_of(&top, "vips");
	int err;

	err = take_instance(&top, conf);
	if (err)
		return err;
	conf->vips = calloc(n, sizeof(*conf->vips));
	if (!conf->vips)
		return -ENOMEM;
	while (conf->n_vips < n && !err)
		err = take_vip(conf, src);
	return err ? err : lb_conf_valid(conf, src);
}

/**
 * lb_conf_read() - read and check a configuration file
 * @conf: result; lb_conf_free() frees it
 * @path: name of the file
 *
 * An error is printed as "FILE:LINE: FIELD: what is wrong", with a hint.
 *
 * Return: 0; -EINVAL: the configuration is not valid; another negative errno: the file could
 * not be read. Errors were printed, and @conf holds nothing to be freed then.
 */
int lb_conf_read(struct lb_conf *conf, const char *path)
{
	struct lb_yaml yaml;
	const struct lb_source src = { where_in_file, &yaml };
	int err;

	lb_conf_defaults(conf);
	err = lb_yaml_read(&yaml, path);
	if (err)
		goto out;
	err = lb_schema_check(&yaml);
	if (err)
		goto out;
	err = take_file(conf, &src);
out:
	if (err == -ENOMEM)
		pr_err("failed to read the configuration %s: %s", path, strerror(ENOMEM));
	lb_yaml_free(&yaml);
	if (err)
		lb_conf_free(conf);
	return err;
}
