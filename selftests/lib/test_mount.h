/* SPDX-License-Identifier: GPL-2.0 */
/* Mounts a bpffs or tracefs for a test, whatever the machine has mounted. */
#ifndef _SELFTESTS_TEST_MOUNT_H
#define _SELFTESTS_TEST_MOUNT_H

/*
 * Mounts @type at @dir in a mount namespace of this process and its children. The mount goes
 * when they end, and with a bpffs all its pins. The kernel has only one tracefs; EBUSY
 * means that it is already mounted at @dir. Returns 0 or a negative errno.
 */
int test_mount(const char *type, const char *dir);

#endif /* _SELFTESTS_TEST_MOUNT_H */
