// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tcpconnect_kern.c with each back end that this kernel has. The programs
 * are attached, this process connects on the loopback of a new network namespace, and each
 * attempt must cause exactly one event, the right one.
 */
#include "tcpconnect_run.h"

/* --- results --------------------------------------------------------------------------- */

static const struct {
	const char *addr;
	const char *shown;
	const char *unbound;
} loopbacks[] = {
	{ "127.0.0.1", "127.0.0.1", "0.0.0.0" },
	{ "::1", "::1", "::" },
	{ "::ffff:127.0.0.1", "127.0.0.1", "0.0.0.0" },
};

static void test_established_and_refused(struct __test_metadata *_metadata,
					 struct _test_data_tcpconnect *self)
{
	unsigned int i;
	int fd;

	if (!start(_metadata, self))
		return;
	for (i = 0; i < ARRAY_SIZE(loopbacks); i++) {
		fd = tcp_socket(loopbacks[i].addr, 0);
		ASSERT_EQ(0, connect_to(fd, loopbacks[i].addr, OPEN_PORT));
		expect(_metadata, self, 0, loopbacks[i].shown, loopbacks[i].shown, OPEN_PORT);
		EXPECT_EQ(local_port(fd), self->events[0].sport);
		close(fd);

		fd = tcp_socket(loopbacks[i].addr, 0);
		ASSERT_EQ(ECONNREFUSED, connect_to(fd, loopbacks[i].addr, CLOSED_PORT));
		expect(_metadata, self, ECONNREFUSED, loopbacks[i].shown, loopbacks[i].shown,
		       CLOSED_PORT);
		close(fd);
	}
	EXPECT_EQ(3, counter(self, TCPCONNECT_OK));
	EXPECT_EQ(3, counter(self, TCPCONNECT_FAILED));
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
}

TEST_F(tcpconnect, established_and_refused)
{
	each_backend(_metadata, self, test_established_and_refused);
}

/*
 * Waits until the handshake has succeeded or failed. On loopback this has mostly happened
 * when connect() returns, but not if ksoftirqd has to handle the packets.
 */
static bool settled(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, -1) == 1;
}

static void test_nonblocking(struct __test_metadata *_metadata,
			     struct _test_data_tcpconnect *self)
{
	unsigned int i;
	int fd;

	if (!start(_metadata, self))
		return;
	for (i = 0; i < ARRAY_SIZE(loopbacks); i++) {
		fd = tcp_socket(loopbacks[i].addr, SOCK_NONBLOCK);
		ASSERT_EQ(EINPROGRESS, connect_to(fd, loopbacks[i].addr, OPEN_PORT));
		ASSERT_TRUE(settled(fd));
		expect(_metadata, self, 0, loopbacks[i].shown, loopbacks[i].shown, OPEN_PORT);
		EXPECT_EQ(local_port(fd), self->events[0].sport);
		close(fd);
		fd = tcp_socket(loopbacks[i].addr, SOCK_NONBLOCK);
		connect_to(fd, loopbacks[i].addr, CLOSED_PORT);
		ASSERT_TRUE(settled(fd));
		expect(_metadata, self, ECONNREFUSED, loopbacks[i].shown, loopbacks[i].shown,
		       CLOSED_PORT);
		close(fd);
	}
}

TEST_F(tcpconnect, nonblocking)
{
	each_backend(_metadata, self, test_nonblocking);
}

/* These attempts fail before the kernel chooses a local address and sends a SYN. */
static void test_fails_at_once(struct __test_metadata *_metadata,
			       struct _test_data_tcpconnect *self)
{
	static const char * const far[] = { "203.0.113.1", "2001:db8::1", "::ffff:203.0.113.1" };
	static const char * const shown[] = { "203.0.113.1", "2001:db8::1", "203.0.113.1" };
	unsigned int i;
	int fd, flags;

	if (!start(_metadata, self))
		return;
	for (flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
		for (i = 0; i < ARRAY_SIZE(far); i++) {
			fd = tcp_socket(far[i], flags);
			ASSERT_EQ(ENETUNREACH, connect_to(fd, far[i], 80));
			expect(_metadata, self, ENETUNREACH, loopbacks[i].unbound, shown[i], 80);
			EXPECT_EQ(0, self->events[0].sport);
			close(fd);
		}
	}
	EXPECT_EQ(6, counter(self, TCPCONNECT_FAILED));
}

TEST_F(tcpconnect, fails_at_once)
{
	each_backend(_metadata, self, test_fails_at_once);
}

/* Wrong arguments of connect() that only tcp_v4_connect() and tcp_v6_connect() detect. */
static void test_bad_addresses(struct __test_metadata *_metadata,
			       struct _test_data_tcpconnect *self)
{
	struct sockaddr_storage to;
	int fd;

	if (!start(_metadata, self))
		return;
	fd = tcp_socket("::1", 0);
	fill_addr(&to, "127.0.0.1", OPEN_PORT);
	ASSERT_EQ(-1, connect(fd, (void *)&to, sizeof(struct sockaddr_in6)));
	ASSERT_EQ(EAFNOSUPPORT, errno);
	expect(_metadata, self, EAFNOSUPPORT, "0.0.0.0", "127.0.0.1", OPEN_PORT);
	close(fd);

	fd = tcp_socket("127.0.0.1", 0);
	fill_addr(&to, "127.0.0.1", OPEN_PORT);
	ASSERT_EQ(-1, connect(fd, (void *)&to, 8));
	ASSERT_EQ(EINVAL, errno);
	expect(_metadata, self, EINVAL, "0.0.0.0", "0.0.0.0", 0);
	close(fd);

	fd = tcp_socket("::1", 0);
	fill_addr(&to, "::1", OPEN_PORT);
	ASSERT_EQ(-1, connect(fd, (void *)&to, 20));
	ASSERT_EQ(EINVAL, errno);
	expect(_metadata, self, EINVAL, "::", "::", 0);
	/* An address of 24 bytes, without sin6_scope_id, is long enough. */
	ASSERT_EQ(0, connect(fd, (void *)&to, 24));
	expect(_metadata, self, 0, "::1", "::1", OPEN_PORT);
	close(fd);
}

TEST_F(tcpconnect, bad_addresses)
{
	each_backend(_metadata, self, test_bad_addresses);
}

/* Calls of connect() that do not start a TCP connection cause no event. */
static void test_no_attempt(struct __test_metadata *_metadata,
			    struct _test_data_tcpconnect *self)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, "127.0.0.1", OPEN_PORT);
	int fd, pipes[2];

	if (!start(_metadata, self))
		return;
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(EBADF, connect_to(1000000, "127.0.0.1", OPEN_PORT));
	EXPECT_EQ(EBADF, connect_to(-1, "127.0.0.1", OPEN_PORT));
	EXPECT_EQ(ENOTSOCK, connect_to(pipes[0], "127.0.0.1", OPEN_PORT));
	EXPECT_EQ(EISCONN, connect_to(self->listener, "::1", OPEN_PORT));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(ENETUNREACH, connect_to(fd, "203.0.113.1", 53));
	EXPECT_EQ(0, connect_to(fd, "127.0.0.1", 53));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_NE(0, connect_to(fd, "127.0.0.1", OPEN_PORT));
	close(fd);
	fd = tcp_socket("127.0.0.1", 0);
	EXPECT_EQ(-1, connect(fd, NULL, len));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, connect(fd, (void *)&to, -1));
	EXPECT_EQ(-1, connect(fd, (void *)&to, 1000));
	EXPECT_EQ(-1, connect(fd, (void *)&to, 0));
	to.ss_family = AF_UNSPEC;
	EXPECT_EQ(0, connect(fd, (void *)&to, len));
	close(fd);
	expect_events(_metadata, self, 0);
	EXPECT_EQ(0, counter(self, TCPCONNECT_FAILED));
}

TEST_F(tcpconnect, no_attempt)
{
	each_backend(_metadata, self, test_no_attempt);
}

/* On an established or connecting socket, a further connect() is no new attempt. */
static void test_again(struct __test_metadata *_metadata,
		       struct _test_data_tcpconnect *self)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd;

	if (!start(_metadata, self))
		return;
	fd = tcp_socket("127.0.0.1", 0);
	ASSERT_EQ(0, connect_to(fd, "127.0.0.1", OPEN_PORT));
	EXPECT_EQ(EISCONN, connect_to(fd, "127.0.0.1", OPEN_PORT));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	/* AF_UNSPEC disconnects the socket; then connect() is a new attempt. */
	ASSERT_EQ(0, connect(fd, &unspec, sizeof(unspec)));
	ASSERT_EQ(ECONNREFUSED, connect_to(fd, "127.0.0.1", CLOSED_PORT));
	expect(_metadata, self, ECONNREFUSED, "127.0.0.1", "127.0.0.1", CLOSED_PORT);
	ASSERT_EQ(0, connect_to(fd, "127.0.0.1", OPEN_PORT));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	close(fd);

	fd = tcp_socket(HOLE, SOCK_NONBLOCK);
	ASSERT_EQ(EINPROGRESS, connect_to(fd, HOLE, 80));
	EXPECT_EQ(EALREADY, connect_to(fd, HOLE, 80));
	expect_events(_metadata, self, 0);
	EXPECT_EQ(1, n_keys(self->skel->maps.tcpconnect_pending));
	close(fd);
	expect_events(_metadata, self, 1);
	EXPECT_EQ(ECANCELED, self->events[0].ret);
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
}

TEST_F(tcpconnect, again)
{
	each_backend(_metadata, self, test_again);
}

/* The only local port is taken: connect() fails after SYN_SENT, and sk_err is not set. */
static void test_no_port_left(struct __test_metadata *_metadata,
			      struct _test_data_tcpconnect *self)
{
	int fd, other;

	ASSERT_EQ(0, system("echo 3000 3000 >/proc/sys/net/ipv4/ip_local_port_range"));
	if (!start(_metadata, self))
		return;
	fd = tcp_socket("127.0.0.1", 0);
	other = tcp_socket("127.0.0.1", 0);
	ASSERT_EQ(0, connect_to(fd, "127.0.0.1", OPEN_PORT));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	EXPECT_EQ(htons(3000), self->events[0].sport);
	ASSERT_EQ(EADDRNOTAVAIL, connect_to(other, "127.0.0.1", OPEN_PORT));
	expect(_metadata, self, EADDRNOTAVAIL, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
	close(other);
	close(fd);
}

TEST_F(tcpconnect, no_port_left)
{
	each_backend(_metadata, self, test_no_port_left);
}

/* The socket connects to itself, through the states SYN_SENT, SYN_RECV, ESTABLISHED. */
static void test_simultaneous_open(struct __test_metadata *_metadata,
				   struct _test_data_tcpconnect *self)
{
	int fd;

	if (!start(_metadata, self))
		return;
	fd = tcp_socket("127.0.0.1", 0);
	ASSERT_EQ(0, bind_to(fd, "127.0.0.1", 2345));
	ASSERT_EQ(0, connect_to(fd, "127.0.0.1", 2345));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", 2345);
	EXPECT_EQ(htons(2345), self->events[0].sport);
	close(fd);
}

TEST_F(tcpconnect, simultaneous_open)
{
	each_backend(_metadata, self, test_simultaneous_open);
}

/* With TCP Fast Open there is no connect(): sendto() sends the SYN. */
static void test_fast_open(struct __test_metadata *_metadata,
			   struct _test_data_tcpconnect *self)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, "127.0.0.1", OPEN_PORT);
	int fd;

	if (!start(_metadata, self))
		return;
	fd = tcp_socket("127.0.0.1", 0);
	ASSERT_EQ(2, sendto(fd, "hi", 2, MSG_FASTOPEN, (void *)&to, len));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	close(fd);
}

TEST_F(tcpconnect, fast_open)
{
	each_backend(_metadata, self, test_fast_open);
}

static void *connect_in_thread(void *arg)
{
	int fd = tcp_socket("127.0.0.1", 0);

	prctl(PR_SET_NAME, "a thread");
	connect_to(fd, "127.0.0.1", CLOSED_PORT);
	close(fd);
	fd = tcp_socket("127.0.0.1", 0);
	connect_to(fd, "203.0.113.1", CLOSED_PORT);
	close(fd);
	return arg;
}

static void test_thread(struct __test_metadata *_metadata,
			struct _test_data_tcpconnect *self)
{
	pthread_t thread;
	int i;

	if (!start(_metadata, self))
		return;
	ASSERT_EQ(0, pthread_create(&thread, NULL, connect_in_thread, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	expect_events(_metadata, self, 2);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ((__u32)getpid(), self->events[i].pid);
		EXPECT_STREQ("a thread", self->events[i].comm);
	}
}

TEST_F(tcpconnect, thread)
{
	each_backend(_metadata, self, test_thread);
}

TEST_HARNESS_MAIN
