// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/lib/netlink.c: how it reads answers and notifications, also broken ones. The
 * sockets are real, but wrappers of libmnl's functions make the datagrams that they receive.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>
#include "lib/netlink.h"
#include "test_harness.h"
#include "test_wrap.h"

enum {
	/* A message type of the test. */
	THING = NLMSG_MIN_TYPE,
	/* Most datagrams that a test prepares. */
	DATAGRAMS_MAX = 8,
	TRIES = 10,
};

/* --- what the kernel would send -------------------------------------------------- */

/**
 * struct datagram - result of one call of mnl_socket_recvfrom()
 * @err: errno of the call; 0: the call receives a message
 * @type: nlmsg_type of the message
 * @flags: nlmsg_flags of the message
 * @value: payload of the message
 * @stray: the message has the sequence number of another request
 * @text: text of the kernel that follows an error, NULL: none
 */
static struct datagram {
	int err;
	int type;
	int flags;
	int value;
	bool stray;
	const char *text;
} datagrams[DATAGRAMS_MAX];

static unsigned int n_datagrams, n_received, n_asked;
static __u32 last_seq;

TEST_WRAPS(mnl_socket_sendto);
TEST_WRAPS(mnl_socket_recvfrom);

/* Each request gets all prepared datagrams, from the first. */
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	last_seq = ((const struct nlmsghdr *)buf)->nlmsg_seq;
	n_asked++;
	n_received = 0;
	return len;
}

static void put_error(struct nlmsghdr *nh, const struct datagram *from)
{
	struct nlmsgerr *error = mnl_nlmsg_put_extra_header(nh, sizeof(*error));

	error->error = from->value;
	if (from->text)
		mnl_attr_put_strz(nh, NLMSGERR_ATTR_MSG, from->text);
}

/* Behind the last datagram: EAGAIN. */
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	const struct datagram *from = &datagrams[n_received % DATAGRAMS_MAX];
	struct nlmsghdr *nh;

	n_received++;
	errno = n_received > n_datagrams ? EAGAIN : from->err;
	if (errno)
		return -1;
	nh = mnl_nlmsg_put_header(buf);
	nh->nlmsg_type = from->type;
	nh->nlmsg_flags = from->flags;
	nh->nlmsg_seq = last_seq + from->stray;
	if (from->type == NLMSG_ERROR) {
		put_error(nh, from);
		return nh->nlmsg_len;
	}
	*(int *)mnl_nlmsg_put_extra_header(nh, sizeof(int)) = from->value;
	return nh->nlmsg_len;
}

static void comes(struct datagram from)
{
	datagrams[n_datagrams++] = from;
}

/* --- the caller -------------------------------------------------------------------- */

FIXTURE(netlink)
{
	struct sample_netlink nl;
	int values[DATAGRAMS_MAX];
	unsigned int n;
	unsigned int n_starts;
	int fail_at;
};

FIXTURE_SETUP(netlink)
{
	struct ifinfomsg ifi = {};

	ASSERT_EQ(0, sample_netlink_open(&self->nl, NETLINK_ROUTE));
	sample_netlink_start(&self->nl, THING, NLM_F_DUMP, &ifi, sizeof(ifi));
}

FIXTURE_TEARDOWN(netlink)
{
	sample_netlink_close(&self->nl);
}

static int take(const struct nlmsghdr *nh, void *ctx)
{
	struct _test_data_netlink *self = ctx;
	int value;

	if (!nh) {
		self->n_starts++;
		self->n = 0;
		return 0;
	}
	value = *(int *)mnl_nlmsg_get_payload(nh);
	self->values[self->n++ % DATAGRAMS_MAX] = value;
	return self->fail_at && value == self->fail_at ? -ENOMEM : 0;
}

static int ask(struct _test_data_netlink *self)
{
	return sample_netlink_ask(&self->nl, take, self);
}

/* --- answers ------------------------------------------------------------------------ */

TEST_F(netlink, end_of_dump)
{
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 1 });
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 2 });
	comes((struct datagram){ .type = NLMSG_DONE, .flags = NLM_F_MULTI });
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 4 });
	EXPECT_EQ(0, ask(self));
	EXPECT_EQ(1, self->n_starts);
	ASSERT_EQ(2, self->n);
	EXPECT_EQ(1, self->values[0]);
	EXPECT_EQ(2, self->values[1]);
	EXPECT_EQ(3, n_received);
}

TEST_F(netlink, one_message)
{
	comes((struct datagram){ .type = THING, .value = 1 });
	comes((struct datagram){ .type = THING, .value = 2 });
	EXPECT_EQ(0, ask(self));
	EXPECT_EQ(1, self->n);
	EXPECT_EQ(1, n_received);
}

TEST_F(netlink, error_of_the_kernel)
{
	comes((struct datagram){ .type = NLMSG_ERROR, .value = -EPERM });
	EXPECT_EQ(-EPERM, ask(self));
	EXPECT_EQ(0, self->n);
	/* Error 0 is the acknowledgment that NLM_F_ACK asks for. */
	datagrams[0].value = 0;
	EXPECT_EQ(0, ask(self));
	EXPECT_EQ(0, self->n);
}

/* A text is read where the kernel's flags tell that there is one. */
TEST_F(netlink, text_of_an_error)
{
	struct datagram refusal = {
		.type = NLMSG_ERROR, .value = -EOPNOTSUPP, .text = "no wheels",
		.flags = NLM_F_CAPPED | NLM_F_ACK_TLVS,
	};

	comes(refusal);
	EXPECT_EQ(-EOPNOTSUPP, ask(self));
	EXPECT_STREQ("no wheels", self->nl.refusal);
	datagrams[0].flags = NLM_F_CAPPED;
	EXPECT_EQ(-EOPNOTSUPP, ask(self));
	EXPECT_STREQ("", self->nl.refusal);
	datagrams[0].flags = NLM_F_ACK_TLVS;
	EXPECT_EQ(-EOPNOTSUPP, ask(self));
	EXPECT_STREQ("", self->nl.refusal);
}

TEST_F(netlink, long_text_of_an_error)
{
	char text[300];
	struct datagram refusal = {
		.type = NLMSG_ERROR, .value = -EINVAL, .text = text,
		.flags = NLM_F_CAPPED | NLM_F_ACK_TLVS,
	};

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	comes(refusal);
	EXPECT_EQ(-EINVAL, ask(self));
	EXPECT_EQ(sizeof(self->nl.refusal) - 1, strlen(self->nl.refusal));
}

TEST_F(netlink, error_at_the_end_of_a_dump)
{
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 1 });
	comes((struct datagram){ .type = NLMSG_DONE, .flags = NLM_F_MULTI, .value = -EMSGSIZE });
	EXPECT_EQ(-EMSGSIZE, ask(self));
}

TEST_F(netlink, error_of_the_socket)
{
	comes((struct datagram){ .err = EINTR });
	comes((struct datagram){ .err = ENOSPC });
	EXPECT_EQ(-ENOSPC, ask(self));
	EXPECT_EQ(2, n_received);
}

/* After an error of @fn, the rest of the answer is read, but not handed to @fn. */
TEST_F(netlink, error_of_who_takes_it)
{
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 1 });
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 2 });
	comes((struct datagram){ .type = NLMSG_DONE, .flags = NLM_F_MULTI });
	self->fail_at = 1;
	EXPECT_EQ(-ENOMEM, ask(self));
	EXPECT_EQ(1, self->n);
	EXPECT_EQ(3, n_received);
	EXPECT_EQ(1, n_asked);
}

/* NLM_F_DUMP_INTR may be set in NLMSG_DONE only. */
TEST_F(netlink, interrupted_dump)
{
	comes((struct datagram){ .type = THING, .flags = NLM_F_MULTI, .value = 1 });
	comes((struct datagram){ .type = NLMSG_DONE, .flags = NLM_F_MULTI | NLM_F_DUMP_INTR });
	EXPECT_EQ(-EINTR, ask(self));
	EXPECT_EQ(TRIES, n_asked);
	EXPECT_EQ(TRIES, self->n_starts);
	/* Only the messages of the last try are left. */
	EXPECT_EQ(1, self->n);
	/* @fn does not get messages behind NLM_F_DUMP_INTR. */
	datagrams[0].flags |= NLM_F_DUMP_INTR;
	EXPECT_EQ(-EINTR, ask(self));
	EXPECT_EQ(0, self->n);
}

TEST_F(netlink, answer_to_another_question)
{
	comes((struct datagram){ .type = NLMSG_ERROR, .value = -EPERM, .stray = true });
	comes((struct datagram){ .type = THING, .value = 7 });
	EXPECT_EQ(0, ask(self));
	ASSERT_EQ(1, self->n);
	EXPECT_EQ(7, self->values[0]);
}

/* --- notifications ------------------------------------------------------------------- */

static int news(struct _test_data_netlink *self)
{
	n_received = 0;
	return sample_netlink_news(&self->nl, take, self);
}

TEST_F(netlink, news)
{
	EXPECT_EQ(0, news(self));
	EXPECT_EQ(0, self->n);
	comes((struct datagram){ .type = THING, .value = 1 });
	comes((struct datagram){ .err = EINTR });
	comes((struct datagram){ .type = THING, .value = 3 });
	EXPECT_EQ(0, news(self));
	EXPECT_EQ(0, self->n_starts);
	ASSERT_EQ(2, self->n);
	EXPECT_EQ(3, self->values[1]);
}

/* ENOBUFS: the receive queue was full. ENOSPC: the datagram is larger than the buffer. */
TEST_F(netlink, lost_news)
{
	comes((struct datagram){ .err = ENOBUFS });
	comes((struct datagram){ .err = ENOSPC });
	comes((struct datagram){ .type = THING, .value = 3 });
	EXPECT_EQ(0, news(self));
	EXPECT_EQ(2, self->n_starts);
	EXPECT_EQ(1, self->n);
}

TEST_F(netlink, news_without_end)
{
	n_datagrams = UINT_MAX;
	EXPECT_EQ(0, news(self));
	EXPECT_EQ(SAMPLE_NETLINK_NEWS, n_received);
	EXPECT_EQ(SAMPLE_NETLINK_NEWS, self->n);
}

TEST_F(netlink, errors_of_news)
{
	comes((struct datagram){ .type = THING, .value = 1 });
	comes((struct datagram){ .err = EBADF });
	EXPECT_EQ(-EBADF, news(self));
	self->fail_at = 1;
	EXPECT_EQ(-ENOMEM, news(self));
	EXPECT_EQ(1, n_received);
}

/* --- sockets --------------------------------------------------------------------------- */

TEST(sockets)
{
	const __u32 groups = RTMGRP_LINK | 1U << (RTNLGRP_NEXTHOP - 1);
	struct sample_netlink nl;
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);
	int fd;

	ASSERT_EQ(0, sample_netlink_open(&nl, NETLINK_ROUTE));
	fd = mnl_socket_get_fd(nl.sock);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	sample_netlink_close(&nl);
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	ASSERT_EQ(0, sample_netlink_listen(&nl, groups));
	fd = mnl_socket_get_fd(nl.sock);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_NE(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &len));
	EXPECT_EQ(groups, addr.nl_groups);
	sample_netlink_close(&nl);
	/* No such bus. */
	EXPECT_EQ(-EPROTONOSUPPORT, sample_netlink_open(&nl, 1000));
	sample_netlink_close(&nl);
}

/* --- attributes ------------------------------------------------------------------------ */

TEST(attributes)
{
	const struct nlattr *attrs[3];
	struct nlattr *nest;
	char buf[128] = {};
	struct nlmsghdr *nh = mnl_nlmsg_put_header(buf);

	mnl_nlmsg_put_extra_header(nh, 8);
	mnl_attr_put_u32(nh, 1, 10);
	mnl_attr_put_u32(nh, 1, 11);
	nest = mnl_attr_nest_start(nh, 2);
	mnl_attr_put_u16(nh, 1, 12);
	mnl_attr_nest_end(nh, nest);
	mnl_attr_put_u32(nh, 3, 13);
	attrs[0] = nest;
	sample_netlink_attrs(nh, 8, attrs, 3);
	EXPECT_EQ(NULL, attrs[0]);
	EXPECT_EQ(11, sample_netlink_u32(attrs[1]));
	/* mnl_attr_nest_start() sets NLA_F_NESTED in the type. */
	ASSERT_EQ(nest, attrs[2]);
	sample_netlink_nested(nest, attrs, 3);
	ASSERT_NE(NULL, attrs[1]);
	EXPECT_EQ(12, mnl_attr_get_u16(attrs[1]));
	EXPECT_EQ(NULL, attrs[2]);
	/* It has 2 bytes, not 4. */
	EXPECT_EQ(0, sample_netlink_u32(attrs[1]));
	sample_netlink_nested(NULL, attrs, 3);
	EXPECT_EQ(NULL, attrs[1]);
	EXPECT_EQ(0, sample_netlink_u32(NULL));
}

TEST_HARNESS_MAIN
