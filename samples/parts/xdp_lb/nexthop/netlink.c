// SPDX-License-Identifier: GPL-2.0
/* Questions to the kernel over netlink, with libmnl. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include "parts/xdp_lb/nexthop/netlink.h"

enum {
	ASK_TRIES = 10,
};

/**
 * lb_netlink_open() - a socket in the current network namespace
 * @nl: to be filled
 * @bus: NETLINK_ROUTE, NETLINK_GENERIC
 *
 * Return: 0, or a negative errno.
 */
int lb_netlink_open(struct lb_netlink *nl, int bus)
{
	int err;

	nl->seq = 0;
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) >= 0)
		return 0;
	err = -errno;
	lb_netlink_close(nl);
	return err;
}

/**
 * lb_netlink_close() - close the socket
 * @nl: of lb_netlink_open(), also if that has failed
 */
void lb_netlink_close(struct lb_netlink *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

/**
 * lb_netlink_start() - begin a question
 * @nl: the socket
 * @type: of the message
 * @flags: NLM_F_* besides NLM_F_REQUEST
 * @head: what comes before the attributes
 * @size: its size
 *
 * Return: the message; attributes are put behind it.
 */
struct nlmsghdr *lb_netlink_start(struct lb_netlink *nl, int type, int flags, const void *head,
				  size_t size)
{
	struct nlmsghdr *nh = mnl_nlmsg_put_header(nl->request);

	nh->nlmsg_type = type;
	nh->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(nh, size), head, size);
	return nh;
}

/* How an answer goes on. */
struct progress {
	bool interrupted;
	int err;
};

static int done_status(const struct nlmsghdr *nh)
{
	int err = 0;

	if (mnl_nlmsg_get_payload_len(nh) >= sizeof(err))
		memcpy(&err, mnl_nlmsg_get_payload(nh), sizeof(err));
	return err;
}

/*
 * One datagram. Until the end also what is no longer wanted is read: the kernel
 * takes no other question meanwhile. Returns true at the end.
 */
static bool take_messages(const struct lb_netlink *nl, int len, lb_netlink_fn *fn, void *ctx,
			  struct progress *at)
{
	const struct nlmsghdr *nh = (const void *)nl->answer;

	for (; mnl_nlmsg_ok(nh, len); nh = mnl_nlmsg_next(nh, &len)) {
		if (nh->nlmsg_seq != nl->seq)
			continue;
		/* Something changed meanwhile: what came is not one state. */
		if (nh->nlmsg_flags & NLM_F_DUMP_INTR)
			at->interrupted = true;
		if (nh->nlmsg_type == NLMSG_ERROR || nh->nlmsg_type == NLMSG_DONE) {
			if (!at->err)
				at->err = done_status(nh);
			return true;
		}
		if (!at->err && !at->interrupted && fn)
			at->err = fn(nh, ctx);
		if (!(nh->nlmsg_flags & NLM_F_MULTI))
			return true;
	}
	return false;
}

static int ask_once(struct lb_netlink *nl, lb_netlink_fn *fn, void *ctx)
{
	struct nlmsghdr *nh = (struct nlmsghdr *)nl->request;
	struct progress at = {};
	ssize_t len;

	nh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, nh, nh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(nl->sock, nl->answer, sizeof(nl->answer));
		if (len < 0 && errno != EINTR)
			return -errno;
	} while (len < 0 || !take_messages(nl, len, fn, ctx, &at));
	return at.interrupted && !at.err ? -EINTR : at.err;
}

/**
 * lb_netlink_ask() - ask, and take the answer
 * @nl: the socket; lb_netlink_start() made the question
 * @fn: called for each message of the answer, and first, with NULL, to forget
 *	those it got; may be NULL
 * @ctx: handed to @fn
 *
 * An answer that changes while it is read is read again.
 *
 * Return: 0, or a negative errno of the kernel or of @fn.
 */
int lb_netlink_ask(struct lb_netlink *nl, lb_netlink_fn *fn, void *ctx)
{
	int try, err = -EINTR;

	for (try = 0; try < ASK_TRIES && err == -EINTR; try++) {
		err = fn ? fn(NULL, ctx) : 0;
		if (!err)
			err = ask_once(nl, fn, ctx);
	}
	return err;
}

/* Those of one type: the last one counts. */
static void put_attr(const struct nlattr *attr, const struct nlattr **attrs, unsigned int n)
{
	if (mnl_attr_get_type(attr) < n)
		attrs[mnl_attr_get_type(attr)] = attr;
}

/**
 * lb_netlink_attrs() - the attributes of a message
 * @nh: the message
 * @head: size of what comes before them
 * @attrs: by type; NULL where there is none
 * @n: number of entries of @attrs
 */
void lb_netlink_attrs(const struct nlmsghdr *nh, size_t head, const struct nlattr **attrs,
		      unsigned int n)
{
	const struct nlattr *attr;

	memset(attrs, 0, n * sizeof(*attrs));
	mnl_attr_for_each(attr, nh, head)
		put_attr(attr, attrs, n);
}

/**
 * lb_netlink_nested() - the attributes within another
 * @nest: that one, may be NULL
 * @attrs: by type; NULL where there is none
 * @n: number of entries of @attrs
 */
void lb_netlink_nested(const struct nlattr *nest, const struct nlattr **attrs, unsigned int n)
{
	const struct nlattr *attr;

	memset(attrs, 0, n * sizeof(*attrs));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
		put_attr(attr, attrs, n);
}

/**
 * lb_netlink_u32() - the value of an attribute
 * @attr: may be NULL
 *
 * Return: its value, 0 if there is none.
 */
__u32 lb_netlink_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(__u32) ?
	       mnl_attr_get_u32(attr) : 0;
}
