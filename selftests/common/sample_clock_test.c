// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of samples/lib/clock.c: sample_now() reads the clock of BPF programs, even in time
 * namespaces, and sample_realtime() follows the clock of the machine.
 *
 * alone: it sets the clock of the machine, and back
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
/* Include these before the harness, which then uses their ARRAY_SIZE. */
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/util.h"
#include "test_harness.h"
#include "test_root.h"

#define NS_PER_SEC 1000000000LL

static __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/* Returns why this process cannot make and set a time namespace; NULL if it can. */
static const char *cannot_unshare(void)
{
	if (access("/proc/self/timens_offsets", F_OK))
		return "this kernel has no time namespaces";
	if (!sample_has_cap(CAP_SYS_TIME))
		return "needs root with CAP_SYS_TIME";
	return test_lacks(SAMPLE_NEED_ADMIN) ? test_lacked : NULL;
}

/* Makes a time namespace for the children of this process; the process itself stays. */
static int unshare_time(const char *offset)
{
	FILE *file;

	if (unshare(CLONE_NEWTIME))
		return -errno;
	file = fopen("/proc/self/timens_offsets", "we");
	if (!file)
		return -errno;
	fputs(offset, file);
	return fclose(file) ? -errno : 0;
}

/**
 * struct clocks - what a process in a time namespace has read
 * @monotonic: CLOCK_MONOTONIC in ns
 * @now: sample_now()
 */
struct clocks {
	__u64 monotonic;
	__u64 now;
};

/* Reads both clocks in a child process, which is in the new time namespace. */
static int read_clocks(struct clocks *clocks)
{
	int fds[2], status, err = 0;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (!pid) {
		*clocks = (struct clocks) { clock_ns(CLOCK_MONOTONIC), sample_now() };
		_exit(write(fds[1], clocks, sizeof(*clocks)) != sizeof(*clocks));
	}
	close(fds[1]);
	if (pid < 0 || read(fds[0], clocks, sizeof(*clocks)) != sizeof(*clocks))
		err = -EIO;
	close(fds[0]);
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		err = -EIO;
	return err;
}

TEST(clock_is_that_outside_of_a_namespace)
{
	static const struct {
		const char *text;
		__s64 ns;
	} offsets[] = {
		{ "monotonic 100000 5", 100000000000005 },
		{ "monotonic 0 999999999", 999999999 },
		{ "monotonic -1 1", -999999999 },
	};
	struct clocks clocks;
	unsigned int i;
	__u64 before;

	if (cannot_unshare())
		SKIP(return, "%s", cannot_unshare());
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		ASSERT_EQ(0, unshare_time(offsets[i].text));
		before = clock_ns(CLOCK_MONOTONIC);
		ASSERT_EQ(0, read_clocks(&clocks));
		EXPECT_LE(before, clocks.now) TH_LOG("%s", offsets[i].text);
		EXPECT_GE(clock_ns(CLOCK_MONOTONIC), clocks.now) TH_LOG("%s", offsets[i].text);
		/* The child must really be in another namespace, or the test shows nothing. */
		EXPECT_LE(before + offsets[i].ns, clocks.monotonic);
	}
}

/* Before Linux 6.3, "unshare --time" without --fork starts a program in this situation. */
TEST(namespace_of_children_is_not_ours)
{
	__u64 before, now;

	if (cannot_unshare())
		SKIP(return, "%s", cannot_unshare());
	ASSERT_EQ(0, unshare_time("monotonic 100000 0"));
	before = clock_ns(CLOCK_MONOTONIC);
	now = sample_now();
	EXPECT_LE(before, now);
	EXPECT_GE(clock_ns(CLOCK_MONOTONIC), now);
}

/* Sets the clock of the machine forward, or with @us < 0 backward. */
static int step_clock(long us)
{
	struct timex step = {
		.modes = ADJ_SETOFFSET | ADJ_NANO,
		.time = { .tv_sec = us < 0 ? -1 : 0 },
	};

	step.time.tv_usec = us * 1000 - step.time.tv_sec * NS_PER_SEC;
	return adjtimex(&step) < 0 ? -errno : 0;
}

/* The clock is wrong for some microseconds only, and by so little that nobody else minds. */
TEST(time_of_day_follows_the_clock)
{
	__u64 before, between, after;
	const long step_us = 2000;
	int forward, back;

	if (!sample_has_cap(CAP_SYS_TIME))
		SKIP(return, "needs root with CAP_SYS_TIME");
	before = sample_realtime(0);
	forward = step_clock(step_us);
	between = sample_realtime(0);
	back = forward ? 0 : step_clock(-step_us);
	after = sample_realtime(0);
	if (forward == -EPERM)
		SKIP(return, "nobody may set the clock of this machine");
	ASSERT_EQ(0, forward);
	ASSERT_EQ(0, back);
	/* Time passes between the readings, so allow 1000 us. */
	EXPECT_LT(before + (step_us - 1000) * 1000, between);
	EXPECT_GT(before + (step_us + 1000) * 1000, between);
	EXPECT_LT(after + (step_us - 1000) * 1000, between);
	EXPECT_GT(after + (step_us + 1000) * 1000, between);
}

/* With jitter, the order of packets could differ from the order of their times. */
TEST(time_of_day_has_no_jitter)
{
	__u64 now, first = sample_realtime(0), later = first;
	unsigned int i;

	for (i = 0; i < 1000 && later == first; i++)
		later = sample_realtime(0);
	EXPECT_EQ(first, later);
	now = sample_realtime(sample_now());
	EXPECT_GT(clock_ns(CLOCK_REALTIME) + NS_PER_SEC, now);
	EXPECT_LT(clock_ns(CLOCK_REALTIME) - NS_PER_SEC, now);
}

TEST_HARNESS_MAIN
