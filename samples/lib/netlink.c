// SPDX-License-Identifier: GPL-2.0
/* What the kernel tells over rtnetlink: dumps. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "lib/netlink.h"

enum {
	/* The kernel fills no more than 32 KiB at once. */
	DUMP_BUF = 32 * 1024,
	DUMP_TRIES = 10,
};

/**
 * sample_netlink_open() - a socket for rtnetlink in this network namespace
 * @groups: RTMGRP_* to be told about, or 0
 *
 * Return: the socket, or a negative errno.
 */
int sample_netlink_open(__u32 groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* One datagram of a dump: 1 to go on, 0 at its end. */
static int take_messages(void *buf, int len, sample_netlink_fn *fn, void *ctx)
{
	struct nlmsghdr *nh;
	int err;

	for (nh = buf; len > 0 && NLMSG_OK(nh, (__u32)len); nh = NLMSG_NEXT(nh, len)) {
		/* Something changed meanwhile: what came is not one state. */
		if (nh->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EAGAIN;
		if (nh->nlmsg_type == NLMSG_DONE)
			return 0;
		if (nh->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(nh))->error;
		err = fn(nh, ctx);
		if (err)
			return err;
	}
	return 1;
}

static int receive_dump(int fd, sample_netlink_fn *fn, void *ctx)
{
	static __u32 buf[DUMP_BUF / sizeof(__u32)];
	int len, err;

	do {
		len = recv(fd, buf, sizeof(buf), 0);
		err = len < 0 ? -errno : take_messages(buf, len, fn, ctx);
	} while (err > 0);
	return err;
}

static int dump_once(struct nlmsghdr *req, sample_netlink_fn *fn, void *ctx)
{
	int fd = sample_netlink_open(0);
	int err;

	if (fd < 0)
		return fd;
	req->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	err = send(fd, req, req->nlmsg_len, 0) < 0 ? -errno : receive_dump(fd, fn, ctx);
	close(fd);
	return err;
}

/**
 * sample_netlink_dump() - ask for a list
 * @req: request; its length and type are set
 * @fn: called for each entry, and first, with NULL, to forget those it got
 * @ctx: handed to @fn
 *
 * A list that changes while it is read is read again.
 *
 * Return: 0, or a negative errno of the kernel or of @fn.
 */
int sample_netlink_dump(struct nlmsghdr *req, sample_netlink_fn *fn, void *ctx)
{
	int try, err = -EAGAIN;

	for (try = 0; try < DUMP_TRIES && err == -EAGAIN; try++) {
		err = fn(NULL, ctx);
		if (!err)
			err = dump_once(req, fn, ctx);
	}
	return err;
}

/**
 * sample_netlink_attrs() - the attributes of a message
 * @first: the first one
 * @len: bytes that they take
 * @attrs: by type; NULL where there is none
 * @n: number of entries of @attrs
 */
void sample_netlink_attrs(const struct rtattr *first, int len, const struct rtattr **attrs,
			  unsigned int n)
{
	const struct rtattr *attr;

	memset(attrs, 0, n * sizeof(*attrs));
	for (attr = first; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if ((attr->rta_type & NLA_TYPE_MASK) < n)
			attrs[attr->rta_type & NLA_TYPE_MASK] = attr;
	}
}
