// SPDX-License-Identifier: GPL-2.0
/* Send requests to the kernel over netlink, and receive its notifications, with libmnl. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/netlink.h"

enum {
	ASK_TRIES = 10,
	/* The kernel fills no more than 32 KiB at once. */
	DATAGRAM_MAX = 32 * 1024,
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
 * sample_netlink_open() - open a socket for requests in the current network namespace
 * @nl: filled
 * @bus: NETLINK_ROUTE, NETLINK_GENERIC
 *
 * Return: 0, or a negative errno.
 */
int sample_netlink_open(struct sample_netlink *nl, int bus)
{
	int err = open_socket(nl, bus, 0, 0), on = 1;

	if (err)
		return err;
	/* An error comes with a text, and without a copy of the request. */
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

/**
 * sample_netlink_listen() - subscribe to rtnetlink in the current network namespace
 * @nl: filled; sample_netlink_news() does not block
 * @groups: RTMGRP_*, or 1U << (RTNLGRP_* - 1); bind() ignores groups that the kernel lacks
 *
 * Return: 0, or a negative errno.
 */
int sample_netlink_listen(struct sample_netlink *nl, __u32 groups)
{
	return open_socket(nl, NETLINK_ROUTE, SOCK_NONBLOCK, groups);
}

/**
 * sample_netlink_close() - close the socket
 * @nl: from sample_netlink_open() or sample_netlink_listen(), even if that failed; or all zero
 */
void sample_netlink_close(struct sample_netlink *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

/**
 * sample_netlink_start() - begin a request
 * @nl: the socket
 * @type: nlmsg_type, such as RTM_GETLINK
 * @flags: NLM_F_* besides NLM_F_REQUEST
 * @head: the header of the family, such as struct ifinfomsg
 * @size: size of @head in bytes
 *
 * Return: the message, in @nl; the caller appends attributes with mnl_attr_put().
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

/* State of an answer that is being read. */
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

/* Copy the text that the kernel has added to an error. */
static void take_refusal(struct sample_netlink *nl, const struct nlmsghdr *nh)
{
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1], *text;

	if (nh->nlmsg_type != NLMSG_ERROR || !(nh->nlmsg_flags & NLM_F_CAPPED) ||
	    !(nh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	sample_netlink_attrs(nh, sizeof(struct nlmsgerr), attrs, NLMSGERR_ATTR_MAX + 1);
	text = attrs[NLMSGERR_ATTR_MSG];
	if (text)
		snprintf(nl->refusal, sizeof(nl->refusal), "%.*s",
			 (int)mnl_attr_get_payload_len(text), mnl_attr_get_str(text));
}

/*
 * Take the messages of one datagram; true at the end of the answer. Read on after an error, too:
 * the kernel accepts no other dump on this socket before the end.
 */
static bool take_messages(struct sample_netlink *nl, const struct nlmsghdr *nh, int len,
			  sample_netlink_fn *fn, void *ctx, struct progress *at)
{
	for (; mnl_nlmsg_ok(nh, len); nh = mnl_nlmsg_next(nh, &len)) {
		if (nh->nlmsg_seq != nl->seq)
			continue;
		/* The table changed during the dump: the messages do not show one state of it. */
		if (nh->nlmsg_flags & NLM_F_DUMP_INTR)
			at->interrupted = true;
		if (nh->nlmsg_type == NLMSG_ERROR || nh->nlmsg_type == NLMSG_DONE) {
			if (!at->err)
				at->err = done_status(nh);
			take_refusal(nl, nh);
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
	__u32 answer[DATAGRAM_MAX / sizeof(__u32)];
	struct progress at = {};
	ssize_t len;

	nl->refusal[0] = '\0';
	nh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, nh, nh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(nl->sock, answer, sizeof(answer));
		if (len < 0 && errno != EINTR)
			return -errno;
	} while (len < 0 || !take_messages(nl, (void *)answer, len, fn, ctx, &at));
	return at.interrupted && !at.err ? -EINTR : at.err;
}

/**
 * sample_netlink_ask() - send a request and read the answer
 * @nl: the socket; sample_netlink_start() began the request
 * @fn: called with NULL when the answer begins, then with each message; may be NULL
 * @ctx: argument of @fn
 *
 * If the table changed during a dump, the request is sent again, up to 10 times.
 *
 * Return: 0, or a negative errno from the kernel or from @fn; -EINTR: the table changed in each
 * of the dumps.
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
 * sample_netlink_dump() - ask rtnetlink for a whole table, with a socket of its own
 * @type: nlmsg_type, such as RTM_GETADDR
 * @head: the header of the family; the request has no attributes
 * @size: size of @head in bytes
 * @fn: as for sample_netlink_ask()
 * @ctx: argument of @fn
 *
 * Return: as sample_netlink_ask().
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

/* Take one datagram of notifications; -EAGAIN if there is none. */
static int take_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	__u32 datagram[DATAGRAM_MAX / sizeof(__u32)];
	int len = mnl_socket_recvfrom(nl->sock, datagram, sizeof(datagram));
	const struct nlmsghdr *nh = (const void *)datagram;
	int err = 0;

	if (len < 0 && errno == EINTR)
		return 0;
	/* Notifications were lost, or did not fit into the buffer. */
	if (len < 0 && (errno == ENOBUFS || errno == ENOSPC))
		return fn(NULL, ctx);
	if (len < 0)
		return -errno;
	for (; !err && mnl_nlmsg_ok(nh, len); nh = mnl_nlmsg_next(nh, &len))
		err = fn(nh, ctx);
	return err;
}

/**
 * sample_netlink_news() - read the notifications that have arrived; does not block
 * @nl: from sample_netlink_listen(); poll the descriptor of @nl->sock
 * @fn: called with each message, and with NULL if notifications were lost
 * @ctx: argument of @fn
 *
 * Reads at most SAMPLE_NETLINK_NEWS datagrams; the next call reads the rest.
 *
 * Return: 0, or a negative errno from the kernel or from @fn.
 */
int sample_netlink_news(struct sample_netlink *nl, sample_netlink_fn *fn, void *ctx)
{
	int i, err = 0;

	for (i = 0; i < SAMPLE_NETLINK_NEWS && !err; i++)
		err = take_news(nl, fn, ctx);
	return err == -EAGAIN ? 0 : err;
}

/* If an attribute type occurs twice, keep the last. */
static void put_attr(const struct nlattr *attr, const struct nlattr **attrs, unsigned int n)
{
	if (mnl_attr_get_type(attr) < n)
		attrs[mnl_attr_get_type(attr)] = attr;
}

/**
 * sample_netlink_attrs() - find the attributes of a message
 * @nh: the message
 * @head: size of the header of the family in bytes
 * @attrs: filled: attributes by type, NULL where the message has none
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
 * sample_netlink_nested() - find the attributes nested in another one
 * @nest: the outer attribute, may be NULL
 * @attrs: filled: attributes by type, NULL where @nest has none
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
 * sample_netlink_u32() - read an attribute of type u32
 * @attr: the attribute, may be NULL
 *
 * Return: the value in host byte order; 0 if @attr is NULL or is not 4 bytes long.
 */
__u32 sample_netlink_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(__u32) ?
	       mnl_attr_get_u32(attr) : 0;
}
