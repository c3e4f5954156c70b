// SPDX-License-Identifier: GPL-2.0
/* Tests of samples/lib/log.c: messages do not change errno. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
/* Include these before the harness, which then uses their ARRAY_SIZE. */
#include "lib/log.h"
#include "lib/opts.h"
#include "test_harness.h"

static const struct sample_info info = { .name = "test" };

static void err(void)
{
	pr_err("failed to %s", "try");
}

static void hint(void)
{
	pr_hint("try %s", "again");
}

static void say(void)
{
	pr_info("it is %s", "this");
}

/* Returns errno after a message that cannot be written, as on a full disk. */
static int errno_behind(void (*message)(void))
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int kept = dup(STDERR_FILENO);
	int after;

	dup2(full, STDERR_FILENO);
	errno = EXDEV;
	message();
	after = errno;
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(full);
	return after;
}

TEST(messages_leave_errno)
{
	sample.info = &info;
	EXPECT_EQ(EXDEV, errno_behind(err));
	EXPECT_EQ(EXDEV, errno_behind(hint));
	EXPECT_EQ(EXDEV, errno_behind(say));
	EXPECT_EQ(EXDEV, errno_behind(pr_hint_doctor));
	EXPECT_EQ(EXDEV, errno_behind(pr_hint_help));
}

TEST_HARNESS_MAIN
