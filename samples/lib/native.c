// SPDX-License-Identifier: GPL-2.0
/*
 * Whether an interface takes native XDP, and why not. For a bpf_link, the kernel returns only an
 * errno. For the same request over rtnetlink, it adds the text of the driver.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "lib/native.h"
#include "lib/netlink.h"
#include "lib/util.h"

/* A program that passes all packets. */
static int load_pass(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* As all programs of the samples: a driver may refuse others at a large MTU. */
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "netbpf_try", "GPL", insns, ARRAY_SIZE(insns),
			     &opts);
}

/* Replace the program @was by @prog_fd; -1 stands for none. */
static int set_prog(struct sample_netlink *nl, unsigned int ifindex, int prog_fd, int was)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex };
	struct nlmsghdr *nh = sample_netlink_start(nl, RTM_SETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *nest = mnl_attr_nest_start(nh, IFLA_XDP);

	mnl_attr_put_u32(nh, IFLA_XDP_FD, prog_fd);
	mnl_attr_put_u32(nh, IFLA_XDP_EXPECTED_FD, was);
	mnl_attr_put_u32(nh, IFLA_XDP_FLAGS, XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE);
	mnl_attr_nest_end(nh, nest);
	return sample_netlink_ask(nl, NULL, NULL);
}

/* Let the kernel refuse the program once more, and copy its text. */
static void ask_kernel(unsigned int ifindex, int prog_fd, char reason[SAMPLE_REASON_LEN])
{
	struct sample_netlink nl = {};

	if (sample_netlink_open(&nl, NETLINK_ROUTE))
		return;
	if (!set_prog(&nl, ifindex, prog_fd, -1))
		set_prog(&nl, ifindex, -1, prog_fd);
	else if (*nl.refusal)
		snprintf(reason, SAMPLE_REASON_LEN, "%s", nl.refusal);
	sample_netlink_close(&nl);
}

static const char *reason_of(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "its driver has no native XDP, or an offload stands in the way";
	case -ERANGE:
	case -EINVAL:
		return "its MTU or another setting does not allow native XDP";
	case -ENOMEM:
	case -ENOSPC:
		return "too few queues for native XDP";
	default:
		return strerror(-err);
	}
}

/**
 * sample_native_may_fall_back() - whether skb mode or TC may work where native XDP failed
 * @err: negative errno of the attachment
 *
 * Return: false if the reason holds for every mode.
 */
bool sample_native_may_fall_back(int err)
{
	return err != -EBUSY && err != -EEXIST && err != -EPERM && err != -ENODEV;
}

/**
 * sample_native_reason() - why native XDP was refused
 * @ifindex: the interface
 * @err: negative errno of the attachment
 * @reason: filled with the kernel's text, or with ours if the kernel has none
 */
void sample_native_reason(unsigned int ifindex, int err, char reason[SAMPLE_REASON_LEN])
{
	int prog_fd = load_pass();

	snprintf(reason, SAMPLE_REASON_LEN, "%s", reason_of(err));
	if (prog_fd < 0)
		return;
	ask_kernel(ifindex, prog_fd, reason);
	close(prog_fd);
}

static bool driver_is(unsigned int ifindex, const char *driver)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (void *)&info };
	int sock, err;

	if (!if_indextoname(ifindex, ifr.ifr_name))
		return false;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return false;
	err = ioctl(sock, SIOCETHTOOL, &ifr);
	close(sock);
	return !err && !strncmp(info.driver, driver, sizeof(info.driver));
}

/**
 * sample_native_forgotten() - whether the driver will forget a program in native mode
 * @ifindex: the interface
 * @reason: filled if the result is true
 *
 * vmxnet3 drops its pointer to the program each time it sets up the card anew: see
 * vmxnet3_rq_cleanup_all() in drivers/net/vmxnet3/vmxnet3_drv.c (seen in Linux 6.12 and 7.3). The
 * kernel goes on to show the program as attached, but no packet meets it any more.
 *
 * Return: true if it will.
 */
bool sample_native_forgotten(unsigned int ifindex, char reason[SAMPLE_REASON_LEN])
{
	if (!driver_is(ifindex, "vmxnet3"))
		return false;
	snprintf(reason, SAMPLE_REASON_LEN,
		 "vmxnet3 has native XDP since Linux 6.6, but forgets the program when the card goes down, or gets another MTU or ring size");
	return true;
}

/**
 * sample_native_refused() - whether an interface refuses native XDP
 * @ifindex: the interface
 * @reason: filled if the result is true
 *
 * Attach a program that passes all packets, and detach it at once. Only this tells what the
 * driver accepts: before Linux 6.3, drivers do not declare whether they have native XDP, and
 * later, an offload, the MTU or the number of queues may still be in the way. A driver may
 * restart its queues for this, so call it only if a program is to be attached anyway.
 *
 * Return: true if native XDP is refused for a reason that need not hold for skb mode or TC. If
 * false, attaching may still fail.
 */
bool sample_native_refused(unsigned int ifindex, char reason[SAMPLE_REASON_LEN])
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int prog_fd = load_pass(), link_fd, err = 0;

	if (prog_fd < 0)
		return false;
	link_fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);
	if (link_fd < 0)
		err = -errno;
	close(prog_fd);
	if (err) {
		sample_native_reason(ifindex, err, reason);
		return sample_native_may_fall_back(err);
	}
	bpf_link_detach(link_fd);
	close(link_fd);
	return false;
}
