// SPDX-License-Identifier: GPL-2.0
/*
 * The MTU of an interface that rises while a program is on it in native mode. A driver may put
 * a larger frame into several buffers. If the driver has no native XDP for these, it refuses the
 * mode at a large MTU. But virtio_net before Linux 6.3 does not look when the MTU rises later. It
 * then drops large frames silently, and at a large MTU it also refuses to detach: the kernel
 * believes that the program is gone, but the driver goes on to run it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include "lib/log.h"
#include "lib/mtu.h"
#include "lib/netlink.h"

enum {
	/* About the largest frame of native XDP in one buffer: a page with its headroom. */
	ONE_BUFFER = 3500,
	/* NETDEV_XDP_ACT_RX_SG: native XDP gets frames in several buffers, too. */
	XDP_RX_SG = 1 << 5,
};

/**
 * sample_mtu_read() - read the MTU of an interface
 * @ifname: its name
 *
 * Return: the MTU in bytes; 0: it cannot be read.
 */
__u32 sample_mtu_read(const char *ifname)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {};

	if (sock < 0)
		return 0;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	if (ioctl(sock, SIOCGIFMTU, &req))
		req.ifr_mtu = 0;
	close(sock);
	return req.ifr_mtu;
}

static bool is_native(const struct nlattr *xdp)
{
	const struct nlattr *attrs[IFLA_XDP_MAX + 1];

	sample_netlink_nested(xdp, attrs, IFLA_XDP_MAX + 1);
	return attrs[IFLA_XDP_ATTACHED] &&
	       mnl_attr_get_u8(attrs[IFLA_XDP_ATTACHED]) == XDP_ATTACHED_DRV;
}

/* Before Linux 6.3, no driver tells. */
static bool takes_large(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return !bpf_xdp_query(ifindex, 0, &query) && query.feature_flags & XDP_RX_SG;
}

/**
 * sample_mtu_follow() - say when native XDP may lose frames because the MTU has risen
 * @ifindex: an interface that the sample is on
 * @ifname: its name
 * @was: its last MTU, or 0; updated
 * @attrs: attributes of a message RTM_NEWLINK about it, indexed by IFLA_*
 */
void sample_mtu_follow(unsigned int ifindex, const char *ifname, __u32 *was,
		       const struct nlattr **attrs)
{
	__u32 mtu = sample_netlink_u32(attrs[IFLA_MTU]);
	bool rises = *was && mtu > *was;

	if (mtu)
		*was = mtu;
	if (!rises || mtu <= ONE_BUFFER || !is_native(attrs[IFLA_XDP]) || takes_large(ifindex))
		return;
	pr_info("%s: the MTU is %u now: the driver may drop frames of more than %d bytes, and keep the program when this process ends",
		ifname, mtu, ONE_BUFFER);
	pr_hint("ip link set dev %s mtu 1500, before this process ends", ifname);
}
