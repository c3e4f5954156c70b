// SPDX-License-Identifier: GPL-2.0
/* Capabilities of this process. */
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include "sample_caps.h"

/**
 * sample_has_cap() - this process has a capability
 * @cap: CAP_SYS_ADMIN, or another number of capabilities(7)
 *
 * Return: true if so, or if the kernel does not tell.
 */
bool sample_has_cap(unsigned int cap)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &hdr, data))
		return true;
	return data[cap / 32].effective & (1U << (cap % 32));
}
