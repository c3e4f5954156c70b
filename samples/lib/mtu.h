/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Say when native XDP may lose frames because the MTU of an interface has risen. */
#ifndef _SAMPLES_LIB_MTU_H
#define _SAMPLES_LIB_MTU_H

#include <linux/types.h>

struct nlattr;

__u32 sample_mtu_read(const char *ifname);
void sample_mtu_follow(unsigned int ifindex, const char *ifname, __u32 *was,
		       const struct nlattr **attrs);

#endif /* _SAMPLES_LIB_MTU_H */
