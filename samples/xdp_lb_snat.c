// SPDX-License-Identifier: GPL-2.0
/* The source addresses of LB_NAT: those of the configuration, or the interface's own. */
#include <errno.h>
#include <string.h>
#include "sample.h"
#include "xdp_lb_ports.h"
#include "xdp_lb_state.h"

static bool is_snat(const struct lb_state *state, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < state->conf->n_snat; i++) {
		if (!memcmp(&state->conf->snat[i].addr, addr, sizeof(*addr)))
			return true;
	}
	return false;
}

/* An address keeps its number: connections say it. So the list only grows. */
static int add_snat(struct lb_state *state, const struct lb_addr *addr, bool own)
{
	struct lb_ports *ports = &state->conf->snat[state->conf->n_snat];
	int err;

	if (is_snat(state, addr))
		return 0;
	if (state->conf->n_snat == LB_SNAT_MAX) {
		pr_err("failed to take another SNAT address: %d is the most", LB_SNAT_MAX);
		pr_hint("%s stop --name %s, then run it with those that are needed",
			sample_called(), state->name);
		return -ENOSPC;
	}
	err = lb_snat_ports(addr, own, &ports->min, &ports->max);
	if (err)
		return err;
	ports->addr = *addr;
	state->conf->n_snat++;
	return 0;
}

static bool is_family(const struct lb_addr *addr, int family)
{
	return lb_addr_is4(addr) ? family == 4 : family == 6;
}

static bool needs_snat(const struct lb_conf *conf, int family)
{
	unsigned int i;

	for (i = 0; i < conf->n_vips; i++) {
		if (conf->vips[i].forward == LB_NAT &&
		    is_family(&conf->vips[i].addr, family))
			return true;
	}
	return false;
}

static bool has_snat(const struct lb_conf *conf, int family)
{
	unsigned int i;

	for (i = 0; i < conf->n_snat; i++) {
		if (is_family(&conf->snat[i], family))
			return true;
	}
	return false;
}

/* None given: the interface's own, with ports that the host does not use. */
static int add_own_snat(struct lb_state *state, const struct lb_conf *conf,
			struct lb_nexthops *hops, int family)
{
	struct lb_addr addr;
	int err;

	if (!needs_snat(conf, family) || has_snat(conf, family))
		return 0;
	err = lb_iface_addr(hops, if_nametoindex(conf->ifnames[0]), family, &addr);
	if (!err)
		return add_snat(state, &addr, true);
	pr_err("failed to find a source address for nat: %s has no IPv%d address",
	       conf->ifnames[0], family);
	pr_hint("ip addr add ... dev %s, or give one as snat", conf->ifnames[0]);
	return err;
}

/* What the host itself sends from: it shares the ports with us. */
static bool is_own_addr(const struct lb_conf *conf, struct lb_nexthops *hops,
			const struct lb_addr *addr)
{
	int family = lb_addr_is4(addr) ? 4 : 6;
	struct lb_addr own;
	unsigned int i;

	for (i = 0; i < conf->n_ifnames; i++) {
		if (!lb_iface_addr(hops, if_nametoindex(conf->ifnames[i]), family, &own) &&
		    !memcmp(&own, addr, sizeof(own)))
			return true;
	}
	return false;
}

/**
 * lb_apply_snat() - the source addresses of LB_NAT, and their ports
 * @state: the instance
 * @conf: with those that are wanted; none: the address of the first interface, of each
 *	family that a service needs
 * @hops: whom to ask for addresses
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_apply_snat(struct lb_state *state, const struct lb_conf *conf,
		  struct lb_nexthops *hops)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < conf->n_snat && !err; i++)
		err = add_snat(state, &conf->snat[i], is_own_addr(conf, hops, &conf->snat[i]));
	if (!err)
		err = add_own_snat(state, conf, hops, 4);
	return err ?: add_own_snat(state, conf, hops, 6);
}
