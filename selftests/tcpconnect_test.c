// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tcpconnect_kern.c: its programs are attached, this process
 * connects on the loopback of a network namespace of its own, and each attempt
 * has the one event it should have. Each back end that this kernel has.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <kselftest_harness.h>
#include "test_run.h"
#include "../samples/tcpconnect.h"
#include "tcpconnect.skel.h"

enum {
	EVENTS_MAX = 64,
	OPEN_PORT = 2000,
	CLOSED_PORT = 2001,
};

/* Nobody answers: lo drops what is for nobody here (make_network()). */
#define HOLE	"198.51.100.1"

FIXTURE(tcpconnect)
{
	struct tcpconnect_kern *skel;
	struct ring_buffer *ring;
	int listener;
	__u32 netns;
	__u32 n_events;
	struct tcpconnect_event events[EVENTS_MAX];
};

static const struct {
	const char *name;
	const char *prefixes[2];
} backends[__TCPCONNECT_BACKEND_MAX] = {
	[TCPCONNECT_KPROBE] = { "kprobe", { "kprobe_", "kretprobe_" } },
	[TCPCONNECT_FENTRY] = { "fentry", { "fentry_", "fexit_" } },
	[TCPCONNECT_TRACEPOINT] = { "tracepoint", { "tp_", "tp_" } },
};

/* --- a network of one ------------------------------------------------------------- */

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int err;

	err = fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	err = err || ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return err ? -errno : 0;
}

static socklen_t fill_addr(struct sockaddr_storage *to, const char *addr, __u16 port)
{
	struct sockaddr_in6 *v6 = (void *)to;
	struct sockaddr_in *v4 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, addr, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static int tcp_socket(const char *addr, int flags)
{
	return socket(strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
}

/* 0 or an errno. */
static int connect_to(int fd, const char *addr, __u16 port)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, addr, port);

	return connect(fd, (void *)&to, len) ? errno : 0;
}

static int bind_to(int fd, const char *addr, __u16 port)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, addr, port);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (void *)&to, len);
}

static __be16 local_port(int fd)
{
	struct sockaddr_in6 me = {};
	socklen_t len = sizeof(me);

	getsockname(fd, (void *)&me, &len);
	return me.sin6_port;
}

/* --- the programs ------------------------------------------------------------------- */

static bool has_prefix(const char *name, const char * const prefixes[2])
{
	return !strncmp(name, prefixes[0], strlen(prefixes[0])) ||
	       !strncmp(name, prefixes[1], strlen(prefixes[1]));
}

static int take_event(void *ctx, void *data, size_t size)
{
	struct _test_data_tcpconnect *self = ctx;
	const struct tcpconnect_event *ev = data;

	if (size != sizeof(*ev) || self->n_events == EVENTS_MAX)
		return -E2BIG;
	self->events[self->n_events++] = *ev;
	return 0;
}

FIXTURE_SETUP(tcpconnect)
{
	if (geteuid())
		SKIP(return, "needs root");
}

FIXTURE_TEARDOWN(tcpconnect)
{
}

static void make_network(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self)
{
	struct stat ns;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, loopback_up());
	/* Routed to lo, where packets to addresses that are not here end. */
	ASSERT_EQ(0, system("ip route add " HOLE " dev lo"));
	ASSERT_EQ(0, stat("/proc/self/ns/net", &ns));
	self->netns = ns.st_ino;
	self->listener = tcp_socket("::", 0);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, bind_to(self->listener, "::", OPEN_PORT));
	ASSERT_EQ(0, listen(self->listener, 100));
}

static void open_programs(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			  enum tcpconnect_backend backend)
{
	struct bpf_program *prog;

	self->skel = tcpconnect_kern__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->backend = backend;
	self->skel->rodata->nr_connect = SYS_connect;
	self->skel->rodata->filter.netns = self->netns;
	bpf_object__for_each_program(prog, self->skel->obj) {
		const char *name = bpf_program__name(prog);

		bpf_program__set_autoload(prog, has_prefix(name, backends[backend].prefixes) ||
					  !strcmp(name, "set_state") || !strcmp(name, "refresh"));
	}
}

static bool is_lacking(int err)
{
	return err == -ENOENT || err == -EPERM || err == -EOPNOTSUPP || err == -524;
}

/* Load and attach with what the test has set; false: this kernel lacks it. */
static bool start(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self)
{
	enum tcpconnect_backend backend = self->skel->rodata->backend;
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int err;

	/* What libbpf says of a back end that is lacking is no news. */
	if (backend == TCPCONNECT_TRACEPOINT)
		libbpf_set_print(print);
	err = tcpconnect_kern__load(self->skel);
	if (!err)
		err = tcpconnect_kern__attach(self->skel);
	libbpf_set_print(print);
	/* All kernels have tracepoints: no test passes because nothing was loaded. */
	if (is_lacking(err) && backend != TCPCONNECT_TRACEPOINT) {
		TH_LOG("not here: %s", backends[backend].name);
		return false;
	}
	ASSERT_EQ(0, err)
		TH_LOG("back end %s", backends[backend].name);
	self->ring = ring_buffer__new(bpf_map__fd(self->skel->maps.tcpconnect_events), take_event,
				      self, NULL);
	ASSERT_NE(NULL, self->ring);
	return true;
}

typedef void test_fn(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self);

/* A test with each back end that this kernel has, each in a network of its own. */
static void each_backend(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			 test_fn *test)
{
	int backend;

	for (backend = 0; backend < __TCPCONNECT_BACKEND_MAX; backend++) {
		make_network(_metadata, self);
		open_programs(_metadata, self, backend);
		test(_metadata, self);
		if (_metadata->exit_code == KSFT_FAIL)
			TH_LOG("failed with back end %s", backends[backend].name);
		ring_buffer__free(self->ring);
		tcpconnect_kern__destroy(self->skel);
		close(self->listener);
		self->ring = NULL;
	}
}

static __u64 counter(struct _test_data_tcpconnect *self, __u32 reason)
{
	int cpu, n_cpus = libbpf_num_possible_cpus();
	__u64 values[n_cpus], sum = 0;

	if (bpf_map__lookup_elem(self->skel->maps.tcpconnect_counts, &reason, sizeof(reason),
				 values, sizeof(values), 0))
		return ~0ULL;
	for (cpu = 0; cpu < n_cpus; cpu++)
		sum += values[cpu];
	return sum;
}

static __u32 n_keys(const struct bpf_map *map)
{
	__u64 key, *prev = NULL;
	__u32 n = 0;

	for (; !bpf_map_get_next_key(bpf_map__fd(map), prev, &key); prev = &key)
		n++;
	return n;
}

static bool is_addr(const __be32 have[4], const char *want)
{
	struct in6_addr addr;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(want, ':') ? "" : "::ffff:", want);
	return inet_pton(AF_INET6, mapped, &addr) == 1 && !memcmp(have, &addr, sizeof(addr));
}

/* There are @n events since the last call. */
static void expect_events(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			  __u32 n)
{
	self->n_events = 0;
	ASSERT_LE(0, ring_buffer__consume(self->ring));
	ASSERT_EQ(n, self->n_events);
	/* No thread is inside of connect(), so nothing of it is kept. */
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_calls));
}

/* One event, with this result; the caller is this thread. */
static void expect(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
		   int ret, const char *saddr, const char *daddr, __u16 port)
{
	struct tcpconnect_event *ev = &self->events[0];
	char comm[TCPCONNECT_COMM_LEN] = {};

	expect_events(_metadata, self, 1);
	prctl(PR_GET_NAME, comm);
	EXPECT_EQ(ret, ev->ret);
	EXPECT_TRUE(is_addr(ev->saddr, saddr));
	EXPECT_TRUE(is_addr(ev->daddr, daddr));
	EXPECT_EQ(strchr(daddr, ':') ? 6 : 4, ev->family);
	EXPECT_EQ(port, ntohs(ev->dport));
	EXPECT_EQ((__u32)getpid(), ev->pid);
	EXPECT_EQ(getuid(), ev->uid);
	EXPECT_EQ(self->netns, ev->netns);
	EXPECT_STREQ(comm, ev->comm);
	EXPECT_LT(0, ev->lat_ns);
}

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
 * The handshake is over, or has failed. On loopback it mostly is when connect() returns,
 * but not where the other end's half is left to ksoftirqd.
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

/* It fails before there is a SYN, or an address to send it from. */
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

/* The arguments are wrong, in ways that tcp_v4_connect() and tcp_v6_connect() see. */
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
	/* Without sin6_scope_id it is long enough. */
	ASSERT_EQ(0, connect(fd, (void *)&to, 24));
	expect(_metadata, self, 0, "::1", "::1", OPEN_PORT);
	close(fd);
}

TEST_F(tcpconnect, bad_addresses)
{
	each_backend(_metadata, self, test_bad_addresses);
}

/* Calls of connect() that open nothing. */
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

/* Once it is established or on its way, connect() is not another attempt. */
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
	/* Taken back, it is free for the next one. */
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

/* The only local port is taken: it fails after SYN_SENT, without sk_err. */
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

/* SYN_SENT, SYN_RECV, ESTABLISHED: the socket talks to itself. */
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

/* No connect(): the SYN goes out in sendto(). */
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

/* --- limits ------------------------------------------------------------------------------ */

static void test_map_full(struct __test_metadata *_metadata,
			  struct _test_data_tcpconnect *self)
{
	int fds[3], i;

	ASSERT_EQ(0, bpf_map__set_max_entries(self->skel->maps.tcpconnect_pending, 1));
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 3; i++) {
		fds[i] = tcp_socket(HOLE, SOCK_NONBLOCK);
		ASSERT_EQ(EINPROGRESS, connect_to(fds[i], HOLE, 80 + i));
	}
	EXPECT_EQ(2, counter(self, TCPCONNECT_UNTRACKED));
	for (i = 0; i < 3; i++)
		close(fds[i]);
	expect_events(_metadata, self, 1);
	EXPECT_EQ(80, ntohs(self->events[0].dport));
}

TEST_F(tcpconnect, map_full)
{
	each_backend(_metadata, self, test_map_full);
}

static void test_table_full(struct __test_metadata *_metadata,
			    struct _test_data_tcpconnect *self)
{
	const struct tcpconnect_row *none = NULL;
	struct tcpconnect_cells cells;
	struct tcpconnect_row row;
	int fd, i, map;

	self->skel->rodata->table = true;
	ASSERT_EQ(0, bpf_map__set_max_entries(self->skel->maps.tcpconnect_table, 1));
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 4; i++) {
		fd = tcp_socket("127.0.0.1", 0);
		connect_to(fd, "127.0.0.1", i < 3 ? CLOSED_PORT : OPEN_PORT);
		close(fd);
	}
	EXPECT_EQ(1, counter(self, TCPCONNECT_NO_ROW));
	map = bpf_map__fd(self->skel->maps.tcpconnect_table);
	ASSERT_EQ(0, bpf_map_get_next_key(map, none, &row));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &row, &cells));
	EXPECT_EQ(3, cells.connects);
	EXPECT_EQ(3, cells.failed);
	EXPECT_EQ(0, row.sport);
	EXPECT_EQ(CLOSED_PORT, ntohs(row.dport));
}

TEST_F(tcpconnect, table_full)
{
	each_backend(_metadata, self, test_table_full);
}

/* Each attempt is counted once, whatever becomes of it. */
static void test_filtered_out(struct __test_metadata *_metadata,
			      struct _test_data_tcpconnect *self)
{
	int fd, i;

	self->skel->rodata->filter.n_ports = 1;
	self->skel->rodata->filter.ports[0] = htons(9);
	if (!start(_metadata, self))
		return;
	for (i = 0; i < 3; i++) {
		fd = tcp_socket("127.0.0.1", 0);
		connect_to(fd, i ? "127.0.0.1" : "203.0.113.1", i < 2 ? CLOSED_PORT : OPEN_PORT);
		close(fd);
	}
	expect_events(_metadata, self, 0);
	EXPECT_LE(3, counter(self, TCPCONNECT_FILTERED));
	EXPECT_EQ(0, counter(self, TCPCONNECT_OK) + counter(self, TCPCONNECT_FAILED));
}

TEST_F(tcpconnect, filtered_out)
{
	each_backend(_metadata, self, test_filtered_out);
}

/* What is no socket, or not pending, is left alone. */
static void test_refresh(struct __test_metadata *_metadata,
			 struct _test_data_tcpconnect *self)
{
	__u64 keys[] = { 0, 1, ~0ULL, 0xffff888000000000ULL, 0xdeadbeefdeadbeefULL };
	struct tcpconnect_attempt attempt = {};
	int prog, sock, map;
	unsigned int i;
	__u64 key;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &key, .ctx_size_in = sizeof(key));
	if (!start(_metadata, self))
		return;
	prog = bpf_program__fd(self->skel->progs.refresh);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		key = keys[i];
		EXPECT_EQ(0, bpf_prog_test_run_opts(prog, &opts));
	}
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));

	/* With a socket that waits: its port, which the map may not have yet. */
	map = bpf_map__fd(self->skel->maps.tcpconnect_pending);
	sock = tcp_socket(HOLE, SOCK_NONBLOCK);
	ASSERT_EQ(EINPROGRESS, connect_to(sock, HOLE, 80));
	ASSERT_EQ(0, bpf_map_get_next_key(map, NULL, &key));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &attempt));
	attempt.ev.sport = 0;
	ASSERT_EQ(0, bpf_map_update_elem(map, &key, &attempt, BPF_EXIST));
	EXPECT_EQ(0, bpf_prog_test_run_opts(prog, &opts));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &attempt));
	EXPECT_EQ(local_port(sock), attempt.ev.sport);
	close(sock);
}

TEST_F(tcpconnect, refresh)
{
	each_backend(_metadata, self, test_refresh);
}

TEST_HARNESS_MAIN
