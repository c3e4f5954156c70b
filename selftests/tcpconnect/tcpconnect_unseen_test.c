// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/tcpconnect_kern.c: results that come while the program already runs on
 * that CPU, and attempts whose end the program missed, so that the next connection of the
 * same socket finds an old entry.
 *
 * alone: it keeps the CPUs in softirqs, which make the programs of other tests miss results
 */
#include <sched.h>
#include <sys/resource.h>
#include <linux/tcp.h>
#include "tcpconnect_run.h"

enum {
	/* Number of sockets that time out, and the time over which the test opens them. */
	HOLES = 500,
	OPENING_MS = 1000,
	PATIENCE_MS = 300,
	/*
	 * Sockets time out when the first retransmission is due, after a second. So keep the CPU
	 * busy until the last one has timed out.
	 */
	BUSY_MS = OPENING_MS + 1500,
	POLL_MS = 20000,
};

/* --- a result in a softirq that interrupts the program ------------------------------ */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Number of runs that the kernel skipped, because the program already ran on that CPU. */
static __u64 n_skipped(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len) ?
		       0 : info.recursion_misses;
}

/*
 * Binds this process to one CPU, on which its timers then run, too, and leaves only one local
 * port, so that connect() fails at once when that port is taken.
 *
 * No other process gets this CPU, so that the softirqs of its timers interrupt this process.
 * Some virtual machines keep tracing away from the agent that serves them: no BPF program runs
 * in a softirq that interrupts the agent.
 */
static void make_busy(struct __test_metadata *_metadata)
{
	const struct rlimit files = { HOLES + 100, HOLES + 100 };
	const struct sched_param lowest = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	if (sched_setscheduler(0, SCHED_FIFO, &lowest))
		TH_LOG("other processes run on this CPU, too: no SCHED_FIFO: %s", strerror(errno));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, system("echo 3000 3000 >/proc/sys/net/ipv4/ip_local_port_range"));
}

static int open_hole(__u16 port)
{
	int fd = tcp_socket(HOLE, SOCK_NONBLOCK), patience = PATIENCE_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	return connect_to(fd, HOLE, port) == EINPROGRESS ? fd : -1;
}

/*
 * Sockets time out in the softirq of a timer. Meanwhile attempts that find no local port go
 * to SYN_SENT and back to CLOSE as fast as possible, so that many of these softirqs interrupt
 * the program. Returns the number of attempts.
 */
static __u64 time_out_meanwhile(struct __test_metadata *_metadata)
{
	int fds[HOLES], n = 0, busy = tcp_socket("127.0.0.1", 0);
	long begin = now_ms(), past = 0;
	__u64 tries = 0;

	for (; past < BUSY_MS; past = now_ms() - begin, tries++) {
		ASSERT_EQ(EADDRNOTAVAIL, connect_to(busy, "127.0.0.1", OPEN_PORT));
		if (n == HOLES || past * HOLES < (long)n * OPENING_MS)
			continue;
		fds[n] = open_hole(1 + n);
		ASSERT_LE(0, fds[n]);
		n++;
	}
	close(busy);
	for (tries += n; n; n--) {
		struct pollfd pfd = { .fd = fds[n - 1], .events = POLLOUT };

		EXPECT_EQ(1, poll(&pfd, 1, POLL_MS));
		close(fds[n - 1]);
	}
	return tries;
}

static void test_interrupted(struct __test_metadata *_metadata,
			     struct _test_data_tcpconnect *self)
{
	int taken = tcp_socket("127.0.0.1", 0);
	__u64 tries;

	make_busy(_metadata);
	self->skel->rodata->events = false;
	if (!start(_metadata, self))
		return;
	ASSERT_EQ(0, connect_to(taken, "127.0.0.1", OPEN_PORT));
	ASSERT_EQ(1, counter(self, TCPCONNECT_OK));
	tries = time_out_meanwhile(_metadata);
	close(taken);
	TH_LOG("%llu attempts, %llu runs skipped", tries,
	       n_skipped(self->skel->progs.set_state));
	EXPECT_EQ(tries, counter(self, TCPCONNECT_FAILED));
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
}

TEST_F_TIMEOUT(tcpconnect, interrupted, 60)
{
	each_backend(_metadata, self, test_interrupted);
}

/* --- an attempt whose end was not seen ---------------------------------------------- */

/* Reads the entry of the only pending attempt. */
static void get_pending(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			__u64 *key, struct tcpconnect_attempt *attempt)
{
	int map = bpf_map__fd(self->skel->maps.tcpconnect_pending);

	ASSERT_EQ(1, n_keys(self->skel->maps.tcpconnect_pending));
	ASSERT_EQ(0, bpf_map_get_next_key(map, NULL, key));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, key, attempt));
}

static void put_pending(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			__u64 key, const struct tcpconnect_attempt *attempt)
{
	int map = bpf_map__fd(self->skel->maps.tcpconnect_pending);

	ASSERT_EQ(0, bpf_map_update_elem(map, &key, attempt, BPF_ANY));
}

/*
 * Returns a disconnected socket whose attempt is still in the map, as if the program had
 * missed its end.
 */
static int leave_unseen(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
			__u64 *key)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd = tcp_socket(HOLE, SOCK_NONBLOCK);
	struct tcpconnect_attempt attempt;

	EXPECT_EQ(EINPROGRESS, connect_to(fd, HOLE, 80));
	get_pending(_metadata, self, key, &attempt);
	EXPECT_EQ(0, connect(fd, &unspec, sizeof(unspec)));
	expect_events(_metadata, self, 1);
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
	put_pending(_metadata, self, *key, &attempt);
	return fd;
}

static void expect_unseen(struct __test_metadata *_metadata,
			  struct _test_data_tcpconnect *self, __u64 n)
{
	EXPECT_EQ(n, counter(self, TCPCONNECT_UNSEEN));
	EXPECT_EQ(0, n_keys(self->skel->maps.tcpconnect_pending));
}

/* The filter excludes the next connection of the socket, then includes it. */
static void test_next_connection(struct __test_metadata *_metadata,
				 struct _test_data_tcpconnect *self)
{
	struct pollfd pfd = { .events = POLLOUT };
	__u64 key;

	memcpy((char *)self->skel->rodata->filter.comm, "followed", sizeof("followed"));
	if (!start(_metadata, self))
		return;
	prctl(PR_SET_NAME, "followed");
	pfd.fd = leave_unseen(_metadata, self, &key);
	prctl(PR_SET_NAME, "left out");
	ASSERT_EQ(EINPROGRESS, connect_to(pfd.fd, "127.0.0.1", OPEN_PORT));
	ASSERT_EQ(1, poll(&pfd, 1, POLL_MS));
	expect_events(_metadata, self, 0);
	expect_unseen(_metadata, self, 1);
	close(pfd.fd);

	prctl(PR_SET_NAME, "followed");
	pfd.fd = leave_unseen(_metadata, self, &key);
	ASSERT_EQ(EINPROGRESS, connect_to(pfd.fd, "127.0.0.1", OPEN_PORT));
	ASSERT_EQ(1, poll(&pfd, 1, POLL_MS));
	expect(_metadata, self, 0, "127.0.0.1", "127.0.0.1", OPEN_PORT);
	expect_unseen(_metadata, self, 2);
	close(pfd.fd);
}

TEST_F(tcpconnect, next_connection)
{
	each_backend(_metadata, self, test_next_connection);
}

/* The next thing that the socket does is listen. */
static void test_next_listens(struct __test_metadata *_metadata,
			      struct _test_data_tcpconnect *self)
{
	__u64 key;
	int fd;

	if (!start(_metadata, self))
		return;
	fd = leave_unseen(_metadata, self, &key);
	ASSERT_EQ(0, listen(fd, 1));
	expect_unseen(_metadata, self, 1);
	close(fd);
	expect_events(_metadata, self, 0);
}

TEST_F(tcpconnect, next_listens)
{
	each_backend(_metadata, self, test_next_listens);
}

static void change_state(struct __test_metadata *_metadata, const struct bpf_program *prog,
			 __u64 sk, int oldstate, int newstate)
{
	__u64 args[] = { sk, oldstate, newstate };

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	EXPECT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(prog), &opts));
}

/*
 * A listener has got the memory of the old socket for a new connection. The test cannot
 * arrange this, so it calls the programs with the state changes of such a socket.
 */
static void test_next_is_accepted(struct __test_metadata *_metadata,
				  struct _test_data_tcpconnect *self)
{
	const struct bpf_program *progs[2];
	unsigned int i;
	__u64 key;
	int fd;

	if (!start(_metadata, self))
		return;
	progs[0] = self->skel->progs.set_state;
	progs[1] = self->skel->progs.set_state_twin;
	for (i = 0; i < ARRAY_SIZE(progs); i++) {
		fd = leave_unseen(_metadata, self, &key);
		change_state(_metadata, progs[i], key, BPF_TCP_LISTEN, BPF_TCP_SYN_RECV);
		change_state(_metadata, progs[i], key, BPF_TCP_SYN_RECV, BPF_TCP_ESTABLISHED);
		expect_events(_metadata, self, 0);
		expect_unseen(_metadata, self, i + 1);
		close(fd);
	}
}

TEST_F(tcpconnect, next_is_accepted)
{
	each_backend(_metadata, self, test_next_is_accepted);
}

/* The entry differs from the socket: the program sees a result of another connection only. */
static void test_other_socket(struct __test_metadata *_metadata,
			      struct _test_data_tcpconnect *self)
{
	struct tcpconnect_attempt attempt, other;
	int fd, i;
	__u64 key;

	if (!start(_metadata, self))
		return;
	for (i = 0; i < 3; i++) {
		fd = tcp_socket(HOLE, SOCK_NONBLOCK);
		ASSERT_EQ(EINPROGRESS, connect_to(fd, HOLE, 80));
		get_pending(_metadata, self, &key, &attempt);
		other = attempt;
		other.ev.netns += i == 0;
		other.ev.dport += i == 1;
		other.ev.daddr[3] += i == 2;
		put_pending(_metadata, self, key, &other);
		close(fd);
		expect_events(_metadata, self, 0);
		expect_unseen(_metadata, self, i + 1);
	}
}

TEST_F(tcpconnect, other_socket)
{
	each_backend(_metadata, self, test_other_socket);
}

/* The loader calls refresh at its end: a missed attempt is then not reported as pending. */
static void test_refresh_unseen(struct __test_metadata *_metadata,
				struct _test_data_tcpconnect *self)
{
	__u64 key;
	int fd;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &key, .ctx_size_in = sizeof(key));
	if (!start(_metadata, self))
		return;
	fd = leave_unseen(_metadata, self, &key);
	EXPECT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(self->skel->progs.refresh), &opts));
	expect_unseen(_metadata, self, 1);
	close(fd);
}

TEST_F(tcpconnect, refresh_unseen)
{
	each_backend(_metadata, self, test_refresh_unseen);
}

TEST_HARNESS_MAIN
