/* SPDX-License-Identifier: GPL-2.0 */
/* Mounts a bpffs or tracefs for a test, whatever the machine has mounted. */
#ifndef _SELFTESTS_TEST_MOUNT_H
#define _SELFTESTS_TEST_MOUNT_H

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

/*
 * Mounts @type at @dir in a mount namespace of this process and its children. The mount goes
 * when they end, and with a bpffs all its pins. The kernel has only one tracefs; EBUSY
 * means that it is already mounted at @dir. Returns 0 or a negative errno.
 */
static inline int test_mount(const char *type, const char *dir)
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

#endif /* _SELFTESTS_TEST_MOUNT_H */
