// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/xdp_lb_kern.c: two CPUs change one entry of a table. A child process runs
 * the program on packets of a connection whose entry is over. The test acts as the program on
 * another CPU: by compare-and-exchange, it takes the entry for another connection. An entry
 * that the test has taken must stay as it is.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "test_harness.h"
#include "xdp_lb_fixture.h"
#include "xdp_lb_flow_table.h"

enum {
	/* Number of entries that the test takes while the program runs. */
	TAKEN = 20000,
	SECONDS_MAX = 20,
	/* Longer than one run of the program takes, with its start by the kernel. */
	HOLD_NS = 5000,
	/* A hash tag that no connection of the test has. */
	STRANGER_TAG = 0xabcdef,
};

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void wait_ns(__u64 ns)
{
	__u64 end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static volatile sig_atomic_t ended;

static void end_packets(int sig)
{
	ended = 1;
}

/* Start a process that runs the packet in self->pkt again and again on the other CPU. */
static pid_t start_packets(struct _test_data_lb *self, __u64 *sent)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* End with the test, however the test ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, end_packets);
	stay_on(1);
	for (; !ended; (*sent)++) {
		if (lb_run_packet(self))
			_exit(1);
	}
	_exit(0);
}

static void stop_packets(LB_ARGS, pid_t pid)
{
	int status = -1;

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status)
		TH_LOG("the program failed");
}

/**
 * struct race - an entry that two CPUs want at the same time
 * @entry: a word of a table
 * @free: value with which the test offers the entry to both
 * @taken: value with which the test takes the entry; it must stay
 * @offer: called before each offer; may be NULL
 * @conn: the connection of the packets, for @offer
 */
struct race {
	__u64 *entry;
	__u64 free;
	__u64 taken;
	void (*offer)(struct _test_data_lb *self, const struct conn *conn);
	const struct conn *conn;
};

/* Returns how many of the entries that the test took did not stay. */
static __u32 take_entries(LB_ARGS, const struct race *race)
{
	__u64 end = now_ns() + SECONDS_MAX * 1000000000ULL;
	__u32 n = 0, lost = 0, i;

	for (i = 0; n < TAKEN && now_ns() < end; i++) {
		if (race->offer)
			race->offer(self, race->conn);
		__atomic_store_n(race->entry, race->free, __ATOMIC_SEQ_CST);
		wait_ns(i * 37 % 2000);
		if (!__sync_bool_compare_and_swap(race->entry, race->free, race->taken))
			continue;
		n++;
		wait_ns(HOLD_NS);
		lost += __atomic_load_n(race->entry, __ATOMIC_SEQ_CST) != race->taken;
	}
	EXPECT_LT(100, n);
	return lost;
}

static void run_race(LB_ARGS, const struct race *race)
{
	__u64 *sent = mmap(NULL, sizeof(*sent), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, sent);
	pid = start_packets(self, sent);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, take_entries(_metadata, self, race))
		TH_LOG("entries of others that were taken away");
	stop_packets(_metadata, self, pid);
	self->seen += *sent;
	munmap(sent, sizeof(*sent));
}

/* Leave no slot but @but for the connection: all others have established connections. */
static void fill_others(struct _test_data_lb *self, const struct conn *conn, const __u64 *but)
{
	struct lb_bucket *bucket;
	int second, i;

	for (second = 0; second < 2; second++) {
		bucket = lb_bucket_of(self, conn, second);
		for (i = 1; i < LB_BUCKET_LINES; i++) {
			if (&bucket->word[i] != but)
				bucket->word[i] = LB_WORD(0, STRANGER_TAG, LB_FLOW_ESTABLISHED);
		}
	}
}

static void race_for_slot(LB_ARGS, struct kind kind, bool other_forward)
{
	struct service vip = lb_add(_metadata, self, kind, 2);
	struct conn conn = lb_conn_n(&vip, 3);
	struct race race = { .taken = LB_WORD(0, STRANGER_TAG, LB_FLOW_ESTABLISHED) };
	int slot;

	lb_open(_metadata, self, &conn);
	slot = lb_slot_of(self, &conn);
	ASSERT_NE(NOWHERE, slot);
	race.entry = lb_word_at(self, slot);
	fill_others(self, &conn, race.entry);
	/* With @other_forward, the program gives the slot up; else it uses the slot again. */
	if (other_forward)
		lb_flow_at(self, slot)->forward = LB_DSR;
	lb_set_flow(self, slot, LB_FLOW_UDP, lb_test_timeouts[LB_FLOW_UDP] + 1);
	race.free = *race.entry;
	lb_build_request(self, &conn, 0, NULL);
	run_race(_metadata, self, &race);
}

static bool two_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

TEST_F_TIMEOUT(lb, slot_that_is_over, 90)
{
	const struct kind dsr = { LB_DSR, 4, 4, IPPROTO_UDP };
	const struct kind dnat = { LB_DNAT, 4, 4, IPPROTO_UDP };

	if (!two_cpus())
		SKIP(return, "there is one CPU");
	stay_on(0);
	race_for_slot(_metadata, self, dsr, false);
	race_for_slot(_metadata, self, dnat, false);
	race_for_slot(_metadata, self, dnat, true);
}

/* Empty the buckets: the connection is new each time, and needs a port. */
static void offer_port(struct _test_data_lb *self, const struct conn *conn)
{
	int second;

	for (second = 0; second < 2; second++)
		memset(lb_bucket_of(self, conn, second)->word, 0,
		       sizeof(lb_bucket_of(self, conn, second)->word));
}

/* The range has one port; the connection that takes it in the test is established. */
TEST_F_TIMEOUT(lb, port_that_is_free, 60)
{
	const struct kind nat = { LB_NAT, 4, 4, IPPROTO_UDP };
	struct lb_kern_conf *conf = self->maps.config;
	struct race race = { .free = 0, .offer = offer_port };
	struct service vip;
	struct conn conn, other;
	__u32 port;
	int slot;

	if (!two_cpus())
		SKIP(return, "there is one CPU");
	stay_on(0);
	lb_add_snats(self);
	port = conf->snat[0].min;
	conf->snat[0].max = port;
	vip = lb_add(_metadata, self, nat, 2);
	other = lb_conn_n(&vip, 5);
	lb_open(_metadata, self, &other);
	slot = lb_slot_of(self, &other);
	ASSERT_NE(NOWHERE, slot);
	lb_set_flow(self, slot, LB_FLOW_UDP_REPLIED, 0);

	conn = lb_conn_n(&vip, 3);
	ASSERT_NE(lb_bucket_of(self, &other, 0), lb_bucket_of(self, &conn, 0));
	ASSERT_NE(lb_bucket_of(self, &other, 0), lb_bucket_of(self, &conn, 1));
	race.entry = &self->maps.reverse[LB_REVERSE_INDEX(0, 1, port)].port[port % LB_LINE_PORTS];
	race.taken = *race.entry;
	race.conn = &conn;
	lb_build_request(self, &conn, 0, NULL);
	run_race(_metadata, self, &race);
}

int main(int argc, char **argv)
{
	return lb_test_main(argc, argv);
}
