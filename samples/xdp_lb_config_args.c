// SPDX-License-Identifier: GPL-2.0
/* Addresses, services and backends as text; a configuration of --vip and --backend. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sample.h"
#include "xdp_lb_config.h"

/* --- numbers and addresses --------------------------------------------------------------- */

/**
 * lb_parse_number() - a number, decimal, or hexadecimal with 0x
 * @text: digits; no sign, no leading 0, which some take for octal
 * @max: greatest value
 * @value: result
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_number(const char *text, __u64 max, __u64 *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	if (!isxdigit((unsigned char)*digits) || (!hex && digits[0] == '0' && digits[1]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, &end, hex ? 16 : 10);
	return errno || end == digits || *end || *value > max ? -EINVAL : 0;
}

/**
 * lb_addr_is4() - whether it is an IPv4 address
 * @addr: the address
 *
 * Return: true if so.
 */
bool lb_addr_is4(const struct lb_addr *addr)
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)addr->a);
}

/**
 * lb_parse_addr() - an IPv4 or IPv6 address
 * @text: the address
 * @addr: result
 *
 * Return: 0 or -EINVAL, also for ::ffff:a.b.c.d; nothing is printed.
 */
int lb_parse_addr(const char *text, struct lb_addr *addr)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*addr = (struct lb_addr) { { 0, 0, htonl(0xffff), v4.s_addr } };
		return 0;
	}
	return inet_pton(AF_INET6, text, addr->a) == 1 && !lb_addr_is4(addr) ? 0 : -EINVAL;
}

/**
 * lb_parse_endpoint() - address and port
 * @text: "10.0.0.2:80", "[fd00::2]:80"
 * @addr: result
 * @port: result, host byte order, 0 is possible
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_endpoint(const char *text, struct lb_addr *addr, __u16 *port)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	bool is6 = *text == '[';
	size_t len;
	__u64 value;

	if (!colon || (is6 && colon[-1] != ']'))
		return -EINVAL;
	len = colon - text - (is6 ? 2 : 0);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + is6, len);
	host[len] = '\0';
	/* IPv6 needs the brackets, IPv4 has none. */
	if (lb_parse_addr(host, addr) || lb_addr_is4(addr) == is6 ||
	    lb_parse_number(colon + 1, 65535, &value))
		return -EINVAL;
	*port = value;
	return 0;
}

/**
 * lb_parse_vip() - a service
 * @text: "tcp:10.0.0.5:80", "udp:[fd00::5]:53"; port 0: any
 * @key: result
 *
 * Return: 0 or -EINVAL; nothing is printed.
 */
int lb_parse_vip(const char *text, struct lb_vip_key *key)
{
	__u16 port;

	memset(key, 0, sizeof(*key));
	if (!strncmp(text, "tcp:", 4))
		key->proto = IPPROTO_TCP;
	else if (!strncmp(text, "udp:", 4))
		key->proto = IPPROTO_UDP;
	else
		return -EINVAL;
	if (lb_parse_endpoint(text + 4, &key->addr, &port))
		return -EINVAL;
	key->port = htons(port);
	return 0;
}

/**
 * lb_vip_text() - a service as lb_parse_vip() takes it
 * @key: the service
 * @buf: takes the text
 *
 * Return: @buf.
 */
const char *lb_vip_text(const struct lb_vip_key *key, char buf[LB_VIP_TEXT])
{
	char endpoint[SAMPLE_ENDPOINT_LEN];

	snprintf(buf, LB_VIP_TEXT, "%s:%s", key->proto == IPPROTO_UDP ? "udp" : "tcp",
		 sample_endpoint(key->addr.a, key->port, endpoint));
	return buf;
}

/* --- names ------------------------------------------------------------------------------- */

/**
 * lb_forward_name() - a forwarding mode as it is configured
 * @forward: enum lb_forward
 *
 * Return: its name.
 */
const char *lb_forward_name(unsigned int forward)
{
	static const char * const names[] = { "nat", "dnat", "dsr", "ipip" };

	return forward < ARRAY_SIZE(names) ? names[forward] : "?";
}

/**
 * lb_mode_name() - a hook as it is configured
 * @mode: enum lb_mode
 *
 * Return: its name.
 */
const char *lb_mode_name(unsigned int mode)
{
	static const char * const names[] = { "auto", "native", "skb", "tc" };

	return mode < ARRAY_SIZE(names) ? names[mode] : "?";
}

/*
 * A name made of a text. A long text keeps its beginning and its port, and is told
 * from others by a hash in between.
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
 * lb_is_ifname() - whether the kernel takes this for a name of an interface
 * @name: the name
 *
 * Return: true if so, whether there is one or not.
 */
bool lb_is_ifname(const char *name)
{
	size_t len = strlen(name);

	return len && len < IF_NAMESIZE && strcmp(name, ".") && strcmp(name, "..") &&
	       strcspn(name, "/: \t\n\v\f\r") == len;
}

/**
 * lb_vip_name() - the name of a service that was given none
 * @vip: address, port and protocol are set
 * @name: takes it: "tcp:10.0.0.5:80"
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
 * lb_backend_name() - the name of a backend that was given none
 * @backend: address and port are set
 * @name: takes it: "10.0.0.2:80"
 */
void lb_backend_name(const struct lb_backend_conf *backend, char name[LB_NAME_MAX])
{
	char text[SAMPLE_ENDPOINT_LEN];

	make_name(sample_endpoint(backend->addr.a, htons(backend->port), text), name);
}

/* --- the command line -------------------------------------------------------------------- */

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

/* ADDRESS:PORT, or without :PORT, that of the service; IPv6 has brackets in both. */
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

/* A --vip and the --backend behind it; specs[n] is the next --vip, or the end. */
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
	unsigned int i, n;
	int err;

	if (!src->n_specs)
		return lb_conf_bad(&top, "", hint, "no --vip");
	if (!src->specs[0].is_vip)
		return lb_conf_bad(&top, "", hint, "--backend %s: no --vip before it",
				   src->specs[0].text);
	for (i = 0; i < src->n_specs; i += n) {
		for (n = 1; i + n < src->n_specs && !src->specs[i + n].is_vip; n++)
			;
		err = arg_specs(conf, src, src->specs + i, n);
		if (err)
			return err;
	}
	return lb_conf_valid(conf, src);
}

/**
 * lb_conf_args() - a configuration of --vip and --backend
 * @conf: result; has no interfaces
 * @specs: in the order of the command line
 * @n: how many
 * @snat: of --snat
 * @n_snat: how many, at most LB_SNAT_MAX
 *
 * What these options cannot say has its default value.
 *
 * Return: 0, or -EINVAL or -ENOMEM, which was printed.
 */
int lb_conf_args(struct lb_conf *conf, const struct lb_conf_spec *specs, unsigned int n,
		 const struct lb_addr *snat, unsigned int n_snat)
{
	const struct lb_source src = { .specs = specs, .n_specs = n };
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
