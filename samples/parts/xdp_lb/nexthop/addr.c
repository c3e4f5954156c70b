// SPDX-License-Identifier: GPL-2.0
/* The addresses of this host, by rtnetlink. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/types.h>
#include <stdbool.h>
#include "lib/netlink.h"
#include "parts/xdp_lb/nexthop/addr.h"
#include "parts/xdp_lb/nexthop/family.h"

enum {
	GROW_ADDRS = 16,
};

/* Duplicate address detection is under way. An optimistic address can be used meanwhile. */
static bool is_tentative(__u32 flags)
{
	return flags & IFA_F_TENTATIVE && !(flags & (IFA_F_OPTIMISTIC | IFA_F_DADFAILED));
}

static bool is_fit_addr(const struct ifaddrmsg *ifa, __u32 flags)
{
	/* For IPv4 the same bit is IFA_F_SECONDARY: not the first address of its network. */
	bool temporary = ifa->ifa_family == AF_INET6 && flags & IFA_F_TEMPORARY;

	return ifa->ifa_scope == RT_SCOPE_UNIVERSE && !temporary && !is_tentative(flags) &&
	       !(flags & (IFA_F_DEPRECATED | IFA_F_DADFAILED));
}

static int take_addr(const struct nlmsghdr *nh, struct lb_host_addr *addr)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nh);
	const struct nlattr *attrs[IFA_MAX + 1], *local;
	__u32 flags;

	sample_netlink_attrs(nh, sizeof(*ifa), attrs, IFA_MAX + 1);
	flags = attrs[IFA_FLAGS] ? sample_netlink_u32(attrs[IFA_FLAGS]) : ifa->ifa_flags;
	/* On a point-to-point link, IFA_ADDRESS is the other end. */
	local = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	addr->ifindex = ifa->ifa_index;
	addr->fit = is_fit_addr(ifa, flags);
	addr->tentative = ifa->ifa_scope == RT_SCOPE_UNIVERSE && is_tentative(flags);
	return local ? lb_addr_take(&addr->addr, mnl_attr_get_payload(local),
				    mnl_attr_get_payload_len(local)) : -EINVAL;
}

static int on_addr(const struct nlmsghdr *nh, void *ctx)
{
	struct lb_host_addrs *addrs = ctx;
	struct lb_host_addr *more;

	if (!nh) {
		addrs->n = 0;
		return 0;
	}
	if (addrs->n % GROW_ADDRS == 0) {
		more = realloc(addrs->at, (addrs->n + GROW_ADDRS) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		addrs->at = more;
	}
	if (!take_addr(nh, &addrs->at[addrs->n]))
		addrs->n++;
	return 0;
}

/**
 * lb_host_addrs_read() - read all addresses of one family that this host has
 * @nl: socket of rtnetlink
 * @family: AF_INET, AF_INET6
 * @addrs: result; lb_host_addrs_free() frees it, also after an error
 *
 * Return: 0, or a negative errno.
 */
int lb_host_addrs_read(struct sample_netlink *nl, int family, struct lb_host_addrs *addrs)
{
	struct ifaddrmsg ifa = { .ifa_family = family };

	memset(addrs, 0, sizeof(*addrs));
	sample_netlink_start(nl, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	return sample_netlink_ask(nl, on_addr, addrs);
}

/**
 * lb_host_addrs_free() - free a list of addresses
 * @addrs: from lb_host_addrs_read()
 */
void lb_host_addrs_free(struct lb_host_addrs *addrs)
{
	free(addrs->at);
	memset(addrs, 0, sizeof(*addrs));
}

/**
 * lb_host_addrs_have() - whether a list has an address
 * @addrs: from lb_host_addrs_read()
 * @addr: the address
 *
 * Return: true if so, even if the address cannot be used now.
 */
bool lb_host_addrs_have(const struct lb_host_addrs *addrs, const struct lb_addr *addr)
{
	unsigned int i;

	for (i = 0; i < addrs->n; i++) {
		if (!memcmp(&addrs->at[i].addr, addr, sizeof(*addr)))
			return true;
	}
	return false;
}

/**
 * lb_link_addr() - get the first global address of an interface that can be sent from
 * @nl: socket
 * @ifindex: the interface
 * @family: AF_INET, AF_INET6
 * @addr: result
 *
 * Return: 0, -ENOENT if there is none, or another negative errno.
 */
int lb_link_addr(struct sample_netlink *nl, unsigned int ifindex, int family, struct lb_addr *addr)
{
	struct lb_host_addrs addrs;
	unsigned int i;
	int err = lb_host_addrs_read(nl, family, &addrs);

	if (!err)
		err = -ENOENT;
	for (i = 0; i < addrs.n && err == -ENOENT; i++) {
		if (addrs.at[i].ifindex != ifindex || !addrs.at[i].fit)
			continue;
		*addr = addrs.at[i].addr;
		err = 0;
	}
	lb_host_addrs_free(&addrs);
	return err;
}
