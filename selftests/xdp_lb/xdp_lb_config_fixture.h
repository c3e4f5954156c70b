/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of the tests that read configuration files. It is in a header, because the harness
 * finds only fixtures of the object that has the tests.
 */
#ifndef _SELFTESTS_XDP_LB_CONFIG_FIXTURE_H
#define _SELFTESTS_XDP_LB_CONFIG_FIXTURE_H

#include "test_harness.h"
#include <stdlib.h>
#include "test_messages.h"
#include "xdp_lb_config_file.h"

FIXTURE(conf);

/* Work in a directory of our own: the file is then just "lb.yaml" in messages. */
FIXTURE_SETUP(conf)
{
	snprintf(self->dir, sizeof(self->dir), "/tmp/xdp_lb_config.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	forget();
	self->fd = dup(0);
	close(self->fd);
}

FIXTURE_TEARDOWN(conf)
{
	int fd = dup(0);

	/* The lowest free descriptor has not changed: lb_conf_read() left no file open. */
	EXPECT_EQ(self->fd, fd);
	close(fd);
	unlink("lb.yaml");
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, rmdir(self->dir));
}

#endif /* _SELFTESTS_XDP_LB_CONFIG_FIXTURE_H */
