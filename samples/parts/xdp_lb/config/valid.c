// SPDX-License-Identifier: GPL-2.0
/*
 * Check a configuration, from a file or from the command line, before any part of it is
 * applied.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "addr4.h"
#include "lib/net.h"
#include "parts/xdp_lb/config/conf.h"
#include "parts/xdp_lb/config/text.h"
#include "parts/xdp_lb/config/valid.h"
#include "parts/xdp_lb/ring/ring.h"

enum {
	/* With so many ring slots for each backend, shares are wrong by 1 % at most. */
	SLOTS_EACH = 100,
};

static bool same_addr(const struct lb_addr *a, const struct lb_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static const char *addr_text(const struct lb_addr *addr)
{
	static char text[INET6_ADDRSTRLEN];

	return sample_addr(addr->a, text);
}

/* Why no other host can be reached at an address; NULL: one can. */
static const char *addr_unfit(const struct lb_addr *addr)
{
	const struct in6_addr *in6 = (const struct in6_addr *)addr->a;
	__u32 ip = ntohl(addr->a[3]);

	if (!addr_is4(addr->a)) {
		if (IN6_IS_ADDR_UNSPECIFIED(in6))
			return "stands for no address";
		if (IN6_IS_ADDR_LOOPBACK(in6))
			return "is a loopback address";
		if (IN6_IS_ADDR_MULTICAST(in6))
			return "is a multicast address";
		if (IN6_IS_ADDR_LINKLOCAL(in6))
			return "is a link-local address, and so needs an interface";
		return NULL;
	}
	if (!(ip >> 24))
		return "stands for no address";
	if (ip >> 24 == 127)
		return "is a loopback address";
	if (ip >> 28 == 14)
		return "is a multicast address";
	return ip >> 28 == 15 ? "is a reserved address" : NULL;
}

static int valid_addr(const struct lb_place *at, const char *key, const struct lb_addr *addr)
{
	const char *unfit = addr_unfit(addr);

	if (!unfit)
		return 0;
	return lb_conf_bad(at, key, "give a unicast address that other hosts can reach",
			   "%s %s", addr_text(addr), unfit);
}

/* --- SNAT -------------------------------------------------------------------------------- */

static bool has_snat(const struct lb_conf *conf, bool is4)
{
	unsigned int i;

	for (i = 0; i < conf->n_snat; i++) {
		if (addr_is4(conf->snat[i].a) == is4)
			return true;
	}
	return false;
}

static int valid_snat(const struct lb_conf *conf, const struct lb_source *src)
{
	const struct lb_place top = { src, -1, -1 };
	unsigned int i, j;
	char key[24];
	int err;

	for (i = 0; i < conf->n_snat; i++) {
		snprintf(key, sizeof(key), "snat[%u]", i);
		err = valid_addr(&top, key, &conf->snat[i]);
		if (err)
			return err;
		for (j = 0; j < i; j++) {
			if (same_addr(&conf->snat[i], &conf->snat[j]))
				return lb_conf_bad(&top, key, "remove one of the two",
						   "%s is given twice", addr_text(&conf->snat[i]));
		}
	}
	for (i = 0; i < conf->n_vips && conf->vips[i].forward != LB_NAT; i++)
		;
	if (conf->n_snat && i == conf->n_vips)
		lb_conf_warn(&top, "snat", "no service has forward: nat, which alone needs it");
	return 0;
}

/* --- backends ---------------------------------------------------------------------------- */

static int valid_family(const struct lb_place *at, const struct lb_vip_conf *vip,
			const struct lb_backend_conf *backend)
{
	bool is4 = addr_is4(backend->addr.a);

	if (vip->forward == LB_IPIP || is4 == addr_is4(vip->addr.a))
		return 0;
	return lb_conf_bad(at, "address", "forward: ipip reaches backends of the other family",
			   "%s is IPv%d, but the service is IPv%d, and %s translates neither",
			   addr_text(&backend->addr), is4 ? 4 : 6, is4 ? 6 : 4,
			   lb_forward_name(vip->forward));
}

static int valid_port(const struct lb_place *at, const struct lb_vip_conf *vip,
		      const struct lb_backend_conf *backend)
{
	if (backend->port == vip->port)
		return 0;
	if (!vip->port)
		return lb_conf_bad(at, "port", "leave the port out",
				   "%u, but the service has any port, and keeps it", backend->port);
	if (!backend->port)
		return lb_conf_bad(at, "port", "leave the port out for that of the service",
				   "0 is not a port; 1 to 65535");
	if (vip->forward == LB_NAT || vip->forward == LB_DNAT)
		return 0;
	return lb_conf_bad(at, "port", "leave the port out; forward: nat can change it",
			   "%u, but %s does not change ports: the service has %u", backend->port,
			   lb_forward_name(vip->forward), vip->port);
}

/*
 * A backend must not have an address that this program takes packets for: packets to the
 * backend would be taken again, and go round in a loop.
 */
static int valid_own_addr(const struct lb_place *at, const struct lb_conf *conf,
			  const struct lb_vip_conf *vip, const struct lb_backend_conf *backend)
{
	static const char hint[] = "give an address that the backend alone has";
	bool translates = vip->forward == LB_NAT || vip->forward == LB_DNAT;
	const struct lb_vip_conf *other;
	unsigned int i;

	for (other = conf->vips; other < conf->vips + conf->n_vips; other++) {
		if ((translates || other == vip) && same_addr(&backend->addr, &other->addr))
			return lb_conf_bad(at, "address", hint,
					   "%s is the address of the service %s",
					   addr_text(&backend->addr), other->name);
	}
	for (i = 0; i < conf->n_snat; i++) {
		if (same_addr(&backend->addr, &conf->snat[i]))
			return lb_conf_bad(at, "address", hint, "%s is in snat",
					   addr_text(&backend->addr));
	}
	return 0;
}

static int valid_unique(const struct lb_place *at, const struct lb_vip_conf *vip,
			const struct lb_backend_conf *backend)
{
	const struct lb_backend_conf *other;

	for (other = vip->backends; other < backend; other++) {
		if (other->port == backend->port && same_addr(&other->addr, &backend->addr))
			return lb_conf_bad(at, "address",
					   "one backend with more weight does the same",
					   "address and port are those of the backend %s",
					   other->name);
		if (!strcmp(other->name, backend->name))
			return lb_conf_bad(at, "name",
					   "give each backend of a service its own name",
					   "%s is the name of another backend", backend->name);
	}
	return 0;
}

/*
 * With LB_DNAT, only the source of a reply tells which service the reply belongs to. So two
 * services of this mode cannot have a backend with the same address and port.
 */
static int valid_dnat(const struct lb_place *at, const struct lb_conf *conf,
		      const struct lb_vip_conf *vip, const struct lb_backend_conf *backend)
{
	const struct lb_backend_conf *b;
	const struct lb_vip_conf *other;

	for (other = conf->vips; vip->forward == LB_DNAT && other < vip; other++) {
		if (other->forward != LB_DNAT || other->proto != vip->proto)
			continue;
		for (b = other->backends; b < other->backends + other->n_backends; b++) {
			if (!same_addr(&b->addr, &backend->addr) ||
			    (b->port && backend->port && b->port != backend->port))
				continue;
			return lb_conf_bad(at, "address",
					   "another port, or forward: nat for one of the services",
					   "address and port are those of a backend of %s, and both services are dnat",
					   other->name);
		}
	}
	return 0;
}

static int valid_backend(const struct lb_place *at, const struct lb_conf *conf,
			 const struct lb_vip_conf *vip, const struct lb_backend_conf *backend)
{
	int err;

	err = valid_addr(at, "address", &backend->addr);
	if (err)
		return err;
	err = valid_family(at, vip, backend);
	if (err)
		return err;
	err = valid_port(at, vip, backend);
	if (err)
		return err;
	err = valid_own_addr(at, conf, vip, backend);
	if (err)
		return err;
	err = valid_unique(at, vip, backend);
	if (err)
		return err;
	return valid_dnat(at, conf, vip, backend);
}

/* --- services ---------------------------------------------------------------------------- */

static int valid_vip(const struct lb_place *at, const struct lb_conf *conf,
		     const struct lb_vip_conf *vip)
{
	bool is4 = addr_is4(vip->addr.a);
	const struct lb_vip_conf *other;

	for (other = conf->vips; other < vip; other++) {
		if (other->port == vip->port && other->proto == vip->proto &&
		    same_addr(&other->addr, &vip->addr))
			return lb_conf_bad(at, "address",
					   "put the backends of both under one service",
					   "address, protocol and port are those of the service %s",
					   other->name);
		if (!strcmp(other->name, vip->name))
			return lb_conf_bad(at, "name", "give each service its own name",
					   "%s is the name of another service", vip->name);
	}
	if (!vip->n_backends)
		return lb_conf_bad(at, "backends", "--backend ADDRESS:PORT behind its --vip",
				   "it has no backend");
	if (vip->forward == LB_NAT && conf->n_snat && !has_snat(conf, is4))
		return lb_conf_bad(at, "address",
				   "add one to snat, or remove snat for those of the interface",
				   "the service is nat and IPv%d, and snat has no such address",
				   is4 ? 4 : 6);
	return valid_addr(at, "address", &vip->addr);
}

static __u32 next_prime(__u32 n)
{
	while (!lb_is_prime(n))
		n++;
	return n;
}

static void warn_vip(const struct lb_place *at, const struct lb_conf *conf,
		     const struct lb_vip_conf *vip)
{
	const struct lb_place top = { at->src, -1, -1 };
	__u32 wanted = vip->n_backends * SLOTS_EACH;
	unsigned int i;

	for (i = 0; i < vip->n_backends && !vip->backends[i].weight; i++)
		;
	if (i == vip->n_backends)
		lb_conf_warn(at, "backends", "all weights are 0: it takes no new connections");
	/* A single backend has all slots, however few they are. */
	if (conf->table_size < wanted && vip->n_backends > 1)
		lb_conf_warn(&top, "table_size",
			     "%u is less than %u for each of the %u backends of %s, whose shares will be uneven; %u is enough",
			     conf->table_size, SLOTS_EACH, vip->n_backends, vip->name,
			     next_prime(wanted));
}

static int valid_vips(const struct lb_conf *conf, const struct lb_source *src)
{
	struct lb_place at = { src, -1, -1 };
	unsigned int i, j;
	int err;

	for (i = 0; i < conf->n_vips; i++) {
		const struct lb_vip_conf *vip = &conf->vips[i];

		at.vip = i;
		at.backend = -1;
		err = valid_vip(&at, conf, vip);
		if (err)
			return err;
		for (j = 0; j < vip->n_backends; j++) {
			at.backend = j;
			err = valid_backend(&at, conf, vip, &vip->backends[j]);
			if (err)
				return err;
		}
	}
	return 0;
}

static int valid_sizes(const struct lb_conf *conf, const struct lb_source *src)
{
	const struct lb_place top = { src, -1, -1 };
	unsigned int i, n_backends = 0;
	char hint[32];

	if (!lb_is_prime(conf->table_size)) {
		snprintf(hint, sizeof(hint), "table_size: %u", next_prime(conf->table_size));
		return lb_conf_bad(&top, "table_size", hint, "%u is not a prime", conf->table_size);
	}
	for (i = 0; i < conf->n_vips; i++)
		n_backends += conf->vips[i].n_backends;
	if (conf->n_vips > LB_VIPS_MAX || n_backends > LB_BACKENDS_MAX)
		return lb_conf_bad(&top, "",
				   "two instances with a --name and a --snat each can share the work",
				   "%u service%s with %u backends, and there can be %u with %u",
				   conf->n_vips, conf->n_vips == 1 ? "" : "s", n_backends,
				   LB_VIPS_MAX, LB_BACKENDS_MAX);
	return 0;
}

/**
 * lb_conf_valid() - check that the parts of a configuration fit together
 * @conf: the configuration; each value was already checked by itself
 * @src: where the configuration comes from, for messages
 *
 * Return: 0, or -EINVAL, which was printed.
 */
int lb_conf_valid(const struct lb_conf *conf, const struct lb_source *src)
{
	struct lb_place at = { src, -1, -1 };
	int err;

	err = valid_sizes(conf, src);
	if (err)
		return err;
	err = valid_vips(conf, src);
	if (err)
		return err;
	err = valid_snat(conf, src);
	if (err)
		return err;
	while (++at.vip < (int)conf->n_vips)
		warn_vip(&at, conf, &conf->vips[at.vip]);
	return 0;
}
