// SPDX-License-Identifier: GPL-2.0
/*
 * What interfaces are, and what they can do. Most of it comes from rtnetlink, also for the
 * other end of a veth in another network namespace; the XDP features of a driver come from
 * generic netlink, the offloads from an ioctl.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/types.h>
#include <stdbool.h>
#include "lib/netlink.h"
#include "lib/util.h"
#include "parts/xdp_lb/nexthop/link.h"

/* Generic netlink family "netdev", Linux 6.3. */
enum {
	NETDEV_DEV_GET = 1,
	NETDEV_IFINDEX = 1,
	NETDEV_XDP_FEATURES = 3,
	__NETDEV_MAX,
};

static void take_string(char *to, size_t size, const struct nlattr *attr)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(to, mnl_attr_get_payload(attr), len);
	to[len] = '\0';
}

static void take_mac(struct lb_link *link, const struct nlattr *mac)
{
	link->has_mac = mac && mnl_attr_get_payload_len(mac) == sizeof(link->mac);
	if (link->has_mac)
		memcpy(link->mac, mnl_attr_get_payload(mac), sizeof(link->mac));
}

static void take_xdp(struct lb_link *link, const struct nlattr *nest)
{
	const struct nlattr *xdp[IFLA_XDP_MAX + 1], *attached;

	sample_netlink_nested(nest, xdp, IFLA_XDP_MAX + 1);
	attached = xdp[IFLA_XDP_ATTACHED];
	if (!attached || mnl_attr_get_payload_len(attached) != 1)
		return;
	link->native_xdp = mnl_attr_get_u8(attached) == XDP_ATTACHED_DRV ||
			   mnl_attr_get_u8(attached) == XDP_ATTACHED_MULTI;
}

static int on_link(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi;
	struct lb_link *link = ctx;

	if (!nh) {
		memset(link, 0, sizeof(*link));
		return 0;
	}
	ifi = mnl_nlmsg_get_payload(nh);
	sample_netlink_attrs(nh, sizeof(*ifi), attrs, IFLA_MAX + 1);
	sample_netlink_nested(attrs[IFLA_LINKINFO], info, IFLA_INFO_MAX + 1);
	take_string(link->name, sizeof(link->name), attrs[IFLA_IFNAME]);
	take_string(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
	take_string(link->master_kind, sizeof(link->master_kind), info[IFLA_INFO_SLAVE_KIND]);
	take_mac(link, attrs[IFLA_ADDRESS]);
	take_xdp(link, attrs[IFLA_XDP]);
	link->ifindex = ifi->ifi_index;
	link->type = ifi->ifi_type;
	link->flags = ifi->ifi_flags;
	link->mtu = sample_netlink_u32(attrs[IFLA_MTU]);
	link->master = sample_netlink_u32(attrs[IFLA_MASTER]);
	link->link = sample_netlink_u32(attrs[IFLA_LINK]);
	link->link_netns = attrs[IFLA_LINK_NETNSID] ?
			   (int)sample_netlink_u32(attrs[IFLA_LINK_NETNSID]) : LB_NETNS_HERE;
	return 0;
}

/**
 * lb_link_read() - read an interface
 * @nl: socket
 * @ifindex: the interface
 * @netns: nsid of its network namespace, LB_NETNS_HERE: the one of this process
 * @link: result
 *
 * Return: 0, -ENODEV: there is none, or another negative errno.
 */
int lb_link_read(struct sample_netlink *nl, unsigned int ifindex, int netns, struct lb_link *link)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex };
	struct nlmsghdr *nh = sample_netlink_start(nl, RTM_GETLINK, 0, &ifi, sizeof(ifi));

	if (netns != LB_NETNS_HERE)
		mnl_attr_put_u32(nh, IFLA_TARGET_NETNSID, netns);
	return sample_netlink_ask(nl, on_link, link);
}

/* --- XDP features ------------------------------------------------------------------- */

static int on_family(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[CTRL_ATTR_MAX + 1], *id;

	if (!nh)
		return 0;
	sample_netlink_attrs(nh, GENL_HDRLEN, attrs, CTRL_ATTR_MAX + 1);
	id = attrs[CTRL_ATTR_FAMILY_ID];
	if (id && mnl_attr_get_payload_len(id) == sizeof(__u16))
		*(int *)ctx = mnl_attr_get_u16(id);
	return 0;
}

static int on_features(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[__NETDEV_MAX], *features;

	if (!nh)
		return 0;
	sample_netlink_attrs(nh, GENL_HDRLEN, attrs, __NETDEV_MAX);
	features = attrs[NETDEV_XDP_FEATURES];
	if (features && mnl_attr_get_payload_len(features) == sizeof(__u64))
		*(__u64 *)ctx = mnl_attr_get_u64(features);
	return 0;
}

static int ask_features(struct sample_netlink *nl, unsigned int ifindex, __u64 *features)
{
	struct genlmsghdr family = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct genlmsghdr dev = { .cmd = NETDEV_DEV_GET, .version = 1 };
	struct nlmsghdr *nh;
	int id = 0, err;

	nh = sample_netlink_start(nl, GENL_ID_CTRL, 0, &family, sizeof(family));
	mnl_attr_put_strz(nh, CTRL_ATTR_FAMILY_NAME, "netdev");
	err = sample_netlink_ask(nl, on_family, &id);
	if (err || !id)
		return err ? err : -ENOENT;
	nh = sample_netlink_start(nl, id, 0, &dev, sizeof(dev));
	mnl_attr_put_u32(nh, NETDEV_IFINDEX, ifindex);
	return sample_netlink_ask(nl, on_features, features);
}

/**
 * lb_link_features() - read which features of XDP a driver has
 * @ifindex: interface of this network namespace
 * @features: LB_XDP_*
 *
 * Return: 0, -ENOENT: the kernel does not tell (before 6.3), or another negative errno.
 */
int lb_link_features(unsigned int ifindex, __u64 *features)
{
	struct sample_netlink *nl = calloc(1, sizeof(*nl));
	int err = nl ? sample_netlink_open(nl, NETLINK_GENERIC) : -ENOMEM;

	*features = 0;
	if (!err) {
		err = ask_features(nl, ifindex, features);
		sample_netlink_close(nl);
	}
	free(nl);
	return err;
}

/**
 * lb_link_takes_redirect() - whether native XDP can redirect packets to an interface
 * @link: the interface, of this network namespace
 *
 * A veth takes packets only if its other end has an XDP program or GRO.
 *
 * Return: 1: the driver takes them, 0: it does not, or a negative errno: the
 * kernel does not tell.
 */
int lb_link_takes_redirect(const struct lb_link *link)
{
	__u64 features;
	int err = lb_link_features(link->ifindex, &features);

	return err ? err : !!(features & LB_XDP_NDO_XMIT);
}

/**
 * lb_link_is_veth() - whether an interface is one end of a pair, veth or netkit
 * @link: the interface
 *
 * Return: true if so: packets that are sent out of it come in at the other end.
 */
bool lb_link_is_veth(const struct lb_link *link)
{
	return !strcmp(link->kind, "veth") || !strcmp(link->kind, "netkit");
}

/* --- offloads ----------------------------------------------------------------------- */

static int on_nsid(const struct nlmsghdr *nh, void *ctx)
{
	const struct nlattr *attrs[NETNSA_MAX + 1];

	if (!nh)
		return 0;
	sample_netlink_attrs(nh, sizeof(struct rtgenmsg), attrs, NETNSA_MAX + 1);
	if (attrs[NETNSA_NSID])
		*(int *)ctx = sample_netlink_u32(attrs[NETNSA_NSID]);
	return 0;
}

static bool is_netns(struct sample_netlink *nl, int fd, int netns)
{
	struct rtgenmsg gen = {};
	struct nlmsghdr *nh;
	int id = LB_NETNS_HERE;

	nh = sample_netlink_start(nl, RTM_GETNSID, 0, &gen, sizeof(gen));
	mnl_attr_put_u32(nh, NETNSA_FD, fd);
	return !sample_netlink_ask(nl, on_nsid, &id) && id == netns;
}

/* Search the network namespaces of "ip netns", of Docker and of processes for an nsid. */
static int open_netns(struct sample_netlink *nl, int netns)
{
	static const char * const places[] = {
		"/run/netns/*", "/run/docker/netns/*", "/proc/[0-9]*/ns/net",
	};
	glob_t files = {};
	unsigned int i;
	int fd = -1;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		glob(places[i], i ? GLOB_APPEND : 0, NULL, &files);
	for (i = 0; i < files.gl_pathc; i++) {
		fd = open(files.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && is_netns(nl, fd, netns))
			break;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	globfree(&files);
	return fd;
}

static int open_socket(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return sock < 0 ? -errno : sock;
}

/* Enter a network namespace for a moment: a socket stays in the one it was made in. */
static int open_socket_in(int fd)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int sock;

	if (own < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET)) {
		sock = -errno;
	} else {
		sock = open_socket();
		/* The process must not go on in the wrong network namespace. */
		if (setns(own, CLONE_NEWNET))
			abort();
	}
	close(own);
	return sock;
}

/**
 * lb_link_socket() - open a socket for lb_link_tx_checksum() and lb_link_lro()
 * @nl: socket of rtnetlink
 * @netns: network namespace of the interfaces: LB_NETNS_HERE, or its nsid
 *
 * Return: the socket, -ENOENT if the namespace is not to be found, or another
 * negative errno.
 */
int lb_link_socket(struct sample_netlink *nl, int netns)
{
	int fd, sock;

	if (netns == LB_NETNS_HERE)
		return open_socket();
	fd = open_netns(nl, netns);
	if (fd < 0)
		return -ENOENT;
	sock = open_socket_in(fd);
	close(fd);
	return sock;
}

/* @request begins with a command, ETHTOOL_*; the kernel fills in the rest. */
static int send_ethtool(int sock, const char *name, void *request)
{
	struct ifreq req = { .ifr_data = request };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	return ioctl(sock, SIOCETHTOOL, &req) ? -errno : 0;
}

static int ask_ethtool(int sock, const char *name, __u32 cmd, __u32 *data)
{
	struct ethtool_value value = { .cmd = cmd };
	int err = send_ethtool(sock, name, &value);

	*data = value.data;
	return err;
}

/**
 * lb_link_tx_checksum() - whether packets leave an interface with unfinished checksums
 * @sock: from lb_link_socket()
 * @name: interface
 *
 * Return: 1: yes, 0: no, or a negative errno.
 */
int lb_link_tx_checksum(int sock, const char *name)
{
	__u32 on;
	int err = ask_ethtool(sock, name, ETHTOOL_GTXCSUM, &on);

	return err ? err : !!on;
}

/**
 * lb_link_lro() - whether an interface merges packets that it receives
 * @sock: from lb_link_socket()
 * @name: interface
 *
 * Return: 1: yes, 0: no, or a negative errno.
 */
int lb_link_lro(int sock, const char *name)
{
	__u32 flags;
	int err = ask_ethtool(sock, name, ETHTOOL_GFLAGS, &flags);

	return err ? err : !!(flags & ETH_FLAG_LRO);
}

/**
 * lb_link_has_driver() - whether an interface has a certain driver
 * @sock: from lb_link_socket()
 * @name: interface
 * @driver: name of the driver, such as "virtio_net"
 *
 * Return: whether it has; false if that cannot be seen.
 */
bool lb_link_has_driver(int sock, const char *name, const char *driver)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return !send_ethtool(sock, name, &info) &&
	       !strncmp(info.driver, driver, sizeof(info.driver));
}

/* Number of the features that the kernel knows, 0 if it does not tell. */
static __u32 count_features(int sock, const char *name)
{
	/* The answer has one number behind the struct. */
	union {
		struct ethtool_sset_info info;
		__u8 room[sizeof(struct ethtool_sset_info) + sizeof(__u32)];
	} ask = {};

	ask.info.cmd = ETHTOOL_GSSET_INFO;
	ask.info.sset_mask = 1ULL << ETH_SS_FEATURES;
	return !send_ethtool(sock, name, &ask) && ask.info.sset_mask ? ask.info.data[0] : 0;
}

/* Bit of a feature in the answer to ETHTOOL_GFEATURES, @n if there is none. */
static __u32 find_feature(int sock, const char *name, const char *feature, __u32 n)
{
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + n * ETH_GSTRING_LEN);
	__u32 bit = n;

	if (!names)
		return n;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	if (!send_ethtool(sock, name, names)) {
		for (bit = 0; bit < n; bit++) {
			if (!strncmp((char *)names->data + bit * ETH_GSTRING_LEN, feature,
				     ETH_GSTRING_LEN))
				break;
		}
	}
	free(names);
	return bit;
}

/**
 * lb_link_stays_on() - whether a feature of an interface is on, and cannot be switched off
 * @sock: from lb_link_socket()
 * @name: interface
 * @feature: name of the feature as "ethtool -k" prints it, such as "rx-gro-hw"
 *
 * Return: whether it is on and fixed; false if that cannot be seen.
 */
bool lb_link_stays_on(int sock, const char *name, const char *feature)
{
	__u32 n = count_features(sock, name), bit = find_feature(sock, name, feature, n);
	struct ethtool_get_features_block *block;
	struct ethtool_gfeatures *all;
	bool on = false;

	if (bit >= n)
		return false;
	all = calloc(1, sizeof(*all) + (n + 31) / 32 * sizeof(all->features[0]));
	if (!all)
		return false;
	all->cmd = ETHTOOL_GFEATURES;
	all->size = (n + 31) / 32;
	if (!send_ethtool(sock, name, all)) {
		block = &all->features[bit / 32];
		on = block->active & ~(block->available & ~block->never_changed) & 1U << bit % 32;
	}
	free(all);
	return on;
}
