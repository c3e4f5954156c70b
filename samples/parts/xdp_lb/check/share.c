// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb check": what others on this host use, too: other instances, and nftables.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lib/net.h"
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/state/instances.h"
#include "parts/xdp_lb/check/nft.h"
#include "parts/xdp_lb/check/ports.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"

/* Ports of an address that nat would give out. */
static struct lb_ports wanted_ports(const struct lb_checker *c, const struct lb_addr *addr)
{
	struct lb_ports ports = { .addr = *addr, .min = LB_PORTS_FIRST, .max = LB_PORTS_LAST };
	unsigned int range[2];

	if (!c->conf->n_snat)
		lb_free_ports(range, &ports.min, &ports.max);
	return ports;
}

/* --- other instances --------------------------------------------------------------- */

static void clash_row(struct lb_checker *c, const struct lb_clash *clash)
{
	lb_row(c, LB_FAIL, clash->kind, "instance %s: %s\n%s", clash->with, clash->what,
	       clash->cure);
}

static bool check_snat_clash(struct lb_checker *c, const struct lb_instances *all,
			     const struct lb_addr *addr)
{
	struct lb_ports ports = wanted_ports(c, addr);
	struct lb_clash clash;

	if (!lb_snat_clashes(all, c->conf, &ports, &clash))
		return false;
	clash_row(c, &clash);
	return true;
}

static bool check_clashes(struct lb_checker *c, const struct lb_instances *all)
{
	struct lb_clash clash;
	bool found = lb_conf_clashes(all, c->conf, c->mode, &clash);
	unsigned int i;

	if (found)
		clash_row(c, &clash);
	for (i = 0; i < c->conf->n_snat; i++)
		found |= check_snat_clash(c, all, &c->conf->snat[i]);
	for (i = 0; i < c->n_own; i++)
		found |= check_snat_clash(c, all, &c->own[i]);
	return found;
}

/* Report own addresses that the existing instance of this name sends from, and that are gone. */
static void check_gone(struct lb_checker *c, const struct lb_instance *instance)
{
	char text[INET6_ADDRSTRLEN];
	struct lb_host_addrs addrs;
	unsigned int i;

	for (i = 0; i < instance->conf.n_snat && i < LB_SNAT_MAX; i++) {
		const struct lb_addr *addr = &instance->conf.snat[i].addr;
		int family = lb_addr_family(addr) == AF_INET ? 4 : 6;

		if (!(instance->own_snat >> i & 1))
			continue;
		if (!lb_iface_addrs(c->hops, family, &addrs) && !lb_host_addrs_have(&addrs, addr))
			lb_row(c, LB_FAIL, "source",
			       "%s, which it sends from, is gone: connections of nat get no answer\n"
			       "ip addr add ... dev %s; or start its control program, which follows it",
			       sample_addr(addr->a, text), c->conf->ifnames[0]);
		lb_host_addrs_free(&addrs);
	}
}

/**
 * lb_check_instances() - check the instance of this name, and others in this network namespace
 * @c: the run, after lb_check_sources()
 */
void lb_check_instances(struct lb_checker *c)
{
	struct lb_instances all;
	unsigned int i;
	bool clashes;

	if (lb_instances_read(&all, false))
		return;
	lb_group(c, "instances");
	clashes = check_clashes(c, &all);
	for (i = 0; i < all.n; i++) {
		const struct lb_instance *at = &all.at[i];

		if (!at->known)
			lb_row(c, LB_WARN, at->name,
			       "another version of this program has made it: what it has cannot be told\n"
			       "stop it by that version, and run it by this one");
		else if (!strcmp(at->name, c->conf->name))
			check_gone(c, at);
		else if (!clashes)
			lb_row(c, LB_OK, at->name, "%s, %u service%s: nothing in common",
			       lb_mode_name(at->mode), at->n_vips, at->n_vips == 1 ? "" : "s");
	}
	lb_instances_free(&all);
}

/* --- nftables ---------------------------------------------------------------------- */

static void share_row(struct lb_checker *c, const struct lb_nft_rule *rule,
		      const struct lb_ports *ports)
{
	unsigned int min = ports->max < LB_PORTS_LAST ? ports->max + 1U : LB_PORTS_FIRST;
	unsigned int max = ports->max < LB_PORTS_LAST ? LB_PORTS_LAST : ports->min - 1U;
	char addr[INET6_ADDRSTRLEN], where[LB_NFT_TEXT], other[64] = "";

	sample_addr(ports->addr.a, addr);
	if (min < max)
		snprintf(other, sizeof(other), ", or other ports there: %u-%u", min, max);
	lb_row(c, LB_WARN, "nftables",
	       "%s in %s gives out ports of %s, as nat does: connections to a backend of ours may be mixed up\n"
	       "snat: [ADDRESS]%s", rule->masquerade ? "masquerade" : "snat",
	       lb_nft_text(rule, where), addr, other);
}

static void on_nft_rule(void *ctx, const struct lb_nft_rule *rule)
{
	struct lb_checker *c = ctx;
	struct lb_ports ports;
	unsigned int i;

	for (i = 0; i < c->conf->n_snat + c->n_own; i++) {
		bool own = i >= c->conf->n_snat;

		ports = wanted_ports(c, own ? &c->own[i - c->conf->n_snat] : &c->conf->snat[i]);
		if (lb_nft_shares(rule, &ports, own))
			share_row(c, rule, &ports);
	}
}

/**
 * lb_check_nft() - look for rules that give out the ports that nat gives out
 * @c: the run, after lb_check_sources()
 */
void lb_check_nft(struct lb_checker *c)
{
	unsigned int i;

	if (!c->conf->n_snat && !c->n_own)
		return;
	lb_group(c, "source addresses");
	if (lb_nft_rules(on_nft_rule, c) == -EPERM)
		lb_row(c, LB_OK, "nftables", "its rules cannot be seen without CAP_NET_ADMIN");
	/* MASQUERADE sends from an interface's own address, and from no address of "snat". */
	for (i = 0; i < c->n_own; i++) {
		if (lb_iptables_has_nat(lb_addr_family(&c->own[i])))
			lb_row(c, LB_WARN, "iptables",
			       "iptables-legacy has a table nat, which cannot be looked at: MASQUERADE may give out the same ports\n"
			       "iptables-legacy -t nat -S; if it does: snat: [ADDRESS]");
	}
}
