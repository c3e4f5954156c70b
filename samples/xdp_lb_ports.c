// SPDX-License-Identifier: GPL-2.0
/* Which ports of a source address connections to backends may have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "sample.h"
#include "xdp_lb_ports.h"

enum {
	PORTS_NEEDED = 1024,
};

/**
 * lb_free_ports() - ports of an address that this host has connections of its own from
 * @range: takes net.ipv4.ip_local_port_range
 * @min: takes the first port
 * @max: takes the last port
 *
 * The two ends of the host's own range leave ports free; the larger rest is ours.
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
 * lb_snat_ports() - ports of a source address that connections to backends may have
 * @addr: the address
 * @own: the host has connections of its own from there
 * @min: first port
 * @max: last port
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
