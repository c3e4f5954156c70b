// SPDX-License-Identifier: GPL-2.0
/*
 * "xdp_lb check": addresses. Services must be reachable, the addresses that nat sends from
 * need ports, and what this host itself sends must go on to work.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lib/net.h"
#include "lib/util.h"
#include "parts/xdp_lb/check/check.h"
#include "parts/xdp_lb/check/ports.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"

/* --- services --------------------------------------------------------------------- */

/* Somebody must answer ARP requests or neighbour solicitations for the address. */
static void check_reachable(struct lb_checker *c, const char *name, const struct lb_addr *addr)
{
	bool is4 = lb_addr_family(addr) == AF_INET;
	char text[INET6_ADDRSTRLEN];
	struct lb_nexthop hop;
	int err = lb_nexthops_route(c->hops, addr, &hop);

	sample_addr(addr->a, text);
	if (err == -EADDRNOTAVAIL)
		lb_row(c, LB_OK, name, "%s: this host has it, and answers %s for it", text,
		       is4 ? "ARP" : "neighbour solicitations");
	else if (!err && !hop.gateway)
		lb_row(c, LB_FAIL, name,
		       "%s is on the network of %s, but nobody answers %s for it here\n"
		       "ip addr add %s/%d dev %s", text, sample_ifname(hop.ifindex),
		       is4 ? "ARP" : "neighbour solicitations", text, is4 ? 32 : 128,
		       sample_ifname(hop.ifindex));
	else
		lb_row(c, LB_WARN, name,
		       "%s is not of this host: routers must have a route for it to here\n"
		       "ip route add %s/%d via ADDRESS-OF-THIS-HOST, on the router", text, text,
		       is4 ? 32 : 128);
}

/*
 * What this host itself sends to a backend, such as health checks, must not come from the
 * service's address. In dsr and ipip the backend has that address, too, and answers itself.
 * If the service has any port, the answers are taken for packets of clients. IPv6 prefers
 * the source address that was added last, or has the longest prefix in common with the
 * backend's address (RFC 6724): that is often the service's.
 */
static void check_own_source(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	bool theirs = vip->forward == LB_DSR || vip->forward == LB_IPIP;
	bool is4 = lb_addr_family(&vip->addr) == AF_INET;
	char text[INET6_ADDRSTRLEN], cure[LB_ROW_MAX / 2];
	struct lb_nexthop hop;
	unsigned int i;

	for (i = 0; i < vip->n_backends; i++) {
		if (!lb_nexthops_route(c->hops, &vip->backends[i].addr, &hop) &&
		    !memcmp(&hop.src, &vip->addr, sizeof(hop.src)))
			break;
	}
	if (i == vip->n_backends || (!theirs && (vip->port || lb_takes_own(&c->nl, vip))))
		return;
	sample_addr(vip->addr.a, text);
	if (is4)
		snprintf(cure, sizeof(cure), "give %s an address of its own, before this one",
			 sample_ifname(hop.ifindex));
	else
		snprintf(cure, sizeof(cure), "ip -6 addr change %s/128 dev %s preferred_lft 0",
			 text, sample_ifname(hop.ifindex));
	lb_row(c, vip->check.type == LB_CHECK_NONE ? LB_WARN : LB_FAIL, "own source",
	       "%s is what this host sends from to %s: %s, health checks fail\n%s", text,
	       vip->backends[i].name,
	       theirs ? "the backend has it, too, and answers itself" :
			"answers are taken for packets of clients", cure);
}

/* Report what lb_guard() would refuse. */
static void check_guard(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	unsigned int own = lb_takes_own(&c->nl, vip);
	char text[INET6_ADDRSTRLEN];

	sample_addr(vip->addr.a, text);
	if (lb_takes_ssh(c->conf, vip))
		lb_row(c, LB_FAIL, "SSH",
		       "this SSH session comes in there: its packets would go to backends, and it would end\n"
		       "another address or port; or run --force, with -d SEC as a safety line");
	if (own)
		lb_row(c, LB_FAIL, "any port",
		       "%s is what this host sends from by %s: what is answered would go to backends\n"
		       "name the ports, or give it an address of its own: ip addr add ADDRESS/%d dev %s",
		       text, sample_ifname(own), lb_addr_family(&vip->addr) == AF_INET ? 32 : 128,
		       sample_ifname(own));
}

/**
 * lb_check_vip_addr() - check the address of a service
 * @c: the run
 * @vip: the service
 */
void lb_check_vip_addr(struct lb_checker *c, const struct lb_vip_conf *vip)
{
	check_reachable(c, "address", &vip->addr);
	check_guard(c, vip);
	check_own_source(c, vip);
}

/* --- sources of nat ---------------------------------------------------------------- */

static void check_own_ports(struct lb_checker *c, const struct lb_addr *addr)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int range[2] = {};
	__u16 min = 0, max = 0;
	int err = lb_free_ports(range, &min, &max);

	sample_addr(addr->a, text);
	if (!err)
		lb_row(c, LB_OK, "ports",
		       "%s: %u to %u, outside net.ipv4.ip_local_port_range, %u to %u", text, min,
		       max, range[0], range[1]);
	else if (err == -ENOSPC)
		lb_row(c, LB_FAIL, "ports",
		       "%s: net.ipv4.ip_local_port_range, %u to %u, leaves too few\n"
		       "sysctl -w net.ipv4.ip_local_port_range='32768 60999', or snat: [ADDRESS]",
		       text, range[0], range[1]);
	else
		lb_row(c, LB_WARN, "ports", "net.ipv4.ip_local_port_range cannot be read: %s",
		       strerror(-err));
}

static void check_snat(struct lb_checker *c, const struct lb_addr *addr)
{
	unsigned int user = lb_sending_iface(&c->nl, addr);
	char text[INET6_ADDRSTRLEN];

	sample_addr(addr->a, text);
	if (!user) {
		check_reachable(c, "snat", addr);
		return;
	}
	lb_row(c, LB_FAIL, "snat",
	       "%s is what this host sends from by %s: its own connections would be taken for ours\n"
	       "leave snat out, or add an address: ip addr add ADDRESS/%d dev %s", text,
	       sample_ifname(user), lb_addr_family(addr) == AF_INET ? 32 : 128,
	       sample_ifname(user));
}

/* True if an LB_NAT service has a backend with an address of this family. */
static bool needs_snat(const struct lb_conf *conf, int family)
{
	unsigned int i, b;

	for (i = 0; i < conf->n_vips; i++) {
		for (b = 0; conf->vips[i].forward == LB_NAT && b < conf->vips[i].n_backends; b++) {
			if (lb_addr_family(&conf->vips[i].backends[b].addr) == family)
				return true;
		}
	}
	return false;
}

/* Without "snat": check the own address. Returns true if there is one, now or in a moment. */
static bool check_own_addr(struct lb_checker *c, int family)
{
	struct lb_host_addrs addrs;
	struct lb_addr addr;
	int err = lb_iface_addrs(c->hops, family == AF_INET ? 4 : 6, &addrs);

	if (!err)
		err = lb_own_addr(c->conf, &addrs, true, &addr);
	lb_host_addrs_free(&addrs);
	if (!err) {
		c->own[c->n_own++] = addr;
		check_own_ports(c, &addr);
	}
	if (err == -EAGAIN)
		lb_row(c, LB_WARN, "snat",
		       "the address of %s is tentative: the kernel asks whether another host has it\n"
		       "run waits for it; ip -6 addr show dev %s", c->conf->ifnames[0],
		       c->conf->ifnames[0]);
	return !err || err == -EAGAIN;
}

static bool has_snat(struct lb_checker *c, int family)
{
	unsigned int i;

	for (i = 0; i < c->conf->n_snat; i++) {
		if (lb_addr_family(&c->conf->snat[i]) == family)
			return true;
	}
	return !c->conf->n_snat && check_own_addr(c, family);
}

/* A search for a port looks at a few lines only: some find none long before all are taken. */
static void check_capacity(struct lb_checker *c, int family)
{
	unsigned int range[2], i, ports = 0;
	__u16 min, max;

	for (i = 0; i < c->conf->n_snat; i++) {
		if (lb_addr_family(&c->conf->snat[i]) == family)
			ports += LB_PORTS_LAST - LB_PORTS_FIRST + 1;
	}
	if (!c->conf->n_snat && !lb_free_ports(range, &min, &max))
		ports = max - min + 1;
	if (ports)
		lb_row(c, LB_OK, "capacity",
		       "%u ports for IPv%d: about %u connections at a time to all backends, as many for UDP",
		       ports, family == AF_INET ? 4 : 6, ports * 6 / 10);
}

/**
 * lb_check_sources() - check the addresses that nat sends from
 * @c: the run
 */
void lb_check_sources(struct lb_checker *c)
{
	static const int families[] = { AF_INET, AF_INET6 };
	unsigned int i;

	lb_group(c, "source addresses");
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (!needs_snat(c->conf, families[i]))
			continue;
		if (has_snat(c, families[i]))
			check_capacity(c, families[i]);
		else
			lb_row(c, LB_FAIL, "snat",
			       "no %s address for backends that have one\nsnat: [ADDRESS]",
			       families[i] == AF_INET ? "IPv4" : "IPv6");
	}
	for (i = 0; i < c->conf->n_snat; i++)
		check_snat(c, &c->conf->snat[i]);
}
