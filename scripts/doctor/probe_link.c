// SPDX-License-Identifier: GPL-2.0
/* Interfaces by netlink: ask for one, make a veth pair. */
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "lib/netlink.h"
#include "probe.h"

enum {
	/* As ALTIFNAMSIZ of the kernel. */
	ALT_NAME_LEN = 128,
};

/* Begin a question in the network namespace of now; ask() ends it. */
static int start(struct sample_netlink *nl, int type, int flags, int ifindex,
		 struct nlmsghdr **nh)
{
	const struct ifinfomsg ifi = { .ifi_index = ifindex };
	int err = sample_netlink_open(nl, NETLINK_ROUTE);

	if (!err)
		*nh = sample_netlink_start(nl, type, flags, &ifi, sizeof(ifi));
	return err;
}

static int ask(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	int err = sample_netlink_ask(nl, fn, ctx);

	sample_netlink_close(nl);
	return err;
}

/* Make a veth in this network namespace; the kernel names its peer. */
int add_veth(const char *name)
{
	struct sample_netlink nl;
	struct nlmsghdr *nh;
	struct nlattr *info;
	int err;

	err = start(&nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0, &nh);
	if (err)
		return err;
	mnl_attr_put_strz(nh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nh, IFLA_LINKINFO);
	mnl_attr_put_str(nh, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(nh, info);
	return ask(&nl, NULL, NULL);
}

static int on_number(const struct nlmsghdr *nh, void *ctx)
{
	if (nh)
		*(int *)ctx = ((struct ifinfomsg *)mnl_nlmsg_get_payload(nh))->ifi_index;
	return 0;
}

/* The number of an interface by its name, or an alternative one; 0 if there is none. */
int find_link(const char *name)
{
	struct sample_netlink nl;
	struct nlmsghdr *nh;
	int ifindex = 0;

	if (strlen(name) >= ALT_NAME_LEN || start(&nl, RTM_GETLINK, 0, 0, &nh))
		return 0;
	mnl_attr_put_strz(nh, IFLA_ALT_IFNAME, name);
	return ask(&nl, on_number, &ifindex) ? 0 : ifindex;
}

static void attr_str(char *buf, size_t size, const struct nlattr *attr)
{
	if (attr)
		snprintf(buf, size, "%.*s", mnl_attr_get_payload_len(attr),
			 mnl_attr_get_str(attr));
}

static int on_link(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *tb[IFLA_MAX + 1], *xdp[IFLA_XDP_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct link *link = ctx;

	if (!nh)
		return 0;
	sample_netlink_attrs(nh, sizeof(struct ifinfomsg), tb, IFLA_MAX + 1);
	sample_netlink_nested(tb[IFLA_XDP], xdp, IFLA_XDP_MAX + 1);
	sample_netlink_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX + 1);
	*link = (struct link){
		.mtu = sample_netlink_u32(tb[IFLA_MTU]),
		.peer = sample_netlink_u32(tb[IFLA_LINK]),
		.nsid = tb[IFLA_LINK_NETNSID] ?
			(int)sample_netlink_u32(tb[IFLA_LINK_NETNSID]) : -1,
		.xdp[XDP_NATIVE] = sample_netlink_u32(xdp[IFLA_XDP_DRV_PROG_ID]),
		.xdp[XDP_GENERIC] = sample_netlink_u32(xdp[IFLA_XDP_SKB_PROG_ID]),
		.xdp[XDP_HARDWARE] = sample_netlink_u32(xdp[IFLA_XDP_HW_PROG_ID]),
	};
	attr_str(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	attr_str(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
	return 0;
}

/**
 * get_link() - ask for an interface
 * @link: the answer
 * @ifindex: its number
 * @nsid: number of the namespace it is in, -1 for this one
 *
 * Return: 0, or a negative errno.
 */
int get_link(struct link *link, int ifindex, int nsid)
{
	struct sample_netlink nl;
	struct nlmsghdr *nh;
	int err = start(&nl, RTM_GETLINK, 0, ifindex, &nh);

	if (err)
		return err;
	if (nsid >= 0)
		mnl_attr_put_u32(nh, IFLA_TARGET_NETNSID, nsid);
	return ask(&nl, on_link, link);
}
