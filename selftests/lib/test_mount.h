/* SPDX-License-Identifier: GPL-2.0 */
/* bpffs or tracefs for a test, whatever is mounted on this machine. */
#ifndef _SELFTESTS_TEST_MOUNT_H
#define _SELFTESTS_TEST_MOUNT_H

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

/*
 * Mounts it where only this process and its children see it: they end with the test, and a
 * bpffs with all that is pinned. Of tracefs the kernel has one, which may be there already.
 */
static inline int test_mount(const char *type, const char *dir)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	/* Not "/", which in a chroot may be no mount point. */
	if (mount("none", "/sys", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		return -errno;
	return 0;
}

#endif /* _SELFTESTS_TEST_MOUNT_H */
