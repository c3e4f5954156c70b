// SPDX-License-Identifier: GPL-2.0
/* Questions to the kernel over netlink, and its news, with libmnl. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/netlink.h"

enum {
	ASK_TRIES = 10,
};

static int open_socket(struct sample_netlink *nl, int bus, int flags, __u32 groups)
{
	int err;

	nl->seq = 0;
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, groups, MNL_SOCKET_AUTOPID) >= 0)
		return 0;
	err = -errno;
	sample_netlink_close(nl);
	return err;
}

/**
 * sample_netlink_open() - a socket for questions in the current network namespace
 * @nl: to be filled
 * @bus: NETLINK_ROUTE, NETLINK_GENERIC
 *
 * Return: 0, or a negative errno.
 */
int sample_netlink_open(struct sample_netlink *nl, int bus)
{
	return open_socket(nl, bus, 0, 0);
}

/**
 * sample_netlink_listen() - a socket for news of rtnetlink in the current network namespace
 * @nl: to be filled
 * @groups: RTMGRP_*, or 1U << (RTNLGRP_* - 1); one that the kernel does not have is left out
 *
 * Return: 0, or a negative errno.
 */
int sample_netlink_listen(struct sample_netlink *nl, __u32 groups)
{
	return open_socket(nl, NETLINK_ROUTE, SOCK_NONBLOCK, groups);
}

/**
 * sample_netlink_close() - close the socket
 * @nl: of sample_netlink_open() or sample_netlink_listen(), also if that has failed, or all zero
 */
void sample_netlink_close(struct sample_netlink *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

/**
 * sample_netlink_start() - begin a question
 * @nl: the socket
 * @type: of the message
 * @flags: NLM_F_* besides NLM_F_REQUEST
 * @head: what comes before the attributes
 * @size: its size
 *
 * Return: the message; attributes are put behind it.
 */
struct nlmsghdr *sample_netlink_start(struct sample_netlink *nl, int type, int flags,
				      const void *head, size_t size)
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
static bool take_messages(const struct sample_netlink *nl, int len, sample_netlink_fn *fn,
			  void *ctx, struct progress *at)
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

static int ask_once(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
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
 * sample_netlink_ask() - ask, and take the answer
 * @nl: the socket; sample_netlink_start() made the question
 * @fn: called for each message of the answer, and first, with NULL, to forget
 *	those it got; may be NULL
 * @ctx: handed to @fn
 *
 * An answer that changes while it is read is read again.
 *
 * Return: 0, or a negative errno of the kernel or of @fn.
 */
int sample_netlink_ask(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	int try, err = -EINTR;

	for (try = 0; try < ASK_TRIES && err == -EINTR; try++) {
		err = fn ? fn(NULL, ctx) : 0;
		if (!err)
			err = ask_once(nl, fn, ctx);
	}
	return err;
}

/**
 * sample_netlink_dump() - ask rtnetlink for a list
 * @type: of the message
 * @head: what the message has, it has no attributes
 * @size: size of @head
 * @fn: as for sample_netlink_ask()
 * @ctx: handed to @fn
 *
 * Return: 0, or a negative errno of the kernel or of @fn.
 */
int sample_netlink_dump(int type, const void *head, size_t size, sample_netlink_fn *fn, void *ctx)
{
	struct sample_netlink nl;
	int err = sample_netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	sample_netlink_start(&nl, type, NLM_F_DUMP, head, size);
	err = sample_netlink_ask(&nl, fn, ctx);
	sample_netlink_close(&nl);
	return err;
}

/* One datagram of news; -EAGAIN: there is none. */
static int take_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	int len = mnl_socket_recvfrom(nl->sock, nl->answer, sizeof(nl->answer));
	const struct nlmsghdr *nh = (const void *)nl->answer;
	int err = 0;

	if (len < 0 && errno == EINTR)
		return 0;
	/* Some were lost, or did not fit. */
	if (len < 0 && (errno == ENOBUFS || errno == ENOSPC))
		return fn(NULL, ctx);
	if (len < 0)
		return -errno;
	for (; !err && mnl_nlmsg_ok(nh, len); nh = mnl_nlmsg_next(nh, &len))
		err = fn(nh, ctx);
	return err;
}

/**
 * sample_netlink_news() - take what the kernel has told meanwhile
 * @nl: of sample_netlink_listen(); its descriptor is readable when there is something
 * @fn: called for each message, and with NULL where some were lost
 * @ctx: handed to @fn
 *
 * It takes SAMPLE_NETLINK_NEWS datagrams at most, and leaves the rest to the next call.
 *
 * Return: 0, or a negative errno of the kernel or of @fn.
 */
int sample_netlink_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	int i, err = 0;

	for (i = 0; i < SAMPLE_NETLINK_NEWS && !err; i++)
		err = take_news(nl, fn, ctx);
	return err == -EAGAIN ? 0 : err;
}

/* Those of one type: the last one counts. */
static void put_attr(const struct nlattr *attr, const struct nlattr **attrs, unsigned int n)
{
	if (mnl_attr_get_type(attr) < n)
		attrs[mnl_attr_get_type(attr)] = attr;
}

/**
 * sample_netlink_attrs() - the attributes of a message
 * @nh: the message
 * @head: size of what comes before them
 * @attrs: by type; NULL where there is none
 * @n: number of entries of @attrs
 */
void sample_netlink_attrs(const struct nlmsghdr *nh, size_t head, const struct nlattr **attrs,
			  unsigned int n)
{
	const struct nlattr *attr;

	memset(attrs, 0, n * sizeof(*attrs));
	mnl_attr_for_each(attr, nh, head)
		put_attr(attr, attrs, n);
}

/**
 * sample_netlink_nested() - the attributes within another
 * @nest: that one, may be NULL
 * @attrs: by type; NULL where there is none
 * @n: number of entries of @attrs
 */
void sample_netlink_nested(const struct nlattr *nest, const struct nlattr **attrs, unsigned int n)
{
	const struct nlattr *attr;

	memset(attrs, 0, n * sizeof(*attrs));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
		put_attr(attr, attrs, n);
}

/**
 * sample_netlink_u32() - the value of an attribute
 * @attr: may be NULL
 *
 * Return: its value, 0 if there is none.
 */
__u32 sample_netlink_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(__u32) ?
	       mnl_attr_get_u32(attr) : 0;
}
