/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of samples/tcpconnect_kern.c: makes a network namespace with a listener,
 * loads the programs of each back end, and checks the events of attempts.
 */
#ifndef _SELFTESTS_TCPCONNECT_RUN_H
#define _SELFTESTS_TCPCONNECT_RUN_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "test_harness.h"
#include "test_net.h"
#include "test_root.h"
#include "test_run.h"
#include "tcpconnect.h"
#include "tcpconnect.skel.h"

enum {
	EVENTS_MAX = 64,
	OPEN_PORT = 2000,
	CLOSED_PORT = 2001,
};

FIXTURE(tcpconnect)
{
	struct tcpconnect_kern *skel;
	struct test_ring ring;
	int listener;
	__u32 netns;
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

/* Programs that every back end needs. */
static const char * const all_backends[2] = { "set_state", "refresh" };

/* --- connections ------------------------------------------------------------------- */

static inline int tcp_socket(const char *addr, int flags)
{
	return socket(strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
}

/* Returns 0 or a positive errno. */
static inline int connect_to(int fd, const char *addr, __u16 port)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, addr, port);

	return connect(fd, (void *)&to, len) ? errno : 0;
}

static inline int bind_to(int fd, const char *addr, __u16 port)
{
	struct sockaddr_storage to;
	socklen_t len = fill_addr(&to, addr, port);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (void *)&to, len);
}

static inline __be16 local_port(int fd)
{
	struct sockaddr_in6 me = {};
	socklen_t len = sizeof(me);

	getsockname(fd, (void *)&me, &len);
	return me.sin6_port;
}

/* --- the programs ------------------------------------------------------------------- */

static inline bool has_prefix(const char *name, const char * const prefixes[2])
{
	return !strncmp(name, prefixes[0], strlen(prefixes[0])) ||
	       !strncmp(name, prefixes[1], strlen(prefixes[1]));
}

FIXTURE_SETUP(tcpconnect)
{
	if (test_lacks(SAMPLE_NEED_BPF | SAMPLE_NEED_PERFMON))
		SKIP(return, "%s", test_lacked);
}

FIXTURE_TEARDOWN(tcpconnect)
{
}

static inline void make_network(struct __test_metadata *_metadata,
				struct _test_data_tcpconnect *self)
{
	struct stat ns;

	ASSERT_EQ(0, test_lone_netns());
	ASSERT_EQ(0, stat("/proc/self/ns/net", &ns));
	self->netns = ns.st_ino;
	self->listener = tcp_socket("::", 0);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, bind_to(self->listener, "::", OPEN_PORT));
	ASSERT_EQ(0, listen(self->listener, 100));
}

static inline void open_programs(struct __test_metadata *_metadata,
				 struct _test_data_tcpconnect *self,
				 enum tcpconnect_backend backend)
{
	struct bpf_program *prog;
	struct stat pidns;

	ASSERT_EQ(0, stat("/proc/self/ns/pid", &pidns));
	self->skel = tcpconnect_kern__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->pidns_dev = pidns.st_dev;
	self->skel->rodata->pidns_ino = pidns.st_ino;
	self->skel->rodata->backend = backend;
	self->skel->rodata->nr_connect = SYS_connect;
	self->skel->rodata->filter.netns = self->netns;
	bpf_object__for_each_program(prog, self->skel->obj) {
		const char *name = bpf_program__name(prog);

		bpf_program__set_autoload(prog, has_prefix(name, backends[backend].prefixes) ||
					  has_prefix(name, all_backends));
	}
}

static inline bool is_lacking(int err)
{
	return err == -ENOENT || err == -EPERM || err == -EOPNOTSUPP || err == -524;
}

/*
 * Loads and attaches the programs with the constants that the test has set. Returns false if
 * this kernel lacks the back end.
 */
static inline bool start(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self)
{
	enum tcpconnect_backend backend = self->skel->rodata->backend;
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int err;

	/* Hide the messages of libbpf about a back end that the kernel may lack. */
	if (backend == TCPCONNECT_TRACEPOINT)
		libbpf_set_print(print);
	err = tcpconnect_kern__load(self->skel);
	if (!err)
		err = tcpconnect_kern__attach(self->skel);
	libbpf_set_print(print);
	/* All kernels have tracepoints, so no test can pass without any program loaded. */
	if (is_lacking(err) && backend != TCPCONNECT_TRACEPOINT) {
		TH_LOG("not here: %s", backends[backend].name);
		return false;
	}
	ASSERT_EQ(0, err)
		TH_LOG("back end %s", backends[backend].name);
	self->ring = (struct test_ring) {
		.events = self->events, .size = sizeof(self->events[0]), .max = EVENTS_MAX,
	};
	ASSERT_EQ(0, test_ring_open(&self->ring, self->skel->maps.tcpconnect_events));
	return true;
}

typedef void test_fn(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self);

/* Runs a test with each back end that this kernel has, each time in a new network namespace. */
static inline void each_backend(struct __test_metadata *_metadata,
				struct _test_data_tcpconnect *self, test_fn *test)
{
	int backend;

	for (backend = 0; backend < __TCPCONNECT_BACKEND_MAX; backend++) {
		make_network(_metadata, self);
		open_programs(_metadata, self, backend);
		test(_metadata, self);
		if (_metadata->exit_code == KSFT_FAIL)
			TH_LOG("failed with back end %s", backends[backend].name);
		test_ring_close(&self->ring);
		tcpconnect_kern__destroy(self->skel);
		close(self->listener);
	}
}

static inline __u64 counter(struct _test_data_tcpconnect *self, __u32 reason)
{
	__u64 sum;

	return test_sum(self->skel->maps.tcpconnect_counts, &reason, &sum) < 0 ? ~0ULL : sum;
}

static inline __u32 n_keys(const struct bpf_map *map)
{
	__u64 key, *prev = NULL;
	__u32 n = 0;

	for (; !bpf_map_get_next_key(bpf_map__fd(map), prev, &key); prev = &key)
		n++;
	return n;
}

static inline bool is_addr(const __be32 have[4], const char *want)
{
	struct in6_addr addr;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(want, ':') ? "" : "::ffff:", want);
	return inet_pton(AF_INET6, mapped, &addr) == 1 && !memcmp(have, &addr, sizeof(addr));
}

/*
 * True if the map of running connect() calls is empty. This process is in no call now. Calls
 * of other processes come and go; an entry that stays for five seconds is a leak of ours.
 */
static inline bool nothing_kept(struct _test_data_tcpconnect *self)
{
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		if (!n_keys(self->skel->maps.tcpconnect_calls))
			return true;
		usleep(1000);
	}
	return false;
}

/* There are @n events since the last call, and no entry is left of a connect() call. */
static inline void expect_events(struct __test_metadata *_metadata,
				 struct _test_data_tcpconnect *self, __u32 n)
{
	ASSERT_EQ((int)n, test_ring_read(&self->ring));
	EXPECT_TRUE(nothing_kept(self));
}

/* There is one event, with this result and these addresses, about a call of this thread. */
static inline void expect(struct __test_metadata *_metadata, struct _test_data_tcpconnect *self,
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

#endif /* _SELFTESTS_TCPCONNECT_RUN_H */
