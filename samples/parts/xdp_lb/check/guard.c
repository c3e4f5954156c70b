// SPDX-License-Identifier: GPL-2.0
/*
 * Refuse services that would cut this host off: one that takes the packets of the SSH session,
 * or one with any port, at an address that the host itself sends from: such a service takes
 * all answers to the host.
 */
#include <errno.h>
#include <string.h>
#include <linux/netlink.h>
#include <net/if.h>
#include "lib/config.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"
#include "parts/xdp_lb/nexthop/link.h"
#include "parts/xdp_lb/user.h"

/**
 * lb_sending_iface() - find the interface that sends from an address by default
 * @nl: socket of rtnetlink
 * @addr: the address
 *
 * The kernel sends from the first address of the interface that a packet leaves by. Other
 * addresses are only for programs that ask for them.
 *
 * Return: its number, 0 if there is none.
 */
unsigned int lb_sending_iface(struct sample_netlink *nl, const struct lb_addr *addr)
{
	struct if_nameindex *list = if_nameindex(), *at;
	unsigned int ifindex = 0;
	struct lb_addr first;
	struct lb_link link;

	for (at = list; at && at->if_index && !ifindex; at++) {
		/* On these devices all addresses are only for programs that ask for them. */
		if (lb_link_read(nl, at->if_index, LB_NETNS_HERE, &link) ||
		    link.flags & IFF_LOOPBACK || !strcmp(link.kind, "dummy"))
			continue;
		if (!lb_link_addr(nl, at->if_index, lb_addr_family(addr), &first) &&
		    !memcmp(&first, addr, sizeof(first)))
			ifindex = at->if_index;
	}
	if (list)
		if_freenameindex(list);
	return ifindex;
}

/**
 * lb_takes_ssh() - whether a service would take the packets of the SSH session we run in
 * @conf: interfaces that the program is to be on
 * @vip: the service
 *
 * Return: name of the interface that the session comes in by, NULL: it would not.
 */
const char *lb_takes_ssh(const struct lb_conf *conf, const struct lb_vip_conf *vip)
{
	unsigned int i, ifindex;

	for (i = 0; i < conf->n_ifnames && vip->proto == IPPROTO_TCP; i++) {
		ifindex = if_nametoindex(conf->ifnames[i]);
		if (ifindex && sample_carries_ssh_to(ifindex, vip->addr.a, vip->port))
			return conf->ifnames[i];
	}
	return NULL;
}

/**
 * lb_takes_own() - whether a service would take the answers to what this host itself sends
 * @nl: socket of rtnetlink
 * @vip: the service
 *
 * A service with a port takes only what is for that port.
 *
 * Return: number of the interface that the host sends by from the service's address, 0:
 * it would not.
 */
unsigned int lb_takes_own(struct sample_netlink *nl, const struct lb_vip_conf *vip)
{
	return vip->port ? 0 : lb_sending_iface(nl, &vip->addr);
}

static void hint_force(void)
{
	pr_hint("add --force if that is meant, with -d SEC as a safety line");
}

static int refuse_ssh(const char *ifname, const struct lb_vip_conf *vip)
{
	pr_err("failed to attach to %s: this SSH session comes in there, and the service %s would take its packets",
	       ifname, vip->name);
	hint_force();
	return -EPERM;
}

static int refuse_own(unsigned int ifindex, const struct lb_vip_conf *vip)
{
	char text[INET6_ADDRSTRLEN];

	sample_addr(vip->addr.a, text);
	pr_err("failed to attach to %s: this host sends from %s, and the service %s, with any port, would take what is answered",
	       sample_ifname(ifindex), text, vip->name);
	pr_hint("name the ports, or give it an address of its own: ip addr add ADDRESS/%d dev %s",
		lb_addr_family(&vip->addr) == AF_INET ? 32 : 128, sample_ifname(ifindex));
	hint_force();
	return -EPERM;
}

static int refuse(struct sample_netlink *nl, const struct lb_conf *conf)
{
	unsigned int i, ifindex;
	const char *ifname;

	for (i = 0; i < conf->n_vips; i++) {
		ifname = lb_takes_ssh(conf, &conf->vips[i]);
		if (ifname)
			return refuse_ssh(ifname, &conf->vips[i]);
		ifindex = lb_takes_own(nl, &conf->vips[i]);
		if (ifindex)
			return refuse_own(ifindex, &conf->vips[i]);
	}
	return 0;
}

/**
 * lb_guard() - refuse services that would cut this host off
 * @conf: a configuration that is to be applied in the network namespace of this process
 *
 * Return: 0; -EPERM, which was printed, unless --force allows it; or another negative
 * errno, which was printed.
 */
int lb_guard(const struct lb_conf *conf)
{
	struct sample_netlink nl;
	int err;

	if (sample.force)
		return 0;
	err = sample_netlink_open(&nl, NETLINK_ROUTE);
	if (err) {
		pr_err("failed to open rtnetlink: %s", strerror(-err));
		return err;
	}
	err = refuse(&nl, conf);
	sample_netlink_close(&nl);
	return err;
}
