// SPDX-License-Identifier: GPL-2.0
/* Which source address connections to backends have by default, and which ports. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include "lib/log.h"
#include "lib/net.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/check/ports.h"

enum {
	PORTS_NEEDED = 1024,
};

static bool is_service(const struct lb_conf *conf, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < conf->n_vips; i++) {
		if (!memcmp(&conf->vips[i].addr, addr, sizeof(*addr)))
			return true;
	}
	return false;
}

/* Find an address of an interface that can be sent from; with @services, also a service's. */
static bool find_fit(const struct lb_conf *conf, const struct lb_host_addrs *addrs,
		     unsigned int ifindex, bool services, struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < addrs->n; i++) {
		if (addrs->at[i].ifindex != ifindex || !addrs->at[i].fit ||
		    (!services && is_service(conf, &addrs->at[i].addr)))
			continue;
		*addr = addrs->at[i].addr;
		return true;
	}
	return false;
}

static bool any_tentative(const struct lb_host_addrs *addrs, unsigned int ifindex)
{
	unsigned int i;

	for (i = 0; i < addrs->n; i++) {
		if (addrs->at[i].ifindex == ifindex && addrs->at[i].tentative)
			return true;
	}
	return false;
}

/**
 * lb_own_addr() - choose the source address of LB_NAT if none is configured
 * @conf: configuration
 * @addrs: addresses of this host, of the family that is wanted
 * @services: if there is no other address, the address of a service will do
 * @addr: result
 *
 * This is the first address of the first interface that is not a service's. A service's
 * address may be on backends as well, or move to another balancer.
 *
 * Return: 0; -EAGAIN: there is none yet, one is tentative; -ENOENT: there is none.
 */
int lb_own_addr(const struct lb_conf *conf, const struct lb_host_addrs *addrs, bool services,
		struct lb_addr *addr)
{
	unsigned int ifindex = if_nametoindex(conf->ifnames[0]);

	if (find_fit(conf, addrs, ifindex, false, addr))
		return 0;
	if (any_tentative(addrs, ifindex))
		return -EAGAIN;
	return services && find_fit(conf, addrs, ifindex, true, addr) ? 0 : -ENOENT;
}

/**
 * lb_free_ports() - find ports of an address that this host itself also sends from
 * @range: takes net.ipv4.ip_local_port_range
 * @min: takes the first port
 * @max: takes the last port
 *
 * The host's own range leaves ports free below and above. The larger part is ours.
 *
 * Return: 0, -ENOSPC if it is too small, or another negative errno; nothing is printed.
 */
int lb_free_ports(unsigned int range[2], __u16 *min, __u16 *max)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	int n, below, above;

	if (!f)
		return -errno;
	n = fscanf(f, "%u %u", &range[0], &range[1]);
	fclose(f);
	if (n != 2 || range[0] > range[1] || range[1] > LB_PORTS_LAST)
		return -EINVAL;
	below = (int)range[0] - LB_PORTS_FIRST;
	above = LB_PORTS_LAST - (int)range[1];
	*min = below >= above ? LB_PORTS_FIRST : range[1] + 1;
	*max = below >= above ? range[0] - 1 : LB_PORTS_LAST;
	return (below >= above ? below : above) < PORTS_NEEDED ? -ENOSPC : 0;
}

/**
 * lb_snat_ports() - find ports of a source address for connections to backends
 * @addr: the address
 * @own: the host itself also sends from this address
 * @min: takes the first port
 * @max: takes the last port
 *
 * Return: 0, -ENOSPC if the host leaves too few, or another negative errno; an
 * error was printed.
 */
int lb_snat_ports(const struct lb_addr *addr, bool own, __u16 *min, __u16 *max)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int range[2] = {};
	int err;

	*min = LB_PORTS_FIRST;
	*max = LB_PORTS_LAST;
	if (!own)
		return 0;
	err = lb_free_ports(range, min, max);
	if (!err)
		return 0;
	sample_addr(addr->a, text);
	if (err == -ENOSPC)
		pr_err("failed to find source ports of %s: net.ipv4.ip_local_port_range, %u to %u, leaves too few",
		       text, range[0], range[1]);
	else
		pr_err("failed to read net.ipv4.ip_local_port_range: %s", strerror(-err));
	pr_hint("sysctl -w net.ipv4.ip_local_port_range='32768 60999', or snat: [ADDRESS]");
	return err;
}
