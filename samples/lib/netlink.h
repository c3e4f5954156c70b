/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Dumps of rtnetlink. */
#ifndef _SAMPLES_LIB_NETLINK_H
#define _SAMPLES_LIB_NETLINK_H

#include <linux/types.h>

struct nlmsghdr;
struct rtattr;

/* Takes an entry of a dump; NULL: the dump starts. An error ends it. */
typedef int sample_netlink_fn(const struct nlmsghdr *nh, void *ctx);

int sample_netlink_open(__u32 groups);
int sample_netlink_dump(struct nlmsghdr *req, sample_netlink_fn *fn, void *ctx);
void sample_netlink_attrs(const struct rtattr *first, int len, const struct rtattr **attrs,
			  unsigned int n);

#endif /* _SAMPLES_LIB_NETLINK_H */
