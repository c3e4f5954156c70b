// SPDX-License-Identifier: GPL-2.0
/* Tests of samples/sample_clock.c: its clock is that of BPF programs, in time namespaces too. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>
/* First: the harness takes its ARRAY_SIZE. */
#include "sample.h"
#include <kselftest_harness.h>
#include "test_root.h"
#include "sample_clock.c"

/* Why no time namespace can be made and set here; NULL: one can. */
static const char *cannot_unshare(void)
{
	if (access("/proc/self/timens_offsets", F_OK))
		return "this kernel has no time namespaces";
	if (!sample_has_cap(CAP_SYS_TIME))
		return "needs root with CAP_SYS_TIME";
	return test_lacks(SAMPLE_NEED_ADMIN) ? test_lacked : NULL;
}

/* A new one for the children of this process, which stays where it is. */
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

/* As a child reads them. */
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
		/* The namespace is another one, or all this shows nothing. */
		EXPECT_LE(before + offsets[i].ns, clocks.monotonic);
	}
}

/* As a program that "unshare --time" without --fork starts before Linux 6.3. */
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

TEST_HARNESS_MAIN
