// SPDX-License-Identifier: GPL-2.0
/* Interfaces by netlink: ask for one, make a veth pair. */
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "probe.h"

enum {
	/* As ALTIFNAMSIZ of the kernel. */
	ALT_NAME_LEN = 128,
};

struct nl_request {
	struct nlmsghdr nh;
	struct ifinfomsg ifi;
	char attrs[512];
};

static struct rtattr *nl_put(struct nl_request *req, int type, const void *data, int len)
{
	struct rtattr *attr = (void *)req + NLMSG_ALIGN(req->nh.nlmsg_len);

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	req->nh.nlmsg_len = NLMSG_ALIGN(req->nh.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

/* Send REQ, put the answer in BUF. */
static int nl_talk(struct nl_request *req, char *buf, size_t size)
{
	struct nlmsghdr *nh = (void *)buf;
	ssize_t n;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	n = send(fd, req, req->nh.nlmsg_len, 0);
	if (n >= 0)
		n = recv(fd, buf, size, 0);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	if (!NLMSG_OK(nh, (size_t)n))
		return -EBADMSG;
	return nh->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(nh))->error : 0;
}

/* Make a veth in this network namespace; the kernel names its peer. */
int add_veth(const char *name)
{
	struct nl_request req = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nh.nlmsg_type = RTM_NEWLINK,
		.nh.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
	};
	struct rtattr *info;
	char buf[1024];

	nl_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	info = nl_put(&req, IFLA_LINKINFO, NULL, 0);
	nl_put(&req, IFLA_INFO_KIND, "veth", 4);
	info->rta_len = (char *)&req + req.nh.nlmsg_len - (char *)info;
	return nl_talk(&req, buf, sizeof(buf));
}

/* The number of an interface by its name, or an alternative one; 0 if there is none. */
int find_link(const char *name)
{
	struct nl_request req = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nh.nlmsg_type = RTM_GETLINK,
		.nh.nlmsg_flags = NLM_F_REQUEST,
	};
	struct ifinfomsg *ifi;
	char buf[32768];

	if (strlen(name) >= ALT_NAME_LEN)
		return 0;
	nl_put(&req, IFLA_ALT_IFNAME, name, strlen(name) + 1);
	ifi = NLMSG_DATA((struct nlmsghdr *)buf);
	return nl_talk(&req, buf, sizeof(buf)) ? 0 : ifi->ifi_index;
}

/* Sort attributes by type into TABLE, of MAX + 1 entries. */
static void parse(const struct rtattr **table, int max, const struct rtattr *attr, int left)
{
	memset(table, 0, (max + 1) * sizeof(*table));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if ((attr->rta_type & NLA_TYPE_MASK) <= max)
			table[attr->rta_type & NLA_TYPE_MASK] = attr;
}

static void parse_nest(const struct rtattr **table, int max, const struct rtattr *nest)
{
	parse(table, max, nest ? RTA_DATA(nest) : NULL, nest ? RTA_PAYLOAD(nest) : 0);
}

static __u32 attr_u32(const struct rtattr *attr)
{
	__u32 v = 0;

	if (attr && RTA_PAYLOAD(attr) >= sizeof(v))
		memcpy(&v, RTA_DATA(attr), sizeof(v));
	return v;
}

static void attr_str(char *buf, size_t size, const struct rtattr *attr)
{
	if (attr)
		snprintf(buf, size, "%.*s", (int)RTA_PAYLOAD(attr), (char *)RTA_DATA(attr));
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
	struct nl_request req = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nh.nlmsg_type = RTM_GETLINK,
		.nh.nlmsg_flags = NLM_F_REQUEST,
		.ifi.ifi_index = ifindex,
	};
	const struct rtattr *tb[IFLA_MAX + 1], *xdp[IFLA_XDP_MAX + 1], *info[IFLA_INFO_MAX + 1];
	char buf[32768];
	int err;

	if (nsid >= 0)
		nl_put(&req, IFLA_TARGET_NETNSID, &nsid, sizeof(nsid));
	err = nl_talk(&req, buf, sizeof(buf));
	if (err)
		return err;

	parse(tb, IFLA_MAX, IFLA_RTA(NLMSG_DATA((struct nlmsghdr *)buf)),
	      IFLA_PAYLOAD((struct nlmsghdr *)buf));
	parse_nest(xdp, IFLA_XDP_MAX, tb[IFLA_XDP]);
	parse_nest(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO]);
	*link = (struct link){
		.mtu = attr_u32(tb[IFLA_MTU]),
		.peer = attr_u32(tb[IFLA_LINK]),
		.nsid = tb[IFLA_LINK_NETNSID] ? (int)attr_u32(tb[IFLA_LINK_NETNSID]) : -1,
		.xdp[XDP_NATIVE] = attr_u32(xdp[IFLA_XDP_DRV_PROG_ID]),
		.xdp[XDP_GENERIC] = attr_u32(xdp[IFLA_XDP_SKB_PROG_ID]),
		.xdp[XDP_HARDWARE] = attr_u32(xdp[IFLA_XDP_HW_PROG_ID]),
	};
	attr_str(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	attr_str(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
	return 0;
}
