// SPDX-License-Identifier: GPL-2.0
/* Mounts file systems for tests: see test_mount.h. */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include "test_mount.h"

int test_mount(const char *type, const char *dir)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	/* Only "/sys": in a chroot, "/" may be no mount point. */
	if (mount("none", "/sys", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		return -errno;
	return 0;
}
