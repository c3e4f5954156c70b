// SPDX-License-Identifier: GPL-2.0
/*
 * The source addresses of LB_NAT: configured ones, or the first interface's own address, which
 * is replaced when the interface has lost it and has another one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include "addr4.h"
#include "lib/called.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/util.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/check/nft.h"
#include "parts/xdp_lb/check/ports.h"
#include "parts/xdp_lb/state/state.h"

enum {
	/* Longest wait for duplicate address detection, which takes less by default. */
	TENTATIVE_MS = 5000,
	STEP_MS = 50,
};

static bool is_family(const struct lb_addr *addr, int family)
{
	return addr_is4(addr->a) ? family == 4 : family == 6;
}

/* --- what there is ---------------------------------------------------------------------- */

/* Index of a source address; -1: the instance does not have it. */
static int find_snat(const struct lb_state *state, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < state->conf->n_snat; i++) {
		if (!memcmp(&state->conf->snat[i].addr, addr, sizeof(*addr)))
			return i;
	}
	return -1;
}

/* Index of the interface's own address of a family; -1: there is none. */
static int find_own(const struct lb_state *state, int family)
{
	unsigned int i;

	for (i = 0; i < state->conf->n_snat; i++) {
		if (lb_snat_is_own(state, i) && is_family(&state->conf->snat[i].addr, family))
			return i;
	}
	return -1;
}

/**
 * lb_snat_is_own() - whether a source address is the interface's own, which can be replaced
 * @state: the instance
 * @i: index into lb_kern_conf.snat
 *
 * Return: true if so, false: it was configured.
 */
bool lb_snat_is_own(const struct lb_state *state, unsigned int i)
{
	return state->meta->own_snat >> i & 1;
}

/* --- a new one -------------------------------------------------------------------------- */

/*
 * Add a source address. Connections refer to it by its index, so the list only grows.
 * Returns the index, or a negative errno, which was printed.
 */
static int add_snat(struct lb_state *state, const struct lb_conf *conf,
		    const struct lb_instances *all, const struct lb_addr *addr, bool own)
{
	struct lb_ports *ports = &state->conf->snat[state->conf->n_snat];
	int err, i = find_snat(state, addr);
	struct lb_clash clash;

	if (i >= 0)
		return i;
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
	if (lb_snat_clashes(all, conf, ports, &clash))
		return lb_refuse_clash(&clash);
	return state->conf->n_snat++;
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

static bool needs_own(const struct lb_state *state, const struct lb_conf *conf, int family)
{
	return needs_snat(conf, family) && !has_snat(conf, family) &&
	       find_own(state, family) < 0;
}

static int tell_none(const struct lb_conf *conf, int family, int err)
{
	const char *ifname = conf->ifnames[0];

	if (err == -EAGAIN) {
		pr_err("failed to find a source address for nat: that of %s is tentative: the kernel asks whether another host has it",
		       ifname);
		pr_hint("try again in a moment; ip -6 addr show dev %s", ifname);
	} else if (err == -ENOENT) {
		pr_err("failed to find a source address for nat: %s has no IPv%d address", ifname,
		       family);
		pr_hint("ip addr add ... dev %s, or give one as snat", ifname);
	} else {
		pr_err("failed to read the addresses of %s: %s", ifname, strerror(-err));
	}
	return err;
}

/* If no address is configured, add the interface's own, with ports that the host leaves free. */
static int add_own_snat(struct lb_state *state, const struct lb_conf *conf,
			const struct lb_instances *all, const struct lb_host_addrs *addrs,
			int family)
{
	struct lb_addr addr;
	int i, err;

	if (!needs_own(state, conf, family))
		return 0;
	err = lb_own_addr(conf, addrs, true, &addr);
	if (err)
		return tell_none(conf, family, err);
	i = add_snat(state, conf, all, &addr, true);
	if (i < 0)
		return i;
	state->meta->own_snat |= 1U << i;
	return 0;
}

/* True if this host itself sends from an address: then it needs some of the ports. */
static bool is_own_addr(const struct lb_conf *conf, struct lb_nexthops *hops,
			const struct lb_addr *addr)
{
	int family = addr_is4(addr->a) ? 4 : 6;
	struct lb_addr own;
	unsigned int i;

	for (i = 0; i < conf->n_ifnames; i++) {
		if (!lb_iface_addr(hops, if_nametoindex(conf->ifnames[i]), family, &own) &&
		    !memcmp(&own, addr, sizeof(own)))
			return true;
	}
	return false;
}

/* --- one that changes ------------------------------------------------------------------- */

/* Print that an address is gone, once until the address is back or replaced. */
static void tell_gone(struct lb_state *state, unsigned int i, const char *ifname)
{
	char text[INET6_ADDRSTRLEN];

	if (state->meta->gone_snat >> i & 1)
		return;
	state->meta->gone_snat |= 1U << i;
	pr_err("the SNAT address %s is gone, and %s has none in its place: connections of nat get no answer",
	       sample_addr(state->conf->snat[i].addr.a, text), ifname);
	pr_hint("ip addr add ... dev %s", ifname);
}

static void tell_back(struct lb_state *state, unsigned int i)
{
	char text[INET6_ADDRSTRLEN];

	if (!(state->meta->gone_snat >> i & 1))
		return;
	state->meta->gone_snat &= ~(1U << i);
	pr_info("the SNAT address %s is back", sample_addr(state->conf->snat[i].addr.a, text));
}

/*
 * Open connections keep their ports, but are sent from the new address. Backends do not know
 * these connections, and send resets, which are translated and reach the clients.
 */
static void replace_snat(struct lb_state *state, unsigned int i, const struct lb_addr *addr,
			 const char *ifname)
{
	char was[INET6_ADDRSTRLEN], is[INET6_ADDRSTRLEN];

	pr_info("the SNAT address %s is gone from %s, %s takes its place: open connections of nat will be reset",
		sample_addr(state->conf->snat[i].addr.a, was), ifname,
		sample_addr(addr->a, is));
	lb_filter_add(state->filter, addr);
	state->conf->snat[i].addr = *addr;
	state->meta->gone_snat &= ~(1U << i);
}

/* Replace an address only if the host has lost it: until then its connections work. */
static void follow_own(struct lb_state *state, const struct lb_conf *conf,
		       const struct lb_host_addrs *addrs, int family)
{
	int i = find_own(state, family);
	struct lb_addr addr;

	if (i < 0)
		return;
	if (lb_host_addrs_have(addrs, &state->conf->snat[i].addr))
		tell_back(state, i);
	else if (lb_own_addr(conf, addrs, false, &addr) || find_snat(state, &addr) >= 0)
		tell_gone(state, i, conf->ifnames[0]);
	else
		replace_snat(state, i, &addr, conf->ifnames[0]);
}

/**
 * lb_follow_snat() - replace the interface's own address if the host has lost it
 * @state: the instance
 * @conf: its configuration
 * @hops: for questions about addresses
 */
void lb_follow_snat(struct lb_state *state, const struct lb_conf *conf, struct lb_nexthops *hops)
{
	static const int families[] = { 4, 6 };
	struct lb_host_addrs addrs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(families) && state->meta->own_snat; i++) {
		if (!lb_iface_addrs(hops, families[i], &addrs))
			follow_own(state, conf, &addrs, families[i]);
		lb_host_addrs_free(&addrs);
	}
}

/* --- one that is not there yet ---------------------------------------------------------- */

/* True if the interface's own address of a family is needed, but is still tentative. */
static bool is_awaited(const struct lb_state *state, const struct lb_conf *conf,
		       struct lb_nexthops *hops, int family)
{
	struct lb_host_addrs addrs;
	struct lb_addr addr;
	bool awaited = false;

	if (!needs_own(state, conf, family))
		return false;
	if (!lb_iface_addrs(hops, family, &addrs))
		awaited = lb_own_addr(conf, &addrs, true, &addr) == -EAGAIN;
	lb_host_addrs_free(&addrs);
	return awaited;
}

/**
 * lb_wait_for_snat() - wait until duplicate address detection has finished
 * @state: the instance
 * @conf: its configuration
 * @hops: for questions about addresses
 *
 * IPv6 checks each new address, as after a boot, and takes up to two seconds for that.
 */
void lb_wait_for_snat(const struct lb_state *state, const struct lb_conf *conf,
		      struct lb_nexthops *hops)
{
	unsigned int waited;

	for (waited = 0; waited < TENTATIVE_MS; waited += STEP_MS) {
		if (!is_awaited(state, conf, hops, 4) && !is_awaited(state, conf, hops, 6))
			return;
		if (!waited)
			pr_info("waiting for the address of %s: it is tentative, the kernel asks whether another host has it",
				conf->ifnames[0]);
		usleep(STEP_MS * 1000);
	}
}

/* --- all of them ------------------------------------------------------------------------ */

static int apply_own(struct lb_state *state, const struct lb_conf *conf,
		     struct lb_nexthops *hops, const struct lb_instances *all, int family)
{
	struct lb_host_addrs addrs;
	int err = lb_iface_addrs(hops, family, &addrs);

	if (err)
		tell_none(conf, family, err);
	else
		err = add_own_snat(state, conf, all, &addrs, family);
	lb_host_addrs_free(&addrs);
	return err;
}

/**
 * lb_apply_snat() - set the source addresses of LB_NAT, and their ports
 * @state: the instance
 * @conf: has the addresses that are wanted; none: take lb_own_addr(), of each family that a
 *	service needs
 * @hops: for questions about addresses
 * @all: all instances, whose addresses cannot be taken
 *
 * Return: 0, or a negative errno, which was printed.
 */
int lb_apply_snat(struct lb_state *state, const struct lb_conf *conf,
		  struct lb_nexthops *hops, const struct lb_instances *all)
{
	unsigned int i;
	int at, err = 0;

	for (i = 0; i < conf->n_snat && !err; i++) {
		at = add_snat(state, conf, all, &conf->snat[i],
			      is_own_addr(conf, hops, &conf->snat[i]));
		err = at < 0 ? at : 0;
		/* A configured address is not replaced when the interface changes. */
		if (!err)
			state->meta->own_snat &= ~(1U << at);
	}
	/* An adopted instance may have an address that the interface has lost meanwhile. */
	lb_follow_snat(state, conf, hops);
	if (!err)
		err = apply_own(state, conf, hops, all, 4);
	return err ?: apply_own(state, conf, hops, all, 6);
}

/* --- beside nftables -------------------------------------------------------------------- */

static void on_nft_rule(void *ctx, const struct lb_nft_rule *rule)
{
	const struct lb_state *state = *(const struct lb_state **)ctx;
	char addr[INET6_ADDRSTRLEN], where[LB_NFT_TEXT];
	unsigned int i;

	for (i = 0; i < state->conf->n_snat; i++) {
		if (!lb_nft_shares(rule, &state->conf->snat[i], lb_snat_is_own(state, i)))
			continue;
		pr_info("%s of nftables, in %s, gives out ports of %s, as nat does: %s check tells what to do",
			rule->masquerade ? "masquerade" : "snat", lb_nft_text(rule, where),
			sample_addr(state->conf->snat[i].addr.a, addr), sample_called());
	}
}

/**
 * lb_tell_nft() - warn of rules of nftables that give out the same ports
 * @state: the instance
 */
void lb_tell_nft(const struct lb_state *state)
{
	/* If the rules cannot be read, print nothing. */
	if (state->conf->n_snat)
		lb_nft_rules(on_nft_rule, &state);
}
